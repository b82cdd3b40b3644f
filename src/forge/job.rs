//! What a CI job says of itself: its variables and the file of its event, read by `facts.tsv`.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value as Json;

use super::ForgeError;
use crate::masked::Masked;

const FACTS: &str = include_str!("facts.tsv");

/// The variable that names the forge where its own CI does not run the job: `github`, `gitlab`, `gitea`, `plain`.
const NAMED: &str = "WEFT_FORGE";

/// A kind of forge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Forge {
    /// Gitea or Forgejo.
    Gitea,
    /// GitHub.
    GitHub,
    /// GitLab.
    GitLab,
    /// None: a shell, or the hook of a bare repository.
    #[default]
    Plain,
}

/// What a job says of itself. What it does not say is `None`.
#[derive(Debug, Default, PartialEq)]
pub struct Job {
    /// Where it runs.
    pub forge: Forge,
    /// The address of the API, without `/` at the end.
    pub api: Option<String>,
    /// The repository, as the API names it: `owner/name`, or the number of a project on GitLab.
    pub repository: Option<String>,
    /// The number of the pull request.
    pub pull: Option<String>,
    /// The branch that it goes into.
    pub target: Option<String>,
    /// The commit that is compared with: the target's, or the one before a push.
    pub base: Option<String>,
    /// The commit that the job is about, which has the statuses.
    pub head: Option<String>,
    /// The branch of that commit.
    pub branch: Option<String>,
    /// Whether the pull request comes from another repository, whose jobs get no secrets.
    pub is_fork: bool,
    /// The file for a summary in Markdown.
    pub summary: Option<String>,
    /// The page of the job.
    pub run: Option<String>,
    /// The file with the authorities of the API's certificate, as PEM.
    pub authorities: Option<String>,
    /// The variables that a token is looked for in.
    pub tokens: Vec<&'static str>,
    /// What the header `Authorization` says, where there is a token.
    pub authorization: Option<Masked<String>>,
}

impl fmt::Display for Forge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

impl Forge {
    const ALL: [Self; 4] = [Self::Gitea, Self::GitHub, Self::GitLab, Self::Plain];

    /// Its name in the tables.
    pub fn key(self) -> &'static str {
        match self {
            Self::Gitea => "gitea",
            Self::GitHub => "github",
            Self::GitLab => "gitlab",
            Self::Plain => "plain",
        }
    }

    /// The forge whose CI set these variables, or the one that `WEFT_FORGE` names.
    pub fn of(variables: &BTreeMap<String, String>) -> Result<Self, ForgeError> {
        if let Some(name) = variables.get(NAMED).filter(|it| !it.is_empty()) {
            let named = Self::ALL.into_iter().find(|it| it.key() == name);
            return named.ok_or_else(|| ForgeError::Unknown { name: name.clone() });
        }
        let is = |forge: &Self| Facts { forge: *forge, variables, event: &Json::Null }.of("is").is_some();
        Ok(Self::ALL.into_iter().find(is).unwrap_or_default())
    }

    /// The file that tells of the event which started the job.
    pub fn event(self, variables: &BTreeMap<String, String>) -> Option<String> {
        Facts { forge: self, variables, event: &Json::Null }.of("event")
    }

    /// How a token is sent.
    fn scheme(self) -> &'static str {
        if self == Self::Gitea { "token" } else { "Bearer" }
    }
}

impl Job {
    /// Reads the facts of a job. `event` is the text of the file that [`Forge::event`] names, or nothing.
    pub fn read(forge: Forge, variables: &BTreeMap<String, String>, event: &str) -> Result<Self, ForgeError> {
        let event = match event.trim() {
            "" => Json::Null,
            text => serde_json::from_str(text).map_err(ForgeError::Event)?,
        };
        let facts = Facts { forge, variables, event: &event };
        let (pull, into, from) = (facts.of("pull"), facts.of("into"), facts.of("from"));
        let tokens = facts.names("token");
        let token = tokens.iter().find_map(|name| variables.get(*name).filter(|it| !it.is_empty()));
        let authorization = token.map(|token| Masked::new(format!("{} {token}", forge.scheme())));
        Ok(Self {
            forge,
            api: facts.of("api").map(|it| it.trim_end_matches('/').to_owned()),
            repository: facts.of("repository"),
            // The repository of a pull request may be gone, which is no reason to trust it.
            is_fork: pull.is_some() && into != from,
            pull,
            target: facts.of("target"),
            base: facts.commit("base"),
            head: facts.commit("head"),
            branch: facts.of("branch").map(|it| it.strip_prefix("refs/heads/").unwrap_or(&it).to_owned()),
            summary: facts.of("summary"),
            run: facts.of("run"),
            authorities: facts.of("authorities"),
            tokens,
            authorization,
        })
    }
}

/// The places of a forge's facts, with what stands there.
struct Facts<'v> {
    forge: Forge,
    variables: &'v BTreeMap<String, String>,
    event: &'v Json,
}

impl Facts<'_> {
    fn names(&self, fact: &str) -> Vec<&'static str> {
        let row = |line: &'static str| {
            let mut columns = line.split('\t');
            let is = columns.next() == Some(self.forge.key()) && columns.next() == Some(fact);
            columns.next().filter(|_| is)
        };
        FACTS.lines().find_map(row).map(|places| places.split(' ').collect()).unwrap_or_default()
    }

    /// The first place that has something.
    fn of(&self, fact: &str) -> Option<String> {
        self.found(fact).next()
    }

    /// The first that is a commit.
    fn commit(&self, fact: &str) -> Option<String> {
        self.found(fact).find(|it| it.contains(|c| c != '0'))
    }

    fn found(&self, fact: &str) -> impl Iterator<Item = String> {
        self.names(fact).into_iter().filter_map(|place| self.at(place)).filter(|it| !it.is_empty())
    }

    fn at(&self, place: &str) -> Option<String> {
        if !place.starts_with('/') {
            return self.expanded(place);
        }
        match self.event.pointer(place)? {
            Json::String(text) => Some(text.clone()),
            Json::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// A text with its variables, if all of them are set.
    fn expanded(&self, text: &str) -> Option<String> {
        let (before, rest) = text.split_once('$').unwrap_or((text, ""));
        if rest.is_empty() {
            return Some(before.to_owned());
        }
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let value = self.variables.get(&rest[..end]).filter(|it| !it.is_empty())?;
        Some(format!("{before}{value}{}", self.expanded(&rest[end..])?))
    }
}

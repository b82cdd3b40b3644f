//! What a CI job says of itself: its variables and the file of its event, read by `facts.tsv`.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value as Json;

use super::ForgeError;
use weft_base::masked::Masked;

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
        let is = |forge: &Self| JobVariables { forge: *forge, variables, event: &Json::Null }.of("is").is_some();
        Ok(Self::ALL.into_iter().find(is).unwrap_or_default())
    }

    /// The file that tells of the event which started the job.
    pub fn event(self, variables: &BTreeMap<String, String>) -> Option<String> {
        JobVariables { forge: self, variables, event: &Json::Null }.of("event")
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
        let facts = JobVariables { forge, variables, event: &event };
        let pull = facts.of("pull");
        let into = facts.of("into");
        let from = facts.of("from");
        let tokens = facts.names("token");
        let authorization = token(&tokens, variables)?.map(|it| Masked::new(format!("{} {it}", forge.scheme())));
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

/// A secret without the line break that files and secrets of CI often end with.
pub fn without_break(text: &str) -> &str {
    text.strip_suffix('\n').map_or(text, |it| it.strip_suffix('\r').unwrap_or(it))
}

/// The first of these variables that has a token.
fn token<'v>(names: &[&'static str], variables: &'v BTreeMap<String, String>) -> Result<Option<&'v str>, ForgeError> {
    let of = |name: &&'static str| {
        let line = without_break(variables.get(*name)?);
        (!line.is_empty()).then_some((*name, line))
    };
    match names.iter().find_map(of) {
        Some((variable, line)) if line.contains(char::is_control) => Err(ForgeError::Token { variable }),
        found => Ok(found.map(|(_, line)| line)),
    }
}

/// What the body of a webhook says that happened: the action on a pull request, and the branch or tag of a push.
pub fn happened(forge: Forge, body: &[u8]) -> (Option<String>, Option<String>) {
    let variables = BTreeMap::new();
    let event = serde_json::from_slice(body).unwrap_or_default();
    let facts = JobVariables { forge, variables: &variables, event: &event };
    (facts.of("action"), facts.of("ref"))
}

/// What sort of event the body of a webhook tells of. The header that names it is not signed.
pub(super) fn event_name(forge: Forge, body: &Json) -> String {
    let has = |key: &str| body.get(key).is_some();
    let name = match forge {
        Forge::GitLab => return hook_name(body.get("object_kind").and_then(Json::as_str).unwrap_or_default()),
        _ if has("pull_request") && has("review") => "pull_request_review",
        _ if has("pull_request") && has("comment") => "pull_request_review_comment",
        _ if has("pull_request") => "pull_request",
        _ if has("issue") && has("comment") => "issue_comment",
        _ if has("issue") => "issues",
        _ if has("ref") && has("before") && has("after") => "push",
        _ if has("ref") && has("ref_type") => "reference",
        _ if has("zen") => "ping",
        _ => "other",
    };
    name.to_owned()
}

/// GitLab's name of an event in its header: `Merge Request Hook` of `merge_request`.
fn hook_name(kind: &str) -> String {
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    let is_word = |word: &&str| word.starts_with(|c: char| c.is_ascii_lowercase());
    kind.split('_').filter(is_word).map(capital).chain(["Hook".to_owned()]).collect::<Vec<_>>().join(" ")
}

/// The places of a forge's facts, with what stands there.
struct JobVariables<'v> {
    forge: Forge,
    variables: &'v BTreeMap<String, String>,
    event: &'v Json,
}

impl JobVariables<'_> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use weft_base::diagnostic::Diagnostic;

    #[test]
    fn a_token_is_one_line_and_may_end_with_a_break() {
        let read = |token: &str| {
            let variables = BTreeMap::from([("GITHUB_TOKEN".to_owned(), token.to_owned())]);
            Job::read(Forge::GitHub, &variables, "").map(|it| it.authorization)
        };
        let sent = |token: &str| Some(Masked::new(format!("Bearer {token}")));
        for given in ["secret", "secret\n", "secret\r\n"] {
            assert_eq!(read(given).unwrap(), sent("secret"), "{given:?}");
        }
        assert_eq!(read("\n").unwrap(), None);
        for given in ["secret\n\n", "sec\nret", "secret\r", "\u{1b}secret", "secret\0\n"] {
            let error = Diagnostic::of(&read(given).unwrap_err()).to_string();
            assert_eq!(
                error,
                "error: `GITHUB_TOKEN` has a line break or another control character within its token\n  \
                 = hint: Set it to the token alone; one line break at its end does no harm.\n"
            );
        }
    }
}

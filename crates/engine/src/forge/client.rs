//! Tells a forge: one comment a mark, statuses of commits, and issues that close themselves.

use std::sync::Mutex;
use std::time::Duration;

use http::{HeaderMap, Request, header};
use serde_json::{Value as Json, json};
use tokio::sync::OnceCell;

use super::call::{Author, Call, CallParameters, ForgeEntry};
use super::{Forge, ForgeError, Job};
use crate::network::{Answer, Network, NetworkError, Trust};

/// The largest answer: a page of a hundred comments of the largest size.
const LARGEST: usize = 32 << 20;
/// How many pages of comments or issues are read.
const PAGES: usize = 100;
/// How often a request is sent that the forge puts off, or that nobody answers.
const TRIES: u32 = 4;
/// How long the forge may put a request off.
const LONGEST_WAIT: Duration = Duration::from_secs(120);
/// Before a request is sent again of which the forge does not say when.
const PAUSE: Duration = Duration::from_millis(500);
/// Before a request is sent again that came too soon after others, of which the forge does not say when (GitHub's
/// "Rate limits for the REST API": at least a minute).
const TOO_MANY: Duration = Duration::from_secs(60);
/// How many characters the description of a status may have (GitHub; GitLab takes 255).
const DESCRIPTION: usize = 140;
/// How many characters the page of a status may have (GitLab).
const LONGEST_PAGE: usize = 255;
/// The label of our issues, by which they are found among many.
const LABEL: &str = "weft";

/// The requests that list, create and update entries of one type.
type EntryCalls = [&'static str; 3];
const COMMENT: EntryCalls = ["comments", "add-comment", "set-comment"];
const ISSUE: EntryCalls = ["issues", "add-issue", "set-issue"];

/// The state of a commit, as a status tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitState {
    /// Under way.
    Pending,
    /// Well.
    Success,
    /// Not to be merged as it is.
    Failure,
    /// It could not be told.
    Error,
}

/// A status of a commit.
#[derive(Clone, Debug, PartialEq)]
pub struct CommitStatus {
    /// Its name, which is replaced by a later one of the same name: `weft/plan/production`.
    pub context: String,
    /// The state.
    pub state: CommitState,
    /// A line on it.
    pub description: String,
}

/// The connection of a job to its forge.
pub struct Client<'n> {
    network: &'n Network,
    job: &'n Job,
    api: &'n str,
    trust: Trust,
    /// Whose token it is, once that was asked.
    myself: OnceCell<Myself>,
    /// What was not sent, in a dry run.
    held: Option<Mutex<Vec<Call>>>,
}

/// Whose token a job has.
#[derive(Clone, Debug)]
enum Myself {
    /// A user's, with this number.
    User(String),
    /// That of an installed app, which GitHub tells nothing of itself.
    App,
}

impl Myself {
    fn wrote(&self, author: &Author) -> bool {
        match self {
            Self::User(id) => author.id.as_ref() == Some(id),
            Self::App => author.app.is_some(),
        }
    }
}

impl CommitState {
    fn word(self, forge: Forge) -> &'static str {
        match (self, forge) {
            (Self::Pending, _) => "pending",
            (Self::Success, _) => "success",
            (Self::Failure | Self::Error, Forge::GitLab) => "failed",
            (Self::Failure, _) => "failure",
            (Self::Error, _) => "error",
        }
    }
}

impl<'n> Client<'n> {
    /// The connection of a job that has a token. `authorities` is the text of [`Job::authorities`].
    pub fn new(network: &'n Network, job: &'n Job, authorities: Option<String>) -> Result<Self, ForgeError> {
        if job.authorization.is_none() {
            return Err(ForgeError::NoToken { forge: job.forge, variables: job.tokens.clone() });
        }
        Self::connected(network, job, authorities, None)
    }

    /// A connection that only reads, if there is a token, and holds back what would be sent: see [`Client::held`].
    pub fn dry(network: &'n Network, job: &'n Job, authorities: Option<String>) -> Result<Self, ForgeError> {
        Self::connected(network, job, authorities, Some(Mutex::default()))
    }

    fn connected(
        network: &'n Network,
        job: &'n Job,
        authorities: Option<String>,
        held: Option<Mutex<Vec<Call>>>,
    ) -> Result<Self, ForgeError> {
        let missing = ForgeError::Missing { forge: job.forge, what: "the address of the API" };
        let api = job.api.as_deref().ok_or(missing)?;
        let trust = Trust { authorities, ..Trust::default() };
        Ok(Self { network, job, api, trust, myself: OnceCell::new(), held })
    }

    /// The requests that a dry run held back, in their order.
    pub fn held(self) -> Vec<Call> {
        self.held.and_then(|it| it.into_inner().ok()).unwrap_or_default()
    }

    /// The comments of the pull request whose text begins with `mark`.
    pub async fn comments(&self, mark: &str) -> Result<Vec<ForgeEntry>, ForgeError> {
        self.found(COMMENT, mark).await
    }

    /// Keeps one comment of the pull request: the one whose text begins with `mark`, as that of `body` does, is
    /// rewritten where it stands, or there is a new one.
    pub async fn comment(&self, mark: &str, body: &str) -> Result<(), ForgeError> {
        self.keep(COMMENT, mark, CallParameters::from([("body", json!(body))])).await
    }

    /// Rewrites a comment where it stands.
    pub async fn rewrite(&self, comment: &ForgeEntry, body: &str) -> Result<(), ForgeError> {
        let facts = self.pulled()?.into_iter().chain([("id", json!(comment.id)), ("body", json!(body))]);
        self.act("set-comment", &facts.collect()).await.map(drop)
    }

    /// Sets a status of a commit.
    pub async fn status(&self, commit: &str, status: &CommitStatus) -> Result<(), ForgeError> {
        let description: String = status.description.chars().take(DESCRIPTION).collect();
        let facts = self.facts()?.into_iter().chain([
            ("commit", json!(commit)),
            ("state", json!(status.state.word(self.job.forge))),
            ("description", json!(description)),
            ("context", json!(status.context)),
        ]);
        let run = self.job.run.as_ref().filter(|it| it.chars().count() <= LONGEST_PAGE);
        let facts = facts.chain(run.map(|it| ("run", json!(it))));
        self.act("status", &facts.collect()).await.map(drop)
    }

    /// Keeps one open issue: the one whose text begins with `mark`, as that of `body` does, is rewritten where it
    /// stands, or there is a new one.
    pub async fn issue(&self, mark: &str, title: &str, body: &str) -> Result<(), ForgeError> {
        self.keep(ISSUE, mark, CallParameters::from([("title", json!(title)), ("body", json!(body))])).await
    }

    /// Closes the open issues whose text begins with `mark`, with a last text.
    pub async fn close_issue(&self, mark: &str, body: &str) -> Result<(), ForgeError> {
        for issue in self.found(ISSUE, mark).await? {
            let facts = self.facts()?.into_iter().chain([("id", json!(issue.id)), ("body", json!(body))]);
            self.act("close-issue", &facts.collect()).await?;
        }
        Ok(())
    }

    /// What we wrote of a sort, whose text begins with `mark`. Others may write such a text as well, and could change what
    /// stands there under our name.
    async fn found(&self, [list, ..]: EntryCalls, mark: &str) -> Result<Vec<ForgeEntry>, ForgeError> {
        let facts = if list == "comments" { self.pulled()? } else { self.facts()? };
        let mut all = self.list(list, facts.into_iter().chain([("label", json!(LABEL))]).collect()).await?;
        all.retain(|it| it.text.trim_start().starts_with(mark));
        if !all.is_empty() {
            let myself = self.myself.get_or_try_init(|| self.ask_who_i_am()).await?;
            all.retain(|it| myself.wrote(&it.author));
        }
        Ok(all)
    }

    async fn ask_who_i_am(&self) -> Result<Myself, ForgeError> {
        let forge = self.job.forge;
        let call =
            Call::of(forge, "user", &CallParameters::new()).ok_or(ForgeError::Missing { forge, what: "its user" })?;
        match self.send(&call).await {
            Ok(answer) => {
                let user = read(&answer).ok().and_then(|it| call.kept(&it)?.pop());
                user.map(|it| Myself::User(it.id)).ok_or_else(|| self.unexpected(&call))
            }
            Err(ForgeError::Network(error)) if put_off(&error).is_none() => {
                match error.status().map(|it| it.as_u16()) {
                    Some(403 | 404) if forge == Forge::GitHub => Ok(Myself::App),
                    Some(403 | 404) => Err(ForgeError::Nameless { forge, source: error }),
                    _ => Err(error.into()),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// The label of our issues, by its number where the forge wants that; made where it is missing.
    async fn label(&self) -> Result<CallParameters, ForgeError> {
        let facts: CallParameters = self.facts()?.into_iter().chain([("label", json!(LABEL))]).collect();
        let mut more = CallParameters::from([("label", json!(LABEL))]);
        if Call::of(self.job.forge, "labels", &facts).is_none() {
            return Ok(more);
        }
        let known = self.list("labels", facts.clone()).await?.into_iter().find(|it| it.text == LABEL);
        let id = match known {
            Some(it) => it.id.parse::<u64>().ok(),
            None => self.act("add-label", &facts).await?.and_then(|it| it.get("id")?.as_u64()),
        };
        more.extend(id.map(|id| ("label_id", json!(id))));
        Ok(more)
    }

    /// Rewrites what is there, or makes it; where nobody answers that, looks again, since it may have been done.
    async fn keep(&self, sort: EntryCalls, mark: &str, told: CallParameters) -> Result<(), ForgeError> {
        let mut tries = 1;
        loop {
            match self.keep_once(sort, mark, &told).await {
                Err(ForgeError::Network(error)) if tries < TRIES && is_open(&error) => {
                    tokio::time::sleep(PAUSE * tries).await;
                    tries += 1;
                }
                done => return done,
            }
        }
    }

    async fn keep_once(&self, sort: EntryCalls, mark: &str, told: &CallParameters) -> Result<(), ForgeError> {
        let [list, add, set] = sort;
        let mut facts = if list == "comments" { self.pulled()? } else { self.facts()? };
        facts.extend(told.clone());
        let what = match self.found(sort, mark).await?.into_iter().next() {
            Some(it) if told.get("body") == Some(&json!(it.text)) => return Ok(()),
            Some(it) => {
                facts.insert("id", json!(it.id));
                set
            }
            None if list == "issues" => {
                facts.extend(self.label().await?);
                add
            }
            None => add,
        };
        self.act(what, &facts).await.map(drop)
    }

    /// What each request needs.
    fn facts(&self) -> Result<CallParameters, ForgeError> {
        let missing = ForgeError::Missing { forge: self.job.forge, what: "its repository" };
        let repository = self.job.repository.as_ref().ok_or(missing)?;
        Ok(CallParameters::from([("repository", json!(repository))]))
    }

    /// What each request about the pull request needs.
    fn pulled(&self) -> Result<CallParameters, ForgeError> {
        let missing = ForgeError::Missing { forge: self.job.forge, what: "the number of a pull request" };
        let pull = self.job.pull.as_ref().ok_or(missing)?;
        Ok(self.facts()?.into_iter().chain([("pull", json!(pull))]).collect())
    }

    /// All pages of a list.
    async fn list(&self, what: &'static str, mut facts: CallParameters) -> Result<Vec<ForgeEntry>, ForgeError> {
        let mut all = Vec::new();
        for page in 1..=PAGES {
            facts.insert("page", json!(page));
            let Some(call) = self.call(what, &facts)? else { break };
            let answer = self.send(&call).await?;
            let found = read(&answer).ok().and_then(|it| call.kept(&it));
            let found = found.ok_or_else(|| self.unexpected(&call))?;
            let is_last = found.is_empty() || !call.path.contains("page=") || !leads_on(&answer.headers, found.len());
            all.extend(found);
            if is_last {
                break;
            }
        }
        Ok(all)
    }

    /// The request; none where nothing can be asked, which only happens in a dry run without a token.
    fn call(&self, what: &'static str, facts: &CallParameters) -> Result<Option<Call>, ForgeError> {
        if self.job.authorization.is_none() {
            return Ok(None);
        }
        let missing = ForgeError::Missing { forge: self.job.forge, what };
        Call::of(self.job.forge, what, facts).ok_or(missing).map(Some)
    }

    /// Sends a request that changes something, and gives back what it is answered; nothing in a dry run.
    async fn act(&self, what: &'static str, facts: &CallParameters) -> Result<Option<Json>, ForgeError> {
        let missing = ForgeError::Missing { forge: self.job.forge, what };
        let call = Call::of(self.job.forge, what, facts).ok_or(missing)?;
        if let Some(held) = &self.held {
            held.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(call);
            return Ok(None);
        }
        let answer = self.send(&call).await?;
        read(&answer).map(Some).map_err(|_| self.unexpected(&call))
    }

    fn unexpected(&self, call: &Call) -> ForgeError {
        ForgeError::Answer { forge: self.job.forge, address: format!("{}{}", self.api, call.path) }
    }

    /// Sends a request, again where the forge puts it off for a while.
    async fn send(&self, call: &Call) -> Result<Answer, ForgeError> {
        let mut tries = 1;
        loop {
            let request = self.request(call)?;
            let error = match self.network.send(request, self.job.authorization.as_ref(), &self.trust, LARGEST).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            match put_off(&error) {
                Some(wait) if wait > LONGEST_WAIT => {
                    let address = format!("{}{}", self.api, call.path);
                    return Err(ForgeError::Limited { address, seconds: wait.as_secs() });
                }
                Some(wait) if tries < TRIES => {
                    tokio::time::sleep(wait).await;
                    tries += 1;
                }
                _ => return Err(error.into()),
            }
        }
    }

    fn request(&self, call: &Call) -> Result<Request<Vec<u8>>, NetworkError> {
        let address = format!("{}{}", self.api, call.path);
        let accepted = if self.job.forge == Forge::GitHub { "application/vnd.github+json" } else { "application/json" };
        let mut request = Request::builder().method(call.method).uri(&address).header(header::ACCEPT, accepted);
        request = request.header(header::USER_AGENT, concat!("weft/", env!("CARGO_PKG_VERSION")));
        if self.job.forge == Forge::GitHub {
            request = request.header("X-GitHub-Api-Version", "2022-11-28");
        }
        let body = call.body.as_ref().map(|it| it.to_string().into_bytes());
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        request.body(body.unwrap_or_default()).map_err(|_| NetworkError::Address { address })
    }
}

fn read(answer: &Answer) -> Result<Json, serde_json::Error> {
    serde_json::from_slice(&answer.bytes)
}

/// For how long the forge puts a request off: as its headers say, or for a while where only its status or its words do.
pub(super) fn put_off(error: &NetworkError) -> Option<Duration> {
    let NetworkError::Refused { status, saying, wait, .. } = error else { return None };
    let is_meant = || status.as_u16() == 429 || (status.as_u16() == 403 && saying.contains("rate limit"));
    wait.or_else(|| is_meant().then_some(TOO_MANY))
}

/// Whether it is open what became of a request.
fn is_open(error: &NetworkError) -> bool {
    match error {
        NetworkError::Silent { .. } => true,
        error => error.status().is_some_and(|it| it.is_server_error()),
    }
}

/// Whether there may be another page: as the header `Link` says (RFC 8288), or since this one is full.
fn leads_on(headers: &HeaderMap, count: usize) -> bool {
    match headers.get(header::LINK).and_then(|it| it.to_str().ok()) {
        Some(links) => links.contains("rel=\"next\""),
        None => count >= 50,
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    #[test]
    fn who_sends_too_many_waits_also_where_no_header_says_so() {
        let wait = |status: u16, saying: &str, wait: Option<u64>| {
            let status = StatusCode::from_u16(status).unwrap();
            let address = String::new();
            let saying = saying.to_owned();
            let wait = wait.map(Duration::from_secs);
            put_off(&NetworkError::Refused { address, status, saying, challenge: None, wait }).map(|it| it.as_secs())
        };
        assert_eq!(wait(403, "You have exceeded a secondary rate limit", None), Some(60));
        assert_eq!(wait(403, "You have exceeded a secondary rate limit", Some(7)), Some(7));
        assert_eq!(wait(429, "", None), Some(60));
        assert_eq!(wait(403, "Resource not accessible by integration", None), None);
        assert_eq!(wait(500, "rate limit", None), None);
    }
}

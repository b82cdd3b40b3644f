//! Requests to the API server, as the operator or as an account.
//!
//! Every write has three outcomes: done, refused, and unknown. What is unknown is looked at before it is tried again.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, header};
use kube::Client;
use kube::client::Body;
use kube::config::AuthInfo;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::Notify;

use crate::decide::Said;
use crate::marks::Key;
use crate::{Figures, Leading, OperatorError};
use weft_engine::cluster::{ClusterError, unanswered};
use weft_engine::network;

/// How often a request is tried.
const TRIES: u32 = 5;
/// The wait before the second try; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// The longest wait that a server may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// As whom a request is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Identity<'i> {
    /// The operator's own account.
    Operator,
    /// The account of this token.
    Account(&'i HeaderValue),
    /// This service account, impersonated by the operator.
    Impersonated(&'i Key),
}

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub method: Method,
    pub path: String,
    pub content_type: &'static str,
    pub body: Bytes,
}

/// What the server answered.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub code: u16,
    pub body: Bytes,
    retry_after: Option<Duration>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unanswered {
    /// Nothing came back: whether it was done is unknown.
    Lost(String),
    /// We do not lead: it was not sent.
    NotLeading,
}

/// When a request is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Again {
    /// Always: a second one changes nothing that the first did not.
    Freely,
    /// Where the server says that it did nothing. What is unknown has to be looked at first.
    WhereNothingWasDone,
}

/// The API server.
#[derive(Clone)]
pub(crate) struct Server {
    own: Client,
    plain: Client,
    address: Arc<str>,
    patience: Duration,
    figures: Arc<Figures>,
    leading: Leading,
    doubt: Arc<Notify>,
}

/// The parts of a `metav1.Status` that matter.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    message: String,
    reason: String,
    details: Option<Details>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Details {
    causes: Vec<Cause>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Cause {
    reason: String,
}

impl Request {
    pub fn get(path: String) -> Self {
        Self::of(Method::GET, path, Bytes::new())
    }

    pub fn of(method: Method, path: String, body: Bytes) -> Self {
        Self { method, path, content_type: "application/json", body }
    }

    pub fn with(method: Method, path: String, body: &serde_json::Value) -> Self {
        Self::of(method, path, body.to_string().into())
    }

    pub fn patch(path: String, content_type: &'static str, body: &serde_json::Value) -> Self {
        Self { method: Method::PATCH, path, content_type, body: body.to_string().into() }
    }
}

impl Answer {
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// The object, where it is one.
    pub fn object<T: DeserializeOwned>(&self) -> Result<T, Unanswered> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Unanswered::Lost(format!("the answer is unreadable: {error}")))
    }

    /// The refusal.
    pub fn said(&self) -> Said {
        let status: Status = serde_json::from_slice(&self.body).unwrap_or_else(|_| {
            let text = String::from_utf8_lossy(&self.body);
            Status { message: text.trim().chars().take(500).collect(), ..Status::default() }
        });
        let causes = status.details.unwrap_or_default().causes;
        Said {
            code: self.code,
            reason: status.reason,
            message: status.message,
            causes: causes.into_iter().map(|it| it.reason).collect(),
        }
    }

    /// Whether it is unknown what was done.
    pub fn is_unknown(&self) -> bool {
        matches!(self.code, 500 | 502..=504) && !self.said().message.contains("failed calling webhook")
    }
}

impl Server {
    /// Of a client's settings. Requests as accounts go without the operator's own credentials.
    pub fn new(
        config: kube::Config,
        patience: Duration,
        figures: Arc<Figures>,
        leading: Leading,
    ) -> Result<Self, OperatorError> {
        let address = config.cluster_url.to_string().trim_end_matches('/').into();
        let mut without = config.clone();
        without.auth_info = AuthInfo::default();
        let client = |config| network::client(config).map_err(|source| OperatorError::Client(Box::new(source)));
        let doubt = Arc::new(Notify::new());
        Ok(Self { own: client(config)?, plain: client(without)?, address, patience, figures, leading, doubt })
    }

    /// The client of the operator's own account.
    pub fn own(&self) -> &Client {
        &self.own
    }

    /// Whether this process leads, so that a write may be sent.
    pub fn leads(&self) -> bool {
        self.leading.holds()
    }

    /// Waits until a request was not answered.
    pub async fn doubted(&self) {
        self.doubt.notified().await;
    }

    /// Asks whether the server answers at all, within this time. Any answer is one.
    pub async fn answers(&self, within: Duration) -> Result<(), ClusterError> {
        let request = Request::get("/version".to_owned());
        let asked = tokio::time::timeout(within, self.once(Identity::Operator, &request)).await;
        asked.unwrap_or_else(|_| Err(self.silent(within))).map(drop)
    }

    fn silent(&self, within: Duration) -> ClusterError {
        let (server, reason) = (self.address.to_string(), format!("nothing came within {} s", within.as_secs()));
        ClusterError::Unreachable { server, reason, sent: true }
    }

    /// Sends a request that may be sent again.
    pub async fn call(&self, identity: Identity<'_>, request: &Request) -> Result<Answer, Unanswered> {
        self.tried(identity, request, Again::Freely).await
    }

    /// Sends a request of which a second one could do more than the first.
    pub async fn call_once(&self, identity: Identity<'_>, request: &Request) -> Result<Answer, Unanswered> {
        self.tried(identity, request, Again::WhereNothingWasDone).await
    }

    async fn tried(&self, identity: Identity<'_>, request: &Request, again: Again) -> Result<Answer, Unanswered> {
        for count in 0..TRIES {
            let tried = self.attempt(identity, request).await;
            let wait = FIRST_WAIT * 2u32.pow(count);
            let wait = match &tried {
                _ if count + 1 == TRIES => return tried,
                Err(Unanswered::Lost(_)) if again == Again::Freely && self.is_reachable() => wait,
                Ok(answer) if answer.code == 429 => answer.retry_after.unwrap_or(wait),
                Ok(answer) if answer.code == 500 && !answer.is_unknown() => wait,
                Ok(answer) if answer.is_unknown() && again == Again::Freely => answer.retry_after.unwrap_or(wait),
                _ => return tried,
            };
            tokio::time::sleep(wait.clamp(FIRST_WAIT, LONGEST_WAIT)).await;
        }
        Err(Unanswered::Lost("it was not tried".to_owned()))
    }

    async fn attempt(&self, identity: Identity<'_>, request: &Request) -> Result<Answer, Unanswered> {
        if request.method != Method::GET && !self.leads() {
            return Err(Unanswered::NotLeading);
        }
        if !self.is_reachable() {
            return Err(Unanswered::Lost("the API server does not answer".to_owned()));
        }
        let sent = tokio::time::timeout(self.patience, self.once(identity, request)).await;
        let sent = sent.unwrap_or_else(|_| Err(self.silent(self.patience)));
        let sent = sent.map_err(|error| Unanswered::Lost(error.to_string()));
        self.figures.request(sent.as_ref().map_or(0, |answer| answer.code));
        if sent.is_err() {
            self.doubt.notify_one();
        }
        sent
    }

    fn is_reachable(&self) -> bool {
        self.figures.reachable.load(Ordering::Relaxed)
    }

    async fn once(&self, identity: Identity<'_>, request: &Request) -> Result<Answer, ClusterError> {
        let lost = |error| unanswered(&self.address, error);
        let mut built = http::Request::builder()
            .method(&request.method)
            .uri(&request.path)
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, request.content_type);
        let client = match identity {
            Identity::Operator => &self.own,
            Identity::Account(token) => {
                built = built.header(header::AUTHORIZATION, token);
                &self.plain
            }
            Identity::Impersonated(account) => {
                let user = format!("system:serviceaccount:{}:{}", account.namespace, account.name);
                built = built.header("Impersonate-User", user);
                &self.own
            }
        };
        let built =
            built.body(Body::from(request.body.clone())).map_err(|error| lost(kube::Error::HttpError(error)))?;
        let (head, body) = client.send(built).await.map_err(lost)?.into_parts();
        let body = body.collect_bytes().await.map_err(lost)?;
        let after = head.headers.get(header::RETRY_AFTER).and_then(|it| it.to_str().ok()?.parse().ok());
        Ok(Answer { code: head.status.as_u16(), body, retry_after: after.map(Duration::from_secs) })
    }
}

impl std::fmt::Display for Unanswered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Lost(why) => write!(f, "{why}"),
            Self::NotLeading => f.write_str("this process does not lead any more"),
        }
    }
}

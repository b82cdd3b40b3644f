//! Sends requests to the API server, as the operator or as an account.
//!
//! Every write has one of three outcomes: done, refused or unknown. If it is unknown, the object is read before the
//! write is tried again.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderValue, Method};
use serde::de::DeserializeOwned;
use tokio::sync::Notify;

use crate::decide::ServerRefusal;
use crate::marks::NamespacedName;
use crate::{Leading, Metrics, OperatorError};
use weft_engine::cluster::{self, Answer, ClusterError, Request, Target, Transport, Tries, settled};

/// The identity that sends a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Caller<'i> {
    /// The operator's own account.
    Operator,
    /// The account of this token.
    Account(&'i HeaderValue),
    /// This service account, impersonated by the operator.
    Impersonated(&'i NamespacedName),
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unanswered {
    /// Nothing came back: whether it was done is unknown.
    Lost(String),
    /// We do not lead: it was not sent.
    NotLeading,
}

/// The API server.
#[derive(Clone)]
pub(crate) struct ApiServer {
    own: Transport,
    /// Without the operator's own credentials: for requests as accounts.
    plain: Transport,
    patience: Duration,
    figures: Arc<Metrics>,
    leading: Leading,
    doubt: Arc<Notify>,
}

/// A request to read the object at a path.
pub(crate) fn get(path: String) -> Request {
    let what = format!("read {path}");
    Request::get(path, what)
}

/// A request with a body of JSON.
pub(crate) fn send(method: Method, path: String, body: impl Into<Bytes>) -> Request {
    let what = format!("{method} {path}");
    Request::get(path, what).with(method, "application/json", body)
}

/// A request to change the object at a path.
pub(crate) fn patch(path: String, content_type: &'static str, body: &serde_json::Value) -> Request {
    let what = format!("change {path}");
    Request::get(path, what).with(Method::PATCH, content_type, body.to_string())
}

/// The object of an answer.
pub(crate) fn object<T: DeserializeOwned>(answer: &Answer) -> Result<T, Unanswered> {
    serde_json::from_slice(&answer.body).map_err(|error| Unanswered::Lost(format!("the answer is unreadable: {error}")))
}

/// The refusal of an answer.
pub(crate) fn refusal_of(answer: &Answer) -> ServerRefusal {
    let status = answer.status();
    let causes = status.details.unwrap_or_default().causes;
    ServerRefusal {
        code: answer.code,
        reason: status.reason,
        message: status.message,
        causes: causes.into_iter().map(|it| it.reason).collect(),
    }
}

impl ApiServer {
    /// The server of a target.
    pub fn new(
        target: &Target,
        patience: Duration,
        figures: Arc<Metrics>,
        leading: Leading,
    ) -> Result<Self, OperatorError> {
        let own = Transport::new(target, patience)?;
        let plain = Transport::without_credentials(target, patience)?;
        Ok(Self { own, plain, patience, figures, leading, doubt: Arc::new(Notify::new()) })
    }

    /// The client of the operator's own account.
    pub fn own(&self) -> &Transport {
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
        let request = get("/version".to_owned());
        self.own.exchange(cluster::Identity::Own, &request, within).await.map(drop)
    }

    /// Sends a request that may be sent again.
    pub async fn call(&self, identity: Caller<'_>, request: &Request) -> Result<Answer, Unanswered> {
        self.tried(identity, request, Tries::new(self.patience)).await
    }

    /// Sends a request that is not idempotent.
    pub async fn call_once(&self, identity: Caller<'_>, request: &Request) -> Result<Answer, Unanswered> {
        self.tried(identity, request, Tries::cautious(self.patience)).await
    }

    async fn tried(&self, identity: Caller<'_>, request: &Request, mut tries: Tries) -> Result<Answer, Unanswered> {
        let began = Instant::now();
        loop {
            if request.method != Method::GET && !self.leads() {
                return Err(Unanswered::NotLeading);
            }
            if !self.is_reachable() {
                return Err(Unanswered::Lost("the API server does not answer".to_owned()));
            }
            let attempt = self.attempt(identity, request).await;
            match tries.again(&attempt, began.elapsed()) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return settled(attempt, tries.unsure).map_err(|error| Unanswered::Lost(error.to_string())),
            }
        }
    }

    async fn attempt(&self, identity: Caller<'_>, request: &Request) -> Result<Answer, ClusterError> {
        let sent = self.once(identity, request).await;
        self.figures.request(sent.as_ref().map_or(0, |answer| answer.code));
        if sent.is_err() {
            self.doubt.notify_one();
        }
        sent
    }

    fn is_reachable(&self) -> bool {
        self.figures.reachable.load(Ordering::Relaxed)
    }

    async fn once(&self, identity: Caller<'_>, request: &Request) -> Result<Answer, ClusterError> {
        match identity {
            Caller::Operator => self.own.exchange(cluster::Identity::Own, request, self.patience).await,
            Caller::Account(token) => {
                self.plain.exchange(cluster::Identity::Token(token), request, self.patience).await
            }
            Caller::Impersonated(account) => {
                let user = format!("system:serviceaccount:{}:{}", account.namespace, account.name);
                self.own.exchange(cluster::Identity::Impersonated(&user), request, self.patience).await
            }
        }
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

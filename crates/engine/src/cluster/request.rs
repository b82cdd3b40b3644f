//! One request and its answer: with a slot in flight, a deadline and retries.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::retry::Tries;
use super::rights::Right;
use super::transport::{DEADLINE, Identity};
use super::{Cluster, ClusterError};

/// The type of most bodies.
const JSON: &str = "application/json";
/// Up to this round trip, a server is so near that packing an answer takes longer than sending it as it is.
const NEAR: Duration = Duration::from_millis(3);
/// What a server says with 500 about an object that it cannot read.
const NEVER: [&str; 2] = ["typed patch object", "failed to convert new object"];

/// A request, with what its errors need to say.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: Method,
    pub path: String,
    pub content_type: &'static str,
    pub accept: &'static str,
    pub body: Bytes,
    /// The request in words, such as `list deployments.apps in namespace shop`.
    pub what: String,
    /// The right that it needs; requests for what everybody may read have none.
    pub right: Option<Right>,
    /// Whether it does not wait until fewer are under way: a sign of life must not come too late.
    pub urgent: bool,
}

/// What the server answered.
#[derive(Clone, Debug)]
pub struct Answer {
    pub code: u16,
    pub body: Vec<u8>,
    pub retry_after: Option<Duration>,
    /// Whether it does not tell what was done: it says that the server cannot serve for the moment, and this or an
    /// earlier attempt may have been done all the same.
    pub unsure: bool,
}

/// The body of a refusal: `metav1.Status`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Status {
    pub message: String,
    pub reason: String,
    pub details: Option<Details>,
}

/// The details of a refusal.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Details {
    pub causes: Vec<Cause>,
}

/// One cause of a refusal.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Cause {
    pub reason: String,
    pub message: String,
    pub field: String,
}

impl Request {
    /// A read.
    pub fn get(path: String, what: String) -> Self {
        Self {
            method: Method::GET,
            path,
            content_type: JSON,
            accept: JSON,
            body: Bytes::new(),
            what,
            right: None,
            urgent: false,
        }
    }

    /// The same request, which needs this right.
    pub(super) fn needs(self, right: Right) -> Self {
        Self { right: Some(right), ..self }
    }

    /// The same request with another method and a body.
    #[must_use]
    pub fn with(self, method: Method, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self { method, content_type, body: body.into(), ..self }
    }

    /// The same request, before all others.
    pub(super) fn urgent(self) -> Self {
        Self { urgent: true, ..self }
    }

    /// Whether the server would store what it says.
    pub(super) fn is_write(&self) -> bool {
        self.method != Method::GET && !self.path.contains("dryRun=All")
    }
}

impl Answer {
    /// Whether the request was done.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// The refusal; a body that is not JSON (`404 page not found`) is its message.
    pub fn status(&self) -> Status {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| {
            let text = String::from_utf8_lossy(&self.body);
            Status { message: text.trim().chars().take(500).collect(), ..Status::default() }
        })
    }

    /// The object that it holds.
    pub fn object<T: DeserializeOwned>(&self, request: &Request) -> Result<T, ClusterError> {
        serde_json::from_slice(&self.body)
            .map_err(|source| ClusterError::BadAnswer { what: request.what.clone(), source: source.into() })
    }

    /// Whether the object is one that the server can never read (a field that is in no schema, a quantity that is none),
    /// which it says with 500 and without a reason.
    pub(super) fn is_never(&self) -> bool {
        let status = self.status();
        let unreadable = |text| status.message.contains(text);
        self.code == 500 && status.reason.is_empty() && NEVER.into_iter().any(unreadable)
    }

    /// Whether the server stopped before it stored anything, since a webhook did not answer.
    pub(super) fn is_unadmitted(&self) -> bool {
        self.code == 500 && self.status().message.contains("failed calling webhook")
    }
}

/// How far away the server is: the shortest time that an answer took, in microseconds.
#[derive(Clone)]
pub(super) struct Distance(Arc<AtomicU64>);

impl Default for Distance {
    fn default() -> Self {
        Self(Arc::new(AtomicU64::new(u64::MAX)))
    }
}

impl Distance {
    pub(super) fn note(&self, took: Duration) {
        self.0.fetch_min(took.as_micros().try_into().unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(super) fn is_near(&self) -> bool {
        Duration::from_micros(self.0.load(Ordering::Relaxed)) <= NEAR
    }
}

impl Cluster {
    /// Sends a request and returns the answer, whatever it says. What may be another time (429, 500, 502, 503, 504) and
    /// broken connections are tried again, see [`Tries`].
    ///
    /// An error tells whether the request may have had an effect, see [`ClusterError::nothing_done`], and an answer
    /// does by `unsure`: once one of the attempts got through, it may have.
    pub(super) async fn send(&self, request: &Request) -> Result<Answer, ClusterError> {
        self.send_by(request, Tries::new(self.inner.pace.patience)).await
    }

    /// Sends a request as often as `tries` allow.
    pub(super) async fn send_by(&self, request: &Request, mut tries: Tries) -> Result<Answer, ClusterError> {
        let began = Instant::now();
        let mut turn = None;
        loop {
            let answers = self.inner.answers.load(Ordering::Relaxed);
            let attempt = self.attempt(request, tries.is_first()).await;
            if attempt.is_ok() {
                self.inner.answers.fetch_add(1, Ordering::Relaxed);
                self.inner.away.store(false, Ordering::Relaxed);
                turn = None;
            }
            let Some(wait) = tries.again(&attempt, began.elapsed()) else {
                if matches!(attempt, Err(ClusterError::Unreachable { .. })) {
                    self.inner.away.store(true, Ordering::Relaxed);
                }
                return settled(attempt, tries.unsure);
            };
            if attempt.is_err() && turn.is_none() {
                // One request at a time knocks at a server that does not answer, and the others wait for what it finds.
                turn = Some(self.inner.door.lock().await);
                if self.inner.away.load(Ordering::Relaxed) {
                    return settled(attempt, tries.unsure);
                }
                if self.inner.answers.load(Ordering::Relaxed) != answers {
                    turn = None;
                }
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// Sends a request once. A write is not begun when the run was told to end, and not sent after the end of the lease
    /// that it is done under; nobody waits longer for its answer.
    async fn attempt(&self, request: &Request, begins: bool) -> Result<Answer, ClusterError> {
        let slot = if request.urgent { None } else { Some(self.inner.flight.slot().await) };
        let stop = self.stop.as_ref().filter(|_| begins && request.is_write());
        if let Some(why) = stop.and_then(|stop| stop.borrow().clone()) {
            return Err(ClusterError::Stopped { why });
        }
        let fence = self.fence.as_ref().filter(|_| request.is_write());
        let left = fence.map_or(DEADLINE, |fence| fence.left());
        if left.is_zero() {
            return Err(ClusterError::LeaseOver { sent: false });
        }
        let exchange = self.inner.transport.exchange(Identity::Own, request, DEADLINE);
        let over = |_| ClusterError::LeaseOver { sent: true };
        let answer = tokio::time::timeout(left, exchange).await.map_err(over)??;
        match slot {
            Some(slot) if answer.code == 429 => slot.throttled(),
            Some(slot) => slot.answered(),
            None => {}
        }
        Ok(answer)
    }

    /// Sends a read and reads its answer; `None` for what is not there.
    pub(super) async fn fetch<T: DeserializeOwned>(&self, request: &Request) -> Result<Option<T>, ClusterError> {
        let answer = self.send(request).await?;
        match answer.code {
            404 => Ok(None),
            _ if answer.is_success() => parse(request, &answer).map(Some),
            _ => Err(self.refused(request, &answer)),
        }
    }

    /// What a refusal means.
    pub(super) fn refused(&self, request: &Request, answer: &Answer) -> ClusterError {
        let message = self.redact(&answer.status().message);
        self.inner.transport.refused(request, answer.code, message)
    }
}

/// Reads the body of an answer.
pub(super) fn parse<T: DeserializeOwned>(request: &Request, answer: &Answer) -> Result<T, ClusterError> {
    answer.object(request)
}

/// The last attempt, with what the earlier ones leave open: one that never left says nothing about one that did, and
/// neither does one for which the server had no time.
pub fn settled(attempt: Result<Answer, ClusterError>, unsure: bool) -> Result<Answer, ClusterError> {
    match attempt {
        Ok(answer) => Ok(Answer { unsure: unsure && matches!(answer.code, 429 | 500 | 502..=504), ..answer }),
        Err(ClusterError::Unreachable { server, reason, .. }) => {
            Err(ClusterError::Unreachable { server, reason, sent: unsure })
        }
        Err(ClusterError::LeaseOver { sent }) => Err(ClusterError::LeaseOver { sent: sent || unsure }),
        Err(other) => Err(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_answer_tells_how_far_a_server_is() {
        let distance = Distance::default();
        assert!(!distance.is_near());
        distance.note(Duration::from_millis(20));
        assert!(!distance.is_near());
        distance.note(Duration::from_millis(1));
        distance.note(Duration::from_millis(20));
        assert!(distance.is_near());
    }

    #[test]
    fn a_refusal_in_plain_text_is_kept() {
        let answer = Answer { code: 404, body: b"404 page not found\n".to_vec(), retry_after: None, unsure: false };
        assert_eq!(answer.status().message, "404 page not found");
    }
}

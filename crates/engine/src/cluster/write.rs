//! Writes: server-side apply and delete, with outcomes as types.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use http::Method;
use thiserror::Error;
use tokio::time::sleep;

use super::live::path;
use super::request::{Answer, Request};
use super::rights::Right;
use super::{Cluster, ClusterError, FIELD_MANAGER};
use weft_base::percent;
use weft_base::value::Value;
use weft_schema::Resource;
use weft_stages::diff::{self, LiveObject};
use weft_stages::manifest::ObjectId;

/// How often a write may be overtaken by another one that it has nothing to do with, and the wait between two tries.
const RACES: usize = 4;
const PAUSE: Duration = Duration::from_millis(100);
/// A version that no object ever has: an empty store has it.
const NO_VERSION: &str = "1";

/// How an object is applied.
#[derive(Clone, Copy, Debug, Default)]
pub struct ApplyOptions {
    /// Whether fields are taken from other managers.
    pub force: bool,
    /// Whether the server only says what would come of it.
    pub dry_run: bool,
}

/// Which object an apply may write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ApplyTarget<'a> {
    /// Whichever has the name.
    #[default]
    Whichever,
    /// None: one that is there already is left alone.
    Absent,
    /// The one with this UID; another of the same name is left alone, and none is created.
    Only(&'a str),
}

/// What happens to the objects that an object owns when it is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Propagation {
    /// They are deleted after it.
    #[default]
    Background,
    /// They stay, without an owner.
    Orphan,
}

/// The object that is meant by a delete: another of the same name is left alone.
#[derive(Clone, Copy, Debug)]
pub struct Precondition<'a> {
    /// Its UID.
    pub uid: &'a str,
    /// The version in which it was looked at; `None` where any will do.
    pub version: Option<&'a str>,
}

/// Why a write did not come to its end.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum WriteError {
    /// The server said no: nothing was done.
    #[error("{message}")]
    Refused {
        /// What sort of no.
        refusal: Refusal,
        /// What the server said.
        message: String,
    },
    /// The server could not be reached: nothing was done.
    #[error("{reason}")]
    NotSent {
        /// Why.
        reason: String,
    },
    /// The run was told to end before it was sent: nothing was done.
    #[error("{why}")]
    Stopped {
        /// Why.
        why: String,
    },
    /// There was no answer, or none that tells: it may have been done or not.
    #[error("{reason}")]
    Unknown {
        /// Why.
        reason: String,
    },
}

/// What sort of no a server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The object is wrong, or a field cannot change (422, 400, and 500 for a field that is not in the schema).
    Invalid,
    /// Other managers own fields that the object sets; or a precondition does not hold (409).
    Conflict,
    /// We may not (403 by RBAC). The right is the one that is missing.
    Forbidden(Right),
    /// Admission or quota said no (403).
    Denied,
    /// The object, its namespace or its kind is not there (404).
    NotFound,
    /// Anything else, by the HTTP status.
    Other(u16),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid => f.write_str("invalid"),
            Self::Conflict => f.write_str("conflict"),
            Self::Forbidden(right) => write!(f, "not allowed to {right}"),
            Self::Denied => f.write_str("denied"),
            Self::NotFound => f.write_str("not found"),
            Self::Other(code) => write!(f, "status {code}"),
        }
    }
}

impl WriteError {
    /// Whether a kind that was made a moment ago may be the cause: a server that has not heard of it yet says so.
    pub(crate) fn may_be_too_early(&self) -> bool {
        match self {
            Self::Refused { refusal: Refusal::NotFound, .. } => true,
            Self::Refused { message, .. } => {
                message.contains("not declared in schema") || message.contains("no matches for")
            }
            _ => false,
        }
    }

    /// The same error, after something else was done.
    pub(crate) fn after(self, what: &str) -> Self {
        match self {
            Self::Refused { refusal, message } => Self::Refused { refusal, message: format!("{what}: {message}") },
            Self::NotSent { reason } => Self::NotSent { reason: format!("{what}: {reason}") },
            Self::Unknown { reason } => Self::Unknown { reason: format!("{what}: {reason}") },
            Self::Stopped { why } => Self::Stopped { why: format!("{what}: {why}") },
        }
    }

    /// Whether the server itself was overtaken by another write, such as that of a quota's count.
    pub(crate) fn is_raced(&self) -> bool {
        matches!(self, Self::Refused { refusal: Refusal::Conflict, message } if message.contains("the object has been modified"))
    }

    /// Whether the object was another one, or in another version, than the one that was meant.
    pub(crate) fn is_overtaken(&self) -> bool {
        matches!(self, Self::Refused { refusal: Refusal::Conflict, .. })
    }

    /// Whether the server cannot be reached, so that further writes would only wait in vain.
    pub(crate) fn is_lost(&self) -> bool {
        !matches!(self, Self::Refused { .. } | Self::Stopped { .. })
    }
}

impl ApplyTarget<'_> {
    /// The body by which the server knows what is meant.
    fn said(self, body: &Value) -> Cow<'_, Value> {
        let (key, value) = match self {
            Self::Whichever => return Cow::Borrowed(body),
            Self::Absent => ("resourceVersion", NO_VERSION),
            Self::Only(uid) => ("uid", uid),
        };
        let mut body = body.clone();
        if let Some(metadata) = body.as_map_mut().and_then(|it| it.get_mut("metadata")).and_then(Value::as_map_mut) {
            metadata.insert(key, value);
        }
        Cow::Owned(body)
    }

    /// What the server says of another object than the one with the UID, as a conflict in plain words.
    fn missed(self, error: WriteError) -> WriteError {
        let (Self::Only(_), WriteError::Refused { refusal, message }) = (self, &error) else { return error };
        let message = match refusal {
            Refusal::Conflict if message.contains("uid mismatch") => "somebody deleted it since the plan was made",
            Refusal::Invalid if message.contains("metadata.uid") => {
                "somebody deleted it and made it again since the plan was made"
            }
            _ => return error,
        };
        WriteError::Refused { refusal: Refusal::Conflict, message: format!("{message}: nothing was done to it") }
    }
}

impl Cluster {
    /// Applies an object as field manager `weft` (server-side apply, created where it is missing) and returns what the
    /// server made of it. `body` is the whole object; secrets in it are sent as they are.
    pub async fn apply(
        &self,
        id: &ObjectId,
        resource: &Resource,
        body: &Value,
        options: ApplyOptions,
    ) -> Result<LiveObject, WriteError> {
        self.apply_to(ApplyTarget::Whichever, id, resource, body, options).await
    }

    /// The same, if the object is the one that is meant; otherwise nothing is done, and the answer is
    /// [`Refusal::Conflict`].
    pub async fn apply_to(
        &self,
        meant: ApplyTarget<'_>,
        id: &ObjectId,
        resource: &Resource,
        body: &Value,
        options: ApplyOptions,
    ) -> Result<LiveObject, WriteError> {
        let dry_run = if options.dry_run { "&dryRun=All" } else { "" };
        let force = if options.force { "&force=true" } else { "" };
        let path = path(resource, id.namespace.as_deref(), Some(&id.name));
        let path =
            format!("{path}?fieldManager={}&fieldValidation=Strict{force}{dry_run}", percent::segment(FIELD_MANAGER));
        let bytes = serde_json::to_vec(&meant.said(body).exposed()).map_err(|error| WriteError::Refused {
            refusal: Refusal::Invalid,
            message: format!("{id} cannot be written as JSON: {error}"),
        })?;
        let request = Request::get(path, format!("apply {id}"))
            .needs(Right::new("patch", resource, id.namespace.as_deref()))
            .with(Method::PATCH, "application/apply-patch+yaml", bytes);
        let answer = self.write(&request).await.map_err(|error| meant.missed(error))?;
        // A webhook that mangles the answer must not hide that the object was written.
        let sent = diff::Reader::object(&answer.body)
            .map_err(|error| WriteError::Unknown { reason: format!("the answer cannot be read: {error}") })?;
        sent.live().ok_or_else(|| WriteError::Unknown { reason: "the answer is not an object".to_owned() })
    }

    /// Asks whether the server would create an object, whether one of its name is there or not.
    pub async fn rehearse(&self, id: &ObjectId, resource: &Resource, body: &Value) -> Result<(), WriteError> {
        let path = path(resource, id.namespace.as_deref(), None);
        let path = format!("{path}?fieldManager={}&fieldValidation=Strict&dryRun=All", percent::segment(FIELD_MANAGER));
        let bytes = serde_json::to_vec(&body.exposed()).map_err(|error| WriteError::Refused {
            refusal: Refusal::Invalid,
            message: format!("{id} cannot be written as JSON: {error}"),
        })?;
        let request = Request::get(path, format!("ask whether {id} can be created"))
            .needs(Right::new("create", resource, id.namespace.as_deref()))
            .with(Method::POST, "application/json", bytes);
        match self.write(&request).await {
            // It is looked for after everything else.
            Err(WriteError::Refused { refusal: Refusal::Conflict, .. }) => Ok(()),
            other => other.map(drop),
        }
    }

    /// Deletes an object, if it still is the one that is meant; otherwise the answer is [`Refusal::Conflict`]. An object
    /// that is not there is deleted.
    pub async fn delete(
        &self,
        id: &ObjectId,
        resource: &Resource,
        meant: Precondition<'_>,
        propagation: Propagation,
    ) -> Result<(), WriteError> {
        let policy = match propagation {
            Propagation::Background => "Background",
            Propagation::Orphan => "Orphan",
        };
        let options = serde_json::json!({
            "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": policy,
            "preconditions": {"uid": meant.uid, "resourceVersion": meant.version},
        });
        let request = Request::get(path(resource, id.namespace.as_deref(), Some(&id.name)), format!("delete {id}"))
            .needs(Right::new("delete", resource, id.namespace.as_deref()))
            .with(Method::DELETE, "application/json", options.to_string().into_bytes());
        let deleted = match meant.version {
            // Who names a version has to look again.
            Some(_) => self.write(&request).await,
            None => self.write_again(&request).await,
        };
        match deleted {
            Err(WriteError::Refused { refusal: Refusal::NotFound, .. }) => Ok(()),
            other => other.map(drop),
        }
    }

    /// Sends a write that names no version, again where the server itself was overtaken by another write.
    pub(super) async fn write_again(&self, request: &Request) -> Result<Answer, WriteError> {
        let mut races = 0;
        loop {
            match self.write(request).await {
                Err(error) if error.is_raced() && races < RACES => sleep(PAUSE).await,
                other => return other,
            }
            races += 1;
        }
    }

    /// Sends a write.
    pub(super) async fn write(&self, request: &Request) -> Result<Answer, WriteError> {
        let answer = self.send(request).await.map_err(|error| match error {
            ClusterError::Stopped { why } => WriteError::Stopped { why },
            error if error.nothing_done() => WriteError::NotSent { reason: error.to_string() },
            ClusterError::Unreachable { reason, .. } => WriteError::Unknown { reason },
            other => WriteError::Unknown { reason: other.to_string() },
        })?;
        match answer {
            answer if answer.is_success() => Ok(answer),
            answer if answer.unsure && request.is_write() => Err(WriteError::Unknown { reason: self.said(&answer) }),
            // The server never had time for it.
            answer if answer.code == 429 && request.is_write() => {
                Err(WriteError::NotSent { reason: self.said(&answer) })
            }
            answer => Err(self.refusal(request, &answer)),
        }
    }

    fn said(&self, answer: &Answer) -> String {
        format!("the server says {}: {}", answer.code, self.redact(&answer.status().message))
    }

    fn refusal(&self, request: &Request, answer: &Answer) -> WriteError {
        let status = answer.status();
        let causes = status.details.as_ref().map(|it| it.causes.as_slice()).unwrap_or_default();
        let conflicts = causes.iter().filter(|it| it.reason == "FieldManagerConflict");
        let conflicts: Vec<String> = conflicts.map(|it| format!("{}: {}", it.field, it.message)).collect();
        let said = if conflicts.is_empty() { status.message } else { conflicts.join("; ") };
        // RBAC's refusals name the user and the verb; those of admission and quota do not.
        let by_rbac = said.contains(" cannot ") && said.contains("in API group");
        let refusal = match (answer.code, &request.right) {
            (400 | 422, _) => Refusal::Invalid,
            (500, _) if answer.is_never() => Refusal::Invalid,
            (403, Some(right)) if by_rbac => Refusal::Forbidden(right.clone()),
            (403, _) => Refusal::Denied,
            (404, _) => Refusal::NotFound,
            (409, _) => Refusal::Conflict,
            (code, _) => Refusal::Other(code),
        };
        WriteError::Refused { refusal, message: self.redact(&said) }
    }
}

//! One target: step by step until there is nothing more to do.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use k8s_openapi::api::core::v1::ConfigMap;
use serde_json::{Value as Json, json};

use super::account::{Actor, Failed};
use super::server::{Unanswered, get, object, patch, said, send};
use crate::Reason;
use crate::decide::{Found, Outcome, Rules, Step, refusal, step};
use crate::marks::MANAGER;
use weft_engine::cluster::Answer;

/// How many steps a target may take. More than a few mean that somebody else changes it all the time.
const STEPS: u32 = 8;
/// How long a write whose fate is unknown is waited for, more with each step.
const PAUSE: Duration = Duration::from_millis(200);

/// How a target ended.
#[derive(Clone, Debug)]
pub(crate) struct Settled {
    /// How.
    pub outcome: Outcome,
    /// What is there, where that is known.
    pub found: Found,
    /// How many writes the server took.
    pub writes: usize,
    /// Whether drift was corrected.
    pub corrected: bool,
}

/// Where a ConfigMap is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At<'a> {
    /// The namespace.
    pub namespace: &'a str,
    /// The name.
    pub name: &'a str,
}

/// What a step led to.
enum Next {
    /// This is there now, by our write or without one.
    Found(Found, bool),
    /// It has to be looked at: somebody else was faster.
    Look,
    /// It has to be looked at, after a while: what was done is unknown.
    Unknown(String),
    /// It ended.
    Ended(Reason, String),
}

impl At<'_> {
    /// The path of the ConfigMap.
    pub fn path(&self) -> String {
        format!("{}/{}", self.collection(), self.name)
    }

    fn collection(&self) -> String {
        format!("/api/v1/namespaces/{}/configmaps", self.namespace)
    }
}

/// Looks at a ConfigMap. `None` where there is none.
pub(crate) async fn look(actor: &Actor<'_>, at: At<'_>) -> Result<Option<Box<ConfigMap>>, (Reason, String)> {
    let answer = actor.call(&get(at.path())).await.map_err(Failed::into_parts)?;
    match answer.code {
        404 => Ok(None),
        _ if answer.is_success() => object(&answer).map(Some).map_err(|why| (Reason::ApiUnavailable, why.to_string())),
        _ => Err((refusal(&said(&answer)), said(&answer).message)),
    }
}

/// Brings a target to rest. `body` is what is sent to create it. `None` for `found` says that it has to be looked at
/// first; `absent` is what nothing there means then.
pub(crate) async fn settle(
    actor: &Actor<'_>,
    namespace: &str,
    rules: &Rules<'_>,
    body: &Bytes,
    mut found: Option<Found>,
    mut absent: Found,
) -> Settled {
    let at = At { namespace, name: &rules.wanted.name };
    let mut settled = Settled { outcome: Outcome::Synced, found: Found::Unseen, writes: 0, corrected: false };
    let mut unknown = None;
    for round in 1..=STEPS {
        let now = match found.take() {
            Some(found) => found,
            None => match look(actor, at).await {
                Ok(object) => object.map_or(absent.clone(), Found::Present),
                Err((reason, why)) => return Settled { outcome: failed(reason, why), ..settled },
            },
        };
        let next = step(rules, &now);
        if let Step::Done(outcome) = next {
            return Settled { outcome, found: now, ..settled };
        }
        match act(actor, at, rules, body, &now, &next).await {
            Next::Found(then, wrote) => {
                settled.writes += usize::from(wrote);
                settled.corrected |= matches!(next, Step::Change { drift: true, .. });
                settled.corrected |= now == Found::Vanished;
                found = Some(then);
                absent = Found::Absent;
            }
            Next::Look => absent = Found::Absent,
            Next::Unknown(why) => {
                absent = Found::Absent;
                unknown = Some(why);
                tokio::time::sleep(PAUSE * round).await;
            }
            Next::Ended(reason, why) => return Settled { outcome: failed(reason, why), ..settled },
        }
    }
    let changed = || "somebody else, or an admission plugin, changes the copy whenever it is written".to_owned();
    let reason = if unknown.is_some() { Reason::ApiUnavailable } else { Reason::AdmissionDenied };
    Settled { outcome: failed(reason, unknown.unwrap_or_else(changed)), ..settled }
}

/// A namespace that is going, or gone, is waited for; everything else failed.
fn failed(reason: Reason, why: String) -> Outcome {
    match reason {
        Reason::NamespaceTerminating | Reason::NamespaceMissing => Outcome::pending(reason, why),
        _ => Outcome::failed(reason, why),
    }
}

async fn act(actor: &Actor<'_>, at: At<'_>, rules: &Rules<'_>, body: &Bytes, found: &Found, step: &Step) -> Next {
    let (uid, version) = match found {
        Found::Present(it) => (it.metadata.uid.as_ref(), it.metadata.resource_version.as_ref()),
        _ => (None, None),
    };
    let answer = match step {
        Step::Done(_) => return Next::Look,
        Step::Create => {
            let path = format!("{}?fieldManager={MANAGER}", at.collection());
            actor.call_once(&send(Method::POST, path, body.clone())).await
        }
        Step::Change { difference, .. } => {
            let path = format!("{}?fieldManager={MANAGER}", at.path());
            let body = rules.wanted.patch(difference, version);
            actor.call_once(&patch(path, "application/merge-patch+json", &body)).await
        }
        Step::Replace => return replace(actor, at, &delete_options(uid, version)).await,
    };
    match answer {
        Ok(answer) if answer.is_success() => {
            object(&answer).map_or(Next::Look, |object| Next::Found(Found::Present(object), true))
        }
        other => refused(other, Reason::TargetForbidden),
    }
}

/// Deletes what cannot be changed.
async fn replace(actor: &Actor<'_>, at: At<'_>, options: &Json) -> Next {
    match actor.call_once(&send(Method::DELETE, at.path(), options.to_string())).await {
        Ok(answer) if answer.is_success() => Next::Found(Found::Absent, true),
        other => refused(other, Reason::ImmutableTarget),
    }
}

/// What a refusal leads to. `forbidden` is the reason where the right is missing.
fn refused(answer: Result<Answer, Failed>, forbidden: Reason) -> Next {
    let answer = match answer {
        Ok(answer) => answer,
        Err(Failed::Unanswered(Unanswered::Lost(why))) => return Next::Unknown(why),
        Err(failed) => {
            let (reason, why) = failed.into_parts();
            return Next::Ended(reason, why);
        }
    };
    let said = said(&answer);
    match refusal(&said) {
        _ if answer.unsure => Next::Unknown(said.message),
        _ if answer.code == 409 => Next::Look,
        // Somebody deleted the object, not the namespace.
        Reason::NamespaceMissing if !said.message.starts_with("namespaces ") => Next::Look,
        Reason::TargetForbidden => Next::Ended(forbidden, said.message),
        reason => Next::Ended(reason, said.message),
    }
}

/// The body of a deletion of the object of this UID and version, and of no other.
pub(crate) fn delete_options(uid: Option<&String>, version: Option<&String>) -> Json {
    json!({"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid, "resourceVersion": version}})
}

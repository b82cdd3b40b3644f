//! One target: takes steps until nothing is left to do.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use k8s_openapi::api::core::v1::ConfigMap;
use serde_json::{Value as Json, json};

use super::account::{AccountFailure, Actor};
use super::server::{Unanswered, get, object, patch, refusal_of, send};
use crate::SyncReason;
use crate::decide::{TargetOutcome, TargetRules, TargetState, TargetStep, refusal, step};
use crate::marks::MANAGER;
use weft_engine::cluster::Answer;

/// How many steps a target may take. More than a few mean that somebody else changes it all the time.
const STEPS: u32 = 8;
/// How long a write whose fate is unknown is waited for, more with each step.
const PAUSE: Duration = Duration::from_millis(200);

/// How a target ended.
#[derive(Clone, Debug)]
pub(crate) struct SettledTarget {
    /// How.
    pub outcome: TargetOutcome,
    /// What is there, if that is known.
    pub found: TargetState,
    /// How many writes the server took.
    pub writes: usize,
    /// Whether drift was corrected.
    pub corrected: bool,
}

/// The namespace and name of a ConfigMap.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CopyAddress<'a> {
    pub namespace: &'a str,
    pub name: &'a str,
}

/// What a step led to.
enum StepResult {
    /// This is there now, by our write or without one.
    Found(TargetState, bool),
    /// It has to be looked at: somebody else was faster.
    Look,
    /// It has to be looked at, after a while: what was done is unknown.
    Unknown(String),
    /// It ended.
    Ended(SyncReason, String),
}

impl CopyAddress<'_> {
    /// The path of the ConfigMap.
    pub fn path(&self) -> String {
        format!("{}/{}", self.collection(), self.name)
    }

    fn collection(&self) -> String {
        format!("/api/v1/namespaces/{}/configmaps", self.namespace)
    }
}

/// Reads a ConfigMap. `None` if it does not exist.
pub(crate) async fn look(
    actor: &Actor<'_>,
    at: CopyAddress<'_>,
) -> Result<Option<Box<ConfigMap>>, (SyncReason, String)> {
    let answer = actor.call(&get(at.path())).await.map_err(AccountFailure::into_parts)?;
    match answer.code {
        404 => Ok(None),
        _ if answer.is_success() => {
            object(&answer).map(Some).map_err(|why| (SyncReason::ApiUnavailable, why.to_string()))
        }
        _ => Err((refusal(&refusal_of(&answer)), refusal_of(&answer).message)),
    }
}

/// Brings a target to rest. `body` is what is sent to create it. `None` for `found` says that it has to be looked at
/// first; `absent` is what nothing there means then.
pub(crate) async fn settle(
    actor: &Actor<'_>,
    namespace: &str,
    rules: &TargetRules<'_>,
    body: &Bytes,
    mut found: Option<TargetState>,
    mut absent: TargetState,
) -> SettledTarget {
    let at = CopyAddress { namespace, name: &rules.wanted.name };
    let mut settled =
        SettledTarget { outcome: TargetOutcome::Synced, found: TargetState::Unseen, writes: 0, corrected: false };
    let mut unknown = None;
    for round in 1..=STEPS {
        let now = match found.take() {
            Some(found) => found,
            None => match look(actor, at).await {
                Ok(object) => object.map_or(absent.clone(), TargetState::Present),
                Err((reason, why)) => return SettledTarget { outcome: failed(reason, why), ..settled },
            },
        };
        let next = step(rules, &now);
        if let TargetStep::Done(outcome) = next {
            return SettledTarget { outcome, found: now, ..settled };
        }
        match act(actor, at, rules, body, &now, &next).await {
            StepResult::Found(then, wrote) => {
                settled.writes += usize::from(wrote);
                settled.corrected |= matches!(next, TargetStep::Change { drift: true, .. });
                settled.corrected |= now == TargetState::Vanished;
                found = Some(then);
                absent = TargetState::Absent;
            }
            StepResult::Look => absent = TargetState::Absent,
            StepResult::Unknown(why) => {
                absent = TargetState::Absent;
                unknown = Some(why);
                tokio::time::sleep(PAUSE * round).await;
            }
            StepResult::Ended(reason, why) => return SettledTarget { outcome: failed(reason, why), ..settled },
        }
    }
    let changed = || "somebody else, or an admission plugin, changes the copy whenever it is written".to_owned();
    let reason = if unknown.is_some() { SyncReason::ApiUnavailable } else { SyncReason::AdmissionDenied };
    SettledTarget { outcome: failed(reason, unknown.unwrap_or_else(changed)), ..settled }
}

/// A namespace that is going, or gone, is waited for; everything else failed.
fn failed(reason: SyncReason, why: String) -> TargetOutcome {
    match reason {
        SyncReason::NamespaceTerminating | SyncReason::NamespaceMissing => TargetOutcome::pending(reason, why),
        _ => TargetOutcome::failed(reason, why),
    }
}

async fn act(
    actor: &Actor<'_>,
    at: CopyAddress<'_>,
    rules: &TargetRules<'_>,
    body: &Bytes,
    found: &TargetState,
    step: &TargetStep,
) -> StepResult {
    let (uid, version) = match found {
        TargetState::Present(it) => (it.metadata.uid.as_ref(), it.metadata.resource_version.as_ref()),
        _ => (None, None),
    };
    let answer = match step {
        TargetStep::Done(_) => return StepResult::Look,
        TargetStep::Create => {
            let path = format!("{}?fieldManager={MANAGER}", at.collection());
            actor.call_once(&send(Method::POST, path, body.clone())).await
        }
        TargetStep::Change { difference, .. } => {
            let path = format!("{}?fieldManager={MANAGER}", at.path());
            let body = rules.wanted.patch(difference, version);
            actor.call_once(&patch(path, "application/merge-patch+json", &body)).await
        }
        TargetStep::Replace => return replace(actor, at, &delete_options(uid, version)).await,
    };
    match answer {
        Ok(answer) if answer.is_success() => {
            object(&answer).map_or(StepResult::Look, |object| StepResult::Found(TargetState::Present(object), true))
        }
        other => refused(other, SyncReason::TargetForbidden),
    }
}

/// Deletes what cannot be changed.
async fn replace(actor: &Actor<'_>, at: CopyAddress<'_>, options: &Json) -> StepResult {
    match actor.call_once(&send(Method::DELETE, at.path(), options.to_string())).await {
        Ok(answer) if answer.is_success() => StepResult::Found(TargetState::Absent, true),
        other => refused(other, SyncReason::ImmutableTarget),
    }
}

/// What a refusal leads to. `forbidden` is the reason if the right is missing.
fn refused(answer: Result<Answer, AccountFailure>, forbidden: SyncReason) -> StepResult {
    let answer = match answer {
        Ok(answer) => answer,
        Err(AccountFailure::Unanswered(Unanswered::Lost(why))) => return StepResult::Unknown(why),
        Err(failed) => {
            let (reason, why) = failed.into_parts();
            return StepResult::Ended(reason, why);
        }
    };
    let said = refusal_of(&answer);
    match refusal(&said) {
        _ if answer.unsure => StepResult::Unknown(said.message),
        _ if answer.code == 409 => StepResult::Look,
        // Somebody deleted the object, not the namespace.
        SyncReason::NamespaceMissing if !said.message.starts_with("namespaces ") => StepResult::Look,
        SyncReason::TargetForbidden => StepResult::Ended(forbidden, said.message),
        reason => StepResult::Ended(reason, said.message),
    }
}

/// The body of a deletion of the object of this UID and version, and of no other.
pub(crate) fn delete_options(uid: Option<&String>, version: Option<&String>) -> Json {
    json!({"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid, "resourceVersion": version}})
}

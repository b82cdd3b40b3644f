//! What is kept of the findings of an environment: one Secret, which is written only in the version that was read; and
//! the Events that are about it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::{Value as Json, json};

use super::documents::STATE;
use super::kinds::{events, secrets};
use super::live::path;
use super::request::Request;
use super::rights::Right;
use super::write::{Refusal, WriteError};
use super::{Cluster, ClusterError};
use weft_base::value::Value;
use weft_stages::drift::{self, DriftNews, History};

/// The key of the Secret's data under which the history is.
const HISTORY: &str = "history";
/// Who writes it: not `weft`, so that whoever applies the Secret with a chart does not own what is found.
const WRITER: &str = "weft-drift";

/// The history of findings as it is kept.
#[derive(Clone, Debug, Default)]
pub struct KeptFindings {
    /// What is remembered; empty where nothing is kept yet.
    pub history: History,
    /// The version of the Secret; `None` where there is none.
    version: Option<String>,
}

impl KeptFindings {
    /// The right that it takes to keep the next history.
    pub fn right(&self, namespace: &str) -> Right {
        Right::new(if self.version.is_some() { "patch" } else { "create" }, &secrets(), Some(namespace))
    }
}

/// The name of the Secret of an environment.
pub(super) fn name(environment: &str) -> String {
    // An inventory's name begins with `weft.`.
    format!("weft-drift.{environment}").to_lowercase()
}

impl Cluster {
    /// The history of the findings of an environment.
    pub async fn kept_findings(&self, namespace: &str, environment: &str) -> Result<KeptFindings, ClusterError> {
        let name = name(environment);
        let Some(secret) = self.secret(namespace, &name).await? else { return Ok(KeptFindings::default()) };
        let text = |keys: &[&str]| secret.dig(keys).and_then(Value::as_str).map(str::to_owned);
        let packed = text(&["data", HISTORY]).map(|it| STANDARD.decode(it).unwrap_or_default());
        let history =
            packed.map(|bytes| drift::decode(&bytes)).transpose().map_err(|source| ClusterError::History {
                secret: format!("{namespace}/{name}"),
                release: environment.to_owned(),
                source: Box::new(source),
            })?;
        Ok(KeptFindings { history: history.unwrap_or_default(), version: text(&["metadata", "resourceVersion"]) })
    }

    /// Keeps a history in the place of the one that was read. If somebody else was faster, the answer is
    /// [`Refusal::Conflict`], and nothing is done.
    pub async fn keep_findings(&self, namespace: &str, kept: &KeptFindings) -> Result<(), WriteError> {
        let name = name(&kept.history.environment);
        let invalid = |error: &dyn std::fmt::Display| WriteError::Refused {
            refusal: Refusal::Invalid,
            message: error.to_string(),
        };
        let packed = drift::encode(&kept.history).map_err(|error| invalid(&error))?;
        let labels = json!({STATE: "drift", "weft.example.com/environment": kept.history.environment});
        let data = json!({HISTORY: STANDARD.encode(packed)});
        let (method, place, content_type, body) = if let Some(version) = &kept.version {
            let body = json!({"metadata": {"resourceVersion": version, "labels": labels}, "data": data});
            (Method::PATCH, Some(name.as_str()), "application/merge-patch+json", body)
        } else {
            let metadata = json!({"name": name, "namespace": namespace, "labels": labels});
            let kind = "weft.example.com/drift";
            let body = json!({"apiVersion": "v1", "kind": "Secret", "type": kind, "metadata": metadata, "data": data});
            (Method::POST, None, "application/json", body)
        };
        let path = format!("{}?fieldManager={WRITER}", path(&secrets(), Some(namespace), place));
        let request = Request::get(path, format!("save the Secret {namespace}/{name}"))
            .needs(kept.right(namespace))
            .with(method, content_type, body.to_string().into_bytes());
        self.write(&request).await.map(drop)
    }

    /// Whether the history may be kept; yes, where the server does not say.
    pub async fn may_keep_findings(&self, namespace: &str, environment: &str, kept: &KeptFindings) -> bool {
        let name = kept.version.as_ref().map(|_| name(environment));
        self.may(&kept.right(namespace), name.as_deref()).await.unwrap_or(true)
    }

    /// Writes an Event about the findings of an environment into the namespace of its state.
    pub async fn tell_of_findings(
        &self,
        namespace: &str,
        environment: &str,
        at: &str,
        note: &DriftNews,
    ) -> Result<(), WriteError> {
        let body = event(namespace, environment, at, note);
        let path = format!("{}?fieldManager={WRITER}", path(&events(), Some(namespace), None));
        let request = Request::get(path, format!("write an Event in namespace {namespace}"))
            .needs(Right::new("create", &events(), Some(namespace)))
            .with(Method::POST, "application/json", body.to_string().into_bytes());
        self.write(&request).await.map(drop)
    }
}

fn event(namespace: &str, environment: &str, at: &str, note: &DriftNews) -> Json {
    let about = name(environment);
    json!({
        "apiVersion": "v1", "kind": "Event",
        "metadata": {"generateName": format!("{about}."), "namespace": namespace},
        "involvedObject": {"apiVersion": "v1", "kind": "Secret", "namespace": namespace, "name": about},
        "type": if note.warning { "Warning" } else { "Normal" },
        "reason": note.reason,
        "message": note.message,
        "source": {"component": WRITER},
        "reportingComponent": "weft.example.com/drift",
        "firstTimestamp": at, "lastTimestamp": at, "count": 1,
    })
}

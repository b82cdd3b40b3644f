//! Waiting until a definition of a kind can be used.

use std::time::Duration;

use tokio::time::Instant;

use super::kinds::definitions;
use super::live::path;
use super::request::Request;
use super::{Cluster, ClusterError};
use weft_base::value::Value;
use weft_schema::{Gvk, Resource, Scope};

/// How long a definition may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// The wait between two looks.
const PAUSE: Duration = Duration::from_millis(100);

impl Cluster {
    /// Waits until the kinds of a `CustomResourceDefinition` are established, their names accepted, and served.
    /// Returns what is missing where that takes too long or failed.
    pub async fn await_definition(&self, name: &str) -> Result<Result<Vec<Resource>, String>, ClusterError> {
        let path = path(&definitions(), None, Some(name));
        let request = Request::get(path, format!("get the definition {name}"));
        let end = Instant::now() + PATIENCE;
        loop {
            let definition: Option<Value> = self.fetch(&request).await?;
            let missing = match definition.as_ref().map(|it| (missing(it), kinds(it))) {
                Some((None, kinds)) => match self.unserved(&kinds).await? {
                    None => return Ok(Ok(kinds)),
                    Some(version) => format!("{version} is not served yet"),
                },
                Some((Some(MissingCondition::ForGood(reason)), _)) => return Ok(Err(reason)),
                Some((Some(MissingCondition::Yet(reason)), _)) => reason,
                None => "it is not there".to_owned(),
            };
            if Instant::now() >= end {
                return Ok(Err(missing));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The first version that the server does not yet serve with all its kinds.
    async fn unserved(&self, kinds: &[Resource]) -> Result<Option<String>, ClusterError> {
        for resource in kinds {
            let version = resource.gvk.api_version();
            let request = Request::get(format!("/apis/{version}"), format!("discover {version}"));
            let found: Option<Value> = self.fetch(&request).await?;
            let served = found.as_ref().and_then(|it| it.get("resources")).and_then(Value::as_list).unwrap_or_default();
            let is_it = |it: &Value| it.get("name").and_then(Value::as_str) == Some(&resource.plural);
            if !served.iter().any(is_it) {
                return Ok(Some(version));
            }
        }
        Ok(None)
    }
}

enum MissingCondition {
    Yet(String),
    ForGood(String),
}

/// What a definition's conditions still miss.
fn missing(definition: &Value) -> Option<MissingCondition> {
    let conditions = definition.dig(&["status", "conditions"]).and_then(Value::as_list).unwrap_or_default();
    for kind in ["NamesAccepted", "Established"] {
        let found = conditions.iter().find(|it| it.get("type").and_then(Value::as_str) == Some(kind));
        let text = |key: &str| found.and_then(|it| it.get(key)).and_then(Value::as_str).unwrap_or_default();
        match text("status") {
            "True" => {}
            "False" if kind == "NamesAccepted" => return Some(MissingCondition::ForGood(text("message").to_owned())),
            _ => return Some(MissingCondition::Yet(format!("its condition {kind} is not true yet"))),
        }
    }
    None
}

/// The kinds that a definition serves, by version.
fn kinds(definition: &Value) -> Vec<Resource> {
    let text = |keys: &[&str]| definition.dig(keys).and_then(Value::as_str).unwrap_or_default().to_owned();
    let versions = definition.dig(&["spec", "versions"]).and_then(Value::as_list).unwrap_or_default();
    let served = versions.iter().filter(|it| it.get("served").and_then(Value::as_bool) == Some(true));
    let scope = if text(&["spec", "scope"]) == "Namespaced" { Scope::Namespaced } else { Scope::Cluster };
    let verbs = ["create", "delete", "get", "list", "patch", "update", "watch"].map(str::to_owned).to_vec();
    served
        .map(|it| Resource {
            gvk: Gvk {
                group: text(&["spec", "group"]),
                version: it.get("name").and_then(Value::as_str).unwrap_or_default().to_owned(),
                kind: text(&["spec", "names", "kind"]),
            },
            plural: text(&["spec", "names", "plural"]),
            scope,
            verbs: verbs.clone(),
        })
        .collect()
}

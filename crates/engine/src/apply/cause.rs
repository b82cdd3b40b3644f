//! Reads what is around objects that are not as they should be, for `health` to say why.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::StreamExt as _;

use crate::cluster::{Cluster, FIELD_MANAGER};
use weft_base::value::Value;
use weft_schema::GroupKind;
use weft_stages::diff::LiveObject;
use weft_stages::health::{self, Around, Cause, ObjectEvent};
use weft_stages::manifest::ObjectId;

/// Objects whose pods are read at once; how many requests are sent is decided by `cluster`.
const AT_ONCE: usize = 8;

/// What is around each of some objects; of who may not see pods or events, less.
pub(super) async fn around(cluster: &Cluster, objects: &[&LiveObject]) -> Vec<Around> {
    let namespaces: BTreeSet<&str> = objects.iter().filter_map(|it| it.id.namespace.as_deref()).collect();
    let events: BTreeMap<&str, Arc<Vec<ObjectEvent>>> = futures::stream::iter(namespaces)
        .map(|it| async move { (it, Arc::new(cluster.said_in(it).await.unwrap_or_default())) })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let each = |object: &LiveObject| {
        let events = object.id.namespace.as_deref().and_then(|it| events.get(it)).cloned().unwrap_or_default();
        let body = object.body.clone();
        let since = since(object);
        async move {
            let pods = match () {
                () if body.get("kind").and_then(Value::as_str) == Some("Pod") => vec![body],
                () if health::runs_pods(&body) => cluster.pods_of(&body).await.unwrap_or_default(),
                () => Vec::new(),
            };
            Around { pods, events, since }
        }
    };
    futures::stream::iter(objects.iter().map(|it| each(it))).buffered(AT_ONCE).collect().await
}

/// What was said about an object that is gone.
pub(super) async fn said_of(cluster: &Cluster, id: &ObjectId) -> Around {
    let events = match &id.namespace {
        Some(namespace) => cluster.said_in(namespace).await.unwrap_or_default(),
        None => Vec::new(),
    };
    Around { events: Arc::new(events), ..Around::default() }
}

/// A cause in words, with the last lines of the log that tells more.
pub(super) async fn in_words(cluster: &Cluster, namespace: Option<&str>, cause: &Cause) -> String {
    let mut said = cause.to_string();
    if let (Some((container, previous)), Some(pod)) = (&cause.trouble.log, &cause.pod) {
        let kind = GroupKind { group: String::new(), kind: "Pod".into() };
        let id = ObjectId { kind, namespace: namespace.map(str::to_owned), name: pod.clone() };
        let mut lines = cluster.last_lines(&id, container, *previous).await.unwrap_or_default();
        if lines.is_empty() && !previous {
            lines = cluster.last_lines(&id, container, true).await.unwrap_or_default();
        }
        if !lines.is_empty() {
            said = format!("{said}; its last lines:");
            lines.lines().for_each(|line| said.extend(["\n  ", line]));
        }
    }
    cluster.redactor().redact(&said)
}

/// When we last changed an object.
fn since(object: &LiveObject) -> String {
    let ours = object.managers.iter().filter(|it| it.name == FIELD_MANAGER && it.operation == "Apply");
    ours.filter_map(|it| it.time.clone()).max().unwrap_or_default()
}

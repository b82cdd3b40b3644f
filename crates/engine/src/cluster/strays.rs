//! All that is in a namespace, with what tells whether anybody manages it.

use futures::StreamExt as _;

use super::live::is_total;
use super::{Cluster, ClusterError};
use weft_base::value::Value;
use weft_schema::{Discovery, Resource, Scope};
use weft_stages::diff::{LiveObject, Writer};
use weft_stages::drift::Resident;

/// Lists that are worked on at once; how many requests are sent is decided by `flight`.
const LISTS: usize = 32;
/// The kinds whose whole objects are needed; of all others their metadata is enough.
const WHOLE: [&str; 2] = ["Secret", "StatefulSet"];

/// What is in a namespace.
#[derive(Clone, Debug, Default)]
pub struct NamespaceContent {
    /// The objects that could be seen.
    pub residents: Vec<Resident>,
    /// Why others could not be seen.
    pub unseen: Vec<String>,
}

impl Cluster {
    /// The objects in a namespace, of all kinds that can be listed and deleted. Kinds that may not be listed are told; an
    /// error means that nothing can be said at all.
    pub async fn residing(&self, namespace: &str, discovery: &Discovery) -> Result<NamespaceContent, ClusterError> {
        let can = |resource: &Resource, verb: &str| resource.verbs.iter().any(|it| it == verb);
        let preferred = discovery.resources.values().filter_map(|versions| versions.first());
        // What cannot be deleted, such as a measurement, is made up whenever somebody asks.
        let kinds = preferred.filter(|it| it.scope == Scope::Namespaced && can(it, "list") && can(it, "delete"));
        let mut lists = futures::stream::iter(kinds.map(|kind| self.of_kind(namespace, kind))).buffer_unordered(LISTS);
        let mut residing = NamespaceContent {
            unseen: discovery.unavailable.values().cloned().collect(),
            ..NamespaceContent::default()
        };
        while let Some(list) = lists.next().await {
            match list {
                Ok(residents) => residing.residents.extend(residents),
                Err(error) if is_total(&error) => return Err(error),
                Err(error) => residing.unseen.push(error.to_string()),
            }
        }
        residing.unseen.sort();
        Ok(residing)
    }

    async fn of_kind(&self, namespace: &str, kind: &Resource) -> Result<Vec<Resident>, ClusterError> {
        let mut residents = Vec::new();
        let whole = WHOLE.contains(&kind.gvk.kind.as_str());
        self.list_live(kind, namespace, whole, &mut |it| residents.push(resident(&it, kind))).await?;
        Ok(residents)
    }
}

fn resident(live: &LiveObject, kind: &Resource) -> Resident {
    let metadata = |key: &str| live.body.dig(&["metadata", key]);
    let labels = metadata("labels").and_then(Value::as_map).into_iter().flatten();
    let mut writers: Vec<Writer> = live.managers.iter().map(Writer::of).collect();
    writers.sort_by(|a, b| a.time.cmp(&b.time));
    let id = weft_stages::manifest::ObjectId { kind: kind.gvk.group_kind(), ..live.id.clone() };
    Resident {
        claims: claims(live, &id.name),
        id: Some(id),
        labels: labels.map(|it| (it.key.to_string(), it.value.as_str().unwrap_or_default().to_owned())).collect(),
        owned: metadata("ownerReferences").and_then(Value::as_list).is_some_and(|owners| !owners.is_empty()),
        kind_of_secret: live.body.get("type").and_then(Value::as_str).map(str::to_owned),
        created: metadata("creationTimestamp").and_then(Value::as_str).map(str::to_owned),
        writers,
    }
}

/// The names of the claims of a `StatefulSet`, without the numbers of its pods.
fn claims(live: &LiveObject, name: &str) -> Vec<String> {
    let templates = live.body.dig(&["spec", "volumeClaimTemplates"]).and_then(Value::as_list).unwrap_or_default();
    let names = templates.iter().filter_map(|it| it.dig(&["metadata", "name"])?.as_str());
    names.map(|claim| format!("{claim}-{name}")).collect()
}

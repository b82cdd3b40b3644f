//! The contents of an inventory without what was applied. It is short enough to stand beside the document.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{FORMAT_VERSION, Inventory};
use crate::diff;
use crate::manifest::{ObjectGroup, ObjectId, ObjectSet};
use crate::project::{Owner, Prune};
use weft_schema::GroupKind;

/// A server takes 256 KiB of annotations; half of that is left for whoever else writes some.
const LARGEST: usize = 128 * 1024;

/// What a run has to know about a release that is not part of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outline {
    /// The objects of the inventory.
    pub objects: Arc<ObjectSet>,
    /// What its autoscalers target, with the autoscaler.
    pub scaled: BTreeMap<ObjectId, ObjectId>,
    /// What becomes of objects that leave it, which stands beside the document as well.
    pub prune: Prune,
    /// The project that it belongs to, which stands beside the document as well.
    pub owner: Option<Owner>,
}

/// Stands between names, and between kinds: neither can have it.
const BETWEEN: &str = "/";

/// The text of an outline. It says of each namespace (empty for the whole cluster) which names are those of which kinds.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OutlineDocument<T: Ord> {
    format_version: u64,
    objects: BTreeMap<T, BTreeMap<T, T>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    scaled: Vec<(ObjectId, ObjectId)>,
}

impl Outline {
    /// That of an inventory.
    pub fn from_inventory(inventory: &Inventory) -> Self {
        let scaled = inventory.objects.iter().filter_map(|(id, member)| {
            let recorded = member.recorded.as_deref()?;
            Some((diff::scales(id, || &recorded.applied)?, id.clone()))
        });
        let objects = Arc::new(inventory.objects.keys().collect());
        Self { objects, scaled: scaled.collect(), prune: inventory.prune, owner: inventory.owner.clone() }
    }

    /// The outline as one line of JSON; `None` if it is too long to stand beside the document.
    pub fn to_text(&self) -> Option<String> {
        let mut objects: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for group in self.objects.groups() {
            let mut kinds: Vec<String> = group.kinds.iter().map(ToString::to_string).collect();
            kinds.sort_unstable();
            let place = objects.entry(group.namespace.clone().unwrap_or_default()).or_default();
            place.insert(group.names.join(BETWEEN), kinds.join(BETWEEN));
        }
        let scaled = self.scaled.iter().map(|(target, by)| (target.clone(), by.clone())).collect();
        let text = serde_json::to_string(&OutlineDocument { format_version: FORMAT_VERSION, objects, scaled }).ok()?;
        (text.len() <= LARGEST).then_some(text)
    }

    /// The outline that [`Self::to_text`] made this text of; `None` for any other text, so that the document is read.
    pub fn of_text(text: &str, prune: Prune) -> Option<Self> {
        let text: OutlineDocument<&str> = serde_json::from_str(text).ok()?;
        if text.format_version != FORMAT_VERSION {
            return None;
        }
        let kind = |kind: &str| {
            let (kind, group) = kind.split_once('.').unwrap_or((kind, ""));
            GroupKind { group: group.to_owned(), kind: kind.to_owned() }
        };
        let group = |namespace: &str, names: &str, kinds: &str| ObjectGroup {
            namespace: (!namespace.is_empty()).then(|| namespace.to_owned()),
            names: names.split(BETWEEN).map(str::to_owned).collect(),
            kinds: kinds.split(BETWEEN).map(kind).collect(),
        };
        let all = text
            .objects
            .iter()
            .flat_map(|(namespace, it)| it.iter().map(move |(names, kinds)| (namespace, names, kinds)));
        let groups: Vec<ObjectGroup> = all.map(|(namespace, names, kinds)| group(namespace, names, kinds)).collect();
        Some(Self { objects: Arc::new(groups.into()), scaled: text.scaled.into_iter().collect(), prune, owner: None })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::diff::Recorded;
    use crate::state::Member;

    fn id(kind: &str, namespace: Option<&str>, name: &str) -> ObjectId {
        let (kind, group) = kind.split_once('.').unwrap_or((kind, ""));
        let kind = GroupKind { group: group.into(), kind: kind.into() };
        ObjectId { kind, namespace: namespace.map(str::to_owned), name: name.into() }
    }

    fn inventory(objects: impl IntoIterator<Item = (ObjectId, serde_json::Value)>) -> Inventory {
        let member = |(id, applied): (ObjectId, serde_json::Value)| {
            let applied = serde_json::from_str(&applied.to_string()).unwrap();
            let [uid, desired, owned, projection] = [(); 4].map(|()| String::new());
            let recorded = Recorded { uid, desired, owned, projection, applied };
            (id, Member { api_version: "v1".into(), recorded: Some(Arc::new(recorded)) })
        };
        Inventory { objects: objects.into_iter().map(member).collect(), ..Inventory::default() }
    }

    #[test]
    fn an_outline_says_what_there_is_and_what_is_scaled() {
        let scaler = id("HorizontalPodAutoscaler.autoscaling", Some("apps"), "web");
        let spec = json!({"spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}});
        let all = [
            (id("Namespace", None, "apps"), json!({})),
            (id("Deployment.apps", Some("apps"), "web"), json!({})),
            (id("Deployment.apps", Some("apps"), "worker"), json!({})),
            (id("Service", Some("apps"), "web"), json!({})),
            (scaler, spec),
        ];
        let outline = Outline::from_inventory(&inventory(all));
        let text = outline.to_text().unwrap();
        assert_eq!(
            text,
            r#"{"formatVersion":1,"objects":{"":{"apps":"Namespace"},"#.to_owned()
                + r#""apps":{"web":"HorizontalPodAutoscaler.autoscaling/Service","web/worker":"Deployment.apps"}},"#
                + r#""scaled":[[{"group":"apps","kind":"Deployment","namespace":"apps","name":"web"},"#
                + r#"{"group":"autoscaling","kind":"HorizontalPodAutoscaler","namespace":"apps","name":"web"}]]}"#
        );
        assert_eq!(Outline::of_text(&text, Prune::Delete), Some(outline));
    }

    #[test]
    fn what_is_too_long_or_of_another_version_is_none() {
        let many = (0..9_000).map(|at| (id("ConfigMap", Some("apps"), &format!("a-long-name-{at}")), json!({})));
        assert_eq!(Outline::from_inventory(&inventory(many)).to_text(), None);
        let before = r#"{"formatVersion":1,"objects":{"ConfigMap":{"apps":["web"]}}}"#;
        for text in [before, r#"{"formatVersion":2,"objects":{}}"#, "{}", r#"{"formatVersion":1}"#, "", "no json"] {
            assert_eq!(Outline::of_text(text, Prune::Delete), None, "{text}");
        }
        assert_eq!(Outline::of_text(r#"{"formatVersion":1,"objects":{}}"#, Prune::Keep).unwrap().prune, Prune::Keep);
    }
}

//! What an inventory holds, without what was applied: short enough to stand beside the document.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{FORMAT_VERSION, Inventory};
use crate::diff;
use crate::manifest::ObjectId;
use crate::project::Prune;
use crate::schema::GroupKind;

/// A server takes 256 KiB of annotations; half of that is left for whoever else writes some.
const LARGEST: usize = 128 * 1024;

/// What a run has to know of a release that it is not about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outline {
    /// The objects of the inventory.
    pub objects: Arc<BTreeSet<ObjectId>>,
    /// What its autoscalers target, with the autoscaler.
    pub scaled: BTreeMap<ObjectId, ObjectId>,
    /// What becomes of objects that leave it, which stands beside the document as well.
    pub prune: Prune,
}

/// The text of an outline: names by kind and namespace; that of objects of the whole cluster is empty.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Text<'t> {
    format_version: u64,
    #[serde(borrow)]
    objects: BTreeMap<String, BTreeMap<&'t str, Vec<&'t str>>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    scaled: Vec<(ObjectId, ObjectId)>,
}

impl Outline {
    /// That of an inventory.
    pub fn of(inventory: &Inventory) -> Self {
        let scaled = inventory.objects.iter().filter_map(|(id, member)| {
            let recorded = member.recorded.as_deref()?;
            Some((diff::scales(id, || &recorded.applied)?, id.clone()))
        });
        let objects = Arc::new(inventory.objects.keys().cloned().collect());
        Self { objects, scaled: scaled.collect(), prune: inventory.prune }
    }

    /// The outline in one line of JSON; `None` where it is too long to stand beside the document.
    pub fn to_text(&self) -> Option<String> {
        let mut objects: BTreeMap<String, BTreeMap<&str, Vec<&str>>> = BTreeMap::new();
        for id in &*self.objects {
            let of_kind = objects.entry(id.kind.to_string()).or_default();
            of_kind.entry(id.namespace.as_deref().unwrap_or_default()).or_default().push(&id.name);
        }
        let scaled = self.scaled.iter().map(|(target, by)| (target.clone(), by.clone())).collect();
        let text = serde_json::to_string(&Text { format_version: FORMAT_VERSION, objects, scaled }).ok()?;
        (text.len() <= LARGEST).then_some(text)
    }

    /// The outline that [`Self::to_text`] made this text of; `None` for any other text, so that the document is read.
    pub fn of_text(text: &str, prune: Prune) -> Option<Self> {
        let text: Text = serde_json::from_str(text).ok().filter(|it: &Text| it.format_version == FORMAT_VERSION)?;
        let mut objects = Vec::new();
        for (kind, namespaces) in &text.objects {
            let (kind, group) = kind.split_once('.').unwrap_or((kind, ""));
            for (namespace, names) in namespaces {
                let id = |name: &&str| ObjectId {
                    kind: GroupKind { group: group.to_owned(), kind: kind.to_owned() },
                    namespace: (!namespace.is_empty()).then(|| (*namespace).to_owned()),
                    name: (*name).to_owned(),
                };
                objects.extend(names.iter().map(id));
            }
        }
        let objects = Arc::new(objects.into_iter().collect());
        Some(Self { objects, scaled: text.scaled.into_iter().collect(), prune })
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
            (scaler, spec),
        ];
        let outline = Outline::of(&inventory(all));
        let text = outline.to_text().unwrap();
        assert_eq!(
            text,
            r#"{"formatVersion":1,"objects":{"Deployment.apps":{"apps":["web","worker"]},"#.to_owned()
                + r#""HorizontalPodAutoscaler.autoscaling":{"apps":["web"]},"Namespace":{"":["apps"]}},"#
                + r#""scaled":[[{"group":"apps","kind":"Deployment","namespace":"apps","name":"web"},"#
                + r#"{"group":"autoscaling","kind":"HorizontalPodAutoscaler","namespace":"apps","name":"web"}]]}"#
        );
        assert_eq!(Outline::of_text(&text, Prune::Delete), Some(outline));
    }

    #[test]
    fn what_is_too_long_or_of_another_version_is_none() {
        let many = (0..9_000).map(|at| (id("ConfigMap", Some("apps"), &format!("a-long-name-{at}")), json!({})));
        assert_eq!(Outline::of(&inventory(many)).to_text(), None);
        for text in [r#"{"formatVersion":2,"objects":{}}"#, "{}", r#"{"formatVersion":1}"#, "", "no json"] {
            assert_eq!(Outline::of_text(text, Prune::Delete), None, "{text}");
        }
        assert_eq!(Outline::of_text(r#"{"formatVersion":1,"objects":{}}"#, Prune::Keep).unwrap().prune, Prune::Keep);
    }
}

//! What exists only after a plan is applied. A dry run before that cannot see it.

use std::collections::BTreeSet;

use weft_schema::GroupKind;
use weft_stages::manifest::{Object, ObjectId};

/// What a server looks up when it admits a Pod: the fields that name it, its group and kind, and whether it is in the
/// Pod's namespace. (Admission plugins `ServiceAccount`, `Priority` and `RuntimeClass`; of no other kind anything is
/// looked up that a plan may bring, but namespaces and definitions.)
const LOOKED_UP: [(&[&str], &str, &str, bool); 3] = [
    (&["serviceAccountName", "serviceAccount"], "", "ServiceAccount", true),
    (&["priorityClassName"], "scheduling.k8s.io", "PriorityClass", false),
    (&["runtimeClassName"], "node.k8s.io", "RuntimeClass", false),
];

/// What a plan adds to the cluster.
#[derive(Default)]
pub(super) struct PlannedAdditions {
    /// The objects that it creates.
    pub objects: BTreeSet<ObjectId>,
    /// The kinds whose definitions it creates or changes.
    pub kinds: BTreeSet<GroupKind>,
}

impl PlannedAdditions {
    /// Why the server cannot answer a dry run of an object yet.
    pub fn obstacle(&self, object: &Object) -> Option<String> {
        let id = &object.id;
        if let Some(namespace) = id.namespace.as_ref().filter(|it| self.has("", "Namespace", None, it)) {
            return Some(format!("its namespace `{namespace}` is part of this plan"));
        }
        if !(id.kind.group.is_empty() && id.kind.kind == "Pod") {
            return None;
        }
        LOOKED_UP.iter().find_map(|(fields, group, kind, namespaced)| {
            let name = fields.iter().find_map(|field| object.body.dig(&["spec", field])?.as_str())?;
            let namespace = id.namespace.as_deref().filter(|_| *namespaced);
            self.has(group, kind, namespace, name).then(|| format!("its {kind} `{name}` is part of this plan"))
        })
    }

    fn has(&self, group: &str, kind: &str, namespace: Option<&str>, name: &str) -> bool {
        let kind = GroupKind { group: group.to_owned(), kind: kind.to_owned() };
        self.objects.contains(&ObjectId { kind, namespace: namespace.map(str::to_owned), name: name.to_owned() })
    }
}

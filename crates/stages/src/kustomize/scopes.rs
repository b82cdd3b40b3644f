//! Which kinds have no namespace: the built-in ones, and those of a schema that `openapi` names.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock, OnceLock};

use weft_base::value::Value;
use weft_schema::patch::MergeKeys;
use weft_schema::{Gvk, rows};

const CLUSTER_SCOPED: &str = include_str!("cluster_scoped.tsv");

static CLUSTER: LazyLock<HashSet<(&str, &str)>> =
    LazyLock::new(|| rows::<2>(CLUSTER_SCOPED).map(|[api_version, kind]| (api_version, kind)).collect());

/// The kinds without a namespace of one build. All resources of the build share them, and see those that a schema adds
/// later.
#[derive(Clone, Debug, Default)]
pub struct Scopes(Option<Arc<OnceLock<HashSet<Gvk>>>>);

impl Scopes {
    /// Those of a build that has read no schema yet.
    pub fn of_build() -> Self {
        Self(Some(Arc::default()))
    }

    /// Adds those of an OpenAPI document (version 2): kinds that its `paths` read, and never below a namespace. Kinds that
    /// are built in stay as they are. The first document counts.
    pub fn learn(&self, document: &Value) {
        if let Some(learned) = &self.0 {
            learned.get_or_init(|| cluster_scoped(document));
        }
    }

    /// Whether a kind is known to have no namespace.
    pub fn is_cluster_scoped(&self, gvk: &Gvk) -> bool {
        let learned = self.0.as_ref().and_then(|it| it.get());
        is_cluster_scoped(gvk) || learned.is_some_and(|it| it.contains(gvk))
    }
}

/// Whether a kind is built in and has no namespace.
pub fn is_cluster_scoped(gvk: &Gvk) -> bool {
    CLUSTER.contains(&(gvk.api_version().as_str(), gvk.kind.as_str()))
}

fn cluster_scoped(document: &Value) -> HashSet<Gvk> {
    let mut namespaced: HashMap<Gvk, bool> = HashMap::new();
    for entry in document.get("paths").and_then(Value::as_map).into_iter().flatten() {
        let Some(kind) = entry.value.dig(&["get", "x-kubernetes-group-version-kind"]) else { continue };
        let text = |key: &str| kind.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let gvk = Gvk { group: text("group"), version: text("version"), kind: text("kind") };
        *namespaced.entry(gvk).or_default() |= entry.key.contains("namespaces/{namespace}");
    }
    let learned = namespaced.into_iter().filter(|(gvk, namespaced)| !namespaced && !MergeKeys::builtin().knows(gvk));
    learned.map(|(gvk, _)| gvk).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_says_it_of_kinds_that_are_not_built_in() {
        let path = |kind: &str, group: &str| serde_json::json!({"get": {"x-kubernetes-group-version-kind": {"group": group, "version": "v1", "kind": kind}}});
        let document = serde_json::json!({"paths": {
            "/apis/a.example/v1/wides": path("Wide", "a.example"),
            "/apis/a.example/v1/wides/{name}": path("Wide", "a.example"),
            "/apis/a.example/v1/narrows": path("Narrow", "a.example"),
            "/apis/a.example/v1/namespaces/{namespace}/narrows": path("Narrow", "a.example"),
            "/apis/apps/v1/deployments": path("Deployment", "apps"),
            "/apis/a.example/v1/unread": {"post": path("Unread", "a.example")["get"]},
        }});
        let scopes = Scopes::of_build();
        let wide = Gvk::new("a.example/v1", "Wide");
        assert!(!scopes.is_cluster_scoped(&wide));
        scopes.learn(&serde_json::from_value(document).unwrap());
        assert!(scopes.is_cluster_scoped(&wide) && scopes.is_cluster_scoped(&Gvk::new("v1", "Node")));
        for kind in ["Narrow", "Unread"] {
            assert!(!scopes.is_cluster_scoped(&Gvk::new("a.example/v1", kind)), "{kind}");
        }
        assert!(!scopes.is_cluster_scoped(&Gvk::new("apps/v1", "Deployment")));
        scopes.learn(&Value::default());
        assert!(scopes.is_cluster_scoped(&wide));
    }
}

//! The kinds that a CustomResourceDefinition adds.

use super::{Discovery, Gvk, Resource, Scope};
use weft_base::value::Value;

/// What a server offers for every custom resource.
const VERBS: [&str; 8] = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

impl Discovery {
    /// Adds the kinds of a CustomResourceDefinition, in the served versions, in the order in which a server prefers
    /// them. A definition that lacks its group, names or versions adds nothing: the server says what is wrong with it.
    pub fn extend_with_crd(&mut self, crd: &Value) {
        let text = |keys: &[&str]| crd.dig(keys).and_then(Value::as_str).map(str::to_owned);
        let names = (text(&["spec", "group"]), text(&["spec", "names", "kind"]), text(&["spec", "names", "plural"]));
        let (Some(group), Some(kind), Some(plural)) = names else { return };
        let scope = match crd.dig(&["spec", "scope"]).and_then(Value::as_str) {
            Some("Cluster") => Scope::Cluster,
            _ => Scope::Namespaced,
        };
        for version in served_versions(crd) {
            let gvk = Gvk { group: group.clone(), version: version.to_owned(), kind: kind.clone() };
            self.add(Resource { gvk, plural: plural.clone(), scope, verbs: VERBS.map(str::to_owned).to_vec() });
        }
    }
}

fn served_versions(crd: &Value) -> Vec<&str> {
    let versions = crd.dig(&["spec", "versions"]).and_then(Value::as_list).unwrap_or_default();
    let served = versions.iter().filter(|v| v.get("served").and_then(Value::as_bool) != Some(false));
    let mut names: Vec<&str> = served.filter_map(|v| v.get("name")?.as_str()).collect();
    names.sort_by(|a, b| priority(b).cmp(&priority(a)).then_with(|| a.cmp(b)));
    names
}

/// Kubernetes' order of versions: stable before beta before alpha, higher numbers first, other names last.
fn priority(version: &str) -> (u8, u32, u32) {
    let parse = || {
        let rest = version.strip_prefix('v')?;
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let major = rest[..digits].parse().ok()?;
        let stage = &rest[digits..];
        let minor = |name| stage.strip_prefix(name).map(|n: &str| n.parse().unwrap_or(0));
        match stage {
            "" => Some((3, major, 0)),
            _ => minor("beta").map(|n| (2, major, n)).or_else(|| minor("alpha").map(|n| (1, major, n))),
        }
    };
    parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::GroupKind;

    #[test]
    fn served_versions_are_added_in_the_servers_order() {
        let crd = r#"{"spec": {"group": "weaver.example.com", "scope": "Cluster", "names": {"kind": "Loom", "plural": "looms"},
            "versions": [{"name": "v1beta2"}, {"name": "v1"}, {"name": "v2alpha1", "served": false}, {"name": "v1beta10"}]}}"#;
        let mut discovery = Discovery::default();
        discovery.extend_with_crd(&serde_json::from_str(crd).unwrap());
        let kind = GroupKind { group: "weaver.example.com".into(), kind: "Loom".into() };
        let versions = discovery.versions(&kind);
        assert_eq!(versions.iter().map(|r| r.gvk.version.as_str()).collect::<Vec<_>>(), ["v1", "v1beta10", "v1beta2"]);
        assert_eq!((versions[0].plural.as_str(), versions[0].scope), ("looms", Scope::Cluster));
    }
}

//! Rights that are missing, and the Roles that give them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use weft_schema::Resource;

/// One right: a verb on a resource, in a namespace or in the whole cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    /// The verb: `list`, `get`, `patch`, ...
    pub verb: String,
    /// The API group; empty for the core group.
    pub group: String,
    /// The resource in the plural.
    pub resource: String,
    /// The namespace; `None` for the whole cluster.
    pub namespace: Option<String>,
}

impl Right {
    /// The right to do `verb` with a resource in a namespace.
    pub fn new(verb: &str, resource: &Resource, namespace: Option<&str>) -> Self {
        Self {
            verb: verb.to_owned(),
            group: resource.gvk.group.clone(),
            resource: resource.plural.clone(),
            namespace: namespace.map(str::to_owned),
        }
    }

    /// The `Role` or `ClusterRole` that gives it.
    pub fn role(&self) -> String {
        roles("weft", [self])
    }
}

impl fmt::Display for Right {
    /// `list deployments.apps in namespace shop`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        match &self.namespace {
            Some(namespace) => write!(f, " in namespace {namespace}"),
            None => f.write_str(" in the whole cluster"),
        }
    }
}

/// By group and resource, the verbs.
type RoleRules<'r> = BTreeMap<(&'r str, &'r str), BTreeSet<&'r str>>;

/// Who gets rights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RightsSubject {
    /// A person, as the server's authentication names them.
    User(String),
    /// A group of them.
    Group(String),
    /// A service account, by its namespace and name.
    ServiceAccount(String, String),
}

/// The smallest Roles of this name that give these rights, as YAML documents: one a namespace, and a `ClusterRole` for
/// the rest.
pub fn roles<'r>(name: &str, rights: impl IntoIterator<Item = &'r Right>) -> String {
    let mut places: BTreeMap<Option<&str>, RoleRules> = BTreeMap::new();
    for right in rights {
        let place = places.entry(right.namespace.as_deref()).or_default();
        place.entry((&right.group, &right.resource)).or_default().insert(&right.verb);
    }
    let documents = places.iter().map(|(namespace, rules)| role(name, *namespace, rules));
    documents.collect::<Vec<_>>().join("---\n")
}

/// The bindings that give the Roles of this name, which hold these rights, to somebody.
pub fn bindings<'r>(name: &str, rights: impl IntoIterator<Item = &'r Right>, to: &RightsSubject) -> String {
    let places: BTreeSet<Option<&str>> = rights.into_iter().map(|right| right.namespace.as_deref()).collect();
    let documents = places.into_iter().map(|namespace| binding(name, namespace, to));
    documents.collect::<Vec<_>>().join("---\n")
}

fn binding(name: &str, namespace: Option<&str>, to: &RightsSubject) -> String {
    let (kind, place) = match namespace {
        Some(namespace) => ("Role", format!("\n  namespace: {namespace}")),
        None => ("ClusterRole", String::new()),
    };
    let api = "rbac.authorization.k8s.io";
    let subject = match to {
        RightsSubject::User(name) => format!("{{apiGroup: {api}, kind: User, name: {name:?}}}"),
        RightsSubject::Group(name) => format!("{{apiGroup: {api}, kind: Group, name: {name:?}}}"),
        RightsSubject::ServiceAccount(namespace, name) => {
            format!("{{kind: ServiceAccount, namespace: {namespace:?}, name: {name:?}}}")
        }
    };
    format!(
        "apiVersion: {api}/v1\nkind: {kind}Binding\nmetadata:\n  name: {name}{place}\n\
         roleRef: {{apiGroup: {api}, kind: {kind}, name: {name}}}\nsubjects:\n- {subject}\n"
    )
}

fn role(name: &str, namespace: Option<&str>, rules: &RoleRules) -> String {
    let (kind, place) = match namespace {
        Some(namespace) => ("Role", format!("\n  namespace: {namespace}")),
        None => ("ClusterRole", String::new()),
    };
    let head =
        format!("apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata:\n  name: {name}{place}\nrules:\n");
    let rules = rules.iter().map(|((group, resource), verbs)| {
        let verbs = verbs.iter().copied().collect::<Vec<_>>().join(", ");
        format!("- apiGroups: [\"{group}\"]\n  resources: [{resource}]\n  verbs: [{verbs}]\n")
    });
    head + &rules.collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_are_gathered_into_one_role_a_namespace() {
        let right = |verb: &str, group: &str, resource: &str, namespace: Option<&str>| Right {
            verb: verb.into(),
            group: group.into(),
            resource: resource.into(),
            namespace: namespace.map(str::to_owned),
        };
        let all = [
            right("patch", "apps", "deployments", Some("shop")),
            right("list", "apps", "deployments", Some("shop")),
            right("list", "", "namespaces", None),
        ];
        assert_eq!(all[0].to_string(), "patch deployments.apps in namespace shop");
        let expected = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: weft\nrules:\n\
            - apiGroups: [\"\"]\n  resources: [namespaces]\n  verbs: [list]\n---\n\
            apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata:\n  name: weft\n  namespace: shop\nrules:\n\
            - apiGroups: [\"apps\"]\n  resources: [deployments]\n  verbs: [list, patch]\n";
        assert_eq!(roles("weft", &all), expected);
    }
}

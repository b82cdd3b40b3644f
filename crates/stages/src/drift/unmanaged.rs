//! Objects in our namespaces that no known tool manages.

use std::collections::{BTreeMap, BTreeSet};

use super::findings::mark;
use super::{Category, Finding};
use crate::diff::Writer;
use crate::manifest::{ObjectId, PART_OF};
use weft_base::masked::FingerprintKey;
use weft_schema::rows;

/// What a cluster, or what runs in it, puts into namespaces by itself.
const EXPECTED: &str = include_str!("expected.tsv");

/// An object of a namespace, with what tells whether anybody manages it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resident {
    /// Which object.
    pub id: Option<ObjectId>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Whether another object owns it.
    pub owned: bool,
    /// The `type` of a Secret.
    pub kind_of_secret: Option<String>,
    /// Of a `StatefulSet`, the names of its claims, without the numbers of its pods.
    pub claims: Vec<String>,
    /// When it was made (RFC 3339).
    pub created: Option<String>,
    /// Who wrote it, the oldest first.
    pub writers: Vec<Writer>,
}

/// The objects that nobody manages: neither `members` of an inventory, nor part of another set, nor owned by another
/// object, nor what a cluster has by itself.
pub fn unmanaged(residents: &[Resident], members: &BTreeSet<ObjectId>, key: &FingerprintKey) -> Vec<Finding> {
    let claims: BTreeSet<(&str, &str)> = residents.iter().flat_map(claims).collect();
    let strays = residents.iter().filter_map(|it| {
        let id = it.id.as_ref()?;
        (!members.contains(id) && !is_managed(it) && !is_expected(it, id) && !is_claim(id, &claims)).then_some((it, id))
    });
    let mut found: Vec<Finding> = strays.map(|(it, id)| finding(it, id, key)).collect();
    found.sort_by(|a, b| a.object.cmp(&b.object));
    found
}

fn finding(resident: &Resident, id: &ObjectId, key: &FingerprintKey) -> Finding {
    // Whoever wrote first made it; the time is that of its creation.
    let maker = resident.writers.first().map(|it| Writer { time: resident.created.clone(), ..it.clone() });
    Finding {
        mark: mark(key, Category::Unmanaged, id, None),
        sort: Category::Unmanaged,
        object: id.clone(),
        release: None,
        path: None,
        expected: None,
        found: None,
        writers: maker.into_iter().collect(),
    }
}

/// Whether another set, another object or the program itself has it.
fn is_managed(resident: &Resident) -> bool {
    let ours = |label: &String| {
        label == PART_OF || label == "weft.example.com/state" || label == "kubernetes.io/bootstrapping"
    };
    resident.owned || resident.labels.keys().any(ours)
}

fn is_expected(resident: &Resident, id: &ObjectId) -> bool {
    rows::<3>(EXPECTED).any(|[kind, name, secret]| {
        kind == id.kind.to_string()
            && (name == "*" || name == id.name)
            && (secret == "*" || resident.kind_of_secret.as_deref() == Some(secret))
    })
}

fn claims(resident: &Resident) -> impl Iterator<Item = (&str, &str)> {
    let namespace = resident.id.as_ref().and_then(|id| id.namespace.as_deref()).unwrap_or_default();
    resident.claims.iter().map(move |name| (namespace, name.as_str()))
}

/// Whether a claim is one of a `StatefulSet`, which does not own it.
fn is_claim(id: &ObjectId, claims: &BTreeSet<(&str, &str)>) -> bool {
    let Some((name, number)) = id.name.rsplit_once('-') else { return false };
    id.kind.kind == "PersistentVolumeClaim"
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && claims.contains(&(id.namespace.as_deref().unwrap_or_default(), name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_schema::GroupKind;

    fn id(kind: &str, name: &str) -> ObjectId {
        let (kind, group) = kind.split_once('.').unwrap_or((kind, ""));
        let kind = GroupKind { group: group.into(), kind: kind.into() };
        ObjectId { kind, namespace: Some("shop".into()), name: name.into() }
    }

    fn resident(kind: &str, name: &str) -> Resident {
        Resident { id: Some(id(kind, name)), ..Resident::default() }
    }

    #[test]
    fn only_what_nobody_manages_is_found() {
        let labelled =
            |label: &str| Resident { labels: [(label.to_owned(), String::new())].into(), ..resident("Role", label) };
        let residents = [
            resident("ConfigMap", "stray"),
            resident("ConfigMap", "ours"),
            resident("ConfigMap", "kube-root-ca.crt"),
            resident("ServiceAccount", "default"),
            resident("ServiceAccount", "default2"),
            resident("Event", "web.17a"),
            resident("Endpoints", "web"),
            resident("EndpointSlice.discovery.k8s.io", "web-1"),
            Resident { owned: true, ..resident("ReplicaSet.apps", "web-1") },
            labelled(PART_OF),
            labelled("weft.example.com/state"),
            Resident { kind_of_secret: Some("kubernetes.io/service-account-token".into()), ..resident("Secret", "t") },
            Resident { kind_of_secret: Some("Opaque".into()), ..resident("Secret", "theirs") },
            Resident { claims: vec!["data-db".into()], owned: true, ..resident("StatefulSet.apps", "db") },
            resident("PersistentVolumeClaim", "data-db-0"),
            resident("PersistentVolumeClaim", "data-db-x"),
        ];
        let found = unmanaged(&residents, &[id("ConfigMap", "ours")].into(), &FingerprintKey::new([1; 32]));
        let names: Vec<String> = found.iter().map(Finding::about).collect();
        let expected = [
            "ConfigMap shop/stray",
            "PersistentVolumeClaim shop/data-db-x",
            "Secret shop/theirs",
            "ServiceAccount shop/default2",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn every_row_is_read() {
        let written = EXPECTED.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(rows::<3>(EXPECTED).count(), written);
    }
}

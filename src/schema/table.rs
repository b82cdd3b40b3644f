//! The tables that are shipped: the kinds of the built-in Kubernetes version, and the versions that are gone.

use super::{Discovery, Gvk, Resource, Scope};

const BUILTIN: &str = include_str!("builtin.tsv");
const REMOVED: &str = include_str!("removed.tsv");

/// The Kubernetes version whose kinds [`builtin`] holds.
pub const BUILTIN_VERSION: &str = "v1.36.3";

/// The verbs of an ordinary resource, which the table writes as `all`.
const ALL_VERBS: &str = "create delete deletecollection get list patch update watch";

/// A version that Kubernetes no longer serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Removed {
    /// The Kubernetes release that removed it, such as `v1.22`.
    pub since: &'static str,
    /// What to write instead, such as `apps/v1 Deployment`; `None` where the kind has no successor.
    pub replacement: Option<&'static str>,
}

/// What a Kubernetes 1.36 server serves by default: what offline commands take for the target's discovery.
pub fn builtin() -> Discovery {
    let mut discovery = Discovery { server_version: BUILTIN_VERSION.to_owned(), ..Discovery::default() };
    rows::<6>(BUILTIN).map(resource).for_each(|it| discovery.add(it));
    discovery
}

/// Whether Kubernetes itself serves a group, in contrast to a CRD or an aggregated API.
pub fn is_builtin_group(group: &str) -> bool {
    rows::<6>(BUILTIN).any(|[name, ..]| name == group || (name == "-" && group.is_empty()))
}

/// Whether a version of a kind is one that Kubernetes served once and no longer does.
pub fn removed(gvk: &Gvk) -> Option<Removed> {
    rows::<4>(REMOVED)
        .find(|[api_version, kind, ..]| *kind == gvk.kind && *api_version == gvk.api_version())
        .map(|[_, _, since, replacement]| Removed { since, replacement: (replacement != "-").then_some(replacement) })
}

fn resource([group, version, kind, plural, scope, verbs]: [&str; 6]) -> Resource {
    let group = if group == "-" { "" } else { group };
    let verbs = if verbs == "all" { ALL_VERBS } else { verbs };
    Resource {
        gvk: Gvk { group: group.to_owned(), version: version.to_owned(), kind: kind.to_owned() },
        plural: plural.to_owned(),
        scope: if scope == "Cluster" { Scope::Cluster } else { Scope::Namespaced },
        verbs: verbs.split(' ').map(str::to_owned).collect(),
    }
}

/// The rows of a table: lines of `N` fields between tabs. Comments begin with `#`.
pub(crate) fn rows<const N: usize>(table: &'static str) -> impl Iterator<Item = [&'static str; N]> {
    table.lines().filter(|l| !l.starts_with('#')).filter_map(|l| l.split('\t').collect::<Vec<_>>().try_into().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::GroupKind;

    #[test]
    fn every_row_is_read() {
        let lines = |table: &str| table.lines().filter(|l| !l.starts_with('#')).count();
        assert_eq!(builtin().resources.values().map(Vec::len).sum::<usize>(), lines(BUILTIN));
        assert_eq!(rows::<4>(REMOVED).count(), lines(REMOVED));
    }

    #[test]
    fn the_preferred_version_is_first() {
        let kind = GroupKind { group: "autoscaling".into(), kind: "HorizontalPodAutoscaler".into() };
        let builtin = builtin();
        let versions: Vec<&str> = builtin.versions(&kind).iter().map(|r| r.gvk.version.as_str()).collect();
        assert_eq!(versions, ["v2", "v1"]);
    }

    #[test]
    fn what_replaces_a_removed_version_is_served() {
        let builtin = builtin();
        for [api_version, kind, _, replacement] in rows::<4>(REMOVED) {
            assert_eq!(builtin.resource(&Gvk::new(api_version, kind)), None, "{api_version} {kind}");
            if let Some((api_version, kind)) = replacement.split_once(' ') {
                assert!(builtin.resource(&Gvk::new(api_version, kind)).is_some(), "{replacement}");
            }
        }
    }
}

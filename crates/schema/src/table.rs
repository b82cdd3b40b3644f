//! The tables that are shipped: the kinds of the built-in Kubernetes version, and the versions that are gone.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::{Discovery, Gvk, Resource, Scope};

const BUILTIN: &str = include_str!("builtin.tsv");
const REMOVED: &str = include_str!("removed.tsv");
const INTRODUCED: &str = include_str!("introduced.tsv");

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

/// The oldest and the newest release, as `1.MINOR`, of which [`served`] knows the kinds.
pub const RELEASES: (u32, u32) = (20, 36);

/// What the release `1.MINOR` serves by default; `None` for one that is not within [`RELEASES`]. Only which kinds and
/// versions there are follows the release: their fields are those of [`BUILTIN_VERSION`].
pub fn served(release: u32) -> Option<Discovery> {
    if release < RELEASES.0 || release > RELEASES.1 {
        return None;
    }
    let mut discovery = builtin();
    discovery.server_version =
        if release == RELEASES.1 { BUILTIN_VERSION.to_owned() } else { format!("v1.{release}.0") };
    let gone = rows::<4>(REMOVED).filter(|[version, _, until, _]| minor(until) > release && !version.contains("alpha"));
    gone.map(|[api_version, kind, _, instead]| formerly(Gvk::new(api_version, kind), instead))
        .for_each(|it| discovery.add(it));
    for [api_version, kind, since] in rows::<3>(INTRODUCED) {
        let gvk = Gvk::new(api_version, kind);
        if minor(since) > release
            && let Some(versions) = discovery.resources.get_mut(&gvk.group_kind())
        {
            versions.retain(|it| it.gvk.version != gvk.version);
        }
    }
    discovery.resources.retain(|_, versions| !versions.is_empty());
    Some(discovery)
}

/// The resource of a version that is gone: as the one that took its place, where there is one.
fn formerly(gvk: Gvk, instead: &str) -> Resource {
    let successor = instead.split_once(' ').and_then(|(api_version, kind)| {
        builtin().resource(&Gvk::new(api_version, kind)).filter(|it| it.gvk.kind == gvk.kind).cloned()
    });
    let plural = || format!("{}s", gvk.kind.to_lowercase());
    match successor {
        Some(successor) => Resource { gvk, ..successor },
        None => Resource {
            plural: plural(),
            scope: Scope::Cluster,
            verbs: ALL_VERBS.split(' ').map(str::to_owned).collect(),
            gvk,
        },
    }
}

/// The number of a release: 25 of `v1.25`.
fn minor(release: &str) -> u32 {
    release.rsplit('.').next().and_then(|it| it.parse().ok()).unwrap_or(0)
}

/// Whether Kubernetes itself serves a group, in contrast to a CRD or an aggregated API.
pub fn is_builtin_group(group: &str) -> bool {
    static GROUPS: LazyLock<BTreeSet<&str>> = LazyLock::new(|| {
        let groups = rows::<6>(BUILTIN).map(|[group, ..]| group);
        groups.map(|it| if it == "-" { "" } else { it }).collect()
    });
    GROUPS.contains(group)
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
pub fn rows<const N: usize>(table: &'static str) -> impl Iterator<Item = [&'static str; N]> {
    table.lines().filter(|l| !l.starts_with('#')).filter_map(|l| l.split('\t').collect::<Vec<_>>().try_into().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::GroupKind;

    #[test]
    fn every_row_is_read() {
        let lines = |table: &str| table.lines().filter(|l| !l.starts_with('#')).count();
        assert_eq!(builtin().resources.values().map(Vec::len).sum::<usize>(), lines(BUILTIN));
        assert_eq!(rows::<4>(REMOVED).count(), lines(REMOVED));
    }

    #[test]
    fn a_release_serves_its_own_versions() {
        let serves = |release, api_version: &str, kind: &str| {
            served(release).unwrap().resource(&Gvk::new(api_version, kind)).is_some()
        };
        for (release, old, new) in [(20, true, false), (24, true, true), (25, false, true), (36, false, true)] {
            assert_eq!(serves(release, "policy/v1beta1", "PodDisruptionBudget"), old, "1.{release}");
            assert_eq!(serves(release, "policy/v1", "PodDisruptionBudget"), new, "1.{release}");
            assert!(serves(release, "apps/v1", "Deployment"));
        }
        assert!(served(24).unwrap().resource(&Gvk::new("policy/v1beta1", "PodSecurityPolicy")).is_some());
        assert_eq!(served(36).unwrap().resources, builtin().resources);
        assert!(served(19).is_none() && served(37).is_none());
        assert!(!serves(22, "flowcontrol.apiserver.k8s.io/v1beta3", "FlowSchema"));
        let known = |[api_version, kind, _]: [&str; 3]| {
            let gvk = Gvk::new(api_version, kind);
            builtin().resource(&gvk).is_some() || removed(&gvk).is_some()
        };
        assert!(rows::<3>(INTRODUCED).all(known));
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

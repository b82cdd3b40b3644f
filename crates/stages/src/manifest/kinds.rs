//! Which kind an object is of, and whether there is such a kind.

use super::ManifestError;
use weft_base::diagnostic::Place;
use weft_base::diagnostic::nearest;
use weft_schema::{Discovery, Gvk, Resource, removed};

const FOREIGN: &str = include_str!("foreign.tsv");

/// The resource of a kind; errors say what is near, what replaces it, or what the file is instead.
pub fn find<'d>(
    gvk: &Gvk,
    discovery: &'d Discovery,
    at: impl FnOnce() -> Place,
) -> Result<&'d Resource, ManifestError> {
    if let Some(resource) = discovery.resource(gvk) {
        return Ok(resource);
    }
    let gvk = Box::new(gvk.clone());
    let at = at();
    if let Some(what) = foreign(&gvk) {
        return Err(ManifestError::Foreign { gvk, what, at });
    }
    if let Some(removed) = removed(&gvk) {
        return Err(ManifestError::RemovedVersion { gvk, removed, at });
    }
    if let Some(reason) = discovery.unavailable.get(&gvk.group).cloned() {
        return Err(ManifestError::Unavailable { gvk, reason, at });
    }
    let served = discovery.versions(&gvk.group_kind());
    if served.is_empty() {
        return Err(ManifestError::UnknownKind { near: near(&gvk, discovery), gvk, at });
    }
    let served = served.iter().map(|resource| resource.gvk.api_version()).collect();
    Err(ManifestError::UnknownVersion { gvk, served, at })
}

fn foreign(gvk: &Gvk) -> Option<&'static str> {
    let rows = FOREIGN.lines().filter(|line| !line.starts_with('#')).map(|line| line.splitn(3, '\t'));
    rows.filter_map(|mut row| Some((row.next()?, row.next()?, row.next()?)))
        .find(|(group, kind, _)| {
            let of_group = if *group == "-" { gvk.group.is_empty() } else { gvk.group == *group };
            // Some files write their version without a group: `skaffold/v4beta1` has one, `v1 Config` has none.
            of_group && (*kind == "*" || *kind == gvk.kind)
        })
        .map(|(_, _, what)| what)
}

/// The same kind in other groups, else the kind with the nearest name.
fn near(gvk: &Gvk, discovery: &Discovery) -> Vec<String> {
    let preferred = |kind: &str| -> Vec<String> {
        let versions = discovery.resources.iter().filter(|(it, _)| it.kind == kind).filter_map(|(_, v)| v.first());
        versions.map(|resource| resource.gvk.to_string()).collect()
    };
    let same = preferred(&gvk.kind);
    if !same.is_empty() {
        return same;
    }
    nearest(&gvk.kind, discovery.resources.keys().map(|it| it.kind.as_str())).map(preferred).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_read() {
        let rows = FOREIGN.lines().filter(|line| !line.starts_with('#'));
        assert!(rows.clone().count() > 5 && rows.clone().all(|row| row.split('\t').count() == 3));
        assert_eq!(foreign(&Gvk::new("v1", "Config")), Some("a kubeconfig, which clients read"));
        assert_eq!(foreign(&Gvk::new("v1", "ConfigMap")), None);
    }
}

//! Which entries are moved, and which of their fields become ours.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::fields::{FieldSet, FieldsError};
use super::super::lists::lookup;
use super::super::ownership::ours;
use super::super::table::fits;
use super::super::{Context, LiveObject, MANAGER, Manager, Writer};
use super::{Adoption, Former, FormerKind, LAST_APPLIED, is_ours};
use crate::manifest::Object;
use crate::schema::Gvk;
use crate::value::{Data, Path, Step, Value};

/// What is to be taken over before `object` is applied; `None` where there is nothing.
pub fn adoption(object: &Object, live: &LiveObject, context: &Context<'_>) -> Result<Option<Adoption>, FieldsError> {
    let kind = |it: &Manager| former(it, context.take);
    let formers: Vec<(FormerKind, &Manager)> = live.managers.iter().filter_map(|it| Some((kind(it)?, it))).collect();
    let gone = gone(live, context);
    if formers.is_empty() && gone.is_empty() {
        return Ok(None);
    }
    let api_version = object.gvk.api_version();
    let mut adoption = Adoption {
        from: formers.iter().map(|(kind, it)| Former { kind: *kind, writer: Writer::of(it) }).collect(),
        gone,
        ours: live.managers.iter().find(|it| is_ours(it)).cloned(),
        moved: FieldSet::default(),
        undecided: FieldSet::default(),
        api_version,
        seen: Arc::new(live.clone()),
    };
    if formers.is_empty() {
        if let Some(it) = adoption.ours.as_mut().filter(|it| adoption.gone.contains(&it.api_version)) {
            it.api_version.clone_from(&adoption.api_version);
        }
    } else {
        Claim { desired: &object.body, live, declared: declared(live) }.make(&formers, &mut adoption)?;
    }
    Ok(Some(adoption))
}

/// What sort of former owner an entry is of, if it is one that is moved.
fn former(manager: &Manager, take: &[String]) -> Option<FormerKind> {
    if !manager.subresource.is_empty() || manager.name == MANAGER {
        return None;
    }
    match (manager.name.as_str(), manager.operation.as_str()) {
        ("kubectl-client-side-apply", "Update") => Some(FormerKind::Kubectl),
        ("helm", "Update") => Some(FormerKind::Helm),
        ("before-first-apply", "Update") => Some(FormerKind::BeforeFirstApply),
        (name, "Apply") if take.iter().any(|pattern| fits(pattern, name)) => Some(FormerKind::Applier),
        _ => None,
    }
}

/// The versions of entries that the server does not serve any more. Of a group that cannot be asked nothing is known.
fn gone(live: &LiveObject, context: &Context<'_>) -> BTreeSet<String> {
    let Some(discovery) = context.discovery.filter(|it| !it.versions(&live.id.kind).is_empty()) else {
        return BTreeSet::new();
    };
    let versions = live.managers.iter().map(|it| &it.api_version).filter(|it| !it.is_empty());
    let is_gone = |version: &&String| {
        let gvk = Gvk::new(version, &live.id.kind.kind);
        discovery.resource(&gvk).is_none() && !discovery.unavailable.contains_key(&gvk.group)
    };
    versions.filter(is_gone).cloned().collect()
}

/// The object that `kubectl apply` declared, as its annotation says. Only the names of its fields are looked at.
fn declared(live: &LiveObject) -> Option<Value> {
    let annotation = live.body.dig(&["metadata", "annotations", LAST_APPLIED])?;
    let read = |data: &Data| match data {
        Data::Text(text) => serde_json::from_str(text).ok(),
        _ => None,
    };
    match &annotation.data {
        Data::Masked(secret) => read(secret.expose()),
        plain => read(plain),
    }
}

/// What is claimed of the moved entries.
struct Claim<'a> {
    desired: &'a Value,
    live: &'a LiveObject,
    declared: Option<Value>,
}

impl Claim<'_> {
    /// Claims what the repository wants, and what the former owners declared: that goes, with the apply that follows.
    /// What the server had filled in for them is left to nobody, as it is in an object that was always applied.
    fn make(&self, formers: &[(FormerKind, &Manager)], adoption: &mut Adoption) -> Result<(), FieldsError> {
        let (mut certain, mut undecided) = (ours(self.live)?, FieldSet::default());
        for (kind, manager) in formers {
            let fields = FieldSet::from_fields_v1(&manager.fields)?;
            adoption.moved.add(&fields);
            for path in self.claimable(&fields) {
                match self.is_declared(*kind, &path) {
                    _ if lookup(self.desired, &path).is_some() => certain.insert(&path),
                    Some(true) => certain.insert(&path),
                    Some(false) => {}
                    None => undecided.insert(&path),
                }
            }
        }
        if self.drops_annotation(adoption)? {
            certain.insert(&annotation());
        }
        adoption.undecided = undecided.difference(&certain);
        let fields = certain.union(&undecided).to_fields_v1();
        let newest = formers.iter().filter_map(|(_, it)| it.time.clone()).max();
        let before = adoption.ours.take();
        let served = before.as_ref().map(|it| &it.api_version).filter(|it| !adoption.gone.contains(*it));
        adoption.ours = Some(Manager {
            name: MANAGER.to_owned(),
            operation: "Apply".to_owned(),
            subresource: String::new(),
            api_version: served.unwrap_or(&adoption.api_version).clone(),
            time: before.as_ref().map_or(newest, |it| it.time.clone()),
            fields,
        });
        Ok(())
    }

    /// The fields of an entry that are there, without the maps and lists that only hold others.
    fn claimable(&self, fields: &FieldSet) -> Vec<Path> {
        let holder = |path: &Path| {
            matches!(path.0.last(), Some(Step::Field(_))) && fields.node(path).is_some_and(|it| !it.children.is_empty())
        };
        let there = |path: &Path| lookup(&self.live.body, path).is_some();
        fields.paths().into_iter().filter(|path| !holder(path) && there(path)).collect()
    }

    /// Whether the former owner declared a field; `None` where nothing tells.
    fn is_declared(&self, kind: FormerKind, path: &Path) -> Option<bool> {
        let by_kubectl = || self.declared.as_ref().map(|it| lookup(it, path).is_some());
        match kind {
            FormerKind::Applier => Some(true),
            FormerKind::Kubectl => by_kubectl(),
            // Whoever wrote it: what nobody is known to have declared stays as it is.
            FormerKind::BeforeFirstApply => Some(by_kubectl().unwrap_or(false)),
            FormerKind::Helm => None,
        }
    }

    /// Whether kubectl's record goes: it was in a moved entry, nobody else owns it, and nobody wants it.
    fn drops_annotation(&self, adoption: &Adoption) -> Result<bool, FieldsError> {
        let path = annotation();
        if !adoption.moved.contains(&path) || lookup(self.desired, &path).is_some() {
            return Ok(false);
        }
        let stays = |it: &&Manager| !is_ours(it) && !adoption.from.iter().any(|from| from.is(it));
        let owns = |it: &Manager| Ok(FieldSet::from_fields_v1(&it.fields)?.owns(&path));
        let owned: Vec<bool> = self.live.managers.iter().filter(stays).map(owns).collect::<Result<_, FieldsError>>()?;
        Ok(!owned.contains(&true))
    }
}

fn annotation() -> Path {
    Path::of_fields(["metadata", "annotations", LAST_APPLIED])
}

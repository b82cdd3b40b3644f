//! Which entries are moved, and which of their fields become ours.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Adoption, Former, FormerKind, LAST_APPLIED};
use crate::diff::ownership::{is_ours, ours};
use crate::diff::places::lookup;
use crate::diff::table::fits;
use crate::diff::{Context, LiveObject, MANAGER, Manager, Writer};
use crate::manifest::Object;
use weft_base::value::{Data, Path, Step, Value};
use weft_schema::fields::{FieldSet, FieldsError};
use weft_schema::merge;
use weft_schema::{Gvk, Type};

/// The manager of the fields of an object that was written before its server kept account of them.
const BEFORE: &str = "before-first-apply";

/// Whether anything is to be taken over before an object is applied.
pub fn is_due(live: &LiveObject, context: &Context<'_>) -> bool {
    let foreign = |it: &Manager| former(it, context.take).is_some();
    live.managers.is_empty() || live.managers.iter().any(foreign) || !gone(live, context).is_empty()
}

/// What is to be taken over before `object` is applied, whose kind has this shape. Nothing is taken of what rules leave
/// to others.
pub fn adoption(
    object: &Object,
    theirs: &[Path],
    live: &LiveObject,
    shape: Type<'_>,
    context: &Context<'_>,
) -> Result<Adoption, FieldsError> {
    let implied = implied(live, shape);
    let entries = live.managers.iter().chain(&implied);
    let formers: Vec<(FormerKind, &Manager)> = entries.filter_map(|it| Some((former(it, context.take)?, it))).collect();
    let mut adoption = Adoption {
        from: formers.iter().map(|(kind, it)| Former { kind: *kind, writer: Writer::of(it) }).collect(),
        gone: gone(live, context),
        ours: live.managers.iter().find(|it| is_ours(it)).cloned(),
        moved: FieldSet::default(),
        undecided: FieldSet::default(),
        api_version: object.gvk.api_version(),
        seen: Arc::new(live.clone()),
    };
    if let Some(ours) = adoption.ours.as_mut().filter(|it| adoption.gone.contains(&it.api_version)) {
        ours.api_version.clone_from(&adoption.api_version);
    }
    if !formers.is_empty() {
        Claim { desired: &object.body, theirs, live, declared: declared(live), shape }.make(&formers, &mut adoption)?;
    }
    Ok(adoption)
}

/// The entry that the server itself would make up at the first apply of an object whose writers it does not know.
fn implied(live: &LiveObject, shape: Type<'_>) -> Option<Manager> {
    if !live.managers.is_empty() {
        return None;
    }
    // An object that does not fit its schema is the server's to judge: nothing is claimed of it.
    let fields = merge::live_field_set(&live.body, shape).unwrap_or_default();
    Some(Manager {
        name: BEFORE.to_owned(),
        operation: "Update".to_owned(),
        subresource: String::new(),
        api_version: String::new(),
        time: None,
        fields: fields.to_fields_v1().into(),
    })
}

/// What sort of former owner an entry is of, if it is one that is moved.
fn former(manager: &Manager, take: &[String]) -> Option<FormerKind> {
    if !manager.subresource.is_empty() || manager.name == MANAGER {
        return None;
    }
    match (manager.name.as_str(), manager.operation.as_str()) {
        ("kubectl-client-side-apply", "Update") => Some(FormerKind::Kubectl),
        ("helm", "Update") => Some(FormerKind::Helm),
        (BEFORE, "Update") => Some(FormerKind::BeforeFirstApply),
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
    theirs: &'a [Path],
    live: &'a LiveObject,
    declared: Option<Value>,
    shape: Type<'a>,
}

impl Claim<'_> {
    fn has(&self, body: &Value, path: &Path) -> bool {
        lookup(body, path, Some(self.shape)).is_some()
    }

    /// Claims what the repository wants, and what the former owners declared: that goes, with the apply that follows.
    /// What the server had filled in for them is left to nobody, as it is in an object that was always applied.
    fn make(&self, formers: &[(FormerKind, &Manager)], adoption: &mut Adoption) -> Result<(), FieldsError> {
        let mut certain = ours(self.live)?;
        let mut undecided = FieldSet::default();
        for (kind, manager) in formers {
            let fields = FieldSet::from_fields_v1(&manager.fields)?;
            adoption.moved.add(&fields);
            for path in self.claimable(&fields) {
                match self.is_declared(*kind, &path) {
                    _ if self.has(self.desired, &path) => certain.insert(&path),
                    _ if self.theirs.iter().any(|it| it.is_prefix_of(&path)) => {}
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
        match &mut adoption.ours {
            Some(ours) => ours.fields = fields.into(),
            none => {
                *none = Some(Manager {
                    name: MANAGER.to_owned(),
                    operation: "Apply".to_owned(),
                    subresource: String::new(),
                    api_version: adoption.api_version.clone(),
                    time: formers.iter().filter_map(|(_, it)| it.time.clone()).max(),
                    fields: fields.into(),
                });
            }
        }
        Ok(())
    }

    /// The fields of an entry that are there, without the maps and lists that only hold others.
    fn claimable(&self, fields: &FieldSet) -> Vec<Path> {
        let holder = |path: &Path| {
            matches!(path.0.last(), Some(Step::Field(_))) && fields.node(path).is_some_and(|it| it.branches().len() > 0)
        };
        let there = |path: &Path| self.has(&self.live.body, path);
        fields.paths().into_iter().filter(|path| !holder(path) && there(path)).collect()
    }

    /// Whether the former owner declared a field; `None` where nothing tells.
    fn is_declared(&self, kind: FormerKind, path: &Path) -> Option<bool> {
        let by_kubectl = || self.declared.as_ref().map(|it| self.has(it, path));
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
        if !adoption.moved.contains(&path) || self.has(self.desired, &path) {
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

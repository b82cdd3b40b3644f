//! Taking over what another tool manages.
//!
//! Who wrote an object by updates owns its fields beside us for ever, so that what leaves the repository would stay on
//! the server (kubernetes#99003). So such entries are moved into ours, in one write of `metadata.managedFields` that
//! holds only for the version of the object that was looked at; the apply that follows removes what the former owner
//! had declared and nobody wants any more. Both are decided here, before anything is written, and the plan names them.

mod decide;
mod tools;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub(super) use self::decide::{adoption, is_due};
pub use self::tools::Tool;
pub(super) use self::tools::tools;
use super::changes::is_server_field;
use super::ownership::is_ours;
use super::places::lookup;
use super::{Class, FieldChange, LiveObject, Manager, Writer};
use weft_base::value::{Map, Path, Value};
use weft_schema::Type;
use weft_schema::fields::FieldSet;

/// The annotation in which `kubectl apply` keeps the whole object, its secrets included.
pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// What is taken over from other tools before an object is applied.
#[derive(Clone, Debug)]
pub struct Adoption {
    /// Whose entries are moved into ours; empty where only versions are rewritten.
    pub from: Vec<Former>,
    /// The versions in which entries are written, and which the server does not serve any more: it could not merge
    /// them (kubernetes#111937), so they are rewritten to the version in which we apply.
    pub gone: BTreeSet<String>,
    /// Our entry as it will be; `None` where we have none and move nothing.
    ours: Option<Manager>,
    /// The fields of moved entries.
    moved: FieldSet,
    /// Those of them that nobody wants and of which it is not known whether the former owner declared them, or the
    /// server filled them in.
    undecided: FieldSet,
    /// The version in which we apply.
    api_version: String,
    /// The object as it was when this was decided.
    seen: Arc<LiveObject>,
}

/// Somebody whose entry is moved into ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Former {
    /// What it is.
    pub kind: FormerKind,
    /// The entry.
    pub writer: Writer,
}

/// What sort of former owner it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FormerKind {
    /// `kubectl apply` without `--server-side`. Its annotation says what it declared.
    Kubectl,
    /// Helm up to version 3, and Helm 4 where it does not apply on the server.
    Helm,
    /// What the server called the fields of an object whose writers it did not know.
    BeforeFirstApply,
    /// Somebody who applies on the server, and whom `--take` names.
    Applier,
}

/// A write of the entries of an object that is done only if the object is still the one that was looked at.
#[derive(Clone, Debug)]
pub struct Migration {
    /// The version of the object that was looked at.
    pub resource_version: String,
    /// All entries as they will be.
    pub managers: Vec<Manager>,
    /// What the object looks like now and shall look like: only for a dry run, which so tells what the server would
    /// make of the apply that follows.
    pub body: Option<(Value, Value)>,
}

impl Adoption {
    /// One that is only told: what a saved plan shows. It moves nothing.
    pub fn told(from: Vec<Former>, gone: BTreeSet<String>, seen: Arc<LiveObject>) -> Self {
        let ours = None;
        let moved = FieldSet::default();
        let undecided = FieldSet::default();
        Self { from, gone, ours, moved, undecided, api_version: String::new(), seen }
    }

    /// The write that moves the entries, for the object as it was when that was decided.
    pub fn migration(&self) -> Migration {
        self.migration_of(&self.seen)
    }

    /// The same for the object as it is now; `None` where that is another than the one that was looked at, in anything
    /// but its status.
    pub fn migration_now(&self, now: &LiveObject) -> Option<Migration> {
        (substance(now) == substance(&self.seen)).then(|| self.migration_of(now))
    }

    /// Whether the entries of the object are moved already, and nothing but its status is otherwise.
    pub fn is_done(&self, now: &LiveObject) -> bool {
        let before = substance(&self.seen);
        let after = substance(now);
        let planned = self.managers(&self.seen);
        let same = |a: &Manager, b: &Manager| {
            (&a.name, &a.operation, &a.subresource, &a.fields) == (&b.name, &b.operation, &b.subresource, &b.fields)
        };
        let planned: Vec<&Manager> = planned.iter().filter(|it| it.subresource != "status").collect();
        (before.0, before.1) == (after.0, after.1)
            && planned.len() == after.2.len()
            && planned.iter().all(|it| after.2.iter().any(|now| same(it, now)))
    }

    fn migration_of(&self, live: &LiveObject) -> Migration {
        let version = live.body.dig(&["metadata", "resourceVersion"]).and_then(Value::as_str);
        Migration {
            resource_version: version.unwrap_or_default().to_owned(),
            managers: self.managers(live),
            body: None,
        }
    }

    /// The object with its entries as they will be.
    pub(super) fn migrated(&self) -> LiveObject {
        LiveObject { managers: self.managers(&self.seen), ..(*self.seen).clone() }
    }

    /// All entries of the object as they will be.
    fn managers(&self, live: &LiveObject) -> Vec<Manager> {
        let stays = |it: &&Manager| !is_ours(it) && !self.from.iter().any(|from| from.is(it));
        let others = live.managers.iter().filter(stays).cloned().map(|it| {
            let api_version = if self.gone.contains(&it.api_version) { &self.api_version } else { &it.api_version };
            Manager { api_version: api_version.clone(), ..it }
        });
        self.ours.iter().cloned().chain(others).collect()
    }

    /// Masks what is kept of the object.
    pub(super) fn mask(&mut self, mask: impl FnOnce(&mut Value)) {
        mask(&mut Arc::make_mut(&mut self.seen).body);
    }

    /// Whether a change is no more than the change of hands itself.
    pub(super) fn tells(&self, change: &FieldChange) -> bool {
        change.class == Class::Acquire && self.moved.owns(&change.path)
    }

    /// Takes note of what the server would make of the object. What it would fill in again as it is was its own, and is
    /// not claimed.
    pub(super) fn settle(&mut self, after: &Value, shape: Type<'_>) {
        let same = |path: &Path| lookup(&self.seen.body, path, Some(shape)) == lookup(after, path, Some(shape));
        let filled_in: FieldSet = self.undecided.paths().into_iter().filter(same).collect();
        if let Some(ours) = &mut self.ours
            && let Ok(fields) = FieldSet::from_fields_v1(&ours.fields)
        {
            ours.fields = fields.difference(&filled_in).to_fields_v1().into();
        }
        self.undecided = FieldSet::default();
    }
}

impl FormerKind {
    /// A word for the variant, for machines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kubectl => "kubectl",
            Self::Helm => "helm",
            Self::BeforeFirstApply => "before-first-apply",
            Self::Applier => "applier",
        }
    }
}

impl Former {
    fn is(&self, manager: &Manager) -> bool {
        let it = &self.writer;
        (&it.manager, &it.operation, &it.subresource) == (&manager.name, &manager.operation, &manager.subresource)
    }
}

/// All of an object that an adoption is decided by: everything but its status, what was noted with it, and what the
/// server keeps for itself.
fn substance(live: &LiveObject) -> (Option<&str>, Map, Vec<&Manager>) {
    let strip = |value: &Value, path: &Path| -> Map {
        let entries = value.as_map().into_iter().flatten();
        entries.filter(|entry| !is_server_field(path, &entry.key)).cloned().collect()
    };
    let mut body = strip(&live.body, &Path::root());
    if let Some(metadata) = body.get_mut("metadata") {
        let mut kept = strip(metadata, &Path::of_fields(["metadata"]));
        if let Some(annotations) = kept.remove("annotations").map(|it| unnoted(&it, live)).filter(|it| !it.is_empty()) {
            kept.insert("annotations", annotations);
        }
        *metadata = kept.into();
    }
    let uid = live.body.dig(&["metadata", "uid"]).and_then(Value::as_str);
    (uid, body, live.managers.iter().filter(|it| it.subresource != "status").collect())
}

/// The annotations but for those that only writers of the status own: a controller counts the revisions of a rollout in
/// one. An entry that cannot be read owns none, so that what it owns counts.
fn unnoted(annotations: &Value, live: &LiveObject) -> Map {
    let owns = |manager: &Manager, path: &Path| manager.fields.set().is_ok_and(|set| set.owns(path));
    let is_noted = |key: &str| {
        let path = Path::of_fields(["metadata", "annotations", key]);
        let mut owners = live.managers.iter().filter(|it| owns(it, &path)).peekable();
        owners.peek().is_some() && owners.all(|it| it.subresource == "status")
    };
    annotations.as_map().into_iter().flatten().filter(|entry| !is_noted(&entry.key)).cloned().collect()
}

impl fmt::Display for Adoption {
    /// `adopted from kubectl (client-side apply) and Helm`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from: Vec<String> = self.from.iter().map(ToString::to_string).collect();
        if !from.is_empty() {
            write!(f, "adopted from {}", from.join(" and "))?;
        }
        let gone: Vec<&str> = self.gone.iter().map(String::as_str).collect();
        match (from.is_empty(), gone.is_empty()) {
            (_, true) => Ok(()),
            (true, false) => write!(f, "ownership written in {} is brought up to date", gone.join(" and ")),
            (false, false) => write!(f, ", and ownership written in {} brought up to date", gone.join(" and ")),
        }
    }
}

impl fmt::Display for Former {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            FormerKind::Kubectl => f.write_str("kubectl (client-side apply)"),
            FormerKind::Helm => f.write_str("Helm"),
            FormerKind::BeforeFirstApply => f.write_str("whoever wrote it before its first server-side apply"),
            FormerKind::Applier => write!(f, "{} (server-side apply)", self.writer.manager),
        }
    }
}

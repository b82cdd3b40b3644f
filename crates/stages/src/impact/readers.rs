//! Pods that read ConfigMaps and Secrets and do not notice by themselves that these change.

use std::collections::{BTreeMap, BTreeSet};

use super::workloads::template;
use super::{Consequence, Effect};
use crate::manifest::{Object, ObjectId};
use crate::plan::{Action, Plan, Step};
use weft_base::value::{Step as PathStep, Value};

/// How a pod reads a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum ReadMode {
    /// Variables are set once.
    Variables,
    /// A file below a mounted path is copied once.
    SubPath,
    /// Files are updated within about a minute.
    Files,
}

/// What changes in a source.
struct ChangedSource<'p> {
    id: &'p ObjectId,
    gone: bool,
    /// The keys that change.
    keys: BTreeSet<&'p str>,
}

/// The workloads of the plan whose pods read what changes but do not restart.
pub(super) fn unaware(plan: &Plan, known: &[Effect]) -> Vec<Effect> {
    let sources: BTreeMap<(&str, &str, &str), ChangedSource> = plan.steps.iter().filter_map(source).collect();
    if sources.is_empty() {
        return Vec::new();
    }
    let restarts: BTreeSet<&ObjectId> = known
        .iter()
        .filter(|it| matches!(it.what, Consequence::Restart { .. } | Consequence::Replace { .. }))
        .map(|it| &it.object)
        .collect();
    let stays = |step: &&Step| matches!(step.action, Action::Update | Action::Unchanged);
    let workloads = plan.steps.iter().filter(stays).filter(|step| !restarts.contains(&step.object.id));
    workloads
        .filter_map(|step| step.object.desired.as_deref())
        .flat_map(|object| effects_on(object, &sources))
        .collect()
}

/// A ConfigMap or Secret that changes or goes, by namespace, kind and name.
fn source(step: &Step) -> Option<((&str, &str, &str), ChangedSource<'_>)> {
    let id = &step.object.id;
    let is_source = id.kind.group.is_empty() && ["ConfigMap", "Secret"].contains(&id.kind.kind.as_str());
    let gone = step.action == Action::Delete;
    if !is_source || !(gone || step.action == Action::Update) {
        return None;
    }
    let keys: BTreeSet<&str> = step.object.about_to_change().filter_map(|it| key(&it.path.0)).collect();
    let at = (id.namespace.as_deref().unwrap_or_default(), id.kind.kind.as_str(), id.name.as_str());
    (gone || !keys.is_empty()).then_some((at, ChangedSource { id, gone, keys }))
}

/// The key of a source that a path is in; empty for all of them.
fn key(path: &[PathStep]) -> Option<&str> {
    match path {
        [PathStep::Field(part), rest @ ..] if ["data", "binaryData", "stringData"].contains(&part.as_str()) => {
            match rest.first() {
                Some(PathStep::Field(key)) => Some(key),
                _ => Some(""),
            }
        }
        _ => None,
    }
}

fn effects_on(object: &Object, sources: &BTreeMap<(&str, &str, &str), ChangedSource>) -> Vec<Effect> {
    let kind = object.id.kind.to_string();
    // A job reads them whenever it runs.
    if kind == "CronJob.batch" {
        return Vec::new();
    }
    let Some(path) = template(&kind) else { return Vec::new() };
    let Some(spec) = object.body.dig(path).and_then(|it| it.get("spec")) else { return Vec::new() };
    let namespace = object.id.namespace.as_deref().unwrap_or_default();
    let mut found: BTreeMap<(&str, &str), ReadMode> = BTreeMap::new();
    for (kind, name, key, how) in reads(spec) {
        let Some(source) = sources.get(&(namespace, kind, name)) else { continue };
        let concerns = source.gone || key.is_none_or(|key| source.keys.contains(key) || source.keys.contains(""));
        if concerns {
            let known = found.entry((kind, name)).or_insert(how);
            *known = how.min(*known);
        }
    }
    let effect = |((kind, name), how): ((&str, &str), ReadMode)| {
        let source = &sources[&(namespace, kind, name)];
        let why = match (source.gone, how) {
            (true, _) => format!("it reads `{}`, which is deleted, and cannot start without it", source.id),
            (_, ReadMode::Variables) => {
                format!("its variables come from `{}`, and nothing in its template changes", source.id)
            }
            (_, ReadMode::SubPath) => format!("it mounts `{}` by a `subPath`, which is not written anew", source.id),
            (_, ReadMode::Files) => format!("the files that it mounts from `{}` change under it", source.id),
        };
        Effect { object: object.id.clone(), release: object.release.clone(), what: Consequence::NoRestart { why } }
    };
    found.into_iter().map(effect).collect()
}

type SourceRead<'v> = (&'static str, &'v str, Option<&'v str>, ReadMode);

/// What a pod reads: kind, name, the key if it is a single one, and how.
fn reads(spec: &Value) -> Vec<SourceRead<'_>> {
    let containers = ["initContainers", "containers"].into_iter().flat_map(|it| list(spec, it));
    let mut found = Vec::new();
    let mut copied: BTreeSet<&str> = BTreeSet::new();
    for container in containers {
        for variable in list(container, "env") {
            let from = variable.get("valueFrom");
            for (kind, field) in [("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")] {
                let Some(reference) = from.and_then(|it| it.get(field)) else { continue };
                found.extend(text(reference, "name").map(|it| (kind, it, text(reference, "key"), ReadMode::Variables)));
            }
        }
        for from in list(container, "envFrom") {
            for (kind, field) in [("ConfigMap", "configMapRef"), ("Secret", "secretRef")] {
                let name = from.get(field).and_then(|it| text(it, "name"));
                found.extend(name.map(|it| (kind, it, None, ReadMode::Variables)));
            }
        }
        let mounts = list(container, "volumeMounts").filter(|it| text(it, "subPath").is_some());
        copied.extend(mounts.filter_map(|it| text(it, "name")));
    }
    for volume in list(spec, "volumes") {
        let is_copied = text(volume, "name").is_some_and(|it| copied.contains(it));
        let how = if is_copied { ReadMode::SubPath } else { ReadMode::Files };
        let projected = volume.get("projected").into_iter().flat_map(|it| list(it, "sources"));
        for source in projected.chain([volume]) {
            let config = source.get("configMap").and_then(|it| text(it, "name"));
            let secret = source.get("secret").and_then(|it| text(it, "secretName").or_else(|| text(it, "name")));
            found.extend(config.map(|it| ("ConfigMap", it, None, how)));
            found.extend(secret.map(|it| ("Secret", it, None, how)));
        }
    }
    found
}

fn list<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    value.get(key).and_then(Value::as_list).unwrap_or_default().iter()
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key)?.as_str()
}

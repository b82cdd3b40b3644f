//! From the files of a lineage to an [`Environment`].

use std::collections::BTreeMap;

use super::error::ProjectError;
use super::lineage::{self, EnvironmentFile};
use super::lock::Lock;
use super::overlay::{Nulls, overlay};
use super::release::{self, Declared};
use super::wait::Waits;
use super::{
    ConflictRule, Environment, IgnoreRule, Input, ReplaceRule, cluster, conflicts, ignore, needs, own_files, owner,
    replace,
};
use weft_base::diagnostic::Place;
use weft_base::tree::Tree;
use weft_base::value::{Map, Value};

/// The namespace of the state where no environment names one.
const STATE_NAMESPACE: &str = "weft-system";
/// How many revisions of a release are kept where no environment says it.
const REVISIONS: u32 = 10;

/// Loads an environment with all that it inherits. The tree needs only `environments/`; what the environment names
/// elsewhere is found by [`check`](super::check) once it is there.
///
/// The releases are the enabled ones, each after all that it needs and otherwise in the order of their declaration. A
/// release that needs a disabled one is an error: the one would be installed without the other.
pub fn load(tree: &Tree, name: &str) -> Result<Environment, ProjectError> {
    let files = lineage::read(tree, name)?;
    let lineage: Vec<String> = files.iter().map(|file| file.name.clone()).collect();
    let cluster = cluster::cluster(tree, &files)?;
    cluster::refuse_circle(tree, name, &cluster)?;
    let declared = release::declared(tree, &files)?;
    own_files::refuse_strays(tree, &lineage, &declared)?;
    let waits = Waits::read(tree, last(&files, "wait"))?;
    let lock = Lock::read(tree, name)?;
    let enabled = || declared.iter().filter(|it: &&Declared| it.enabled());
    let build = |it| release::build(tree, &lineage, &waits, &lock, it);
    let releases = enabled().map(build).collect::<Result<_, _>>()?;
    let remote = enabled().map(|it| release::remote(tree, it)).filter_map(Result::transpose);
    let remote = remote.collect::<Result<_, _>>()?;
    let (conflicts, left) = conflicts(tree, &files)?;
    let value_layers: Vec<Value> = files.iter().filter_map(|file| file.root.get("values")).cloned().collect();
    Ok(Environment {
        name: name.to_owned(),
        project: owner::project_id(tree)?,
        cluster,
        values: merged(&value_layers),
        value_layers,
        inputs: inputs(tree, &files)?,
        identity: identity(tree, &files)?,
        state_namespace: state_namespace(tree, &files)?,
        revisions: revisions(&files),
        ignore: ignored(tree, &files)?.into_iter().chain(left).collect(),
        conflicts,
        replace: replaced(tree, &files)?,
        releases: needs::ordered(tree, releases, &declared)?,
        remote,
        lock,
        written: written(&files),
        lineage,
    })
}

fn merged(layers: &[Value]) -> Value {
    let mut all = Map::new();
    for map in layers.iter().filter_map(Value::as_map) {
        overlay(&mut all, map, Nulls::Keep, &mut |_, _, _| {});
    }
    all.into()
}

fn inputs(tree: &Tree, files: &[EnvironmentFile]) -> Result<BTreeMap<String, Input>, ProjectError> {
    let mut all = BTreeMap::new();
    for file in files {
        let nodes = file.root.get("inputs").and_then(Value::as_map);
        for (name, spec) in file.spec.inputs.iter().flatten() {
            let place =
                nodes.and_then(|map| map.entry(name)).map(|entry| Place::of_key(tree, entry)).unwrap_or_default();
            let spec = spec.clone().unwrap_or_default();
            let required = spec.required.unwrap_or_default();
            if required && spec.default.is_some() {
                let subject = format!("input `{name}`");
                return Err(ProjectError::Contradiction { subject, first: "required", second: "default", place });
            }
            let env = spec.env.unwrap_or_else(|| name.clone());
            all.insert(name.clone(), Input { env, required, default: spec.default, origin: place.origin });
        }
    }
    Ok(all)
}

/// What the lineage writes for all releases, the last of each key.
fn written(files: &[EnvironmentFile]) -> Value {
    let mut all = Map::new();
    for entry in files.iter().flat_map(|file| &file.root) {
        if !["values", "inputs", "releases", "inherits"].contains(&entry.key.as_str()) && !entry.value.is_null() {
            all.insert_entry(entry.clone());
        }
    }
    all.into()
}

/// The last node of a key in the lineage that holds something.
fn last<'f>(files: &'f [EnvironmentFile], key: &str) -> Option<&'f Value> {
    files.iter().rev().find_map(|file| file.root.get(key).filter(|node| !node.is_null()))
}

fn identity(tree: &Tree, files: &[EnvironmentFile]) -> Result<Option<String>, ProjectError> {
    last(files, "identity").map(|node| release::rooted(tree, node, "`identity`")).transpose()
}

fn state_namespace(tree: &Tree, files: &[EnvironmentFile]) -> Result<String, ProjectError> {
    let node = last(files, "stateNamespace");
    release::label(tree, node, "namespace")?;
    Ok(node.and_then(Value::as_str).unwrap_or(STATE_NAMESPACE).to_owned())
}

/// What the last file says that has `history`.
fn revisions(files: &[EnvironmentFile]) -> usize {
    let keep = files.iter().rev().find_map(|file| file.spec.history).and_then(|history| history.keep);
    usize::try_from(keep.unwrap_or(REVISIONS)).unwrap_or(usize::MAX)
}

/// The ignore rules of the last file that has any.
fn ignored(tree: &Tree, files: &[EnvironmentFile]) -> Result<Vec<IgnoreRule>, ProjectError> {
    let last = files.iter().rev().find(|file| file.spec.ignore.is_some());
    last.map_or_else(|| Ok(Vec::new()), |it| ignore::rules(tree, it.spec.ignore.as_deref(), it.root.get("ignore")))
}

/// The conflict rules of the last file that has any, and those of them that are ignore rules.
fn conflicts(tree: &Tree, files: &[EnvironmentFile]) -> Result<(Vec<ConflictRule>, Vec<IgnoreRule>), ProjectError> {
    let last = files.iter().rev().find(|file| file.spec.conflicts.is_some());
    let rules = |it: &EnvironmentFile| conflicts::rules(tree, it.spec.conflicts.as_deref(), it.root.get("conflicts"));
    last.map_or_else(|| Ok((Vec::new(), Vec::new())), rules)
}

/// The replace rules of the last file that has any.
fn replaced(tree: &Tree, files: &[EnvironmentFile]) -> Result<Vec<ReplaceRule>, ProjectError> {
    let last = files.iter().rev().find(|file| file.spec.replace.is_some());
    last.map_or_else(|| Ok(Vec::new()), |it| replace::rules(tree, it.spec.replace.as_deref(), it.root.get("replace")))
}

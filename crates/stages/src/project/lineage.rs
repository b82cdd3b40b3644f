//! The files that an environment is made of: `defaults.yaml`, what it inherits, and its own.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::error::ProjectError;
use super::release::is_label;
use super::spec::EnvironmentSpec;
use weft_base::diagnostic::Place;
use weft_base::tree::Tree;
use weft_base::value::{Map, Mark, Origin, Value};
use weft_base::yaml::{self, Rules};

/// The name under which `defaults.yaml` stands in a lineage; no environment can have it.
pub(super) const DEFAULTS: &str = "defaults";

/// Keys of a release that the format reserves, with what there is instead.
const LATER: [(&str, &str); 2] = [
    ("jsonnet", "A release's objects come from `chart:`, `manifests:` (a folder of plain files) or `kustomization:`."),
    ("hooks", "Order releases with `needs:` instead."),
];

/// One file of a lineage: its nodes with their places, and its typed form.
pub(super) struct EnvironmentFile {
    /// The environment, or [`DEFAULTS`].
    pub name: String,
    /// The nodes.
    pub root: Map,
    /// The typed form.
    pub spec: EnvironmentSpec,
}

/// The names of all environments, sorted: the folders of `environments/` that have an `environment.yaml`.
pub fn names(tree: &Tree) -> Vec<String> {
    let name = |path: &str| {
        let name = path.strip_prefix("environments/")?.strip_suffix("/environment.yaml")?;
        (!name.contains('/') && name != DEFAULTS).then(|| name.to_owned())
    };
    tree.paths().filter_map(name).collect()
}

/// The names of the environments that are places of their own, sorted: all without those that another inherits from and
/// that neither name nor inherit a cluster.
pub fn places(tree: &Tree) -> Result<Vec<String>, ProjectError> {
    let all = names(tree).into_iter().map(|name| Ok((read(tree, &name)?, name)));
    let all = all.collect::<Result<Vec<_>, ProjectError>>()?;
    let heirs = all.iter().flat_map(|(files, name)| files.iter().map(move |file| (file.name.as_str(), name)));
    let inherited: BTreeSet<&str> = heirs.filter(|(of, name)| of != name).map(|(of, _)| of).collect();
    let has_cluster = |files: &[EnvironmentFile]| files.iter().any(|file| file.spec.cluster.is_some());
    let own = all.iter().filter(|(files, name)| !inherited.contains(name.as_str()) || has_cluster(files));
    Ok(own.map(|(_, name)| name.clone()).collect())
}

/// The files of an environment, the lowest first.
pub(super) fn read(tree: &Tree, name: &str) -> Result<Vec<EnvironmentFile>, ProjectError> {
    if let Some(stray) = tree.paths().find(|path| path.starts_with("environments/defaults/")) {
        return Err(ProjectError::Reserved { place: Place::of_file(stray) });
    }
    let mut walk = Walk { tree, open: Vec::new(), done: Vec::new() };
    if tree.contains("environments/defaults.yaml") {
        walk.done.push(read_file(tree, DEFAULTS, "environments/defaults.yaml")?);
    }
    walk.visit(name, None)?;
    Ok(walk.done)
}

/// A walk up the lineage, depth first.
struct Walk<'t> {
    tree: &'t Tree,
    /// The environments from the one asked for to the one being read.
    open: Vec<String>,
    done: Vec<EnvironmentFile>,
}

impl Walk<'_> {
    fn visit(&mut self, name: &str, place: Option<Place>) -> Result<(), ProjectError> {
        if let Some(start) = self.open.iter().position(|open| open == name) {
            let path = self.open[start..].iter().map(String::as_str).chain([name]).collect::<Vec<_>>().join(" -> ");
            return Err(ProjectError::InheritCycle { path, place: place.unwrap_or_default() });
        }
        known(self.tree, name, place)?;
        if self.done.iter().any(|file| file.name == name) {
            return Ok(());
        }
        let path = format!("environments/{name}/environment.yaml");
        if !is_label(name) {
            let what = "environment name";
            let text = name.to_owned();
            return Err(ProjectError::NotALabel { what, text, place: Place::of_file(&path) });
        }
        let file = read_file(self.tree, name, &path)?;
        self.open.push(name.to_owned());
        for (at, parent) in file.spec.inherits.iter().flatten().enumerate() {
            let node = file.root.get("inherits").and_then(|list| list.as_list()?.get(at));
            self.visit(parent, node.map(|node| Place::of_node(self.tree, node)))?;
        }
        self.open.pop();
        self.done.push(file);
        Ok(())
    }
}

/// Whether there is an environment of that name; `place` is where it was named.
pub(super) fn known(tree: &Tree, name: &str, place: Option<Place>) -> Result<(), ProjectError> {
    let known = names(tree);
    if known.iter().any(|it| it == name) {
        return Ok(());
    }
    Err(ProjectError::NoEnvironment { name: name.to_owned(), known, place: place.unwrap_or_default() })
}

fn read_file(tree: &Tree, name: &str, path: &str) -> Result<EnvironmentFile, ProjectError> {
    let text = tree.text(path)?;
    let file = Arc::new(path.to_owned());
    let mut node = yaml::document(text, &file, Rules::Strict)?;
    if node.is_null() {
        node = Value::from(Map::new()).at(Origin::new(&file, Mark::default()));
    }
    refuse_reserved(tree, name, &node)?;
    let spec = yaml::from_value(&node, text)?;
    let root = node.as_map().cloned().unwrap_or_default();
    Ok(EnvironmentFile { name: name.to_owned(), root, spec })
}

/// Words that have a meaning, but not here or not yet, deserve a better answer than "unknown key".
fn refuse_reserved(tree: &Tree, name: &str, node: &Value) -> Result<(), ProjectError> {
    let entry = |key: &str| node.as_map().and_then(|map| map.entry(key));
    if let Some(entry) = ["cluster", "inherits"].into_iter().find_map(entry).filter(|_| name == DEFAULTS) {
        return Err(ProjectError::NotInDefaults { key: entry.key.to_string(), place: Place::of_key(tree, entry) });
    }
    for release in node.get("releases").and_then(Value::as_list).unwrap_or_default() {
        let written = |(key, hint)| Some((release.as_map()?.entry(key)?, hint));
        if let Some((entry, instead)) = LATER.into_iter().find_map(written) {
            return Err(ProjectError::NotYet {
                what: entry.key.to_string(),
                instead,
                place: Place::of_key(tree, entry),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_only_inherited_from_is_no_place() {
        let file = |name: &str, text: &str| (format!("environments/{name}/environment.yaml"), text.as_bytes().to_vec());
        let tree = Tree::new([
            ("environments/defaults.yaml".to_owned(), b"values: {a: 1}\n".to_vec()),
            file("base", "values: {a: 2}\n"),
            file("middle", "inherits: [base]\n"),
            file("staging", "inherits: [middle]\ncluster: {context: staging}\n"),
            file("production", "inherits: [staging]\n"),
            file("alone", "values: {}\n"),
        ]);
        assert_eq!(places(&tree).unwrap(), ["alone", "production", "staging"]);
        let broken = Tree::new([file("base", "valuess: {}\n")]);
        assert!(places(&broken).is_err());
    }
}

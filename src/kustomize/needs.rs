//! The folders that a kustomization names.

use std::sync::Arc;

use super::files::Root;
use super::read::Target;
use super::remote::Remote;
use super::spec::NAMES;
use crate::tree::Tree;
use crate::value::Origin;

/// The kustomizations at and below a folder that no other one there names: what is built of them.
pub fn overlays(tree: &Tree, folder: &str) -> Vec<String> {
    let files: Arc<Tree> = Arc::new(tree.clone());
    let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    let mut found = Vec::new();
    let mut named = Vec::new();
    for path in tree.paths().filter(|path| path.starts_with(&prefix)) {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        if !NAMES.contains(&name) {
            continue;
        }
        let root =
            Root { files: files.clone(), folder: folder.to_owned(), remote: None, unrestricted: false, parent: None };
        let Ok(target) = Target::load(Arc::new(root), &Origin::default()) else { continue };
        let spec = &target.spec;
        let paths = spec.resources.iter().chain(&spec.components).filter(|it| Remote::parse(it).is_none());
        named.extend(paths.map(|path| target.root.join(path)));
        if !spec.is_component() {
            found.push(folder.to_owned());
        }
    }
    found.retain(|folder| !named.contains(folder));
    found
}

/// The folders and files that the kustomization of a folder is made of: its own folder, and what it and those that it
/// names name.
pub fn folders(tree: &Tree, folder: &str) -> Vec<String> {
    walk(tree, folder).0
}

/// The folders and files beside its own that the kustomization of a folder names, and that are not in `tree`. With those
/// in the tree it may name more. One that cannot be read names nothing here; building it says why.
pub fn needs(tree: &Tree, folder: &str) -> Vec<String> {
    walk(tree, folder).1
}

/// What was found, and what is not in the tree.
fn walk(tree: &Tree, folder: &str) -> (Vec<String>, Vec<String>) {
    let mut missing = Vec::new();
    let mut seen = vec![folder.to_owned()];
    let mut waiting = seen.clone();
    let files: Arc<Tree> = Arc::new(tree.clone());
    while let Some(folder) = waiting.pop() {
        let root = Root { files: files.clone(), folder, remote: None, unrestricted: false, parent: None };
        let Ok(target) = Target::load(Arc::new(root), &Origin::default()) else { continue };
        let spec = &target.spec;
        let paths = [&spec.resources, &spec.components, &spec.generators, &spec.transformers, &spec.validators];
        for path in paths.into_iter().flatten().filter(|it| Remote::parse(it).is_none() && !it.contains('\n')) {
            let path = target.root.join(path);
            if seen.contains(&path) {
                continue;
            }
            seen.push(path.clone());
            if tree.has_folder(&path) {
                waiting.push(path);
            } else if !tree.contains(&path) && !path.is_empty() {
                missing.push(path);
            }
        }
    }
    (seen, missing)
}

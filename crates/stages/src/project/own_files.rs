//! `environments/<env>/values/<release>.yaml`: the files that are loaded for a release by their name alone.

use std::collections::BTreeSet;

use super::ValuesLayer;
use super::error::ProjectError;
use super::lineage::DEFAULTS;
use super::release::{Declared, folder_of};
use weft_base::diagnostic::Place;
use weft_base::diagnostic::nearest;
use weft_base::tree::{Tree, join};

/// The layers that a release gets from files of its name, along the lineage; in each folder the template comes last.
pub(super) fn of(tree: &Tree, lineage: &[String], release: &str) -> Vec<ValuesLayer> {
    let folders = lineage.iter().filter(|name| *name != DEFAULTS).map(|name| format!("environments/{name}/values"));
    let mut layers = Vec::new();
    for folder in folders {
        let plain = format!("{folder}/{release}.yaml");
        let template = format!("{folder}/{release}.yaml.j2");
        if tree.contains(&plain) {
            layers.push(ValuesLayer::File(plain.clone(), Place::of_file(&plain).origin));
        }
        if tree.contains(&template) {
            layers.push(ValuesLayer::Template(template.clone(), Place::of_file(&template).origin));
        }
    }
    layers
}

/// Refuses a file in a `values/` folder of the lineage that no release loads, be it by its name or by naming it: most
/// likely its name has a mistake. Releases that are not enabled count, so that one can be switched off alone.
pub(super) fn refuse_strays(tree: &Tree, lineage: &[String], declared: &[Declared]) -> Result<(), ProjectError> {
    let names: BTreeSet<&str> = declared.iter().map(|it| it.spec.name.as_str()).collect();
    let mentioned: BTreeSet<String> = declared
        .iter()
        .flat_map(|it| it.items("values"))
        .filter_map(|item| join(&folder_of(item), item.as_str()?).ok())
        .collect();
    for environment in lineage {
        let folder = format!("environments/{environment}/values/");
        for path in tree.paths().filter(|path| path.starts_with(&folder)) {
            let file = &path[folder.len()..];
            let plain = file.strip_suffix(".j2").unwrap_or(file);
            let own = plain.strip_suffix(".yaml").is_some_and(|stem| names.contains(stem));
            if !own && !mentioned.contains(path) {
                let stem = plain.split('.').next().unwrap_or(plain);
                let nearest = nearest(stem, names.iter().copied()).map(str::to_owned);
                return Err(ProjectError::ValuesForNoRelease { place: Place::of_file(path), nearest });
            }
        }
    }
    Ok(())
}

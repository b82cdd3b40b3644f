//! A chart as it goes into an archive.

use std::sync::Arc;

use super::{ChartError, Package};
use weft_base::tree::Tree;
use weft_base::value::{Map, Value};
use weft_base::yaml::{self, Rules};

/// A chart that can be packed.
#[derive(Debug)]
pub struct Packed {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its files, without what `.helmignore` leaves out.
    pub files: Tree,
}

/// The chart in a folder of a tree, under other versions where they are given. Its `Chart.yaml` has to be right, and the
/// charts that it depends on have to be in its `charts/`.
pub fn packed(
    tree: &Tree,
    folder: &str,
    version: Option<&str>,
    app_version: Option<&str>,
) -> Result<Packed, ChartError> {
    let path = format!("{folder}/Chart.yaml");
    let mut tree = tree.clone();
    if (version.is_some() || app_version.is_some()) && tree.contains(&path) {
        let text = renamed(tree.text(&path)?, &path, [("version", version), ("appVersion", app_version)])?;
        tree = tree.with(Tree::new([(path, text.into_bytes())]));
    }
    let package = Package::of_folder(&tree, folder)?;
    super::load::check_dependencies(&package)?;
    let below = tree.below(folder);
    let ignore = super::package::ignored(&below, folder)?;
    let files = ignore.kept(below.paths()).filter_map(|path| Some((path.to_owned(), below.bytes(path)?.to_vec())));
    Ok(Packed { files: Tree::new(files), name: package.metadata.name, version: package.metadata.version })
}

/// `Chart.yaml` with other fields.
fn renamed(text: &str, path: &str, fields: [(&str, Option<&str>); 2]) -> Result<String, ChartError> {
    let chart = yaml::document(text, &Arc::new(path.to_owned()), Rules::Kubernetes)?;
    let mut map = chart.as_map().cloned().unwrap_or_else(Map::new);
    for (key, value) in fields.into_iter().filter_map(|(key, value)| Some((key, value?))) {
        map.insert(key, Value::from(value));
    }
    Ok(yaml::write(&map.into()))
}

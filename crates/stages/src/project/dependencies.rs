//! The charts from elsewhere that a chart of the repository depends on.

use std::sync::Arc;

use super::ProjectError;
use super::remote::ChartPlace;
use weft_base::tree::Tree;
use weft_base::value::{Origin, Value};
use weft_base::yaml::{self, Rules};

/// A chart that another one depends on, and that is not a folder beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct Dependency {
    /// The folder of the chart that depends on it.
    pub folder: String,
    /// Where it is.
    pub place: ChartPlace,
    /// The archive beside the chart, if there is one.
    pub beside: Option<String>,
    /// Where that was written.
    pub origin: Origin,
}

impl Dependency {
    /// Where the archive stands in the project's tree, and where Helm vendors it: in `charts/` of the chart.
    pub fn archive(&self, name: &str, version: &str) -> String {
        format!("{}/charts/{name}-{version}.tgz", self.folder)
    }

    /// Whether a path is that of an archive of this chart in any version.
    pub fn is_archive(&self, name: &str, path: &str) -> bool {
        let below = path.strip_prefix(&self.folder).and_then(|it| it.strip_prefix("/charts/"));
        below.is_some_and(|it| is_archive(it, name))
    }
}

/// The dependencies of the chart in a folder that have a repository elsewhere and are no folders in its `charts/`.
/// `Chart.yaml` of version 1 has them in `requirements.yaml`.
pub fn dependencies(tree: &Tree, folder: &str) -> Result<Vec<Dependency>, ProjectError> {
    let mut all = Vec::new();
    for file in ["Chart.yaml", "requirements.yaml"] {
        let path = Arc::new(format!("{folder}/{file}"));
        if !tree.contains(&path) {
            continue;
        }
        let chart = yaml::document(tree.text(&path)?, &path, Rules::Kubernetes)?;
        let list = chart.get("dependencies").and_then(Value::as_list).unwrap_or_default();
        all.extend(list.iter().filter_map(|it| dependency(tree, folder, it)));
    }
    Ok(all)
}

fn dependency(tree: &Tree, folder: &str, node: &Value) -> Option<Dependency> {
    let field = |key: &str| node.get(key).and_then(Value::as_str).filter(|it| !it.is_empty());
    let name = field("name")?;
    let repo = field("repository")?;
    let elsewhere = ["https://", "http://", "oci://", "@", "alias:"].iter().any(|it| repo.starts_with(it));
    let charts = tree.below(&format!("{folder}/charts"));
    if !elsewhere || charts.contains(&format!("{name}/Chart.yaml")) {
        return None;
    }
    let version = field("version").unwrap_or("*").to_owned();
    let place = ChartPlace::named(repo.trim_end_matches('/').to_owned(), name.to_owned(), version);
    let beside = charts.paths().find(|path| is_archive(path, name)).map(|path| format!("{folder}/charts/{path}"));
    Some(Dependency { folder: folder.to_owned(), place, beside, origin: node.origin.clone() })
}

/// Whether a path is that of a chart's archive with any version.
fn is_archive(path: &str, name: &str) -> bool {
    let version = path.strip_suffix(".tgz").and_then(|it| it.strip_prefix(name)?.strip_prefix('-'));
    version.is_some_and(|it| it.starts_with(|c: char| c.is_ascii_digit() || c == 'v') && !it.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(files: &[(&str, &str)]) -> Vec<String> {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
        let found = dependencies(&Tree::new(files), "charts/app").unwrap();
        let line = |it: &Dependency| format!("{}{}", it.place, it.beside.as_ref().map_or("", |_| ", beside"));
        found.iter().map(line).collect()
    }

    const CHART: &str = "dependencies:
- {name: db, version: ^1, repository: 'https://x.example.com/'}
- {name: db-extra, version: 1.0.0, repository: 'oci://x.example.com/y'}
- {name: local, version: 1.0.0, repository: 'file://../local'}
- {name: own, version: 1.0.0}
";

    #[test]
    fn only_charts_from_elsewhere_that_are_not_beside_are_wanted() {
        let chart = ("charts/app/Chart.yaml", CHART);
        assert_eq!(of(&[chart]), ["db ^1 of https://x.example.com", "db-extra 1.0.0 of oci://x.example.com/y"]);
        let archive = ("charts/app/charts/db-extra-1.0.0.tgz", "");
        let found = ["db ^1 of https://x.example.com", "db-extra 1.0.0 of oci://x.example.com/y, beside"];
        assert_eq!(of(&[chart, archive]), found);
        let folder = ("charts/app/charts/db/Chart.yaml", "name: db");
        assert_eq!(of(&[chart, folder]), ["db-extra 1.0.0 of oci://x.example.com/y"]);
        assert_eq!(of(&[("charts/app/requirements.yaml", CHART)]).len(), 2);
    }
}

//! `Chart.yaml`.

use std::sync::Arc;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::ChartError;
use crate::tree::Tree;

/// What a chart says of itself. Keys that only Helm's repositories use are accepted and not read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metadata {
    /// The name.
    pub name: String,
    /// The chart's own version.
    #[serde(default)]
    pub version: String,
    /// The version of what it installs.
    #[serde(default)]
    pub app_version: String,
    /// Whether it renders objects, or lends its templates to others.
    #[serde(default, rename = "type")]
    pub kind: ChartType,
    /// The library charts whose templates it uses.
    #[serde(default)]
    pub dependencies: Vec<Dependency>,
    #[serde(default, rename = "apiVersion")]
    _api_version: IgnoredAny,
    #[serde(default, rename = "kubeVersion")]
    _kube_version: IgnoredAny,
    #[serde(default, rename = "description")]
    _description: IgnoredAny,
    #[serde(default, rename = "home")]
    _home: IgnoredAny,
    #[serde(default, rename = "icon")]
    _icon: IgnoredAny,
    #[serde(default, rename = "keywords")]
    _keywords: IgnoredAny,
    #[serde(default, rename = "maintainers")]
    _maintainers: IgnoredAny,
    #[serde(default, rename = "sources")]
    _sources: IgnoredAny,
    #[serde(default, rename = "deprecated")]
    _deprecated: IgnoredAny,
    #[serde(default, rename = "annotations")]
    _annotations: IgnoredAny,
}

/// What a chart is for.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum ChartType {
    /// It renders objects.
    #[default]
    Application,
    /// It lends its templates to others.
    Library,
}

/// A library chart that a chart uses.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dependency {
    /// Its name, under which its templates are found.
    pub name: String,
    /// Its folder, as Helm writes it: `file://../common`. `charts/<name>` in the chart's own folder by default.
    #[serde(default)]
    pub repository: Option<String>,
    #[serde(default, rename = "version")]
    _version: IgnoredAny,
}

impl Metadata {
    /// Reads the `Chart.yaml` of a chart's folder.
    pub fn read(tree: &Tree, folder: &str) -> Result<Self, ChartError> {
        let path = format!("{folder}/Chart.yaml");
        if !tree.contains(&path) {
            return Err(ChartError::NoChart { folder: folder.to_owned() });
        }
        Ok(crate::yaml::config(tree.text(&path)?, &Arc::new(path))?)
    }
}

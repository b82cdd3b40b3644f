//! `helmCharts` and `HelmChartInflationGenerator`: charts rendered by the chart engine, as kustomize has Helm do it.

use std::sync::Arc;

use super::build::Builder;
use super::files::Root;
use super::needs::ChartFolder;
use super::resource::Resource;
use super::spec::HelmChart;
use super::{KustomizeError, objects};
use crate::chart::{self, Capabilities, Chart, Named, Public, SecretKey};
use crate::values::{self, Layer};
use weft_base::tree::Tree;
use weft_base::value::{Origin, Value};
use weft_base::yaml::Rules;
use weft_schema::patch;

/// What Helm calls a release without a name.
const UNNAMED: &str = "release-name";
/// The namespace of a chart that gets none.
const NAMESPACE: &str = "default";

/// The resources of a chart that the kustomization of a folder names at `origin`. `home` is where charts lie; `below` is
/// the namespace for a chart without one.
pub fn render(
    builder: &mut Builder<'_>,
    root: &Root,
    spec: &HelmChart,
    (home, below): (&str, &str),
    origin: &Origin,
) -> Result<Vec<Resource>, KustomizeError> {
    if spec.name.is_empty() {
        return Err(KustomizeError::Missing { field: "name", origin: origin.clone() });
    }
    let inflation = Inflation { root, spec, place: ChartFolder::of(root, home, spec), origin };
    let values = inflation.values(builder)?;
    let chart = inflation.load()?;
    let named = inflation.named(builder, below)?;
    let made = chart::templated(&chart, &values, &named)?;
    builder.placeholders |= made.placeholders;
    builder.lookups.extend(made.lookups);
    let file = match &origin.file {
        Some(file) => format!("{file}:{} (chart {})", origin.mark.line, spec.name),
        None => format!("chart {}", spec.name),
    };
    let read = |text: &[u8]| objects::read(&String::from_utf8_lossy(text), &Arc::new(file.clone()));
    let mut found = read(&made.text)?;
    if let Some(stand_in) = &made.stand_in {
        let secret_key =
            |SecretKey { .. }| inflation.failed("it names a field after a secret that it makes up".to_owned());
        mask(&mut found, &read(stand_in)?, &made.public).map_err(secret_key)?;
    }
    for resource in &mut found {
        resource.of_chart = true;
    }
    Ok(found)
}

/// Masks what is otherwise in the same resources with stand-ins for secrets.
fn mask(found: &mut [Resource], stand_ins: &[Resource], public: &Public) -> Result<(), SecretKey> {
    for (at, resource) in found.iter_mut().enumerate() {
        let body = std::mem::take(&mut resource.body);
        resource.body = match stand_ins.get(at).filter(|it| same(&it.body, &body)) {
            Some(stand_in) => chart::mask(body, &stand_in.body, public)?,
            None => chart::mask_all(body, public)?,
        };
    }
    Ok(())
}

fn same(a: &Value, b: &Value) -> bool {
    a.get("kind") == b.get("kind") && a.dig(&["metadata", "name"]) == b.dig(&["metadata", "name"])
}

/// One chart that is rendered.
struct Inflation<'a> {
    root: &'a Root,
    spec: &'a HelmChart,
    place: ChartFolder,
    origin: &'a Origin,
}

impl Inflation<'_> {
    /// The chart of the folder, or of where its `repo` is.
    fn load(&self) -> Result<Chart, KustomizeError> {
        let (files, folder) = (&self.root.files, &self.place.folder);
        if files.is_folder(folder) {
            let below = files.below(folder).map_err(|reason| self.failed(reason))?;
            let shown = files.shown(folder);
            let tree = Tree::new(below.into_iter().map(|(path, bytes)| (format!("{shown}/{path}"), bytes)));
            return Ok(Chart::load(&tree, &shown)?);
        }
        let Some(place) = &self.place.remote else {
            let path = files.shown(folder);
            return Err(KustomizeError::NoChart { name: self.spec.name.clone(), path, origin: self.origin.clone() });
        };
        let bytes = files.chart(place).map_err(|reason| self.failed(reason))?;
        Ok(Chart::of_archive(&bytes, &self.spec.name)?)
    }

    /// What the chart gets: the file of values with those of the kustomization, then further files.
    fn values(&self, builder: &Builder<'_>) -> Result<Value, KustomizeError> {
        let mut layers = vec![self.first(builder)?];
        for path in &self.spec.additional_values_files {
            layers.push(self.file(path)?);
        }
        let layers = layers.into_iter().map(|it| Layer::of_user("", it));
        Ok(values::merge(layers.collect()).by_user)
    }

    fn first(&self, builder: &Builder<'_>) -> Result<Value, KustomizeError> {
        let inline = &self.spec.values_inline;
        let inline = (inline.as_map().is_some_and(|it| !it.is_empty())).then(|| inline.clone());
        let merged = match (inline, self.spec.values_merge.as_str()) {
            (None, "" | "override" | "merge" | "replace") => return self.own_values(),
            (Some(inline), "replace") => return Ok(inline.at(self.origin.clone())),
            (Some(inline), "" | "override") => patch::merge(self.own_values()?, &inline, builder.keys()),
            (Some(inline), "merge") => patch::merge(inline, &self.own_values()?, builder.keys()),
            _ => {
                let what = "`valuesMerge` is `override`, `merge` or `replace`";
                return Err(KustomizeError::Contradiction { what, origin: self.origin.clone() });
            }
        };
        Ok(merged?.unwrap_or_else(|| weft_base::value::Map::new().into()).at(self.origin.clone()))
    }

    /// The values of `valuesFile`, in whose place the chart's own stand where there is none.
    fn own_values(&self) -> Result<Value, KustomizeError> {
        if !self.spec.values_file.is_empty() {
            return self.file(&self.spec.values_file);
        }
        let path = format!("/{}/values.yaml", self.place.folder);
        if self.root.files.is_folder(&self.place.folder) {
            return self.file(&path);
        }
        // The chart brings its own.
        Ok(Value::from(weft_base::value::Map::new()))
    }

    fn file(&self, path: &str) -> Result<Value, KustomizeError> {
        let loaded = self.root.load(path, self.origin)?;
        let failed = |diagnostic| KustomizeError::Decrypt { diagnostic: Box::new(diagnostic) };
        if self.root.files.decrypted(&loaded.file, &loaded.bytes).map_err(failed)?.is_some() {
            let (path, origin) = (path.to_owned(), self.origin.clone());
            return Err(KustomizeError::SecretValues { path, origin });
        }
        Ok(chart::values(loaded.text()?, &loaded.file, Rules::Kubernetes)?)
    }

    fn named(&self, builder: &Builder<'_>, below: &str) -> Result<Named, KustomizeError> {
        let spec = self.spec;
        let making = &builder.options().making;
        let mut capabilities = Capabilities::default();
        if !spec.kube_version.is_empty() {
            let wrong = || self.failed(format!("`{}` is no version of Kubernetes", spec.kube_version));
            let version = Capabilities::of_version(&spec.kube_version).ok_or_else(wrong)?;
            capabilities = Capabilities { api_versions: capabilities.api_versions, ..version };
        }
        capabilities.api_versions.extend(spec.api_versions.iter().cloned());
        let name = match (spec.release_name.as_str(), spec.name_template.as_str()) {
            ("", "") => UNNAMED.to_owned(),
            (name, "") => name.to_owned(),
            ("", template) => chart::name_of(template, self.origin, making)?,
            _ => {
                let what = "a chart has both `releaseName` and `nameTemplate`";
                return Err(KustomizeError::Contradiction { what, origin: self.origin.clone() });
            }
        };
        let namespace = [spec.namespace.as_str(), below].into_iter().find(|it| !it.is_empty()).unwrap_or(NAMESPACE);
        Ok(Named {
            name,
            namespace: namespace.to_owned(),
            is_upgrade: false,
            include_crds: spec.include_crds,
            no_hooks: spec.skip_hooks,
            skip_tests: spec.skip_tests,
            capabilities,
            now: making.now,
            chance: making.chance.clone(),
        })
    }

    fn failed(&self, reason: String) -> KustomizeError {
        KustomizeError::Chart { name: self.spec.name.clone(), reason, origin: self.origin.clone() }
    }
}

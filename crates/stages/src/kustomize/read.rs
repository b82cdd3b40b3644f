//! Finding and reading the file of a kustomization.

use std::sync::Arc;

use super::KustomizeError;
use super::files::{Loaded, Root};
use super::provenance::Provenance;
use super::spec::{Kustomization, NAMES};
use weft_base::value::{Data, Entry, Map, Origin, Value};
use weft_base::yaml::{self, Rules};

/// The fields of a kustomization and of what is in it.
const FIELDS: [&str; 83] = [
    "apiVersion",
    "kind",
    "metadata",
    "openapi",
    "namePrefix",
    "nameSuffix",
    "namespace",
    "commonLabels",
    "labels",
    "commonAnnotations",
    "patchesStrategicMerge",
    "patchesJson6902",
    "patches",
    "images",
    "imageTags",
    "replacements",
    "replicas",
    "vars",
    "sortOptions",
    "resources",
    "components",
    "crds",
    "bases",
    "configMapGenerator",
    "secretGenerator",
    "helmGlobals",
    "helmCharts",
    "helmChartInflationGenerator",
    "generatorOptions",
    "configurations",
    "generators",
    "transformers",
    "validators",
    "buildMetadata",
    "pairs",
    "includeSelectors",
    "includeTemplates",
    "includeVolumeClaimTemplates",
    "fields",
    "path",
    "patch",
    "target",
    "options",
    "allowNameChange",
    "allowKindChange",
    "group",
    "version",
    "name",
    "annotationSelector",
    "labelSelector",
    "newName",
    "newTag",
    "tagSuffix",
    "digest",
    "count",
    "source",
    "sourceValue",
    "targets",
    "fieldPath",
    "select",
    "reject",
    "fieldPaths",
    "delimiter",
    "index",
    "encoding",
    "create",
    "objref",
    "fieldref",
    "order",
    "legacySortOptions",
    "orderFirst",
    "orderLast",
    "behavior",
    "literals",
    "files",
    "envs",
    "env",
    "type",
    "annotations",
    "disableNameSuffixHash",
    "immutable",
    "valuesInline",
    "valuesLocal",
];

/// A kustomization that is being built.
#[derive(Debug)]
pub struct Target {
    /// Its folder.
    pub root: Arc<Root>,
    /// What it says.
    pub spec: Kustomization,
    /// The same as it was written, for places.
    pub nodes: Value,
    /// The name of its file.
    pub name: &'static str,
    /// Where it stands below the one that is built; `None` where nobody asks.
    pub provenance: Option<Provenance>,
    /// The namespace that charts get where it sets none.
    pub chart_namespace: String,
}

impl Target {
    /// Reads the kustomization of a folder.
    pub fn load(root: Arc<Root>, origin: &Origin) -> Result<Self, KustomizeError> {
        let (loaded, name) = find(&root, origin)?;
        let text = loaded.text()?;
        let nodes = yaml::document(text, &loaded.file, Rules::Kubernetes)?;
        let nodes = without_nulls(renamed(nodes));
        let spec: Kustomization =
            if nodes.is_null() { Kustomization::default() } else { yaml::from_value(&nodes, text)? };
        let at = Origin::new(&loaded.file, nodes.origin.mark);
        let mut target = Self { root, spec, nodes, name, provenance: None, chart_namespace: String::new() };
        target.check(at)?;
        target.spec.modernize();
        Ok(target)
    }

    fn check(&self, origin: Origin) -> Result<(), KustomizeError> {
        let spec = &self.spec;
        let bare = Kustomization {
            api_version: spec.api_version.clone(),
            kind: spec.kind.clone(),
            ..Kustomization::default()
        };
        if *spec == bare {
            return Err(KustomizeError::Empty { origin });
        }
        let wanted = if spec.is_component() { "v1alpha1" } else { "v1beta1" };
        let wanted = format!("kustomize.config.k8s.io/{wanted}");
        let fits = |is: &str, wanted: &[&str]| is.is_empty() || wanted.contains(&is);
        if !fits(&spec.kind, &["Kustomization", "Component"]) || !fits(&spec.api_version, &[&wanted]) {
            let (kind, api_version) = (spec.kind.clone(), spec.api_version.clone());
            return Err(KustomizeError::NoKustomization { kind, api_version, wanted, origin });
        }
        Ok(())
    }

    /// Where an entry of a list field was written, or the field, or the file.
    pub fn origin(&self, field: &str, at: usize) -> Origin {
        let list = self.nodes.get(field);
        let item = list.and_then(Value::as_list).and_then(|items| items.get(at));
        item.or(list).unwrap_or(&self.nodes).origin.clone()
    }

    /// The folder that charts lie in.
    pub fn chart_home(&self) -> &str {
        self.spec.helm_globals.as_ref().map_or("", |it| &it.chart_home)
    }

    /// The namespace for charts that have none.
    pub fn namespace(&self) -> &str {
        if self.spec.namespace.is_empty() { &self.chart_namespace } else { &self.spec.namespace }
    }

    /// The path of the file, for provenance.
    pub fn configured_in(&self) -> Option<Provenance> {
        self.provenance.as_ref().map(|it| it.below(self.name))
    }
}

fn find(root: &Root, origin: &Origin) -> Result<(Loaded, &'static str), KustomizeError> {
    let mut found = NAMES.iter().filter_map(|name| Some((root.beside(name)?, *name)));
    let folder = || root.files.shown(&root.folder);
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(KustomizeError::NoFileInFolder { folder: folder(), origin: origin.clone() }),
        (Some((first, _)), Some((second, _))) => Err(KustomizeError::TwoFiles {
            first: first.file.to_string(),
            second: second.file.to_string(),
            origin: origin.clone(),
        }),
    }
}

/// The same with fields under their own names: Go's reader of JSON takes them in any case.
fn renamed(value: Value) -> Value {
    let data = match value.data {
        Data::Map(map) => Data::Map(map.into_iter().map(entry).collect::<Map>()),
        Data::List(items) => Data::List(items.into_iter().map(renamed).collect()),
        other => other,
    };
    Value { data, origin: value.origin }
}

fn entry(mut entry: Entry) -> Entry {
    let known = || FIELDS.iter().find(|it| it.eq_ignore_ascii_case(&entry.key));
    if let Some(name) = known() {
        entry.key = (*name).into();
    }
    // What people name themselves stays as it is.
    let free = matches!(
        entry.key.as_str(),
        "commonLabels" | "commonAnnotations" | "pairs" | "annotations" | "openapi" | "valuesInline" | "valuesLocal"
    ) || entry.key == "labels" && entry.value.as_map().is_some();
    if !free {
        entry.value = renamed(entry.value);
    }
    entry
}

/// The same without entries that are null, which say nothing.
pub fn without_nulls(value: Value) -> Value {
    let data = match value.data {
        Data::Map(map) => {
            let kept = map.into_iter().filter(|entry| !entry.value.is_null());
            // In the values of a chart a null says something.
            let kept = kept.map(|entry| match entry.key.as_str() {
                "valuesInline" | "valuesLocal" => entry,
                _ => Entry { value: without_nulls(entry.value), ..entry },
            });
            Data::Map(kept.collect::<Map>())
        }
        Data::List(items) => Data::List(items.into_iter().map(without_nulls).collect()),
        other => other,
    };
    Value { data, origin: value.origin }
}

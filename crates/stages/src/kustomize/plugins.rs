//! `generators`, `transformers` and `validators`: the built-in ones by their own configuration.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::KustomizeError;
use super::build::Builder;
use super::fields::FieldSpec;
use super::files::Root;
use super::generate::{GeneratedKind, generate};
use super::provenance::Provenance;
use super::read::{Target, without_nulls};
use super::resource::Resource;
use super::resources::Resources;
use super::spec::{Generator, HelmChart, Image, Patch, PatchOptions, Replacement, Replica, Selector};
use super::transform::{self, AddValue, Affix, PatchSource, Subjects};
use super::{charts, hash, objects};
use weft_base::value::{Map, Origin, Value};
use weft_base::yaml;

/// The annotation of a configuration that is for a program.
const FUNCTION: &str = "config.kubernetes.io/function";

/// The fields of a generator.
const GENERATOR: [&str; 9] = ["name", "namespace", "behavior", "literals", "files", "envs", "env", "options", "type"];

/// The fields of a chart's generator.
const CHART: [&str; 17] = [
    "name",
    "version",
    "repo",
    "releaseName",
    "namespace",
    "additionalValuesFiles",
    "valuesFile",
    "valuesInline",
    "valuesMerge",
    "includeCRDs",
    "skipHooks",
    "apiVersions",
    "kubeVersion",
    "nameTemplate",
    "skipTests",
    "debug",
    "devel",
];

/// The fields of all built-in transformers.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Settings {
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    field_specs: Vec<FieldSpec>,
    image_tag: Image,
    unset_only: bool,
    set_role_binding_subjects: String,
    target: Option<Selector>,
    path: String,
    paths: Vec<String>,
    json_op: String,
    patch: String,
    patches: String,
    options: PatchOptions,
    prefix: String,
    suffix: String,
    replica: Replica,
    replacements: Vec<Replacement>,
}

/// The configurations that a field names: texts of their own, files, or folders with kustomizations.
pub fn configurations(
    builder: &mut Builder<'_>,
    target: &Target,
    field: &'static str,
    entries: &[String],
) -> Result<Vec<Resource>, KustomizeError> {
    let mut inline = Resources::default();
    let mut paths = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        let origin = target.origin(field, at);
        let name = origin.file.as_deref().map_or(String::new(), |file| format!("{file}: {field}[{at}]"));
        match objects::read(entry, &Arc::new(name)) {
            Ok(found) => {
                for mut resource in found {
                    resource.provenance = target.configured_in();
                    inline.append(resource)?;
                }
            }
            Err(error) if entry.contains('\n') => return Err(error),
            Err(_) => paths.push((entry.clone(), origin)),
        }
    }
    let found = builder.resources(target, paths)?;
    inline.append_all(found.resources.into_vec())?;
    Ok(inline.into_vec())
}

/// What changed a resource, as provenance names it.
pub fn provenance(config: &Resource) -> Option<Provenance> {
    let origin = config.provenance.clone()?;
    let text = |keys: &[&str]| config.text(keys);
    let (name, namespace) = (text(&["metadata", "name"]), text(&["metadata", "namespace"]));
    Some(origin.by(&text(&["apiVersion"]), &text(&["kind"]), &name, &namespace))
}

/// The kind of a built-in generator or transformer; a program is refused.
fn builtin(config: &Resource) -> Result<String, KustomizeError> {
    let (api_version, kind) = (config.text(&["apiVersion"]), config.text(&["kind"]));
    if api_version == "builtin" && config.annotation(FUNCTION).is_none() {
        return Ok(kind);
    }
    Err(KustomizeError::Plugin { api_version, kind, origin: config.body.origin.clone() })
}

/// What the generator of a configuration makes.
pub fn run_generator(
    builder: &mut Builder<'_>,
    target: &Target,
    config: &Resource,
) -> Result<Vec<Resource>, KustomizeError> {
    let origin = &config.body.origin;
    let made = match builtin(config)?.as_str() {
        "ConfigMapGenerator" => GeneratedKind::ConfigMap,
        "SecretGenerator" => GeneratedKind::Secret,
        "HelmChartInflationGenerator" => {
            let chart: HelmChart = only(config, &CHART)?;
            return charts::render(builder, &target.root, &chart, (&config.text(&["chartHome"]), ""), origin);
        }
        "IAMPolicyGenerator" => return Ok(vec![service_account(config)?]),
        kind => {
            let (kind, origin) = (kind.to_owned(), origin.clone());
            return Err(KustomizeError::WrongPlugin { kind, wanted: "built-in generator", origin });
        }
    };
    let mut generator: Generator = only(config, &GENERATOR)?;
    let or = |own: String, keys| if own.is_empty() { config.text(keys) } else { own };
    generator.name = or(generator.name, &["metadata", "name"]);
    generator.namespace = or(generator.namespace, &["metadata", "namespace"]);
    if !generator.env.is_empty() {
        generator.envs.push(std::mem::take(&mut generator.env));
    }
    Ok(vec![generate(&target.root, made, &generator, None, origin)?])
}

/// Does what the transformer of a configuration does.
pub fn run_transformer(
    builder: &mut Builder<'_>,
    target: &Target,
    config: &Resource,
    resources: &mut Resources,
) -> Result<(), KustomizeError> {
    let kind = builtin(config)?;
    let (origin, root) = (&config.body.origin, &*target.root);
    let settings: Settings = if kind == "ValueAddTransformer" { Settings::default() } else { typed(config)? };
    let specs = &settings.field_specs;
    if specs.is_empty() && matches!(kind.as_str(), "PrefixTransformer" | "SuffixTransformer") {
        let what = "a transformer of prefixes or suffixes needs `fieldSpecs`";
        return Err(KustomizeError::Contradiction { what, origin: origin.clone() });
    }
    match kind.as_str() {
        "LabelTransformer" => transform::set_entries(resources, &settings.labels, specs, origin),
        "AnnotationsTransformer" => transform::set_entries(resources, &settings.annotations, specs, origin),
        "ImageTagTransformer" => transform::images(resources, &settings.image_tag, specs, origin),
        "ReplicaCountTransformer" => transform::replicas(resources, &settings.replica, specs, origin),
        "PrefixTransformer" => transform::affix(resources, Affix::Prefix(&settings.prefix), specs, origin),
        "SuffixTransformer" => transform::affix(resources, Affix::Suffix(&settings.suffix), specs, origin),
        "PrefixSuffixTransformer" => {
            transform::affix(resources, Affix::Prefix(&settings.prefix), specs, origin)?;
            transform::affix(resources, Affix::Suffix(&settings.suffix), specs, origin)
        }
        "NamespaceTransformer" => {
            let namespace = config.text(&["metadata", "namespace"]);
            let subjects = subjects(&settings.set_role_binding_subjects, origin)?;
            transform::namespace(resources, &namespace, specs, settings.unset_only, subjects, origin)
        }
        "HashTransformer" => {
            add_hashes(resources);
            Ok(())
        }
        "ReplacementTransformer" => {
            let all = replacements(root, &settings.replacements, origin)?;
            transform::replacements(resources, &all, origin)
        }
        "ValueAddTransformer" => add_values(config, root, resources),
        _ => patch(builder, &kind, &settings, config, root, resources),
    }
}

fn patch(
    builder: &mut Builder<'_>,
    kind: &str,
    settings: &Settings,
    config: &Resource,
    root: &Root,
    resources: &mut Resources,
) -> Result<(), KustomizeError> {
    let origin = &config.body.origin;
    match kind {
        "PatchTransformer" => {
            let source = patch_source(root, &settings.path, &settings.patch, origin)?;
            let keys = builder.keys();
            let warning = transform::patches(resources, &source, settings.target.as_ref(), settings.options, keys)?;
            builder.warnings.extend(warning);
            Ok(())
        }
        "PatchJson6902Transformer" => {
            let source = patch_source(root, &settings.path, &settings.json_op, origin)?;
            let target = settings.target.as_ref().ok_or_else(|| KustomizeError::NoTarget { origin: origin.clone() })?;
            transform::json_patch(resources, &source, target)
        }
        "PatchStrategicMergeTransformer" => {
            let named = settings.paths.iter().map(|path| strategic_source(root, path, origin));
            let own = (!settings.patches.is_empty()).then(|| patch_source(root, "", &settings.patches, origin));
            for source in named.chain(own) {
                transform::strategic(resources, &source?, builder.keys())?;
            }
            Ok(())
        }
        _ => Err(KustomizeError::WrongPlugin {
            kind: kind.to_owned(),
            wanted: "built-in transformer",
            origin: origin.clone(),
        }),
    }
}

/// Gives the names of generated resources their hashes.
pub fn add_hashes(resources: &mut Resources) {
    for resource in resources.rename().iter_mut().filter(|it| it.hashed) {
        let name = format!("{}-{}", resource.name(), hash::suffix(resource));
        resource.remember_id();
        resource.set_name(&name);
    }
}

/// The text of a patch: a file's, or its own.
pub fn patch_source(root: &Root, path: &str, text: &str, origin: &Origin) -> Result<PatchSource, KustomizeError> {
    let origin = origin.clone();
    match (path, text.trim()) {
        ("", "") => Err(KustomizeError::EmptyPatch { origin }),
        ("", text) => {
            let file =
                origin.file.as_deref().map_or(String::new(), |file| format!("{file}:{} (patch)", origin.mark.line));
            Ok(PatchSource { file: Arc::new(file), text: text.to_owned(), origin })
        }
        (path, "") => {
            let loaded = root.load(path, &origin)?;
            let text = loaded.text()?.to_owned();
            Ok(PatchSource { file: loaded.file, text, origin })
        }
        _ => Err(KustomizeError::Contradiction { what: "a patch has both `path` and a text of its own", origin }),
    }
}

/// The same for `patchesStrategicMerge`, where a path and a text look alike.
pub fn strategic_source(root: &Root, entry: &str, origin: &Origin) -> Result<PatchSource, KustomizeError> {
    let inline = entry.contains('\n') || objects::read(entry, &Arc::new(String::new())).is_ok();
    if inline { patch_source(root, "", entry, origin) } else { patch_source(root, entry, "", origin) }
}

/// Replacements, with those of files in their place.
pub fn replacements(root: &Root, all: &[Replacement], origin: &Origin) -> Result<Vec<Replacement>, KustomizeError> {
    let mut found = Vec::new();
    for replacement in all {
        if replacement.path.is_empty() {
            found.push(replacement.clone());
            continue;
        }
        if replacement.source.is_some() || replacement.targets.is_some() {
            let what = "a replacement has both `path` and fields of its own";
            return Err(KustomizeError::Contradiction { what, origin: origin.clone() });
        }
        let loaded = root.load(&replacement.path, origin)?;
        let text = loaded.text()?;
        let nodes = without_nulls(yaml::document(text, &loaded.file, yaml::Rules::Kubernetes)?);
        if nodes.as_list().is_some() {
            found.extend(yaml::from_value::<Vec<Replacement>>(&nodes, text)?);
        } else {
            found.push(yaml::from_value(&nodes, text)?);
        }
    }
    Ok(found)
}

fn add_values(config: &Resource, root: &Root, resources: &mut Resources) -> Result<(), KustomizeError> {
    let origin = &config.body.origin;
    let mut settings: AddValue = typed(config)?;
    if settings.value.trim().is_empty() {
        root.folder.rsplit('/').next().unwrap_or_default().clone_into(&mut settings.value);
    }
    if !settings.target_file_path.is_empty() {
        let loaded = root.load(&settings.target_file_path, origin)?;
        let more: AddValue = yaml::config(loaded.text()?, &loaded.file)?;
        settings.targets.extend(more.targets);
    }
    transform::add_values(resources, &settings, origin)
}

fn subjects(word: &str, origin: &Origin) -> Result<Subjects, KustomizeError> {
    match word {
        "" | "defaultOnly" => Ok(Subjects::Default),
        "allServiceAccounts" => Ok(Subjects::ServiceAccounts),
        "none" => Ok(Subjects::None),
        _ => {
            let what = "`setRoleBindingSubjects` is `defaultOnly`, `allServiceAccounts` or `none`";
            Err(KustomizeError::Contradiction { what, origin: origin.clone() })
        }
    }
}

/// The service account of `IAMPolicyGenerator`.
fn service_account(config: &Resource) -> Result<Resource, KustomizeError> {
    let text = |keys: &[&str]| config.text(keys);
    if text(&["cloud"]) != "gke" {
        let what = "`cloud` is `gke`";
        return Err(KustomizeError::Contradiction { what, origin: config.body.origin.clone() });
    }
    let account = format!(
        "{}@{}.iam.gserviceaccount.com",
        text(&["serviceAccount", "name"]),
        text(&["serviceAccount", "projectId"])
    );
    let mut body = Map::new();
    body.insert("apiVersion", "v1");
    body.insert("kind", "ServiceAccount");
    let mut resource = Resource::new(Value::from(body).at(config.body.origin.clone()));
    resource.set_name(&text(&["kubernetesService", "name"]));
    resource.set_namespace(&text(&["kubernetesService", "namespace"]));
    resource.annotate("iam.gke.io/gcp-service-account", &account);
    Ok(resource)
}

/// The fields of a configuration that are known; kustomize passes over the others here.
fn only<T: serde::de::DeserializeOwned>(config: &Resource, known: &[&str]) -> Result<T, KustomizeError> {
    let mut body = without_nulls(config.body.clone());
    if let Some(map) = body.as_map_mut() {
        map.retain(|entry| known.contains(&entry.key.as_str()));
    }
    Ok(yaml::from_value(&body, "")?)
}

/// The fields of a configuration, without those that every object has.
fn typed<T: serde::de::DeserializeOwned>(config: &Resource) -> Result<T, KustomizeError> {
    let mut body = without_nulls(config.body.clone());
    if let Some(map) = body.as_map_mut() {
        map.retain(|entry| !matches!(entry.key.as_str(), "apiVersion" | "kind" | "metadata"));
    }
    Ok(yaml::from_value(&body, "")?)
}

/// The text of an entry of `patches`.
pub fn of_patch(root: &Root, patch: &Patch, origin: &Origin) -> Result<PatchSource, KustomizeError> {
    patch_source(root, &patch.path, &patch.patch, origin)
}

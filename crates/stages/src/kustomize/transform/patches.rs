//! `patches`, `patchesStrategicMerge` and `patchesJson6902`.

use std::sync::Arc;

use crate::kustomize::KustomizeError;
use crate::kustomize::id::Id;
use crate::kustomize::objects;
use crate::kustomize::resource::Resource;
use crate::kustomize::resources::Resources;
use crate::kustomize::spec::{self, PatchOptions};
use weft_base::value::{Data, Origin, Value};
use weft_base::yaml::{self, Rules};
use weft_schema::patch::{self, LabelSelector, MergeKeys, Operation, Selector};

/// The text of a patch and where it is.
pub struct PatchSource {
    /// The file, for places in the text.
    pub file: Arc<String>,
    /// The text.
    pub text: String,
    /// Where the kustomization names it.
    pub origin: Origin,
}

/// What a text holds.
enum Content {
    Merge(Vec<Resource>),
    Json(Vec<Operation>),
}

impl PatchSource {
    /// An error about this patch, with the lines of its own text.
    fn explain(&self, error: KustomizeError) -> KustomizeError {
        error.shown(|file| (file == self.file.as_str()).then(|| self.text.clone()))
    }
}

/// Applies an entry of `patches`. Returns a warning where its target selects nothing.
pub fn patches(
    resources: &mut Resources,
    source: &PatchSource,
    target: Option<&spec::Selector>,
    options: PatchOptions,
    keys: &MergeKeys,
) -> Result<Option<String>, KustomizeError> {
    patched(resources, source, target, options, keys).map_err(|error| source.explain(error))
}

fn patched(
    resources: &mut Resources,
    source: &PatchSource,
    target: Option<&spec::Selector>,
    options: PatchOptions,
    keys: &MergeKeys,
) -> Result<Option<String>, KustomizeError> {
    let content = read(source)?;
    let Some(target) = target else {
        let Content::Merge(patches) = content else {
            return Err(KustomizeError::NoTarget { origin: source.origin.clone() });
        };
        for patch in &patches {
            let at = only(resources, patch, source)?;
            apply(resources, &[at], patch, options, keys)?;
        }
        resources.drop_empty();
        return Ok(None);
    };
    let places = selected(resources, &selector(target, &source.origin)?);
    match content {
        Content::Merge(patches) if patches.len() > 1 => {
            return Err(KustomizeError::SeveralPatches { origin: source.origin.clone() });
        }
        Content::Merge(patches) => {
            for patch in &patches {
                apply(resources, &places, &addressed(patch), options, keys)?;
            }
            finish(resources, options)?;
        }
        Content::Json(operations) => {
            for at in &places {
                let resource = &mut resources.rename()[*at];
                resource.remember_id();
                operate(resource, &operations)?;
            }
        }
    }
    Ok(places.is_empty().then(|| format!("The target of the patch selects no resource ({}).", source.origin)))
}

/// Applies the patches of a text of `patchesStrategicMerge`, each to the resource that it names; says how many there are.
pub fn strategic(resources: &mut Resources, source: &PatchSource, keys: &MergeKeys) -> Result<usize, KustomizeError> {
    merged(resources, source, keys).map_err(|error| source.explain(error))
}

fn merged(resources: &mut Resources, source: &PatchSource, keys: &MergeKeys) -> Result<usize, KustomizeError> {
    let patches = objects::read(&source.text, &source.file)?;
    for patch in &patches {
        let at = only(resources, patch, source)?;
        apply(resources, &[at], &addressed(patch), PatchOptions::default(), keys)?;
        resources.drop_empty();
    }
    Ok(patches.len())
}

/// Applies an entry of `patchesJson6902`.
pub fn json_patch(
    resources: &mut Resources,
    source: &PatchSource,
    target: &spec::Selector,
) -> Result<(), KustomizeError> {
    operated(resources, source, target).map_err(|error| source.explain(error))
}

fn operated(resources: &mut Resources, source: &PatchSource, target: &spec::Selector) -> Result<(), KustomizeError> {
    let Content::Json(operations) = read(source)? else {
        return Err(KustomizeError::NoOperations { origin: source.origin.clone() });
    };
    if target.name.is_empty() || operations.is_empty() {
        return Err(KustomizeError::NoTarget { origin: source.origin.clone() });
    }
    for at in selected(resources, &selector(target, &source.origin)?) {
        operate(&mut resources.rename()[at], &operations)?;
    }
    Ok(())
}

/// What a text is: a list of operations, or parts of objects.
fn read(source: &PatchSource) -> Result<Content, KustomizeError> {
    let is_list = |it: &Value| it.as_list().is_some();
    if yaml::documents(&source.text, &source.file, Rules::Kustomize)?.first().is_some_and(is_list) {
        // Operations are read by another library than objects: for it, `yes` is no text.
        let documents = yaml::documents(&source.text, &source.file, Rules::Kubernetes)?;
        let operations = documents.first().map(patch::operations).transpose()?;
        return Ok(Content::Json(operations.unwrap_or_default()));
    }
    objects::read(&source.text, &source.file).map(Content::Merge)
}

/// The one resource that a patch names.
fn only(resources: &mut Resources, patch: &Resource, source: &PatchSource) -> Result<usize, KustomizeError> {
    let gvk = patch.gvk();
    let id = Id { cluster: resources.scopes().is_cluster_scoped(&gvk), ..patch.id() };
    match resources.with_id(&id) {
        [at] => Ok(*at),
        [] => {
            let origin =
                if patch.body.origin.file.is_some() { patch.body.origin.clone() } else { source.origin.clone() };
            Err(KustomizeError::NoMatch { nearest: resources.nearest(&id), id: id.into(), origin })
        }
        _ => Err(KustomizeError::Ambiguous { id: id.into(), origin: source.origin.clone() }),
    }
}

/// A patch with the labels and annotations as texts, as kustomize gives it to what a target selects.
fn addressed(patch: &Resource) -> Resource {
    let texts = &patch.texts;
    let mut patch = patch.clone();
    for field in ["labels", "annotations"] {
        let map = patch.metadata().and_then(|it| it.get_mut(field)).and_then(Value::as_map_mut);
        for entry in map.into_iter().flatten() {
            match entry.value.data {
                Data::List(_) | Data::Map(_) | Data::Masked(_) => {}
                // A null that was written is a text, too: it deletes nothing.
                Data::Null if entry.value.origin.mark.column > 0 => entry.value.data = Data::Text("null".to_owned()),
                _ => entry.value.data = Data::Text(texts.text(&entry.value)),
            }
        }
    }
    patch
}

fn apply(
    resources: &mut Resources,
    places: &[usize],
    patch: &Resource,
    options: PatchOptions,
    keys: &MergeKeys,
) -> Result<(), KustomizeError> {
    let renames = options.allow_name_change || options.allow_kind_change;
    for at in places {
        let resource = if renames { resources.rename().get_mut(*at) } else { resources.get_mut(*at) };
        let Some(resource) = resource else { continue };
        if renames {
            resource.remember_id();
        }
        merge(resource, patch, options, keys)?;
    }
    Ok(())
}

fn merge(
    resource: &mut Resource,
    patch: &Resource,
    options: PatchOptions,
    keys: &MergeKeys,
) -> Result<(), KustomizeError> {
    let (name, namespace, kind) = (resource.name(), resource.namespace(), resource.text(&["kind"]));
    let api_version = resource.text(&["apiVersion"]);
    let body = std::mem::take(&mut resource.body);
    let origin = body.origin.clone();
    let Some(merged) = patch::merge(body, &patch.body, keys)? else { return Ok(()) };
    if merged.as_map().is_some_and(weft_base::value::Map::is_empty) {
        return Ok(());
    }
    resource.body = merged.at(origin);
    if let Some(map) = resource.body.as_map_mut() {
        map.insert("apiVersion", api_version);
    }
    if !options.allow_kind_change {
        resource.set_kind(&kind);
    }
    if !options.allow_name_change {
        resource.set_name(&name);
    }
    resource.set_namespace(&namespace);
    Ok(())
}

/// Drops what patches deleted, and refuses names that they gave to two.
fn finish(resources: &mut Resources, options: PatchOptions) -> Result<(), KustomizeError> {
    resources.drop_empty();
    if options.allow_name_change || options.allow_kind_change { resources.check_unique() } else { Ok(()) }
}

fn operate(resource: &mut Resource, operations: &[Operation]) -> Result<(), KustomizeError> {
    // While a build is on its way kustomize keeps notes in annotations, so that there is a map to add to.
    if resource.has_notes()
        && let Some(metadata) = resource.metadata()
        && metadata.get("annotations").is_none_or(Value::is_null)
    {
        metadata.insert("annotations", weft_base::value::Map::new());
    }
    patch::apply(&mut resource.body, operations)?;
    // What is wrong with the object now is the patch's doing.
    let origin = operations.last().map(|it| it.origin.clone()).unwrap_or_default();
    objects::check(&resource.body).map_err(|error| match error {
        KustomizeError::Missing { field, .. } => KustomizeError::Missing { field, origin },
        KustomizeError::NoObject { found, .. } => KustomizeError::NoObject { found, origin },
        other => other,
    })
}

/// The selector that a target is.
pub fn selector(target: &spec::Selector, origin: &Origin) -> Result<Selector, KustomizeError> {
    let pattern = |field, text: &str| Selector::pattern(field, text, origin);
    let labels = |text: &str| if text.is_empty() { Ok(None) } else { LabelSelector::parse(text).map(Some) };
    Ok(Selector {
        group: pattern("group", &target.group)?,
        version: pattern("version", &target.version)?,
        kind: pattern("kind", &target.kind)?,
        name: pattern("name", &target.name)?,
        namespace: pattern("namespace", &target.namespace)?,
        labels: labels(&target.label_selector)?,
        annotations: labels(&target.annotation_selector)?,
    })
}

/// The places of the resources that a selector means, by the name that they have or the one that they were loaded with.
pub fn selected(resources: &Resources, selector: &Selector) -> Vec<usize> {
    let matches = |resource: &Resource| {
        if !selector.matches_kind(&resource.gvk()) {
            return false;
        }
        let (now, first) = (resource.id(), resource.original_id());
        let either = |fits: &dyn Fn(&Id) -> bool| fits(&first) || fits(&now);
        either(&|id| selector.matches_name(&id.name))
            && either(&|id| selector.matches_namespace(id.effective_namespace()))
            && selector.matches_labels(&resource.body)
    };
    resources.iter().enumerate().filter(|(_, it)| matches(it)).map(|(at, _)| at).collect()
}

//! `replacements`: a field of one resource copied into fields of others.

use crate::kustomize::KustomizeError;
use crate::kustomize::id::Id;
use crate::kustomize::path::{self, MissingNode};
use crate::kustomize::resource::Resource;
use crate::kustomize::resources::Resources;
use crate::kustomize::spec::{FieldOptions, Replacement, Source, Target};
use crate::kustomize::structured;
use weft_base::value::{Data, Map, Origin, Value};
use weft_base::yaml::{self, Rules};
use weft_schema::patch::{Selector, scalar_text};

use super::patches::selector;

/// The field that is meant where none is named.
const NAME: &str = "metadata.name";

/// Carries replacements out, in order.
pub fn replacements(resources: &mut Resources, all: &[Replacement], origin: &Origin) -> Result<(), KustomizeError> {
    for replacement in all {
        let wrong = |reason| KustomizeError::Replacement { reason, origin: origin.clone() };
        let value = match (&replacement.source, &replacement.source_value) {
            (Some(_), Some(_)) => return Err(wrong("it has both `source` and `sourceValue`")),
            (None, Some(text)) => text.as_str().into(),
            (Some(source), None) => read(resources, source, origin)?,
            (None, None) => return Err(wrong("it has no `source`")),
        };
        let targets = replacement.targets.as_ref().ok_or_else(|| wrong("it has no `targets`"))?;
        for target in targets {
            write(resources, &value, target, origin)?;
        }
    }
    Ok(())
}

/// The value of a source.
fn read(resources: &Resources, source: &Source, origin: &Origin) -> Result<Value, KustomizeError> {
    let mut found = resources.iter().filter(|it| ids(it).iter().any(|id| is_source(source, id)));
    let id = || Id::new(gvk(source), &source.name, &source.namespace);
    let resource = match (found.next(), found.next()) {
        (Some(one), None) => one,
        (Some(_), Some(_)) => return Err(KustomizeError::Ambiguous { id: id().into(), origin: origin.clone() }),
        (None, _) => {
            let nearest = resources.nearest(&id());
            return Err(KustomizeError::NoMatch { id: id().into(), nearest, origin: origin.clone() });
        }
    };
    let path = if source.field_path.is_empty() { NAME } else { &source.field_path };
    let missing = || KustomizeError::NoField {
        path: path.to_owned(),
        id: resource.id().into(),
        nearest: path::nearest(&resource.body, path),
        is_target: false,
        origin: origin.clone(),
    };
    let value = path::lookup(&resource.body, &path::split(path)).map_err(|()| missing())?.ok_or_else(missing)?;
    if is_empty(value) {
        return Err(missing());
    }
    part(value, source.options.as_ref(), origin)
}

/// The part of a value that its options name.
fn part(value: &Value, options: Option<&FieldOptions>, origin: &Origin) -> Result<Value, KustomizeError> {
    let Some(options) = options.filter(|it| !it.delimiter.is_empty()) else { return Ok(value.clone()) };
    let wrong = |reason| KustomizeError::Replacement { reason, origin: origin.clone() };
    if matches!(value.data, Data::List(_) | Data::Map(_) | Data::Masked(_)) {
        return Err(wrong("`delimiter` needs a field with text that is no secret"));
    }
    let text = scalar_text(value);
    let part = usize::try_from(options.index).ok().and_then(|at| text.split(&options.delimiter).nth(at));
    let part = part.ok_or_else(|| wrong("the text of the source has no part at `index`"))?;
    let mut value = value.clone();
    path::set_text(&mut value, part);
    Ok(value)
}

fn write(resources: &mut Resources, value: &Value, target: &Target, origin: &Origin) -> Result<(), KustomizeError> {
    let wrong = |reason| KustomizeError::Replacement { reason, origin: origin.clone() };
    let select = target.select.as_ref().ok_or_else(|| wrong("a target has no `select`"))?;
    let select = selector(select, origin)?;
    let reject: Vec<Selector> = target.reject.iter().map(|it| selector(it, origin)).collect::<Result<_, _>>()?;
    let default = [NAME.to_owned()];
    let paths = if target.field_paths.is_empty() { &default[..] } else { &target.field_paths };
    for resource in resources.rename() {
        let ids = ids(resource);
        if is_selected(resource, &ids, &select) && !reject.iter().any(|it| is_rejected(resource, &ids, it)) {
            for path in paths {
                set(resource, path, value, target.options.as_ref(), origin)?;
            }
        }
    }
    Ok(())
}

fn is_selected(resource: &Resource, ids: &[Id], selector: &Selector) -> bool {
    selector.matches_labels(&resource.body) && ids.iter().any(|id| is_meant(selector, id))
}

fn is_meant(selector: &Selector, id: &Id) -> bool {
    selector.matches_kind(&id.gvk) && selector.matches_name(&id.name) && selector.matches_namespace(&id.namespace)
}

/// Whether a selector keeps a resource out: by what names it, or by its labels and annotations.
fn is_rejected(resource: &Resource, ids: &[Id], selector: &Selector) -> bool {
    let by_labels = selector.labels.is_some() || selector.annotations.is_some();
    let names = [&selector.group, &selector.version, &selector.kind, &selector.name, &selector.namespace];
    let by_id = names.iter().any(|it| it.is_some());
    by_labels && selector.matches_labels(&resource.body) || by_id && ids.iter().any(|id| is_meant(selector, id))
}

fn set(
    resource: &mut Resource,
    path: &str,
    value: &Value,
    options: Option<&FieldOptions>,
    origin: &Origin,
) -> Result<(), KustomizeError> {
    if path == NAME && matches!(value.data, Data::List(_) | Data::Map(_)) {
        let reason = "`metadata.name` needs a text, and the source is a list or a map";
        return Err(KustomizeError::Replacement { reason, origin: origin.clone() });
    }
    let made = MissingNode::of(value, options.is_some_and(|it| it.create));
    let parts = path::split(path);
    if parts.iter().skip(1).any(String::is_empty) {
        return Err(nowhere(resource, path, origin));
    }
    if structured::set(&mut resource.body, &parts, value, made) {
        return Ok(());
    }
    let mut failed = None;
    let found = path::visit(&mut resource.body, &parts, made, &mut |node| match put(node, value, options) {
        Ok(()) => node.origin = origin.clone(),
        Err(reason) => failed = Some(reason),
    });
    if let Some(reason) = failed {
        return Err(KustomizeError::Replacement { reason, origin: origin.clone() });
    }
    if found == Ok(0) || found.is_err() {
        return Err(nowhere(resource, path, origin));
    }
    Ok(())
}

/// The path of a target that leads nowhere.
fn nowhere(resource: &Resource, path: &str, origin: &Origin) -> KustomizeError {
    KustomizeError::NoField {
        path: path.to_owned(),
        id: resource.id().into(),
        nearest: path::nearest(&resource.body, path),
        is_target: true,
        origin: origin.clone(),
    }
}

fn put(node: &mut Value, value: &Value, options: Option<&FieldOptions>) -> Result<(), &'static str> {
    let is_leaf = !matches!(node.data, Data::List(_) | Data::Map(_));
    let Some(options) = options.filter(|it| !it.delimiter.is_empty()) else {
        if is_leaf && !value.is_masked() {
            let text = scalar_text(value);
            check_type(node, &text)?;
            path::set_text(node, &text);
        } else {
            node.data = value.data.clone();
        }
        return Ok(());
    };
    if !is_leaf || value.is_masked() || node.is_masked() {
        return Err("`delimiter` needs a field with text that is no secret");
    }
    let (old, new) = (scalar_text(node).into_owned(), scalar_text(value).into_owned());
    let mut parts: Vec<&str> = old.split(&options.delimiter).collect();
    match usize::try_from(options.index) {
        Err(_) => parts.insert(0, &new),
        Ok(at) if at >= parts.len() => parts.push(&new),
        Ok(at) => parts[at] = &new,
    }
    path::set_text(node, &parts.join(&options.delimiter));
    Ok(())
}

/// Refuses a text that the type of a field does not allow: kustomize keeps the type, and then cannot read the text.
fn check_type(node: &Value, text: &str) -> Result<(), &'static str> {
    let data = yaml::scalar(text, Rules::Kustomize);
    let allowed = match &node.data {
        Data::Bool(_) => matches!(data, Data::Bool(_)),
        Data::Int(_) | Data::Uint(_) => matches!(data, Data::Int(_) | Data::Uint(_)),
        Data::Float(_) => matches!(data, Data::Int(_) | Data::Uint(_) | Data::Float(_)),
        // A field that was just created has no place, and no type yet.
        Data::Null => node.origin.file.is_none() || matches!(data, Data::Null),
        _ => true,
    };
    if allowed { Ok(()) } else { Err("the value does not have the type of the field that it replaces") }
}

/// The present identity and those before it; here, no kind is without a namespace.
fn ids(resource: &Resource) -> Vec<Id> {
    let now = Id { cluster: false, ..resource.id() };
    [now].into_iter().chain(resource.previous_ids()).collect()
}

fn is_source(source: &Source, id: &Id) -> bool {
    let namespace = Id { namespace: source.namespace.clone(), ..Id::default() };
    (source.name.is_empty() || source.name == id.name)
        && (source.namespace.is_empty() || namespace.shares_namespace(id))
        && source.selected().selects(&id.gvk)
}

fn gvk(source: &Source) -> weft_schema::Gvk {
    let (group, version, kind) = (source.group.clone(), source.version.clone(), source.kind.clone());
    weft_schema::Gvk { group, version, kind }
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_map().is_some_and(Map::is_empty) || value.as_list().is_some_and(<[Value]>::is_empty)
}

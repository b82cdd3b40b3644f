//! `vars`: the value of a field of one resource for `$(NAME)` in others.

use std::collections::BTreeMap;

use super::KustomizeError;
use super::config::Config;
use super::fields::{Create, visit};
use super::id::Id;
use super::path;
use super::resources::Resources;
use super::spec::Var;
use weft_base::value::{Data, Origin, Value};
use weft_schema::patch::scalar_text;

/// The variables that were declared, by name.
pub type Variables = BTreeMap<String, (Var, Origin)>;

/// Declares variables, and notes them at the resources that they read from.
pub fn declare(
    variables: &mut Variables,
    resources: &mut Resources,
    declared: impl Iterator<Item = (Var, Origin)>,
) -> Result<(), KustomizeError> {
    for (var, origin) in declared {
        let (gvk, namespace) = (var.objref.gvk(), var.objref.namespace.as_str());
        let wanted = Id { gvk, name: var.objref.name.clone(), namespace: namespace.to_owned(), cluster: false };
        let is_meant = |id: &Id| {
            let named = id.name == wanted.name && id.gvk == wanted.gvk;
            named && (namespace.is_empty() || id.shares_namespace(&wanted))
        };
        let mut found = resources.iter_mut().filter(|it| it.ids().iter().any(is_meant));
        if let Some(first) = found.next() {
            if found.next().is_some() {
                return Err(KustomizeError::Ambiguous { id: wanted.into(), origin });
            }
            first.variables.push(var.name.clone());
        }
        add(variables, var, origin)?;
    }
    Ok(())
}

/// Takes the variables of another kustomization in.
pub fn merge(variables: &mut Variables, others: Variables) -> Result<(), KustomizeError> {
    others.into_values().try_for_each(|(var, origin)| add(variables, var, origin))
}

fn add(variables: &mut Variables, var: Var, origin: Origin) -> Result<(), KustomizeError> {
    if variables.contains_key(&var.name) {
        return Err(KustomizeError::VariableTwice { name: var.name, origin });
    }
    variables.insert(var.name.clone(), (var, origin));
    Ok(())
}

/// Puts the values in.
pub fn resolve(resources: &mut Resources, variables: &Variables, config: &Config) -> Result<(), KustomizeError> {
    if variables.is_empty() {
        return Ok(());
    }
    let mut values = BTreeMap::new();
    for (name, (var, origin)) in variables {
        values.insert(name.as_str(), value(resources, var, origin)?);
    }
    for resource in resources.rename() {
        for spec in &config.var_reference {
            let id = resource.id();
            let failed =
                |found| KustomizeError::VariableField { path: spec.path.clone(), found, id: id.clone().into() };
            visit(resource, spec, Create::Never, &mut |node| set(node, &values).map_err(&failed))?;
        }
    }
    Ok(())
}

fn value(resources: &Resources, var: &Var, origin: &Origin) -> Result<Value, KustomizeError> {
    let path = if var.fieldref.field_path.is_empty() { "metadata.name" } else { &var.fieldref.field_path };
    let resource = resources.iter().find(|it| it.variables.contains(&var.name)).ok_or_else(|| {
        let id = Id::new(var.objref.gvk(), &var.objref.name, &var.objref.namespace);
        KustomizeError::NoMatch { nearest: resources.nearest(&id), id: id.into(), origin: origin.clone() }
    })?;
    let found = path::lookup(&resource.body, &indexed(path)).ok().flatten();
    found.cloned().ok_or_else(|| KustomizeError::NoField {
        path: path.to_owned(),
        id: resource.id().into(),
        nearest: path::nearest(&resource.body, path),
        is_target: false,
        origin: origin.clone(),
    })
}

/// The parts of a path, with `ports[0]` as two.
fn indexed(path: &str) -> Vec<String> {
    let mut parts = Vec::new();
    for part in path::split(path) {
        match part.strip_suffix(']').and_then(|it| it.split_once('[')) {
            Some((name, index)) if !name.is_empty() => parts.extend([name.to_owned(), index.to_owned()]),
            Some(("", index)) if !index.contains('=') => parts.push(index.to_owned()),
            _ => parts.push(part),
        }
    }
    parts
}

fn set(node: &mut Value, values: &BTreeMap<&str, Value>) -> Result<(), &'static str> {
    match &mut node.data {
        Data::List(items) => items.iter_mut().try_for_each(|item| {
            let text = item.as_str().ok_or_else(|| item.kind())?;
            item.data = replaced(text, values);
            Ok(())
        }),
        Data::Map(map) => {
            for entry in map {
                if let Some(text) = entry.value.as_str() {
                    entry.value.data = replaced(text, values);
                }
            }
            Ok(())
        }
        Data::Text(text) => {
            node.data = replaced(text, values);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// A text with its variables. One that is nothing but a variable becomes the value itself, a number too.
fn replaced(text: &str, values: &BTreeMap<&str, Value>) -> Data {
    let known = |name: &str| values.get(name).filter(|it| !matches!(it.data, Data::List(_) | Data::Map(_)));
    if let Some(value) = text.strip_prefix("$(").and_then(|it| it.strip_suffix(')')).and_then(known) {
        return match &value.data {
            Data::Null => Data::Text(String::new()),
            data => data.clone(),
        };
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$').filter(|at| at + 1 < rest.len()) {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(next) = rest.chars().next() else { break };
        match (next, rest.find(')')) {
            ('$', _) => {
                out.push('$');
                rest = &rest[1..];
            }
            ('(', Some(end)) => {
                let name = &rest[1..end];
                match known(name).filter(|it| !it.is_masked()) {
                    Some(value) => out.push_str(&scalar_text(value)),
                    None => ["$(", name, ")"].iter().for_each(|part| out.push_str(part)),
                }
                rest = &rest[end + 1..];
            }
            _ => {
                out.push('$');
                out.push(next);
                rest = &rest[next.len_utf8()..];
            }
        }
    }
    Data::Text(out + rest)
}

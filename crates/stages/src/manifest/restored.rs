//! Objects that were applied once -> [`Desired`], to be applied again.

use std::sync::Arc;

use super::hooks::{Role, role};
use super::{Desired, Hook, ManifestError, Object, ObjectId, kinds, namespaces};
use crate::project::Environment;
use weft_base::diagnostic::Place;
use weft_base::value::{Origin, Value};
use weft_schema::{Discovery, Gvk};

/// The objects of a release as they were applied once, in canonical form. Kinds have to be served still, or be defined
/// by the objects themselves. `origin` says where they come from.
pub fn restored(
    bodies: Vec<Value>,
    release: &Arc<str>,
    environment: &Environment,
    discovery: &Discovery,
    origin: &Origin,
) -> Result<Desired, ManifestError> {
    let mut discovery = discovery.clone();
    for definition in bodies.iter().filter(|body| super::is_crd(body)) {
        discovery.extend_with_crd(definition);
    }
    let mut objects = bodies
        .into_iter()
        .map(|body| {
            let gvk = Gvk::new(text(&body, &["apiVersion"]), text(&body, &["kind"]));
            kinds::find(&gvk, &discovery, || Place::bare(origin.clone()))?;
            let name = text(&body, &["metadata", "name"]);
            let namespace = text(&body, &["metadata", "namespace"]);
            let namespace = (!namespace.is_empty()).then(|| namespace.to_owned());
            let id = ObjectId { kind: gvk.group_kind(), namespace, name: name.to_owned() };
            let release = Arc::clone(release);
            let origin = origin.clone();
            Ok(Object { id, gvk, release, body, origin, implicit: false })
        })
        .collect::<Result<Vec<_>, ManifestError>>()?;
    let hooks = hooks_of(&mut objects);
    namespaces::add_implicit(&mut objects, &environment.releases);
    Ok(Desired { objects, hooks, is_revision: true, ..Desired::default() })
}

/// Takes the hooks out of the objects. Their annotations were known when they were kept.
fn hooks_of(objects: &mut Vec<Object>) -> Vec<Hook> {
    let mut hooks = Vec::new();
    for object in std::mem::take(objects) {
        match role(&object.body) {
            Ok(Role::Hook(terms)) => hooks.push(Hook { object, terms }),
            _ => objects.push(object),
        }
    }
    hooks
}

fn text<'v>(body: &'v Value, keys: &[&str]) -> &'v str {
    body.dig(keys).and_then(Value::as_str).unwrap_or_default()
}

//! Namespaces that no file declares, for releases that want theirs created.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Object, ObjectId};
use crate::project::Release;
use weft_base::value::{Map, Value};
use weft_schema::Gvk;

/// Adds the namespaces of releases with `createNamespace` that no object declares, before all other objects; each
/// belongs to the first release that is in it.
pub fn add_implicit(objects: &mut Vec<Object>, releases: &[Release]) {
    let declared = objects.iter().filter(|object| object.id.kind.is_namespace()).map(|object| object.id.name.clone());
    let mut there: HashSet<String> = declared.collect();
    let missing: Vec<Object> = releases
        .iter()
        .filter(|release| release.create_namespace && there.insert(release.namespace.clone()))
        .map(namespace)
        .collect();
    objects.splice(0..0, missing);
}

fn namespace(release: &Release) -> Object {
    let gvk = Gvk::new("v1", "Namespace");
    let metadata: Map = [("name", release.namespace.as_str())].into_iter().collect();
    let body: Map = [("apiVersion", Value::from("v1")), ("kind", "Namespace".into()), ("metadata", metadata.into())]
        .into_iter()
        .collect();
    Object {
        id: ObjectId { kind: gvk.group_kind(), namespace: None, name: release.namespace.clone() },
        gvk,
        release: Arc::clone(&release.name),
        body: Value::from(body).at(release.origin.clone()),
        origin: release.origin.clone(),
        implicit: true,
    }
}

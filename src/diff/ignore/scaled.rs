//! What autoscalers target.

use std::collections::BTreeMap;

use crate::manifest::ObjectId;
use crate::schema::{GroupKind, Gvk};
use crate::value::Value;

/// Autoscalers, as group and kind, with the `apiVersion` and `kind` of a target that names none.
const AUTOSCALERS: [(&str, &str, &str, &str); 2] =
    [("autoscaling", "HorizontalPodAutoscaler", "v1", ""), ("keda.sh", "ScaledObject", "apps/v1", "Deployment")];

/// The objects that autoscalers among these target, with the autoscaler.
pub fn targets<'o>(objects: impl Iterator<Item = (&'o ObjectId, &'o Value)>) -> BTreeMap<ObjectId, ObjectId> {
    objects.filter_map(|(id, body)| Some((target(id, body)?, id.clone()))).collect()
}

fn target(id: &ObjectId, body: &Value) -> Option<ObjectId> {
    let GroupKind { group, kind } = &id.kind;
    let (_, _, api_version, default) = AUTOSCALERS.into_iter().find(|it| it.0 == group && it.1 == kind)?;
    let text = |key: &str| body.dig(&["spec", "scaleTargetRef", key]).and_then(Value::as_str);
    let gvk = Gvk::new(text("apiVersion").unwrap_or(api_version), text("kind").unwrap_or(default));
    Some(ObjectId { kind: gvk.group_kind(), namespace: id.namespace.clone(), name: text("name")?.to_owned() })
}

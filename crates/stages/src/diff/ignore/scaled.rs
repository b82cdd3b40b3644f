//! What autoscalers target.

use crate::diff::Writer;
use crate::diff::table::fits;
use crate::manifest::ObjectId;
use weft_base::value::Value;
use weft_schema::{GroupKind, Gvk};

/// Autoscalers, as group and kind, with the `apiVersion` and `kind` of a target that names none.
const AUTOSCALERS: [(&str, &str, &str, &str); 2] =
    [("autoscaling", "HorizontalPodAutoscaler", "v1", ""), ("keda.sh", "ScaledObject", "apps/v1", "Deployment")];

/// The field managers that scale for an autoscaler: the server's own controllers, and KEDA where it scales to nothing.
const MANAGERS: [&str; 2] = ["kube-controller-manager", "keda*"];

/// Whether a writer scales for an autoscaler; not where the fields of that manager are to be taken.
pub fn is_autoscaler(writer: &Writer, take: &[String]) -> bool {
    let is_named = |pattern: &str| fits(pattern, &writer.manager);
    writer.subresource == "scale" && MANAGERS.into_iter().any(is_named) && !take.iter().any(|it| is_named(it))
}

/// What an object scales, if it is an autoscaler. That of no other kind is looked into.
pub fn scales<'v>(id: &ObjectId, body: impl FnOnce() -> &'v Value) -> Option<ObjectId> {
    let GroupKind { group, kind } = &id.kind;
    let (_, _, api_version, default) = AUTOSCALERS.into_iter().find(|it| it.0 == group && it.1 == kind)?;
    let body = body();
    let text = |key: &str| body.dig(&["spec", "scaleTargetRef", key]).and_then(Value::as_str);
    let gvk = Gvk::new(text("apiVersion").unwrap_or(api_version), text("kind").unwrap_or(default));
    Some(ObjectId { kind: gvk.group_kind(), namespace: id.namespace.clone(), name: text("name")?.to_owned() })
}

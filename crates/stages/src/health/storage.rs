//! Claims, volumes, services and namespaces.

use super::{Health, items, text};
use weft_base::value::Value;

/// The annotation that Kubernetes puts on a claim whose class binds it when a pod uses it first.
const FIRST_CONSUMER: &str = "volume.kubernetes.io/selected-node";

/// A Service of type `LoadBalancer` needs an address; others are as they should be once they are there.
pub(super) fn service(object: &Value) -> Health {
    if text(object, &["spec", "type"]) != "LoadBalancer"
        || !items(object, &["status", "loadBalancer", "ingress"]).is_empty()
    {
        return Health::Current;
    }
    let class = text(object, &["spec", "loadBalancerClass"]);
    let who = if class.is_empty() { "load balancer".to_owned() } else { format!("load balancer of class `{class}`") };
    Health::InProgress(format!("no {who} has given it an address yet"))
}

/// A claim has to be bound. One whose class waits for the first consumer stays pending until a pod uses it, and does
/// not say so in itself: that is why it is said here.
pub(super) fn claim(object: &Value) -> Health {
    match text(object, &["status", "phase"]) {
        "Bound" => Health::Current,
        "Lost" => Health::Failed("its volume is lost".into()),
        _ if object.dig(&["metadata", "annotations", FIRST_CONSUMER]).is_some() => {
            Health::InProgress("its volume is being made".into())
        }
        _ => Health::InProgress(
            "it is not bound; where its class has `volumeBindingMode: WaitForFirstConsumer`, it waits for a pod".into(),
        ),
    }
}

/// A volume that could not be reclaimed has failed.
pub(super) fn volume(object: &Value) -> Health {
    match text(object, &["status", "phase"]) {
        "Failed" => Health::Failed(text(object, &["status", "message"]).to_owned()),
        "Pending" => Health::InProgress("it is not available yet".into()),
        _ => Health::Current,
    }
}

/// A namespace is there once it is.
pub(super) fn namespace(object: &Value) -> Health {
    if text(object, &["status", "phase"]) == "Terminating" { Health::Terminating } else { Health::Current }
}

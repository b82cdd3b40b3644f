//! Faked nodes: kwok answers for them.

use futures::future::try_join_all;
use k8s_openapi::api::core::v1::Node;
use kube::Client;
use kube::api::{Api, PostParams};
use serde_json::json;

use crate::sandbox::SandboxError;

/// Creates this many nodes, named `node-0` and so on, with room for plenty of pods.
pub(super) async fn create(client: &Client, count: usize) -> Result<(), SandboxError> {
    let api: Api<Node> = Api::all(client.clone());
    let nodes: Vec<Node> = (0..count).map(|number| node(&format!("node-{number}"))).collect::<Result<_, _>>()?;
    let params = PostParams::default();
    try_join_all(nodes.iter().map(|node| api.create(&params, node))).await?;
    Ok(())
}

fn node(name: &str) -> Result<Node, SandboxError> {
    let resources = json!({"cpu": "32", "memory": "256Gi", "ephemeral-storage": "1Ti", "pods": "1000"});
    let node = json!({
        "metadata": {
            "name": name,
            "annotations": {"kwok.x-k8s.io/node": "fake"},
            "labels": {
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "type": "kwok",
            },
        },
        "status": {"allocatable": resources, "capacity": resources},
    });
    serde_json::from_value(node).map_err(|error| SandboxError::Request(kube::Error::SerdeError(error)))
}

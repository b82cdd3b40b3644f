//! Faked nodes: kwok answers for them.

use futures::future::try_join_all;
use http::Method;
use serde_json::{Value, json};

use crate::cluster::{Request, Transport};
use crate::sandbox::SandboxError;

/// Creates this many nodes, named `node-0` and so on, with room for plenty of pods.
pub(super) async fn create(client: &Transport, count: usize) -> Result<(), SandboxError> {
    try_join_all((0..count).map(|number| create_one(client, format!("node-{number}")))).await?;
    Ok(())
}

async fn create_one(client: &Transport, name: String) -> Result<(), SandboxError> {
    let what = format!("create the node {name}");
    let request = Request::get("/api/v1/nodes".to_owned(), what);
    let request = request.with(Method::POST, "application/json", node(&name).to_string());
    let answer = client.send(&request).await?;
    client.done(&request, &answer)?;
    Ok(())
}

fn node(name: &str) -> Value {
    let resources = json!({"cpu": "32", "memory": "256Gi", "ephemeral-storage": "1Ti", "pods": "1000"});
    json!({
        "apiVersion": "v1",
        "kind": "Node",
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
    })
}

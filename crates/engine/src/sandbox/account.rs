//! Being one of the service accounts of a sandbox: a program outside works with the rights that its pod would have.

use std::path::Path;

use http::Method;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::cluster::Request;
use crate::sandbox::{SandboxError, client};

/// How long a token lives, in seconds.
const LIVES: i64 = 24 * 60 * 60;

/// The part of the administrator's kubeconfig that every account shares.
#[derive(Deserialize)]
struct Administrator {
    clusters: Vec<Value>,
}

/// A kubeconfig by which one works as a service account of the sandbox whose administrator's kubeconfig is given. Its token
/// lives for a day.
pub async fn account(kubeconfig: &Path, namespace: &str, name: &str) -> Result<String, SandboxError> {
    let client = client(kubeconfig)?;
    let spec = TokenRequestSpec { expiration_seconds: Some(LIVES), ..TokenRequestSpec::default() };
    let request = TokenRequest { spec: Some(spec), ..TokenRequest::default() };
    let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token");
    let what = format!("give a token for the service account {namespace}/{name}");
    let post = Request::get(path, what).with(Method::POST, "application/json", json!(request).to_string());
    let answer = client.send(&post).await?;
    let given: TokenRequest = client.done(&post, &answer)?.object(&post)?;
    let token = given.status.and_then(|status| status.token);
    let text = std::fs::read_to_string(kubeconfig).map_err(SandboxError::file(kubeconfig))?;
    let administrator: Administrator = serde_yaml::from_str(&text)?;
    Ok(json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": administrator.clusters,
        "users": [{"name": name, "user": {"token": token}}],
        "contexts": administrator.clusters.iter().map(|cluster| {
            json!({"name": name, "context": {"cluster": cluster["name"], "user": name, "namespace": namespace}})
        }).collect::<Vec<_>>(),
        "current-context": name,
    })
    .to_string())
}

//! Being one of the service accounts of a sandbox: a program outside works with the rights that its pod would have.

use std::path::Path;

use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::{Api, PostParams};
use kube::config::Kubeconfig;
use serde_json::json;

use crate::sandbox::{SandboxError, client};

/// How long a token lives, in seconds.
const LIVES: i64 = 24 * 60 * 60;

/// A kubeconfig by which one works as a service account of the sandbox whose administrator's kubeconfig is given. Its token
/// lives for a day.
pub async fn account(kubeconfig: &Path, namespace: &str, name: &str) -> Result<String, SandboxError> {
    let api: Api<ServiceAccount> = Api::namespaced(client(kubeconfig).await?, namespace);
    let spec = TokenRequestSpec { expiration_seconds: Some(LIVES), ..TokenRequestSpec::default() };
    let request = TokenRequest { spec: Some(spec), ..TokenRequest::default() };
    let given = api.create_token_request(name, &PostParams::default(), &request).await?;
    let token = given.status.and_then(|status| status.token);
    let administrator = Kubeconfig::read_from(kubeconfig)?;
    Ok(json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": administrator.clusters,
        "users": [{"name": name, "user": {"token": token}}],
        "contexts": administrator.clusters.iter().map(|cluster| {
            json!({"name": name, "context": {"cluster": cluster.name, "user": name, "namespace": namespace}})
        }).collect::<Vec<_>>(),
        "current-context": name,
    })
    .to_string())
}

//! Changes from outside: what a person or another program does to an object.

use kube::api::PatchParams;
use serde_json::Value;

use crate::sandbox::{Sandbox, SandboxError, client};

impl Sandbox {
    /// Merges `patch` into the object at an API path as another field manager, as `kubectl edit` does. The demo and
    /// tests make drift with it.
    pub async fn edit(&self, path: &str, manager: &str, patch: &Value) -> Result<(), SandboxError> {
        let params = PatchParams { field_manager: Some(manager.to_owned()), ..PatchParams::default() };
        let request = kube::core::Request::new("").patch("", &params, &kube::api::Patch::Merge(patch));
        let (mut parts, body) = request.map_err(kube::Error::BuildRequest)?.into_parts();
        let query = parts.uri.query().unwrap_or_default();
        parts.uri = format!("{path}?{query}").parse().map_err(|error| kube::Error::HttpError(http::Error::from(error)))?;
        let client = client(&self.kubeconfig).await?;
        client.request::<Value>(http::Request::from_parts(parts, body)).await?;
        Ok(())
    }
}

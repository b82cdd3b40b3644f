//! Changes from outside: what a person or another program does to an object.

use serde_json::Value;

use crate::sandbox::{Sandbox, SandboxError, client};

impl Sandbox {
    /// Merges `fields` into the object at an API path as another field manager, as `kubectl edit` does. The demo and
    /// tests make drift with it.
    pub async fn edit(&self, path: &str, manager: &str, fields: &Value) -> Result<(), SandboxError> {
        let request = http::Request::patch(format!("{path}?fieldManager={manager}"))
            .header(http::header::CONTENT_TYPE, "application/merge-patch+json")
            .body(fields.to_string().into_bytes());
        let client = client(&self.kubeconfig).await?;
        client.request::<Value>(request.map_err(kube::Error::HttpError)?).await?;
        Ok(())
    }
}

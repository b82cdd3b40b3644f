//! What a person or another program does to objects, from outside.

use http::Method;
use serde_json::Value;

use crate::sandbox::{Sandbox, SandboxError, client_of};

impl Sandbox {
    /// Merges `fields` into the object at an API path as another field manager, as `kubectl edit` does. The demo and
    /// tests make drift with it.
    pub async fn edit(&self, path: &str, manager: &str, fields: &Value) -> Result<(), SandboxError> {
        self.ask(None, Method::PATCH, &format!("{path}?fieldManager={manager}"), Some(fields)).await.map(drop)
    }

    /// Sends a request, as the administrator or as the user of this name, and returns the object that comes back. The body
    /// of a `PATCH` is a merge patch.
    pub async fn ask(
        &self,
        user: Option<&str>,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, SandboxError> {
        let kind = if method == Method::PATCH { "application/merge-patch+json" } else { "application/json" };
        let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let request = http::Request::builder().method(method).uri(path);
        let request = request.header(http::header::CONTENT_TYPE, kind).body(body);
        let client = client_of(&self.kubeconfig, user).await?;
        Ok(client.request(request.map_err(kube::Error::HttpError)?).await?)
    }
}

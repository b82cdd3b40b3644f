//! What a person or another program does to objects, from outside.

use http::Method;
use serde_json::Value;

use crate::cluster::Request;
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
        let body = body.map(ToString::to_string).unwrap_or_default();
        let request = Request::get(path.to_owned(), format!("{method} {path}")).with(method, kind, body);
        let client = client_of(&self.kubeconfig, user)?;
        let answer = client.send(&request).await?;
        Ok(client.done(&request, &answer)?.object(&request)?)
    }
}

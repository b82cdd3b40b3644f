//! Requests of others.

use http::Method;
use kube::Client;
use serde_json::Value as Json;

/// A server, for requests that are not ours.
#[derive(Clone)]
pub struct Server {
    client: Client,
}

impl Server {
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// Sends a body. What the server says where it refuses.
    pub async fn send(&self, method: Method, path: &str, kind: &str, body: &Json) -> Result<Json, String> {
        let request = http::Request::builder().method(method).uri(path).header(http::header::CONTENT_TYPE, kind);
        let request = request.body(body.to_string().into_bytes()).map_err(|error| error.to_string())?;
        self.client.request(request).await.map_err(|error| error.to_string())
    }

    pub async fn get(&self, path: &str) -> Result<Json, String> {
        let request = http::Request::get(path).body(Vec::new()).map_err(|error| error.to_string())?;
        self.client.request(request).await.map_err(|error| error.to_string())
    }
}

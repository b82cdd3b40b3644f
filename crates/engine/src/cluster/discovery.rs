//! What the server serves, in two requests.

use kube::client::{APIGroupDiscovery, APIGroupDiscoveryList, APIResourceDiscovery};
use kube::core::discovery::v2::ACCEPT_AGGREGATED_DISCOVERY_V2;

use super::request::{Request, parse};
use super::{Cluster, ClusterError};
use weft_schema::{Discovery, Gvk, Resource, Scope};

impl Cluster {
    /// Asks for all kinds with their versions and scopes (aggregated discovery). A group whose own API server is down
    /// is in [`Discovery::unavailable`], with what is known of it.
    pub async fn discover(&self) -> Result<Discovery, ClusterError> {
        let (core, groups) = futures::future::try_join(self.groups("/api"), self.groups("/apis")).await?;
        let mut discovery = Discovery { server_version: self.server_version().to_owned(), ..Discovery::default() };
        for group in core.items.iter().chain(&groups.items) {
            add(&mut discovery, group);
        }
        Ok(discovery)
    }

    async fn groups(&self, path: &str) -> Result<APIGroupDiscoveryList, ClusterError> {
        let mut request = Request::get(path.to_owned(), "discover what is served".to_owned());
        request.accept = ACCEPT_AGGREGATED_DISCOVERY_V2;
        let answer = self.send(&request).await?;
        if !answer.is_success() {
            return Err(self.refused(&request, &answer));
        }
        let kind: serde_json::Value = parse(&request, &answer)?;
        if kind.get("kind").and_then(|it| it.as_str()) != Some("APIGroupDiscoveryList") {
            return Err(ClusterError::TooOld { server: self.address().to_owned() });
        }
        serde_json::from_value(kind)
            .map_err(|source| ClusterError::BadAnswer { what: request.what, source: source.into() })
    }
}

fn add(discovery: &mut Discovery, group: &APIGroupDiscovery) {
    let name = group.metadata.as_ref().and_then(|it| it.name.as_deref()).unwrap_or_default();
    for version in &group.versions {
        let version_name = version.version.as_deref().unwrap_or_default();
        if version.freshness.as_deref() == Some("Stale") {
            let reason = format!("the API server behind APIService {version_name}.{name} does not answer");
            discovery.unavailable.insert(name.to_owned(), reason);
        }
        for resource in version.resources.iter().filter_map(|it| resource(name, version_name, it)) {
            discovery.add(resource);
        }
    }
}

/// `None` for what is no kind of objects: it has no plural name, or only subresources.
fn resource(group: &str, version: &str, found: &APIResourceDiscovery) -> Option<Resource> {
    let kind = found.response_kind.as_ref()?.kind.clone().filter(|kind| !kind.is_empty())?;
    Some(Resource {
        gvk: Gvk { group: group.to_owned(), version: version.to_owned(), kind },
        plural: found.resource.clone()?,
        scope: if found.scope.as_deref() == Some("Namespaced") { Scope::Namespaced } else { Scope::Cluster },
        verbs: found.verbs.clone(),
    })
}

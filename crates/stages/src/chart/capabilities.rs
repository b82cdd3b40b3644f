//! What a server offers, as templates ask for it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use weft_schema::Discovery;

/// The group/versions that Helm takes for granted where it knows no server.
const API_VERSIONS: &str = include_str!("api-versions.txt");
const KUBERNETES: &str = "v1.37.0";

/// `.Capabilities`: the version of a server and what it serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// The version in full, such as `v1.33.4-gke.1245000`.
    pub version: String,
    /// The same without what providers add, against which ranges are held.
    pub normalized: String,
    /// Its first part.
    pub major: String,
    /// Its second part.
    pub minor: String,
    /// What is served, such as `apps/v1` and, of a server, `apps/v1/Deployment`; in Helm's order.
    pub api_versions: Vec<String>,
}

impl Default for Capabilities {
    /// What Helm 4.3 takes for granted.
    fn default() -> Self {
        let api_versions = API_VERSIONS.lines().map(str::to_owned).collect();
        Self { api_versions, ..Self::of_version(KUBERNETES).unwrap_or_else(Self::none) }
    }
}

impl Capabilities {
    fn none() -> Self {
        let empty = String::new;
        Self { version: empty(), normalized: empty(), major: empty(), minor: empty(), api_versions: Vec::new() }
    }

    /// A version that serves nothing; `None` where it cannot be read.
    pub fn of_version(text: &str) -> Option<Self> {
        let bare = text.trim().trim_start_matches('v');
        let end = bare.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(bare.len());
        let parts: Vec<u64> =
            bare[..end].trim_end_matches('.').split('.').map(str::parse).collect::<Result<_, _>>().ok()?;
        let [major, minor, rest @ ..] = &parts[..] else { return None };
        let patch = rest.first().copied().unwrap_or(0);
        Some(Self {
            version: if text.starts_with('v') { text.to_owned() } else { format!("v{text}") },
            normalized: format!("v{major}.{minor}.{patch}"),
            major: major.to_string(),
            minor: minor.to_string(),
            api_versions: Vec::new(),
        })
    }

    /// What a server said.
    pub fn of_discovery(discovery: &Discovery) -> Self {
        let version = Self::of_version(&discovery.server_version).unwrap_or_else(Self::none);
        let kinds = discovery.resources.values().flatten().map(|it| &it.gvk);
        let named = kinds.flat_map(|gvk| [gvk.api_version(), format!("{}/{}", gvk.api_version(), gvk.kind)]);
        Self { api_versions: named.collect::<BTreeSet<_>>().into_iter().collect(), ..version }
    }

    /// Whether something is served.
    pub fn has(&self, what: &str) -> bool {
        self.api_versions.iter().any(|it| it == what)
    }
}

/// What the server of the releases of a chart offers, worked out for the first of them.
#[derive(Debug, Default)]
pub struct CapabilitiesCache(Mutex<Option<(Arc<Discovery>, Arc<Capabilities>)>>);

impl CapabilitiesCache {
    /// What this server offers.
    pub fn of(&self, discovery: &Arc<Discovery>) -> Arc<Capabilities> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*known {
            Some((of, capabilities)) if Arc::ptr_eq(of, discovery) => Arc::clone(capabilities),
            _ => {
                let capabilities = Arc::new(Capabilities::of_discovery(discovery));
                *known = Some((Arc::clone(discovery), Arc::clone(&capabilities)));
                capabilities
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_in_helm() {
        let read = |text| Capabilities::of_version(text).map(|it| (it.version, it.normalized, it.major, it.minor));
        let version =
            |a: &str, b: &str, c: &str, d: &str| Some((a.to_owned(), b.to_owned(), c.to_owned(), d.to_owned()));
        assert_eq!(read("v1.33.4-gke.1245000"), version("v1.33.4-gke.1245000", "v1.33.4", "1", "33"));
        assert_eq!(read("1.30"), version("v1.30", "v1.30.0", "1", "30"));
        assert_eq!(read("one"), None);
        assert!(Capabilities::default().has("apps/v1") && Capabilities::default().api_versions.len() == 57);
    }
}

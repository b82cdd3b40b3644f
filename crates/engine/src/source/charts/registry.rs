//! A repository of an OCI registry, by the distribution specification.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use http::{Method, Request, StatusCode, header};
use serde::Deserialize;

use super::FetchError;
use super::digest::{same, sha256};
use super::login::{Login, Logins};
use crate::network::{Answer, Network, NetworkError, Trust};
use weft_base::masked::Masked;
use weft_base::percent;
use weft_base::tree::archive::LARGEST;

/// Manifests that are understood.
const ACCEPT: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";
/// A list of manifests.
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// How large a manifest or a list of tags may be, in bytes; the specification asks for 4 MiB.
const SMALL: usize = 4 << 20;
/// How many pages of tags are read.
const PAGES: usize = 1000;

/// A repository of a registry.
pub(super) struct Registry<'n> {
    network: &'n Network,
    logins: &'n Logins,
    /// The scheme and the host that is asked.
    base: String,
    /// The host as it is written, which logins are kept under.
    host: String,
    /// The path of the repository.
    pub name: String,
    /// What the registry wants to be shown, once it was asked for, by what is done.
    shown: Mutex<BTreeMap<&'static str, Masked<String>>>,
}

/// A manifest, with its digest.
#[derive(Debug)]
pub(super) struct Manifest {
    pub digest: String,
    pub bytes: Vec<u8>,
    pub body: ManifestBody,
}

/// What a manifest says.
#[derive(Debug, Deserialize)]
pub(super) struct ManifestBody {
    #[serde(default)]
    pub layers: Vec<Descriptor>,
}

/// Some bytes of a registry.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Descriptor {
    pub media_type: String,
    pub digest: String,
    pub artifact_type: Option<String>,
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
}

impl<'n> Registry<'n> {
    /// The repository at `oci://HOST/PATH`. A registry on this machine is spoken to without TLS, as docker does.
    pub fn at(address: &str, network: &'n Network, logins: &'n Logins) -> Result<Self, FetchError> {
        let rest = address.strip_prefix("oci://").unwrap_or(address);
        let bad = |reason: &str| FetchError::BadAnswer {
            address: address.to_owned(),
            what: "the address of a chart in a registry",
            reason: reason.to_owned(),
        };
        let (host, name) = rest.split_once('/').ok_or_else(|| bad("it names no repository"))?;
        let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-/".contains(c);
        if host.is_empty() || name.is_empty() || !name.chars().all(fine) || name.split('/').any(str::is_empty) {
            return Err(bad("a repository is written in lower case, as `HOST/PATH/NAME`"));
        }
        let scheme = if is_here(host) { "http" } else { "https" };
        // docker's own registry has another name, and a folder for what is in none.
        let (server, name) = match (host, name) {
            ("docker.io", name) if !name.contains('/') => ("registry-1.docker.io", format!("library/{name}")),
            ("docker.io", name) => ("registry-1.docker.io", name.to_owned()),
            (host, name) => (host, name.to_owned()),
        };
        let base = format!("{scheme}://{server}");
        Ok(Self { network, logins, base, host: host.to_owned(), name, shown: Mutex::default() })
    }

    /// A manifest by its tag or digest.
    pub async fn manifest(&self, reference: &str) -> Result<Manifest, FetchError> {
        let address = format!("{}/v2/{}/manifests/{reference}", self.base, self.name);
        let request = Request::get(&address).header(header::ACCEPT, ACCEPT).body(Vec::new());
        let answer = self.send(request, "pull", SMALL).await?;
        let digest = sha256(&answer.bytes);
        if reference.starts_with("sha256:") {
            same(&format!("{}/{}", self.host, self.name), "was asked for", reference, digest.clone())?;
        }
        let body = serde_json::from_slice(&answer.bytes).map_err(|error| FetchError::BadAnswer {
            address,
            what: "a manifest",
            reason: error.to_string(),
        })?;
        Ok(Manifest { digest, bytes: answer.bytes, body })
    }

    /// What refers to a manifest: from the registry, or from the list at the tag of its digest, which clients keep where a
    /// registry does not.
    pub async fn referrers(&self, digest: &str) -> Result<Vec<Descriptor>, FetchError> {
        let address = format!("{}/v2/{}/referrers/{digest}", self.base, self.name);
        if let Some(listed) = self.index(address).await? {
            return Ok(listed);
        }
        let address = format!("{}/v2/{}/manifests/{}", self.base, self.name, digest.replace(':', "-"));
        Ok(self.index(address).await?.unwrap_or_default())
    }

    /// All entries of a list of manifests; `None` where the registry has no such list.
    async fn index(&self, address: String) -> Result<Option<Vec<Descriptor>>, FetchError> {
        #[derive(Deserialize)]
        struct ImageIndex {
            manifests: Vec<Descriptor>,
        }
        let mut next = Some(address);
        let mut all = Vec::new();
        for _ in 0..PAGES {
            let Some(address) = next.take() else { break };
            let request = Request::get(&address).header(header::ACCEPT, INDEX).body(Vec::new());
            let answer = match self.send(request, "pull", SMALL).await {
                Err(FetchError::Network(error)) if error.status().is_some_and(is_unknown) => return Ok(None),
                other => other?,
            };
            // Some send those who ask to a page for people.
            let Ok(index) = serde_json::from_slice::<ImageIndex>(&answer.bytes) else { return Ok(None) };
            all.extend(index.manifests);
            next = self.next(&address, &answer);
        }
        Ok(Some(all))
    }

    /// The address of the next page.
    fn next(&self, address: &str, answer: &Answer) -> Option<String> {
        let link = answer.headers.get(header::LINK).and_then(|it| it.to_str().ok())?;
        let (to, kind) = link.split_once('<')?.1.split_once('>')?;
        let next = kind.contains("next").then(|| crate::network::join(address, to))?;
        next.starts_with(&self.base).then_some(next)
    }

    /// The bytes of a digest.
    pub async fn blob(&self, digest: &str) -> Result<Vec<u8>, FetchError> {
        let address = format!("{}/v2/{}/blobs/{digest}", self.base, self.name);
        let limit = usize::try_from(LARGEST).unwrap_or(usize::MAX);
        let answer = self.send(Request::get(address).body(Vec::new()), "pull", limit).await?;
        same(&format!("{}/{}", self.host, self.name), "the registry announced", digest, sha256(&answer.bytes))?;
        Ok(answer.bytes)
    }

    /// All tags.
    pub async fn tags(&self) -> Result<Vec<String>, FetchError> {
        #[derive(Deserialize)]
        struct TagPage {
            #[serde(default)]
            tags: Option<Vec<String>>,
        }
        let mut next = Some(format!("{}/v2/{}/tags/list?n=1000", self.base, self.name));
        let mut all = Vec::new();
        for _ in 0..PAGES {
            let Some(address) = next.take() else { break };
            let answer = self.send(Request::get(&address).body(Vec::new()), "pull", SMALL).await?;
            let page: TagPage = serde_json::from_slice(&answer.bytes).map_err(|error| FetchError::BadAnswer {
                address: address.clone(),
                what: "a list of tags",
                reason: error.to_string(),
            })?;
            all.extend(page.tags.unwrap_or_default());
            next = self.next(&address, &answer);
        }
        Ok(all)
    }

    /// Puts bytes where they are not yet.
    pub async fn put_blob(&self, bytes: &[u8]) -> Result<String, FetchError> {
        let digest = sha256(bytes);
        let there = Request::head(format!("{}/v2/{}/blobs/{digest}", self.base, self.name)).body(Vec::new());
        match self.send(there, "pull,push", SMALL).await {
            Ok(_) => return Ok(digest),
            Err(FetchError::Network(error)) if error.status() == Some(StatusCode::NOT_FOUND) => {}
            Err(error) => return Err(error),
        }
        let begin = format!("{}/v2/{}/blobs/uploads/", self.base, self.name);
        let answer = self.send(Request::post(&begin).body(Vec::new()), "pull,push", SMALL).await?;
        let place = answer.headers.get(header::LOCATION).and_then(|it| it.to_str().ok());
        let place = crate::network::join(&answer.address, place.unwrap_or_default());
        let sign = if place.contains('?') { '&' } else { '?' };
        let request = Request::put(format!("{place}{sign}digest={digest}"))
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .body(bytes.to_vec());
        self.send(request, "pull,push", SMALL).await?;
        Ok(digest)
    }

    /// Puts a manifest under a tag, and gives its digest.
    pub async fn put_manifest(&self, tag: &str, kind: &str, bytes: &[u8]) -> Result<String, FetchError> {
        let request = Request::builder()
            .method(Method::PUT)
            .uri(format!("{}/v2/{}/manifests/{tag}", self.base, self.name))
            .header(header::CONTENT_TYPE, kind)
            .body(bytes.to_vec());
        self.send(request, "pull,push", SMALL).await?;
        Ok(sha256(bytes))
    }

    /// Sends a request; where the registry asks who we are, it is told and asked again.
    async fn send(
        &self,
        request: http::Result<Request<Vec<u8>>>,
        doing: &'static str,
        limit: usize,
    ) -> Result<Answer, FetchError> {
        let request = request.map_err(|_| NetworkError::Address { address: format!("{}/{}", self.host, self.name) })?;
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner).get(doing).cloned();
        let answer = self.network.send(request.clone(), shown.as_ref(), &Trust::default(), limit).await;
        let challenge = match answer {
            Err(NetworkError::Refused { status: StatusCode::UNAUTHORIZED, challenge: Some(it), .. })
                if shown.is_none() =>
            {
                it
            }
            other => return Ok(other?),
        };
        let login = self.logins.registry(&self.host)?;
        let shown = match Challenge::read(&challenge) {
            Some(asked) => Some(self.token(&asked, login.as_ref(), doing).await?),
            None => login.as_ref().and_then(Login::header),
        };
        let answer = self.network.send(request, shown.as_ref(), &Trust::default(), limit).await?;
        if let Some(shown) = shown {
            self.shown.lock().unwrap_or_else(PoisonError::into_inner).insert(doing, shown);
        }
        Ok(answer)
    }

    /// A token of the service that the registry names.
    async fn token(&self, asked: &Challenge, login: Option<&Login>, doing: &str) -> Result<Masked<String>, FetchError> {
        #[derive(Deserialize)]
        struct TokenAnswer {
            token: Option<String>,
            access_token: Option<String>,
        }
        let bad = |reason: &str| FetchError::BadAnswer {
            address: asked.realm.clone(),
            what: "a service that gives tokens",
            reason: reason.to_owned(),
        };
        let host = asked.realm.split_once("://").map_or("", |(_, rest)| rest.split('/').next().unwrap_or_default());
        if !asked.realm.starts_with("https://") && !is_here(host) {
            return Err(bad("it is not encrypted"));
        }
        let scope = asked.scope.clone().unwrap_or_else(|| format!("repository:{}:{doing}", self.name));
        let query = format!("service={}&scope={}", percent::part(&asked.service), percent::part(&scope));
        let (request, shown) = match login {
            Some(Login::Identity(token)) => {
                let form =
                    format!("grant_type=refresh_token&client_id=weft&refresh_token={}", percent::part(token.expose()));
                let request = Request::post(&asked.realm)
                    .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                    .body(format!("{form}&{query}").into_bytes());
                (request, None)
            }
            login => {
                let sign = if asked.realm.contains('?') { '&' } else { '?' };
                let request = Request::get(format!("{}{sign}{query}", asked.realm)).body(Vec::new());
                (request, login.and_then(Login::header))
            }
        };
        let request = request.map_err(|_| bad("its address is none"))?;
        let answer = self.network.send(request, shown.as_ref(), &Trust::default(), SMALL).await?;
        let given: TokenAnswer = serde_json::from_slice(&answer.bytes).map_err(|_| bad("it gives no token"))?;
        let token = given.token.or(given.access_token).ok_or_else(|| bad("it gives no token"))?;
        Ok(Masked::new(format!("Bearer {token}")))
    }
}

/// `Bearer realm="...",service="...",scope="..."`.
#[derive(Debug, Default, PartialEq)]
struct Challenge {
    realm: String,
    service: String,
    scope: Option<String>,
}

impl Challenge {
    fn read(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("Bearer ").or_else(|| text.strip_prefix("bearer "))?;
        let mut challenge = Self::default();
        let mut rest = rest.trim_start();
        while let Some((key, after)) = rest.split_once("=\"") {
            let (value, after) = after.split_once('"')?;
            match key.trim_matches([',', ' ']) {
                "realm" => value.clone_into(&mut challenge.realm),
                "service" => value.clone_into(&mut challenge.service),
                "scope" => challenge.scope = Some(value.to_owned()),
                _ => {}
            }
            rest = after;
        }
        (!challenge.realm.is_empty()).then_some(challenge)
    }
}

/// Whether a registry says by its answer that it does not know what it was asked for.
fn is_unknown(status: StatusCode) -> bool {
    matches!(status.as_u16(), 400 | 404 | 405 | 406 | 501)
}

/// Whether a host is this machine.
fn is_here(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, port)| if port.contains(']') { host } else { name });
    let address = name.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    name == "localhost" || address.is_ok_and(|it| it.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_read() {
        let text =
            r#"Bearer realm="https://auth.example.com/token",service="registry",scope="repository:a/b:pull,push""#;
        let expected = Challenge {
            realm: "https://auth.example.com/token".into(),
            service: "registry".into(),
            scope: Some("repository:a/b:pull,push".into()),
        };
        assert_eq!(Challenge::read(text), Some(expected));
        assert_eq!(Challenge::read("Basic realm=\"x\""), None);
    }

    #[test]
    fn only_this_machine_is_spoken_to_without_tls() {
        let trust = crate::trust::Trust::own(crate::trust::ProcessEnvironment::default(), Vec::new());
        let network = Network::new(trust.network().unwrap());
        let logins = Logins::default();
        let base = |address: &str| Registry::at(address, &network, &logins).map(|it| (it.base, it.name));
        assert_eq!(base("oci://localhost:5000/a/b").unwrap(), ("http://localhost:5000".into(), "a/b".into()));
        assert_eq!(base("oci://[::1]:5000/a").unwrap().0, "http://[::1]:5000");
        assert_eq!(base("oci://127.0.0.1/a").unwrap().0, "http://127.0.0.1");
        assert_eq!(base("oci://localhost.example.com/a").unwrap().0, "https://localhost.example.com");
        let hub = base("oci://docker.io/a").unwrap();
        assert_eq!(hub, ("https://registry-1.docker.io".into(), "library/a".into()));
        for bad in ["oci://host", "oci://host/", "oci://host/A", "oci://host/a//b", "oci://host/a?b"] {
            assert!(base(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn queries_are_escaped() {
        assert_eq!(percent::part("repository:a/b:pull,push"), "repository%3Aa%2Fb%3Apull%2Cpush");
    }
}

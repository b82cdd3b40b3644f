//! Charts from elsewhere: repositories with an index, OCI registries, single archives, and folders of git.
//!
//! A chart is looked for once, when it is locked; a run takes what is locked, from the cache where it was fetched
//! before. Whatever comes, from the network or the cache, is held against the digest of the lock file before it is used.

mod bundle;
mod cache;
mod digest;
mod error;
mod git;
mod index;
mod login;
mod provenance;
mod push;
mod registry;
mod signature;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use http::Request;

use self::cache::Cache;
use self::digest::{of_files, same, sha256};
pub use self::error::FetchError;
use self::login::{Access, Login, Logins};
pub use self::push::{PushResult, digest, sign};
use self::registry::{Manifest, Registry};
pub use self::signature::Keys;
use crate::network::{self, Network};
use crate::trust::{Trust, TrustError};
use weft_base::tree::Tree;
use weft_base::tree::archive::{self, LARGEST};
use weft_base::value::Value;
use weft_base::yaml::{self, Rules};
use weft_stages::project::{ChartPlace, Locked};

/// The layer of a chart in a registry, and what early versions of Helm called it.
const LAYERS: [&str; 2] = ["application/vnd.cncf.helm.chart.content.v1.tar+gzip", "application/tar+gzip"];
/// The layer of its provenance file.
const PROVENANCE: &str = "application/vnd.cncf.helm.chart.provenance.v1.prov";
/// How large an index may be, in bytes.
const LARGEST_INDEX: usize = 64 << 20;
/// How large a provenance file may be, in bytes.
const LARGEST_PROVENANCE: usize = 1 << 20;
/// How large a file may be that a kustomization names by its address, in bytes.
const LARGEST_DOWNLOAD: usize = 64 << 20;

/// What brings charts from elsewhere, with the connections, logins and files of this machine.
pub struct Charts {
    reach: Result<Reach, TrustError>,
    cache: Cache,
    /// What a kustomization names elsewhere and came already, by its address and revision: a run reads it once.
    brought: Mutex<BTreeMap<(String, String), Tree>>,
}

/// What brings them over the network, or from repositories of this machine.
struct Reach {
    network: Network,
    logins: Logins,
}

/// A chart that was looked for.
#[derive(Debug)]
pub struct FetchedChart {
    /// What the lock file says of it.
    pub locked: Locked,
    /// The archive.
    pub bytes: Vec<u8>,
}

/// An archive on its way, with what else came.
struct ChartDownload {
    url: Option<String>,
    version: Option<String>,
    bytes: Vec<u8>,
    provenance: Option<Vec<u8>>,
    manifest: Option<String>,
}

impl Charts {
    /// With the proxies and logins that the environment of the process names. A closed run has the cache alone.
    pub fn new(trust: &Trust) -> Self {
        let reach = trust.network().map(|access| Reach {
            network: Network::new(access),
            logins: Logins::of(&|name| access.environment().get(name).cloned()),
        });
        Self { reach, cache: Cache::new(trust.caches()), brought: Mutex::default() }
    }

    /// Refuses to bring anything in a closed run.
    pub fn check_reach(&self) -> Result<(), FetchError> {
        self.reach().map(drop)
    }

    fn reach(&self) -> Result<&Reach, FetchError> {
        self.reach.as_ref().map_err(|error| FetchError::Closed(error.clone()))
    }

    /// Looks for the chart that a place means now, checks its signatures by `keys`, and keeps it in the cache.
    pub fn find(&self, place: &ChartPlace, keys: &Keys) -> Result<FetchedChart, FetchError> {
        let found = network::wait(self.reach()?.found(place, keys))??;
        self.cache.put(&found.locked.digest, &found.bytes)?;
        Ok(found)
    }

    /// The archive of a locked chart, from the cache or from its place.
    pub fn get(&self, locked: &Locked) -> Result<Vec<u8>, FetchError> {
        if let Some(bytes) = self.cache.get(&locked.digest).filter(|bytes| check(locked, bytes).is_ok()) {
            return Ok(bytes);
        }
        let bytes = network::wait(self.reach()?.fetched(locked))??;
        check(locked, &bytes)?;
        self.cache.put(&locked.digest, &bytes)?;
        Ok(bytes)
    }

    /// The files of a git repository at a branch, a tag or a commit; without one, at its default branch.
    pub fn repository_files(&self, address: &str, revision: Option<&str>) -> Result<Tree, FetchError> {
        let revision = revision.unwrap_or("HEAD");
        let reach = self.reach()?;
        self.once(address, revision, || {
            let login = reach.logins.git(address)?;
            let (_, files) = network::wait(git::chart(&reach.network, address, revision, "", login.as_ref()))??;
            Ok(Tree::new(files.into_iter().map(|(path, bytes)| (path.trim_start_matches('/').to_owned(), bytes))))
        })
    }

    /// A file on a web server.
    pub fn download(&self, url: &str) -> Result<Vec<u8>, FetchError> {
        let reach = self.reach()?;
        let file = self.once(url, "", || {
            let bytes = network::wait(reach.bytes(url, &Access::default(), LARGEST_DOWNLOAD))??;
            Ok(Tree::new([(url.to_owned(), bytes)]))
        })?;
        Ok(file.bytes(url).unwrap_or_default().to_vec())
    }

    fn once(
        &self,
        address: &str,
        revision: &str,
        bring: impl FnOnce() -> Result<Tree, FetchError>,
    ) -> Result<Tree, FetchError> {
        let mut brought = self.brought.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (address.to_owned(), revision.to_owned());
        if let Some(tree) = brought.get(&key) {
            return Ok(tree.clone());
        }
        let tree = bring()?;
        brought.insert(key, tree.clone());
        Ok(tree)
    }
}

impl Reach {
    /// The address of a repository, which a dependency may name as Helm knows it: `@name` or `alias:name`.
    fn address(&self, repo: &str) -> Result<String, FetchError> {
        let Some(name) = repo.strip_prefix('@').or_else(|| repo.strip_prefix("alias:")) else {
            return Ok(repo.to_owned());
        };
        let problem = || "is the name of no repository in Helm's `repositories.yaml`".to_owned();
        let unknown = || FetchError::NotTheChart { what: repo.to_owned(), problem: problem() };
        self.logins.named(name)?.ok_or_else(unknown)
    }

    async fn found(&self, place: &ChartPlace, keys: &Keys) -> Result<FetchedChart, FetchError> {
        let wanted = place.to_string();
        let (arrived, name) = match place {
            ChartPlace::Git { git, rev, path } => return self.of_git(place, git, rev, path).await,
            ChartPlace::Registry { repo, name, version } => {
                (self.of_registry((repo, name, version), keys).await?, Some(name))
            }
            ChartPlace::Repository { repo, name, version } => {
                let repo = self.address(repo)?;
                (self.of_repository((&repo, name, version), keys).await?, Some(name))
            }
            ChartPlace::Archive { url } => (self.archive(url, &self.logins.repository(url)?, keys).await?, None),
        };
        let digest = sha256(&arrived.bytes);
        let files = archive::unpack(&arrived.bytes, &wanted)?;
        let (own, version) = named(&wanted, &files)?;
        if let Some(name) = name.filter(|it| **it != own) {
            let problem = format!("holds the chart `{own}`, and not `{name}`");
            return Err(FetchError::NotTheChart { what: wanted, problem });
        }
        let version = arrived.version.clone().unwrap_or(version);
        let mut verified = Vec::new();
        if let Some(keyring) = &keys.keyring {
            let provenance = arrived.provenance.as_deref();
            verified.push(provenance::verified(&wanted, keyring, provenance, &arrived.bytes)?);
        }
        if let (Some(key), Some(manifest), ChartPlace::Registry { repo, name, .. }) =
            (&keys.cosign, &arrived.manifest, place)
        {
            let registry = Registry::at(&format!("{repo}/{name}"), &self.network, &self.logins)?;
            verified.push(signature::cosign(&wanted, key, manifest, &registry).await?);
        }
        let ChartDownload { url, manifest, bytes, .. } = arrived;
        let locked = Locked { chart: place.clone(), name: own, version, url, commit: None, manifest, digest, verified };
        Ok(FetchedChart { locked, bytes })
    }

    async fn of_repository(&self, asked: index::ChartQuery<'_>, keys: &Keys) -> Result<ChartDownload, FetchError> {
        let repo = asked.0;
        let access = self.logins.repository(repo)?;
        let address = format!("{}/index.yaml", repo.trim_end_matches('/'));
        let bytes = self.bytes(&address, &access, LARGEST_INDEX).await?;
        let bad = |_| FetchError::BadAnswer {
            address: address.clone(),
            what: "an index of charts",
            reason: "it is no UTF-8 text".into(),
        };
        let text = String::from_utf8(bytes).map_err(bad)?;
        let found = index::indexed(&text, &address, asked)?;
        let access = if access.everywhere || host(&found.url) == host(repo) { access } else { Access::default() };
        let mut arrived = self.archive(&found.url, &access, keys).await?;
        if let Some(announced) = &found.digest {
            same(&found.url, "its index announces", announced, sha256(&arrived.bytes))?;
        }
        arrived.version = Some(found.version);
        Ok(arrived)
    }

    async fn archive(&self, url: &str, access: &Access, keys: &Keys) -> Result<ChartDownload, FetchError> {
        let bytes = self.bytes(url, access, largest()).await?;
        let provenance = match &keys.keyring {
            None => None,
            Some(_) => match self.bytes(&format!("{url}.prov"), access, LARGEST_PROVENANCE).await {
                Err(FetchError::Network(error)) if error.status() == Some(http::StatusCode::NOT_FOUND) => None,
                other => Some(other?),
            },
        };
        Ok(ChartDownload { url: Some(url.to_owned()), version: None, bytes, provenance, manifest: None })
    }

    async fn of_registry(
        &self,
        (repo, name, wanted): index::ChartQuery<'_>,
        keys: &Keys,
    ) -> Result<ChartDownload, FetchError> {
        let address = format!("{repo}/{name}");
        let registry = Registry::at(&address, &self.network, &self.logins)?;
        let version = if index::is_exact(wanted) {
            wanted.to_owned()
        } else {
            // A tag cannot hold the `+` of a version, which Helm writes as `_`.
            let tags: Vec<String> = registry.tags().await?.into_iter().map(|it| it.replace('_', "+")).collect();
            let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
            index::chosen(&tags, (repo, name, wanted))?.to_owned()
        };
        let manifest = registry.manifest(&version.replace('+', "_")).await?;
        let bytes = registry.blob(&layer(&manifest, &LAYERS, &address)?).await?;
        let provenance = match &keys.keyring {
            None => None,
            Some(_) => match layer(&manifest, &[PROVENANCE], &address) {
                Ok(digest) => Some(registry.blob(&digest).await?),
                Err(_) => None,
            },
        };
        Ok(ChartDownload {
            url: Some(address),
            version: Some(version),
            bytes,
            provenance,
            manifest: Some(manifest.digest),
        })
    }

    async fn of_git(&self, place: &ChartPlace, git: &str, rev: &str, path: &str) -> Result<FetchedChart, FetchError> {
        let login = self.logins.git(git)?;
        let (commit, files) = git::chart(&self.network, git, rev, path, login.as_ref()).await?;
        let what = place.to_string();
        let (name, version) = named(&what, &files)?;
        let digest = of_files(&files);
        let bytes = packed(&name, files, &what)?;
        let locked = Locked {
            chart: place.clone(),
            name,
            version,
            url: None,
            commit: Some(commit),
            manifest: None,
            digest,
            verified: Vec::new(),
        };
        Ok(FetchedChart { locked, bytes })
    }

    async fn fetched(&self, locked: &Locked) -> Result<Vec<u8>, FetchError> {
        match (&locked.chart, &locked.url, &locked.commit) {
            (ChartPlace::Git { git, path, .. }, _, Some(commit)) => {
                let login = self.logins.git(git)?;
                let (_, files) = git::chart(&self.network, git, commit, path, login.as_ref()).await?;
                packed(&locked.name, files, &locked.chart.to_string())
            }
            (ChartPlace::Registry { repo, name, .. }, _, _) => {
                let registry = Registry::at(&format!("{repo}/{name}"), &self.network, &self.logins)?;
                registry.blob(&locked.digest).await
            }
            (ChartPlace::Repository { repo, .. }, Some(url), _) => {
                let repo = self.address(repo)?;
                let access = self.logins.repository(&repo)?;
                let access = if access.everywhere || host(url) == host(&repo) { access } else { Access::default() };
                self.bytes(url, &access, largest()).await
            }
            (ChartPlace::Archive { url }, _, _) => self.bytes(url, &self.logins.repository(url)?, largest()).await,
            (place, _, _) => {
                Err(FetchError::NotTheChart { what: place.to_string(), problem: "is locked without an address".into() })
            }
        }
    }

    async fn bytes(&self, address: &str, access: &Access, limit: usize) -> Result<Vec<u8>, FetchError> {
        let request = Request::get(address).body(Vec::new());
        let request = request.map_err(|_| network::NetworkError::Address { address: address.to_owned() })?;
        let shown = access.login.as_ref().and_then(Login::header);
        Ok(self.network.send(request, shown.as_ref(), &access.trust, limit).await?.bytes)
    }
}

/// Refuses an archive that is not the one that is locked.
pub fn check(locked: &Locked, bytes: &[u8]) -> Result<(), FetchError> {
    let what = locked.chart.to_string();
    let actual =
        if locked.digest.starts_with("files:") { of_files(&archive::unpack(bytes, &what)?) } else { sha256(bytes) };
    same(&what, "was locked", &locked.digest, actual)
}

/// The digest of the layer of a chart's manifest that has one of these types.
fn layer(manifest: &Manifest, types: &[&str], address: &str) -> Result<String, FetchError> {
    let found = manifest.body.layers.iter().find(|it| types.contains(&it.media_type.as_str()));
    let bad = || FetchError::BadAnswer {
        address: address.to_owned(),
        what: "a chart",
        reason: "its manifest has no layer of that kind".into(),
    };
    found.map(|it| it.digest.clone()).filter(|it| it.starts_with("sha256:")).ok_or_else(bad)
}

/// The name and the version that a chart gives itself.
fn named(what: &str, files: &[(String, Vec<u8>)]) -> Result<(String, String), FetchError> {
    let wrong = |problem: &str| FetchError::NotTheChart { what: what.to_owned(), problem: problem.to_owned() };
    let file = files.iter().find(|(path, _)| path == "Chart.yaml").ok_or_else(|| wrong("has no `Chart.yaml`"))?;
    let text = std::str::from_utf8(&file.1).map_err(|_| wrong("has a `Chart.yaml` that is no text"))?;
    let chart = yaml::document(text, &Arc::new(format!("{what}/Chart.yaml")), Rules::Kubernetes)
        .map_err(|error| wrong(&format!("has a `Chart.yaml` that cannot be read: {error}")))?;
    let field = |key: &str| chart.get(key).and_then(Value::as_str).map(str::to_owned);
    let both =
        field("name").zip(field("version")).ok_or_else(|| wrong("has a `Chart.yaml` without name or version"))?;
    let strange = |text: &str| text.is_empty() || text.contains(['/', '\\']) || text.starts_with('.');
    if strange(&both.0) || strange(&both.1) {
        return Err(wrong("has a name or a version that leads elsewhere"));
    }
    Ok(both)
}

fn packed(name: &str, files: Vec<(String, Vec<u8>)>, what: &str) -> Result<Vec<u8>, FetchError> {
    let packed = archive::pack(name, &weft_base::tree::Tree::new(files));
    packed.map_err(|error| FetchError::NotTheChart {
        what: what.to_owned(),
        problem: format!("cannot be packed: {error}"),
    })
}

fn host(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    rest.split('/').next().unwrap_or_default()
}

fn largest() -> usize {
    usize::try_from(LARGEST).unwrap_or(usize::MAX)
}

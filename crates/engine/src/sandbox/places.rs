//! Where programs come from on this machine.

use std::env;
use std::path::{Path, PathBuf};

use crate::sandbox::SandboxError;
use crate::trust::NetworkAccess;

/// The folder where the kubebuilder tools install their control plane.
const KUBEBUILDER: &str = "/usr/local/kubebuilder/bin";

/// Where to look for the programs of a sandbox, and where to keep those that were built.
#[derive(Clone, Debug)]
pub struct Places {
    /// Folders with ready programs, each with the name that messages give it. The first that has all programs of a
    /// project is used.
    pub folders: Vec<(String, PathBuf)>,
    /// The folder in which what was built is kept, by project and version.
    pub cache: PathBuf,
    /// Where official releases are downloaded from.
    pub releases: Releases,
    /// The right to download them.
    pub network: NetworkAccess,
    /// The `go` tool that builds them.
    pub go: Option<PathBuf>,
}

/// Where official releases are downloaded from.
#[derive(Clone, Debug, PartialEq)]
pub enum Releases {
    /// From their own hosts.
    Official,
    /// From this address, with a folder for each project that is laid out as that project's own.
    Mirror(String),
    /// From nowhere.
    Off,
}

impl Places {
    /// What the environment says: `KUBEBUILDER_ASSETS`, then the folder of the kubebuilder tools; the cache in
    /// `WEFT_SANDBOX_CACHE`, or in `weft/sandbox` below `XDG_CACHE_HOME` or `~/.cache`; the address of a mirror of the
    /// official releases, or `off`, in `WEFT_SANDBOX_RELEASES`; proxies for them in `HTTPS_PROXY` and `NO_PROXY`; `go` from `PATH`.
    pub fn new(access: &NetworkAccess) -> Result<Self, SandboxError> {
        let set = |name: &str| access.environment().get(name).filter(|value| !value.is_empty()).cloned();
        let folder = |name: &str| set(name).map(PathBuf::from);
        let shared = || folder("XDG_CACHE_HOME").or_else(|| folder("HOME").map(|home| home.join(".cache")));
        let cache = folder("WEFT_SANDBOX_CACHE").or_else(|| shared().map(|cache| cache.join("weft/sandbox")));
        let assets = folder("KUBEBUILDER_ASSETS").map(|assets| ("`KUBEBUILDER_ASSETS`".to_owned(), assets));
        let system = ("kubebuilder's folder".to_owned(), PathBuf::from(KUBEBUILDER));
        Ok(Self {
            folders: assets.into_iter().chain([system]).collect(),
            cache: std::path::absolute(cache.ok_or(SandboxError::NoCache)?)
                .map_err(SandboxError::file(Path::new(".")))?,
            releases: match set("WEFT_SANDBOX_RELEASES") {
                None => Releases::Official,
                Some(off) if off == "off" => Releases::Off,
                Some(mirror) => Releases::Mirror(mirror),
            },
            network: access.clone(),
            go: set("PATH").and_then(|path| env::split_paths(&path).map(|p| p.join("go")).find(|go| go.is_file())),
        })
    }
}

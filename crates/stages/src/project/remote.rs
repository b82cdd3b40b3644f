//! Charts that are not in the repository: how a release names them.

use serde::{Deserialize, Serialize};

use super::error::ProjectError;
use super::release::{rooted, wrong_kind};
use weft_base::diagnostic::Place;
use weft_base::tree::Tree;
use weft_base::value::{Origin, Value};
use weft_base::yaml;

/// How the address of a registry begins.
const REGISTRY: &str = "oci://";

/// Where a chart from elsewhere is, as somebody wrote it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged, from = "WrittenPlace")]
pub enum ChartPlace {
    /// A chart of a repository with an index (`http://`, `https://`).
    Repository {
        /// The repository's address.
        repo: String,
        /// The chart's name.
        name: String,
        /// A version or a range of versions.
        version: String,
    },
    /// A chart of an OCI registry.
    Registry {
        /// The registry's address, `oci://HOST/PATH`, without the chart's name.
        repo: String,
        /// The chart's name.
        name: String,
        /// A version or a range of versions.
        version: String,
    },
    /// A packed chart.
    Archive {
        /// Its address.
        url: String,
    },
    /// A folder of a git repository.
    Git {
        /// The repository's address.
        git: String,
        /// A branch, a tag or a commit.
        rev: String,
        /// The folder with the chart.
        path: String,
    },
}

/// The fields of a place, as a lock holds them.
#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum WrittenPlace {
    Named { repo: String, name: String, version: String },
    Archive { url: String },
    Git { git: String, rev: String, path: String },
}

impl From<WrittenPlace> for ChartPlace {
    fn from(written: WrittenPlace) -> Self {
        match written {
            WrittenPlace::Named { repo, name, version } => Self::named(repo, name, version),
            WrittenPlace::Archive { url } => Self::Archive { url },
            WrittenPlace::Git { git, rev, path } => Self::Git { git, rev, path },
        }
    }
}

impl ChartPlace {
    /// The chart of this name in a registry, if the address is one's, or else in a repository.
    pub fn named(repo: String, name: String, version: String) -> Self {
        if repo.starts_with(REGISTRY) {
            Self::Registry { repo, name, version }
        } else {
            Self::Repository { repo, name, version }
        }
    }
}

/// A chart from elsewhere, as a release names it.
#[derive(Clone, Debug, PartialEq)]
pub struct RemoteChart {
    /// The release.
    pub release: String,
    /// Where the chart is.
    pub place: ChartPlace,
    /// By which keys it has to be signed.
    pub verify: Verify,
    /// Where that was written.
    pub origin: Origin,
}

/// By which keys a chart has to be signed: paths of files, relative to the root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verify {
    /// `OpenPGP` keys, one of which has to have signed the provenance file.
    pub keyring: Option<String>,
    /// The public key of cosign's signature in the registry.
    pub cosign: Option<String>,
}

impl Verify {
    /// The files with the keys.
    pub fn files(&self) -> impl Iterator<Item = &String> {
        self.keyring.iter().chain(&self.cosign)
    }
}

impl std::fmt::Display for ChartPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Repository { repo, name, version } | Self::Registry { repo, name, version } => {
                write!(f, "{name} {version} of {repo}")
            }
            Self::Archive { url } => f.write_str(url),
            Self::Git { git, rev, path } => write!(f, "{path} at {rev} of {git}"),
        }
    }
}

/// The map form of `chart:`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ChartSpec {
    repo: Option<String>,
    name: Option<String>,
    version: Option<String>,
    url: Option<String>,
    git: Option<String>,
    rev: Option<String>,
    path: Option<String>,
    #[serde(rename = "verify")]
    _verify: Option<VerifySpec>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct VerifySpec {
    #[serde(rename = "keyring")]
    _keyring: Option<String>,
    #[serde(rename = "cosign")]
    _cosign: Option<String>,
}

/// The chart that a `chart:` names, where that is none of this repository.
pub(super) fn chart(tree: &Tree, release: &str, node: &Value) -> Result<Option<RemoteChart>, ProjectError> {
    let (place, verify) = match node.as_str() {
        Some(text) if text.contains("://") => (of_text(text), Verify::default()),
        Some(_) => return Ok(None),
        None if node.as_map().is_some() => (of_map(tree, node)?, verify(tree, node)?),
        None => return Err(wrong_kind(tree, node, "`chart`", "the name or the path of a chart, or where it is")),
    };
    let wrong =
        |problem| ProjectError::NotAChart { release: release.to_owned(), problem, place: Place::of_node(tree, node) };
    let place = place.and_then(|place| checked(&place).map(|()| place)).map_err(wrong)?;
    if verify.cosign.is_some() && !matches!(place, ChartPlace::Registry { .. }) {
        return Err(wrong("has a key of cosign, whose signatures are in OCI registries only"));
    }
    if verify.keyring.is_some() && matches!(place, ChartPlace::Git { .. }) {
        return Err(wrong("has a keyring, and a folder of git has no provenance file"));
    }
    Ok(Some(RemoteChart { release: release.to_owned(), place, verify, origin: node.origin.clone() }))
}

/// `oci://host/path/name:version` or the address of an archive.
fn of_text(text: &str) -> Result<ChartPlace, &'static str> {
    let Some(rest) = text.strip_prefix(REGISTRY) else { return Ok(ChartPlace::Archive { url: text.to_owned() }) };
    let (path, last) = rest.rsplit_once('/').ok_or("names a registry without a chart")?;
    let (name, version) = last.split_once(':').ok_or("names a chart of a registry without a version")?;
    Ok(ChartPlace::Registry { repo: format!("{REGISTRY}{path}"), name: name.into(), version: version.into() })
}

fn of_map(tree: &Tree, node: &Value) -> Result<Result<ChartPlace, &'static str>, ProjectError> {
    let file = node.origin.file.as_deref().map(String::as_str).unwrap_or_default();
    let spec: ChartSpec = yaml::from_value(node, tree.text(file).unwrap_or_default())?;
    Ok(match spec {
        ChartSpec { repo: Some(repo), name, version, url: None, git: None, rev: None, path: None, .. } => {
            match (name, version) {
                (Some(name), Some(version)) => {
                    let repo = repo.trim_end_matches('/').to_owned();
                    Ok(ChartPlace::named(repo, name, version))
                }
                (None, _) => Err("has a `repo` without a `name`"),
                (_, None) => Err("has a `repo` without a `version`"),
            }
        }
        ChartSpec { git: Some(git), rev, path, repo: None, name: None, version: None, url: None, .. } => {
            let rev = rev.ok_or("has a `git` without a `rev`");
            rev.map(|rev| ChartPlace::Git { git, rev, path: path.unwrap_or_else(|| ".".to_owned()) })
        }
        ChartSpec {
            url: Some(url), repo: None, name: None, version: None, git: None, rev: None, path: None, ..
        } => Ok(ChartPlace::Archive { url }),
        _ => Err("is none of `{repo, name, version}`, `{git, rev, path}` and `{url}`"),
    })
}

fn verify(tree: &Tree, node: &Value) -> Result<Verify, ProjectError> {
    let Some(verify) = node.get("verify").filter(|it| !it.is_null()) else { return Ok(Verify::default()) };
    let key = |name: &str, user: &str| {
        verify.get(name).filter(|it| !it.is_null()).map(|node| rooted(tree, node, user)).transpose()
    };
    Ok(Verify { keyring: key("keyring", "`verify.keyring`")?, cosign: key("cosign", "`verify.cosign`")? })
}

/// An address that is neither a repository's nor a registry's.
const NO_REPO: &str = "has a `repo` that begins with none of `https://`, `http://` and `oci://`";

/// What makes a place that nothing can be at.
fn checked(place: &ChartPlace) -> Result<(), &'static str> {
    let begins =
        |text: &str, with: &[&str]| with.iter().any(|it| text.strip_prefix(it).is_some_and(|it| !it.is_empty()));
    let (ChartPlace::Repository { repo: address, .. }
    | ChartPlace::Registry { repo: address, .. }
    | ChartPlace::Archive { url: address }
    | ChartPlace::Git { git: address, .. }) = place;
    if let ChartPlace::Git { git, .. } = place
        && (git.starts_with("ssh://") || git.contains('@') && !git.contains("://"))
    {
        return Err("has a `git` that is reached by SSH, which is not spoken here: write its `https://` address");
    }
    if has_login(address) {
        return Err("has a login in its address, where everybody can read it");
    }
    match place {
        ChartPlace::Repository { repo, .. } if !begins(repo, &["https://", "http://"]) => Err(NO_REPO),
        ChartPlace::Registry { repo, .. } if !begins(repo, &[REGISTRY]) => Err(NO_REPO),
        ChartPlace::Repository { name, .. } | ChartPlace::Registry { name, .. } if !is_name(name) => {
            Err("has a name that no chart can have")
        }
        ChartPlace::Repository { version, .. } | ChartPlace::Registry { version, .. } if version.trim().is_empty() => {
            Err("has an empty version")
        }
        ChartPlace::Archive { url } if !begins(url, &["https://", "http://"]) => {
            Err("has an address that begins with none of `https://`, `http://` and `oci://`")
        }
        ChartPlace::Archive { url } if ![".tgz", ".tar.gz"].iter().any(|end| url.ends_with(end)) => {
            Err("has the address of something that is no `.tgz`")
        }
        ChartPlace::Git { rev, .. } if rev.is_empty() || rev.starts_with('-') => Err("has a `rev` that names nothing"),
        _ => Ok(()),
    }
}

/// Whether an address holds a name or a password.
fn has_login(address: &str) -> bool {
    let rest = address.split_once("://").map_or("", |(_, rest)| rest);
    rest.split('/').next().is_some_and(|host| host.contains('@'))
}

/// Whether a text can be a part of a path and of an address.
fn is_name(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (1..=250).contains(&text.len()) && text.chars().all(inner) && !text.starts_with('.')
}

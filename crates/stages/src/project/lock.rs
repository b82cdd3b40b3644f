//! The lock file of an environment: which charts from elsewhere exactly, by their digests.
//!
//! `environments/<environment>/sources.lock` is written by `weft sources lock` and `weft sources update`, and belongs
//! into git: a run takes the charts that it names, and no others.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::error::ProjectError;
use super::remote::ChartPlace;
use weft_base::diagnostic::Place;
use weft_base::tree::Tree;
use weft_base::value::{Mark, Origin};
use weft_base::yaml;

/// The version of the format that is written, and the only one that is read.
const FORMAT: u32 = 1;
/// What stands above the entries.
const HEAD: &str = "# Written by `weft sources lock`. Commit it, and do not edit it.\n";
/// The folder that charts from elsewhere are vendored into.
pub const VENDOR: &str = "vendor";

/// A lock file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Lock {
    format_version: u32,
    /// The charts, by their place.
    pub charts: Vec<Locked>,
}

/// One chart, exactly.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Locked {
    /// What was asked for.
    pub chart: ChartPlace,
    /// The chart's name.
    pub name: String,
    /// The chart's version.
    pub version: String,
    /// The archive's address; none for a folder of git.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The commit of a folder of git.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The digest of the manifest in an OCI registry, as `sha256:` and 64 hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<String>,
    /// The digest of the archive's bytes, in the same form; for a folder of git, that of its files (`files:`).
    pub digest: String,
    /// The signatures that were checked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub verified: Vec<Verified>,
}

/// A signature that was checked when the chart was locked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Verified {
    /// The digest of the file with the keys.
    pub keys: String,
    /// The fingerprint of the key that signed.
    pub by: String,
}

impl Lock {
    /// The path of an environment's lock file.
    pub fn path(environment: &str) -> String {
        format!("environments/{environment}/sources.lock")
    }

    /// A lock file with these charts.
    pub fn new(mut charts: Vec<Locked>) -> Self {
        charts.sort();
        charts.dedup_by(|a, b| a.chart == b.chart);
        Self { format_version: FORMAT, charts }
    }

    /// Reads the lock file of an environment; one that is not there is empty.
    pub fn read(tree: &Tree, environment: &str) -> Result<Self, ProjectError> {
        let path = Arc::new(Self::path(environment));
        if !tree.contains(&path) {
            return Ok(Self::default());
        }
        let text = tree.text(&path)?;
        let lock: Self = yaml::config(text, &path)?;
        let bad = lock.charts.iter().find(|it| !is_digest(&it.digest) || it.is_unsafe());
        let problem = match bad {
            _ if lock.format_version != FORMAT => {
                format!("has the format {}, and only {FORMAT} is known", lock.format_version)
            }
            Some(bad) => format!("has an entry of `{}` that nobody wrote so", bad.chart),
            None => return Ok(lock),
        };
        let place = Place::bare(Origin::new(&path, Mark::default()));
        Err(ProjectError::BadLock { path: path.to_string(), problem, place })
    }

    /// The file's text; the same for the same charts.
    pub fn write(&self) -> Result<String, ProjectError> {
        let body = serde_yaml::to_string(self).map_err(|error| ProjectError::BadLock {
            path: "sources.lock".into(),
            problem: error.to_string(),
            place: Place::default(),
        })?;
        Ok(format!("{HEAD}{body}"))
    }

    /// The entry of a chart.
    pub fn get(&self, place: &ChartPlace) -> Option<&Locked> {
        self.charts.iter().find(|it| it.chart == *place)
    }

    /// The folder that a chart takes in the project's tree; one that is not locked has none yet, but a name.
    pub(super) fn folder(&self, place: &ChartPlace) -> String {
        self.get(place).map_or_else(|| format!("{VENDOR}/{place}"), Locked::archive)
    }
}

impl Locked {
    /// The path of the archive where it is vendored, relative to the root. Without being vendored the chart stands in
    /// the project's tree at the same path.
    pub fn archive(&self) -> String {
        let (address, name) = match &self.chart {
            ChartPlace::Repository { repo, .. } | ChartPlace::Registry { repo, .. } => {
                (repo.clone(), format!("{}-{}", self.name, self.version))
            }
            ChartPlace::Archive { url } => {
                let (folder, file) = url.rsplit_once('/').unwrap_or(("", url));
                (folder.to_owned(), file.trim_end_matches(".tgz").trim_end_matches(".tar.gz").to_owned())
            }
            ChartPlace::Git { git, .. } => {
                let commit: String = self.commit.iter().flat_map(|it| it.chars()).take(12).collect();
                (git.trim_end_matches(".git").to_owned(), format!("{}-{commit}", self.name))
            }
        };
        let address = address.split_once("://").map_or(address.as_str(), |(_, rest)| rest);
        let address = address.rsplit('@').next().unwrap_or_default();
        let part = |text: &str| text.replace(|c: char| !(c.is_ascii_alphanumeric() || "-_.+".contains(c)), "_");
        let folders = address.split('/').filter(|it| !it.trim_matches('.').is_empty()).map(part);
        let parts: Vec<String> = [VENDOR.to_owned()].into_iter().chain(folders).chain([part(&name)]).collect();
        format!("{}.tgz", parts.join("/"))
    }

    /// Whether the name or the version could lead out of the folder of vendored charts.
    fn is_unsafe(&self) -> bool {
        let strange = |text: &str| text.is_empty() || text.contains(['/', '\\']) || text.starts_with('.');
        strange(&self.name) || strange(&self.version)
    }
}

/// Whether a text is a digest as it is written here.
fn is_digest(text: &str) -> bool {
    let hex = text.strip_prefix("sha256:").or_else(|| text.strip_prefix("files:")).unwrap_or_default();
    hex.len() == 64 && hex.bytes().all(|it| it.is_ascii_digit() || (b'a'..=b'f').contains(&it))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locked(chart: ChartPlace) -> Locked {
        Locked {
            chart,
            name: "app".into(),
            version: "1.2.3+a".into(),
            url: None,
            commit: Some("0123456789abcdef0123456789abcdef01234567".into()),
            manifest: None,
            digest: format!("sha256:{}", "a".repeat(64)),
            verified: vec![Verified { keys: format!("sha256:{}", "b".repeat(64)), by: "ABCD".into() }],
        }
    }

    fn repository(repo: &str) -> ChartPlace {
        ChartPlace::named(repo.into(), "app".into(), "^1".into())
    }

    #[test]
    fn a_lock_is_read_as_it_was_written() {
        let git = ChartPlace::Git { git: "https://x.example.com/a.git".into(), rev: "v1".into(), path: ".".into() };
        let archive = ChartPlace::Archive { url: "https://x.example.com/app-1.tgz".into() };
        let lock = Lock::new([git, archive, repository("oci://x.example.com/charts")].map(locked).to_vec());
        let text = lock.write().unwrap();
        let tree = Tree::new([(Lock::path("dev"), text.clone().into_bytes())]);
        assert_eq!(Lock::read(&tree, "dev").unwrap(), lock, "{text}");
    }

    #[test]
    fn vendored_charts_stay_in_their_folder() {
        let path = |chart| locked(chart).archive();
        assert_eq!(path(repository("oci://me@x.example.com:5000/../a")), "vendor/x.example.com_5000/a/app-1.2.3+a.tgz");
        let git = ChartPlace::Git { git: "https://x.example.com/b.git".into(), rev: "v1".into(), path: "c".into() };
        assert_eq!(path(git), "vendor/x.example.com/b/app-0123456789ab.tgz");
        assert_eq!(path(ChartPlace::Archive { url: "http://x/y/app-1.tgz".into() }), "vendor/x/y/app-1.tgz");
    }

    #[test]
    fn an_entry_that_leads_out_is_refused() {
        let mut bad = locked(repository("https://x.example.com"));
        bad.name = "../../etc".into();
        let tree = Tree::new([(Lock::path("dev"), Lock::new(vec![bad]).write().unwrap().into_bytes())]);
        assert!(matches!(Lock::read(&tree, "dev"), Err(ProjectError::BadLock { .. })));
    }
}

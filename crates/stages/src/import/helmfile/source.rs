//! Where the objects of a release come from.

use super::Import;
use crate::import::ImportError;
use crate::import::entry::{quoted, word};
use weft_base::tree;
use weft_base::value::Value;

impl Import<'_, '_, '_> {
    /// The line that says where the objects come from.
    pub(super) fn source(&mut self, release: &Value, name: &str) -> Result<String, ImportError> {
        let chart = release.get("chart").and_then(Value::as_str).unwrap_or_default();
        if let Some(git) = chart.strip_prefix("git::").or_else(|| chart.contains(".git@").then_some(chart)) {
            return Ok(git_source(git));
        }
        if chart.starts_with("oci://") {
            return Ok(self.registry(chart, release, name));
        }
        if chart.starts_with("http://") || chart.starts_with("https://") {
            return Ok(format!("  chart: {}\n", word(chart)));
        }
        let local = tree::join(&self.folder, chart);
        let is_there = local.as_ref().is_ok_and(|it| self.repository.files().has_folder(it));
        if chart.starts_with('.') || chart.starts_with('/') || is_there {
            return self.local(chart, name);
        }
        self.declared(chart, release, name)
    }

    /// `REPOSITORY/CHART`, of a repository that the helmfile declares.
    fn declared(&mut self, chart: &str, release: &Value, name: &str) -> Result<String, ImportError> {
        let Some((repository, below)) = chart.split_once('/') else {
            return Err(ImportError::WrongChart { chart: chart.to_owned(), release: name.to_owned() });
        };
        let repositories = self.whole.get("repositories").and_then(Value::as_list).unwrap_or_default();
        let known = repositories.iter().find(|it| it.get("name").and_then(Value::as_str) == Some(repository));
        let Some(url) = known.and_then(|it| it.get("url")).and_then(Value::as_str).map(str::to_owned) else {
            return Err(ImportError::NoRepository { repository: repository.to_owned(), chart: chart.to_owned() });
        };
        let is_oci = known.and_then(|it| it.get("oci")).and_then(Value::as_bool) == Some(true);
        let has_login = known.is_some_and(|it| it.get("username").is_some() || it.get("passCredentials").is_some());
        if has_login {
            self.draft.note(format!(
                "The login to the repository `{repository}` is left out: log in by `helm repo add` or `docker login`."
            ));
        }
        if is_oci || url.starts_with("oci://") {
            let host = url.strip_prefix("oci://").unwrap_or(&url).trim_end_matches('/');
            return Ok(self.registry(&format!("oci://{host}/{below}"), release, name));
        }
        Ok(self.remote(&url, below, None, release, name))
    }

    /// A chart of an OCI registry: the last part of its address is its name, which may have a tag.
    fn registry(&mut self, address: &str, release: &Value, name: &str) -> String {
        let (repo, last) = address.rsplit_once('/').unwrap_or(("", address));
        let (last, digest) = last.split_once('@').map_or((last, None), |(last, digest)| (last, Some(digest)));
        let (chart, tag) = last.split_once(':').map_or((last, None), |(chart, tag)| (chart, Some(tag)));
        if let Some(digest) = digest {
            self.draft.note(format!(
                "The digest `{digest}` of the chart of the release `{name}` is left out: `weft sources lock` records it, so \
                 compare the two."
            ));
        }
        self.remote(repo, chart, tag, release, name)
    }

    /// A chart from elsewhere, in the version that the release or the address names.
    fn remote(&mut self, repo: &str, chart: &str, tag: Option<&str>, release: &Value, name: &str) -> String {
        let version = release.get("version").and_then(Value::as_str).or(tag).unwrap_or_else(|| {
            self.draft
                .note(format!("The release `{name}` names no version of its chart: any is taken until it is locked."));
            ">0.0.0-0"
        });
        format!("  chart: {{repo: {}, name: {}, version: {}}}\n", quoted(repo), quoted(chart), quoted(version))
    }

    fn local(&mut self, chart: &str, name: &str) -> Result<String, ImportError> {
        let outside = || ImportError::ChartOutside { chart: chart.to_owned(), release: name.to_owned() };
        if chart.starts_with('/') || !self.repository.is_inside() {
            return Err(outside());
        }
        let path = tree::join(&self.folder, chart).map_err(|_| outside())?;
        let files = self.repository.files();
        let there = |file: &str| files.contains(&tree::join(&path, file).unwrap_or_default());
        if there("Chart.yaml") || files.contains(&path) {
            return Ok(format!("  chart: {}\n", word(&format!("/{path}"))));
        }
        let shown = if path.is_empty() { "." } else { &path };
        if ["kustomization.yaml", "kustomization.yml", "Kustomization"].into_iter().any(there) {
            return Ok(format!("  kustomization: {}\n", word(shown)));
        }
        if files.has_folder(&path) {
            return Ok(format!("  manifests: {}\n", word(shown)));
        }
        Err(ImportError::NoChart { chart: chart.to_owned(), release: name.to_owned() })
    }
}

/// `https://host/repo.git@path/of/chart?ref=v1`, as `helm-git` and helmfile write it.
fn git_source(text: &str) -> String {
    let (address, query) = text.split_once('?').unwrap_or((text, ""));
    let rev = query.split('&').find_map(|it| it.strip_prefix("ref=")).unwrap_or("HEAD");
    let (git, path) = match address.rsplit_once('@') {
        Some((git, path)) if git.contains("://") && !path.contains(':') => (git, path),
        _ => (address, "."),
    };
    format!("  chart: {{git: {}, rev: {}, path: {}}}\n", quoted(git), quoted(rev), quoted(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charts_of_git_are_read_as_helmfile_writes_them() {
        let expected = "  chart: {git: \"https://example.com/a/b.git\", rev: v1, path: charts/c}\n";
        assert_eq!(git_source("https://example.com/a/b.git@charts/c?ref=v1"), expected);
        let expected = "  chart: {git: \"https://example.com/a/b.git\", rev: HEAD, path: \".\"}\n";
        assert_eq!(git_source("https://example.com/a/b.git"), expected);
    }
}

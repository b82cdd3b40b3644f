//! Where the objects of a release come from.

use std::path::Path;

use super::Import;
use super::entry::quoted;
use crate::cli::import::draft::{ImportError, word};
use crate::diagnostic::Failure;
use crate::value::Value;

impl Import<'_, '_> {
    /// The line that says where the objects come from.
    pub(super) fn source(&mut self, release: &Value, name: &str, whole: &Value) -> Result<String, Failure> {
        let chart = release.get("chart").and_then(Value::as_str).unwrap_or_default();
        if let Some(git) = chart.strip_prefix("git::").or_else(|| chart.contains(".git@").then_some(chart)) {
            return Ok(of_git(git));
        }
        if let Some(rest) = chart.strip_prefix("oci://") {
            let (repo, last) = rest.rsplit_once('/').unwrap_or(("", rest));
            return Ok(self.remote(&format!("oci://{repo}"), last, release, name));
        }
        if chart.starts_with("http://") || chart.starts_with("https://") {
            return Ok(format!("  chart: {}\n", word(chart)));
        }
        let local = self.folder.join(chart);
        if chart.starts_with('.') || chart.starts_with('/') || local.is_dir() {
            return self.local(&local, chart, name);
        }
        self.of_repository(chart, release, name, whole)
    }

    /// `REPOSITORY/CHART`, of a repository that the helmfile declares.
    fn of_repository(&mut self, chart: &str, release: &Value, name: &str, whole: &Value) -> Result<String, Failure> {
        let Some((repo, of)) = chart.split_once('/') else {
            let what = format!("the chart `{chart}` of the release `{name}` is neither a folder nor of a repository");
            return Err(ImportError::unfit(what, "Write it as `./FOLDER` or `REPOSITORY/CHART`.").into());
        };
        let repositories = whole.get("repositories").and_then(Value::as_list).unwrap_or_default();
        let known = repositories.iter().find(|it| it.get("name").and_then(Value::as_str) == Some(repo));
        let url = known.and_then(|it| it.get("url")).and_then(Value::as_str);
        let Some(url) = url else {
            let what = format!("the repository `{repo}` of the chart `{chart}` is not declared");
            return Err(ImportError::unfit(what, "Add it to `repositories:` of the helmfile.").into());
        };
        if known.is_some_and(|it| it.get("username").is_some() || it.get("passCredentials").is_some()) {
            self.draft.note(format!(
                "The login to the repository `{repo}` is left out: log in by `helm repo add` or `docker login`."
            ));
        }
        let is_oci = known.and_then(|it| it.get("oci")).and_then(Value::as_bool) == Some(true);
        let url = if is_oci && !url.contains("://") { format!("oci://{url}") } else { url.to_owned() };
        Ok(self.remote(&url, of, release, name))
    }

    /// A chart from elsewhere, in the version that the release names.
    fn remote(&mut self, repo: &str, of: &str, release: &Value, name: &str) -> String {
        let version = release.get("version").and_then(Value::as_str).unwrap_or_else(|| {
            self.draft
                .note(format!("The release `{name}` names no version of its chart: any is taken until it is locked."));
            ">0.0.0-0"
        });
        format!("  chart: {{repo: {}, name: {}, version: {}}}\n", quoted(repo), quoted(of), quoted(version))
    }

    fn local(&mut self, place: &Path, chart: &str, name: &str) -> Result<String, Failure> {
        let within = || place.strip_prefix(self.draft.root()).ok().map(|it| it.to_string_lossy().into_owned());
        let Some(path) = self.draft.real_path(place).or_else(within) else {
            let what = format!("the chart `{chart}` of the release `{name}` is outside of the repository");
            return Err(ImportError::unfit(
                what,
                "Copy it into the repository, or name the repository's root by `-C`.",
            )
            .into());
        };
        let there = |file: &str| place.join(file).is_file();
        if there("Chart.yaml") || place.is_file() {
            return Ok(format!("  chart: {}\n", word(&format!("/{path}"))));
        }
        if ["kustomization.yaml", "kustomization.yml", "Kustomization"].into_iter().any(there) {
            return Ok(format!("  kustomization: {}\n", word(&path)));
        }
        if place.is_dir() {
            return Ok(format!("  manifests: {}\n", word(&path)));
        }
        let what = format!("the chart `{chart}` of the release `{name}` is not there");
        Err(ImportError::unfit(what, "Correct the path: it counts from the folder of the helmfile.").into())
    }
}

/// `https://host/repo.git@path/of/chart?ref=v1`, as `helm-git` and helmfile write it.
fn of_git(text: &str) -> String {
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
        assert_eq!(of_git("https://example.com/a/b.git@charts/c?ref=v1"), expected);
        let expected = "  chart: {git: \"https://example.com/a/b.git\", rev: HEAD, path: \".\"}\n";
        assert_eq!(of_git("https://example.com/a/b.git"), expected);
    }
}

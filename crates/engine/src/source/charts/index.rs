//! Which version of a chart: the index of a repository, and the tags of a registry.

use std::sync::Arc;

use super::FetchError;
use crate::network::join;
use weft_base::diagnostic::nearest;
use weft_base::value::Value;
use weft_base::yaml::{self, Rules};
use weft_gotemplate::functions::semver::{Constraints, Version};

/// How many versions an error names.
const NAMED: usize = 5;

/// One version of a chart in an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IndexEntry {
    pub version: String,
    /// The archive's address.
    pub url: String,
    /// The digest that the index announces, if it does.
    pub digest: Option<String>,
}

/// The version of a chart that an `index.yaml` at `address` has for a version or a range, as Helm chooses it: the very
/// text first, else the greatest that fits.
pub(super) fn indexed(
    text: &str,
    address: &str,
    (repo, name, wanted): ChartQuery<'_>,
) -> Result<IndexEntry, FetchError> {
    let bad =
        |reason: String| FetchError::BadAnswer { address: address.to_owned(), what: "an index of charts", reason };
    let index = yaml::document(text, &Arc::new(address.to_owned()), Rules::Kubernetes);
    let index = index.map_err(|error| bad(error.to_string()))?;
    let charts = index.get("entries").and_then(Value::as_map).ok_or_else(|| bad("it has no `entries`".into()))?;
    let Some(entries) = charts.get(name).and_then(Value::as_list) else {
        let nearest = nearest(name, charts.iter().map(|it| it.key.as_str())).map(str::to_owned);
        return Err(FetchError::NoChart { repo: repo.to_owned(), name: name.to_owned(), nearest });
    };
    let versions: Vec<&str> = entries.iter().filter_map(|it| it.get("version")?.as_str()).collect();
    let version = chosen(&versions, (repo, name, wanted))?;
    let entry = entries.iter().find(|it| it.get("version").and_then(Value::as_str) == Some(version));
    let url = entry.and_then(|it| it.get("urls")?.as_list()?.first()?.as_str());
    let url = url.ok_or_else(|| bad(format!("`{name}` {version} has no address")))?;
    let digest = entry.and_then(|it| it.get("digest")?.as_str()).map(|it| it.trim_start_matches("sha256:"));
    Ok(IndexEntry {
        version: version.to_owned(),
        url: join(&format!("{}/", repo.trim_end_matches('/')), url),
        digest: digest.filter(|it| it.len() == 64).map(|it| format!("sha256:{}", it.to_lowercase())),
    })
}

/// The repository, the chart's name, and the version or range.
pub(super) type ChartQuery<'a> = (&'a str, &'a str, &'a str);

/// The version among those that there are.
pub(super) fn chosen<'v>(versions: &[&'v str], (repo, name, wanted): ChartQuery<'_>) -> Result<&'v str, FetchError> {
    if let Some(same) = versions.iter().find(|it| **it == wanted) {
        return Ok(same);
    }
    let range = Constraints::parse(wanted)
        .map_err(|error| FetchError::BadVersion { version: wanted.to_owned(), reason: error.to_string() })?;
    let mut read: Vec<(Version, &str)> =
        versions.iter().filter_map(|text| Some((Version::parse(text).ok()?, *text))).collect();
    read.sort_by(|a, b| b.0.cmp(&a.0));
    if let Some((_, text)) = read.iter().find(|(version, _)| range.check(version)) {
        return Ok(text);
    }
    let known = read.iter().take(NAMED).map(|(_, text)| (*text).to_owned()).collect();
    Err(FetchError::NoVersion { repo: repo.to_owned(), name: name.to_owned(), version: wanted.to_owned(), known })
}

/// Whether a text is one version and no range.
pub(super) fn is_exact(text: &str) -> bool {
    Version::parse_strict(text.trim_start_matches('v')).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const INDEX: &str = "
apiVersion: v1
entries:
  app:
  - {version: 1.2.0, urls: [app-1.2.0.tgz], digest: 9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08}
  - {version: 1.10.0, urls: [https://files.example.com/app-1.10.0.tgz]}
  - {version: 2.0.0-rc.1, urls: [app-2.tgz]}
  - {version: latest, urls: [app.tgz]}
";

    fn of(name: &str, wanted: &str) -> Result<IndexEntry, String> {
        let address = "https://charts.example.com/index.yaml";
        indexed(INDEX, address, ("https://charts.example.com", name, wanted)).map_err(|error| {
            let diagnostic = weft_base::diagnostic::Diagnostic::of(&error);
            format!("{}; {}", diagnostic.reason(), diagnostic.hint.unwrap_or_default())
        })
    }

    #[test]
    fn the_greatest_version_that_fits_is_chosen() {
        for (wanted, version) in
            [("1.2.0", "1.2.0"), ("^1", "1.10.0"), ("~1.2", "1.2.0"), (">1.10.0-0", "2.0.0-rc.1"), ("latest", "latest")]
        {
            assert_eq!(of("app", wanted).unwrap().version, version, "{wanted}");
        }
    }

    #[test]
    fn addresses_are_beside_the_index_and_digests_in_one_form() {
        let found = of("app", "1.2.0").unwrap();
        assert_eq!(found.url, "https://charts.example.com/app-1.2.0.tgz");
        let digest = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
        assert_eq!(found.digest.as_deref(), Some(digest));
        assert_eq!(of("app", "1.10.0").unwrap().url, "https://files.example.com/app-1.10.0.tgz");
    }

    #[test]
    fn what_is_not_there_is_named_with_what_is() {
        let error = of("ap", "1").unwrap_err();
        assert_eq!(error, "`https://charts.example.com` has no chart `ap`; Did you mean `app`?");
        let error = of("app", "^3").unwrap_err();
        assert_eq!(
            error,
            "`https://charts.example.com` has no version ^3 of `app`; There are 2.0.0-rc.1, 1.10.0, 1.2.0."
        );
        assert!(of("app", "one").unwrap_err().starts_with("`one` is neither a version nor a range of versions"));
        assert!(indexed("a: 1", "x", ("r", "n", "1")).unwrap_err().to_string().contains("it has no `entries`"));
    }

    #[test]
    fn a_version_is_told_from_a_range() {
        assert!(is_exact("1.2.3") && is_exact("v1.2.3") && is_exact("1.2.3-rc.1+x"));
        assert!(!is_exact("1.2") && !is_exact("^1.2.3") && !is_exact("1.x.x"));
    }
}

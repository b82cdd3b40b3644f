//! Repositories as kustomize writes them: `https://host/org/repo//folder?ref=v1`.

use std::fmt;

/// A folder of a repository elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// What was written.
    pub raw: String,
    /// What git clones.
    pub repository: String,
    /// The folder in it.
    pub path: String,
    /// The branch, tag or commit; the default branch where none is given.
    pub reference: Option<String>,
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.raw)
    }
}

impl Remote {
    /// The repository that a text names; `None` for a path.
    pub fn parse(raw: &str) -> Option<Self> {
        if raw.starts_with('/') {
            return None;
        }
        let (address, query) = raw.split_once('?').unwrap_or((raw, ""));
        let (host, rest) = host(strip(address, "git::").unwrap_or(address))?;
        let (repository, path) = split(rest, host.starts_with("file://"))?;
        let path = weft_base::tree::join("", path.trim_start_matches('/')).ok()?;
        let repository = format!("{host}{repository}");
        Some(Self { raw: raw.to_owned(), repository, path, reference: reference(query) })
    }
}

/// The part of an address before the path of the repository, and what follows it.
fn host(address: &str) -> Option<(String, &str)> {
    let schemes = ["ssh://", "https://", "http://", "file://"];
    let (scheme, rest) = schemes.iter().find_map(|it| Some((*it, strip(address, it)?))).unwrap_or(("", address));
    if scheme == "file://" {
        return Some((scheme.to_owned(), rest));
    }
    let user = rest.split_once('@').map(|(user, _)| user).filter(|user| {
        user.starts_with(|c: char| c.is_ascii_alphabetic())
            && user.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    });
    let user = user.map(|user| format!("{user}@")).unwrap_or_default();
    let rest = &rest[user.len()..];
    let github = strip(rest, "github.com").is_some_and(|it| it.starts_with(['/', ':']));
    let short = scheme.is_empty() && (!user.is_empty() || github);
    if scheme.is_empty() && !short {
        return None;
    }
    let slash = rest.find('/');
    let colon = rest.find(':').filter(|at| short && *at > 0 && slash.is_none_or(|slash| *at < slash));
    let end = colon.or(slash).map_or(rest.len(), |at| at + 1);
    let (name, path) = rest.split_at(end);
    let host = match github {
        true if scheme == "ssh://" || !user.is_empty() => format!("{user}github.com:"),
        true => "https://github.com/".to_owned(),
        false => format!("{scheme}{user}{name}"),
    };
    (!name.is_empty()).then_some((host, path))
}

/// The path of the repository, and the folder in it.
fn split(path: &str, whole: bool) -> Option<(&str, &str)> {
    const AZURE: &str = "_git/";
    let cut = if let Some(at) = path.find(AZURE) {
        let start = at + AZURE.len();
        path[start..].find('/').map_or((path, ""), |end| (&path[..start + end], &path[start + end + 1..]))
    } else if let Some(at) = path.find("//") {
        (&path[..at], &path[at + 2..])
    } else if let Some(at) = path.find(".git") {
        path.split_at(at + ".git".len())
    } else if whole {
        (path, "")
    } else {
        let slash = path.find('/')?;
        path[slash + 1..].find('/').map_or((path, ""), |end| path.split_at(slash + 1 + end))
    };
    (!cut.0.is_empty()).then_some(cut)
}

/// The revision that a query names. What else it may say is for the program that kustomize runs: `timeout`, and
/// `submodules`, which are never brought.
fn reference(query: &str) -> Option<String> {
    let value = |key: &str| {
        let mut values = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == key);
        values.next().map(|(_, value)| value.into_owned()).filter(|it| !it.is_empty())
    };
    value("ref").or_else(|| value("version"))
}

/// What follows a prefix, in whatever case that is written.
fn strip<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An address, what git clones, the folder in it, and the revision; `-` for none, `!` for what is no repository.
    const CASES: &str = include_str!("remote_cases.tsv");

    fn parsed(raw: &str) -> Vec<String> {
        let Some(found) = Remote::parse(raw) else { return vec!["!".into()] };
        let or_none = |text: String| if text.is_empty() { "-".into() } else { text };
        vec![found.repository, or_none(found.path), or_none(found.reference.unwrap_or_default())]
    }

    #[test]
    fn addresses_are_read_as_kustomize_reads_them() {
        for row in CASES.lines().filter(|it| !it.starts_with('#')) {
            let mut columns = row.split('\t');
            let raw = columns.next().unwrap();
            assert_eq!(parsed(raw), columns.collect::<Vec<_>>(), "{raw}");
        }
    }

    #[test]
    fn all_ways_to_write_a_host_go_with_all_paths() {
        let hosts = [
            ("gitHub.com/", "https://github.com/"),
            ("github.com:", "https://github.com/"),
            ("http://github.com/", "https://github.com/"),
            ("hTTps://github.com/", "https://github.com/"),
            ("https://fabrikops2.visualstudio.com/", "https://fabrikops2.visualstudio.com/"),
            ("ssh://git.example.com:7999/", "ssh://git.example.com:7999/"),
            ("git::https://gitlab.com/", "https://gitlab.com/"),
            ("git::http://git.example.com/", "http://git.example.com/"),
            ("git@github.com:", "git@github.com:"),
            ("git@github.com/", "git@github.com:"),
            ("git::git@github.com:", "git@github.com:"),
            ("org-12345@github.com/", "org-12345@github.com:"),
        ];
        for (written, host) in hosts {
            for folder in ["", "README.md", "foo/krusty.txt"] {
                for (query, reference) in
                    [("", "-"), ("?ref=group/version", "group/version"), ("?ref=v0.1.0", "v0.1.0")]
                {
                    let slash = if folder.is_empty() { "" } else { "/" };
                    let raw = format!("{written}some/repo{slash}{folder}{query}");
                    let folder = if folder.is_empty() { "-" } else { folder };
                    assert_eq!(parsed(&raw), [&format!("{host}some/repo"), folder, reference], "{raw}");
                }
            }
        }
    }

    #[test]
    fn a_query_names_the_revision() {
        for (query, expected) in [
            ("", None),
            ("ref=kustomize/v4.5.7", Some("kustomize/v4.5.7")),
            ("ref=feature%2Fone", Some("feature/one")),
            ("version=master", Some("master")),
            ("version=master&ref=v1.0.0", Some("v1.0.0")),
            ("ref=&version=master", Some("master")),
            ("version=master&submodules=false&timeout=1m1s", Some("master")),
        ] {
            assert_eq!(reference(query).as_deref(), expected, "{query}");
        }
    }
}

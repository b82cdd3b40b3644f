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
        let path = crate::tree::join("", path.trim_start_matches('/')).ok()?;
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

fn reference(query: &str) -> Option<String> {
    let value = |key: &str| {
        let values = query.split('&').filter_map(|it| it.split_once('='));
        values.filter(|(name, value)| *name == key && !value.is_empty()).map(|(_, value)| value.to_owned()).next()
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

    #[test]
    fn addresses_are_told_from_paths() {
        for (raw, expected) in [
            (
                "https://github.com/org/repo//base/dev?ref=v1.0.6",
                Some(("https://github.com/org/repo", "base/dev", Some("v1.0.6"))),
            ),
            ("github.com/org/repo/base", Some(("https://github.com/org/repo", "base", None))),
            ("git@github.com:org/repo.git/base", Some(("git@github.com:org/repo.git", "base", None))),
            ("ssh://git@host.example:2222/org/repo", Some(("ssh://git@host.example:2222/org/repo", "", None))),
            ("file:///srv/repo//a/b?ref=x", Some(("file:///srv/repo", "a/b", Some("x")))),
            ("https://host/_git/repo/a", Some(("https://host/_git/repo", "a", None))),
            ("../base", None),
            ("/base", None),
            ("base/dev", None),
            ("https://github.com/org/repo//../x", None),
        ] {
            let found = Remote::parse(raw);
            let found = found.as_ref().map(|it| (it.repository.as_str(), it.path.as_str(), it.reference.as_deref()));
            assert_eq!(found, expected, "{raw}");
        }
    }
}

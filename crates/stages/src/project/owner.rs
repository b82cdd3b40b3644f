//! Which project owns a piece of state: its identity, and the repository that it lives in.
//!
//! Two repositories may well have an environment `dev` with a release `web` on one cluster. What keeps them apart is the
//! identity in `environments/project.yaml`, which is made once and committed.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::error::ProjectError;
use super::release::is_label;
use weft_base::diagnostic::Place;
use weft_base::tree::Tree;
use weft_base::value::{Map, Mark, Origin, Value};
use weft_base::yaml::{self, Rules};

/// The file that holds the identity of a project.
pub const PROJECT_FILE: &str = "environments/project.yaml";

/// The project that state in a cluster belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Owner {
    /// The identity of the project.
    pub id: String,
    /// Where the project was when it was applied last.
    #[serde(default)]
    pub repository: Repository,
}

/// What tells a repository, and a project in it, from its copies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Repository {
    /// The address of its remote `origin` without scheme, user and port: `github.com/org/platform`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote: Option<String>,
    /// Its first commit, if it has no such remote and its history is complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
    /// The project's folder in it; empty for the top.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub folder: String,
}

impl Repository {
    /// Whether this is known to be another place than `other`. What one of them does not tell proves nothing.
    pub fn differs_from(&self, other: &Self) -> bool {
        let known = [(&self.remote, &other.remote), (&self.root, &other.root)];
        let compared = known.into_iter().find_map(|(one, two)| Some(one.as_ref()? == two.as_ref()?));
        compared.is_some_and(|is_same| !is_same || self.folder != other.folder)
    }

    /// Whether nothing is known of it.
    pub fn is_unknown(&self) -> bool {
        self.remote.is_none() && self.root.is_none()
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.remote, &self.root) {
            (Some(remote), _) => f.write_str(remote)?,
            (None, Some(root)) => write!(f, "the repository that begins with commit {}", short(root))?,
            (None, None) => return f.write_str("an unknown repository"),
        }
        if self.folder.is_empty() { Ok(()) } else { write!(f, ", folder {}", self.folder) }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.repository.is_unknown() {
            write!(f, "{}", self.id)
        } else {
            write!(f, "{} ({})", self.id, self.repository)
        }
    }
}

fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    id: String,
}

/// The identity of the project; `None` if it has none yet.
pub fn project_id(tree: &Tree) -> Result<Option<String>, ProjectError> {
    if !tree.contains(PROJECT_FILE) {
        return Ok(None);
    }
    let text = tree.text(PROJECT_FILE)?;
    let file = Arc::new(PROJECT_FILE.to_owned());
    let mut node = yaml::document(text, &file, Rules::Strict)?;
    if node.is_null() {
        node = Value::from(Map::new()).at(Origin::new(&file, Mark::default()));
    }
    let File { id } = yaml::from_value(&node, text)?;
    if is_label(&id) {
        return Ok(Some(id));
    }
    let place = node.get("id").map(|it| Place::of_node(tree, it)).unwrap_or_default();
    Err(ProjectError::NotALabel { what: "project id", text: id, place })
}

/// The text of a project file.
pub fn project_file(id: &str) -> String {
    format!(
        "# The identity of this project: it keeps its state apart from that of other projects on the same cluster.\n\
         # Commit this file and do not change it. A fork or copy needs an identity of its own: delete the file and run\n\
         # `weft init --identity`.\n\
         id: {id}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_both_tell_can_differ() {
        let at = |remote: Option<&str>, root: Option<&str>, folder: &str| Repository {
            remote: remote.map(str::to_owned),
            root: root.map(str::to_owned),
            folder: folder.to_owned(),
        };
        let origin = at(Some("example.com/a"), None, "");
        assert!(!origin.differs_from(&origin));
        assert!(!origin.differs_from(&Repository::default()));
        assert!(!origin.differs_from(&at(None, Some("1"), "")));
        assert!(origin.differs_from(&at(Some("example.com/b"), None, "")));
        assert!(origin.differs_from(&at(Some("example.com/a"), None, "copy")));
        assert!(at(None, Some("1"), "").differs_from(&at(None, Some("2"), "")));
        assert!(!at(None, Some("1"), "").differs_from(&at(None, Some("1"), "")));
    }
}

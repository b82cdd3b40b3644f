//! Where resources came from and what changed them, for `buildMetadata`.

use super::remote::Remote;
use weft_base::value::{Map, Value};
use weft_base::yaml::{self, Order, Write};

/// The annotation that names the file or the generator of a resource.
pub const ORIGIN: &str = "config.kubernetes.io/origin";
/// The annotation that names the transformers that changed a resource.
pub const TRANSFORMATIONS: &str = "alpha.config.kubernetes.io/transformations";

/// A file, or a generator or transformer in one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    /// The path below the kustomization that is built, or in the repository.
    pub path: String,
    /// The repository, if it is one elsewhere.
    pub repository: String,
    /// Its branch, tag or commit.
    pub reference: String,
    /// What the generator or transformer is: apiVersion, kind, name, namespace.
    pub configured_by: Option<[String; 4]>,
}

impl Provenance {
    /// What a path of it leads to.
    pub fn below(&self, path: &str) -> Self {
        match Remote::parse(path) {
            Some(remote) => Self {
                path: remote.path,
                repository: remote.repository,
                reference: remote.reference.unwrap_or_default(),
                configured_by: None,
            },
            None => Self { path: joined(&self.path, path), configured_by: None, ..self.clone() },
        }
    }

    /// A generator or transformer of that file.
    pub fn by(self, api_version: &str, kind: &str, name: &str, namespace: &str) -> Self {
        let configured_by = Some([api_version, kind, name, namespace].map(str::to_owned));
        Self { configured_by, ..self }
    }

    /// It as a map.
    fn value(&self) -> Value {
        let mut map = Map::new();
        let mut add = |key: &str, value: &str| {
            if !value.is_empty() {
                map.insert(key, value);
            }
        };
        if self.configured_by.is_none() {
            add("path", &self.path);
        }
        add("repo", &self.repository);
        add("ref", &self.reference);
        if let Some(by) = &self.configured_by {
            add("configuredIn", &self.path);
            let keys = ["apiVersion", "kind", "name", "namespace"];
            let by: Map =
                keys.into_iter().zip(by).filter(|(_, it)| !it.is_empty()).map(|(k, v)| (k, v.as_str())).collect();
            map.insert("configuredBy", by);
        }
        map.into()
    }

    /// The text of the annotation.
    pub fn text(&self) -> String {
        written(&self.value())
    }
}

/// The text of the annotation of several.
pub fn texts(all: &[Provenance]) -> String {
    written(&all.iter().map(Provenance::value).collect::<Vec<_>>().into())
}

fn written(value: &Value) -> String {
    yaml::write_with(value, Write { order: Order::Written, ..Write::default() })
}

/// A path below another, with `..` taken together; it may leave the other.
fn joined(path: &str, below: &str) -> String {
    let mut parts: Vec<&str> = path.split('/').filter(|it| !it.is_empty()).collect();
    for part in below.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|it| *it != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

//! What Helm prints of a rendered chart, byte for byte: documents sorted by kind, hooks apart at the end.

use std::sync::{Arc, LazyLock};

use memchr::memmem;

use super::ChartError;
use super::cores::{self, Cores};
use weft_base::value::{Data, Map, Mark, Value};
use weft_base::yaml::{self, Rules, YamlError};

/// The order in which kinds are installed; others come last, by name.
static ORDER: LazyLock<Vec<&str>> = LazyLock::new(|| include_str!("install-order.txt").lines().collect());

/// What Helm calls the points of a release's life at which hooks run. A document with another one is dropped.
const EVENTS: [&str; 10] = [
    "pre-install",
    "post-install",
    "pre-delete",
    "post-delete",
    "pre-upgrade",
    "post-upgrade",
    "pre-rollback",
    "post-rollback",
    "test",
    "test-success",
];

const HOOK: &str = "helm.sh/hook";

/// How many bytes are printed around a document.
const FRAME: usize = "---\n# Source: \n\n".len();

/// One document of a rendered file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document<'t> {
    /// The template, such as `app/templates/service.yaml`.
    pub path: &'t str,
    /// Its text, without the `---` around it.
    pub text: &'t str,
    /// Its kind.
    pub kind: String,
    /// The events at which it runs, if it is a hook.
    pub hook: Option<Vec<String>>,
}

/// The documents of rendered files, sorted as Helm installs them: hooks apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sorted<'t> {
    /// What is installed.
    pub manifests: Vec<Document<'t>>,
    /// What runs at points of the release's life.
    pub hooks: Vec<Document<'t>>,
}

/// A part of a text between the lines that part documents, with the line where it begins, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part<'t> {
    /// The text, without white space before it.
    pub text: &'t str,
    /// How many lines are before it.
    pub line: u32,
}

/// Parts a text as Helm does: at each line that begins with `---`, with the blanks behind that. Parts of white space
/// alone are left out.
pub fn parts(text: &str) -> Vec<Part<'_>> {
    let trimmed = text.trim_start();
    let mut parts = Vec::new();
    let mut line = lines(&text[..text.len() - trimmed.len()]);
    let mut add = |part: &str, line: u32| {
        if !part.trim().is_empty() {
            let kept = part.trim_start();
            // The borrow is of the whole text, not of the closure's argument.
            let start = kept.as_ptr().addr() - text.as_ptr().addr();
            parts.push(Part {
                text: &text[start..start + kept.len()],
                line: line + lines(&part[..part.len() - kept.len()]),
            });
        }
    };
    let mut start = 0;
    let mut at = 0;
    while at < trimmed.len() {
        if trimmed[at..].starts_with("---") {
            add(&trimmed[start..at], line);
            line += lines(&trimmed[start..at]);
            let behind = &trimmed[at + 3..];
            start = at + 3 + (behind.len() - behind.trim_start_matches([' ', '\t']).len());
        }
        at = trimmed[at..].find('\n').map_or(trimmed.len(), |end| at + end + 1).max(start);
    }
    add(&trimmed[start..], line);
    parts
}

/// The documents of a rendered file, each with its places in the whole text. A template of Helm's may write something
/// right behind a `---`, which is where Helm parts a text, and no YAML.
pub fn documents(text: &str, path: &Arc<String>, rules: Rules) -> Result<Vec<Value>, YamlError> {
    let is_yaml = |behind: &str| behind.is_empty() || behind.starts_with([' ', '\t', '\r', '\n']);
    let first = text.strip_prefix("---").into_iter();
    let mut dashes = first.chain(memmem::find_iter(text.as_bytes(), "\n---").map(|at| &text[at + "\n---".len()..]));
    if rules == Rules::Strict || dashes.all(is_yaml) {
        return yaml::documents(text, path, rules);
    }
    let mut documents = Vec::new();
    for part in parts(text) {
        let above = "\n".repeat(usize::try_from(part.line).unwrap_or_default());
        documents.push(yaml::first(&(above + part.text), path, rules)?);
    }
    documents.retain(|it| !it.is_null());
    Ok(documents)
}

fn lines(text: &str) -> u32 {
    u32::try_from(text.bytes().filter(|byte| *byte == b'\n').count()).unwrap_or(u32::MAX)
}

/// Sorts the documents of rendered files, which come by path: path and text of each.
///
/// # Errors
/// What is no YAML, or no object as Helm looks at it.
pub fn sort<'t>(files: &[(&'t str, &'t str)], cores: Cores) -> Result<Sorted<'t>, ChartError> {
    let mut sorted = Sorted::default();
    for read in cores::each(cores, files, |file| read(*file)) {
        for (document, hook) in read? {
            let Some(events) = hook else {
                sorted.manifests.push(document);
                continue;
            };
            let events: Vec<String> = events.split(',').map(|it| it.trim().to_lowercase()).collect();
            if events.iter().all(|it| EVENTS.contains(&it.as_str())) {
                sorted.hooks.push(Document { hook: Some(events), ..document });
            }
        }
    }
    sorted.manifests.sort_by(|a, b| rank(&a.kind).cmp(&rank(&b.kind)));
    sorted.hooks.sort_by(|a, b| rank(&a.kind).cmp(&rank(&b.kind)));
    Ok(sorted)
}

/// The documents of a file, with what it says of hooks.
fn read<'t>((path, text): (&'t str, &'t str)) -> Result<Vec<(Document<'t>, Option<String>)>, ChartError> {
    let place = Arc::new(path.to_owned());
    let document = |part: Part<'t>| {
        let Head { kind, hook } = Head::read(part.text, &place)?;
        Ok((Document { path, text: part.text, kind, hook: None }, hook))
    };
    parts(text).into_iter().map(document).collect()
}

fn rank(kind: &str) -> (usize, &str) {
    match ORDER.iter().position(|it| *it == kind) {
        Some(at) => (at, ""),
        None => (ORDER.len(), kind),
    }
}

/// The text that `helm template` prints: CRDs by path, what is installed, hooks.
pub fn text(crds: &[(String, &[u8])], sorted: &Sorted) -> Vec<u8> {
    let documents = || sorted.manifests.iter().chain(&sorted.hooks);
    let data: usize = crds.iter().map(|(path, data)| path.len() + data.len() + FRAME).sum();
    let mut out = Vec::with_capacity(data + documents().map(|it| it.path.len() + it.text.len() + FRAME).sum::<usize>());
    for (path, data) in crds {
        out.extend_from_slice(format!("---\n# Source: {path}\n").as_bytes());
        out.extend_from_slice(data);
        out.push(b'\n');
    }
    for document in &sorted.manifests {
        document.print(&mut out);
    }
    // It begins with dashes, if it is not empty.
    out.truncate(trimmed(&out).len());
    out.push(b'\n');
    for document in &sorted.hooks {
        document.print(&mut out);
    }
    out
}

impl Document<'_> {
    fn print(&self, out: &mut Vec<u8>) {
        for piece in ["---\n# Source: ", self.path, "\n", self.text, "\n"] {
            out.extend_from_slice(piece.as_bytes());
        }
    }
}

/// The bytes without white space around them.
fn trimmed(bytes: &[u8]) -> &[u8] {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.trim().as_bytes(),
        Err(_) => bytes.trim_ascii(),
    }
}

/// What Helm looks at in a document.
struct Head {
    kind: String,
    hook: Option<String>,
}

impl Head {
    fn read(text: &str, file: &Arc<String>) -> Result<Self, ChartError> {
        let document = yaml::first(text, file, Rules::Kubernetes).map_err(|error| broken(error, file))?;
        let wrong = |value: &Value, what: &str| ChartError::NoObject {
            what: what.to_owned(),
            kind: value.kind(),
            path: Arc::clone(file),
        };
        let map = |value: &'_ Value, what: &str| match &value.data {
            Data::Map(_) | Data::Null => Ok(()),
            _ => Err(wrong(value, what)),
        };
        map(&document, "a document")?;
        let scalar = |value: Option<&Value>, what: &str| match value.map(|it| (it, &it.data)) {
            None | Some((_, Data::Null)) => Ok(String::new()),
            Some((it, Data::List(_) | Data::Map(_))) => Err(wrong(it, what)),
            Some((_, Data::Text(text))) => Ok(text.clone()),
            Some((it, _)) => Ok(yaml::write(it).trim_end().to_owned()),
        };
        scalar(document.get("apiVersion"), "`apiVersion`")?;
        let kind = scalar(document.get("kind"), "`kind`")?;
        let mut hook = None;
        if let Some(metadata) = document.get("metadata") {
            map(metadata, "`metadata`")?;
            scalar(metadata.get("name"), "`metadata.name`")?;
            if let Some(annotations) = metadata.get("annotations") {
                map(annotations, "`metadata.annotations`")?;
                for entry in annotations.as_map().into_iter().flat_map(Map::iter) {
                    let text = scalar(Some(&entry.value), &format!("the annotation `{}`", entry.key))?;
                    if entry.key == HOOK {
                        hook = Some(text);
                    }
                }
            }
        }
        Ok(Self { kind, hook })
    }
}

fn broken(error: YamlError, file: &Arc<String>) -> ChartError {
    let origin = weft_base::value::Origin::new(file, Mark::default());
    ChartError::NotYaml { source: Box::new(error), origin, line: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_base::diagnostic::Diagnose as _;

    #[test]
    fn a_text_is_parted_as_helm_parts_it() {
        let texts = |text: &'static str| parts(text).into_iter().map(|it| (it.text, it.line)).collect::<Vec<_>>();
        assert_eq!(texts("\n\n---\na: 1\n--- \nb: 2\n---\n\n"), [("a: 1\n", 3), ("b: 2\n", 5)]);
        assert_eq!(texts("a: 1\n--- # more\nb: ---\n"), [("a: 1\n", 0), ("# more\nb: ---\n", 1)]);
        assert_eq!(texts("---a\n----\n"), [("a\n", 0), ("-\n", 1)]);
        assert_eq!(texts(" \n"), []);
    }

    #[test]
    fn what_stands_right_behind_dashes_is_of_the_next_document() {
        let path = Arc::default();
        let read = |text: &str, rules| documents(text, &path, rules);
        let text = "a: 1\n\n---# more\nb: 2\n--- # and\nc: 3\n---\n# nothing\n---#\n";
        let found = read(text, Rules::Kubernetes).unwrap();
        let lines: Vec<u32> = found.iter().map(|it| it.as_map().unwrap().iter().next().unwrap().mark.line).collect();
        assert_eq!(lines, [1, 4, 6]);
        assert!(read(text, Rules::Strict).is_err());
        let error = read("a: 1\n---# x\nb: [\n", Rules::Kubernetes).unwrap_err();
        assert!(error.origin().is_some_and(|it| it.mark.line >= 3), "{error}");
    }

    #[test]
    fn kinds_are_sorted_and_hooks_apart() {
        let object = |kind: &str, hook: &str| format!("kind: {kind}\nmetadata: {{annotations: {{{hook}}}}}\n");
        let manifests = [object("Zoo", ""), object("Ant", ""), object("Service", "")].join("---\n");
        let hooks = [object("Job", "helm.sh/hook: 'Test, post-delete'"), object("Job", "helm.sh/hook: never")];
        let hooks = hooks.join("---\n");
        let files = [("b", &*manifests), ("c", &*hooks)];
        let sorted = sort(&files, cores::in_turn).unwrap();
        assert_eq!(sorted.manifests.iter().map(|it| &*it.kind).collect::<Vec<_>>(), ["Service", "Ant", "Zoo"]);
        assert_eq!(
            sorted.hooks.iter().map(|it| it.hook.clone().unwrap()).collect::<Vec<_>>(),
            [["test", "post-delete"]]
        );
        assert!(sort(&[("a", "just text")], cores::in_turn).is_err());
        assert!(sort(&[("a", "kind: [a]")], cores::in_turn).is_err());
    }
}

//! Reading and compiling a chart: once, for all its releases.

use std::collections::BTreeSet;
use std::sync::Arc;

use minijinja::Value as Dynamic;

use super::metadata::{ChartType, Metadata};
use super::schema::ValuesSchema;
use super::{ChartError, RenderedFile, names};
use crate::diagnostic::Excerpt;
use crate::jinja::{Engine, Template};
use crate::masked::Masked;
use crate::tree::{self, Tree};
use crate::value::{Map, Mark, Origin, Value};
use crate::yaml::{self, Rules};

/// A chart, ready to be rendered any number of times, from any thread.
#[derive(Debug)]
pub struct Chart {
    pub(super) folder: String,
    pub(super) engine: Engine,
    /// What it renders, by path.
    pub(super) sources: Vec<Source>,
    pub(super) crds: Vec<Plain>,
    pub(super) schema: Option<ValuesSchema>,
    /// `chart` and `files`, as templates see them.
    pub(super) names: [(&'static str, Dynamic); 2],
    defaults: Value,
}

/// One file that makes objects.
#[derive(Debug)]
pub(super) enum Source {
    /// A template, by its name in the engine.
    Template(String),
    /// A manifest without anything to fill in.
    Plain(Plain),
}

/// A plain manifest and its documents.
#[derive(Debug)]
pub(super) struct Plain {
    pub path: Arc<String>,
    pub text: String,
    pub documents: Vec<Value>,
}

impl Chart {
    /// Reads the chart in `folder` of a project's tree, with its library charts, and compiles its templates.
    pub fn load(tree: &Tree, folder: &str) -> Result<Self, ChartError> {
        let metadata = Metadata::read(tree, folder)?;
        if metadata.kind == ChartType::Library {
            return Err(ChartError::Library { folder: folder.to_owned() });
        }
        let mut sources = Vec::new();
        let mut templates = templates(tree, folder, "", &mut sources)?;
        let mut seen = BTreeSet::new();
        libraries(tree, folder, &metadata, &mut templates, &mut seen)?;
        let mut engine = Engine::new(templates)?;
        names::register(&mut engine);
        Ok(Self {
            engine,
            sources,
            crds: plain_files(tree, &format!("{folder}/crds"))?,
            schema: ValuesSchema::load(tree, folder)?,
            names: names::of_chart(&metadata, tree.below(folder)),
            defaults: defaults(tree, folder)?,
            folder: folder.to_owned(),
        })
    }

    /// The values of its `values.yaml`; a map.
    pub fn defaults(&self) -> &Value {
        &self.defaults
    }
}

fn defaults(tree: &Tree, folder: &str) -> Result<Value, ChartError> {
    let path = format!("{folder}/values.yaml");
    if !tree.contains(&path) {
        return Ok(Map::new().into());
    }
    let file = Arc::new(path);
    let value = yaml::document(tree.text(&file)?, &file, Rules::Strict)?;
    match value.kind() {
        "map" => Ok(value),
        "null" => Ok(Value::from(Map::new()).at(value.origin)),
        kind => Err(ChartError::Defaults { kind, origin: value.origin }),
    }
}

/// The Jinja templates of one chart; what is to be rendered goes to `sources`.
fn templates(tree: &Tree, folder: &str, prefix: &str, sources: &mut Vec<Source>) -> Result<Vec<Template>, ChartError> {
    let root = format!("{folder}/templates");
    let mut templates = Vec::new();
    for below in tree.below(&root).paths() {
        let path = format!("{root}/{below}");
        let name = below.rsplit('/').next().unwrap_or(below);
        if name.starts_with("NOTES.") || name.starts_with('.') {
            continue;
        }
        let ending = name.rsplit('.').next();
        if ending == Some("j2") {
            let name = format!("{prefix}{below}");
            if !below.split('/').any(|part| part.starts_with('_')) {
                sources.push(Source::Template(name.clone()));
            }
            templates.push(Template { name, text: tree.text(&path)?.to_owned(), path: Arc::new(path) });
        } else if is_manifest(name) || ending == Some("tpl") {
            refuse_helm(tree, &path)?;
            if is_manifest(name) {
                sources.push(Source::Plain(Plain::read(tree, path)?));
            }
        }
    }
    Ok(templates)
}

/// Adds the templates of the library charts, and of theirs, under their names.
fn libraries(
    tree: &Tree,
    folder: &str,
    metadata: &Metadata,
    templates: &mut Vec<Template>,
    seen: &mut BTreeSet<String>,
) -> Result<(), ChartError> {
    for dependency in &metadata.dependencies {
        let name = &dependency.name;
        let refused = |reason| ChartError::Dependency {
            name: name.clone(),
            reason,
            origin: Origin::new(&Arc::new(format!("{folder}/Chart.yaml")), Mark::default()),
        };
        let place = match &dependency.repository {
            None => tree::join(folder, &format!("charts/{name}"))?,
            Some(url) => {
                let path = url.strip_prefix("file://").ok_or_else(|| refused("its repository is not a folder"))?;
                tree::join(folder, path)?
            }
        };
        if !seen.insert(name.clone()) {
            continue;
        }
        if !tree.contains(&format!("{place}/Chart.yaml")) {
            return Err(refused("its folder holds no `Chart.yaml`"));
        }
        let library = Metadata::read(tree, &place)?;
        if library.kind != ChartType::Library {
            return Err(refused("it is not of `type: library`"));
        }
        templates.extend(self::templates(tree, &place, &format!("{name}/"), &mut Vec::new())?);
        libraries(tree, &place, &library, templates, seen)?;
    }
    Ok(())
}

/// A file that is not `.j2` and holds `{{` is a template of another language.
fn refuse_helm(tree: &Tree, path: &str) -> Result<(), ChartError> {
    let text = tree.text(path)?;
    let Some(at) = text.find("{{") else { return Ok(()) };
    let before = &text[..at];
    let clamp = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
    let mark = Mark { line: clamp(before.matches('\n').count() + 1), column: clamp(column) };
    let width = text[at..].find("}}").map_or(2, |end| end + 2);
    Err(ChartError::HelmTemplate {
        origin: Origin::new(&Arc::new(path.to_owned()), mark),
        excerpt: Excerpt::new(text, mark, width, 0).map(Box::new),
    })
}

/// Whether a file name is that of a manifest.
pub(super) fn is_manifest(name: &str) -> bool {
    [".yaml", ".yml", ".json"].iter().any(|ending| name.ends_with(ending))
}

/// The manifests below a folder, by path.
pub(super) fn plain_files(tree: &Tree, folder: &str) -> Result<Vec<Plain>, ChartError> {
    let below = tree.below(folder);
    let manifests = below.paths().filter(|path| is_manifest(path));
    manifests.map(|path| Plain::read(tree, format!("{folder}/{path}"))).collect()
}

impl Plain {
    /// Reads a manifest.
    pub fn read(tree: &Tree, path: String) -> Result<Self, ChartError> {
        let path = Arc::new(path);
        let text = tree.text(&path)?.to_owned();
        let documents = yaml::documents(&text, &path, Rules::Strict)?;
        Ok(Self { path, text, documents })
    }

    /// The same as a rendered file.
    pub fn rendered(&self) -> RenderedFile {
        RenderedFile {
            path: Arc::clone(&self.path),
            text: Masked::new(self.text.clone()),
            stand_in: None,
            opaque: false,
            documents: self.documents.clone(),
        }
    }
}

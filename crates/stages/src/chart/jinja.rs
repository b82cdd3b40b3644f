//! The Jinja templates of a chart.

use std::collections::BTreeSet;
use std::sync::Arc;

use minijinja::Value as Dynamic;

use super::load::{Plain, has_ending, is_manifest};
use super::package::Package;
use super::{ChartError, names};
use weft_base::tree::Tree;
use weft_jinja::{Engine, Template};

/// Compiled Jinja templates.
#[derive(Debug)]
pub struct Jinja {
    /// The templates.
    pub engine: Engine,
    /// The names of those that render something of their own, by path.
    pub sources: Vec<String>,
    /// The manifests beside them, which are as they are; none where the Go templates are rendered, among which they are.
    pub plain: Vec<Plain>,
    /// `chart` and `files`, as templates see them.
    pub names: [(&'static str, Dynamic); 2],
}

impl Jinja {
    /// Compiles the Jinja templates of a chart, and those that its library charts lend it.
    pub fn load(package: &Package) -> Result<Self, ChartError> {
        let mut templates = templates(package, "")?;
        let part_of = |name: &str| name.split('/').any(|part| part.starts_with('_'));
        let sources = templates.iter().filter(|it| !part_of(&it.name)).map(|it| it.name.clone()).collect();
        libraries(package, &mut templates, &mut BTreeSet::new())?;
        let mut engine = Engine::new(templates)?;
        names::register(&mut engine);
        let files = package.files.iter().map(|it| (it.name.clone(), it.data.to_vec()));
        let files = if package.has_jinja() { Tree::new(files) } else { Tree::default() };
        let plain = if package.has_go() { Vec::new() } else { plain_manifests(package)? };
        Ok(Self { engine, sources, plain, names: names::of_chart(&package.metadata, files) })
    }
}

/// The manifests among the templates of a chart of ours.
fn plain_manifests(package: &Package) -> Result<Vec<Plain>, ChartError> {
    let hidden = |name: &str| name.rsplit('/').next().is_some_and(|it| it.starts_with('.'));
    let manifests = package.templates.iter().filter(|it| is_manifest(&it.name) && !hidden(&it.name));
    manifests
        .filter(|_| package.has_jinja())
        .map(|it| Plain::read(it.text(&package.folder)?, format!("{}/{}", package.folder, it.name), package.rules()))
        .collect()
}

/// The Jinja templates of one chart.
fn templates(package: &Package, prefix: &str) -> Result<Vec<Template>, ChartError> {
    let mut templates = Vec::new();
    for file in package.templates.iter().filter(|it| has_ending(&it.name, "j2")) {
        let below = file.name.strip_prefix("templates/").unwrap_or(&file.name);
        if below.rsplit('/').next().is_some_and(|name| name.starts_with(['.']) || name.starts_with("NOTES.")) {
            continue;
        }
        templates.push(Template {
            name: format!("{prefix}{below}"),
            text: file.text(&package.folder)?.to_owned(),
            path: Arc::new(format!("{}/{}", package.folder, file.name)),
        });
    }
    templates.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(templates)
}

/// Adds the templates of the library charts, and of theirs, under their names.
fn libraries(package: &Package, templates: &mut Vec<Template>, seen: &mut BTreeSet<String>) -> Result<(), ChartError> {
    for below in &package.dependencies {
        let name = &below.metadata.name;
        if !seen.insert(name.clone()) {
            continue;
        }
        if below.has_jinja() && !below.metadata.is_library() {
            let reason = "it has Jinja templates, and is not of `type: library`";
            return Err(ChartError::dependency(package, name, reason));
        }
        templates.extend(self::templates(below, &format!("{name}/"))?);
        libraries(below, templates, seen)?;
    }
    Ok(())
}

//! Rendering a release of a chart: once, or twice where it has secrets.

use std::sync::Arc;

use super::load::Source;
use super::schema::holds_secret;
use super::{Chart, ChartError, Context, Rendered, RenderedFile, names};
use crate::jinja::{JinjaError, Node, Scope, Secrets, dynamic};
use crate::masked::Masked;
use crate::value::{Origin, Path, Value};
use crate::yaml::{self, Rules};

/// Renders a release. The values are held against the chart's schema first; what comes out is known to be YAML.
pub fn render(chart: &Chart, context: &Context) -> Result<Rendered, ChartError> {
    if let Some(schema) = &chart.schema {
        schema.check(&context.values.merged)?;
    }
    let render = Render::new(chart, context);
    let mut files: Vec<RenderedFile> = chart.crds.iter().map(super::load::Plain::rendered).collect();
    for source in &chart.sources {
        let file = match source {
            Source::Plain(plain) => plain.rendered(),
            Source::Template(name) => render.file(name)?,
        };
        if file.opaque || !file.documents.is_empty() {
            files.push(file);
        }
    }
    Ok(Rendered { release: Arc::clone(&context.release.name), files, unread: render.unread(context) })
}

/// For each line of the rendered template at `path`, the line of a template that made it. A line of which that is not
/// known, and every line of a plain manifest, has an origin without a file.
pub fn trace(chart: &Chart, context: &Context, path: &str) -> Result<Vec<Origin>, ChartError> {
    let render = Render::new(chart, context);
    let name = path.strip_prefix(&format!("{}/templates/", chart.folder)).unwrap_or(path);
    match chart.engine.template(name) {
        Some(_) => Ok(chart.engine.trace(name, &render.shown().again())?),
        None => Ok(Vec::new()),
    }
}

struct Render<'a> {
    chart: &'a Chart,
    real: Arc<Scope>,
    /// The same names with stand-ins for secrets; `None` where there are none.
    stand_in: Option<Arc<Scope>>,
}

impl<'a> Render<'a> {
    fn new(chart: &'a Chart, context: &Context) -> Self {
        let values = &context.values.merged;
        let release = names::of_release(context);
        let scope = |secrets| {
            let names = chart.names.iter().chain(&release).cloned();
            Scope::new(std::iter::once(("values", dynamic(values, secrets))).chain(names))
        };
        let stand_in = holds_secret(values).then(|| scope(Secrets::StandIn));
        Self { chart, real: scope(Secrets::Exposed), stand_in }
    }

    /// The scope of which everything can be shown.
    fn shown(&self) -> &Arc<Scope> {
        self.stand_in.as_ref().unwrap_or(&self.real)
    }

    fn file(&self, name: &str) -> Result<RenderedFile, ChartError> {
        let path = self.chart.engine.template(name).map(|t| Arc::clone(&t.path)).unwrap_or_default();
        let engine = &self.chart.engine;
        let Some(scope) = &self.stand_in else {
            let text = engine.render(name, &self.real.again())?;
            let documents = self.documents(name, &path, &text)?;
            return Ok(RenderedFile { path, text: Masked::new(text), stand_in: None, opaque: false, documents });
        };
        let stand_in = engine.render(name, &scope.again());
        let real = engine.render(name, &self.real.again()).map(Masked::new);
        let (text, stand_in) = match (real, stand_in) {
            (Ok(text), Ok(stand_in)) => (text, Some(stand_in)),
            (Ok(text), Err(_)) => (text, None),
            (Err(error), Ok(_)) => return Err(error.hidden().into()),
            (Err(_), Err(error)) => return Err(error.into()),
        };
        let documents = stand_in.as_ref().map(|text| self.documents(name, &path, text)).transpose()?;
        let opaque = stand_in.is_none();
        Ok(RenderedFile { path, text, stand_in, opaque, documents: documents.unwrap_or_default() })
    }

    /// Reads a text that can be shown.
    fn documents(&self, name: &str, path: &Arc<String>, text: &str) -> Result<Vec<Value>, ChartError> {
        yaml::documents(text, path, Rules::Kubernetes).map_err(|error| {
            let lines = self.chart.engine.trace(name, &self.shown().again());
            ChartError::not_yaml(&self.chart.engine, path, error, &lines.unwrap_or_default())
        })
    }

    /// The leaves that a user set and no template asked for.
    fn unread(&self, context: &Context) -> Vec<Path> {
        let values = self.real.get("values");
        let Some(node) = values.as_ref().and_then(|values| values.downcast_object_ref::<Node>()) else {
            return Vec::new();
        };
        let paths = context.values.set_by_user.iter().map(|(path, _)| path);
        paths.filter(|path| node.was_read(path) == Some(false)).cloned().collect()
    }
}

impl From<JinjaError> for ChartError {
    fn from(error: JinjaError) -> Self {
        Self::Template(error)
    }
}

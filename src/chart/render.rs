//! Rendering a release of a chart: once, or twice where it has secrets.

use std::sync::Arc;

use super::load::Source;
use super::schema::holds_secret;
use super::{Chart, ChartError, Context, Rendered, RenderedFile, names};
use crate::diagnostic::Diagnose as _;
use crate::jinja::{Node, Scope, Secrets, Trace, dynamic};
use crate::masked::Masked;
use crate::value::{Mark, Origin, Path, Value};
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

/// Which lines of templates made the text of the template at `path`; empty for a plain manifest.
pub fn trace(chart: &Chart, context: &Context, path: &str) -> Result<Trace, ChartError> {
    let render = Render::new(chart, context);
    let name = path.strip_prefix(&format!("{}/templates/", chart.folder)).unwrap_or(path);
    match chart.engine.template(name) {
        Some(_) => Ok(chart.engine.trace(name, &render.shown().again())?),
        None => Ok(Trace::default()),
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
        let Some(stand_in) = &self.stand_in else {
            let (text, documents) = self.checked(name, &path, &self.real)?;
            return Ok(RenderedFile { path, text: Masked::new(text), stand_in: None, opaque: false, documents });
        };
        let shown = self.checked(name, &path, stand_in);
        match (self.checked(name, &path, &self.real), shown) {
            // A secret that decides whether an object is there leaves nothing to compare with.
            (Ok((text, real)), Ok((shown, documents))) if real.len() == documents.len() => {
                Ok(RenderedFile { path, text: Masked::new(text), stand_in: Some(shown), opaque: false, documents })
            }
            (Ok((_, real)), _) if real.is_empty() => Ok(RenderedFile { path, ..RenderedFile::default() }),
            (Ok((text, _)), _) => {
                Ok(RenderedFile { path, text: Masked::new(text), opaque: true, ..RenderedFile::default() })
            }
            (Err(error), Ok(_)) => Err(error.hidden()),
            (Err(_), Err(error)) => Err(error),
        }
    }

    /// The text of a template, which is YAML, and its documents.
    fn checked(&self, name: &str, path: &Arc<String>, scope: &Scope) -> Result<(String, Vec<Value>), ChartError> {
        let engine = &self.chart.engine;
        let text = engine.render(name, &scope.again())?;
        match yaml::documents(&text, path, Rules::Strict) {
            Ok(documents) => Ok((text, documents)),
            Err(error) => {
                let mark = error.origin().map_or(Mark::default(), |origin| origin.mark);
                let trace = engine.trace(name, &scope.again()).unwrap_or_default();
                let made = trace.at(mark).filter(|_| trace.len() == text.lines().count()).cloned();
                let origin = made.unwrap_or_else(|| Origin::new(path, Mark::default()));
                Err(ChartError::not_yaml(error, origin, engine))
            }
        }
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

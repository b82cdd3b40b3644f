//! Rendering a release of a chart: once, or twice where it has secrets.

use std::sync::Arc;

use super::coalesce::{self, How};
use super::go::{self, Facts};
use super::member::{Member, members};
use super::public::Public;
use super::schema::holds_secret;
use super::table::{Node as TableNode, Table};
use super::{Chance, Chart, ChartError, Context, Read, Rendered, RenderedFile, names, output, unread, version};
use weft_base::diagnostic::{Diagnose as _, Trace};
use weft_base::masked::{MASK, Masked};
use weft_base::tree::reads;
use weft_base::value::{Mark, Origin, Value};
use weft_base::yaml::{self, YamlError};
use weft_jinja::{Scope, Secrets, dynamic};

/// Renders a release. The values are held against the schemas first; what comes out is known to be YAML.
pub fn render(chart: &Chart, context: &Context) -> Result<Rendered, ChartError> {
    if !context.making.records {
        return run(chart, context);
    }
    let (rendered, of_chart) = reads::recorded(|| run(chart, context));
    let rendered = rendered?;
    let values = rendered.reads.map(|it| it.values).unwrap_or_default();
    Ok(Rendered { reads: Some(Read { of_chart, values }), ..rendered })
}

fn run(chart: &Chart, context: &Context) -> Result<Rendered, ChartError> {
    let prepared = Prepared::new(chart, context)?;
    let render = Render::new(chart, context, &prepared)?;
    let mut files = prepared.definitions()?;
    let mut rendered = render.go_files()?;
    for name in &chart.jinja.sources {
        rendered.push(render.jinja_file(name)?);
    }
    rendered.extend(chart.jinja.plain.iter().map(super::load::Plain::rendered));
    rendered.retain(|file| file.opaque || !file.documents.is_empty());
    rendered.sort_by(|a, b| a.path.cmp(&b.path));
    files.append(&mut rendered);
    let release = Arc::clone(&context.release.name);
    let unread = render.unread(context);
    let (placeholders, mut lookups) =
        render.real_go.as_ref().map_or((false, Vec::new()), |it| (it.placeholders, it.asked.clone()));
    let reads = context.making.records.then(|| Read { values: render.read(context), ..Read::default() });
    lookups.retain(|_| render.facts.as_ref().is_some_and(|it| it.live.is_none()));
    let notes = render.notes();
    let patches = Vec::new();
    Ok(Rendered { release, files, unread, notes, placeholders, lookups, reads, patches })
}

/// Which lines of templates made the text of the template at `path`; empty for a plain manifest.
pub fn trace(chart: &Chart, context: &Context, path: &str) -> Result<Trace, ChartError> {
    let prepared = Prepared::new(chart, context)?;
    let render = Render::new(chart, context, &prepared)?;
    let name = path.strip_prefix(&format!("{}/templates/", chart.package.folder)).unwrap_or(path);
    match chart.jinja.engine.template(name) {
        Some(_) => Ok(chart.jinja.engine.trace(name, &render.shown().again())?),
        None => render.go_trace(path),
    }
}

/// The charts that take part in a release, and their values.
pub(super) struct Prepared<'c> {
    pub root: Member<'c>,
    /// The values of the root, with those of the charts below.
    pub values: Table<'c>,
}

impl<'c> Prepared<'c> {
    fn new(chart: &'c Chart, context: &'c Context) -> Result<Self, ChartError> {
        if chart.is_helm() {
            return Self::of(chart, &context.values.by_user);
        }
        chart.package.check_values(&context.values.merged)?;
        let none = Table::default();
        Ok(Self { root: members(&chart.package, &none)?, values: none })
    }

    /// What Helm makes of a chart and the values of a user.
    pub fn of(chart: &'c Chart, by_user: &'c Value) -> Result<Self, ChartError> {
        let by_user = Table::of_value(by_user);
        let root = members(&chart.package, &by_user)?;
        let values = coalesce::values(&root, &by_user, How::Coalesce)?;
        check(&root, &values)?;
        Ok(Self { root, values })
    }

    /// The definitions of kinds in the `crds/` of all of them.
    fn definitions(&self) -> Result<Vec<RenderedFile>, ChartError> {
        let mut files = Vec::new();
        self.root.each(&mut |member, _| {
            files.extend(member.package.definitions()?.iter().map(super::load::Plain::rendered));
            Ok(())
        })?;
        Ok(files)
    }

    /// Refuses a version of Kubernetes that the chart is not for.
    pub fn check_version(&self, version: &str) -> Result<(), ChartError> {
        let range = &self.root.package.metadata.kube_version;
        if range.is_empty() || version::fits(range, version) {
            return Ok(());
        }
        let file = Arc::new(format!("{}/Chart.yaml", self.root.package.folder));
        let origin = Origin::new(&file, Mark::default());
        Err(ChartError::Kubernetes { range: range.clone(), version: version.to_owned(), origin })
    }
}

/// Holds the values of a chart, and of those below it, against their schemas.
fn check(member: &Member, values: &Table) -> Result<(), ChartError> {
    if member.package.schema.is_some() {
        member.package.check_values(&values.value())?;
    }
    for below in &member.dependencies {
        if let Some(TableNode::Table(table)) = values.get(below.name) {
            check(below, &table)?;
        }
    }
    Ok(())
}

struct Render<'a> {
    chart: &'a Chart,
    prepared: &'a Prepared<'a>,
    /// What Go templates are told; `None` for a chart that has none.
    facts: Option<Facts>,
    real: Arc<Scope>,
    /// The same names with stand-ins for secrets; `None` where there are none.
    stand_in: Option<Arc<Scope>>,
    /// What the Go templates come to; `None` for a chart that has none.
    real_go: Option<go::Output>,
    /// The same with stand-ins; `None` where there are no secrets.
    stand_in_go: Option<Result<go::Output, ChartError>>,
    /// What is known without the secrets.
    public: Arc<Public>,
}

impl<'a> Render<'a> {
    fn new(chart: &'a Chart, context: &Context, prepared: &'a Prepared<'a>) -> Result<Self, ChartError> {
        let coalesced = chart.is_helm().then(|| prepared.values.value());
        let values = coalesced.as_ref().unwrap_or(&context.values.merged);
        let has_secret = holds_secret(values);
        let release = names::of_release(context);
        let scope = |secrets| {
            let names = chart.jinja.names.iter().chain(&release).cloned();
            Scope::new(std::iter::once(("values", dynamic(values, secrets))).chain(names))
        };
        let mut render = Self {
            chart,
            prepared,
            facts: chart.is_helm().then(|| Facts::of(chart, context)),
            real: scope(Secrets::Exposed),
            stand_in: has_secret.then(|| scope(Secrets::StandIn)),
            real_go: None,
            stand_in_go: None,
            public: Arc::default(),
        };
        render.run_go(has_secret)?;
        if render.stand_in.is_some() || render.stand_in_go.is_some() {
            render.public = Arc::new(Public::of_release(&prepared.root, values, context));
        }
        Ok(render)
    }

    /// Executes the Go templates: once, or again with stand-ins where there are secrets or where they made some up.
    fn run_go(&mut self, has_secret: bool) -> Result<(), ChartError> {
        let Some(facts) = &self.facts else { return Ok(()) };
        self.prepared.check_version(&facts.capabilities.normalized)?;
        let go = |secrets| go::run(self.chart, self.prepared, facts, secrets);
        let real = go(Secrets::Exposed);
        let makes_secrets = real.as_ref().is_ok_and(|it| it.made > 0) && matches!(facts.chance, Chance::Derived(_));
        let sees_secrets = facts.live.as_ref().is_some_and(|it| it.hold_secret());
        let shown = (has_secret || makes_secrets || sees_secrets).then(|| go(Secrets::StandIn));
        match (real, shown) {
            (Ok(real), shown) => (self.real_go, self.stand_in_go) = (Some(real), shown),
            (Err(error), Some(Ok(_))) => return Err(error.hidden()),
            (Err(_), Some(Err(error))) | (Err(error), None) => return Err(error),
        }
        Ok(())
    }

    /// What can be shown of the notes.
    fn notes(&self) -> Option<String> {
        let real = self.real_go.as_ref()?.notes.clone()?;
        match &self.stand_in_go {
            None => Some(real),
            Some(shown) => Some(shown_words(&real, shown.as_ref().ok()?.notes.as_ref()?)),
        }
    }

    /// The scope of which everything can be shown.
    fn shown(&self) -> &Arc<Scope> {
        self.stand_in.as_ref().unwrap_or(&self.real)
    }

    fn go_files(&self) -> Result<Vec<RenderedFile>, ChartError> {
        let Some(real) = &self.real_go else { return Ok(Vec::new()) };
        let file = |(at, file): (usize, &go::Rendered)| {
            let real = self.go_checked(file, Secrets::Exposed);
            let shown = match &self.stand_in_go {
                None => None,
                Some(Ok(shown)) => shown.files.get(at).map(|it| self.go_checked(it, Secrets::StandIn)),
                Some(Err(_)) => Some(Err(ChartError::SecretNotYaml { origin: file.origin() })),
            };
            let lenient = self.chart.package.rules() == yaml::Rules::Kubernetes;
            let file = paired(&file.place, real, shown)?;
            Ok(RenderedFile { lenient, public: Arc::clone(&self.public), ..file })
        };
        real.files.iter().enumerate().map(file).collect()
    }

    fn go_checked(&self, file: &go::Rendered, secrets: Secrets) -> Result<(String, Vec<Value>), ChartError> {
        let text = file.text()?;
        match output::documents(text, &file.place, self.chart.package.rules()) {
            Ok(documents) => Ok((text.to_owned(), documents)),
            Err(error) => {
                let mark = error.origin().map_or(Mark::default(), |origin| origin.mark);
                let (origin, line) = self.made(file, mark, secrets).unwrap_or_else(|| (file.origin(), None));
                Err(ChartError::NotYaml { source: Box::new(error), origin, line })
            }
        }
    }

    /// Which lines made what the Go template at `path` came to; empty where there is none.
    fn go_trace(&self, path: &str) -> Result<Trace, ChartError> {
        let file = self.real_go.as_ref().and_then(|it| it.files.iter().find(|it| *it.place == path));
        let Some((facts, file)) = self.facts.as_ref().zip(file) else { return Ok(Trace::default()) };
        let secrets = if self.stand_in_go.is_some() { Secrets::StandIn } else { Secrets::Exposed };
        go::trace(self.chart, self.prepared, facts, secrets, &file.name)
    }

    /// The line of a template that made a place of a rendered file.
    fn made(&self, file: &go::Rendered, mark: Mark, secrets: Secrets) -> Option<(Origin, Option<String>)> {
        let trace = go::trace(self.chart, self.prepared, self.facts.as_ref()?, secrets, &file.name).ok()?;
        let origin = trace.at(mark).or_else(|| trace.at(Mark { line: mark.line, column: 0 }))?.clone();
        let line = self.prepared.root.line(&origin);
        Some((origin, line))
    }

    fn jinja_file(&self, name: &str) -> Result<RenderedFile, ChartError> {
        let path = self.chart.jinja.engine.template(name).map(|t| Arc::clone(&t.path)).unwrap_or_default();
        let shown = self.stand_in.as_ref().map(|scope| self.checked(name, &path, scope));
        let file = paired(&path, self.checked(name, &path, &self.real), shown)?;
        Ok(RenderedFile { public: Arc::clone(&self.public), ..file })
    }

    /// The text of a Jinja template, which is YAML, and its documents.
    fn checked(&self, name: &str, path: &Arc<String>, scope: &Scope) -> Result<(String, Vec<Value>), ChartError> {
        let engine = &self.chart.jinja.engine;
        let text = engine.render(name, &scope.again())?;
        match yaml::documents(&text, path, yaml::Rules::Strict) {
            Ok(documents) => Ok((text, documents)),
            Err(error) => Err(self.not_yaml(name, &text, path, error, scope)),
        }
    }

    fn not_yaml(&self, name: &str, text: &str, path: &Arc<String>, error: YamlError, scope: &Scope) -> ChartError {
        let engine = &self.chart.jinja.engine;
        let mark = error.origin().map_or(Mark::default(), |origin| origin.mark);
        let trace = engine.trace(name, &scope.again()).unwrap_or_default();
        let made = trace.at(mark).filter(|_| trace.len() == text.lines().count()).cloned();
        let origin = made.unwrap_or_else(|| Origin::new(path, Mark::default()));
        ChartError::not_yaml(error, origin, engine)
    }

    fn unread(&self, context: &Context) -> Vec<weft_base::value::Path> {
        let go = self.real_go.as_ref().map(|it| &it.roots[..]);
        unread::unread(context, self.prepared, self.real.get("values").as_ref(), go)
    }

    fn read(&self, context: &Context) -> Vec<weft_base::value::Path> {
        let go = self.real_go.as_ref().map(|it| &it.roots[..]);
        unread::read(context, self.prepared, self.real.get("values").as_ref(), go)
    }
}

/// A text in which the words are masked that are others with stand-ins; where these make other lines, nothing is left.
fn shown_words(real: &str, shown: &str) -> String {
    let words = |text: &str| text.split_inclusive(char::is_whitespace).map(str::to_owned).collect::<Vec<_>>();
    let real = words(real);
    let shown = words(shown);
    if real.len() != shown.len() {
        return MASK.to_owned();
    }
    let word = |(real, shown): (&String, &String)| {
        let end = &real[real.trim_end().len()..];
        if real == shown { real.clone() } else { format!("{MASK}{end}") }
    };
    real.iter().zip(&shown).map(word).collect()
}

/// A file from its text with secrets and, where there are any, its text with stand-ins.
fn paired(
    path: &Arc<String>,
    real: Result<(String, Vec<Value>), ChartError>,
    shown: Option<Result<(String, Vec<Value>), ChartError>>,
) -> Result<RenderedFile, ChartError> {
    let path = Arc::clone(path);
    match (real, shown) {
        (real, None) => {
            let (text, documents) = real?;
            Ok(RenderedFile { path, text: Masked::new(text), documents, ..RenderedFile::default() })
        }
        // A secret that decides whether an object is there leaves nothing to compare with.
        (Ok((text, real)), Some(Ok((shown, documents)))) if real.len() == documents.len() => Ok(RenderedFile {
            path,
            text: Masked::new(text),
            stand_in: Some(shown),
            documents,
            ..RenderedFile::default()
        }),
        (Ok((_, real)), _) if real.is_empty() => Ok(RenderedFile { path, ..RenderedFile::default() }),
        (Ok((text, _)), _) => {
            Ok(RenderedFile { path, text: Masked::new(text), opaque: true, ..RenderedFile::default() })
        }
        (Err(error), Some(Ok(_))) => Err(error.hidden()),
        (Err(_), Some(Err(error))) => Err(error),
    }
}

//! One execution, as its caller and as functions see it.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

use super::ast::{Name, Template};
use super::call::{Fault, Limit};
use super::error::{GoTemplateError, MADE};
use super::parse::parse;
use super::source::Source;
use super::templates::Templates;
use super::text::Str;
use super::trace::Recorder;
use super::value::Value;
use super::walk::{Binding, Fallible, MaybeValue};
use weft_base::diagnostic::{Trace, nearest};
use weft_base::tree::reads;

/// Where less stack than this is left, a new piece is made: functions between two looks get along with it.
pub(super) const RED_ZONE: usize = 1 << 20;
/// How large such a piece is.
pub(super) const SEGMENT: usize = 8 << 20;

/// What the name of a text is that was given to `tpl`, as in Helm.
const TPL: &str = "gotpl";

/// No text may have more bytes.
pub(super) const LONGEST: usize = 64 << 20;

/// How far an execution may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How deep templates may call each other.
    pub depth: u32,
    /// How many steps all executions of a [`Run`] may take: nodes, commands, and 64 bytes of text that functions make.
    pub steps: u64,
    /// How many bytes one text may have: an output, or what a function makes. At most 64 MiB.
    pub output: usize,
}

impl Default for Limits {
    /// 1000 calls as in Helm, a hundred million steps, which is about ten seconds, and 64 MiB.
    fn default() -> Self {
        Self { depth: 1000, steps: 100_000_000, output: LONGEST }
    }
}

/// What a key of a map gives that is not there: Go's option `missingkey`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Missing {
    /// No value, and a field of that is no value either.
    #[default]
    Invalid,
    /// The zero value of the map's type: nil, whose fields are an error. Helm's choice.
    Zero,
    /// An error.
    Error,
}

/// Executions of templates, one after the other, which share limits and what is parsed on the way.
pub struct Run<'e> {
    pub(super) templates: &'e Templates,
    host: &'e dyn Any,
    pub(super) limits: Limits,
    pub(super) missing: Missing,
    pub(super) out: Vec<u8>,
    /// The variables of the templates that are being executed, the innermost last.
    pub(super) variables: Vec<Binding>,
    pub(super) recorder: Option<Recorder>,
    pub(super) root: Option<Value>,
    steps: u64,
    depth: u32,
    file: Str,
    /// What the texts define that are being executed for `tpl`, the innermost last.
    layers: Vec<Layer>,
    parsed: HashMap<Str, Layer>,
}

type Layer = Arc<Vec<Arc<Template>>>;

impl<'e> Run<'e> {
    /// Executions over a set of templates. `host` is what functions may ask for: see [`Run::host`].
    pub fn new(templates: &'e Templates, host: &'e dyn Any, missing: Missing, limits: Limits) -> Self {
        Self {
            templates,
            host,
            limits: Limits { output: limits.output.min(LONGEST), ..limits },
            missing,
            out: Vec::new(),
            variables: Vec::new(),
            recorder: None,
            root: None,
            steps: 0,
            depth: 0,
            file: Str::default(),
            layers: Vec::new(),
            parsed: HashMap::new(),
        }
    }

    /// The output of a template with `data` as `.` and `$`.
    pub fn execute(&mut self, name: &str, data: &Value) -> Result<Vec<u8>, Box<GoTemplateError>> {
        self.file = name.into();
        self.out.clear();
        self.variables.clear();
        self.layers.clear();
        self.depth = 0;
        self.root = Some(data.clone());
        // One piece of stack for a whole file, where a thread has little, rather than one for each of its blocks. The
        // 2 MiB of a thread of a pool are enough for nearly all.
        stacker::maybe_grow(RED_ZONE + RED_ZONE / 2, SEGMENT, || self.call(name.as_bytes(), &Some(data.clone())))?;
        // The room stays for the next one.
        Ok(self.out.clone())
    }

    /// The output of a template, and which lines of templates made it.
    pub fn trace(&mut self, name: &str, data: &Value) -> Result<(Vec<u8>, Trace), Box<GoTemplateError>> {
        self.recorder = Some(Recorder::default());
        let result = self.execute(name, data);
        let recorder = self.recorder.take().unwrap_or_default();
        result.map(|out| {
            let trace = recorder.finish(&out);
            (out, trace)
        })
    }

    /// What the caller of the execution handed in for functions: clock, randomness, the live objects.
    pub fn host<H: Any>(&self) -> Option<&'e H> {
        self.host.downcast_ref()
    }

    /// The name of the template that was executed, from which all others are called: a chart's file.
    pub fn file(&self) -> &Str {
        &self.file
    }

    /// The output of a template, by its name.
    pub fn include(&mut self, name: &Str, data: &Value) -> Result<Str, Fault> {
        let data = Some(data.clone()).filter(|it| !matches!(it, Value::Nil));
        self.captured(|run| run.call(name, &data)).map_err(Fault::Template)
    }

    /// The output of a text as a template. It sees all that is defined; what it defines is seen by itself alone, and
    /// by what it calls. A missing value in it is `<no value>`, as in any output.
    pub fn tpl(&mut self, text: &Str, data: &Value) -> Result<Str, Fault> {
        if !text.windows(2).any(|two| two == b"{{") {
            return Ok(text.clone());
        }
        let layer = self.parsed(text)?;
        self.layers.push(layer);
        let result = self.include(&TPL.into(), data);
        self.layers.pop();
        result
    }

    fn parsed(&mut self, text: &Str) -> Result<Layer, Fault> {
        if let Some(layer) = self.parsed.get(text) {
            return Ok(Arc::clone(layer));
        }
        self.spend(text.len() as u64)?;
        let source = Source { path: Arc::new(MADE.to_owned()), text: text.clone() };
        let templates = parse(TPL.into(), source, self.templates.functions())?;
        let layer = Arc::new(templates);
        self.parsed.insert(text.clone(), Arc::clone(&layer));
        Ok(layer)
    }

    /// Counts work that a function does beyond its arguments' size, such as the items that `until` makes.
    pub fn spend(&mut self, steps: u64) -> Result<(), Fault> {
        self.steps = self.steps.saturating_add(steps);
        if self.steps > self.limits.steps { Err(Fault::Limit(Limit::Steps)) } else { Ok(()) }
    }

    /// Whether a function may make a text of so many bytes; it asks before it makes one that is longer than its
    /// arguments, such as by `repeat`.
    pub fn room(&mut self, bytes: usize) -> Result<(), Fault> {
        if bytes > self.limits.output {
            return Err(Fault::Limit(Limit::Output));
        }
        self.spend(bytes as u64 / 64)
    }

    /// What is written meanwhile, as a text.
    fn captured<E>(&mut self, write: impl FnOnce(&mut Self) -> Result<(), E>) -> Result<Str, E> {
        let start = self.out.len();
        let result = write(self);
        let text = Str::from(self.out.get(start..).unwrap_or_default());
        self.out.truncate(start);
        if let Some(recorder) = &mut self.recorder {
            recorder.captured(start, &text);
        }
        result.map(|()| text)
    }

    /// Executes a template with variables of its own.
    pub(super) fn call(&mut self, name: &[u8], data: &MaybeValue) -> Fallible<()> {
        let Some(template) = self.find(name) else { return Err(self.no_template(name)) };
        if reads::is_on() {
            reads::helper(template.name.as_bytes());
            reads::file(&template.source.path);
        }
        if self.depth >= self.limits.depth {
            return Err(Box::new(GoTemplateError::Limit { limit: Limit::Depth, place: Box::default() }));
        }
        self.depth += 1;
        let base = self.variables.len();
        self.variables.push(Binding { name: Name::ROOT, value: data.clone() });
        let result = stacker::maybe_grow(RED_ZONE, SEGMENT, || self.body(&template, base, data));
        self.variables.truncate(base);
        self.depth -= 1;
        result
    }

    fn find(&self, name: &[u8]) -> Option<Arc<Template>> {
        let base = self.templates.get(name);
        for layer in self.layers.iter().rev() {
            let found = layer.iter().find(|it| it.name.as_bytes() == name);
            // An empty definition does not replace another.
            if let Some(found) = found.filter(|it| base.is_none() || !it.is_empty()) {
                return Some(Arc::clone(found));
            }
        }
        base.cloned()
    }

    fn no_template(&self, name: &[u8]) -> Box<GoTemplateError> {
        let name = String::from_utf8_lossy(name).into_owned();
        let mut known: Vec<_> = self.templates.names().map(Str::lossy).collect();
        known.sort();
        let near = nearest(&name, known.iter().map(|it| &**it)).map(str::to_owned);
        Box::new(GoTemplateError::NoTemplate { name, near, place: Box::default() })
    }
}

//! A set of compiled templates with the engine's settings and limits.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, LazyLock};

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value as Dynamic};

use super::error::{JinjaError, Place, Report};
use super::scope::Scope;
use super::{format, functions, trace};
use weft_base::diagnostic::{Excerpt, Trace};
use weft_base::tree::reads;
use weft_base::value::Origin;

/// How many steps a render may take: an endless template ends within a second.
pub(super) const FUEL: u64 = 2_000_000;
/// How deep blocks, macros and includes may nest, as the engine counts them.
const RECURSION: usize = 160;
/// How deep templates may nest that are rendered by a function, such as `include(...)`.
pub(super) const NESTING: u64 = 5;
/// How many bytes a file may become.
pub(super) const LONGEST: usize = 16 << 20;

/// One template.
#[derive(Clone, Debug)]
pub struct Template {
    /// The name that other templates use: its path below the folder of templates.
    pub name: String,
    /// Its path relative to the root, for messages.
    pub path: Arc<String>,
    /// Its text.
    pub text: String,
}

/// Compiled templates that can use each other. It is built once and shared between threads.
#[derive(Debug)]
pub struct Engine {
    environment: Environment<'static>,
    templates: BTreeMap<String, Template>,
}

impl Engine {
    /// Compiles templates. The first one with a wrong syntax is the error.
    pub fn new(templates: Vec<Template>) -> Result<Self, JinjaError> {
        let templates: BTreeMap<String, Template> = templates.into_iter().map(|t| (t.name.clone(), t)).collect();
        let mut environment = SETTINGS.clone();
        let known: BTreeMap<String, Arc<String>> =
            templates.iter().map(|(name, it)| (name.clone(), Arc::clone(&it.path))).collect();
        environment.set_path_join_callback(move |name, parent| {
            let name = beside(&known, name, parent);
            if let Some(path) = known.get(&*name) {
                reads::file(path);
            }
            name
        });
        let mut engine = Self { environment, templates };
        for template in engine.templates.values() {
            let added = engine.environment.add_template_owned(template.name.clone(), template.text.clone());
            added.map_err(|error| Report { engine: None, template, scope: None }.error(&error))?;
        }
        Ok(engine)
    }

    /// Adds a name to those that all templates see.
    pub fn global(&mut self, name: &'static str, value: Dynamic) {
        self.environment.add_global(name, value);
    }

    /// Renders one template.
    pub fn render(&self, name: &str, scope: &Arc<Scope>) -> Result<String, JinjaError> {
        let mut out = Limited(Vec::new());
        match self.run(&self.environment, name, scope, &mut out) {
            Ok(()) => String::from_utf8(out.0).map_err(|_| JinjaError::not_text(name)),
            Err(error @ JinjaError::TooLong { .. }) => Err(self.trace(name, &scope.again()).err().unwrap_or(error)),
            Err(error) => Err(error),
        }
    }

    /// Which lines of templates make the output of one. It renders once more, with marks; see [`Trace`].
    pub fn trace(&self, name: &str, scope: &Arc<Scope>) -> Result<Trace, JinjaError> {
        let files: Vec<&Template> = self.templates.values().collect();
        let mut environment = self.environment.clone();
        for (at, template) in files.iter().enumerate() {
            let marked = trace::mark(&template.text, at);
            let added = environment.add_template_owned(template.name.clone(), marked);
            added.map_err(|error| Report { engine: Some(self), template, scope: None }.error(&error))?;
        }
        let mut out = Limited(Vec::new());
        let result = self.run(&environment, name, scope, &mut out);
        let trace = trace::read(&String::from_utf8_lossy(&out.0), &files);
        match result {
            Ok(()) => Ok(trace),
            // The engine does not tell where it was when the output was full.
            Err(error @ JinjaError::TooLong { .. }) => Err(self.placed(error, trace.end())),
            Err(error) => Err(error),
        }
    }

    fn placed(&self, error: JinjaError, origin: Option<&Origin>) -> JinjaError {
        let template = self.templates.values().find(|t| origin.is_some_and(|o| o.file.as_ref() == Some(&t.path)));
        match origin.zip(template) {
            Some((origin, template)) => {
                let excerpt = Excerpt::new(&template.text, origin.mark, 1, 0);
                error.found_at(Place { origin: origin.clone(), excerpt, ..Place::default() })
            }
            None => error,
        }
    }

    /// The template of a name.
    pub fn template(&self, name: &str) -> Option<&Template> {
        self.templates.get(name)
    }

    /// The line of a template that an origin names.
    pub fn line(&self, origin: &Origin) -> Option<&str> {
        let number = usize::try_from(origin.mark.line).ok()?.checked_sub(1)?;
        let template = self.templates.values().find(|t| Some(&t.path) == origin.file.as_ref())?;
        template.text.lines().nth(number)
    }

    /// The names of all templates.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.templates.keys().map(String::as_str)
    }

    fn run(
        &self,
        environment: &Environment,
        name: &str,
        scope: &Arc<Scope>,
        out: &mut Limited,
    ) -> Result<(), JinjaError> {
        let Some(template) = self.templates.get(name) else {
            return Err(JinjaError::no_template(name, self.names()));
        };
        let report = Report { engine: Some(self), template, scope: Some(scope) };
        reads::file(&template.path);
        environment
            .get_template(name)
            .and_then(|it| it.render_captured_to(Dynamic::from_dyn_object(Arc::clone(scope)), out).map(drop))
            .map_err(|error| report.error(&error))
    }
}

/// The settings that all templates and expressions share.
pub(super) static SETTINGS: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_formatter(format::write);
    // The engine's debug output prints values, secrets among them.
    environment.set_debug(false);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(RECURSION);
    let mut syntax = SyntaxConfig::builder();
    syntax.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true);
    // The delimiters are the default ones, which are valid.
    environment.set_syntax(syntax.build().unwrap_or_default());
    functions::register(&mut environment);
    environment
});

/// A name is looked for in the folder of the template that uses it, then in the folders above.
fn beside<'s>(known: &BTreeMap<String, Arc<String>>, name: &'s str, parent: &str) -> Cow<'s, str> {
    let mut folder = parent;
    while let Some((above, _)) = folder.rsplit_once('/') {
        let candidate = format!("{above}/{name}");
        if known.contains_key(&candidate) {
            return Cow::Owned(candidate);
        }
        folder = above;
    }
    Cow::Borrowed(name)
}

/// A buffer that refuses to grow without end.
struct Limited(Vec<u8>);

impl io::Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > LONGEST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

//! A set of templates that can call each other.

use std::collections::HashMap;
use std::sync::Arc;

use super::ast::Template;
use super::call::Functions;
use super::error::GoTemplateError;
use super::parse::parse;
use super::source::Source;
use super::text::Str;

/// Parsed templates by name. A set is built once and shared between threads and releases.
#[derive(Debug)]
pub struct Templates {
    functions: Functions,
    by_name: HashMap<Str, Arc<Template>>,
}

/// A file that was parsed, on whatever thread.
pub struct Parsed(Vec<Arc<Template>>);

impl Templates {
    /// An empty set, of templates that may call these functions.
    pub fn new(functions: Functions) -> Self {
        Self { functions, by_name: HashMap::new() }
    }

    /// Parses a file, which is executed by `name` and called `path` in errors. What it defines replaces what was
    /// defined before, unless it is empty, as in Go.
    pub fn add(&mut self, name: &str, path: &Arc<String>, text: impl Into<Str>) -> Result<(), GoTemplateError> {
        let parsed = self.parse(name, path, text)?;
        self.insert(parsed);
        Ok(())
    }

    /// Parses a file, as for [`Templates::add`].
    pub fn parse(&self, name: &str, path: &Arc<String>, text: impl Into<Str>) -> Result<Parsed, GoTemplateError> {
        let source = Source { path: Arc::clone(path), text: text.into() };
        parse(name.into(), source, &self.functions).map(Parsed).map_err(|error| *error)
    }

    /// Adds a file that was parsed.
    pub fn insert(&mut self, Parsed(templates): Parsed) {
        for template in templates {
            if !template.is_empty() || !self.by_name.contains_key(&template.name) {
                self.by_name.insert(template.name.clone(), template);
            }
        }
    }

    /// The names of all templates, in no order.
    pub fn names(&self) -> impl Iterator<Item = &Str> {
        self.by_name.keys()
    }

    /// Whether there is a template of a name.
    pub fn contains(&self, name: &str) -> bool {
        self.by_name.contains_key(name.as_bytes())
    }

    pub(super) fn get(&self, name: &[u8]) -> Option<&Arc<Template>> {
        self.by_name.get(name)
    }

    pub(super) fn functions(&self) -> &Functions {
        &self.functions
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, Missing, Run, Value};

    #[test]
    fn later_definitions_count_unless_they_are_empty() {
        let mut templates = Templates::new(Functions::new([]));
        let path = Arc::new("a".to_owned());
        for (name, text) in [
            ("a", "{{ define `x` }}1{{ end }}{{ define `y` }}1{{ end }}"),
            ("b", "{{ define `x` }}2{{ end }}{{ define `y` }} {{/* none */}}{{ end }}"),
            ("c", "{{ template `x` }}{{ template `y` }}"),
        ] {
            templates.add(name, &path, text).unwrap();
        }
        assert!(templates.contains("y") && !templates.contains("z"));
        let mut run = Run::new(&templates, &(), Missing::Invalid, Limits::default());
        assert_eq!(run.execute("c", &Value::Nil).unwrap(), b"21");
        assert!(run.execute("z", &Value::Nil).is_err());
    }
}

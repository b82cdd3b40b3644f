//! One execution, as functions see it.

use std::any::Any;

use super::call::Fault;
use super::text::Str;
use super::value::Value;

/// An execution of templates.
pub struct Run<'e> {
    host: &'e dyn Any,
    file: String,
}

impl<'e> Run<'e> {
    /// What the caller of the execution handed in for functions: clock, randomness, the live objects.
    pub fn host<H: Any>(&self) -> Option<&'e H> {
        self.host.downcast_ref()
    }

    /// The name of the template that was executed, from which all others are called: a chart's file.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The output of a template, by its name.
    pub fn include(&mut self, _name: &Str, _data: &Value) -> Result<Str, Fault> {
        Err(Fault::new("not yet"))
    }

    /// The output of a text as a template. It sees all that are defined, and what it defines is seen by itself alone.
    pub fn tpl(&mut self, _text: &Str, _data: &Value) -> Result<Str, Fault> {
        Err(Fault::new("not yet"))
    }

    /// Counts work that a function does beyond its arguments' size, such as the items that `until` makes.
    pub fn spend(&mut self, _steps: u64) -> Result<(), Fault> {
        Ok(())
    }
}

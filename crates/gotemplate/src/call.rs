//! How templates call functions.

use std::collections::HashMap;
use std::sync::Arc;

use super::error::GoTemplateError;
use super::run::Run;
use super::types::Type;
use super::value::Value;

/// What a function does: the run that calls it and its arguments, which are of the types of its signature.
pub type Body = fn(&mut Run<'_>, &[Value]) -> Result<Value, Fault>;

/// A function or a method. Before it is called, its arguments are held against its signature as in Go: a wrong number
/// or type is an error of the call, and nil becomes the zero value of a list or map type. So a body may begin with
/// `let [Value::Str(text), Value::Int(n)] = args else { return Err(Fault::signature()) };`.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// The types of its parameters.
    pub takes: &'static [Type],
    /// The type of any further arguments.
    pub rest: Option<Type>,
    /// What it does.
    pub body: Body,
}

impl Function {
    /// A function with as many arguments as it has parameters.
    pub const fn new(name: &'static str, takes: &'static [Type], body: Body) -> Self {
        Self { name, takes, rest: None, body }
    }

    /// A function that takes any number of further arguments of type `rest`.
    pub const fn variadic(name: &'static str, takes: &'static [Type], rest: Type, body: Body) -> Self {
        Self { name, takes, rest: Some(rest), body }
    }
}

/// The functions that templates may call, by name. Go's own are always among them.
#[derive(Clone, Debug, Default)]
pub struct Functions(Arc<HashMap<&'static str, &'static Function>>);

impl Functions {
    /// Go's own functions and these; of two with one name the last counts.
    pub fn new(functions: impl IntoIterator<Item = &'static Function>) -> Self {
        let own = super::builtin::FUNCTIONS.iter();
        Self(Arc::new(own.chain(functions).map(|function| (function.name, function)).collect()))
    }

    /// The function of a name.
    pub fn get(&self, name: &str) -> Option<&'static Function> {
        self.0.get(name).copied()
    }

    /// All names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        let mut names: Vec<_> = self.0.keys().copied().collect();
        names.sort_unstable();
        names.into_iter()
    }
}

/// Why a function gave no value. The engine adds the function's name, its place and the chain of calls.
#[derive(Debug)]
pub enum Fault {
    /// What Go's function would say.
    Said(String),
    /// The chart's author refuses the values, by `fail` or `required`.
    Refused(String),
    /// The run went over one of its limits.
    Limit(Limit),
    /// A template that the function ran failed.
    Template(Box<GoTemplateError>),
}

/// A limit of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Templates call each other too deeply.
    Depth,
    /// It takes too many steps.
    Steps,
    /// It writes too much.
    Output,
}

impl Fault {
    /// The error that Go's function gives.
    pub fn new(message: impl Into<String>) -> Self {
        Self::Said(message.into())
    }

    /// The refusal of a chart's author.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::Refused(message.into())
    }

    /// The arguments are not those of the signature: the table of functions is wrong.
    pub fn signature() -> Self {
        Self::Said("the function takes other arguments".to_owned())
    }
}

impl From<String> for Fault {
    fn from(message: String) -> Self {
        Self::Said(message)
    }
}

impl From<&str> for Fault {
    fn from(message: &str) -> Self {
        Self::Said(message.to_owned())
    }
}

impl From<Box<GoTemplateError>> for Fault {
    fn from(error: Box<GoTemplateError>) -> Self {
        Self::Template(error)
    }
}

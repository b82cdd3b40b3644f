//! Parsed templates.

use std::sync::Arc;

use super::call::Function;
use super::parse::Number;
use super::source::{Source, Span};
use super::text::Str;

/// A template: a file, or a definition in one.
#[derive(Debug)]
pub struct Template {
    /// Its name.
    pub name: Str,
    /// The file that it stands in.
    pub source: Arc<Source>,
    /// What it is made of.
    pub body: Vec<Node>,
}

/// A piece of a template. Most are texts and actions, so what needs more room than those is in a box.
#[derive(Debug)]
pub enum Node {
    /// Text that is written as it is.
    Text(Str, Span),
    /// An action: its value is written, unless it declares or assigns variables.
    Action(Pipe),
    /// `if`.
    If(Box<Branch>),
    /// `with`.
    With(Box<Branch>),
    /// `range`.
    Range(Box<Branch>),
    /// `template`, and what remains of a `block`.
    Template(Box<Invoke>),
    /// `break`.
    Break,
    /// `continue`.
    Continue,
}

/// A condition or a loop.
#[derive(Debug)]
pub struct Branch {
    /// What it looks at.
    pub pipe: Pipe,
    /// What is done if there is something.
    pub then: Vec<Node>,
    /// What is done otherwise.
    pub otherwise: Vec<Node>,
}

/// The call of a template.
#[derive(Debug)]
pub struct Invoke {
    /// Where its name stands.
    pub span: Span,
    /// Its name.
    pub name: Str,
    /// What it gets as `.`.
    pub data: Option<Pipe>,
}

/// A pipeline.
#[derive(Debug)]
pub struct Pipe {
    /// Where it stands.
    pub span: Span,
    /// The variables that get its value; of a `range`, key and value.
    pub variables: Vec<Variable>,
    /// Whether they are assigned by `=` and not declared by `:=`.
    pub assigns: bool,
    /// Each gets the value of the one before as its last argument.
    pub commands: Vec<Command>,
}

/// A variable that is declared or assigned.
#[derive(Debug)]
pub struct Variable {
    /// Its name.
    pub name: Name,
    /// Where the name stands.
    pub span: Span,
}

/// The name of a variable, as a number of its own within its template. Go looks a variable up by name when the template
/// runs, so the same name may stand for another variable each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name(pub usize);

impl Name {
    /// `$`, which every template has from its start.
    pub const ROOT: Self = Self(0);
}

/// An operand with its arguments.
#[derive(Debug)]
pub struct Command {
    /// Where it stands.
    pub span: Span,
    /// What is called or looked at.
    pub head: Expr,
    /// What it is called with.
    pub args: Vec<Expr>,
}

/// An operand.
#[derive(Debug)]
pub struct Expr {
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub kind: ExprKind,
}

/// What an operand is.
#[derive(Debug)]
pub enum ExprKind {
    /// `.`
    Dot,
    /// `nil`
    Nil,
    /// `true` or `false`
    Bool(bool),
    /// A number.
    Number(Box<Number>),
    /// A text.
    Text(Str),
    /// `.a.b`
    Field(Vec<Str>),
    /// `$a.b`
    Variable(Name, Vec<Str>),
    /// `(x).a.b`
    Chain(Box<Expr>, Vec<Str>),
    /// The name of a function.
    Function(Callee),
    /// A pipeline in parentheses.
    Pipe(Box<Pipe>),
}

/// What a name calls.
#[derive(Clone, Copy, Debug)]
pub enum Callee {
    /// `and`, which looks at no more arguments than it needs.
    And,
    /// `or`, likewise.
    Or,
    /// Any other.
    Function(&'static Function),
}

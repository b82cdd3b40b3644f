//! What a server would find wrong with an object, where it cannot be asked: of every kind what its shape says, of a
//! custom resource all constraints of its definition and its CEL rules.
//!
//! It says what the server says (structured-merge-diff's typed conversion, apiextensions' validation), never more:
//! admission and the checks that a server has in code are its own. A secret is never read: what depends on one is in
//! [`Validated::unchecked`].

mod bounds;
mod cel;
mod combine;
mod defaults;
mod format;
mod place;
mod shape;
mod structural;

use std::fmt;

pub use self::cel::{Expression, ExpressionError, Program, ProgramError, Scope as Documents, Stuck, Unanswered};
use self::place::Place;
use super::{Gvk, Schemas};
use weft_base::diagnostic::nearest;
use weft_base::value::{Data, Path, Step, Value};

/// One thing that a server would refuse.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    /// The field.
    pub path: Path,
    /// The constraint, as the schema writes it: `maximum: 10`, `required`, or the text of a CEL rule.
    pub rule: String,
    /// What is wrong, in the server's words; without any secret.
    pub message: String,
    /// Whether the rule only says that the field must stay as it is: a new object may have the value.
    pub immutable: bool,
    /// Whether the rule looks at what was there before.
    pub transition: bool,
}

/// What validating an object came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Validated {
    /// What a server would refuse, in the order of the schema.
    pub violations: Vec<Violation>,
    /// What could not be checked, each with its reason.
    pub unchecked: Vec<String>,
}

/// An object in the states that the server looks at.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The object as it would be sent.
    pub desired: &'a Value,
    /// The object as it would be stored.
    pub after: &'a Value,
    /// The object as it is stored; `None` for a new one.
    pub live: Option<&'a Value>,
}

impl Schemas {
    /// What a server that has these schemas would find wrong with an object. Of a kind without a schema nothing is
    /// known, and nothing is found.
    pub fn validate(&self, gvk: &Gvk, subject: Subject<'_>) -> Validated {
        let mut found = Validated::default();
        if let Some(shape) = self.of(gvk) {
            let enforced = super::is_builtin_group(&gvk.group);
            shape::check(subject.desired, shape, enforced, &mut found);
        }
        if let Some(schema) = self.definition(gvk) {
            custom(schema, subject, &mut found);
        }
        found
    }
}

impl Schemas {
    /// The declared field of an object that is most like an undeclared one at this path.
    pub fn meant(&self, gvk: &Gvk, path: &Path) -> Option<&str> {
        let (Step::Field(unknown), parents) = path.0.split_last()? else { return None };
        let parent = parents.iter().try_fold(self.of(gvk)?, |shape, step| match step {
            Step::Field(key) => shape.map()?.field(key),
            Step::Item(_) | Step::Index(_) | Step::Member(_) => Some(shape.list()?.item),
        });
        let mut fields: Vec<&str> = parent?.map()?.fields().collect();
        fields.sort_unstable();
        nearest(unknown, fields)
    }
}

/// A custom resource: its defaults, then its constraints, then its rules, unless what they would read is broken.
fn custom(schema: &Value, subject: Subject<'_>, found: &mut Validated) {
    let mut stored = subject.after.clone();
    defaults::fill(&mut stored, schema);
    let root = Place::root(schema, &stored, subject.live);
    let shaped: Vec<Path> = found.violations.iter().map(|it| it.path.clone()).collect();
    let mut constraints = Validated::default();
    structural::check(&root, &mut constraints);
    constraints.violations.retain(|it| !shaped.contains(&it.path));
    if shaped.is_empty() && !constraints.violations.iter().any(Violation::blocks_rules) {
        cel::check(&root, &mut constraints);
    }
    found.violations.append(&mut constraints.violations);
    found.unchecked.append(&mut constraints.unchecked);
}

impl Validated {
    fn violate(&mut self, path: &Path, rule: impl Into<String>, message: impl Into<String>) {
        let path = path.clone();
        let rule = rule.into();
        let message = message.into();
        self.violations.push(Violation { path, rule, message, immutable: false, transition: false });
    }
}

impl Violation {
    /// Whether the server evaluates no CEL rule beside it: their input would not be what it was declared to be.
    fn blocks_rules(&self) -> bool {
        const BLOCKING: [&str; 5] = ["required", "type: ", "maxLength: ", "maxItems: ", "maxProperties: "];
        BLOCKING.iter().any(|rule| self.rule.starts_with(rule))
    }
}

impl fmt::Display for Violation {
    /// `spec.replicas: Invalid value: 11: should be less than or equal to 10`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.0.is_empty() { f.write_str(&self.message) } else { write!(f, "{}: {}", self.path, self.message) }
    }
}

/// `Invalid value: 11: ` before a cause. A secret, and what is long or no scalar, is left out.
fn invalid(value: &Value, cause: &str) -> String {
    match shown(value) {
        Some(text) => format!("Invalid value: {text}: {cause}"),
        None => format!("Invalid value: {cause}"),
    }
}

fn shown(value: &Value) -> Option<String> {
    /// What a line holds.
    const MOST: usize = 80;
    let text = match &value.data {
        Data::Masked(_) | Data::List(_) | Data::Map(_) => return None,
        Data::Text(text) => format!("{text:?}"),
        Data::Null => "null".to_owned(),
        Data::Bool(it) => it.to_string(),
        Data::Int(it) => it.to_string(),
        Data::Uint(it) => it.to_string(),
        Data::Float(it) => it.to_string(),
    };
    (text.len() <= MOST).then_some(text)
}

/// Whether a secret is anywhere in a value.
fn holds_secret(value: &Value) -> bool {
    match &value.data {
        Data::Masked(_) => true,
        Data::List(items) => items.iter().any(holds_secret),
        Data::Map(map) => map.iter().any(|entry| holds_secret(&entry.value)),
        _ => false,
    }
}

fn flag(schema: &Value, key: &str) -> bool {
    schema.get(key).and_then(Value::as_bool) == Some(true)
}

fn text<'v>(schema: &'v Value, key: &str) -> Option<&'v str> {
    schema.get(key).and_then(Value::as_str)
}

fn texts<'v>(schema: &'v Value, key: &str) -> impl Iterator<Item = &'v str> {
    schema.get(key).and_then(Value::as_list).unwrap_or_default().iter().filter_map(Value::as_str)
}

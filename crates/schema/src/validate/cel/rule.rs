//! One rule: whether it holds, and what it says where it does not.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use kube_cel::cel::parser::Parser;
use kube_cel::cel::{Context, ExecutionError, IdedExpr, Value as CelValue};
use regex::Regex;

use super::convert::escaped;
use crate::validate::place::Place;
use crate::validate::{Validated, Violation, flag, holds_secret, text};
use weft_base::value::{Path, Value};

/// Where a rule looks at an object, and at which of its fields first.
static READS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\b(?:self|oldSelf)\b(?:\s*\.\s*\??\s*([A-Za-z0-9_]+))?").ok());
/// A rule that only says that something stays as it is.
static STAYS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^\(?(?:self((?:\.\w+)*)==oldSelf((?:\.\w+)*)|oldSelf((?:\.\w+)*)==self((?:\.\w+)*))\)?$").ok()
});
/// A field that may be missing.
static OPTIONAL: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\.\?\s*([A-Za-z_]\w*)").ok());
/// The steps of a `fieldPath`.
static STEPS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\.([^.\[\]]+)|\['([^']+)'\]").ok());

/// One entry of `x-kubernetes-validations`.
pub(super) struct Rule<'a> {
    entry: &'a Value,
    text: &'a str,
}

/// What evaluating came to.
enum Outcome {
    Holds,
    Fails,
    /// The server would not get to an answer either, and refuses the object.
    Breaks(String),
    Unknown(String),
}

impl<'a> Rule<'a> {
    pub(super) fn of(entry: &'a Value) -> Option<Self> {
        Some(Self { entry, text: text(entry, "rule")? })
    }

    /// Evaluates the rule for a place in its scope.
    pub(super) fn check(&self, place: &Place<'_>, scope: &Context<'_>, found: &mut Validated) {
        let transition = mentions_old(self.text);
        let optional = flag(self.entry, "optionalOldSelf");
        if transition && (place.old.is_none() && !optional) || !transition && place.is_unchanged() {
            return;
        }
        if reads_secret(self.text, place) {
            let path = named(&place.path);
            return found.unchecked.push(format!("the rule `{}` {path} reads a secret", self.text));
        }
        let outcome =
            if optional { evaluate(self.text, &optional_scope(place, scope)) } else { evaluate(self.text, scope) };
        match outcome {
            Outcome::Holds => {}
            Outcome::Fails => found.violations.push(self.violation(place, scope)),
            Outcome::Breaks(cause) => {
                let rule = text(self.entry, "message").unwrap_or(self.text).trim();
                let message = format!("Invalid value: {cause} evaluating rule: {rule}");
                found.violate(&place.path, self.text, message);
            }
            Outcome::Unknown(cause) => {
                found.unchecked.push(format!(
                    "the rule `{}` {} cannot be evaluated here: {cause}",
                    self.text,
                    named(&place.path)
                ));
            }
        }
    }

    fn violation(&self, place: &Place<'_>, scope: &Context<'_>) -> Violation {
        let said = self.expression(place, scope).unwrap_or_else(|| self.said());
        let reason = match text(self.entry, "reason") {
            Some("FieldValueForbidden") => "Forbidden",
            Some("FieldValueRequired") => "Required value",
            Some("FieldValueDuplicate") => "Duplicate value",
            _ => "Invalid value",
        };
        Violation {
            path: self.path(&place.path),
            rule: self.text.to_owned(),
            message: format!("{reason}: {said}"),
            immutable: stays(self.text),
            transition: mentions_old(self.text),
        }
    }

    /// The rule's own message.
    fn said(&self) -> String {
        match text(self.entry, "message").map(str::trim).filter(|it| !it.is_empty()) {
            Some(message) => message.to_owned(),
            None => format!("failed rule: {}", self.text.trim()),
        }
    }

    /// What the rule's `messageExpression` says; nothing where it would read a secret.
    fn expression(&self, place: &Place<'_>, scope: &Context<'_>) -> Option<String> {
        let source = text(self.entry, "messageExpression").filter(|it| !reads_secret(it, place))?;
        let CelValue::String(said) = scope.resolve(&parse(source)?).ok()? else { return None };
        let said = said.trim();
        (!said.is_empty() && !said.contains('\n')).then(|| said.to_owned())
    }

    fn path(&self, place: &Path) -> Path {
        let (Some(below), Some(steps)) = (text(self.entry, "fieldPath"), STEPS.as_ref()) else { return place.clone() };
        let names = steps.captures_iter(below).filter_map(|it| it.get(1).or_else(|| it.get(2)));
        names.fold(place.clone(), |path, name| path.field(name.as_str()))
    }
}

fn named(path: &Path) -> String {
    if path.0.is_empty() { "of the whole object".to_owned() } else { format!("of `{path}`") }
}

fn mentions_old(rule: &str) -> bool {
    rule.split(|it: char| !it.is_alphanumeric() && it != '_').any(|word| word == "oldSelf")
}

/// Whether a rule says no more than that its field, or one below it, stays.
fn stays(rule: &str) -> bool {
    let rule: String = rule.split_whitespace().collect();
    let captures = STAYS.as_ref().and_then(|pattern| pattern.captures(&rule));
    captures.is_some_and(|it| match (it.get(1), it.get(2), it.get(3), it.get(4)) {
        (Some(a), Some(b), ..) | (_, _, Some(a), Some(b)) => a.as_str() == b.as_str(),
        _ => false,
    })
}

/// Whether a rule might read a secret: it looks at a field that holds one, or at everything.
fn reads_secret(rule: &str, place: &Place<'_>) -> bool {
    let secrets: BTreeSet<String> =
        [Some(place.value), place.old].into_iter().flatten().flat_map(secret_fields).collect();
    let whole =
        [Some(place.value), place.old].into_iter().flatten().any(|it| it.as_map().is_none() && holds_secret(it));
    if secrets.is_empty() && !whole {
        return false;
    }
    let Some(reads) = READS.as_ref() else { return true };
    whole || reads.captures_iter(rule).any(|it| it.get(1).is_none_or(|field| secrets.contains(field.as_str())))
}

/// The fields of a map that hold a secret, as rules call them.
fn secret_fields(value: &Value) -> Vec<String> {
    let entries = value.as_map().into_iter().flatten();
    entries.filter(|entry| holds_secret(&entry.value)).map(|entry| escaped(&entry.key)).collect()
}

/// Where there may be no past, a rule sees an optional.
fn optional_scope<'c>(place: &Place<'_>, scope: &'c Context<'_>) -> Context<'c> {
    let source = if place.old.is_some() { "optional.of(oldSelf)" } else { "optional.none()" };
    let mut inner = scope.new_inner_scope();
    if let Some(old) = parse(source).and_then(|it| scope.resolve(&it).ok()) {
        inner.add_variable_from_value("oldSelf", old);
    }
    inner
}

/// Reads an expression.
pub(super) fn parse(source: &str) -> Option<IdedExpr> {
    read(source).ok()
}

/// The same; an error with what is wrong, and with the line and the column, counted from one. The evaluator knows optional
/// keys, but not optional fields: `a.?b` is `a[?"b"]`.
pub(super) fn read(source: &str) -> Result<IdedExpr, (String, u32, u32)> {
    let source = OPTIONAL.as_ref().map_or(source.into(), |field| field.replace_all(source, "[?\"$1\"]"));
    Parser::new().enable_optional_syntax(true).parse(&source).map_err(|errors| match errors.errors.first() {
        Some(first) => {
            let place = |at: isize| u32::try_from(at).unwrap_or(0).max(1);
            (first.msg.clone(), place(first.pos.0), place(first.pos.1))
        }
        None => ("nothing is there".to_owned(), 1, 1),
    })
}

fn evaluate(source: &str, scope: &Context<'_>) -> Outcome {
    let Some(parsed) = parse(source) else { return Outcome::Unknown("it cannot be read".to_owned()) };
    match scope.resolve(&parsed) {
        Ok(CelValue::Bool(true)) => Outcome::Holds,
        Ok(CelValue::Bool(false)) => Outcome::Fails,
        Ok(_) => Outcome::Unknown("it does not come to true or false".to_owned()),
        Err(ExecutionError::NoSuchKey(key)) => Outcome::Breaks(format!("no such key: {key}")),
        Err(ExecutionError::DivisionByZero(_)) => Outcome::Breaks("division by zero".to_owned()),
        Err(ExecutionError::IndexOutOfBounds(at)) => Outcome::Breaks(format!("index out of bounds: {at:?}")),
        Err(ExecutionError::UndeclaredReference(name)) => Outcome::Unknown(format!("`{name}` is not known here")),
        // Its words would hold values.
        Err(_) => Outcome::Unknown("a function or operator in it does not take these values here".to_owned()),
    }
}

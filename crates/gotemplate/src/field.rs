//! Fields and methods, and what is said where there is none.

use super::ast::{Command, Expr, ExprKind, Name};
use super::call::Function;
use super::error::{GoTemplateError, Place, described};
use super::eval::{Frame, dotted};
use super::run::{Missing, Run};
use super::source::Span;
use super::text::Str;
use super::value::Value;
use super::walk::{Fallible, MaybeValue};
use weft_base::diagnostic::nearest;

/// Of the values in an expression, how many are shown.
const MOST_SHOWN: usize = 6;

impl Run<'_> {
    /// The value of fields that stand alone.
    pub(super) fn fields(
        &mut self,
        frame: Frame<'_>,
        dot: &MaybeValue,
        receiver: MaybeValue,
        path: &[Str],
        span: Span,
    ) -> Fallible<MaybeValue> {
        let mut value = receiver;
        for (index, name) in path.iter().enumerate() {
            value = match method(&value, name) {
                Some((object, function)) => {
                    let command = alone(span);
                    self.function(frame, dot, &command, function, Some(object), None)?
                }
                None => self.field(Missed { frame, dot, path, index, span }, &value)?,
            };
        }
        Ok(value)
    }

    /// The value of fields, the last of which may be a method with arguments.
    pub(super) fn chain(
        &mut self,
        frame: Frame<'_>,
        dot: &MaybeValue,
        receiver: MaybeValue,
        path: &[Str],
        command: &Command,
        handed: Option<MaybeValue>,
    ) -> Fallible<MaybeValue> {
        let span = command.head.span;
        if command.args.is_empty() && handed.is_none() {
            return self.fields(frame, dot, receiver, path, span);
        }
        let Some((last, before)) = path.split_last() else { return Ok(receiver) };
        let value = self.fields(frame, dot, receiver, before, span)?;
        if let Some((object, function)) = method(&value, last) {
            return self.function(frame, dot, command, function, Some(object), handed);
        }
        self.field(Missed { frame, dot, path, index: before.len(), span }, &value)?;
        Err(frame.invalid(span, format!("`{}` is no method, and takes no argument", last.lossy())))
    }

    fn field(&self, at: Missed<'_>, value: &MaybeValue) -> Fallible<MaybeValue> {
        let name = &at.path[at.index];
        match value {
            None if self.missing == Missing::Error => Err(self.no_field(at, value)),
            None => Ok(None),
            Some(Value::Map(map)) => match map.get(name) {
                Some(value) => Ok(Some(value)),
                None => match self.missing {
                    Missing::Invalid => Ok(None),
                    Missing::Zero => Ok(Some(Value::zero(map.of()))),
                    Missing::Error => Err(self.no_field(at, value)),
                },
            },
            Some(Value::Object(object)) => {
                if let Some(value) = name.as_str().and_then(|name| object.field(name)) {
                    return Ok(Some(value));
                }
                match object.underlying() {
                    Some(below @ Value::Map(_)) => self.field(at, &Some(below)),
                    _ => Err(self.no_field(at, value)),
                }
            }
            Some(_) => Err(self.no_field(at, value)),
        }
    }

    fn no_field(&self, at: Missed<'_>, value: &MaybeValue) -> Box<GoTemplateError> {
        let Missed { frame, dot, path, index, span } = at;
        let written = frame.text(span);
        let ends = dotted(&path[index..]);
        let before = written.strip_suffix(&ends).map_or_else(|| dotted(&path[..index]), str::to_owned);
        let of = if before.is_empty() { ".".to_owned() } else { before };
        let name = path[index].lossy().into_owned();
        let rooted = self.is_rooted(frame, dot, &written);
        let mut place = frame.place(span);
        if rooted {
            place.path = path.iter().map(|field| field.lossy().into_owned()).collect();
        }
        let near = value.as_ref().and_then(|value| near(value, &name));
        Box::new(match value {
            None | Some(Value::Nil) => {
                let near = near.or_else(|| self.near_before(path, index).filter(|_| rooted));
                GoTemplateError::NilField { of, name, near, place }
            }
            Some(value) => GoTemplateError::NoField { of, is: described(value), name, near, place },
        })
    }

    /// Whether what is written begins at the root of the data.
    fn is_rooted(&self, frame: Frame<'_>, dot: &MaybeValue, written: &str) -> bool {
        let start =
            if written.starts_with("$.") { self.variables.get(frame.base).map(|it| &it.value) } else { Some(dot) };
        match (start, &self.root) {
            (Some(Some(Value::Map(start))), Some(Value::Map(root))) if written.starts_with(['.', '$']) => {
                start.is(root)
            }
            _ => false,
        }
    }

    /// The nearest name where a path from the root of the data leaves what is there.
    fn near_before(&self, path: &[Str], index: usize) -> Option<String> {
        let names: Vec<_> = path[..=index].iter().map(|field| field.lossy()).collect();
        let root = self.root.as_ref()?;
        let dig = |end: usize| root.dig(names[..end].iter().map(|name| &**name));
        let left = (0..names.len()).find(|end| dig(end + 1).is_none())?;
        let near = near(&dig(left)?, &names[left])?;
        Some(format!("{}.{near}", dotted(&path[..left])))
    }

    pub(super) fn place_with_values(&self, frame: Frame<'_>, dot: &MaybeValue, command: &Command) -> Box<Place> {
        let mut place = frame.place(command.span);
        place.used = self.used(frame, dot, command);
        let looked_at = command.args.iter().chain([&command.head]).find_map(|expr| match &expr.kind {
            ExprKind::Field(path) | ExprKind::Variable(Name::ROOT, path) if !path.is_empty() => Some((expr.span, path)),
            _ => None,
        });
        if let Some((_, path)) = looked_at.filter(|(span, _)| self.is_rooted(frame, dot, &frame.text(*span))) {
            place.path = path.iter().map(|field| field.lossy().into_owned()).collect();
        }
        place
    }

    /// The values in a command, as `name is value`.
    pub(super) fn used(&self, frame: Frame<'_>, dot: &MaybeValue, command: &Command) -> Vec<String> {
        let operands = [&command.head].into_iter().chain(&command.args);
        let mut used: Vec<String> = operands.filter_map(|expr| self.used_in(frame, dot, expr)).collect();
        used.dedup();
        used.truncate(MOST_SHOWN);
        used
    }

    pub(super) fn used_in(&self, frame: Frame<'_>, dot: &MaybeValue, expr: &Expr) -> Option<String> {
        let (root, path) = match &expr.kind {
            ExprKind::Field(path) => (dot.clone(), path),
            ExprKind::Variable(name, path) => (self.lookup(frame, *name)?.clone(), path),
            _ => return None,
        };
        let value = match root {
            Some(root) if !path.is_empty() => {
                let names: Vec<_> = path.iter().map(|field| field.lossy()).collect();
                root.dig(names.iter().map(|name| &**name))
            }
            other => other,
        };
        let written = frame.text(expr.span);
        let near = if value.is_none() && self.is_rooted(frame, dot, &written) {
            path.len().checked_sub(1).and_then(|last| self.near_before(path, last))
        } else {
            None
        };
        let shown = value.map_or_else(|| "nil".to_owned(), |value| described(&value));
        let near = near.map(|near| format!(", and there is `{near}`")).unwrap_or_default();
        Some(format!("`{written}` is {shown}{near}"))
    }
}

/// The method of a name that a value has.
fn method(value: &MaybeValue, name: &Str) -> Option<(Value, &'static Function)> {
    let value = value.as_ref()?;
    let function = match value {
        Value::Object(object) => object.method(name.as_str()?)?,
        Value::Map(map) => map.map_type()?.methods.iter().find(|it| *name == *it.name)?,
        _ => return None,
    };
    Some((value.clone(), function))
}

/// Where a field is asked for, in case that it is not there.
#[derive(Clone, Copy)]
struct Missed<'a> {
    frame: Frame<'a>,
    dot: &'a MaybeValue,
    path: &'a [Str],
    index: usize,
    span: Span,
}

/// A call without arguments.
fn alone(span: Span) -> Command {
    Command { span, head: Expr { span, kind: ExprKind::Dot }, args: Vec::new() }
}

fn near(value: &Value, name: &str) -> Option<String> {
    match value {
        Value::Map(map) => {
            let keys = map.keys();
            let keys: Vec<_> = keys.iter().map(Str::lossy).collect();
            nearest(name, keys.iter().map(|key| &**key)).map(str::to_owned)
        }
        Value::Object(object) => nearest(name, object.names()).map(str::to_owned),
        _ => None,
    }
}

//! Fields and methods, and what is said where there is none.

use std::rc::Rc;

use super::ast::{Command, Expr, ExprKind};
use super::error::{GoTemplateError, Place, described};
use super::eval::{Frame, dotted};
use super::object::Object;
use super::run::{Missing, Run};
use super::source::Span;
use super::text::Str;
use super::value::Value;
use super::walk::{Fallible, Found};
use crate::diagnostic::nearest;

/// Of the values in an expression, how many are shown.
const MOST_SHOWN: usize = 6;

impl Run<'_> {
    /// The value of fields that stand alone.
    pub(super) fn fields(
        &mut self,
        frame: Frame<'_>,
        dot: &Found,
        receiver: Found,
        path: &[Str],
        span: Span,
    ) -> Fallible<Found> {
        let mut value = receiver;
        for (at, name) in path.iter().enumerate() {
            value = match self.method(&value, name) {
                Some((object, function)) => {
                    let command = alone(span);
                    self.function(frame, dot, &command, function, Some(Value::Object(object)), None)?
                }
                None => self.field(frame, &value, path, at, span)?,
            };
        }
        Ok(value)
    }

    /// The value of fields, the last of which may be a method with arguments.
    pub(super) fn chain(
        &mut self,
        frame: Frame<'_>,
        dot: &Found,
        receiver: Found,
        path: &[Str],
        command: &Command,
        handed: Option<Found>,
    ) -> Fallible<Found> {
        let span = command.head.span;
        if command.args.is_empty() && handed.is_none() {
            return self.fields(frame, dot, receiver, path, span);
        }
        let Some((last, before)) = path.split_last() else { return Ok(receiver) };
        let value = self.fields(frame, dot, receiver, before, span)?;
        match self.method(&value, last) {
            Some((object, function)) => {
                self.function(frame, dot, command, function, Some(Value::Object(object)), handed)
            }
            None => {
                self.field(frame, &value, path, path.len() - 1, span)?;
                let message = format!("`{}` is no method, and takes no argument", last.lossy());
                Err(frame.invalid(span, message))
            }
        }
    }

    fn method(&self, value: &Found, name: &Str) -> Option<(Rc<dyn Object>, &'static super::Function)> {
        match value {
            Some(Value::Object(object)) => Some((Rc::clone(object), object.method(name.as_str()?)?)),
            _ => None,
        }
    }

    fn field(&self, frame: Frame<'_>, value: &Found, path: &[Str], at: usize, span: Span) -> Fallible<Found> {
        let name = &path[at];
        match value {
            None if self.missing == Missing::Error => Err(self.no_field(frame, value, path, at, span)),
            None => Ok(None),
            Some(Value::Map(map)) => match map.get(name) {
                Some(value) => Ok(Some(value)),
                None => match self.missing {
                    Missing::Invalid => Ok(None),
                    Missing::Zero => Ok(Some(Value::zero(map.of()))),
                    Missing::Error => Err(self.no_field(frame, value, path, at, span)),
                },
            },
            Some(Value::Object(object)) => {
                if let Some(value) = name.as_str().and_then(|name| object.field(name)) {
                    return Ok(Some(value));
                }
                match object.underlying() {
                    Some(below @ Value::Map(_)) => self.field(frame, &Some(below), path, at, span),
                    _ => Err(self.no_field(frame, value, path, at, span)),
                }
            }
            Some(_) => Err(self.no_field(frame, value, path, at, span)),
        }
    }

    fn no_field(&self, frame: Frame<'_>, value: &Found, path: &[Str], at: usize, span: Span) -> Box<GoTemplateError> {
        let written = frame.text(span);
        let ends = dotted(&path[at..]);
        let before = written.strip_suffix(&ends).map_or_else(|| dotted(&path[..at]), str::to_owned);
        let what = match value {
            None | Some(Value::Nil) => format!("`{before}`, which is nil,"),
            Some(value) if before.is_empty() => format!("`.`, {},", described(value)),
            Some(value) => format!("`{before}`, {},", described(value)),
        };
        let name = path[at].lossy().into_owned();
        let near = value.as_ref().and_then(|value| near(value, &name)).or_else(|| self.near_before(path, at));
        let mut place = frame.place(span);
        place.path = path.iter().map(|field| field.lossy().into_owned()).collect();
        Box::new(GoTemplateError::NoField { what, name, near, place })
    }

    /// Where the path is one from the root of the data on, the nearest name where it leaves what is there.
    fn near_before(&self, path: &[Str], at: usize) -> Option<String> {
        let names: Vec<_> = path[..at].iter().map(|field| field.lossy()).collect();
        let root = self.root.as_ref()?;
        let known = (0..names.len()).rev().find_map(|end| {
            let parent = root.dig(names[..end].iter().map(|name| &**name))?;
            Some((end, near(&parent, &names[end])?))
        });
        known.map(|(end, near)| format!("{}.{near}", dotted(&path[..end])))
    }

    pub(super) fn place_with_values(&self, frame: Frame<'_>, dot: &Found, command: &Command) -> Box<Place> {
        let mut place = frame.place(command.span);
        place.used = self.used(frame, dot, command);
        let looked_at = command.args.iter().chain([&command.head]).find_map(|expr| match &expr.kind {
            ExprKind::Field(path) | ExprKind::Variable(Some(0), path) if !path.is_empty() => Some(path),
            _ => None,
        });
        place.path = looked_at.into_iter().flatten().map(|field| field.lossy().into_owned()).collect();
        place
    }

    /// The values in a command, as `name is value`.
    pub(super) fn used(&self, frame: Frame<'_>, dot: &Found, command: &Command) -> Vec<String> {
        let operands = [&command.head].into_iter().chain(&command.args);
        let mut used: Vec<String> = operands.filter_map(|expr| self.used_in(frame, dot, expr)).collect();
        used.dedup();
        used.truncate(MOST_SHOWN);
        used
    }

    pub(super) fn used_in(&self, frame: Frame<'_>, dot: &Found, expr: &Expr) -> Option<String> {
        let (root, path) = match &expr.kind {
            ExprKind::Field(path) => (dot.clone(), path),
            ExprKind::Variable(Some(slot), path) => (self.variables.get(frame.base + slot)?.clone(), path),
            _ => return None,
        };
        let value = match root {
            Some(root) if !path.is_empty() => {
                let names: Vec<_> = path.iter().map(|field| field.lossy()).collect();
                root.dig(names.iter().map(|name| &**name))
            }
            other => other,
        };
        let shown = value.map_or_else(|| "nil".to_owned(), |value| described(&value));
        Some(format!("`{}` is {shown}", frame.text(expr.span)))
    }
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

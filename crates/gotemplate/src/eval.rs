//! The values of pipelines, commands and their operands.

use super::ast::{Callee, Command, Expr, ExprKind, Name, Pipe, Template, Variable};
use super::call::{Fault, Function};
use super::error::GoTemplateError;
use super::parse::Number;
use super::run::{RED_ZONE, Run, SEGMENT};
use super::source::Span;
use super::text::Str;
use super::types::Type;
use super::value::Value;
use super::walk::{Binding, Fallible, MaybeValue};

/// The template that is being executed, and where its variables begin.
#[derive(Clone, Copy)]
pub(super) struct Frame<'t> {
    pub template: &'t Template,
    pub base: usize,
}

/// What a pipeline hands to a command; outside `None` where the command is the first.
type Handed = Option<MaybeValue>;

impl Run<'_> {
    /// The value of a pipeline; its variables get it.
    pub(super) fn pipe(&mut self, frame: Frame<'_>, dot: &MaybeValue, pipe: &Pipe) -> Fallible<MaybeValue> {
        let mut handed: Handed = None;
        for command in &pipe.commands {
            let value = self.command(frame, dot, command, handed)?;
            handed = Some(value.filter(|it| !matches!(it, Value::Nil)));
        }
        let value = handed.flatten();
        for variable in &pipe.variables {
            if pipe.assigns {
                self.assign(frame, variable, value.clone())?;
            } else {
                self.variables.push(Binding { name: variable.name, value: value.clone() });
            }
        }
        Ok(value)
    }

    /// Gives a variable that was declared another value.
    pub(super) fn assign(&mut self, frame: Frame<'_>, variable: &Variable, value: MaybeValue) -> Fallible<()> {
        let variables = self.variables.iter_mut().skip(frame.base);
        match variables.rev().find(|it| it.name == variable.name) {
            Some(binding) => binding.value = value,
            None => return Err(no_variable(frame, variable.span)),
        }
        Ok(())
    }

    fn command(
        &mut self,
        frame: Frame<'_>,
        dot: &MaybeValue,
        command: &Command,
        handed: Handed,
    ) -> Fallible<MaybeValue> {
        self.step(frame, command.span, 1)?;
        let head = &command.head;
        match &head.kind {
            ExprKind::Function(Callee::Function(function)) => {
                return self.function(frame, dot, command, function, None, handed);
            }
            ExprKind::Function(Callee::And) => return self.junction(frame, dot, command, "and", handed),
            ExprKind::Function(Callee::Or) => return self.junction(frame, dot, command, "or", handed),
            ExprKind::Field(path) => return self.chain(frame, dot, dot.clone(), path, command, handed),
            ExprKind::Chain(inner, path) => {
                let receiver = self.receiver(frame, dot, inner)?;
                return self.chain(frame, dot, receiver, path, command, handed);
            }
            ExprKind::Variable(name, path) if !path.is_empty() => {
                let receiver = self.variable(frame, *name, head.span)?;
                return self.chain(frame, dot, receiver, path, command, handed);
            }
            _ => {}
        }
        if !command.args.is_empty() || handed.is_some() {
            return Err(
                frame.invalid(head.span, format!("`{}` is no function, and takes no argument", frame.text(head.span)))
            );
        }
        match &head.kind {
            ExprKind::Nil => Err(frame.invalid(head.span, "nil is not a command".to_owned())),
            _ => self.operand(frame, dot, head),
        }
    }

    /// The value of an operand that stands alone.
    fn operand(&mut self, frame: Frame<'_>, dot: &MaybeValue, expr: &Expr) -> Fallible<MaybeValue> {
        match &expr.kind {
            ExprKind::Dot => Ok(dot.clone()),
            ExprKind::Nil => Ok(None),
            ExprKind::Bool(it) => Ok(Some(Value::Bool(*it))),
            ExprKind::Number(number) => ideal(frame, expr.span, number).map(Some),
            ExprKind::Text(text) => Ok(Some(Value::Str(text.clone()))),
            ExprKind::Field(path) => self.fields(frame, dot, dot.clone(), path, expr.span),
            ExprKind::Variable(name, path) => {
                let value = self.variable(frame, *name, expr.span)?;
                self.fields(frame, dot, value, path, expr.span)
            }
            ExprKind::Chain(inner, path) => {
                let receiver = self.receiver(frame, dot, inner)?;
                self.fields(frame, dot, receiver, path, expr.span)
            }
            ExprKind::Pipe(pipe) => stacker::maybe_grow(RED_ZONE, SEGMENT, || self.pipe(frame, dot, pipe)),
            ExprKind::Function(callee) => {
                let head = Expr { span: expr.span, kind: ExprKind::Function(*callee) };
                self.command(frame, dot, &Command { span: expr.span, head, args: Vec::new() }, None)
            }
        }
    }

    fn receiver(&mut self, frame: Frame<'_>, dot: &MaybeValue, expr: &Expr) -> Fallible<MaybeValue> {
        match expr.kind {
            ExprKind::Nil => Err(frame.invalid(expr.span, "nil has no fields".to_owned())),
            _ => self.operand(frame, dot, expr),
        }
    }

    fn variable(&self, frame: Frame<'_>, name: Name, span: Span) -> Fallible<MaybeValue> {
        self.lookup(frame, name).cloned().ok_or_else(|| no_variable(frame, span))
    }

    /// The value of the variable that was declared last by that name.
    pub(super) fn lookup(&self, frame: Frame<'_>, name: Name) -> Option<&MaybeValue> {
        let variables = self.variables.iter().skip(frame.base);
        variables.rev().find(|it| it.name == name).map(|it| &it.value)
    }

    /// `and` and `or`: the first argument that decides, or the last.
    fn junction(
        &mut self,
        frame: Frame<'_>,
        dot: &MaybeValue,
        command: &Command,
        name: &'static str,
        handed: Handed,
    ) -> Fallible<MaybeValue> {
        let mut value = None;
        if command.args.is_empty() && handed.is_none() {
            let message = format!("wrong number of args for {name}: want at least 1 got 0");
            return Err(frame.failed(command.span, name, message));
        }
        for arg in &command.args {
            value = self.argument(frame, dot, arg, Type::Value, name)?.into();
            if value.as_ref().is_some_and(Value::truth) == (name == "or") {
                return Ok(value);
            }
        }
        Ok(handed.unwrap_or(value))
    }

    /// Calls a function, or a method of `receiver`.
    pub(super) fn function(
        &mut self,
        frame: Frame<'_>,
        dot: &MaybeValue,
        command: &Command,
        function: &'static Function,
        receiver: Option<Value>,
        handed: Handed,
    ) -> Fallible<MaybeValue> {
        let name = function.name;
        let given = command.args.len() + usize::from(handed.is_some());
        if given < function.takes.len() || (given > function.takes.len() && function.rest.is_none()) {
            let least = if function.rest.is_some() { "at least " } else { "" };
            let message = format!("wrong number of args for {name}: want {least}{} got {given}", function.takes.len());
            return Err(frame.failed(command.span, name, message));
        }
        let mut args = Vec::with_capacity(given + 1);
        args.extend(receiver);
        let taken = |at: usize| function.takes.get(at).copied().or(function.rest).unwrap_or(Type::Any);
        for (at, arg) in command.args.iter().enumerate() {
            args.push(self.argument(frame, dot, arg, taken(at), name)?);
        }
        if let Some(value) = handed {
            let value = fitting(value, taken(given - 1));
            args.push(value.map_err(|message| self.explained(frame, dot, command, name, message))?);
        }
        let result = (function.body)(self, &args).and_then(|value| self.counted(value));
        result.map(Some).map_err(|fault| self.fault(frame, dot, command, name, fault))
    }

    /// What a function made counts against the limits.
    fn counted(&mut self, value: Value) -> Result<Value, Fault> {
        match &value {
            Value::Str(text) => self.room(text.len())?,
            Value::List(list) => self.spend(list.len() as u64)?,
            _ => {}
        }
        Ok(value)
    }

    fn fault(
        &self,
        frame: Frame<'_>,
        dot: &MaybeValue,
        command: &Command,
        name: &'static str,
        fault: Fault,
    ) -> Box<GoTemplateError> {
        match fault {
            Fault::Said(message) => self.explained(frame, dot, command, name, message),
            Fault::Refused(message) => {
                Box::new(GoTemplateError::Refused { message, place: self.place_with_values(frame, dot, command) })
            }
            Fault::Limit(limit) => Box::new(GoTemplateError::Limit { limit, place: frame.place(command.span) }),
            Fault::Template(error) => error.called_at(&frame.template.source, command.span),
        }
    }

    fn explained(
        &self,
        frame: Frame<'_>,
        dot: &MaybeValue,
        command: &Command,
        function: &'static str,
        message: String,
    ) -> Box<GoTemplateError> {
        let place = self.place_with_values(frame, dot, command);
        Box::new(GoTemplateError::Function { function, message, place })
    }

    /// The value of an argument for a parameter of type `wanted`.
    fn argument(
        &mut self,
        frame: Frame<'_>,
        dot: &MaybeValue,
        expr: &Expr,
        wanted: Type,
        function: &'static str,
    ) -> Fallible<Value> {
        let value = match &expr.kind {
            ExprKind::Nil if wanted.can_be_nil() => Ok(Value::zero(wanted)),
            ExprKind::Nil => Err(format!("cannot assign nil to {wanted}")),
            ExprKind::Bool(_) | ExprKind::Number(_) | ExprKind::Text(_) => match constant(&expr.kind, wanted) {
                Some(value) => Ok(value),
                None if matches!(wanted, Type::Any | Type::Value) => ideal_of(frame, expr).map(Ok)?,
                None => Err(format!("expected {}; found {}", expected(wanted), frame.text(expr.span))),
            },
            _ => fitting(self.operand(frame, dot, expr)?, wanted),
        };
        value.map_err(|message| {
            let mut place = frame.place(expr.span);
            place.used = self.used_in(frame, dot, expr).into_iter().collect();
            Box::new(GoTemplateError::Function { function, message, place })
        })
    }
}

impl Frame<'_> {
    /// What stands in the template.
    pub(super) fn text(self, span: Span) -> String {
        String::from_utf8_lossy(self.template.source.slice(span)).into_owned()
    }

    pub(super) fn invalid(self, span: Span, message: String) -> Box<GoTemplateError> {
        Box::new(GoTemplateError::Invalid { message, place: self.place(span) })
    }

    fn failed(self, span: Span, function: &'static str, message: String) -> Box<GoTemplateError> {
        Box::new(GoTemplateError::Function { function, message, place: self.place(span) })
    }
}

fn no_variable(frame: Frame<'_>, span: Span) -> Box<GoTemplateError> {
    let name = frame.text(span);
    let name = name.split('.').next().unwrap_or_default().to_owned();
    Box::new(GoTemplateError::NoVariable { name, near: None, place: frame.place(span) })
}

/// A value as a parameter takes it, or what Go says about it.
fn fitting(value: MaybeValue, wanted: Type) -> Result<Value, String> {
    match value {
        None if wanted.can_be_nil() => Ok(Value::zero(wanted)),
        None => Err(format!("invalid value; expected {wanted}")),
        Some(value) if value.is_a(wanted) => Ok(value),
        Some(value) => {
            let below = value.underlying();
            match wanted {
                Type::List(_) | Type::Map(_) if below.is_a(wanted) => Ok(below),
                _ => {
                    let name = if matches!(value, Value::Nil) { "interface {}".to_owned() } else { value.type_name() };
                    Err(format!("wrong type for value; expected {wanted}; got {name}"))
                }
            }
        }
    }
}

/// A constant as a parameter of a basic type takes it.
fn constant(kind: &ExprKind, wanted: Type) -> Option<Value> {
    match (kind, wanted) {
        (ExprKind::Bool(it), Type::Bool | Type::Any | Type::Value) => Some(Value::Bool(*it)),
        (ExprKind::Text(it), Type::Str | Type::Any | Type::Value) => Some(Value::Str(it.clone())),
        (ExprKind::Number(it), Type::Int) => it.int.map(Value::Int),
        (ExprKind::Number(it), Type::Int64) => it.int.map(Value::Int64),
        (ExprKind::Number(it), Type::Uint8) => it.uint.and_then(|it| u8::try_from(it).ok()).map(Value::Uint8),
        (ExprKind::Number(it), Type::Uint64) => it.uint.map(Value::Uint64),
        (ExprKind::Number(it), Type::Float) => it.float.map(Value::Float),
        _ => None,
    }
}

fn expected(wanted: Type) -> String {
    match wanted {
        Type::Int | Type::Int64 => "integer".to_owned(),
        Type::Uint8 | Type::Uint64 => "unsigned integer".to_owned(),
        Type::Float => "float".to_owned(),
        other => other.to_string(),
    }
}

fn ideal_of(frame: Frame<'_>, expr: &Expr) -> Fallible<Value> {
    match &expr.kind {
        ExprKind::Number(number) => ideal(frame, expr.span, number),
        _ => Ok(Value::Nil),
    }
}

/// A number where nothing says of which kind it is.
fn ideal(frame: Frame<'_>, span: Span, number: &Number) -> Fallible<Value> {
    match (number.complex, number.float, number.int) {
        (Some((real, imaginary)), _, _) => Ok(Value::Complex(real, imaginary)),
        (None, Some(float), _) if number.floating => Ok(Value::Float(float)),
        (None, _, Some(int)) => Ok(Value::Int(int)),
        _ => Err(frame.invalid(span, format!("{} overflows int", frame.text(span)))),
    }
}

/// The name of a path as it is written.
pub(super) fn dotted(path: &[Str]) -> String {
    path.iter().flat_map(|field| [".".to_owned(), field.lossy().into_owned()]).collect()
}

//! The nodes of a template, executed one after the other.

use super::ast::{Branch, Invoke, Name, Node, Pipe, Template};
use super::call::Limit;
use super::error::{GoTemplateError, Place};
use super::eval::Frame;
use super::format;
use super::run::{RED_ZONE, Run, SEGMENT};
use super::source::Span;
use super::value::Value;

/// A value, or none: what Go's reflection calls an invalid value. It is less than nil, which a map may hold.
pub(super) type MaybeValue = Option<Value>;

pub(super) type Fallible<T> = Result<T, Box<GoTemplateError>>;

/// A variable with its value.
pub(super) struct Binding {
    pub name: Name,
    pub value: MaybeValue,
}

/// What comes after a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Continue,
}

impl Run<'_> {
    /// Executes the body of a template whose variables begin at `base`.
    pub(super) fn body(&mut self, template: &Template, base: usize, dot: &MaybeValue) -> Fallible<()> {
        self.walk(Frame { template, base }, dot, &template.body).map(|_| ())
    }

    fn walk(&mut self, frame: Frame<'_>, dot: &MaybeValue, nodes: &[Node]) -> Fallible<Flow> {
        for node in nodes {
            let flow = match node {
                Node::Text(text, span) => {
                    self.write(frame, *span, text)?;
                    Flow::Next
                }
                Node::Action(pipe) => {
                    self.action(frame, dot, pipe)?;
                    Flow::Next
                }
                Node::If(branch) => self.scoped(|run| run.if_or_with(frame, dot, branch, false))?,
                Node::With(branch) => self.scoped(|run| run.if_or_with(frame, dot, branch, true))?,
                Node::Range(branch) => self.scoped(|run| run.range(frame, dot, branch))?,
                Node::Template(invoke) => {
                    self.invoke(frame, dot, invoke)?;
                    Flow::Next
                }
                Node::Break => Flow::Break,
                Node::Continue => Flow::Continue,
            };
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    /// Runs a step; the variables that it declares end with it.
    fn scoped<T>(&mut self, step: impl FnOnce(&mut Self) -> Fallible<T>) -> Fallible<T> {
        let mark = self.variables.len();
        let result = stacker::maybe_grow(RED_ZONE, SEGMENT, || step(self));
        self.variables.truncate(mark);
        result
    }

    pub(super) fn step(&mut self, frame: Frame<'_>, span: Span, steps: u64) -> Fallible<()> {
        self.spend(steps).map_err(|_| Self::over(frame, span, Limit::Steps))
    }

    fn over(frame: Frame<'_>, span: Span, limit: Limit) -> Box<GoTemplateError> {
        Box::new(GoTemplateError::Limit { limit, place: frame.place(span) })
    }

    fn write(&mut self, frame: Frame<'_>, span: Span, text: &[u8]) -> Fallible<()> {
        self.step(frame, span, 1 + text.len() as u64 / 64)?;
        if let Some(recorder) = &mut self.recorder {
            recorder.wrote_text(self.out.len(), &frame.template.source, span);
        }
        self.out.extend_from_slice(text);
        self.check_output(frame, span)
    }

    fn check_output(&self, frame: Frame<'_>, span: Span) -> Fallible<()> {
        if self.out.len() > self.limits.output { Err(Self::over(frame, span, Limit::Output)) } else { Ok(()) }
    }

    fn action(&mut self, frame: Frame<'_>, dot: &MaybeValue, pipe: &Pipe) -> Fallible<()> {
        let value = self.pipe(frame, dot, pipe)?;
        if !pipe.variables.is_empty() {
            return Ok(());
        }
        let start = self.out.len();
        match &value {
            Some(Value::Str(text)) => self.out.extend_from_slice(text),
            Some(value) => format::write_output(value, &mut self.out, self.limits.output),
            None => self.out.extend_from_slice(b"<no value>"),
        }
        self.step(frame, pipe.span, (self.out.len() - start) as u64 / 64)?;
        if let Some(recorder) = &mut self.recorder {
            recorder.wrote_value(start, &self.out, &frame.template.source, pipe.span);
        }
        self.check_output(frame, pipe.span)
    }

    fn if_or_with(&mut self, frame: Frame<'_>, dot: &MaybeValue, branch: &Branch, with: bool) -> Fallible<Flow> {
        let value = self.pipe(frame, dot, &branch.pipe)?;
        let truth = value.as_ref().is_some_and(Value::truth);
        let nodes = if truth { &branch.then } else { &branch.otherwise };
        let dot = if truth && with { &value } else { dot };
        self.walk(frame, dot, nodes)
    }

    fn invoke(&mut self, frame: Frame<'_>, dot: &MaybeValue, invoke: &Invoke) -> Fallible<()> {
        let data = match &invoke.data {
            Some(pipe) => self.pipe(frame, dot, pipe)?,
            None => None,
        };
        self.step(frame, invoke.span, 1)?;
        self.call(&invoke.name, &data).map_err(|error| error.called_at(&frame.template.source, invoke.span))
    }

    fn range(&mut self, frame: Frame<'_>, dot: &MaybeValue, branch: &Branch) -> Fallible<Flow> {
        let value = self.pipe(frame, dot, &branch.pipe)?.map(|value| value.underlying());
        let ran = match &value {
            None | Some(Value::Nil) => false,
            Some(Value::List(list)) => {
                let items = list.items().iter().zip(0..).map(|(item, at)| (Some(Value::Int(at)), Some(item.clone())));
                self.each(frame, branch, items)?
            }
            Some(Value::Bytes(bytes)) => {
                let items = bytes.iter().zip(0..).map(|(byte, at)| (Some(Value::Int(at)), Some(Value::Uint8(*byte))));
                self.each(frame, branch, items)?
            }
            Some(Value::Map(map)) => {
                let entries = map.entries();
                let items = entries.iter().map(|(key, value)| (Some(Value::Str(key.clone())), Some(value.clone())));
                self.each(frame, branch, items)?
            }
            Some(Value::Int(n)) => self.count(frame, branch, (0..*n).map(Value::Int))?,
            Some(Value::Int64(n)) => self.count(frame, branch, (0..*n).map(Value::Int64))?,
            Some(Value::Uint8(n)) => self.count(frame, branch, (0..*n).map(Value::Uint8))?,
            Some(Value::Uint64(n)) => self.count(frame, branch, (0..*n).map(Value::Uint64))?,
            Some(other) => {
                let message = format!("range cannot go over {}", super::error::described(other));
                return Err(self.invalid(frame, dot, &branch.pipe, message));
            }
        };
        if ran {
            return Ok(Flow::Next);
        }
        // In Go, a `break` in the `else` of a loop ends that loop alone, while a `continue` goes on with the outer one.
        match self.walk(frame, dot, &branch.otherwise)? {
            Flow::Break => Ok(Flow::Next),
            flow => Ok(flow),
        }
    }

    fn count(&mut self, frame: Frame<'_>, branch: &Branch, numbers: impl Iterator<Item = Value>) -> Fallible<bool> {
        if branch.pipe.variables.len() > 1 {
            let message = "range over a number has one variable".to_owned();
            return Err(Box::new(GoTemplateError::Invalid { message, place: frame.place(branch.pipe.span) }));
        }
        self.each(frame, branch, numbers.map(|number| (None, Some(number))))
    }

    /// One round of a loop for each key and element; whether there was any.
    fn each(
        &mut self,
        frame: Frame<'_>,
        branch: &Branch,
        items: impl Iterator<Item = (MaybeValue, MaybeValue)>,
    ) -> Fallible<bool> {
        let mut ran = false;
        for (key, element) in items {
            ran = true;
            self.step(frame, branch.pipe.span, 1)?;
            self.next_round(frame, &branch.pipe, key, &element)?;
            let mark = self.variables.len();
            let flow = self.walk(frame, &element, &branch.then)?;
            self.variables.truncate(mark);
            if flow == Flow::Break {
                break;
            }
        }
        Ok(ran)
    }

    /// Gives the variables of a loop the values of a round.
    fn next_round(&mut self, frame: Frame<'_>, pipe: &Pipe, key: MaybeValue, element: &MaybeValue) -> Fallible<()> {
        match &pipe.variables[..] {
            [only] if pipe.assigns => self.assign(frame, only, element.clone()),
            [first, second] if pipe.assigns => {
                self.assign(frame, first, key)?;
                self.assign(frame, second, element.clone())
            }
            variables => {
                // Those that the loop declares are on top of all others.
                let values = [Some(element.clone()), (variables.len() > 1).then_some(key)];
                for (binding, value) in
                    self.variables.iter_mut().rev().take(variables.len()).zip(values.into_iter().flatten())
                {
                    binding.value = value;
                }
                Ok(())
            }
        }
    }

    fn invalid(&self, frame: Frame<'_>, dot: &MaybeValue, pipe: &Pipe, message: String) -> Box<GoTemplateError> {
        let mut place = frame.place(pipe.span);
        place.used = pipe.commands.iter().flat_map(|command| self.used(frame, dot, command)).collect();
        Box::new(GoTemplateError::Invalid { message, place })
    }
}

impl Frame<'_> {
    /// Where a piece of the template stands.
    pub(super) fn place(self, span: Span) -> Box<Place> {
        Box::new(Place::of(&self.template.source, span))
    }
}

//! Commands and their operands.

use super::lex::{Item, Token};
use super::number::Number;
use super::{Parsed, Parser, quote};
use crate::ast::{Callee, Command, Expr, ExprKind};
use crate::error::GoTemplateError;
use crate::text::Str;
use weft_base::diagnostic::nearest;

impl Item {
    pub(super) fn begins_operand(self) -> bool {
        use Token::{
            Bool, CharConstant, Complex, Dot, Field, Identifier, LeftParen, Nil, Number, RawString, String, Variable,
        };
        matches!(
            self.token,
            Bool | CharConstant
                | Complex
                | Dot
                | Field
                | Identifier
                | LeftParen
                | Nil
                | Number
                | RawString
                | String
                | Variable
        )
    }
}

impl Expr {
    /// Whether it cannot be called with what a pipeline hands on.
    pub(super) fn is_constant(&self) -> bool {
        use ExprKind::{Bool, Dot, Nil, Number, Text};
        matches!(self.kind, Bool(_) | Dot | Nil | Number(_) | Text(_))
    }
}

impl Parser<'_> {
    pub(super) fn command(&mut self) -> Parsed<Command> {
        let before = self.operands.len();
        loop {
            self.peek_non_space();
            let operand = self.operand()?;
            self.operands.extend(operand);
            let item = self.next();
            match item.token {
                Token::Space => {}
                Token::RightDelim | Token::RightParen => {
                    self.back(item);
                    break;
                }
                Token::Pipe => break,
                _ => return self.unexpected(item, "operand"),
            }
        }
        let mut operands = self.operands.drain(before..);
        let Some(head) = operands.next() else {
            drop(operands);
            return self.error("empty command");
        };
        let args: Vec<Expr> = operands.collect();
        let span = args.last().map_or(head.span, |last| head.span.to(last.span));
        Ok(Command { span, head, args })
    }

    /// A term with the fields that follow it; `None` where no operand begins.
    fn operand(&mut self) -> Parsed<Option<Expr>> {
        let Some(mut term) = self.term()? else { return Ok(None) };
        let constant = term.is_constant();
        let whole = term.span;
        while self.peek().token == Token::Field {
            let item = self.next();
            let name = Str::from(&self.text_of(item)[1..]);
            let span = term.span.to(item.span);
            match &mut term.kind {
                ExprKind::Field(path) | ExprKind::Variable(_, path) | ExprKind::Chain(_, path) => path.push(name),
                _ => term = Expr { span, kind: ExprKind::Chain(Box::new(term), vec![name]) },
            }
            term.span = span;
        }
        if constant && term.span != whole {
            let text = String::from_utf8_lossy(self.source.slice(whole)).into_owned();
            return self.error(format!("unexpected . after term {text:?}"));
        }
        Ok(Some(term))
    }

    fn term(&mut self) -> Parsed<Option<Expr>> {
        let item = self.next_non_space();
        let text = self.text_of(item);
        let kind = match item.token {
            Token::Identifier => ExprKind::Function(self.callee(item)?),
            Token::Dot => ExprKind::Dot,
            Token::Nil => ExprKind::Nil,
            Token::Variable => self.variable_use(item)?,
            Token::Field => ExprKind::Field(vec![text[1..].into()]),
            Token::Bool => ExprKind::Bool(text == b"true"),
            Token::CharConstant => match Number::character(text) {
                Some(number) => ExprKind::Number(Box::new(number)),
                None => return self.error(format!("malformed character constant: {}", String::from_utf8_lossy(text))),
            },
            Token::Complex | Token::Number => match Number::parse(text, item.token == Token::Complex) {
                Ok(number) => ExprKind::Number(Box::new(number)),
                Err(message) => return self.error(message),
            },
            Token::LeftParen => return self.parenthesized(item).map(Some),
            Token::String | Token::RawString => match quote::unquote(text) {
                Some(text) => ExprKind::Text(text),
                None => return self.error("invalid syntax"),
            },
            _ => {
                self.back(item);
                return Ok(None);
            }
        };
        Ok(Some(Expr { span: item.span, kind }))
    }

    fn parenthesized(&mut self, open: Item) -> Parsed<Expr> {
        let pipe = self.nested(|it| it.pipeline("parenthesized pipeline", Token::RightParen))?;
        Ok(Expr { span: open.span.to(self.last), kind: ExprKind::Pipe(Box::new(pipe)) })
    }

    fn callee(&self, item: Item) -> Parsed<Callee> {
        let name = String::from_utf8_lossy(self.text_of(item));
        match &*name {
            "and" => Ok(Callee::And),
            "or" => Ok(Callee::Or),
            name => match self.functions.get(name) {
                Some(function) => Ok(Callee::Function(function)),
                None => Err(Box::new(GoTemplateError::NoFunction {
                    name: name.to_owned(),
                    near: nearest(name, self.functions.names()).map(str::to_owned),
                    place: self.place(item.span),
                })),
            },
        }
    }

    fn variable_use(&self, item: Item) -> Parsed<ExprKind> {
        let name = self.text_of(item);
        if let Some(name) = self.scope.known(name) {
            return Ok(ExprKind::Variable(name, Vec::new()));
        }
        let text = String::from_utf8_lossy(name);
        let known: Vec<_> = self.scope.known_names().map(Str::lossy).collect();
        Err(Box::new(GoTemplateError::NoVariable {
            name: text.clone().into_owned(),
            near: nearest(&text, known.iter().map(|it| &**it)).map(str::to_owned),
            place: self.place(item.span),
        }))
    }
}

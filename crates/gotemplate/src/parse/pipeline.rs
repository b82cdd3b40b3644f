//! Pipelines with the variables that get their values.

use super::lex::{Item, Token};
use super::{Parsed, Parser};
use crate::ast::{Command, Pipe, Variable};
use crate::text::Str;

impl Parser<'_> {
    pub(super) fn pipeline(&mut self, context: &str, end: Token) -> Parsed<Pipe> {
        let start = self.peek_non_space().span;
        let (names, assigns) = self.declarations(context)?;
        let before = self.commands.len();
        loop {
            let item = self.next_non_space();
            if item.token == end {
                break;
            }
            if !item.begins_operand() {
                return self.unexpected(item, context);
            }
            self.back(item);
            let command = self.command()?;
            self.commands.push(command);
        }
        let commands: Vec<Command> = self.commands.drain(before..).collect();
        if commands.is_empty() {
            return self.error(format!("missing value for {context}"));
        }
        if let Some(at) = commands.iter().skip(1).position(|it| it.head.is_constant()) {
            return self.error(format!("non executable command in pipeline stage {}", at + 2));
        }
        let span = commands.last().map_or(start, |last| start.to(last.span));
        let variables = names.into_iter().map(|item| self.variable(item, assigns)).collect();
        Ok(Pipe { span, variables, commands })
    }

    fn variable(&mut self, item: Item, assigns: bool) -> Variable {
        let name = Str::from(self.text_of(item));
        let slot = if assigns { self.scope.slot(&name) } else { Some(self.scope.declare(name)) };
        Variable { slot, span: item.span }
    }

    /// The variables before `:=` or `=`, and whether it is the latter.
    fn declarations(&mut self, context: &str) -> Parsed<(Vec<Item>, bool)> {
        let mut names = Vec::new();
        while self.peek_non_space().token == Token::Variable {
            let variable = self.next_non_space();
            let after = self.peek();
            let sign = self.next_non_space();
            match sign.token {
                Token::Assign | Token::Declare => {
                    self.note(variable, &mut names);
                    return Ok((names, sign.token == Token::Assign));
                }
                Token::Char if self.text_of(sign) == b"," => {
                    self.note(variable, &mut names);
                    if context != "range" || names.len() >= 2 {
                        return self.error(format!("too many declarations in {context}"));
                    }
                    if !matches!(self.peek_non_space().token, Token::Variable | Token::RightDelim | Token::RightParen) {
                        return self.error("range can only initialize variables");
                    }
                }
                _ => {
                    self.back(sign);
                    if after.token == Token::Space {
                        self.back(after);
                    }
                    self.back(variable);
                    return Ok((names, false));
                }
            }
        }
        Ok((names, false))
    }

    fn note(&mut self, variable: Item, names: &mut Vec<Item>) {
        self.scope.pending.push(self.text_of(variable).into());
        names.push(variable);
    }
}

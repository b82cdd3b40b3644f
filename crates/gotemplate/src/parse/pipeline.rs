//! Pipelines with the variables that get their values.

use super::lex::{Item, Token};
use super::{Parsed, Parser};
use crate::ast::{Command, Pipe, Variable};

impl Parser<'_> {
    pub(super) fn pipeline(&mut self, context: &str, end: Token) -> Parsed<Pipe> {
        let start = self.peek_non_space().span;
        let (variables, assigns) = self.declarations(context)?;
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
        Ok(Pipe { span, variables, assigns, commands })
    }

    /// The variables before `:=` or `=`, and whether it is the latter.
    fn declarations(&mut self, context: &str) -> Parsed<(Vec<Variable>, bool)> {
        let mut variables = Vec::new();
        while self.peek_non_space().token == Token::Variable {
            let variable = self.next_non_space();
            let after = self.peek();
            let sign = self.next_non_space();
            match sign.token {
                Token::Assign | Token::Declare => {
                    variables.push(self.variable(variable));
                    return Ok((variables, sign.token == Token::Assign));
                }
                Token::Char if self.text_of(sign) == b"," => {
                    variables.push(self.variable(variable));
                    if context != "range" || variables.len() >= 2 {
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
                    return Ok((variables, false));
                }
            }
        }
        Ok((variables, false))
    }

    fn variable(&mut self, item: Item) -> Variable {
        Variable { name: self.scope.add(self.text_of(item)), span: item.span }
    }
}

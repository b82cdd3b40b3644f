//! What tokens there are.

use crate::source::Span;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// The text makes no token; [`Lexer::message`] says why.
    Error,
    Eof,
    /// Text outside of actions.
    Text,
    LeftDelim,
    RightDelim,
    Space,
    Assign,
    Declare,
    Pipe,
    LeftParen,
    RightParen,
    /// Any other printable character, such as a comma.
    Char,
    Bool,
    CharConstant,
    Complex,
    Number,
    String,
    RawString,
    Identifier,
    /// `.name`.
    Field,
    /// `$` or `$name`.
    Variable,
    Block,
    Break,
    Continue,
    Define,
    Dot,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

impl Token {
    pub(super) fn is_keyword(self) -> bool {
        use Token::{Block, Break, Continue, Define, Dot, Else, End, If, Nil, Range, Template, With};
        matches!(self, Block | Break | Continue | Define | Dot | Else | End | If | Nil | Range | Template | With)
    }
}

/// A token with its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    pub token: Token,
    pub span: Span,
}

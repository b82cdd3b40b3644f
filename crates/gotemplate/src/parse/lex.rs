//! The tokens of a template.

use memchr::memmem;

pub(super) use super::token::{Item, Token};
use crate::source::Span;

/// Reads tokens one after the other.
pub(super) struct Lexer<'t> {
    text: &'t [u8],
    pos: usize,
    start: usize,
    parens: usize,
    inside: bool,
    failed: bool,
    /// Of the token that is an error, what is wrong.
    pub message: String,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t [u8]) -> Self {
        Self { text, pos: 0, start: 0, parens: 0, inside: false, failed: false, message: String::new() }
    }

    /// The next token; after the last, [`Token::Eof`] again and again.
    pub(super) fn next(&mut self) -> Item {
        if self.failed {
            return self.item(Token::Eof);
        }
        if self.inside { self.inside_action() } else { self.text() }
    }

    fn item(&mut self, token: Token) -> Item {
        let item = Item { token, span: Span::new(self.start, self.pos) };
        self.start = self.pos;
        item
    }

    fn error(&mut self, message: impl Into<String>) -> Item {
        self.message = message.into();
        self.failed = true;
        self.item(Token::Error)
    }

    fn rest(&self) -> &'t [u8] {
        &self.text[self.pos..]
    }

    /// The character at the current place with its width; an invalid byte is U+FFFD of width 1.
    fn peek(&self) -> Option<(char, usize)> {
        let rest = self.rest();
        let first = *rest.first()?;
        if first.is_ascii() {
            return Some((char::from(first), 1));
        }
        let widest = &rest[..rest.len().min(4)];
        let valid = match std::str::from_utf8(widest) {
            Ok(text) => text,
            Err(wrong) => std::str::from_utf8(&widest[..wrong.valid_up_to()]).unwrap_or_default(),
        };
        Some(valid.chars().next().map_or((char::REPLACEMENT_CHARACTER, 1), |c| (c, c.len_utf8())))
    }

    fn bump(&mut self) -> Option<char> {
        let (c, width) = self.peek()?;
        self.pos += width;
        Some(c)
    }

    fn accept(&mut self, set: &[u8]) -> bool {
        let found = self.rest().first().is_some_and(|byte| set.contains(byte));
        self.pos += usize::from(found);
        found
    }

    fn accept_run(&mut self, set: &[u8]) {
        while self.accept(set) {}
    }

    fn text(&mut self) -> Item {
        loop {
            let Some(found) = action(self.rest()) else {
                self.pos = self.text.len();
                let token = if self.pos > self.start { Token::Text } else { Token::Eof };
                return self.item(token);
            };
            let delim = self.pos + found;
            let trim = trims_left(&self.text[delim + 2..]);
            let end = if trim { self.start + trimmed_end(&self.text[self.start..delim]) } else { delim };
            if end > self.start {
                self.pos = end;
                let item = self.item(Token::Text);
                self.pos = delim;
                self.start = delim;
                return item;
            }
            self.pos = delim + 2;
            self.start = delim;
            let marker = if trim { 2 } else { 0 };
            if !self.text[self.pos + marker..].starts_with(b"/*") {
                self.inside = true;
                self.parens = 0;
                let item = self.item(Token::LeftDelim);
                self.pos += marker;
                self.start = self.pos;
                return item;
            }
            self.pos += marker;
            if let Err(message) = self.comment() {
                return self.error(message);
            }
        }
    }

    fn comment(&mut self) -> Result<(), &'static str> {
        let end = memmem::find(&self.rest()[2..], b"*/").ok_or("unclosed comment")?;
        self.pos += end + 4;
        let (closes, trim) = self.at_right_delim();
        if !closes {
            return Err("comment ends before closing delimiter");
        }
        self.pos += if trim { 4 } else { 2 };
        if trim {
            self.accept_run(b" \t\r\n");
        }
        self.start = self.pos;
        Ok(())
    }

    /// Whether an action ends here, and whether it takes the blanks after it along.
    fn at_right_delim(&self) -> (bool, bool) {
        let rest = self.rest();
        if trims_right(rest) && rest[2..].starts_with(b"}}") {
            return (true, true);
        }
        (rest.starts_with(b"}}"), false)
    }

    fn right_delim(&mut self) -> Item {
        let (_, trim) = self.at_right_delim();
        if trim {
            self.pos += 2;
            self.start = self.pos;
        }
        self.pos += 2;
        let item = self.item(Token::RightDelim);
        if trim {
            self.accept_run(b" \t\r\n");
            self.start = self.pos;
        }
        self.inside = false;
        item
    }

    fn inside_action(&mut self) -> Item {
        if self.at_right_delim().0 {
            return if self.parens == 0 { self.right_delim() } else { self.error("unclosed left paren") };
        }
        let Some((c, width)) = self.peek() else { return self.error("unclosed action") };
        if is_space(c) {
            return self.space();
        }
        if c == '+' || c == '-' || c.is_ascii_digit() {
            return self.number();
        }
        if is_alphanumeric(c) {
            return self.identifier();
        }
        self.pos += width;
        match c {
            '=' => self.item(Token::Assign),
            ':' if self.accept(b"=") => self.item(Token::Declare),
            ':' => self.error("expected :="),
            '|' => self.item(Token::Pipe),
            '"' => self.quoted('"', "unterminated quoted string", Token::String),
            '\'' => self.quoted('\'', "unterminated character constant", Token::CharConstant),
            '`' => self.raw_string(),
            '$' => self.name(Token::Variable, Token::Variable),
            '.' if self.rest().first().is_none_or(|next| !next.is_ascii_digit()) => self.name(Token::Field, Token::Dot),
            '.' => {
                self.pos -= 1;
                self.number()
            }
            '(' => {
                self.parens += 1;
                self.item(Token::LeftParen)
            }
            ')' if self.parens == 0 => self.error("unexpected right paren"),
            ')' => {
                self.parens -= 1;
                self.item(Token::RightParen)
            }
            ' '..='~' => self.item(Token::Char),
            _ => self.error(format!("unrecognized character in action: U+{:04X}", u32::from(c))),
        }
    }

    fn space(&mut self) -> Item {
        self.accept_run(b" \t\r\n");
        let before = &self.text[self.pos - 1..];
        if trims_right(before) && before[2..].starts_with(b"}}") {
            self.pos -= 1;
            if self.pos == self.start {
                return self.right_delim();
            }
        }
        self.item(Token::Space)
    }

    fn identifier(&mut self) -> Item {
        self.alphanumerics();
        if !self.at_terminator() {
            return self.bad_character();
        }
        let token = match &self.text[self.start..self.pos] {
            b"true" | b"false" => Token::Bool,
            b"block" => Token::Block,
            b"break" => Token::Break,
            b"continue" => Token::Continue,
            b"define" => Token::Define,
            b"else" => Token::Else,
            b"end" => Token::End,
            b"if" => Token::If,
            b"nil" => Token::Nil,
            b"range" => Token::Range,
            b"template" => Token::Template,
            b"with" => Token::With,
            _ => Token::Identifier,
        };
        self.item(token)
    }

    /// The rest of a field or a variable; `alone` where there is nothing but its first character.
    fn name(&mut self, token: Token, alone: Token) -> Item {
        if self.at_terminator() {
            return self.item(alone);
        }
        self.alphanumerics();
        if self.at_terminator() { self.item(token) } else { self.bad_character() }
    }

    fn alphanumerics(&mut self) {
        loop {
            let plain = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
            self.pos += self.rest().iter().take_while(|byte| plain(byte)).count();
            match self.peek() {
                Some((c, width)) if is_alphanumeric(c) => self.pos += width,
                _ => return,
            }
        }
    }

    fn bad_character(&mut self) -> Item {
        let message = match self.peek() {
            Some((c, _)) if c.is_ascii_graphic() => format!("bad character U+{:04X} '{c}'", u32::from(c)),
            Some((c, _)) => format!("bad character U+{:04X}", u32::from(c)),
            None => "bad character".to_owned(),
        };
        self.error(message)
    }

    fn at_terminator(&self) -> bool {
        match self.peek() {
            None => true,
            Some((c, _)) => {
                matches!(c, ' ' | '\t' | '\r' | '\n' | '.' | ',' | '|' | ':' | ')' | '(')
                    || self.rest().starts_with(b"}}")
            }
        }
    }

    fn quoted(&mut self, quote: char, unterminated: &str, token: Token) -> Item {
        loop {
            match self.bump() {
                Some('\\') if self.bump().is_some_and(|c| c != '\n') => {}
                Some(c) if c == quote => return self.item(token),
                Some('\\' | '\n') | None => return self.error(unterminated),
                Some(_) => {}
            }
        }
    }

    fn raw_string(&mut self) -> Item {
        match memchr::memchr(b'`', self.rest()) {
            Some(end) => {
                self.pos += end + 1;
                self.item(Token::RawString)
            }
            None => self.error("unterminated raw quoted string"),
        }
    }

    fn number(&mut self) -> Item {
        let scanned = self.scan_number();
        if scanned && !matches!(self.peek(), Some(('+' | '-', _))) {
            return self.item(Token::Number);
        }
        if scanned && self.scan_number() && self.text[self.pos - 1] == b'i' {
            return self.item(Token::Complex);
        }
        let text = String::from_utf8_lossy(&self.text[self.start..self.pos]).into_owned();
        self.error(format!("bad number syntax: {text:?}"))
    }

    fn scan_number(&mut self) -> bool {
        self.accept(b"+-");
        let (mut digits, mut exponent): (&[u8], &[u8]) = (b"0123456789_", b"eE");
        if self.accept(b"0") {
            if self.accept(b"xX") {
                (digits, exponent) = (b"0123456789abcdefABCDEF_", b"pP");
            } else if self.accept(b"oO") {
                (digits, exponent) = (b"01234567_", b"");
            } else if self.accept(b"bB") {
                (digits, exponent) = (b"01_", b"");
            }
        }
        self.accept_run(digits);
        if self.accept(b".") {
            self.accept_run(digits);
        }
        if self.accept(exponent) {
            self.accept(b"+-");
            self.accept_run(b"0123456789_");
        }
        self.accept(b"i");
        match self.peek() {
            Some((c, width)) if is_alphanumeric(c) => {
                self.pos += width;
                false
            }
            _ => true,
        }
    }
}

/// Where the next action begins.
fn action(text: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'{', text).find(|at| text.get(at + 1) == Some(&b'{'))
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn is_alphanumeric(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii() && c.is_alphanumeric()
}

/// Whether an action that begins before `rest` takes the blanks before it along.
fn trims_left(rest: &[u8]) -> bool {
    matches!(rest, [b'-', b' ' | b'\t' | b'\r' | b'\n', ..])
}

fn trims_right(rest: &[u8]) -> bool {
    matches!(rest, [b' ' | b'\t' | b'\r' | b'\n', b'-', ..])
}

fn trimmed_end(text: &[u8]) -> usize {
    text.iter().rposition(|byte| !b" \t\r\n".contains(byte)).map_or(0, |at| at + 1)
}

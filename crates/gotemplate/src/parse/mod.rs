//! Text to templates, by the grammar of Go's `text/template/parse`.

mod lex;
mod number;
mod operand;
mod pipeline;
mod quote;
mod token;

use std::sync::Arc;

use self::lex::{Item, Lexer, Token};
pub use self::number::Number;
use super::ast::{Branch, Command, Expr, Invoke, Name, Node, Template};
use super::call::Functions;
use super::error::{GoTemplateError, Place};
use super::source::{Source, Span};
use super::text::Str;

/// How deep actions and parentheses may be nested.
const DEEPEST: usize = 1000;

/// The templates of a file: its definitions in order and, last, the file itself under `name`.
pub fn parse(name: Str, source: Source, functions: &Functions) -> Parsed<Vec<Arc<Template>>> {
    let source = Arc::new(source);
    let text = source.text.clone();
    let mut parser = Parser {
        lexer: Lexer::new(&text),
        ahead: Vec::new(),
        last: Span::default(),
        source: &source,
        functions,
        found: Vec::new(),
        scope: Scope::default(),
        nodes: Vec::new(),
        commands: Vec::new(),
        operands: Vec::new(),
        action: None,
        depth: 0,
    };
    parser.file(name)?;
    Ok(parser.found)
}

type Parsed<T> = Result<T, Box<GoTemplateError>>;

struct Parser<'a> {
    lexer: Lexer<'a>,
    /// Tokens that were looked at, the next one last.
    ahead: Vec<Item>,
    last: Span,
    source: &'a Arc<Source>,
    functions: &'a Functions,
    found: Vec<Arc<Template>>,
    scope: Scope,
    /// The nodes, commands and operands of what is not read to its end, the innermost last. What is gets a list of just
    /// its own from them.
    nodes: Vec<Node>,
    commands: Vec<Command>,
    operands: Vec<Expr>,
    /// Where the action begins that is being read.
    action: Option<Span>,
    depth: usize,
}

/// The variables of a template at a place.
#[derive(Default)]
struct Scope {
    /// The names that may be used here. As in Go, `else` knows those of the branch before it; whether they have a value
    /// shows when the template runs.
    known: Vec<Name>,
    /// All names of the template: each one's place is its number.
    names: Vec<Str>,
    ranges: usize,
}

impl Scope {
    fn of_template() -> Self {
        Self { known: vec![Name::ROOT], names: vec!["$".into()], ranges: 0 }
    }

    fn known(&self, name: &[u8]) -> Option<Name> {
        self.number(name).filter(|it| self.known.contains(it))
    }

    fn add(&mut self, name: &[u8]) -> Name {
        let name = self.number(name).unwrap_or_else(|| {
            self.names.push(name.into());
            Name(self.names.len() - 1)
        });
        self.known.push(name);
        name
    }

    fn number(&self, name: &[u8]) -> Option<Name> {
        self.names.iter().position(|it| it.as_bytes() == name).map(Name)
    }

    fn known_names(&self) -> impl Iterator<Item = &Str> {
        self.known.iter().filter(|it| **it != Name::ROOT).filter_map(|it| self.names.get(it.0))
    }
}

/// What ends a list of nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    End,
    Else,
}

enum Step {
    Node(Node),
    Stop(Stop),
}

impl<'a> Parser<'a> {
    fn next(&mut self) -> Item {
        let item = self.ahead.pop().unwrap_or_else(|| self.lexer.next());
        self.last = item.span;
        item
    }

    fn back(&mut self, item: Item) {
        self.ahead.push(item);
    }

    fn peek(&mut self) -> Item {
        let item = self.next();
        self.back(item);
        item
    }

    fn next_non_space(&mut self) -> Item {
        loop {
            let item = self.next();
            if item.token != Token::Space {
                return item;
            }
        }
    }

    fn peek_non_space(&mut self) -> Item {
        let item = self.next_non_space();
        self.back(item);
        item
    }

    fn text_of(&self, item: Item) -> &'a [u8] {
        self.source.slice(item.span)
    }

    fn error<T>(&self, message: impl Into<String>) -> Parsed<T> {
        Err(Box::new(GoTemplateError::Syntax { message: message.into(), place: self.place(self.last) }))
    }

    fn place(&self, span: Span) -> Box<Place> {
        Box::new(Place::of(self.source, span))
    }

    fn expect(&mut self, token: Token, context: &str) -> Parsed<Item> {
        let item = self.next_non_space();
        if item.token == token { Ok(item) } else { self.unexpected(item, context) }
    }

    fn unexpected<T>(&self, item: Item, context: &str) -> Parsed<T> {
        if item.token != Token::Error {
            return self.error(format!("unexpected {} in {context}", self.shown(item)));
        }
        let mut message = self.lexer.message.clone();
        if let Some(action) = self.action {
            let begin = self.source.mark(action.start).line;
            let end = self.source.mark(item.span.start).line;
            if begin != end {
                let what = if message.ends_with(" action") { "" } else { " in action" };
                message = format!("{message}{what} started at line {begin}");
            }
        }
        self.error(message)
    }

    fn shown(&self, item: Item) -> String {
        let text = String::from_utf8_lossy(self.text_of(item));
        match item.token {
            Token::Eof => "EOF".to_owned(),
            token if token.is_keyword() => format!("<{text}>"),
            _ if text.chars().count() > 10 => format!("{:?}...", text.chars().take(10).collect::<String>()),
            _ => format!("{text:?}"),
        }
    }

    /// Runs a step that may call itself; there is an end to nesting.
    fn nested<T>(&mut self, step: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= DEEPEST {
            return self.error("actions are nested too deeply");
        }
        self.depth += 1;
        let result = stacker::maybe_grow(super::run::RED_ZONE, super::run::SEGMENT, || step(self));
        self.depth -= 1;
        result
    }

    fn file(&mut self, name: Str) -> Parsed<()> {
        self.scope = Scope::of_template();
        loop {
            match self.peek().token {
                Token::Eof => break,
                Token::LeftDelim => {
                    let delim = self.next();
                    let item = self.next_non_space();
                    if item.token == Token::Define {
                        self.definition()?;
                        continue;
                    }
                    self.back(item);
                    self.back(delim);
                }
                _ => {}
            }
            match self.step()? {
                Step::Node(node) => self.nodes.push(node),
                Step::Stop(Stop::End) => return self.error("unexpected {{end}}"),
                Step::Stop(Stop::Else) => return self.error("unexpected {{else}}"),
            }
        }
        let body = self.nodes.drain(..).collect();
        self.add(name, body)
    }

    fn definition(&mut self) -> Parsed<()> {
        let context = "define clause";
        let item = self.next_non_space();
        let name = self.template_name(item, context)?;
        self.expect(Token::RightDelim, context)?;
        self.body_of(name, context)
    }

    /// The body of a definition up to its end, with variables of its own.
    fn body_of(&mut self, name: Str, context: &str) -> Parsed<()> {
        let outer = std::mem::replace(&mut self.scope, Scope::of_template());
        let (body, stop) = self.nested(Self::list)?;
        if stop != Stop::End {
            return self.error(format!("unexpected {{{{else}}}} in {context}"));
        }
        self.scope = outer;
        self.add(name, body)
    }

    fn add(&mut self, name: Str, body: Vec<Node>) -> Parsed<()> {
        let template = Arc::new(Template { name, source: Arc::clone(self.source), body });
        match self.found.iter().position(|it| it.name == template.name) {
            Some(at) if self.found[at].is_empty() => {
                self.found.remove(at);
                self.found.push(template);
            }
            Some(_) if template.is_empty() => {}
            Some(_) => {
                return self.error(format!("multiple definition of template {:?}", template.name.lossy()));
            }
            None => self.found.push(template),
        }
        Ok(())
    }

    fn list(&mut self) -> Parsed<(Vec<Node>, Stop)> {
        let start = self.nodes.len();
        while self.peek_non_space().token != Token::Eof {
            match self.step()? {
                Step::Node(node) => self.nodes.push(node),
                Step::Stop(stop) => return Ok((self.nodes.drain(start..).collect(), stop)),
            }
        }
        self.error("unexpected EOF")
    }

    fn step(&mut self) -> Parsed<Step> {
        let item = self.next_non_space();
        match item.token {
            Token::Text => Ok(Step::Node(Node::Text(self.text_of(item).into(), item.span))),
            Token::LeftDelim => {
                self.action = Some(item.span);
                let step = self.action();
                self.action = None;
                step
            }
            _ => self.unexpected(item, "input"),
        }
    }

    fn action(&mut self) -> Parsed<Step> {
        let item = self.next_non_space();
        let node = match item.token {
            Token::Block => self.block()?,
            Token::Break => self.leave("break", Node::Break)?,
            Token::Continue => self.leave("continue", Node::Continue)?,
            Token::Else => {
                if !matches!(self.peek_non_space().token, Token::If | Token::With) {
                    self.expect(Token::RightDelim, "else")?;
                }
                return Ok(Step::Stop(Stop::Else));
            }
            Token::End => {
                self.expect(Token::RightDelim, "end")?;
                return Ok(Step::Stop(Stop::End));
            }
            Token::If => Node::If(Box::new(self.control("if", Token::If)?)),
            Token::Range => Node::Range(Box::new(self.control("range", Token::Range)?)),
            Token::With => Node::With(Box::new(self.control("with", Token::With)?)),
            Token::Template => self.invoke()?,
            _ => {
                self.back(item);
                Node::Action(self.pipeline("command", Token::RightDelim)?)
            }
        };
        Ok(Step::Node(node))
    }

    fn leave(&mut self, name: &str, node: Node) -> Parsed<Node> {
        self.expect(Token::RightDelim, &format!("{{{{{name}}}}}"))?;
        if self.scope.ranges == 0 {
            return self.error(format!("{{{{{name}}}}} outside {{{{range}}}}"));
        }
        Ok(node)
    }

    fn control(&mut self, context: &str, token: Token) -> Parsed<Branch> {
        let mark = self.scope.known.len();
        let branch = self.nested(|it| it.branch(context, token));
        self.scope.known.truncate(mark);
        branch
    }

    fn branch(&mut self, context: &str, token: Token) -> Parsed<Branch> {
        let pipe = self.pipeline(context, Token::RightDelim)?;
        let looping = usize::from(token == Token::Range);
        self.scope.ranges += looping;
        let (then, stop) = self.list()?;
        self.scope.ranges -= looping;
        let otherwise = match stop {
            Stop::End => Vec::new(),
            Stop::Else => self.otherwise(context, token)?,
        };
        Ok(Branch { pipe, then, otherwise })
    }

    fn otherwise(&mut self, context: &str, token: Token) -> Parsed<Vec<Node>> {
        let item = self.peek();
        if item.token == token && token != Token::Range {
            self.next();
            let branch = Box::new(self.control(context, token)?);
            return Ok(vec![if token == Token::If { Node::If(branch) } else { Node::With(branch) }]);
        }
        match self.list()? {
            (nodes, Stop::End) => Ok(nodes),
            (_, Stop::Else) => self.error("expected end; found {{else}}"),
        }
    }

    fn template_name(&mut self, item: Item, context: &str) -> Parsed<Str> {
        match item.token {
            Token::String | Token::RawString => match quote::unquote(self.text_of(item)) {
                Some(name) => Ok(name),
                None => self.error("invalid syntax"),
            },
            _ => self.unexpected(item, context),
        }
    }

    fn block(&mut self) -> Parsed<Node> {
        let context = "block clause";
        let item = self.next_non_space();
        let name = self.template_name(item, context)?;
        let data = Some(self.pipeline(context, Token::RightDelim)?);
        self.body_of(name.clone(), context)?;
        Ok(Node::Template(Box::new(Invoke { span: item.span, name, data })))
    }

    fn invoke(&mut self) -> Parsed<Node> {
        let context = "template clause";
        let item = self.next_non_space();
        let name = self.template_name(item, context)?;
        let after = self.next_non_space();
        let data = if after.token == Token::RightDelim {
            None
        } else {
            self.back(after);
            Some(self.pipeline(context, Token::RightDelim)?)
        };
        Ok(Node::Template(Box::new(Invoke { span: item.span, name, data })))
    }
}

impl Template {
    /// Whether it is empty of everything but blanks.
    pub(super) fn is_empty(&self) -> bool {
        self.body.iter().all(|node| match node {
            Node::Text(text, _) => text.lossy().trim().is_empty(),
            _ => false,
        })
    }
}

//! What can go wrong in a template, with its place and the values that took part.

use minijinja::{Error, ErrorKind};
use thiserror::Error;

use super::engine::{Engine, LONGEST, Template};
use super::expressions::{self, Reference};
use super::functions;
use super::node::Node;
use super::scope::Scope;
use weft_base::diagnostic::{Diagnose, Excerpt, Kind, nearest};
use weft_base::value::{Mark, Origin};

/// Why a template cannot be rendered.
#[derive(Debug, Error)]
pub enum JinjaError {
    /// It is not a template.
    #[error("the template has a syntax error: {message}")]
    Syntax {
        /// What the engine says.
        message: String,
        /// Where.
        place: Box<Place>,
    },
    /// It uses a value that is not there.
    #[error("`{name}` is undefined")]
    Undefined {
        /// The value.
        name: String,
        /// The name that was most likely meant.
        near: Option<String>,
        /// Where.
        place: Box<Place>,
    },
    /// It uses a template that is not there.
    #[error("there is no template `{name}`")]
    NoTemplate {
        /// The name that was asked for.
        name: String,
        /// The name that was most likely meant.
        near: Option<String>,
        /// Where.
        place: Box<Place>,
    },
    /// It uses a filter, function or test that is not there.
    #[error("there is no {what} `{name}`")]
    Unknown {
        /// `filter`, `function` or `test`.
        what: &'static str,
        /// The name that was asked for.
        name: String,
        /// The name that was most likely meant.
        near: Option<String>,
        /// Where.
        place: Box<Place>,
    },
    /// It takes too many steps.
    #[error("the template does not end")]
    Endless {
        /// Where it was stopped.
        place: Box<Place>,
    },
    /// It writes too much.
    #[error("the template's output is longer than {} MiB", LONGEST >> 20)]
    TooLong {
        /// Where it was stopped.
        place: Box<Place>,
    },
    /// Templates or macros call each other without end.
    #[error("templates or macros call each other too deeply")]
    TooDeep {
        /// Where it was stopped.
        place: Box<Place>,
    },
    /// Its author refuses the values, by `fail` or `required`.
    #[error("{message}")]
    Refused {
        /// What the author says.
        message: String,
        /// Where.
        place: Box<Place>,
    },
    /// An operation or a function is used wrongly.
    #[error("{message}")]
    Invalid {
        /// What the engine says.
        message: String,
        /// Where.
        place: Box<Place>,
    },
    /// It fails with secrets, but not with stand-ins for them; so nothing more can be said.
    #[error("the template fails with the values of its secrets")]
    Hidden {
        /// Where.
        place: Box<Place>,
    },
}

/// Of a chain of includes, how many are shown.
const DEEPEST_SHOWN: usize = 4;

/// What other engines have, and a template that gives the same every time cannot.
const OUTSIDE: [&str; 8] = ["now", "date", "random", "shuffle", "uuid", "uuidv4", "env", "getenv"];

/// Where a template failed and what took part.
#[derive(Debug, Default)]
pub struct Place {
    /// The template's file, line and column.
    pub origin: Origin,
    /// The template's line.
    pub excerpt: Option<Excerpt>,
    /// The values in the expression, as `name is value`.
    pub used: Vec<String>,
    /// The templates that included it, innermost first, as `path:line`.
    pub through: Vec<String>,
}

/// The mark on an engine error that a template's author raised.
#[derive(Debug, Error)]
#[error("refused by the template")]
pub(super) struct ByAuthor;

/// The place of an error, borrowed as the error is.
macro_rules! place_of {
    ($error:ident) => {
        match $error {
            JinjaError::Syntax { place, .. }
            | JinjaError::Undefined { place, .. }
            | JinjaError::NoTemplate { place, .. }
            | JinjaError::Unknown { place, .. }
            | JinjaError::Endless { place }
            | JinjaError::TooLong { place }
            | JinjaError::TooDeep { place }
            | JinjaError::Refused { place, .. }
            | JinjaError::Invalid { place, .. }
            | JinjaError::Hidden { place } => place,
        }
    };
}

impl JinjaError {
    pub(super) fn no_template<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Self {
        let near = nearest(name, known).map(str::to_owned);
        Self::NoTemplate { name: name.to_owned(), near, place: Box::default() }
    }

    /// The output is not UTF-8; the engine writes none such.
    pub(super) fn not_text(name: &str) -> Self {
        Self::Invalid { message: format!("the output of `{name}` is not UTF-8 text"), place: Box::default() }
    }

    /// The same failure without anything that a value could have influenced: of its place only the file is left, since
    /// a template can choose the line by a secret.
    #[must_use]
    pub fn hidden(mut self) -> Self {
        let Origin { file, .. } = std::mem::take(self.place_mut()).origin;
        Self::Hidden { place: Box::new(Place { origin: Origin { file, ..Origin::default() }, ..Place::default() }) }
    }

    /// The same error, of one line of text that stands in a file at `origin`.
    #[must_use]
    pub fn at(mut self, origin: &Origin, text: &str) -> Self {
        let above = "\n".repeat(usize::try_from(origin.mark.line.saturating_sub(1)).unwrap_or(0));
        let mark = Mark { column: self.place().origin.mark.column, ..origin.mark };
        let excerpt = Excerpt::new(&format!("{above}{text}"), mark, 1, 0);
        *self.place_mut() = Place { origin: origin.clone(), excerpt, ..std::mem::take(self.place_mut()) };
        self
    }

    /// The same error with another place, where the engine knew none.
    #[must_use]
    pub fn found_at(mut self, place: Place) -> Self {
        *self.place_mut() = place;
        self
    }

    /// Where the undefined name stands in a tag of the text; the engine marks the filter that it was given to.
    fn name_in(&self, tag: &str, text: &str) -> Option<std::ops::Range<usize>> {
        let Self::Undefined { name, .. } = self else { return None };
        let tag_start = (tag.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
        let start = tag_start + tag.find(name.as_str())?;
        (text.get(start..start + name.len()) == Some(name.as_str())).then(|| start..start + name.len())
    }

    /// Where it happened.
    pub fn place(&self) -> &Place {
        place_of!(self)
    }

    fn place_mut(&mut self) -> &mut Place {
        place_of!(self)
    }

    fn advice(&self) -> Option<String> {
        Some(match self {
            Self::Undefined { near: Some(near), .. }
            | Self::NoTemplate { near: Some(near), .. }
            | Self::Unknown { near: Some(near), .. } => format!("Did you mean `{near}`?"),
            Self::Undefined { .. } => "Set the value, or give the template a `| default(...)` for it.".into(),
            Self::NoTemplate { .. } => "Templates are named by their path below `templates/`.".into(),
            Self::Endless { .. } => "Loop over fewer items, or move the work out of the template.".into(),
            Self::TooLong { .. } => "Write less, or split the template.".into(),
            Self::TooDeep { .. } => "Look for a macro or template that calls itself.".into(),
            Self::Hidden { .. } => {
                "Look at what this template does with its secrets: their kind, their length, their form.".into()
            }
            Self::Unknown { name, .. } if OUTSIDE.contains(&name.as_str()) => {
                "Templates have no clock, no randomness and no environment: declare an input, or set a value.".into()
            }
            Self::Unknown { .. } | Self::Syntax { .. } | Self::Refused { .. } | Self::Invalid { .. } => return None,
        })
    }
}

impl Diagnose for JinjaError {
    fn kind(&self) -> Kind {
        Kind::Input
    }

    fn origin(&self) -> Option<&Origin> {
        Some(&self.place().origin).filter(|origin| origin.file.is_some())
    }

    fn excerpt(&self) -> Option<&Excerpt> {
        self.place().excerpt.as_ref()
    }

    fn hint(&self) -> Option<String> {
        let Place { used, through, .. } = self.place();
        let used = used.iter().map(|it| format!("Here {it}."));
        let through = through.iter().map(|it| format!("Included by {it}."));
        let lines: Vec<String> = self.advice().into_iter().chain(used).chain(through).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}

/// What is known when the engine reports an error.
pub(super) struct Report<'a> {
    /// The templates, once they are compiled.
    pub engine: Option<&'a Engine>,
    /// The template that was rendered or compiled.
    pub template: &'a Template,
    /// What it saw; `None` where values may not be shown.
    pub scope: Option<&'a Scope>,
}

impl Report<'_> {
    /// The error for a person. Of the engine's own error only its kind, its place and its detail are kept.
    pub fn error(&self, outer: &Error) -> JinjaError {
        let (error, through) = self.innermost(outer);
        let template = self.template_of(error);
        let range = error.range().filter(|range| template.text.get(range.clone()).is_some());
        let line = error.line().and_then(|line| template.text.lines().nth(line.checked_sub(1)?)).unwrap_or_default();
        let tag = range.as_ref().map_or(line, |range| expressions::tag_around(&template.text, range));
        let place = Box::new(Place {
            origin: Origin::new(&template.path, mark(&template.text, range.as_ref(), error.line())),
            excerpt: excerpt(&template.text, range.as_ref(), error.line()),
            used: self.used(tag),
            through,
        });
        let expression = range.map_or(line, |range| &template.text[range]);
        let mut found = self.classify(error, expression, tag, place);
        if let Some(range) = found.name_in(tag, &template.text) {
            let place = found.place_mut();
            place.origin.mark = mark(&template.text, Some(&range), None);
            place.excerpt = excerpt(&template.text, Some(&range), None);
        }
        found
    }

    fn classify(&self, error: &Error, expression: &str, tag: &str, place: Box<Place>) -> JinjaError {
        let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
        let by_author = std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<ByAuthor>);
        match error.kind() {
            ErrorKind::SyntaxError => JinjaError::Syntax { message: detail, place },
            ErrorKind::UndefinedError => self.undefined(expression, tag, detail, place),
            ErrorKind::TemplateNotFound => self.no_template(&detail, place),
            ErrorKind::UnknownFilter => unknown("filter", &detail, place),
            ErrorKind::UnknownFunction => unknown("function", &detail, place),
            ErrorKind::UnknownTest => unknown("test", &detail, place),
            ErrorKind::OutOfFuel => JinjaError::Endless { place },
            ErrorKind::WriteFailure => JinjaError::TooLong { place },
            _ if detail == "recursion limit exceeded" => JinjaError::TooDeep { place },
            _ if by_author => JinjaError::Refused { message: detail, place },
            _ => JinjaError::Invalid { message: detail, place },
        }
    }

    /// Walks down to the template that failed, through those that included it.
    fn innermost<'e>(&self, outer: &'e Error) -> (&'e Error, Vec<String>) {
        let mut error = outer;
        let mut through = Vec::new();
        while matches!(error.kind(), ErrorKind::BadInclude | ErrorKind::EvalBlock) {
            let Some(inner) = std::error::Error::source(error).and_then(|it| it.downcast_ref::<Error>()) else { break };
            through.insert(0, format!("{}:{}", self.template_of(error).path, error.line().unwrap_or(0)));
            error = inner;
        }
        through.truncate(DEEPEST_SHOWN);
        (error, through)
    }

    fn template_of(&self, error: &Error) -> &Template {
        error.name().and_then(|name| self.engine?.template(name)).unwrap_or(self.template)
    }

    fn used(&self, tag: &str) -> Vec<String> {
        let Some(scope) = self.scope else { return Vec::new() };
        let mut used: Vec<String> = expressions::references(tag)
            .iter()
            .filter_map(|reference| expressions::shown(reference, &scope.find(&reference.path())?))
            .collect();
        used.dedup();
        used.truncate(6);
        used
    }

    fn undefined(&self, expression: &str, tag: &str, detail: String, place: Box<Place>) -> JinjaError {
        let mut references = expressions::references(expression);
        references.extend(expressions::references(tag));
        let missing = |known: bool| {
            references.iter().find(|reference| {
                let path = reference.path();
                self.scope.is_some_and(|s| s.get(path[0]).is_some() == known && s.find(&path).is_none())
            })
        };
        match missing(true).or_else(|| missing(false)) {
            Some(reference) => {
                JinjaError::Undefined { name: reference.text.clone(), near: self.near(reference), place }
            }
            None if expression.is_empty() => JinjaError::Invalid { message: detail, place },
            None => JinjaError::Undefined { name: expression.trim().to_owned(), near: None, place },
        }
    }

    /// The nearest key where the path leaves what is there.
    fn near(&self, reference: &Reference) -> Option<String> {
        let path = reference.path();
        let scope = self.scope?;
        let known = (1..path.len()).rev().find(|end| scope.find(&path[..*end]).is_some());
        let Some(known) = known else {
            return nearest(path[0], scope.names()).map(|near| [&[near], &path[1..]].concat().join("."));
        };
        let parent = scope.find(&path[..known])?.value;
        let near = nearest(path[known], parent.downcast_object_ref::<Node>()?.keys())?.to_owned();
        Some([&path[..known], &[near.as_str()]].concat().join("."))
    }

    fn no_template(&self, detail: &str, place: Box<Place>) -> JinjaError {
        let name = detail.split(['"', '\'']).nth(1).unwrap_or(detail).to_owned();
        let near = self.engine.and_then(|engine| nearest(&name, engine.names())).map(str::to_owned);
        JinjaError::NoTemplate { name, near, place }
    }
}

/// The engine says `filter x is unknown`, `x is unknown` or `test x is unknown`.
fn unknown(what: &'static str, detail: &str, place: Box<Place>) -> JinjaError {
    let name = detail.trim_end_matches(" is unknown").rsplit(' ').next().unwrap_or(detail).to_owned();
    let near = nearest(&name, functions::names()).map(str::to_owned);
    JinjaError::Unknown { what, name, near, place }
}

fn mark(text: &str, range: Option<&std::ops::Range<usize>>, line: Option<usize>) -> Mark {
    let clamp = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    match range {
        Some(range) => {
            let before = &text[..range.start];
            let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
            Mark { line: clamp(before.matches('\n').count() + 1), column: clamp(column) }
        }
        None => Mark { line: clamp(line.unwrap_or(0)), column: 0 },
    }
}

fn excerpt(text: &str, range: Option<&std::ops::Range<usize>>, line: Option<usize>) -> Option<Excerpt> {
    let width = range.map_or(0, |range| text[range.clone()].lines().next().map_or(0, |l| l.chars().count()));
    Excerpt::new(text, mark(text, range, line), width, 0)
}

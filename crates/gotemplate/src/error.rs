//! What can go wrong in a template, with its place and the values that took part.

use std::sync::Arc;

use thiserror::Error;

use super::call::Limit;
use super::source::{Source, Span};
use super::value::Value;
use weft_base::diagnostic::{Diagnose, Excerpt, Kind};
use weft_base::value::Origin;

/// Of a chain of calls, how many are shown.
const DEEPEST_SHOWN: usize = 6;

/// How many characters of a value are shown.
const WIDEST: usize = 60;

/// Why a template cannot be parsed or executed. The wording of Go's engine is kept where people know it.
#[derive(Debug, Error)]
pub enum GoTemplateError {
    /// It is not a template.
    #[error("the template has a syntax error: {message}")]
    Syntax {
        /// What is wrong.
        message: String,
        /// Where.
        place: Box<Place>,
    },
    /// It calls a function that is not there.
    #[error("there is no function `{name}`")]
    NoFunction {
        /// The name that was asked for.
        name: String,
        /// The name that was most likely meant.
        near: Option<String>,
        /// Where.
        place: Box<Place>,
    },
    /// It uses a variable that is not there.
    #[error("there is no variable `{name}`")]
    NoVariable {
        /// The name that was asked for.
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
    /// It asks for a field of nil.
    #[error("`{of}` is nil, so it has no field `{name}`")]
    NilField {
        /// What is nil, as it is written.
        of: String,
        /// The field.
        name: String,
        /// The name that was most likely meant.
        near: Option<String>,
        /// Where.
        place: Box<Place>,
    },
    /// It asks for a field of something that has none of that name.
    #[error("`{of}`, {is}, has no field `{name}`")]
    NoField {
        /// What it asks, as it is written.
        of: String,
        /// What that is.
        is: String,
        /// The field.
        name: String,
        /// The name that was most likely meant.
        near: Option<String>,
        /// Where.
        place: Box<Place>,
    },
    /// A function failed.
    #[error("`{function}`: {message}")]
    Function {
        /// The function.
        function: &'static str,
        /// What it says.
        message: String,
        /// Where.
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
    /// An operation is used wrongly.
    #[error("{message}")]
    Invalid {
        /// What is wrong.
        message: String,
        /// Where.
        place: Box<Place>,
    },
    /// It goes over a limit.
    #[error("{}", limit.message())]
    Limit {
        /// Which.
        limit: Limit,
        /// Where it was stopped.
        place: Box<Place>,
    },
    /// It fails with secrets, but not with stand-ins for them; so nothing more can be said.
    #[error("the template fails with the values of its secrets")]
    Hidden {
        /// Where.
        place: Box<Place>,
    },
}

/// Where a template failed and what took part.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// The template's file, line and column.
    pub origin: Origin,
    /// The template's line.
    pub excerpt: Option<Excerpt>,
    /// The values in the expression, as `name is value`.
    pub used: Vec<String>,
    /// The field that was looked at, from the root of the data on, such as `Values`, `image`; empty where it is none.
    pub path: Vec<String>,
    /// The calls that led here, innermost first, as `path:line`.
    pub through: Vec<String>,
    /// Whether the text was made by a template, for `tpl`.
    pub made: bool,
}

impl Place {
    /// The range `span` of a source.
    pub(super) fn of(source: &Source, span: Span) -> Self {
        let origin = source.origin(span.start);
        let text = source.text.lossy();
        let first = String::from_utf8_lossy(source.slice(span)).lines().next().map_or(0, |line| line.chars().count());
        let excerpt = Excerpt::new(&text, origin.mark, first, 0);
        let made = source.path.as_str() == MADE;
        Self { origin, excerpt, made, ..Self::default() }
    }
}

/// What stands for the file of a text that was given to `tpl`.
pub(super) const MADE: &str = "(text of tpl)";

impl Limit {
    fn message(self) -> &'static str {
        match self {
            Self::Depth => "templates call each other too deeply",
            Self::Steps => "the template does not end",
            Self::Output => "the template makes too much text",
        }
    }
}

/// The place of an error, borrowed as the error is.
macro_rules! place_of {
    ($error:ident) => {
        match $error {
            GoTemplateError::Syntax { place, .. }
            | GoTemplateError::NoFunction { place, .. }
            | GoTemplateError::NoVariable { place, .. }
            | GoTemplateError::NoTemplate { place, .. }
            | GoTemplateError::NilField { place, .. }
            | GoTemplateError::NoField { place, .. }
            | GoTemplateError::Function { place, .. }
            | GoTemplateError::Refused { place, .. }
            | GoTemplateError::Invalid { place, .. }
            | GoTemplateError::Limit { place, .. }
            | GoTemplateError::Hidden { place } => place,
        }
    };
}

impl GoTemplateError {
    /// Where it happened.
    pub fn place(&self) -> &Place {
        place_of!(self)
    }

    fn place_mut(&mut self) -> &mut Place {
        place_of!(self)
    }

    /// The same failure without anything that a value could have influenced: of its place only the file is left, since
    /// a template can choose the line by a secret.
    #[must_use]
    pub fn hidden(mut self) -> Self {
        let Origin { file, .. } = std::mem::take(self.place_mut()).origin;
        Self::Hidden { place: Box::new(Place { origin: Origin { file, ..Origin::default() }, ..Place::default() }) }
    }

    /// The same error with what else is known of the values that took part, such as where they were set.
    #[must_use]
    pub fn used(mut self, more: impl IntoIterator<Item = String>) -> Self {
        self.place_mut().used.extend(more);
        self
    }

    /// The same error, one call further out. What had no place gets that of the call.
    pub(super) fn called_at(mut self: Box<Self>, source: &Arc<Source>, span: Span) -> Box<Self> {
        let place = self.place_mut();
        if place.origin.file.is_none() {
            *place = Place::of(source, span);
        } else if place.through.len() < DEEPEST_SHOWN {
            let mark = source.mark(span.start);
            place.through.push(format!("{}:{}", source.path, mark.line));
        }
        self
    }

    fn advice(&self) -> Option<String> {
        Some(match self {
            Self::NoFunction { near: Some(near), .. }
            | Self::NoVariable { near: Some(near), .. }
            | Self::NoTemplate { near: Some(near), .. }
            | Self::NilField { near: Some(near), .. }
            | Self::NoField { near: Some(near), .. } => format!("Did you mean `{near}`?"),
            Self::NoVariable { .. } => "A variable ends with the block or branch that declares it.".into(),
            Self::NoTemplate { .. } => "Names of templates are those after `define`.".into(),
            Self::NilField { .. } => {
                "Set the value, or put what may be missing in parentheses: `(.a).b` is empty without `.a`.".into()
            }
            Self::Limit { limit: Limit::Depth, .. } => "Look for a template that calls itself.".into(),
            Self::Limit { limit: Limit::Steps, .. } => {
                "Loop over fewer items, or move the work out of the template.".into()
            }
            Self::Limit { limit: Limit::Output, .. } => "Write less, or split the template.".into(),
            Self::Hidden { .. } => {
                "Look at what this template does with its secrets: their kind, their length, their form.".into()
            }
            _ => return None,
        })
    }
}

impl Diagnose for GoTemplateError {
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
        let through = through.iter().map(|it| format!("Called by {it}."));
        let lines: Vec<String> = self.advice().into_iter().chain(used).chain(through).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}

/// A value in a few words.
pub(super) fn described(value: &Value) -> String {
    match value {
        Value::Nil => "nil".to_owned(),
        Value::List(list) => format!("a list of {}", list.len()),
        Value::Map(map) => format!("a map of {}", map.len()),
        Value::Bytes(bytes) => format!("{} bytes", bytes.len()),
        Value::Object(object) => format!("a {}", object.type_name()),
        Value::Str(text) => short(&format!("{:?}", text.lossy())),
        other => short(&super::format::display(other).lossy()),
    }
}

fn short(text: &str) -> String {
    match text.char_indices().nth(WIDEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

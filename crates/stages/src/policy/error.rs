//! Errors in policies.

use thiserror::Error;

use weft_base::diagnostic::{Diagnose, Excerpt, Kind, Place};
use weft_base::tree::TreeError;
use weft_base::value::Origin;
use weft_base::yaml::YamlError;
use weft_schema::ProgramError;

/// A policy cannot be read.
#[derive(Debug, Error)]
pub enum PolicyError {
    /// The file is no text.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The file is not what it should be.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// Two rules of one name.
    #[error("the rule `{name}` is there twice: here and at {first}")]
    Twice {
        name: String,
        /// The first place.
        first: Origin,
        /// The second place.
        at: Box<Place>,
    },
    /// A rule has none of `deny`, `approve` and `warn`, or several.
    #[error("the rule `{name}` has to have one of `deny`, `approve` and `warn`")]
    Ruling {
        /// The rule.
        name: String,
        at: Box<Place>,
    },
    /// A rule does not say what to tell, or says it twice.
    #[error("the rule `{name}` has to have one of `message` and `messageExpression`")]
    Message {
        /// The rule.
        name: String,
        at: Box<Place>,
    },
    /// A rule about the plan chooses objects.
    #[error("the rule `{name}` is about the plan, which has neither `actions` nor `kinds`")]
    OfPlan {
        /// The rule.
        name: String,
        at: Box<Place>,
    },
    /// Nothing of that name is done to objects.
    #[error("no object has the action `{action}`")]
    Action {
        /// The word.
        action: String,
        /// The one that may be meant.
        nearest: Option<String>,
        at: Box<Place>,
    },
    /// An expression cannot be read.
    #[error("{source}")]
    Expression {
        /// What is wrong.
        #[source]
        source: ProgramError,
        /// The name that may be meant.
        nearest: Option<String>,
        /// The names that there are.
        names: Vec<String>,
        at: Box<Place>,
    },
}

impl PolicyError {
    fn place(&self) -> Option<&Place> {
        match self {
            Self::Tree(_) | Self::Yaml(_) => None,
            Self::Twice { at, .. }
            | Self::Ruling { at, .. }
            | Self::Message { at, .. }
            | Self::OfPlan { at, .. }
            | Self::Action { at, .. }
            | Self::Expression { at, .. } => Some(at),
        }
    }
}

impl Diagnose for PolicyError {
    fn kind(&self) -> Kind {
        match self {
            Self::Tree(error) => error.kind(),
            Self::Yaml(error) => error.kind(),
            _ => Kind::Input,
        }
    }

    fn origin(&self) -> Option<&Origin> {
        match self {
            Self::Tree(error) => error.origin(),
            Self::Yaml(error) => error.origin(),
            _ => self.place().map(|it| &it.origin),
        }
    }

    fn excerpt(&self) -> Option<&Excerpt> {
        match self {
            Self::Tree(error) => error.excerpt(),
            Self::Yaml(error) => error.excerpt(),
            _ => self.place().and_then(|it| it.excerpt.as_deref()),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Tree(error) => error.hint(),
            Self::Yaml(error) => error.hint(),
            Self::Twice { .. } => Some("Give one of them another name.".into()),
            Self::Ruling { .. } => Some("Its value is a CEL expression that is true where the rule is broken.".into()),
            Self::Message { .. } => {
                Some("A message is a text, a `messageExpression` a CEL expression that comes to one.".into())
            }
            Self::OfPlan { .. } => Some("Leave them out, or leave out `about: plan`.".into()),
            Self::Action { nearest, .. } | Self::Expression { nearest: nearest @ Some(_), .. } => {
                nearest.as_ref().map(|it| format!("Did you mean `{it}`?"))
            }
            Self::Expression { names, .. } => {
                let names: Vec<String> = names.iter().map(|it| format!("`{it}`")).collect();
                Some(format!("An expression sees {}.", names.join(", ")))
            }
        }
    }
}

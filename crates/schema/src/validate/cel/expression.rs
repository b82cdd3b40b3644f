//! Expressions of people about one object, in the language of the rules in definitions.

use std::fmt;

use kube_cel::cel::{Context, ExecutionError, IdedExpr, Value as CelValue};
use thiserror::Error;

use super::{context, convert, rule};
use weft_base::value::{Map, Value};

/// The name under which an expression sees its object, as in `x-kubernetes-validations`.
const OBJECT: &str = "self";

/// A CEL expression about an object, which it sees as `self`. Secrets in the object are null to it.
#[derive(Clone, PartialEq)]
pub struct Expression {
    text: String,
    parsed: IdedExpr,
}

/// What keeps a text from being an expression.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ExpressionError {
    /// It is no CEL.
    #[error("it cannot be read as CEL")]
    Syntax,
    /// It names something that is not there.
    #[error("`{0}` is not known")]
    Undeclared(String),
}

/// What kept an expression from coming to an answer for one object.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Unanswered {
    /// The object does not have a field yet that the expression reads.
    #[error("it has no `{0}` yet")]
    Missing(String),
    /// The answer is of another kind, or an operator does not take these values.
    #[error("`{text}` cannot be evaluated: {reason}")]
    Broken {
        /// The expression.
        text: String,
        /// Why, without a value of the object.
        reason: &'static str,
    },
}

impl Expression {
    /// Reads an expression, and tries it on an object that has nothing: so a name that is nowhere declared is found,
    /// unless it stands behind something that an empty object does not have.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        let parsed = rule::parse(text).ok_or(ExpressionError::Syntax)?;
        let expression = Self { text: text.trim().to_owned(), parsed };
        match expression.evaluate(&Map::new().into()) {
            Err(ExecutionError::UndeclaredReference(name)) => Err(ExpressionError::Undeclared(name.to_string())),
            _ => Ok(expression),
        }
    }

    /// Whether it holds for an object.
    pub fn holds(&self, object: &Value) -> Result<bool, Unanswered> {
        match self.evaluate(object) {
            Ok(CelValue::Bool(answer)) => Ok(answer),
            Ok(_) => Err(self.broken("it does not come to true or false")),
            Err(error) => Err(self.unanswered(error)),
        }
    }

    /// The text that it comes to for an object.
    pub fn text(&self, object: &Value) -> Result<String, Unanswered> {
        match self.evaluate(object) {
            Ok(CelValue::String(answer)) => Ok(answer.to_string()),
            Ok(_) => Err(self.broken("it does not come to a text")),
            Err(error) => Err(self.unanswered(error)),
        }
    }

    fn evaluate(&self, object: &Value) -> Result<CelValue, ExecutionError> {
        let mut scope: Context<'_> = context();
        scope.add_variable_from_value(OBJECT, convert::value(object, None, None));
        scope.resolve(&self.parsed)
    }

    fn unanswered(&self, error: ExecutionError) -> Unanswered {
        match error {
            ExecutionError::NoSuchKey(key) => Unanswered::Missing(key.to_string()),
            ExecutionError::IndexOutOfBounds(_) => self.broken("an index is out of bounds"),
            ExecutionError::UndeclaredReference(_) => self.broken("it names what is not known"),
            // The words of the evaluator would hold values.
            _ => self.broken("a function or operator in it does not take these values"),
        }
    }

    fn broken(&self, reason: &'static str) -> Unanswered {
        Unanswered::Broken { text: self.text.clone(), reason }
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.text)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use weft_base::yaml::{self, Rules};

    fn object(text: &str) -> Value {
        yaml::document(text, &Arc::new("object.yaml".to_owned()), Rules::Kubernetes).unwrap()
    }

    #[test]
    fn an_expression_is_about_self() {
        let ready = Expression::parse("self.status.conditions.exists(it, it.type == 'Ready' && it.status == 'True')");
        let ready = ready.unwrap();
        let object = object("status: {conditions: [{type: Ready, status: 'True'}], phase: Up}");
        assert_eq!(ready.holds(&object), Ok(true));
        assert_eq!(Expression::parse("'is ' + self.status.phase").unwrap().text(&object), Ok("is Up".to_owned()));
        assert_eq!(Expression::parse("self.?status.?x.orValue(0) == 0").unwrap().holds(&object), Ok(true));
        assert_eq!(ready.holds(&Map::new().into()), Err(Unanswered::Missing("status".to_owned())));
        let undeclared = ExpressionError::Undeclared("status".to_owned());
        assert_eq!(Expression::parse("status.phase == 'Up'"), Err(undeclared));
        assert_eq!(Expression::parse("self."), Err(ExpressionError::Syntax));
        let number = Expression::parse("self.status.phase > 1").unwrap().holds(&object).unwrap_err();
        assert!(!number.to_string().contains("Up\""), "{number}");
        assert!(Expression::parse("self.status.phase").unwrap().holds(&object).is_err());
    }

    #[test]
    fn a_secret_is_null() {
        let secret = object("data: {a: canary}").masked();
        let shown = Expression::parse("string(self.data.a)").unwrap().text(&secret);
        assert!(!format!("{shown:?}").contains("canary"), "{shown:?}");
    }
}

//! What healthy means by the rules of an environment, where these say something.

use std::time::Duration;

use super::conditions::condition;
use super::{Health, shipped, terminating};
use crate::project::{HealthRule, HealthTest};
use weft_base::value::Value;
use weft_schema::{Gvk, Unanswered};

/// How an object is by the first of these rules that fits and says so, and else by the shipped one.
///
/// Whatever a rule says, an object that is being deleted is terminating, and one that its controller has not seen yet
/// is in progress.
pub fn judge(object: &Value, rules: &[HealthRule]) -> Health {
    if let Some(health) = terminating(object) {
        return health;
    }
    let mut fitting = rules.iter().filter(|rule| fits(rule, object));
    match fitting.find(|rule| rule.current.is_some() || rule.failed.is_some()) {
        Some(rule) => super::observed(object).map_or_else(|| by(rule, object), Health::InProgress),
        None => shipped(object),
    }
}

/// How long an object may take by the first of these rules that fits and says so.
pub fn patience(object: &Value, rules: &[HealthRule]) -> Option<Duration> {
    let mut fitting = rules.iter().filter(|rule| fits(rule, object));
    fitting.find_map(|rule| rule.seconds).map(Duration::from_secs)
}

fn fits(rule: &HealthRule, object: &Value) -> bool {
    let text = |keys: &[&str]| object.dig(keys).and_then(Value::as_str);
    let gvk = Gvk::new(text(&["apiVersion"]).unwrap_or_default(), text(&["kind"]).unwrap_or_default());
    let name = text(&["metadata", "name"]).unwrap_or_default();
    rule.objects.fits(&gvk.group_kind(), text(&["metadata", "namespace"]), name)
}

fn by(rule: &HealthRule, object: &Value) -> Health {
    let failed = rule.failed.as_ref().map(|test| Answer::of(test, object));
    if let Some(Answer::Yes(said)) = failed {
        return Health::Failed(message(rule, object, said));
    }
    if let Some(Answer::Broken(why)) = failed {
        return Health::InProgress(why);
    }
    match rule.current.as_ref().map(|test| Answer::of(test, object)) {
        None => shipped(object),
        Some(Answer::Yes(_)) => Health::Current,
        Some(Answer::Broken(why)) => Health::InProgress(why),
        Some(Answer::No(said)) => Health::InProgress(message(rule, object, said)),
    }
}

/// What a rule says in words, or what its test said where it has none.
fn message(rule: &HealthRule, object: &Value, said: String) -> String {
    match rule.message.as_ref().map(|it| it.text(object)) {
        Some(Ok(message)) => message,
        None | Some(Err(Unanswered::Missing(_))) => said,
        Some(Err(broken)) => format!("{said}; its message {broken}"),
    }
}

/// What a test came to, with what is to be said about it.
enum Answer {
    Yes(String),
    No(String),
    /// It cannot be evaluated for this object.
    Broken(String),
}

impl Answer {
    fn of(test: &HealthTest, object: &Value) -> Self {
        match test {
            HealthTest::Condition { kind, status } => match condition(object, kind) {
                Some(found) if found.status == status => Self::Yes(found.said()),
                Some(found) => Self::No(found.said()),
                None => Self::No(format!("it has no condition {kind} yet")),
            },
            HealthTest::Expression(test) => match test.holds(object) {
                Ok(true) => Self::Yes(format!("{test:?} holds")),
                Ok(false) => Self::No(format!("{test:?} does not hold")),
                Err(missing @ Unanswered::Missing(_)) => Self::No(missing.to_string()),
                Err(broken) => Self::Broken(broken.to_string()),
            },
        }
    }
}

//! `wait:`: how long a release may take to become healthy, and what healthy means for kinds of its own.

use super::duration;
use super::error::ProjectError;
use super::objects::ObjectPattern;
use super::release::wrong_kind;
use super::spec::{HealthRuleSpec, WaitSpec};
use weft_base::diagnostic::Place;
use weft_base::tree::Tree;
use weft_base::value::{Data, Origin, Value};
use weft_base::yaml;
use weft_schema::Expression;

/// How long a release may take to become healthy where nothing says it: the default of most tools of the field.
const SECONDS: u64 = 5 * 60;

/// How a release is waited for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wait {
    /// How long its objects may take to become healthy, in seconds; `None` for no waiting.
    pub seconds: Option<u64>,
    /// What healthy means for some of its objects: its own rules, then those of the environment. The first one that
    /// fits and says something holds.
    pub rules: Vec<HealthRule>,
}

/// One entry of `wait.rules:`. What it leaves out is as without it.
#[derive(Clone, Debug, PartialEq)]
pub struct HealthRule {
    /// The objects that it is about.
    pub objects: ObjectPattern,
    /// When an object is as it should be.
    pub current: Option<HealthTest>,
    /// When it has failed, and waiting is in vain.
    pub failed: Option<HealthTest>,
    /// What is said of an object that is not as it should be.
    pub message: Option<Expression>,
    /// How long such an object may take, in seconds.
    pub seconds: Option<u64>,
    /// Where it was written.
    pub origin: Origin,
}

/// What a rule looks at.
#[derive(Clone, Debug, PartialEq)]
pub enum HealthTest {
    /// Whether the condition of this type has this status.
    Condition {
        /// The type.
        kind: String,
        /// `True`, `False` or `Unknown`.
        status: String,
    },
    /// Whether this holds.
    Expression(Expression),
}

/// What one `wait:` says.
#[derive(Clone, Default)]
pub(super) struct Waits {
    on: Option<bool>,
    seconds: Option<u64>,
    rules: Vec<HealthRule>,
}

impl Waits {
    /// Reads a `wait:` of an environment or a release.
    pub(super) fn read(tree: &Tree, node: Option<&Value>) -> Result<Self, ProjectError> {
        let Some(node) = node else { return Ok(Self::default()) };
        match &node.data {
            Data::Null => Ok(Self::default()),
            Data::Bool(on) => Ok(Self { on: Some(*on), ..Self::default() }),
            Data::Map(_) => Self::long(tree, node),
            _ => Err(wrong_kind(tree, node, "`wait`", "true, false or `{timeout: 5m}`")),
        }
    }

    fn long(tree: &Tree, node: &Value) -> Result<Self, ProjectError> {
        let file = node.origin.file.as_deref().map(|file| tree.text(file)).transpose()?;
        let spec: WaitSpec = yaml::from_value(node, file.unwrap_or_default())?;
        let nodes = node.get("rules").and_then(Value::as_list).unwrap_or_default();
        let rules = spec.rules.unwrap_or_default();
        Ok(Self {
            on: Some(true),
            seconds: timeout(tree, spec.timeout.as_deref(), node)?,
            rules: rules.iter().zip(nodes).map(|(spec, node)| rule(tree, spec, node)).collect::<Result<_, _>>()?,
        })
    }

    /// What comes of it for a release, over what the environment says.
    pub(super) fn over(self, environment: &Self) -> Wait {
        let seconds = self.seconds.or(environment.seconds).unwrap_or(SECONDS);
        let mut rules = self.rules;
        rules.extend(environment.rules.iter().cloned());
        Wait { seconds: self.on.or(environment.on).unwrap_or(true).then_some(seconds), rules }
    }
}

fn timeout(tree: &Tree, text: Option<&str>, node: &Value) -> Result<Option<u64>, ProjectError> {
    let Some((text, node)) = text.zip(node.get("timeout")) else { return Ok(None) };
    let wrong = || ProjectError::NotADuration { text: text.to_owned(), place: Place::of_node(tree, node) };
    duration::seconds(text).map(Some).ok_or_else(wrong)
}

fn rule(tree: &Tree, spec: &HealthRuleSpec, node: &Value) -> Result<HealthRule, ProjectError> {
    let lacks = |key| ProjectError::IncompleteRule { rule: "a health rule", key, place: Place::of_node(tree, node) };
    if spec.kind.is_none() {
        return Err(lacks("kind"));
    }
    if let (Some(_), Some(entry)) = (&spec.condition, node.as_map().and_then(|it| it.entry("current"))) {
        let subject = "a health rule".to_owned();
        let place = Place::of_key(tree, entry);
        return Err(ProjectError::Contradiction { subject, first: "condition", second: "current", place });
    }
    let read = |key: &str| node.get(key).filter(|it| !it.is_null());
    let condition = read("condition").map(|it| condition(tree, it)).transpose()?;
    let current = read("current").map(|it| expression(tree, "current", it)).transpose()?;
    let rule = HealthRule {
        objects: ObjectPattern { kind: spec.kind.clone(), namespace: spec.namespace.clone(), name: spec.name.clone() },
        current: condition.or(current.map(HealthTest::Expression)),
        failed: read("failed").map(|it| failed(tree, it)).transpose()?,
        message: read("message").map(|it| expression(tree, "message", it)).transpose()?,
        seconds: timeout(tree, spec.timeout.as_deref(), node)?,
        origin: node.origin.clone(),
    };
    let says = rule.current.is_some() || rule.failed.is_some() || rule.seconds.is_some();
    if says { Ok(rule) } else { Err(lacks("condition")) }
}

/// A condition where it looks like one, which no expression does; else an expression.
fn failed(tree: &Tree, node: &Value) -> Result<HealthTest, ProjectError> {
    let text = node.as_str().unwrap_or_default();
    named(text).map_or_else(|| expression(tree, "failed", node).map(HealthTest::Expression), Ok)
}

fn condition(tree: &Tree, node: &Value) -> Result<HealthTest, ProjectError> {
    let text = node.as_str().unwrap_or_default();
    let wrong = || ProjectError::NotAHealthTest { text: text.to_owned(), place: Place::of_node(tree, node) };
    named(text).ok_or_else(wrong)
}

/// `Ready=True` as a test.
fn named(text: &str) -> Option<HealthTest> {
    let (kind, status) = text.split_once('=')?;
    let part = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    let is_type = !kind.is_empty() && kind.chars().all(part);
    (is_type && ["True", "False", "Unknown"].contains(&status))
        .then(|| HealthTest::Condition { kind: kind.to_owned(), status: status.to_owned() })
}

fn expression(tree: &Tree, key: &'static str, node: &Value) -> Result<Expression, ProjectError> {
    let wrong = |source| ProjectError::NotAnExpression { key, source, place: Place::of_node(tree, node) };
    Expression::parse(node.as_str().unwrap_or_default()).map_err(wrong)
}

//! The policies of the repository: reads `policies/*.yaml` into a [`Policy`], and judges a plan, which yields
//! [`Finding`](crate::plan::Finding)s.
//!
//! A rule is a CEL expression over the plan's JSON (`docs/schema/report-v1.json`). A rule that cannot be evaluated is a
//! finding and is never skipped. A rule that reads what is unknown without a cluster or without a plan is not judged,
//! and the report says so.

mod error;
mod judge;
mod read;

pub use self::error::PolicyError;
pub use self::judge::{Judgement, PolicyFacts, UnjudgedRule, judge, judge_objects};
pub use self::read::{FOLDER, read};
use crate::plan::Ruling;
use weft_base::value::Origin;
use weft_schema::Program;

/// All rules of a repository.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    rules: Vec<PolicyRule>,
}

impl Policy {
    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there are no rules.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}

/// One rule.
#[derive(Clone, Debug)]
struct PolicyRule {
    name: String,
    ruling: Ruling,
    about: RuleScope,
    /// The environments that it is for, with `*` for any text; all if empty.
    environments: Vec<String>,
    /// There is a finding if it is true.
    condition: Program,
    message: Message,
    origin: Origin,
}

impl PolicyRule {
    /// Whether its condition or its message reads a document, or a field of one.
    fn reads(&self, path: &str) -> bool {
        let message = match &self.message {
            Message::Text(_) => None,
            Message::Expression(program) => Some(program),
        };
        std::iter::once(&self.condition).chain(message).any(|it| it.reads(path))
    }
}

/// What a rule is about.
#[derive(Clone, Debug)]
enum RuleScope {
    /// The whole plan.
    Plan,
    /// Each object of these kinds with one of these actions; all kinds if empty.
    Objects { actions: Vec<String>, kinds: Vec<String> },
}

#[derive(Clone, Debug)]
enum Message {
    Text(String),
    Expression(Program),
}

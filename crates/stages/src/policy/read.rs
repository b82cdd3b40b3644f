//! Reads policies from files.

use std::sync::Arc;

use serde::Deserialize;

use super::{Message, Policy, PolicyError, PolicyRule, RuleScope};
use crate::plan::Ruling;
use weft_base::diagnostic::{Place, nearest};
use weft_base::tree::Tree;
use weft_base::value::{Mark, Origin, Value};
use weft_base::yaml::{self, Rules};
use weft_schema::{Program, ProgramError};

/// The folder that policies are in.
pub const FOLDER: &str = "policies";

/// The variables of rules about objects.
const OF_OBJECTS: [&str; 7] = ["change", "containers", "environment", "impact", "object", "old", "release"];
/// The variables of rules about plans.
const OF_PLANS: [&str; 2] = ["environment", "plan"];
/// The actions, as the plan's JSON names them.
const ACTIONS: [&str; 8] = ["create", "update", "recreate", "delete", "orphan", "keep", "unchanged", "unknown"];
/// The actions of a rule that names none.
const CHANGES: [&str; 4] = ["create", "update", "recreate", "delete"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyFile {
    rules: Vec<RuleEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RuleEntry {
    name: String,
    /// What it is for, for readers of the file.
    #[serde(default, rename = "description")]
    _description: Option<String>,
    #[serde(default)]
    about: RuleSubject,
    #[serde(default)]
    environments: Vec<String>,
    #[serde(default)]
    actions: Option<Vec<String>>,
    #[serde(default)]
    kinds: Vec<String>,
    #[serde(default)]
    deny: Option<String>,
    #[serde(default)]
    approve: Option<String>,
    #[serde(default)]
    warn: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    message_expression: Option<String>,
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RuleSubject {
    #[default]
    Objects,
    Plan,
}

/// The policies of a repository: every YAML file of [`FOLDER`], in the order of their names.
///
/// # Errors
/// The first thing that is wrong with them, with its place.
pub fn read(tree: &Tree) -> Result<Policy, PolicyError> {
    let mut rules: Vec<PolicyRule> = Vec::new();
    let is_policy = |path: &&str| {
        let name = path.strip_prefix(FOLDER).and_then(|it| it.strip_prefix('/'));
        name.is_some_and(|it| !it.contains('/') && matches!(it.rsplit_once('.'), Some((_, "yaml" | "yml"))))
    };
    let mut paths: Vec<&str> = tree.paths().filter(is_policy).collect();
    paths.sort_unstable();
    for path in paths {
        for rule in of_file(path, tree.text(path)?)? {
            if let Some(first) = rules.iter().find(|it| it.name == rule.name) {
                let name = rule.name;
                let first = first.origin.clone();
                return Err(PolicyError::Twice { name, first, at: Box::new(Place::bare(rule.origin)) });
            }
            rules.push(rule);
        }
    }
    Ok(Policy { rules })
}

fn of_file(path: &str, text: &str) -> Result<Vec<PolicyRule>, PolicyError> {
    let file = Arc::new(path.to_owned());
    let root = yaml::document(text, &file, Rules::Strict)?;
    let written: PolicyFile = yaml::from_value(&root, text)?;
    let nodes = root.get("rules").and_then(Value::as_list).unwrap_or_default();
    written.rules.into_iter().zip(nodes).map(|(rule, node)| RuleReader { text, node }.rule(rule)).collect()
}

/// A line of an expression and a column in it, both from 1.
#[derive(Clone, Copy)]
struct ExpressionPosition {
    line: u32,
    column: u32,
}

/// A rule with the text of its file.
struct RuleReader<'t> {
    text: &'t str,
    node: &'t Value,
}

impl RuleReader<'_> {
    fn rule(&self, written: RuleEntry) -> Result<PolicyRule, PolicyError> {
        let RuleEntry { name, environments, actions, kinds, deny, approve, warn, message, message_expression, .. } =
            written;
        let rulings = [(Ruling::Deny, deny), (Ruling::Approve, approve), (Ruling::Warn, warn)];
        let mut given = rulings.into_iter().filter_map(|(ruling, text)| Some((ruling, text?)));
        let (Some((ruling, condition)), None) = (given.next(), given.next()) else {
            return Err(PolicyError::Ruling { name, at: Box::new(self.place("name")) });
        };
        let names = if written.about == RuleSubject::Plan { &OF_PLANS[..] } else { &OF_OBJECTS };
        let condition = self.program(&ruling.to_string(), &condition, names)?;
        let message = match (message, message_expression) {
            (Some(text), None) => Message::Text(text),
            (None, Some(text)) => Message::Expression(self.program("messageExpression", &text, names)?),
            _ => return Err(PolicyError::Message { name, at: Box::new(self.place("name")) }),
        };
        let about = match written.about {
            RuleSubject::Plan if actions.is_some() || !kinds.is_empty() => {
                return Err(PolicyError::OfPlan { name, at: Box::new(self.place("about")) });
            }
            RuleSubject::Plan => RuleScope::Plan,
            RuleSubject::Objects => RuleScope::Objects { actions: self.actions(actions)?, kinds },
        };
        Ok(PolicyRule { name, ruling, about, environments, condition, message, origin: self.node.origin.clone() })
    }

    fn actions(&self, given: Option<Vec<String>>) -> Result<Vec<String>, PolicyError> {
        let Some(given) = given else { return Ok(CHANGES.map(str::to_owned).to_vec()) };
        match given.iter().position(|it| !ACTIONS.contains(&it.as_str())) {
            None => Ok(given),
            Some(at) => {
                let node = self.node.get("actions").and_then(Value::as_list).and_then(|it| it.get(at));
                let origin = node.map(|it| it.origin.clone()).unwrap_or_default();
                let nearest = nearest(&given[at], ACTIONS).map(str::to_owned);
                let at_place = Box::new(Place::new(self.text, origin, given[at].chars().count()));
                Err(PolicyError::Action { action: given[at].clone(), nearest, at: at_place })
            }
        }
    }

    fn program(&self, key: &str, text: &str, names: &[&str]) -> Result<Program, PolicyError> {
        Program::parse(text, names).map_err(|error| {
            let (line, column, width) = match &error {
                ProgramError::Syntax { line, column, .. } => (*line, *column, 1),
                ProgramError::Undeclared { name, line, column } => (*line, *column, name.chars().count()),
            };
            let known = match &error {
                ProgramError::Undeclared { name, .. } => nearest(name, names.iter().copied()).map(str::to_owned),
                ProgramError::Syntax { .. } => None,
            };
            let names = names.iter().map(|it| (*it).to_owned()).collect();
            let at = Box::new(self.within(key, text, ExpressionPosition { line, column }, width));
            PolicyError::Expression { source: error, nearest: known, names, at }
        })
    }

    fn place(&self, key: &str) -> Place {
        let node = self.node.get(key).unwrap_or(self.node);
        Place::new(self.text, node.origin.clone(), 1)
    }

    /// A place in an expression: on the line of the file that has the line of the expression.
    fn within(&self, key: &str, text: &str, position: ExpressionPosition, width: usize) -> Place {
        let ExpressionPosition { line, column } = position;
        let Some(node) = self.node.get(key) else { return Place::bare(self.node.origin.clone()) };
        let nth = usize::try_from(line - 1).unwrap_or(0);
        let wanted = text.lines().nth(nth).unwrap_or_default();
        let indent = wanted.len() - wanted.trim_start().len();
        let first = usize::try_from(node.origin.mark.line.saturating_sub(1)).unwrap_or(0);
        // A block begins on the line below its sign.
        let lines = self.text.lines().enumerate().skip(first + nth).take(2);
        let found = match wanted.trim() {
            "" => None,
            wanted => lines.into_iter().find_map(|(at, it)| Some((at, it.find(wanted)?, it))),
        };
        let mark = match found {
            Some((at, offset, it)) => {
                let before = it[..offset].chars().count() + usize::try_from(column).unwrap_or(1).saturating_sub(indent);
                Mark { line: u32::try_from(at + 1).unwrap_or(1), column: u32::try_from(before).unwrap_or(1).max(1) }
            }
            None => node.origin.mark,
        };
        Place::new(self.text, Origin { mark, ..node.origin.clone() }, width)
    }
}

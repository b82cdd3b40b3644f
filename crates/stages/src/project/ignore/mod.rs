//! `ignore:`: which fields a difference does not count in, and which are not sent.

mod shipped;

use jiff::civil::Date;

pub use self::shipped::{Condition, ShippedRule, shipped};
use super::error::ProjectError;
use super::objects::ObjectPattern;
use super::spec::{Do, IgnoreSpec};
use weft_base::diagnostic::{Place, nearest};
use weft_base::tree::Tree;
use weft_base::value::{Origin, Pattern, Value};

/// One entry of `ignore:`.
#[derive(Clone, Debug, PartialEq)]
pub struct IgnoreRule {
    /// What it is about.
    pub what: Ignored,
    /// The objects that it is about.
    pub objects: ObjectPattern,
    /// Why, for people; may be empty where it is about a shipped rule.
    pub reason: String,
    /// The last day on which it holds, in UTC; `None` for one that holds for ever.
    pub until: Option<Date>,
    /// Where it was written.
    pub origin: Origin,
}

/// What an entry of `ignore:` is about.
#[derive(Clone, Debug, PartialEq)]
pub enum Ignored {
    /// Fields.
    Fields {
        /// Where they are; anywhere, where there is none.
        paths: Vec<Pattern>,
        /// Who owns them: a field manager's name, in which `*` stands for any text.
        manager: Option<String>,
        /// What becomes of them.
        meaning: Meaning,
    },
    /// The shipped rule of this name, which does not hold.
    Shipped(String),
}

/// What becomes of an ignored field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// A difference there is not shown and does not count. It is sent with the object.
    Hide,
    /// It is not sent: others decide about it, and nothing of theirs is removed.
    Leave,
}

/// The rules of a list; `node` are the nodes that `specs` were read from.
pub(super) fn rules(
    tree: &Tree,
    specs: Option<&[IgnoreSpec]>,
    node: Option<&Value>,
) -> Result<Vec<IgnoreRule>, ProjectError> {
    let nodes = node.and_then(Value::as_list).unwrap_or_default();
    specs.unwrap_or_default().iter().zip(nodes).map(|(spec, node)| rule(tree, spec, node)).collect()
}

fn rule(tree: &Tree, spec: &IgnoreSpec, node: &Value) -> Result<IgnoreRule, ProjectError> {
    let what = match &spec.default {
        Some(name) => shipped_rule(tree, name, spec, node)?,
        None => fields(tree, spec, node)?,
    };
    let reason = spec.reason.as_deref().unwrap_or_default().trim().to_owned();
    if reason.is_empty() && spec.default.is_none() {
        return Err(incomplete(tree, node, "reason"));
    }
    let objects = ObjectPattern { kind: spec.kind.clone(), namespace: spec.namespace.clone(), name: spec.name.clone() };
    let until = spec.until.as_deref().map(|text| day(tree, text, node)).transpose()?;
    Ok(IgnoreRule { what, objects, reason, until, origin: node.origin.clone() })
}

/// The day of a text. YAML makes a time of a bare date.
fn day(tree: &Tree, text: &str, node: &Value) -> Result<Date, ProjectError> {
    let date = text.strip_suffix("T00:00:00Z").unwrap_or(text);
    date.parse().map_err(|_| ProjectError::MisusedRule {
        problem: "`until` of an ignore rule must be a day",
        hint: "Write the last day on which the rule holds as `until: 2026-12-31`.",
        place: node.get("until").map(|it| Place::of_node(tree, it)).unwrap_or_default(),
    })
}

impl IgnoreRule {
    /// Whether it does not hold any more.
    pub fn is_over(&self, today: Date) -> bool {
        self.until.is_some_and(|last| last < today)
    }
}

fn shipped_rule(tree: &Tree, name: &str, spec: &IgnoreSpec, node: &Value) -> Result<Ignored, ProjectError> {
    let entry = |key: &str| node.as_map().and_then(|map| map.entry(key)).filter(|entry| !entry.value.is_null());
    for second in ["paths", "manager"] {
        if let Some(entry) = entry(second) {
            let subject = "an ignore rule".to_owned();
            let place = Place::of_key(tree, entry);
            return Err(ProjectError::Contradiction { subject, first: "default", second, place });
        }
    }
    if !shipped().any(|rule| rule.name == name) {
        return Err(ProjectError::NoShippedRule {
            name: name.to_owned(),
            nearest: nearest(name, shipped().map(|rule| rule.name)),
            place: entry("default").map(|entry| Place::of_node(tree, &entry.value)).unwrap_or_default(),
        });
    }
    match spec.meaning {
        Some(Do::Show) => Ok(Ignored::Shipped(name.to_owned())),
        Some(Do::Hide | Do::Leave) => Err(misused(tree, node, "a shipped rule can only be switched off")),
        None => Err(incomplete(tree, node, "do")),
    }
}

fn fields(tree: &Tree, spec: &IgnoreSpec, node: &Value) -> Result<Ignored, ProjectError> {
    let texts = node.get("paths").and_then(Value::as_list).unwrap_or_default();
    if texts.is_empty() && spec.manager.is_none() {
        return Err(incomplete(tree, node, "paths"));
    }
    let meaning = match spec.meaning {
        Some(Do::Hide) => Meaning::Hide,
        Some(Do::Leave) => Meaning::Leave,
        Some(Do::Show) => return Err(misused(tree, node, "only a shipped rule can be switched off")),
        None => return Err(incomplete(tree, node, "do")),
    };
    let paths = texts.iter().map(|text| path(tree, text)).collect::<Result<_, _>>()?;
    Ok(Ignored::Fields { paths, manager: spec.manager.clone(), meaning })
}

/// The pattern of a node that is one.
pub(super) fn path(tree: &Tree, node: &Value) -> Result<Pattern, ProjectError> {
    let text = node.as_str().unwrap_or_default();
    Pattern::parse(text).map_err(|source| ProjectError::NotAFieldPath {
        text: text.to_owned(),
        read: text.chars().take(source.at).collect(),
        source,
        place: Place::of_node(tree, node),
    })
}

fn incomplete(tree: &Tree, node: &Value, key: &'static str) -> ProjectError {
    ProjectError::IncompleteRule { rule: "an ignore rule", key, place: Place::of_node(tree, node) }
}

fn misused(tree: &Tree, node: &Value, problem: &'static str) -> ProjectError {
    let place = node.get("do").map(|word| Place::of_node(tree, word)).unwrap_or_default();
    let hint = "Write `do: show` with `default: NAME`, and `do: hide` or `do: leave` with `paths` or `manager`.";
    ProjectError::MisusedRule { problem, hint, place }
}

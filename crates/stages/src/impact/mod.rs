//! [`Plan`] -> [`Impact`]: the consequences for those who use what the plan changes. It is computed from the objects of
//! the plan and never guessed; what they do not show is left out.

mod capacity;
mod data;
mod readers;
mod rights;
mod selectors;
mod workloads;

use std::fmt;
use std::sync::Arc;

pub use self::capacity::Capacity;
use crate::manifest::ObjectId;
use crate::plan::{Action, Plan, Step};
use weft_base::value::Value;

/// What a plan comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Impact {
    /// What becomes of objects and of those who use them, in the order of the plan.
    pub effects: Vec<Effect>,
    /// What the pods and claims of the plan ask for, more or less than now.
    pub capacity: Capacity,
}

/// What a plan means for an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    pub object: ObjectId,
    pub release: Arc<str>,
    /// What it means.
    pub what: Consequence,
}

/// What a change means, beyond the change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Consequence {
    /// Its pods restart.
    Restart {
        /// How many there are to be; `None` where a node each has one.
        pods: Option<i64>,
        /// The fields of the pod template that change.
        fields: Vec<String>,
        /// Whether all of them end before the first new one begins.
        at_once: bool,
    },
    /// Its pods stay as they are, although what they are made of, or read, changes.
    NoRestart { why: String },
    /// It is recreated.
    Replace {
        why: String,
        /// What goes with it, each in a few words.
        loses: Vec<String>,
    },
    /// Data goes with it.
    Data {
        /// Which, in a few words.
        loses: String,
    },
    /// It gives rights that nobody had by it.
    Rights {
        /// The rights, each in a few words.
        gives: Vec<String>,
    },
    /// It is about other objects than before.
    Selector {
        field: String,
        /// The objects that it is about now.
        from: String,
        /// The objects that it will be about.
        to: String,
    },
}

impl Consequence {
    /// A word for the variant, for machines.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Restart { .. } => "restart",
            Self::NoRestart { .. } => "no-restart",
            Self::Replace { .. } => "replace",
            Self::Data { .. } => "data",
            Self::Rights { .. } => "rights",
            Self::Selector { .. } => "selector",
        }
    }
}

impl fmt::Display for Consequence {
    /// What stands behind the object: `3 pods restart, since ... changes`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Restart { pods, fields, at_once } => {
                let pods = match pods {
                    None => "a pod on each node restarts".to_owned(),
                    Some(1) => "1 pod restarts".to_owned(),
                    Some(pods) => format!("{pods} pods restart"),
                };
                let how = if *at_once { " all at once" } else { "" };
                write!(f, "{pods}{how}: {}", some(fields))
            }
            Self::NoRestart { why } => write!(f, "will not restart by itself: {why}"),
            Self::Replace { why, loses } if loses.is_empty() => write!(f, "is deleted and made again: {why}"),
            Self::Replace { why, loses } => {
                write!(f, "is deleted and made again: {why}; lost with it: {}", some(loses))
            }
            Self::Data { loses } => write!(f, "loses data: {loses}"),
            Self::Rights { gives } => write!(f, "gives rights: {}", some(gives)),
            Self::Selector { field, from, to } => write!(f, "{field} selects others: {from} -> {to}"),
        }
    }
}

/// How many things of a kind are named.
const NAMED: usize = 5;

/// The first few, and how many more there are.
fn some(things: &[String]) -> String {
    let more = things.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", things[..things.len().min(NAMED)].join("; "))
}

/// A step with what is there before and after it.
struct StepChange<'p> {
    step: &'p Step,
    before: Option<&'p Value>,
    after: Option<&'p Value>,
}

impl<'p> StepChange<'p> {
    fn from_step(step: &'p Step) -> Self {
        let live = step.object.live.as_ref().map(|it| &it.body);
        let sent = step.sent().map(|it| &it.body);
        let after = step.object.after.as_deref().or(sent);
        let (before, after) = match &step.action {
            Action::Create => (None, after),
            Action::Update => (live, after),
            Action::Recreate { .. } => (live, sent),
            Action::Delete => (live, None),
            // What is not known to change counts as unchanged.
            _ => (None, None),
        };
        Self { step, before, after }
    }

    fn kind(&self) -> String {
        self.step.object.id.kind.to_string()
    }

    fn effect(&self, what: Consequence) -> Effect {
        Effect { object: self.step.object.id.clone(), release: Arc::clone(&self.step.object.release), what }
    }
}

/// The impact of applying a plan.
pub fn impact(plan: &Plan) -> Impact {
    let changes: Vec<StepChange> = plan.steps.iter().map(StepChange::from_step).collect();
    let own = changes.iter().flat_map(|change| {
        let found = [replaced(change), data::lost(change), rights::widened(change), selectors::changed(change)];
        let found = found.into_iter().flatten().chain(workloads::restarted(change));
        found.map(|what| change.effect(what)).collect::<Vec<_>>()
    });
    let mut effects: Vec<Effect> = own.collect();
    effects.extend(readers::unaware(plan, &effects));
    Impact { effects, capacity: Capacity::added(&changes) }
}

fn replaced(change: &StepChange) -> Option<Consequence> {
    match &change.step.action {
        Action::Recreate { reason, loses, .. } => {
            Some(Consequence::Replace { why: reason.clone(), loses: loses.clone() })
        }
        _ => None,
    }
}

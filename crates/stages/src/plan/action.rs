//! The actions of a plan, and their counts.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::hooks::{HookAction, HookStep};

/// What is done to an object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Action {
    /// Created by an apply.
    Create,
    /// Changed by an apply.
    Update,
    /// Deleted and created again, since it can only so become what is wanted.
    Recreate {
        /// The cause.
        reason: String,
        /// What goes with the old object, each in a few words.
        loses: Vec<String>,
        /// What becomes of the objects that the old one owns.
        owned: Dependents,
    },
    /// Deleted, since it left the repository.
    Delete,
    /// Let go: it loses its label and our ownership of its fields, and leaves the inventory.
    Orphan {
        /// The cause.
        reason: String,
    },
    /// Left alone although it left the repository.
    Keep {
        /// The cause.
        reason: String,
        /// Whether it leaves the inventory, since it is not ours any more. Otherwise it stays there, and the next run
        /// judges it again.
        leaves: bool,
    },
    /// Nothing to do: no request is sent.
    Unchanged,
    /// It leaves the inventory without a request: it is gone, or another release has it now.
    Forget {
        /// The cause.
        reason: String,
    },
    /// Unknown: nothing is done, and the run says so.
    Unknown {
        /// What is unknown.
        reason: String,
    },
    /// What is done about a hook.
    Hook(Box<HookStep>),
}

/// What happens to the objects that an object owns when it is recreated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Dependents {
    /// They go with it.
    Go,
    /// They stay, and the new object takes them over.
    Stay,
}

/// How many steps there are of each action.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// To create.
    pub create: usize,
    /// To update.
    pub update: usize,
    /// To delete and create again.
    pub recreate: usize,
    /// To delete.
    pub delete: usize,
    /// To let go.
    pub orphan: usize,
    /// Left alone.
    pub keep: usize,
    /// To drop from the inventory only.
    pub forget: usize,
    /// Without any difference.
    pub unchanged: usize,
    /// Unknown.
    pub unknown: usize,
    /// Hooks to run.
    pub run: usize,
    /// Hooks to keep for the time when their release is deleted, or no longer.
    pub note: usize,
}

impl Action {
    /// Whether an object is sent.
    pub fn is_write(&self) -> bool {
        matches!(self, Self::Create | Self::Update | Self::Recreate { .. })
    }

    /// Whether it changes anything, or might.
    pub fn is_pending(&self) -> bool {
        let rests = self.hook().is_some_and(|hook| hook.does == HookAction::Rest);
        !rests && !matches!(self, Action::Unchanged | Action::Keep { leaves: false, .. })
    }

    /// What is done about a hook, if it is about one.
    pub fn hook(&self) -> Option<&HookStep> {
        match self {
            Self::Hook(hook) => Some(hook),
            _ => None,
        }
    }

    /// The sign before an object in texts: `+`, `~`, `±`, `-`, `o`, `=`, `?` or a space.
    pub fn sign(&self) -> &'static str {
        match self {
            Self::Create => "+",
            Self::Update => "~",
            Self::Recreate { .. } => "±",
            Self::Delete => "-",
            Self::Orphan { .. } => "o",
            Self::Keep { .. } | Self::Forget { .. } => "=",
            Self::Unchanged => " ",
            Self::Unknown { .. } => "?",
            Self::Hook(hook) => match hook.does {
                HookAction::Run => ">",
                HookAction::Remove => "-",
                HookAction::Rest | HookAction::Note => "=",
            },
        }
    }

    /// The reason, unless the action says it all.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Recreate { reason, .. }
            | Self::Orphan { reason }
            | Self::Keep { reason, .. }
            | Self::Forget { reason }
            | Self::Unknown { reason } => Some(reason),
            Self::Hook(hook) => Some(&hook.reason),
            Self::Create | Self::Update | Self::Delete | Self::Unchanged => None,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hook(hook) => return write!(f, "{} hook", hook.does),
            Self::Create => "create",
            Self::Update => "update",
            Self::Recreate { .. } => "recreate",
            Self::Delete => "delete",
            Self::Orphan { .. } => "orphan",
            Self::Keep { .. } => "keep",
            Self::Unchanged => "unchanged",
            Self::Forget { .. } => "forget",
            Self::Unknown { .. } => "unknown",
        })
    }
}

impl Summary {
    /// All steps.
    pub fn total(&self) -> usize {
        self.counts().iter().map(|(_, count)| count).sum()
    }

    /// The counts with the actions' names, in the order in which they are shown.
    pub fn counts(&self) -> [(&'static str, usize); 11] {
        [
            ("create", self.create),
            ("update", self.update),
            ("recreate", self.recreate),
            ("delete", self.delete),
            ("orphan", self.orphan),
            ("keep", self.keep),
            ("forget", self.forget),
            ("unchanged", self.unchanged),
            ("unknown", self.unknown),
            ("run", self.run),
            ("note", self.note),
        ]
    }
}

impl<'a> FromIterator<&'a Action> for Summary {
    fn from_iter<I: IntoIterator<Item = &'a Action>>(actions: I) -> Self {
        let mut summary = Self::default();
        for action in actions {
            *match action {
                Action::Create => &mut summary.create,
                Action::Update => &mut summary.update,
                Action::Recreate { .. } => &mut summary.recreate,
                Action::Delete => &mut summary.delete,
                Action::Orphan { .. } => &mut summary.orphan,
                Action::Keep { .. } => &mut summary.keep,
                Action::Forget { .. } => &mut summary.forget,
                Action::Unchanged => &mut summary.unchanged,
                Action::Unknown { .. } => &mut summary.unknown,
                Action::Hook(hook) => match hook.does {
                    HookAction::Run => &mut summary.run,
                    HookAction::Note => &mut summary.note,
                    HookAction::Remove => &mut summary.delete,
                    HookAction::Rest => continue,
                },
            } += 1;
        }
        summary
    }
}

//! Decides what to do: pure functions of what is wanted and what was found.
//!
//! [`DesiredCopy`] is the content of a copy and [`places`] are its namespaces. [`step`] takes a target one step nearer
//! to it and is called again with the result. [`TargetOutcome`] and [`status`] describe how it ended, and [`pause`]
//! says when to look again.

mod backoff;
mod cleanup;
mod conditions;
mod content;
#[cfg(test)]
mod laws;
mod outcome;
mod owners;
mod places;
mod refusal;
mod selector;
mod target;

pub use self::backoff::{jittered, pause};
pub use self::cleanup::{CleanupMode, Rest, cleanup_mode, rest};
pub use self::conditions::{VisitStop, VisitView, status};
pub use self::content::{CopyOwner, DesiredCopy, Difference, target_name};
pub use self::outcome::{Tally, TargetOutcome, tally};
pub use self::owners::{Holder, holder, is_copy, is_ours, owner_of, uid_of};
pub use self::places::{Namespace, TargetPlace, leaving, place_of, places, source};
pub use self::refusal::{ServerRefusal, refusal};
pub use self::selector::{KeyPattern, selects};
pub use self::target::{TargetRules, TargetState, TargetStep, step};

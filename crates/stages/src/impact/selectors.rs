//! Objects that select others by label, and whose selection changes.

use super::{Consequence, StepChange};
use crate::diff::brief;
use crate::plan::Action;
use weft_base::value::Value;

/// Where objects say which others they are about.
const SELECTORS: [&[&str]; 3] = [&["spec", "selector"], &["spec", "podSelector"], &["spec", "namespaceSelector"]];

/// The selector of an object that changes.
pub(super) fn changed(change: &StepChange) -> Option<Consequence> {
    if !matches!(change.step.action, Action::Update | Action::Recreate { .. }) {
        return None;
    }
    let before = change.before?;
    let after = change.after?;
    if selects_its_own_pods(change, after) {
        return None;
    }
    // A Service without a selector is about endpoints that somebody else writes.
    let said = |it: Option<&Value>| it.map_or_else(|| "(none)".to_owned(), |it| brief(it, usize::MAX));
    SELECTORS.iter().find_map(|path| {
        let from = before.dig(path);
        let to = after.dig(path);
        let differs = from != to && (from.is_some() || to.is_some());
        differs.then(|| Consequence::Selector { field: path.join("."), from: said(from), to: said(to) })
    })
}

/// The server gives a Job a selector of its own pods, unless `manualSelector` says that the manifest has one.
fn selects_its_own_pods(change: &StepChange, after: &Value) -> bool {
    let is_manual = after.dig(&["spec", "manualSelector"]).and_then(Value::as_bool) == Some(true);
    change.kind() == "Job.batch" && !is_manual
}

//! The ignore rules of a run, and those that were of no use.

use std::sync::Arc;

use super::{Project, Settings, State};
use crate::cluster::Unread;
use crate::diff::Rules;
use crate::manifest::Object;

/// The rules of a run. Autoscalers of releases that it is not about are known from their inventories.
pub(super) fn rules(project: &Project, settings: &Settings, objects: &[Arc<Object>], state: &State) -> Rules {
    let others = state.held(|name| !project.is_selected(settings, name));
    let applied = others.iter().filter_map(|(id, held)| Some((id, &*held.recorded.as_ref()?.applied)));
    Rules::of(&project.environment, objects.iter().map(|object| &**object), applied)
}

/// What to say about rules that led to nothing, where everything was looked at.
pub(super) fn unused(rules: &Rules, settings: &Settings, objects: usize, unread: &Unread) -> Vec<String> {
    if !settings.selection.is_all() || objects == 0 || !unread.reasons.is_empty() {
        return Vec::new();
    }
    let said =
        |(about, origin)| format!("The ignore rule {about} was not used: no object has such a field.\n --> {origin}");
    rules.unused().map(said).collect()
}

//! Which changes are not shown.

use super::targets::targets;
use super::{Rule, Rules};
use crate::diff::{Class, FieldChange};
use crate::manifest::Object;
use crate::project::Meaning;
use crate::value::{Part, Value};

/// Marks the changes that rules hide. Where others are left, so that the object is applied, those that take a field from
/// somebody are shown after all: a plan names all that is taken.
pub fn hide(rules: &Rules, object: &Object, fields: &mut [FieldChange]) {
    let rules = rules.about(object, Meaning::Hide);
    let reason = |change: &FieldChange| rules.iter().find(|rule| rule.hides(change)).map(|rule| rule.reason.clone());
    let hidden: Vec<Option<String>> = fields.iter().map(reason).collect();
    let applied = fields.iter().zip(&hidden).any(|(change, hidden)| hidden.is_none() && change.class != Class::Met);
    for (change, hidden) in fields.iter_mut().zip(hidden) {
        let taken = change.changes() && change.desired.value().is_some() && !change.writers.is_empty();
        if let Some(reason) = hidden.filter(|_| !(applied && taken)) {
            change.class = Class::Ignored(reason);
            change.drifted = false;
        }
    }
}

impl Rule<'_> {
    fn hides(&self, change: &FieldChange) -> bool {
        let meant = self.is_of(change.writers.iter().map(|it| it.manager.as_str()));
        meant
            && (self.paths.is_empty()
                || self.paths.iter().any(|it| it.covers(&change.path) || within(it.parts(), change)))
    }
}

/// Whether a list or map that is replaced as a whole differs only in what a pattern leads to within it.
fn within(parts: &[Part], change: &FieldChange) -> bool {
    let steps = &change.path.0;
    let (Some(live), Some(desired)) = (&change.live, change.desired.value()) else { return false };
    let leads = parts.len() > steps.len() && parts.iter().zip(steps).all(|(part, step)| part.fits(step));
    leads && same_but_for(&parts[steps.len()..], live, desired)
}

fn same_but_for(parts: &[Part], live: &Value, desired: &Value) -> bool {
    let mut like_live = desired.clone();
    for target in targets(parts, desired, live, None) {
        let Some(value) = target.live else { return false };
        super::edit::replace(&mut like_live, &target.path, value.clone());
    }
    like_live == *live
}

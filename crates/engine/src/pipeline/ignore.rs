//! The ignore rules of a run, those that do not hold any more, and those that were of no use.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::{Project, Settings, State};
use crate::cluster::Unread;
use weft_stages::diff::Rules;
use weft_stages::manifest::Object;
use weft_stages::project::{Environment, IgnoreRule};

/// Today, in UTC.
pub(super) fn today() -> Date {
    Timestamp::now().to_zoned(TimeZone::UTC).date()
}

/// The rules of a run. Autoscalers of releases that it is not about are known from their inventories.
pub(super) fn rules(project: &Project, objects: &[Arc<Object>], state: &State) -> Rules {
    let elsewhere = state.outlines.values().flat_map(|it| it.scaled.clone()).collect();
    let holding = holding(&project.environment, today());
    Rules::of(&holding, objects.iter().map(|object| &**object), elsewhere)
}

/// The environment without the rules that are over.
fn holding(environment: &Environment, today: Date) -> Environment {
    let mut holding = environment.clone();
    holding.ignore.retain(|rule| !rule.is_over(today));
    holding.releases.iter_mut().for_each(|release| release.ignore.retain(|rule| !rule.is_over(today)));
    holding
}

/// What to say about rules that do not hold any more.
pub(super) fn over(environment: &Environment, today: Date) -> Vec<String> {
    let of_releases = environment.releases.iter().flat_map(|release| &release.ignore);
    let all = environment.ignore.iter().chain(of_releases);
    let said = |rule: &IgnoreRule| {
        let until = rule.until.map(|it| it.to_string()).unwrap_or_default();
        format!(
            "An ignore rule held until {until}, and is ignored itself since then ({}).\n --> {}",
            rule.reason, rule.origin
        )
    };
    all.filter(|rule| rule.is_over(today)).map(said).collect()
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

//! The impact of a plan, as lines and as JSON.

use serde_json::{Map, Value as Json, json};

use super::json::id;
use super::{Purpose, Report};
use crate::impact::{Capacity, Consequence, Effect, Impact, impact};

/// What the plan of a report comes to; nothing for one that is not about an apply to come.
pub(super) fn to_show(report: &Report) -> Impact {
    if report.purpose == Purpose::Plan { impact(&report.plan) } else { Impact::default() }
}

/// A line for each effect, and one for what is asked for: `Deployment.apps apps/web: 3 pods restart: ...`.
pub(super) fn lines(impact: &Impact) -> Vec<String> {
    let effects = impact.effects.iter().map(|it| format!("{}: {}", it.object, it.what));
    let capacity = (!impact.capacity.is_none()).then(|| format!("capacity: {}", impact.capacity.words()));
    effects.chain(capacity).collect()
}

/// The same for machines.
pub fn json_of_impact(impact: &Impact) -> Json {
    json!({
        "effects": impact.effects.iter().map(effect).collect::<Json>(),
        "capacity": capacity(&impact.capacity),
    })
}

fn capacity(capacity: &Capacity) -> Json {
    capacity
        .counts()
        .into_iter()
        .map(|(name, count)| (name.to_owned(), Json::from(count)))
        .collect::<Map<_, _>>()
        .into()
}

fn effect(effect: &Effect) -> Json {
    let mut map = Map::new();
    map.insert("object".into(), id(&effect.object).into());
    map.insert("release".into(), effect.release.as_ref().into());
    map.insert("kind".into(), effect.what.name().into());
    map.insert("message".into(), effect.what.to_string().into());
    let facts = match &effect.what {
        Consequence::Restart { pods, fields, at_once } => json!({"pods": pods, "fields": fields, "atOnce": at_once}),
        Consequence::NoRestart { why } => json!({"why": why}),
        Consequence::Replace { why, loses } => json!({"why": why, "loses": loses}),
        Consequence::Data { loses } => json!({"loses": loses}),
        Consequence::Rights { gives } => json!({"gives": gives}),
        Consequence::Selector { field, from, to } => json!({"field": field, "from": from, "to": to}),
    };
    map.insert("facts".into(), facts);
    map.into()
}

//! Objects that say by conditions how they are.

use super::{Health, integer, items, text};
use weft_base::value::Value;

/// One condition: its type, and what it says.
pub(super) struct Condition<'v> {
    pub kind: &'v str,
    pub status: &'v str,
    pub reason: &'v str,
    pub message: &'v str,
}

impl Condition<'_> {
    /// `Reason: message`, or as much of it as there is.
    pub(super) fn said(&self) -> String {
        match (self.reason, self.message.trim()) {
            ("", "") => format!("its condition {} is {}", self.kind, self.status),
            ("", message) => message.to_owned(),
            (reason, "") => format!("{}={}, {reason}", self.kind, self.status),
            (reason, message) => format!("{reason}: {message}"),
        }
    }
}

/// The condition of a type, if the object has it and it speaks of the newest version.
pub(super) fn condition<'v>(object: &'v Value, kind: &str) -> Option<Condition<'v>> {
    let found = items(object, &["status", "conditions"]).iter().find(|it| text(it, &["type"]) == kind)?;
    let newest = integer(object, &["metadata", "generation"]);
    let stale = integer(found, &["observedGeneration"]);
    let seen = "waits for its controller";
    if let (Some(newest), Some(at)) = (newest, stale)
        && at < newest
    {
        return Some(Condition { kind: text(found, &["type"]), status: "Unknown", reason: "", message: seen });
    }
    Some(Condition {
        kind: text(found, &["type"]),
        status: text(found, &["status"]),
        reason: text(found, &["reason"]),
        message: text(found, &["message"]),
    })
}

fn is(object: &Value, kind: &str, status: &str) -> bool {
    condition(object, kind).is_some_and(|it| it.status == status)
}

/// The two conditions that mean the same wherever they are: `Stalled` and `Reconciling` (kstatus).
pub(super) fn standard(object: &Value) -> Option<Health> {
    let holds = |kind: &str| condition(object, kind).filter(|it| it.status == "True").map(|it| it.said());
    holds("Stalled").map(Health::Failed).or_else(|| holds("Reconciling").map(Health::InProgress))
}

/// Any kind, by the conditions that are in use: `Ready`, and the triple `Available`, `Progressing`, `Degraded` of
/// operators. An object without any of them is as it should be.
pub(super) fn generic(object: &Value) -> Health {
    let said = |kind: &str| condition(object, kind).map(|it| it.said()).unwrap_or_default();
    if let Some(ready) = condition(object, "Ready") {
        return if ready.status == "True" { Health::Current } else { Health::InProgress(ready.said()) };
    }
    match condition(object, "Available") {
        Some(_) if is(object, "Degraded", "True") => Health::Failed(said("Degraded")),
        Some(_) if is(object, "Progressing", "True") => Health::InProgress(said("Progressing")),
        Some(available) if available.status != "True" => Health::InProgress(available.said()),
        _ => Health::Current,
    }
}

/// A definition of a kind has to be established, with a structural schema.
pub(super) fn definition(object: &Value) -> Health {
    if let Some(wrong) = condition(object, "NonStructuralSchema").filter(|it| it.status == "True") {
        return Health::Failed(wrong.said());
    }
    match (condition(object, "NamesAccepted"), condition(object, "Established")) {
        (Some(names), _) if names.status == "False" => Health::Failed(names.said()),
        (_, Some(established)) if established.status == "True" => Health::Current,
        (_, Some(established)) => Health::InProgress(established.said()),
        (_, None) => Health::InProgress("it is not established yet".into()),
    }
}

/// An aggregated API has to be available.
pub(super) fn api_service(object: &Value) -> Health {
    match condition(object, "Available") {
        Some(available) if available.status == "True" => Health::Current,
        Some(available) => Health::InProgress(available.said()),
        None => Health::InProgress("it is not available yet".into()),
    }
}

/// A disruption budget has nothing to become.
pub(super) fn disruption_budget(_: &Value) -> Health {
    Health::Current
}

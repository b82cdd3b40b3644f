//! Objects that controllers make Secrets of: those of external-secrets.io, and sealed ones.
//!
//! A new object has no status until its controller has looked at it; by the general rule it would be taken for one that
//! is as it should be.

use super::conditions::condition;
use super::{Health, UNSEEN, integer, text};
use weft_base::value::Value;

/// A sealed Secret must have been opened. It has failed otherwise: its controller tries a few times, and then waits for
/// another version. One that runs with `--update-status=false` never says how it went.
pub(super) fn sealed(object: &Value) -> Health {
    match condition(object, "Synced") {
        Some(synced) if synced.status == "True" => Health::Current,
        Some(synced) if synced.status == "False" => Health::Failed(synced.said()),
        Some(synced) => Health::InProgress(synced.said()),
        None => Health::InProgress(format!("{UNSEEN}, or runs with `--update-status=false`")),
    }
}

/// The newest version of an `ExternalSecret` or a `PushSecret` must have been copied. An error is tried again until it
/// goes away, as when a store or the value comes later.
pub(super) fn synced(object: &Value) -> Health {
    match stale(object) {
        Some(missing) => Health::InProgress(missing),
        None => ready(object),
    }
}

/// Any other object of external-secrets.io must be ready: a store can be used, all namespaces have their copy.
pub(super) fn ready(object: &Value) -> Health {
    match condition(object, "Ready") {
        Some(ready) if ready.status == "True" => Health::Current,
        Some(ready) => Health::InProgress(ready.said()),
        None => Health::InProgress(UNSEEN.to_owned()),
    }
}

/// What is missing where an older version was copied last: `syncedResourceVersion` begins with the generation. One that
/// is copied but once is left as it is by its controller.
fn stale(object: &Value) -> Option<String> {
    let interval = text(object, &["spec", "refreshInterval"]);
    let never = !interval.is_empty() && !interval.contains(|c: char| ('1'..='9').contains(&c));
    if never || text(object, &["spec", "refreshPolicy"]) == "CreatedOnce" {
        return None;
    }
    let newest = integer(object, &["metadata", "generation"])?;
    let (copied, _) = text(object, &["status", "syncedResourceVersion"]).split_once('-')?;
    let copied: i64 = copied.parse().ok()?;
    // What went wrong with the newest version says more.
    let failed = condition(object, "Ready").is_some_and(|it| it.status == "False");
    (copied < newest && !failed).then(|| format!("its controller has copied generation {copied} of {newest}"))
}

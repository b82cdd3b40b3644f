//! Keeping secrets out of what a comparison holds: first masks, then fingerprints.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::places::{below, items, position};
use super::record::recorded_digest;
use super::{After, LiveObject, ObjectComparison, Recorded, canonical};
use weft_base::masked::{FingerprintKey, Redactor, Sketch};
use weft_base::value::{Data, Entry, Map, Path, Step, Value};
use weft_schema::{Gvk, Type, builtin_schemas};

/// A value that is shown, on one line: JSON without spaces, and a sketch as it is. What is longer than so many characters
/// is cut.
pub fn brief(value: &Value, width: usize) -> String {
    let text = match value.as_str() {
        Some(sketch) if Sketch::is_one(sketch) => sketch.to_owned(),
        // Values hold nothing that JSON cannot.
        _ => serde_json::to_string(value).unwrap_or_default(),
    };
    match text.char_indices().nth(width) {
        Some(_) => text.chars().take(width.saturating_sub(1)).chain(['…']).collect(),
        None => text,
    }
}

/// Masks in `target` what is secret in `pattern`: a desired object, or a recorded one with its digests. Where a list
/// cannot be matched item by item, all of it is masked.
pub fn mask_like(target: &mut Value, pattern: &Value, shape: Option<Type<'_>>) {
    if !holds_secret(pattern) {
        return;
    }
    match (&mut target.data, &pattern.data) {
        (Data::Map(map), Data::Map(wanted)) => {
            for entry in wanted {
                if let Some(value) = map.get_mut(&entry.key) {
                    mask_like(value, &entry.value, shape.and_then(|it| it.map()?.field(&entry.key)));
                }
            }
        }
        (Data::List(list), Data::List(wanted)) => mask_items(list, wanted, shape),
        _ => *target = std::mem::take(target).masked(),
    }
}

fn mask_items(list: &mut [Value], wanted: &[Value], shape: Option<Type<'_>>) {
    let Some(wanted) = items(wanted, shape) else {
        return list.iter_mut().for_each(|item| *item = std::mem::take(item).masked());
    };
    for (step, pattern) in wanted {
        if let Some(item) = position(list, &step, shape).and_then(|at| list.get_mut(at)) {
            mask_like(item, pattern, below(shape, &step));
        }
    }
}

/// The shape of a live object's kind where that is built in, for those who do not ask the server.
pub fn shipped(live: &LiveObject) -> Option<Type<'static>> {
    let version = live.body.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
    builtin_schemas().of(&Gvk::new(version, &live.id.kind.kind))
}

/// Masks in a live object what was secret when it was applied, for those who do not render.
pub fn mask_recorded(live: &mut LiveObject, recorded: &Recorded) {
    let shape = shipped(live);
    mask_like(&mut live.body, &recorded.applied, shape);
}

/// Takes known secrets out of what a comparison shows of the server: others may have copied them to any place. What
/// identifies an object stays as it is.
pub fn redact(comparison: &mut ObjectComparison, redactor: &Redactor) {
    if let Some(live) = &mut comparison.live {
        redact_body(&mut Arc::make_mut(live).body, redactor);
    }
    if let Some(after) = &mut comparison.after {
        redact_body(Arc::make_mut(after), redactor);
    }
    for change in &mut comparison.fields {
        let after = match &mut change.desired {
            After::Value(value) => Some(value),
            After::Nothing | After::Server => None,
        };
        change.live.iter_mut().chain(after).for_each(|value| redactor.redact_value(value));
    }
}

fn redact_body(body: &mut Value, redactor: &Redactor) {
    let parts = body.as_map_mut().into_iter().flat_map(Map::iter_mut);
    for part in parts {
        match part.key.as_str() {
            "apiVersion" | "kind" => {}
            "metadata" => {
                for key in ["annotations", "labels"] {
                    if let Some(map) = part.value.as_map_mut().and_then(|metadata| metadata.get_mut(key)) {
                        redactor.redact_value(map);
                    }
                }
            }
            _ => redactor.redact_value(&mut part.value),
        }
    }
}

/// Whether a leaf is secret, or the recorded digest of a secret.
pub fn holds_secret(value: &Value) -> bool {
    match &value.data {
        Data::Masked(_) => true,
        Data::List(items) => items.iter().any(holds_secret),
        Data::Map(map) => map.iter().any(|entry| holds_secret(&entry.value)),
        _ => recorded_digest(value).is_some(),
    }
}

/// The object as it may be shown and kept: in place of each secret, and of each recorded digest of one, stands its
/// [`Sketch`]. Any other value may be given as well.
pub fn shown(object: &Value, key: &FingerprintKey) -> Value {
    let Data::Map(map) = &object.data else { return sketched(object, false, key) };
    let secret = is_secret(object);
    let entry = |e: &Entry| {
        let value = sketched(&e.value, secret && e.key == "data", key);
        Entry { key: e.key.clone(), mark: e.mark, value }
    };
    Value { data: Data::Map(map.iter().map(entry).collect()), origin: object.origin.clone() }
}

/// The same of a value that stands at a path of an object.
pub fn shown_at(object: &Value, path: &Path, value: &Value, key: &FingerprintKey) -> Value {
    let data = matches!(path.0.first(), Some(Step::Field(field)) if field == "data");
    if path.0.is_empty() { shown(value, key) } else { sketched(value, data && is_secret(object), key) }
}

/// Whether the data of an object is in base64.
fn is_secret(object: &Value) -> bool {
    let text = |key: &str| object.get(key).and_then(Value::as_str);
    text("kind") == Some("Secret") && text("apiVersion") == Some("v1")
}

fn sketched(value: &Value, encoded: bool, key: &FingerprintKey) -> Value {
    let data = match &value.data {
        Data::Masked(secret) => {
            Data::Text(sketch(secret.expose(), encoded, &canonical::secret_digest(value, key)).to_string())
        }
        Data::List(items) => Data::List(items.iter().map(|item| sketched(item, encoded, key)).collect()),
        Data::Map(map) => Data::Map(
            map.iter()
                .map(|e| Entry { key: e.key.clone(), mark: e.mark, value: sketched(&e.value, encoded, key) })
                .collect(),
        ),
        leaf => match recorded_digest(value) {
            Some(digest) => Data::Text(Sketch::of_digest(digest).to_string()),
            None => leaf.clone(),
        },
    };
    Value { data, origin: value.origin.clone() }
}

fn sketch(secret: &Data, encoded: bool, digest: &str) -> Sketch {
    match secret {
        Data::Text(text) => {
            let decoded = encoded.then(|| STANDARD.decode(text).ok().map(Zeroizing::new)).flatten();
            Sketch::of_bytes(digest, decoded.as_ref().map_or(text.as_bytes(), |bytes| bytes))
        }
        Data::Bool(_) => Sketch::of_scalar(digest, "boolean"),
        _ => Sketch::of_scalar(digest, "number"),
    }
}

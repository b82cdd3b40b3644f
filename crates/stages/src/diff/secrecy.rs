//! Keeping secrets out of what a comparison holds: first masks, then fingerprints.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::places::{below, items, position};
use super::record::recorded_digest;
use super::{After, LiveObject, ObjectComparison, Recorded, canonical};
use weft_base::masked::{FingerprintKey, Redactor, Sketch};
use weft_base::value::{Data, Entry, Key, Map, Path, Step, Value};
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
/// [`Sketch`], which is one of this object and this place alone. Any other value may be given as well.
pub fn shown(object: &Value, key: &FingerprintKey) -> Value {
    shown_as(object, object, key)
}

/// The same of another state of `object`, which may have another name: equal secrets of both have equal sketches.
pub fn shown_as(object: &Value, other: &Value, key: &FingerprintKey) -> Value {
    Sketches::new(object, key).shown(other, &Trail::Root(String::new()))
}

/// The same of a value that stands at a path of an object.
pub fn shown_at(object: &Value, path: &Path, value: &Value, key: &FingerprintKey) -> Value {
    let start = path.0.iter().fold(String::new(), |path, step| path + "/" + &step_label(step));
    Sketches::new(object, key).shown(value, &Trail::Root(start))
}

/// The sketches of an object's secrets.
struct Sketches<'k> {
    key: &'k FingerprintKey,
    /// The object, in words.
    object: String,
    /// Whether it is a Secret, whose data is in base64.
    is_secret: bool,
}

/// The way to a node of an object. Most nodes are no secret, and need no path in words.
enum Trail<'t> {
    Root(String),
    Key(&'t Trail<'t>, &'t str),
    Item(&'t Trail<'t>, usize, &'t Value),
}

impl Trail<'_> {
    fn path(&self) -> String {
        match self {
            Self::Root(path) => path.clone(),
            Self::Key(above, key) => above.path() + "/" + key,
            Self::Item(above, at, item) => above.path() + "/" + &item_label(*at, item),
        }
    }
}

impl<'k> Sketches<'k> {
    fn new(object: &Value, key: &'k FingerprintKey) -> Self {
        let text = |keys: &[&str]| object.dig(keys).and_then(Value::as_str).unwrap_or_default();
        let kind = Gvk::new(text(&["apiVersion"]), text(&["kind"])).group_kind();
        let object_name = format!("{kind} {}/{}", text(&["metadata", "namespace"]), text(&["metadata", "name"]));
        Self { key, object: object_name, is_secret: is_secret(object) }
    }

    fn shown(&self, value: &Value, trail: &Trail) -> Value {
        let data = match &value.data {
            Data::Masked(secret) => {
                let path = trail.path();
                let digest = self.key.digest_at(&self.object, &path, &canonical::secret_digest(value, self.key));
                let is_encoded = self.is_secret && path.starts_with("/data/");
                Data::Text(sketch(secret.expose(), is_encoded, &digest).to_string())
            }
            Data::List(items) => {
                let items = items.iter().enumerate();
                Data::List(items.map(|(at, item)| self.shown(item, &Trail::Item(trail, at, item))).collect())
            }
            Data::Map(map) => {
                let entry = |e: &Entry| {
                    let value = self.shown(&e.value, &Trail::Key(trail, &e.key));
                    Entry { key: e.key.clone(), mark: e.mark, value }
                };
                Data::Map(map.iter().map(entry).collect())
            }
            leaf => match recorded_digest(value) {
                Some(digest) => {
                    let digest = self.key.digest_at(&self.object, &trail.path(), digest);
                    Data::Text(Sketch::of_digest(&digest).to_string())
                }
                None => leaf.clone(),
            },
        };
        Value { data, origin: value.origin.clone() }
    }
}

/// An item keeps its label where others come before it, if it has a name.
fn item_label(at: usize, item: &Value) -> String {
    item.get("name").and_then(Value::as_str).map_or_else(|| at.to_string(), str::to_owned)
}

fn step_label(step: &Step) -> String {
    let name = |fields: &[(Key, Value)]| {
        let name = fields.iter().find(|(key, _)| key.as_str() == "name")?;
        name.1.as_str().map(str::to_owned)
    };
    match step {
        Step::Field(key) => key.to_string(),
        Step::Index(at) => at.to_string(),
        Step::Item(fields) => name(fields).unwrap_or_else(|| Path(vec![step.clone()]).to_string()),
        Step::Member(_) => Path(vec![step.clone()]).to_string(),
    }
}

/// Whether the data of an object is in base64.
fn is_secret(object: &Value) -> bool {
    let text = |key: &str| object.get(key).and_then(Value::as_str);
    text("kind") == Some("Secret") && text("apiVersion") == Some("v1")
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

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(name: &str, data: &[(&str, &str)]) -> Value {
        let mut value: Value =
            serde_json::from_str(&format!(r#"{{"apiVersion":"v1","kind":"Secret","metadata":{{"name":"{name}"}}}}"#))
                .unwrap();
        let data: Map = data.iter().map(|(key, text)| (*key, Value::from(STANDARD.encode(text)).masked())).collect();
        value.as_map_mut().unwrap().insert("data", data);
        value
    }

    #[test]
    fn a_guess_beside_a_secret_does_not_look_like_it() {
        let key = FingerprintKey::new([7; 32]);
        let sketch = |object: &Value, field: &str| shown(object, &key).dig(&["data", field]).unwrap().clone();
        let real = secret("app", &[("password", "hunter2"), ("guess", "hunter2")]);
        let other = secret("guesses", &[("password", "hunter2")]);
        let password = sketch(&real, "password");
        assert_ne!(password, sketch(&real, "guess"));
        assert_ne!(password, sketch(&other, "password"));
        assert_eq!(password, sketch(&secret("app", &[("password", "hunter2")]), "password"));
        assert_ne!(password, sketch(&secret("app", &[("password", "hunter3")]), "password"));
        let path = Path::of_fields(["data", "password"]);
        assert_eq!(password, shown_at(&real, &path, path.resolve(&real).unwrap(), &key));
        assert_eq!(
            password,
            shown_as(&real, &secret("renamed", &[("password", "hunter2")]), &key)
                .dig(&["data", "password"])
                .unwrap()
                .clone()
        );
    }
}

//! Whether the server's form of a value is the one that we wrote, although it may look different.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::canonical;
use super::places::{below, is_associative, is_whole_map, items};
use super::record::recorded_digest;
use weft_base::masked::FingerprintKey;
use weft_base::value::{Data, Entry, Map, Step, Value};
use weft_schema::{MapType, Scalar, Type, Zero, rows};

/// What the server fills in below lists and maps that an apply replaces as a whole: where a key is missing, this value
/// (k8s.io/kubernetes pkg/apis/*/*/defaults.go).
static FILLED: LazyLock<Vec<(&str, Value)>> = LazyLock::new(|| {
    let read = |[key, value]: [&'static str; 2]| Some((key, serde_json::from_str(value).ok()?));
    rows::<2>(include_str!("filled.tsv")).filter_map(read).collect()
});

/// Compares what is live with what was written, or recorded when it was written.
#[derive(Clone, Copy)]
pub struct Equivalence<'a> {
    /// For secrets, of which the record has digests.
    pub key: &'a FingerprintKey,
    /// Whether the kind is built in: its values go through typed fields, which print quantities and bytes in their own
    /// way and leave zero values out. A custom resource keeps what was written.
    pub builtin: bool,
}

impl Equivalence<'_> {
    /// Whether `live` is what a field that we still own is if `wanted` was written there. Items of associative lists
    /// may stand among those of others, in the same order; below a list or map that an apply replaces as a whole,
    /// there is only what was written and what the schema or the server fills in.
    pub fn holds(&self, shape: Option<Type<'_>>, live: Option<&Value>, wanted: &Value) -> bool {
        match live {
            Some(live) => self.compare(shape, live, wanted, false),
            None => self.builtin && is_zero(wanted),
        }
    }

    /// `whole` says that this is part of what an apply replaces.
    fn compare(&self, shape: Option<Type<'_>>, live: &Value, wanted: &Value, whole: bool) -> bool {
        match (&live.data, &wanted.data) {
            (Data::Map(live), Data::Map(wanted)) => self.maps(shape, live, wanted, whole || is_whole_map(shape)),
            (Data::List(live), Data::List(wanted)) => self.lists(shape, live, wanted, whole),
            _ => self.leaves(shape, live, wanted),
        }
    }

    fn maps(&self, shape: Option<Type<'_>>, live: &Map, wanted: &Map, whole: bool) -> bool {
        let map = shape.and_then(Type::map);
        let same = |key: &str, value: &Value| match live.get(key) {
            None => is_left_out(map, key, value),
            Some(live) if live.is_null() && is_shown(map, key, value) => true,
            Some(live) => self.compare(map.and_then(|map| map.field(key)), live, value, whole),
        };
        let known = |entry: &Entry| wanted.contains(&entry.key) || self.fills_in(map, &entry.key, &entry.value, wanted);
        (!whole || live.iter().all(known)) && wanted.iter().all(|entry| same(&entry.key, &entry.value))
    }

    /// Whether the server adds a key with this value to what it replaced as a whole. `beside` is what was written there.
    fn fills_in(&self, map: Option<MapType<'_>>, key: &str, value: &Value, beside: &Map) -> bool {
        let Some(map) = map.filter(|map| map.declares(key)) else { return false };
        let constant =
            || FILLED.iter().any(|(name, filled)| *name == key && (filled == value || taken(filled, value, beside)));
        map.default(key) == Some(value) || is_shown(Some(map), key, value) || self.builtin && constant()
    }

    fn lists(&self, shape: Option<Type<'_>>, live: &[Value], wanted: &[Value], whole: bool) -> bool {
        let is_whole = whole || !is_associative(shape);
        // Items of which two have the same key can only be told apart by their places.
        let keyed = if is_whole { None } else { items(live, shape).zip(items(wanted, shape)) };
        let Some((live, wanted)) = keyed else {
            let item = shape.and_then(Type::list).map(|list| list.item);
            let same = |(live, wanted)| self.compare(item, live, wanted, true);
            return live.len() == wanted.len() && live.iter().zip(wanted).all(same);
        };
        let place = |step: &Step| live.iter().position(|(other, _)| other == step);
        let places: Option<Vec<usize>> = wanted.iter().map(|(step, _)| place(step)).collect();
        places.is_some_and(|places| {
            let same = |(at, (step, wanted)): (&usize, &(Step, &Value))| {
                self.compare(below(shape, step), live[*at].1, wanted, false)
            };
            places.is_sorted() && places.iter().zip(&wanted).all(same)
        })
    }

    fn leaves(&self, shape: Option<Type<'_>>, live: &Value, wanted: &Value) -> bool {
        if live == wanted {
            return true;
        }
        if let Some(digest) = recorded_digest(wanted) {
            return digest == canonical::secret_digest(live, self.key);
        }
        match shape.and_then(Type::scalar).filter(|_| self.builtin) {
            Some(Scalar::Quantity) => live.as_str().is_some_and(|live| stored(wanted).as_deref() == Some(live)),
            Some(Scalar::Bytes) => {
                let bytes = |value: &Value| decode(value.as_str()?);
                bytes(wanted).is_some_and(|wanted| live.as_str() == Some(&STANDARD.encode(wanted)))
            }
            _ => false,
        }
    }
}

/// Whether each entry of a map that was filled in is the one of the fields beside it that the table names.
fn taken(from: &Value, value: &Value, beside: &Map) -> bool {
    let (Some(from), Some(value)) = (from.as_list(), value.as_map()) else { return false };
    let sources = || from.iter().filter_map(|name| beside.get(name.as_str()?)?.as_map());
    let is_one =
        |entry: &Entry| sources().any(|map| map.get(&entry.key).and_then(stored).as_deref() == entry.value.as_str());
    value.iter().all(is_one)
}

/// Whether the server stores nothing of a value that is written to a field.
pub fn is_left_out(map: Option<MapType<'_>>, key: &str, value: &Value) -> bool {
    map.is_some_and(|map| {
        (map.zero(key) == Zero::Dropped && is_empty(value)) || (value.is_null() && map.drops_null(key))
    })
}

/// Whether a value is what the server shows of a field that nobody set.
fn is_shown(map: Option<MapType<'_>>, key: &str, value: &Value) -> bool {
    map.is_some_and(|map| map.zero(key) == Zero::Shown) && (is_empty(value) || value.as_str() == Some("0"))
}

/// Whether it is a zero value of Go.
pub fn is_empty(value: &Value) -> bool {
    match &value.data {
        Data::Null | Data::Bool(false) | Data::Int(0) => true,
        Data::Float(it) => *it == 0.0,
        Data::Text(text) => text.is_empty(),
        Data::List(items) => items.is_empty(),
        Data::Map(map) => map.is_empty(),
        _ => false,
    }
}

/// Whether the server leaves the value out: it is what a field is that nobody set.
pub fn is_zero(value: &Value) -> bool {
    match &value.data {
        Data::Map(map) => map.iter().all(|entry| is_zero(&entry.value)),
        _ => is_empty(value),
    }
}

/// The text in which the server stores a quantity, which may be written as a number.
pub fn stored(quantity: &Value) -> Option<String> {
    match &quantity.data {
        Data::Text(text) => weft_schema::quantity::stored(text.trim()),
        Data::Int(_) | Data::Uint(_) | Data::Float(_) => {
            weft_schema::quantity::stored(&serde_json::to_string(quantity).ok()?)
        }
        _ => None,
    }
}

/// Bytes from base64, in which Go skips line breaks.
fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text.replace(['\r', '\n'], "")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_schema::{Gvk, Schemas, builtin_schemas};

    const CRD: &str = r#"{"spec": {"group": "g.example.com", "names": {"kind": "Loom"}, "versions": [{"name": "v1",
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object", "properties": {
            "size": {"x-kubernetes-int-or-string": true}, "blob": {"type": "string", "format": "byte"},
            "rods": {"type": "array", "items": {"type": "object", "properties": {
                "name": {"type": "string"}, "side": {"type": "string", "default": "left"}}}}}}}}}}]}}"#;

    fn json(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    fn holds(schemas: &Schemas, kind: (&str, &str), live: &str, wanted: &str) -> bool {
        let key = FingerprintKey::new([7; 32]);
        let gvk = Gvk::new(kind.0, kind.1);
        let builtin = weft_schema::is_builtin_group(&gvk.group);
        let shape = schemas.of(&gvk);
        assert!(shape.is_some());
        Equivalence { key: &key, builtin }.holds(shape, Some(&json(live)), &json(wanted))
    }

    /// Each row: the kind, what is live, what was written, and whether one is the other.
    const ROWS: [(&str, &str, &str, bool); 30] = [
        // Quantities are what the server stores of them, and of no other spelling.
        (
            "LimitRange",
            r#"{"limits": [{"type": "Pod", "max": {"cpu": "1"}}]}"#,
            r#"{"limits": [{"type": "Pod", "max": {"cpu": "1000m"}}]}"#,
            true,
        ),
        ("ResourceQuota", r#"{"hard": {"cpu": "1500m"}}"#, r#"{"hard": {"cpu": 1.5}}"#, true),
        ("ResourceQuota", r#"{"hard": {"memory": "1Gi"}}"#, r#"{"hard": {"memory": "1024Mi"}}"#, true),
        ("ResourceQuota", r#"{"hard": {"memory": "1Gi"}}"#, r#"{"hard": {"memory": "1073741824"}}"#, false),
        ("ResourceQuota", r#"{"hard": {"memory": "1Gi"}}"#, r#"{"hard": {"memory": "1G"}}"#, false),
        // Zero values are left out, others are not.
        (
            "Pod",
            r#"{"containers": [{"name": "a", "env": [{"name": "E"}]}]}"#,
            r#"{"containers": [{"name": "a", "env": [{"name": "E", "value": ""}]}]}"#,
            true,
        ),
        (
            "Pod",
            r#"{"containers": [{"name": "a", "env": [{"name": "E"}]}]}"#,
            r#"{"containers": [{"name": "a", "env": [{"name": "E", "value": "x"}]}]}"#,
            false,
        ),
        ("Pod", "{}", r#"{"hostNetwork": false, "tolerations": [], "nodeSelector": {}}"#, true),
        ("Pod", "{}", r#"{"hostNetwork": true}"#, false),
        ("Pod", "{}", r#"{"dnsConfig": {"searches": []}}"#, false),
        // Numbers and texts are not each other, and a number is one number.
        (
            "Service",
            r#"{"ports": [{"port": 80, "protocol": "TCP", "targetPort": "80"}]}"#,
            r#"{"ports": [{"port": 80, "targetPort": 80}]}"#,
            false,
        ),
        (
            "Service",
            r#"{"ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}]}"#,
            r#"{"ports": [{"port": 80.0, "targetPort": 80.0}]}"#,
            true,
        ),
        // Items of others may stand between ours, ours keep their order, and none is twice.
        (
            "Pod",
            r#"{"containers": [{"name": "x"}, {"name": "a"}, {"name": "y"}, {"name": "b"}]}"#,
            r#"{"containers": [{"name": "a"}, {"name": "b"}]}"#,
            true,
        ),
        (
            "Pod",
            r#"{"containers": [{"name": "b"}, {"name": "a"}]}"#,
            r#"{"containers": [{"name": "a"}, {"name": "b"}]}"#,
            false,
        ),
        ("Pod", r#"{"containers": [{"name": "b"}]}"#, r#"{"containers": [{"name": "a"}]}"#, false),
        ("Pod", r#"{"containers": [{"name": "a"}, {"name": "a"}]}"#, r#"{"containers": [{"name": "a"}]}"#, false),
        // Items of which two have one key are compared by their places, with what the server fills in.
        (
            "Pod",
            r#"{"containers": [{"name": "a", "env": [{"name": "E"}, {"name": "E", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "0"}}}]}]}"#,
            r#"{"containers": [{"name": "a", "env": [{"name": "E", "value": ""}, {"name": "E", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}}]}]}"#,
            true,
        ),
        (
            "Pod",
            r#"{"containers": [{"name": "a", "env": [{"name": "E", "value": "1"}, {"name": "E", "value": "2"}]}]}"#,
            r#"{"containers": [{"name": "a", "env": [{"name": "E", "value": "2"}, {"name": "E", "value": "1"}]}]}"#,
            false,
        ),
        // Below what is replaced as a whole, declared fields may be defaults; items and free keys may not.
        ("Pod", r#"{"tolerations": [{"key": "a"}]}"#, r#"{"tolerations": [{"key": "a", "value": ""}]}"#, true),
        ("Pod", r#"{"tolerations": [{"key": "a", "value": "b"}]}"#, r#"{"tolerations": [{"key": "a"}]}"#, false),
        ("Pod", r#"{"tolerations": [{"key": "a"}, {"key": "b"}]}"#, r#"{"tolerations": [{"key": "a"}]}"#, false),
        (
            "Pod",
            r#"{"tolerations": [{"key": "b"}, {"key": "a"}]}"#,
            r#"{"tolerations": [{"key": "a"}, {"key": "b"}]}"#,
            false,
        ),
        ("Pod", r#"{"nodeSelector": {"a": "1", "b": "2"}}"#, r#"{"nodeSelector": {"a": "1"}}"#, false),
        (
            "StatefulSet",
            r#"{"volumeClaimTemplates": [{"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "d"}, "spec": {"accessModes": ["ReadWriteOnce"], "volumeMode": "Filesystem"}, "status": {"phase": "Pending"}}]}"#,
            r#"{"volumeClaimTemplates": [{"metadata": {"name": "d"}, "spec": {"accessModes": ["ReadWriteOnce"]}}]}"#,
            true,
        ),
        // A custom resource keeps what was written, and fills in what its schema says.
        ("Loom", r#"{"size": "1"}"#, r#"{"size": "1000m"}"#, false),
        ("Loom", r#"{"size": 1}"#, r#"{"size": "1"}"#, false),
        ("Loom", r#"{"blob": "aGk="}"#, r#"{"blob": "aG\nk="}"#, false),
        ("Loom", "{}", r#"{"size": 0}"#, false),
        ("Loom", r#"{"rods": [{"name": "a", "side": "left"}]}"#, r#"{"rods": [{"name": "a"}]}"#, true),
        ("Loom", r#"{"rods": [{"name": "a", "side": "right"}]}"#, r#"{"rods": [{"name": "a"}]}"#, false),
    ];

    #[test]
    fn specs_are_the_same_as_the_server_stores_them() {
        let mut schemas = builtin_schemas().clone();
        schemas.add_crd(&json(CRD));
        for (kind, live, wanted, expected) in ROWS {
            let version = match kind {
                "StatefulSet" => "apps/v1",
                "Loom" => "g.example.com/v1",
                _ => "v1",
            };
            let spec = |it: &str| format!(r#"{{"spec": {it}}}"#);
            assert_eq!(holds(&schemas, (version, kind), &spec(live), &spec(wanted)), expected, "{live} of {wanted}");
        }
    }

    #[test]
    fn bytes_are_the_same_in_every_spelling_of_base64() {
        let same = |live: &str, wanted: &str| {
            let data = |it: &str| format!(r#"{{"binaryData": {{"a": "{it}"}}}}"#);
            holds(builtin_schemas(), ("v1", "ConfigMap"), &data(live), &data(wanted))
        };
        assert!(same("aGVsbG8=", r"aGVs\nbG8="));
        assert!(!same("aGVsbG8=", "aGVsbG8"));
        assert!(!same("aGVsbG8=", "aGVsbG9v"));
    }
}

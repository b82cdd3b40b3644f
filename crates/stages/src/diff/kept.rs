//! Objects as they are kept where others can read along: without their secrets, which come back from elsewhere.

use super::canonical;
use super::record::{recorded_digest, without_secrets};
use weft_base::masked::FingerprintKey;
use weft_base::value::{Data, Path, Value};

/// An object without its secrets.
#[derive(Clone, Debug, PartialEq)]
pub struct Stripped {
    /// The keyed digest of the whole object, secrets included.
    pub digest: String,
    /// The object; its keyed digest stands in place of each secret.
    pub body: Value,
    /// Where its secrets were, in order.
    pub secrets: Vec<Path>,
}

/// The object without its secrets.
pub fn stripped(object: &Value, key: &FingerprintKey) -> Stripped {
    let mut secrets = Vec::new();
    find(object, &Path::root(), &mut secrets);
    Stripped { digest: canonical::digest(object, key), body: without_secrets(object, key), secrets }
}

fn find(value: &Value, at: &Path, found: &mut Vec<Path>) {
    match &value.data {
        Data::Masked(_) => found.push(at.clone()),
        Data::Map(map) => map.iter().for_each(|entry| find(&entry.value, &at.field(&entry.key), found)),
        Data::List(items) => items.iter().enumerate().for_each(|(index, item)| find(item, &at.index(index), found)),
        _ => {}
    }
}

/// Puts back the secrets that a live object still has at the same places. Returns the places of the others.
pub fn refill(body: &mut Value, secrets: &[Path], live: &Value, key: &FingerprintKey) -> Vec<Path> {
    let mut missing = Vec::new();
    for path in secrets {
        let there = path.resolve(live).filter(|it| !matches!(it.data, Data::Map(_) | Data::List(_)));
        match (path.resolve_mut(body), there) {
            (Some(leaf), Some(live)) if recorded_digest(leaf) == Some(&canonical::secret_digest(live, key)) => {
                *leaf = live.clone().masked();
            }
            _ => missing.push(path.clone()),
        }
    }
    missing
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn secrets_leave_and_come_back_where_they_are_the_same() {
        let key = FingerprintKey::new([7; 32]);
        let mut object = value(r#"{"kind": "Secret", "data": {"a": "one", "b": "two"}, "list": ["x", "three"]}"#);
        let secrets =
            [Path::of_fields(["data", "a"]), Path::of_fields(["data", "b"]), Path::of_fields(["list"]).index(1)];
        for path in &secrets {
            let leaf = path.resolve_mut(&mut object).unwrap();
            *leaf = std::mem::take(leaf).masked();
        }
        let Stripped { digest, mut body, secrets: found } = stripped(&object, &key);
        assert_eq!(found, secrets);
        assert!(!format!("{body:?}").contains("one"));
        let live = value(r#"{"data": {"a": "one", "b": "changed"}, "list": ["x", "three"]}"#);
        let missing = refill(&mut body, &found, &live, &key);
        assert_eq!(missing, [secrets[1].clone()]);
        assert!(body.dig(&["data", "a"]).unwrap().is_masked());
        *secrets[1].resolve_mut(&mut body).unwrap() = Value::from("two").masked();
        assert_eq!(body, object);
        assert_eq!(stripped(&body, &key).digest, digest);
    }
}

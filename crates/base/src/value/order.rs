//! The order in which the server sorts the steps of paths (structured-merge-diff's): numbers by value, then texts,
//! booleans, lists, maps, null.

use std::cmp::Ordering;

use super::{Data, Map, Value};

impl Eq for Data {}

impl Ord for Data {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Masked(a), Self::Masked(b)) => a.cmp(b),
            (Self::Masked(a), b) => a.order(b),
            (a, Self::Masked(b)) => b.order(a).reverse(),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::List(a), Self::List(b)) => a.cmp(b),
            (Self::Map(a), Self::Map(b)) => sorted(a).cmp(&sorted(b)),
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (Self::Uint(a), Self::Uint(b)) => a.cmp(b),
            _ => rank(self).cmp(&rank(other)).then_with(|| numbers(self, other)),
        }
    }
}

impl PartialOrd for Data {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Eq for Value {}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        self.data.cmp(&other.data)
    }
}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn rank(data: &Data) -> u8 {
    match data {
        Data::Int(_) | Data::Uint(_) | Data::Float(_) => 0,
        Data::Text(_) => 1,
        Data::Bool(_) => 2,
        Data::List(_) => 3,
        Data::Map(_) => 4,
        Data::Null | Data::Masked(_) => 5,
    }
}

/// Two numbers of different kinds, of which one is a float or too large for a sign.
fn numbers(a: &Data, b: &Data) -> Ordering {
    match (a, b) {
        (Data::Int(_), Data::Uint(_)) => Ordering::Less,
        (Data::Uint(_), Data::Int(_)) => Ordering::Greater,
        _ => float(a).partial_cmp(&float(b)).unwrap_or(Ordering::Equal),
    }
}

#[allow(clippy::cast_precision_loss, reason = "the server compares an integer with a float as floats")]
fn float(data: &Data) -> f64 {
    match data {
        Data::Int(it) => *it as f64,
        Data::Uint(it) => *it as f64,
        Data::Float(it) => *it,
        _ => 0.0,
    }
}

fn sorted(map: &Map) -> Vec<(&str, &Value)> {
    let mut entries: Vec<_> = map.iter().map(|entry| (entry.key.as_str(), &entry.value)).collect();
    entries.sort_unstable_by_key(|(key, _)| *key);
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_sort_as_the_server_sorts_them() {
        let sorted: Value = serde_json::from_str(
            r#"[-1, 1.5, 2, 18446744073709551615, "", "a", false, true, [], [1], {}, {"a": 1}, null]"#,
        )
        .unwrap();
        let sorted = sorted.as_list().unwrap();
        for (at, a) in sorted.iter().enumerate() {
            for (after, b) in sorted.iter().enumerate() {
                assert_eq!(a.cmp(b), at.cmp(&after), "{a:?} {b:?}");
            }
        }
        assert_eq!(Value::from(1.0).cmp(&Value::from(1i64)), Ordering::Equal);
    }

    #[test]
    fn a_secret_stands_where_its_value_would() {
        let secret = Value::from("b").masked();
        assert!(Value::from("a") < secret && secret < Value::from("c"));
        assert_eq!(secret.cmp(&Value::from("b").masked()), Ordering::Equal);
    }
}

//! Values to and from serde. Serialising a value masks its secrets; [`Exposed`] does not.

use std::fmt;

use ::serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use ::serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::{Data, Entry, Key, Map, Mark, Value};

/// A value as a server gets it, secrets included; see [`Value::exposed`].
pub struct Exposed<'a>(pub(super) &'a Value);

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write(&self.data, serializer, false)
    }
}

impl Serialize for Exposed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write(&self.0.data, serializer, true)
    }
}

fn write<S: Serializer>(data: &Data, serializer: S, exposed: bool) -> Result<S::Ok, S::Error> {
    match data {
        Data::Null => serializer.serialize_unit(),
        Data::Bool(it) => serializer.serialize_bool(*it),
        Data::Int(it) => serializer.serialize_i64(*it),
        Data::Uint(it) => serializer.serialize_u64(*it),
        Data::Float(it) => serializer.serialize_f64(*it),
        Data::Text(it) => serializer.serialize_str(it),
        Data::List(items) => {
            let mut seq = serializer.serialize_seq(Some(items.len()))?;
            for item in items {
                if exposed { seq.serialize_element(&item.exposed())? } else { seq.serialize_element(item)? }
            }
            seq.end()
        }
        Data::Map(map) => {
            let mut out = serializer.serialize_map(Some(map.len()))?;
            for Entry { key, value, .. } in map {
                if exposed { out.serialize_entry(key, &value.exposed())? } else { out.serialize_entry(key, value)? }
            }
            out.end()
        }
        Data::Masked(it) if exposed => write(it.expose(), serializer, true),
        Data::Masked(it) => serializer.collect_str(it),
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::default())
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        Ok(Value::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_bool<E: Error>(self, it: bool) -> Result<Value, E> {
        Ok(it.into())
    }

    fn visit_i64<E: Error>(self, it: i64) -> Result<Value, E> {
        Ok(it.into())
    }

    fn visit_u64<E: Error>(self, it: u64) -> Result<Value, E> {
        Ok(it.into())
    }

    fn visit_f64<E: Error>(self, it: f64) -> Result<Value, E> {
        Ok(it.into())
    }

    fn visit_str<E: Error>(self, it: &str) -> Result<Value, E> {
        Ok(it.into())
    }

    fn visit_string<E: Error>(self, it: String) -> Result<Value, E> {
        Ok(it.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::with_capacity(seq.size_hint().unwrap_or(0).min(1024));
        while let Some(item) = seq.next_element::<Value>()? {
            items.push(item);
        }
        items.shrink_to_fit();
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((key, value)) = access.next_entry::<Key, Value>()? {
            map.insert_entry(Entry { key, mark: Mark::default(), value });
        }
        map.shrink_to_fit();
        Ok(map.into())
    }
}

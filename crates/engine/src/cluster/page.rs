//! One page of a LIST, handed over item by item: only one object at a time is held as a value.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use weft_base::value::{Map, Value};
use weft_stages::diff::{Reader, Sent};

/// Reads a page, gives each item to `each`, and returns the token of the next page.
pub(super) fn read(body: &[u8], each: &mut dyn FnMut(Sent)) -> Result<Option<String>, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let next = Page { each }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(next.filter(|token| !token.is_empty()))
}

/// Reads a page of metadata, gives what names, labels and annotations each item has to `each`, and returns the token of the
/// next page. The rest, of which who wrote it is the most, is not looked at.
pub(super) fn read_metadata(body: &[u8], each: &mut dyn FnMut(Value)) -> Result<Option<String>, serde_json::Error> {
    #[derive(Deserialize)]
    struct MetadataList {
        metadata: Meta,
        // It may be null, but not missing: then it is no list.
        #[serde(deserialize_with = "Option::deserialize")]
        items: Option<Vec<MetadataItem>>,
    }
    #[derive(Deserialize)]
    struct MetadataItem {
        metadata: ItemMetadata,
    }
    #[derive(Deserialize)]
    struct ItemMetadata {
        name: Value,
        labels: Option<Value>,
        annotations: Option<Value>,
    }
    let MetadataList { metadata, items } = serde_json::from_slice(body)?;
    for MetadataItem { metadata: ItemMetadata { name, labels, annotations } } in items.into_iter().flatten() {
        let labels = labels.unwrap_or_default();
        let annotations = annotations.unwrap_or_default();
        let metadata = [("name", name), ("labels", labels), ("annotations", annotations)];
        each([("metadata", metadata.into_iter().collect::<Map>())].into_iter().collect::<Map>().into());
    }
    Ok(metadata.next.filter(|token| !token.is_empty()))
}

struct Page<'e> {
    each: &'e mut dyn FnMut(Sent),
}

struct Items<'e> {
    each: &'e mut dyn FnMut(Sent),
}

#[derive(Deserialize)]
struct Meta {
    #[serde(rename = "continue", default)]
    next: Option<String>,
}

impl<'de> DeserializeSeed<'de> for Page<'_> {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Page<'_> {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut next = None;
        let mut is_list = false;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "metadata" => next = map.next_value::<Meta>()?.next,
                "items" => {
                    map.next_value_seed(Items { each: &mut *self.each })?;
                    is_list = true;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        if is_list { Ok(next) } else { Err(A::Error::custom("it has no items")) }
    }
}

impl<'de> DeserializeSeed<'de> for Items<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Items<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("items")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let mut reader = Reader::default();
        while let Some(item) = items.next_element_seed(&mut reader)? {
            (self.each)(item);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_handed_over_and_the_next_page_is_named() {
        let mut names = Vec::new();
        let mut each = |item: Sent| names.push(item.body.get("a").and_then(Value::as_i64));
        let body =
            br#"{"kind":"MetadataList","metadata":{"resourceVersion":"1","continue":"x"},"items":[{"a":1},{"a":2}]}"#;
        assert_eq!(read(body, &mut each).unwrap().as_deref(), Some("x"));
        assert_eq!(read(br#"{"items":null,"metadata":{"continue":""}}"#, &mut each).unwrap(), None);
        assert!(read(br#"{"kind":"Status"}"#, &mut each).is_err());
        assert_eq!(names, [Some(1), Some(2)]);
    }

    #[test]
    fn of_metadata_is_read_what_it_is_asked_for() {
        let mut told = Vec::new();
        let body = br#"{"kind":"PartialObjectMetadataList","metadata":{"continue":"x"},"items":[
            {"kind":"PartialObjectMetadata","metadata":{"name":"a","labels":{"l":"1"},"annotations":{"n":"\u00e9\n"},
             "managedFields":[{"manager":"m","fieldsV1":{"f:data":{}}}]}},
            {"metadata":{"name":"b"}}]}"#;
        let mut each = |item: Value| told.push(serde_json::to_string(&item).unwrap());
        assert_eq!(read_metadata(body, &mut each).unwrap().as_deref(), Some("x"));
        assert_eq!(read_metadata(br#"{"items":null,"metadata":{}}"#, &mut each).unwrap(), None);
        assert!(read_metadata(br#"{"kind":"Status","metadata":{}}"#, &mut each).is_err());
        assert_eq!(
            told,
            [
                r#"{"metadata":{"name":"a","labels":{"l":"1"},"annotations":{"n":"é\n"}}}"#,
                r#"{"metadata":{"name":"b","labels":null,"annotations":null}}"#,
            ]
        );
    }
}

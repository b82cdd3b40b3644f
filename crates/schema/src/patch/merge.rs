//! Strategic merge patches, as kustomize's `merge2` walks them.

use super::directive::{self, Directive};
use super::keys::Shape;
use super::list;
use super::{MergeKeys, PatchError};
use weft_base::value::{Data, Entry, Map, Path, Value};
use weft_base::yaml::{self, Rules};

/// The object with a strategic merge patch merged over it; `None` where the patch deletes it.
///
/// Maps merge; a null in the patch removes; lists of plain values and lists without merge keys replace; items of merged
/// lists merge by their keys, and new ones come first. `$patch: delete`, `replace` and `merge` are followed. A null of
/// the object that was written as one stays, one that was not (`key:`) goes.
pub fn merge(object: Value, patch: &Value, keys: &MergeKeys) -> Result<Option<Value>, PatchError> {
    let mut walk = Walk { keys, path: Vec::new() };
    Ok(walk.node(Some(object), Some(patch), None)?.filter(|it| !it.is_null()))
}

/// A merge on its way.
pub(super) struct Walk<'k> {
    keys: &'k MergeKeys,
    /// The fields above the one that is merged, for errors.
    path: Vec<String>,
}

/// What sort of node decides how two are merged.
#[derive(Clone, Copy, PartialEq)]
enum NodeKind {
    Map,
    List,
    Leaf,
}

fn sort(value: &Value) -> Option<NodeKind> {
    match value.data {
        Data::Null => None,
        Data::Map(_) => Some(NodeKind::Map),
        Data::List(_) => Some(NodeKind::List),
        _ => Some(NodeKind::Leaf),
    }
}

/// The patch of a leaf. kustomize changes what stands between quotes and leaves the quotes, so that a number over `"1"`
/// is a text. A text that would be one without quotes may have had none: there the patch's own type counts.
fn quoted(node: Option<&Value>, patch: &Value) -> Value {
    let had_quotes =
        node.and_then(Value::as_str).is_some_and(|text| !matches!(yaml::scalar(text, Rules::Kustomize), Data::Text(_)));
    if had_quotes && matches!(patch.data, Data::Bool(_) | Data::Int(_) | Data::Uint(_) | Data::Float(_)) {
        return Value::from(Data::Text(super::scalar_text(patch).into_owned())).at(patch.origin.clone());
    }
    patch.clone()
}

impl Walk<'_> {
    /// What a node and the patch for it come to; `None` where nothing stays.
    pub fn node(
        &mut self,
        node: Option<Value>,
        patch: Option<&Value>,
        shape: Option<Shape<'_>>,
    ) -> Result<Option<Value>, PatchError> {
        let shape = match shape {
            Some(shape) => Some(shape),
            None => node.iter().chain(patch).find_map(|it| self.keys.of(it)),
        };
        let sorts = (node.as_ref().and_then(sort), patch.and_then(sort));
        let merged = match sorts {
            (Some(here), Some(there)) if here != there => return Err(self.wrong_kind(node.as_ref(), patch)),
            (Some(NodeKind::Map), _) | (None, Some(NodeKind::Map)) => return self.map(node, patch, shape),
            (Some(NodeKind::List), _) | (None, Some(NodeKind::List)) => match shape.and_then(|it| it.merged_by) {
                Some(keys) => return self.list(node, patch, keys, shape),
                None => patch.cloned().or(node),
            },
            (Some(NodeKind::Leaf), Some(NodeKind::Leaf)) => patch.map(|patch| quoted(node.as_ref(), patch)),
            (Some(NodeKind::Leaf), _) | (None, Some(NodeKind::Leaf)) => patch.cloned().or(node),
            // A null that was written stays where the patch says nothing of it.
            (None, None) => return Ok(node.filter(|it| patch.is_none() && it.origin.mark.column > 0)),
        };
        Ok(merged.filter(|it| !it.is_null()))
    }

    fn map(
        &mut self,
        node: Option<Value>,
        patch: Option<&Value>,
        shape: Option<Shape<'_>>,
    ) -> Result<Option<Value>, PatchError> {
        let directive = patch.and_then(Value::as_map).map(directive::of_map).transpose()?.flatten();
        let there = node.filter(|it| !it.is_null());
        let mut node = match (there, directive, patch) {
            (_, Some(Directive::Delete), _) | (None, _, None) => return Ok(None),
            (Some(_), _, Some(patch)) if patch.is_null() => return Ok(None),
            (Some(node), Some(Directive::Merge) | None, _) | (Some(node), _, None) => node,
            // What replaces a node, or is new, is merged over itself: directives and nulls in it do what they say.
            (_, _, Some(patch)) => patch.clone(),
        };
        let Data::Map(map) = std::mem::take(&mut node.data) else { return Ok(Some(node)) };
        let fields = patch.and_then(Value::as_map);
        let skip = |key: &str| directive.is_some() && key == directive::KEY;
        let mut merged = Map::new();
        for entry in map.into_iter().filter(|entry| !skip(&entry.key)) {
            let patch = fields.and_then(|it| it.get(&entry.key));
            self.field(entry, patch, shape, &mut merged)?;
        }
        for entry in fields.into_iter().flatten().filter(|entry| !skip(&entry.key)) {
            if !merged.contains(&entry.key) {
                let new = Entry { value: Value::default(), key: entry.key.clone(), mark: entry.mark };
                self.field(new, Some(&entry.value), shape, &mut merged)?;
            }
        }
        node.data = Data::Map(merged);
        Ok(Some(node))
    }

    fn field(
        &mut self,
        entry: Entry,
        patch: Option<&Value>,
        shape: Option<Shape<'_>>,
        merged: &mut Map,
    ) -> Result<(), PatchError> {
        let below = shape.and_then(|it| it.field(&entry.key));
        self.path.push(entry.key.to_string());
        if let Some(value) = self.node(Some(entry.value), patch, below)? {
            merged.push_unique(Entry { value, ..entry });
        }
        self.path.pop();
        Ok(())
    }

    fn list(
        &mut self,
        node: Option<Value>,
        patch: Option<&Value>,
        keys: &[String],
        shape: Option<Shape<'_>>,
    ) -> Result<Option<Value>, PatchError> {
        let mut patch = patch.map(|it| (it.as_list(), it));
        let there = node.filter(|it| !it.is_null());
        let mut without = Vec::new();
        let mut node = match (there, &mut patch) {
            (None, None) | (Some(_), Some((None, _))) => return Ok(None),
            (None, Some((_, whole))) => (*whole).clone(),
            (Some(node), None) => node,
            (Some(node), Some((items, whole))) => {
                let directive = directive::of_list(items.unwrap_or_default())?;
                if directive.is_some() {
                    without = items.unwrap_or_default().to_vec();
                    without.retain(|item| item.get(directive::KEY).is_none());
                    *items = Some(&without);
                }
                match directive {
                    Some(Directive::Delete) => return Ok(None),
                    Some(Directive::Replace) => {
                        Value { data: Data::List(without.clone()), origin: whole.origin.clone() }
                    }
                    Some(Directive::Merge) | None => node,
                }
            }
        };
        let items = patch.and_then(|(items, _)| items);
        if let Data::List(mine) = &mut node.data {
            list::merge(self, mine, items, keys, shape.and_then(Shape::item))?;
        }
        Ok(Some(node))
    }

    fn wrong_kind(&self, node: Option<&Value>, patch: Option<&Value>) -> PatchError {
        PatchError::WrongKind {
            path: Path::of_fields(self.path.iter().map(String::as_str)).to_string(),
            expected: node.map_or("null", Value::kind),
            found: patch.map_or("null", Value::kind),
            origin: patch.map(|it| it.origin.clone()).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use weft_base::yaml::{self, Rules};

    fn read(text: &str) -> Value {
        yaml::document(text, &Arc::new("a.yaml".to_owned()), Rules::Kustomize).unwrap()
    }

    fn merged(object: &str, patch: &str) -> String {
        let kind = "apiVersion: apps/v1\nkind: Deployment\n";
        let object = read(&format!("{kind}spec: {{template: {{spec: {object}}}}}"));
        let patch = read(&format!("spec: {{template: {{spec: {patch}}}}}"));
        let merged = merge(object, &patch, MergeKeys::builtin()).unwrap().unwrap();
        serde_json::to_string(merged.dig(&["spec", "template", "spec"]).unwrap()).unwrap()
    }

    #[test]
    fn items_merge_by_their_keys_and_new_ones_come_first() {
        let object = "{containers: [{name: a, args: [x, y]}, {name: b}]}";
        assert_eq!(
            merged(object, "{containers: [{name: c}, {name: b, image: i}, {name: a, args: [z]}]}"),
            r#"{"containers":[{"name":"c"},{"name":"b","image":"i"},{"name":"a","args":["z"]}]}"#
        );
    }

    #[test]
    fn directives_delete_and_replace() {
        let object = "{containers: [{name: a}, {name: b}], nodeSelector: {x: y}}";
        let deleted =
            merged(object, "{containers: [{name: a, $patch: delete}], nodeSelector: {$patch: replace, z: w}}");
        assert_eq!(deleted, r#"{"containers":[{"name":"b"}],"nodeSelector":{"z":"w"}}"#);
        let replaced = merged(object, "{containers: [{$patch: replace}, {name: z}], nodeSelector: null}");
        assert_eq!(replaced, r#"{"containers":[{"name":"z"}]}"#);
    }

    #[test]
    fn ports_are_told_apart_by_two_keys_where_both_are_written() {
        let object = "{containers: [{name: a, ports: [{containerPort: 80, protocol: UDP}, {containerPort: 80, protocol: TCP}]}]}";
        let patch = "{containers: [{name: a, ports: [{containerPort: 80, protocol: TCP, name: n}]}]}";
        assert_eq!(
            merged(object, patch),
            r#"{"containers":[{"name":"a","ports":[{"containerPort":80,"protocol":"UDP"},{"containerPort":80,"protocol":"TCP","name":"n"}]}]}"#
        );
    }

    #[test]
    fn a_written_null_of_the_object_stays_and_an_empty_value_goes() {
        let (object, patch) = (read("a: null\nb:\nc: 1"), read("d: 2"));
        let merged = merge(object, &patch, MergeKeys::builtin()).unwrap().unwrap();
        assert_eq!(serde_json::to_string(&merged).unwrap(), r#"{"a":null,"c":1,"d":2}"#);
    }
}

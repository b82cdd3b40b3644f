//! A patch with the objects that it is for, as releases of any source take it.

use regex::Regex;

use super::{MergeKeys, Patch, PatchError, Selector, scalar_text};
use crate::Gvk;
use weft_base::diagnostic::Excerpt;
use weft_base::value::{Origin, Value};

/// How many lines are shown before and after a place.
const CONTEXT: u32 = 1;

/// A patch with the objects that it is for.
#[derive(Clone, Debug)]
pub struct Targeted {
    /// The objects.
    pub selector: Selector,
    /// The patch. It never renames: what names an object is not in it.
    pub patch: Patch,
    /// Where it is written, or its file is named.
    pub origin: Origin,
    /// The text that it was read from, for errors; `None` where nothing of it is shown.
    pub text: Option<String>,
}

impl Targeted {
    /// The patches that documents are. Without a `target`, each is for the object that it names.
    pub fn read(
        documents: Vec<Value>,
        target: Option<&Selector>,
        origin: &Origin,
        text: Option<&str>,
    ) -> Result<Vec<Self>, PatchError> {
        let text = text.map(str::to_owned);
        let targeted = |document: Value| {
            let selector = match target {
                Some(target) => target.clone(),
                None => named(&document)?,
            };
            Ok(Self { selector, patch: Patch::of(unnamed(document))?, origin: origin.clone(), text: text.clone() })
        };
        documents.into_iter().map(targeted).collect()
    }

    /// Whether it is for an object, which is in this namespace.
    pub fn is_for(&self, object: &Value, namespace: &str) -> bool {
        let text = |keys: &[&str]| object.dig(keys).and_then(Value::as_str).unwrap_or_default();
        self.selector.matches_kind(&Gvk::new(text(&["apiVersion"]), text(&["kind"])))
            && self.selector.matches_name(text(&["metadata", "name"]))
            && self.selector.matches_namespace(namespace)
            && self.selector.matches_labels(object)
    }

    /// The object with the patch; `None` where the patch deletes it.
    pub fn apply(&self, object: Value) -> Result<Option<Value>, PatchError> {
        let origin = object.origin.clone();
        Ok(self.patch.apply(object, MergeKeys::builtin())?.map(|it| it.at(origin)))
    }

    /// The lines around a place of the patch.
    pub fn excerpt(&self, origin: &Origin) -> Option<Excerpt> {
        Excerpt::of_word(self.text.as_deref()?, origin.mark, CONTEXT)
    }
}

/// The object that a strategic merge patch names.
fn named(patch: &Value) -> Result<Selector, PatchError> {
    let text = |keys: &[&str]| patch.dig(keys).filter(|it| !it.is_masked()).map(scalar_text).unwrap_or_default();
    let Gvk { group, version, kind } = Gvk::new(&text(&["apiVersion"]), &text(&["kind"]));
    let (name, namespace) = (text(&["metadata", "name"]), text(&["metadata", "namespace"]));
    if kind.is_empty() || name.is_empty() {
        return Err(PatchError::NoTarget { origin: patch.origin.clone() });
    }
    let exact =
        |text: &str| (!text.is_empty()).then(|| Regex::new(&format!("^{}$", regex::escape(text))).ok()).flatten();
    Ok(Selector {
        group: exact(&group),
        version: exact(&version),
        kind: exact(&kind),
        name: exact(&name),
        namespace: exact(&namespace),
        ..Selector::default()
    })
}

/// The patch without what names the object.
fn unnamed(mut patch: Value) -> Value {
    if let Some(map) = patch.as_map_mut() {
        map.retain(|entry| !matches!(entry.key.as_str(), "apiVersion" | "kind"));
        if let Some(metadata) = map.get_mut("metadata").and_then(Value::as_map_mut) {
            metadata.retain(|entry| !matches!(entry.key.as_str(), "name" | "namespace"));
            if metadata.is_empty() {
                map.remove("metadata");
            }
        }
    }
    patch
}

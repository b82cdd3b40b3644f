//! `patches:` of a release: applied to its documents before anything else is read of them.

use super::ManifestError;
use crate::project::Release;
use weft_base::diagnostic::nearest;
use weft_base::value::Value;
use weft_schema::patch::{PatchError, Targeted};
use weft_schema::{Discovery, Gvk, Scope};

/// Patches the documents of a release's files, in the order of the patches. Each must find an object.
pub fn apply(
    release: &Release,
    patches: &[Targeted],
    mut files: Vec<&mut Vec<Value>>,
    discovery: &Discovery,
) -> Result<(), ManifestError> {
    for patch in patches {
        let mut found = false;
        for documents in &mut files {
            let mut kept = Vec::with_capacity(documents.len());
            for document in documents.drain(..) {
                if !patch.is_for(&document, namespace(&document, release, discovery)) {
                    kept.push(document);
                    continue;
                }
                found = true;
                let name = shown(&document);
                kept.extend(patch.apply(document).map_err(|source| failed(name, patch, source))?);
            }
            **documents = kept;
        }
        if !found {
            let documents: Vec<&Value> = files.iter().flat_map(|it| it.iter()).collect();
            return Err(nothing(release, patch, &documents));
        }
    }
    Ok(())
}

/// The namespace that a document's object will be in; empty for one of the whole cluster.
fn namespace<'d>(document: &'d Value, release: &'d Release, discovery: &Discovery) -> &'d str {
    let text = |keys: &[&str]| document.dig(keys).and_then(Value::as_str).unwrap_or_default();
    let gvk = Gvk::new(text(&["apiVersion"]), text(&["kind"]));
    match (discovery.resource(&gvk).map(|it| it.scope), text(&["metadata", "namespace"])) {
        (Some(Scope::Cluster), _) => "",
        (_, "") => &release.namespace,
        (_, _) => document.dig(&["metadata", "namespace"]).and_then(Value::as_str).unwrap_or_default(),
    }
}

fn shown(document: &Value) -> String {
    let text = |keys: &[&str]| document.dig(keys).and_then(Value::as_str).unwrap_or_default();
    format!("{} {}", text(&["kind"]), text(&["metadata", "name"]))
}

fn failed(object: String, patch: &Targeted, source: PatchError) -> ManifestError {
    use weft_base::diagnostic::Diagnose as _;
    let origin = source.origin().cloned().unwrap_or_else(|| patch.origin.clone());
    let excerpt = patch.excerpt(&origin).map(Box::new);
    ManifestError::Patch { object, source: Box::new(source), origin, excerpt }
}

fn nothing(release: &Release, patch: &Targeted, documents: &[&Value]) -> ManifestError {
    let wanted = patch.selector.to_string();
    let all: Vec<String> = documents.iter().map(|it| shown(it)).collect();
    ManifestError::NothingToPatch {
        release: release.name.to_string(),
        nearest: nearest(&wanted, all.iter().map(String::as_str)).map(str::to_owned),
        wanted,
        origin: patch.origin.clone(),
    }
}

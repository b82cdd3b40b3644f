//! `namePrefix` and `nameSuffix`.

use crate::kustomize::KustomizeError;
use crate::kustomize::fields::{Create, FieldSpec, visit};
use crate::kustomize::resource::Resource;
use crate::kustomize::resources::Resources;
use weft_base::value::{Data, Origin, Value};
use weft_base::yaml::{self, Rules};
use weft_schema::patch::scalar_text;

/// What names get.
#[derive(Clone, Copy, Debug)]
pub enum Affix<'t> {
    /// This before them.
    Prefix(&'t str),
    /// This behind them.
    Suffix(&'t str),
}

/// Gives all names of `specs` a prefix or a suffix.
pub fn affix(
    resources: &mut Resources,
    affix: Affix<'_>,
    specs: &[FieldSpec],
    origin: &Origin,
) -> Result<(), KustomizeError> {
    for resource in resources.rename() {
        let original = resource.original_id().gvk;
        if keeps_name(&original.group, &original.kind) {
            continue;
        }
        for spec in specs.iter().filter(|it| it.is_of(&original)) {
            if spec.path == "metadata/name" {
                affix.record(resource);
            }
            visit(resource, spec, Create::Leaf, &mut |node| {
                set(node, affix, origin);
                Ok(())
            })?;
        }
    }
    Ok(())
}

fn set(node: &mut Value, affix: Affix<'_>, origin: &Origin) {
    let text = scalar_text(node);
    let name = match affix {
        Affix::Prefix(prefix) => format!("{prefix}{text}"),
        Affix::Suffix(suffix) => format!("{text}{suffix}"),
    };
    // A name that was written as a number stays one, if it still is.
    let data = match (&node.data, yaml::scalar(&name, Rules::Kustomize)) {
        (Data::Int(_), number @ Data::Int(_)) => number,
        _ => Data::Text(name),
    };
    *node = Value::from(data).at(origin.clone());
}

impl Affix<'_> {
    fn record(self, resource: &mut Resource) {
        let (list, text) = match self {
            Self::Prefix(prefix) => (&mut resource.prefixes, prefix),
            Self::Suffix(suffix) => (&mut resource.suffixes, suffix),
        };
        if !text.is_empty() {
            list.push(text.to_owned());
            resource.remember_id();
        }
    }
}

/// Whether objects of a kind are named by what they are.
fn keeps_name(group: &str, kind: &str) -> bool {
    matches!(kind, "CustomResourceDefinition" | "Namespace")
        || kind == "APIService" && group == "apiregistration.k8s.io"
}

//! `labels`, `commonLabels` and `commonAnnotations`: entries of maps.

use std::collections::BTreeMap;

use crate::kustomize::KustomizeError;
use crate::kustomize::config::{Config, merge_all};
use crate::kustomize::fields::{Create, FieldSpec, visit_matching};
use crate::kustomize::resources::Resources;
use crate::kustomize::spec::Label;
use weft_base::value::{Data, Map, Origin, Value};

/// Entries and the fields that get them.
pub type Annotated<'e> = (&'e BTreeMap<String, String>, Vec<FieldSpec>);

/// The fields that an entry of `labels` is for.
pub fn labels<'l>(label: &'l Label, config: &Config) -> Result<Annotated<'l>, KustomizeError> {
    let mut specs = label.fields.clone();
    merge_all(&mut specs, &config.labels)?;
    if label.include_selectors {
        merge_all(&mut specs, &config.common_labels)?;
    } else {
        if label.include_templates {
            merge_all(&mut specs, &config.template_labels)?;
        }
        if label.include_volume_claim_templates {
            merge_all(&mut specs, &config.volume_claim_template_labels)?;
        }
        let metadata = FieldSpec { path: "metadata/labels".to_owned(), create: true, ..FieldSpec::default() };
        merge_all(&mut specs, &[metadata])?;
    }
    Ok((&label.pairs, specs))
}

/// Sets entries in each map that the fields lead to.
pub fn set_entries(
    resources: &mut Resources,
    entries: &BTreeMap<String, String>,
    specs: &[FieldSpec],
    origin: &Origin,
) -> Result<(), KustomizeError> {
    if entries.is_empty() {
        return Ok(());
    }
    for resource in resources.iter_mut() {
        let gvk = resource.gvk();
        for spec in specs.iter().filter(|it| it.is_of(&gvk)) {
            visit_matching(resource, spec, Create::Map, &mut |node| {
                if node.is_null() {
                    node.data = Data::Map(Map::new());
                }
                let found = node.kind();
                let map = node.as_map_mut().ok_or(KustomizeError::NoMap { found })?;
                for (key, value) in entries {
                    map.insert(key.as_str(), Value::from(value.as_str()).at(origin.clone()));
                }
                Ok(())
            })?;
        }
    }
    Ok(())
}

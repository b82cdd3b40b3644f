//! `replicas`.

use crate::kustomize::KustomizeError;
use crate::kustomize::fields::{Create, FieldSpec, visit};
use crate::kustomize::resource::Resource;
use crate::kustomize::resources::Resources;
use crate::kustomize::spec::Replica;
use weft_base::diagnostic::nearest;
use weft_base::value::{Data, Origin, Value};

/// Sets the replicas of the resources of a name; there must be one.
pub fn replicas(
    resources: &mut Resources,
    replica: &Replica,
    specs: &[FieldSpec],
    origin: &Origin,
) -> Result<(), KustomizeError> {
    let mut found = false;
    for resource in resources.iter_mut() {
        for spec in specs {
            if resource.ids().iter().any(|id| id.name == replica.name && spec.is_of(&id.gvk)) {
                found = true;
                visit(resource, spec, Create::Leaf, &mut |node| {
                    // kustomize changes what stands between the quotes, and leaves the quotes.
                    let data = match node.data {
                        Data::Text(_) => Data::Text(replica.count.to_string()),
                        _ => Data::Int(replica.count),
                    };
                    *node = Value::from(data).at(origin.clone());
                    Ok(())
                })?;
            }
        }
    }
    if found {
        return Ok(());
    }
    let scaled = |it: &&Resource| specs.iter().any(|spec| spec.is_of(&it.gvk()));
    let names: Vec<String> = resources.iter().filter(scaled).map(Resource::name).collect();
    let near = nearest(&replica.name, names.iter().map(String::as_str)).map(str::to_owned);
    Err(KustomizeError::NoReplicas { name: replica.name.clone(), nearest: near, origin: origin.clone() })
}

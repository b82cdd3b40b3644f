//! The rights that an environment needs, derived from what it renders.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Rendering, Settings, connect, project, render, values};
use crate::cluster::{AccessLevel, ResourcePlace, Right};
use weft_base::diagnostic::Failure;
use weft_schema::Discovery;

/// The rights that somebody needs to do something with the selected releases. Kinds are looked up among the built-in
/// ones and the definitions that the releases bring, or, with `discover`, among those that the cluster serves.
pub async fn rights(
    settings: &Settings,
    deed: AccessLevel,
    discover: bool,
    secrets: bool,
) -> Result<BTreeSet<Right>, Failure> {
    let project = project(settings)?;
    let releases = values(settings, &project)?;
    let discovery = if discover {
        connect(settings, &project.environment).await?.discover().await?
    } else {
        weft_schema::builtin()
    };
    let Rendering { desired, .. } = render(&project, releases, &Arc::new(discovery.clone()), &project.making())?;
    let mut known: Discovery = discovery;
    for object in desired.objects.iter().filter(|it| it.id.kind.is_definition()) {
        known.extend_with_crd(&object.body);
    }
    let places: Vec<ResourcePlace> = desired
        .objects
        .iter()
        .filter(|object| secrets || !(object.id.kind.group.is_empty() && object.id.kind.kind == "Secret"))
        .filter_map(|object| {
            let resource = known.resource(&object.gvk)?.clone();
            let namespace = object.id.namespace.clone();
            Some(ResourcePlace { resource, namespace, made: object.implicit })
        })
        .collect();
    Ok(deed.needs(&places, &project.environment.state_namespace))
}

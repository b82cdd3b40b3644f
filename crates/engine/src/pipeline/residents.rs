//! The live objects that would be deleted with a namespace or a definition.

use crate::cluster::{Cluster, ClusterError};
use weft_base::diagnostic::Failure;
use weft_schema::Discovery;
use weft_stages::diff::{Comparison, Residents};
use weft_stages::plan::{ContainerScope, Guards, containers};

/// Reads what is inside the namespaces and definitions that may be deleted. What may not be read counts as unknown.
pub(super) async fn look(
    comparison: &mut Comparison,
    guards: &Guards,
    cluster: &Cluster,
    discovery: &Discovery,
) -> Result<(), Failure> {
    for (id, inside) in containers(comparison, guards) {
        let found = match &inside {
            ContainerScope::Kind(kind) => cluster.objects_of(kind, discovery).await,
            ContainerScope::Namespace(name) => cluster.objects_in(name, discovery).await,
        };
        // An API server that is down may have objects in any namespace.
        let down = discovery.unavailable.values().next().filter(|_| matches!(inside, ContainerScope::Namespace(_)));
        let residents = match (found, down) {
            (Ok(_), Some(reason)) => Residents::Unknown(reason.clone()),
            (Ok(found), None) => Residents::Known(found),
            (Err(error @ (ClusterError::Forbidden { .. } | ClusterError::Refused { .. })), _) => {
                Residents::Unknown(error.to_string())
            }
            (Err(error), _) => return Err(error.into()),
        };
        comparison.residents.insert(id, residents);
    }
    Ok(())
}

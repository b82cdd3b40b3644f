//! What would go with namespaces and definitions, as the cluster has it.

use crate::cluster::{Cluster, ClusterError};
use weft_base::diagnostic::Failure;
use weft_schema::Discovery;
use weft_stages::diff::{Comparison, Residents};
use weft_stages::plan::{ContainerScope, Guards, containers};

/// Looks into the containers that the plan has to know the inside of. What may not be read is known to be unknown.
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

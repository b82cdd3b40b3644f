//! What it takes to ask the server about an object.

use std::collections::{BTreeMap, BTreeSet};

use crate::cluster::{Cluster, ClusterError, Permits, SchemaCache};
use weft_schema::{Gvk, Schemas};

/// Of how many namespaces the rules are asked for before it is known whether they are needed, at most.
const NAMESPACES: usize = 8;

/// Which shapes objects have, and what the server lets us do.
#[derive(Default)]
pub(super) struct ServerContext {
    /// The shapes, where they were asked for.
    pub shapes: Option<Shapes>,
    /// What we may do, as far as it was asked.
    pub permits: Permits,
}

/// The shapes of kinds.
pub(super) struct Shapes {
    /// Which kinds were asked for.
    kinds: BTreeSet<Gvk>,
    /// As the server tells them.
    pub schemas: Schemas,
    /// Those that it does not tell, with the reason.
    pub unknown: BTreeMap<Gvk, String>,
}

impl ServerContext {
    /// Asked for ahead, for objects of these kinds and in these namespaces; nothing where there are none.
    pub(super) async fn prepared(
        cluster: &Cluster,
        (kinds, namespaces): (BTreeSet<Gvk>, BTreeSet<String>),
        cache: &SchemaCache,
    ) -> Result<Self, ClusterError> {
        let permits = Permits::default();
        let rules = async {
            permits.read(cluster, namespaces.iter().take(NAMESPACES).map(String::as_str)).await;
            Ok(())
        };
        let (shapes, ()) = futures::future::try_join(Shapes::read(cluster, kinds, cache), rules).await?;
        Ok(Self { shapes: Some(shapes), permits })
    }
}

impl Shapes {
    /// Those of kinds. An error means that the server is lost, or does not know us.
    pub(super) async fn read(
        cluster: &Cluster,
        kinds: BTreeSet<Gvk>,
        cache: &SchemaCache,
    ) -> Result<Self, ClusterError> {
        let mut schemas = Schemas::new();
        let unknown = cluster.shapes(&kinds, cache, &mut schemas).await?;
        Ok(Self { kinds, schemas, unknown })
    }

    /// What is known of fewer kinds; `None` where that is not all.
    pub(super) fn of(mut self, kinds: &BTreeSet<Gvk>) -> Option<Self> {
        self.unknown.retain(|kind, _| kinds.contains(kind));
        kinds.is_subset(&self.kinds).then_some(self)
    }
}

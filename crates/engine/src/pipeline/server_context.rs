//! What is needed before the server can be asked about an object: the schemas of its kind and our rights.

use std::collections::{BTreeMap, BTreeSet};

use crate::cluster::{Cluster, ClusterError, Permits, SchemaCache};
use weft_schema::{Gvk, Schemas};

/// The most namespaces whose rules are read before it is known whether they are needed.
const NAMESPACES: usize = 8;

/// The shapes of objects, and what the server lets us do.
#[derive(Default)]
pub(super) struct ServerContext {
    /// The shapes, if they were read.
    pub shapes: Option<Shapes>,
    /// Our rights, as far as they were asked for.
    pub permits: Permits,
}

/// The shapes of kinds.
pub(super) struct Shapes {
    /// The kinds whose shapes were read.
    kinds: BTreeSet<Gvk>,
    /// The schemas that the server has.
    pub schemas: Schemas,
    /// The kinds without a schema, with the reason.
    pub unknown: BTreeMap<Gvk, String>,
}

impl ServerContext {
    /// Reads the shapes of these kinds and the rules of these namespaces.
    pub(super) async fn prepared(
        cluster: &Cluster,
        kinds: BTreeSet<Gvk>,
        namespaces: BTreeSet<String>,
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
    /// Reads the shapes of kinds. An error means that the server is lost, or rejects our credentials.
    pub(super) async fn read(
        cluster: &Cluster,
        kinds: BTreeSet<Gvk>,
        cache: &SchemaCache,
    ) -> Result<Self, ClusterError> {
        let mut schemas = Schemas::new();
        let unknown = cluster.shapes(&kinds, cache, &mut schemas).await?;
        Ok(Self { kinds, schemas, unknown })
    }

    /// The shapes of some of the kinds; `None` if any of them was not read.
    pub(super) fn for_kinds(mut self, kinds: &BTreeSet<Gvk>) -> Option<Self> {
        self.unknown.retain(|kind, _| kinds.contains(kind));
        kinds.is_subset(&self.kinds).then_some(self)
    }
}

//! `cluster:`: which of the ways to name a cluster it uses, and that they do not contradict.

use super::error::ProjectError;
use super::lineage::{self, EnvironmentFile};
use super::release::rooted;
use super::spec::ClusterSpec;
use super::{ClusterRef, SecretRef};
use weft_base::diagnostic::Place;
use weft_base::tree::Tree;
use weft_base::value::Value;

/// Keys that cannot stand together.
const CONTRADICTIONS: [(&str, &str); 10] = [
    ("context", "inCluster"),
    ("context", "secretRef"),
    ("context", "server"),
    ("inCluster", "insecure"),
    ("inCluster", "kubeconfig"),
    ("inCluster", "secretRef"),
    ("inCluster", "server"),
    ("insecure", "tlsServerName"),
    ("kubeconfig", "secretRef"),
    ("secretRef", "server"),
];

/// The cluster of a lineage: the last one that is named, whole; the usual kubeconfig where none is.
pub(super) fn cluster(tree: &Tree, files: &[EnvironmentFile]) -> Result<ClusterRef, ProjectError> {
    let named = |file: &EnvironmentFile| Some((file.spec.cluster.clone()?, file.root.get("cluster")?.clone()));
    let Some((spec, node)) = files.iter().rev().find_map(named) else { return Ok(ClusterRef::default()) };
    refuse_contradictions(tree, &node)?;
    let kubeconfig = node.get("kubeconfig").map(|path| rooted(tree, path, "`cluster.kubeconfig`")).transpose()?;
    if let Some(environment) = node.dig(&["secretRef", "environment"]) {
        lineage::known(tree, environment.as_str().unwrap_or_default(), Some(Place::of_node(tree, environment)))?;
    }
    Ok(ClusterRef { kubeconfig, origin: node.origin.clone(), ..of_spec(spec) })
}

fn of_spec(spec: ClusterSpec) -> ClusterRef {
    let secret = spec.secret_ref.map(|it| SecretRef {
        environment: it.environment,
        namespace: it.namespace,
        name: it.name,
        key: it.key.unwrap_or_else(|| "value".to_owned()),
    });
    ClusterRef {
        context: spec.context,
        in_cluster: spec.in_cluster.unwrap_or_default(),
        server: spec.server,
        tls_server_name: spec.tls_server_name,
        insecure: spec.insecure.unwrap_or_default(),
        proxy: spec.proxy,
        secret,
        ..ClusterRef::default()
    }
}

fn refuse_contradictions(tree: &Tree, node: &Value) -> Result<(), ProjectError> {
    let said = |key: &str| {
        let entry = node.as_map()?.entry(key)?;
        (!entry.value.is_null() && entry.value.as_bool() != Some(false)).then_some(entry)
    };
    for (first, second) in CONTRADICTIONS {
        if let (Some(_), Some(entry)) = (said(first), said(second)) {
            let place = Place::of_key(tree, entry);
            return Err(ProjectError::Contradiction { subject: "`cluster`".to_owned(), first, second, place });
        }
    }
    Ok(())
}

/// Refuses clusters whose kubeconfigs are kept in one another. `name` is the environment that is loaded.
pub(super) fn refuse_circle(tree: &Tree, name: &str, cluster: &ClusterRef) -> Result<(), ProjectError> {
    let mut path = vec![name.to_owned()];
    let mut next = cluster.secret.clone();
    while let Some(secret) = next {
        let seen = path.contains(&secret.environment);
        path.push(secret.environment.clone());
        if seen {
            let place = Place::in_tree(tree, &cluster.origin, 1);
            return Err(ProjectError::ClusterCycle { path: path.join(" -> "), place });
        }
        next = self::cluster(tree, &lineage::read(tree, &secret.environment)?)?.secret;
    }
    Ok(())
}

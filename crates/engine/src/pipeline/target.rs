//! Connects to the cluster that an environment or the command line names.

use std::path::Path;
use std::sync::Arc;

use super::{PipelineError, Settings};
use crate::cluster::{Cluster, Target};
use crate::source::ENVIRONMENTS;
use weft_base::diagnostic::Failure;
use weft_base::value::{Mark, Origin};
use weft_stages::project::{self, ClusterRef, Environment};

/// Connects to the cluster of an environment, or to the one that the command line names.
pub async fn connect(settings: &Settings, environment: &Environment) -> Result<Cluster, Failure> {
    let reference = overridden(settings, &environment.cluster);
    connect_to(settings, reference, vec![environment.name.clone()]).await
}

/// `through` are the environments whose clusters hold the kubeconfigs on the way.
async fn connect_to(settings: &Settings, reference: ClusterRef, through: Vec<String>) -> Result<Cluster, Failure> {
    let target = Target::new(&reference, settings.source.root(), settings.trust.cluster()?);
    let target = target.paced(settings.cluster.pace);
    let target = if settings.cluster.kubeconfig.is_some() { target.of_user() } else { target };
    let Some(secret) = &reference.secret else { return Ok(Cluster::connect(&target).await?) };
    let mut chain = through;
    chain.push(secret.environment.clone());
    if chain[..chain.len() - 1].contains(&secret.environment) {
        return Err(PipelineError::CircularKubeconfig { chain, origin: reference.origin.clone() }.into());
    }
    let holder = project::load(&settings.source.read([ENVIRONMENTS])?, &secret.environment)?;
    let holder = Box::pin(connect_to(settings, holder.cluster, chain)).await?;
    let text = holder.kubeconfig_from_secret(secret).await?;
    let name = format!("Secret {}/{} of {}", secret.namespace, secret.name, secret.environment);
    Ok(Cluster::connect(&target.with_kubeconfig(&name, text)).await?)
}

/// A kubeconfig of the command line replaces the environment's cluster; a context alone selects one in its kubeconfig.
fn overridden(settings: &Settings, declared: &ClusterRef) -> ClusterRef {
    let given = &settings.cluster;
    let option = if given.kubeconfig.is_some() { "--kubeconfig" } else { "--context" };
    let origin = Origin::new(&Arc::new(option.to_owned()), Mark::default());
    let kubeconfig = given.kubeconfig.as_deref().map(|path| Path::new(path).to_string_lossy().into_owned());
    match (&kubeconfig, &given.context) {
        (None, None) => declared.clone(),
        _ => ClusterRef {
            kubeconfig: kubeconfig.or_else(|| declared.kubeconfig.clone()),
            context: given.context.clone(),
            origin,
            ..ClusterRef::default()
        },
    }
}

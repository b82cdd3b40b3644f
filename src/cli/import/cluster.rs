//! The cluster that an import reads from.

use std::path::Path;
use std::time::Duration;

use crate::cli::arguments::ClusterArgs;
use crate::cli::settings;
use crate::cluster::{Cluster, Pace, Target};
use crate::diagnostic::Failure;
use crate::project::ClusterRef;

/// Connects to the cluster that the command line names, or that of the usual kubeconfig.
pub(super) async fn connected(args: &ClusterArgs, root: &Path) -> Result<Cluster, Failure> {
    let kubeconfig = args.kubeconfig.as_deref().map(|path| settings::absolute(path).to_string_lossy().into_owned());
    let reference = ClusterRef { kubeconfig, context: args.context.clone(), ..ClusterRef::default() };
    let pace = Pace { in_flight: args.concurrency, patience: Duration::from_secs(args.patience) };
    let trust = settings::own();
    Ok(Cluster::connect(&Target::new(&reference, root, trust.cluster()?).of_user().paced(pace)).await?)
}

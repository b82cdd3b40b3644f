//! `weft import namespace`.

use clap::Args;

use super::cluster::connected;
use super::shared::{DraftArgs, Reading, encryption};
use crate::cli::arguments::ClusterArgs;
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, wait};
use crate::cluster::Whole;
use crate::diagnostic::Failure;
use crate::import::{self, Namespace};

/// Make an environment of what lives in a namespace: plain manifests, without what the server adds. Secrets are encrypted.
#[derive(Debug, Args)]
pub(super) struct NamespaceArgs {
    /// The namespace.
    namespace: String,
    /// The environment that gets the release; it is made if it is not there.
    #[arg(long, short = 'e', value_name = "NAME", default_value = "dev")]
    environment: String,
    #[command(flatten)]
    draft: DraftArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
}

pub(super) fn run(args: &NamespaceArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let reading = Reading::environments(args.draft.root())?;
    let cluster = wait(connected(&args.cluster, &reading.root))?;
    let objects = wait(async {
        let discovery = cluster.discover().await?;
        cluster.whole_namespace(&args.namespace, &discovery).await
    })?;
    let wanted =
        Namespace { name: &args.namespace, environment: &args.environment, context: args.cluster.context.as_deref() };
    let bodies = objects.iter().map(Whole::body);
    let draft = import::namespace(&reading.repository, &wanted, bodies, &args.draft.rules(), encryption())?;
    reading.write(&draft, terminal, &format!("Next: `weft plan {}` shows what is taken over.", args.environment))?;
    Ok(Exit::Done)
}

//! `weft operator`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::arguments::seconds;
use super::terminal::{Terminal, TerminalError};
use super::{Exit, settings, wait};
use crate::cluster::Target;
use crate::diagnostic::Failure;
use crate::operator::{self, Figures, Options, Surroundings};
use crate::project::ClusterRef;
use crate::yaml;

/// The ConfigMapSync operator: without a verb, it runs until a signal ends it.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct OperatorArgs {
    #[command(subcommand)]
    verb: Option<OperatorVerb>,
    #[command(flatten)]
    run: RunArgs,
}

#[derive(Debug, Subcommand)]
enum OperatorVerb {
    /// Print the CustomResourceDefinition of ConfigMapSync.
    Crd,
}

#[derive(Debug, Args)]
struct RunArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// Work only on the objects with these labels, as `shard=a`: several operators may share a cluster.
    #[arg(long, value_name = "LABELS")]
    selector: Option<String>,
    /// Watch no ConfigMaps, which needs no right to list them: look as the accounts every interval instead.
    #[arg(long)]
    strict: bool,
    /// Clean up after a service account that is gone by impersonating it, which needs the right to.
    #[arg(long)]
    impersonate_for_cleanup: bool,
    /// How many objects are worked on at once, at most.
    #[arg(long, value_name = "COUNT", default_value = "16", value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: u16,
}

/// Which server the operator works on: that of its own pod where nothing else is said.
#[derive(Debug, Args)]
struct ServerArgs {
    /// A kubeconfig file in place of `KUBECONFIG` and of the pod's own account.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// A context in place of the current one.
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// How long to wait for an API server that does not answer: `30s`, `2m`.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = seconds)]
    patience: u64,
}

pub(super) fn run(args: &OperatorArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    match &args.verb {
        Some(OperatorVerb::Crd) => terminal.print(&yaml::write(&operator::crd()?))?,
        None => return serve(&args.run),
    }
    Ok(Exit::Done)
}

fn serve(args: &RunArgs) -> Result<Exit, Failure> {
    let options = Options {
        selector: args.selector.clone(),
        strict: args.strict,
        impersonate_for_cleanup: args.impersonate_for_cleanup,
        workers: args.workers.into(),
        patience: Duration::from_secs(args.server.patience),
        instance: settings::variables().remove("POD_NAME").unwrap_or_else(|| "weft-operator".to_owned()),
    };
    let target = args.server.target();
    wait(async {
        let (ended, stop) = watch::channel(false);
        let (_lease, leading) = watch::channel(true);
        let surroundings = Surroundings { figures: Arc::new(Figures::default()), leading, stop };
        let mut terminate = signal(SignalKind::terminate()).map_err(TerminalError::Runtime)?;
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            ended.send_replace(true);
        });
        operator::run(&target, &options, &surroundings).await?;
        Ok::<_, Failure>(Exit::Done)
    })
}

impl ServerArgs {
    fn target(&self) -> Target {
        let variables = settings::variables();
        let reference = ClusterRef {
            kubeconfig: self.kubeconfig.as_deref().map(|it| settings::absolute(it).to_string_lossy().into_owned()),
            context: self.context.clone(),
            ..ClusterRef::default()
        };
        Target::new(&reference, &PathBuf::new(), &|name| variables.get(name).cloned())
    }
}

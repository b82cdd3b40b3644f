//! `weft operator`.

mod explain;
mod serve;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use self::serve::RunArgs;
use super::arguments::seconds;
use super::terminal::Terminal;
use super::{Exit, settings};
use crate::cluster::Target;
use crate::diagnostic::Failure;
use crate::project::ClusterRef;
use crate::{operator, yaml};

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
    Explain(explain::ExplainArgs),
}

// Which server the operator works on: that of its own pod where nothing else is said.
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
        Some(OperatorVerb::Explain(args)) => return explain::run(args, terminal),
        None => return serve::run(&args.run, terminal),
    }
    Ok(Exit::Done)
}

impl ServerArgs {
    fn target(&self) -> Result<Target, Failure> {
        let reference = ClusterRef {
            kubeconfig: self.kubeconfig.as_deref().map(|it| settings::absolute(it).to_string_lossy().into_owned()),
            context: self.context.clone(),
            ..ClusterRef::default()
        };
        Ok(Target::new(&reference, &PathBuf::new(), settings::own().cluster()?).of_user())
    }
}

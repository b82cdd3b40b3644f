//! `weft import helm`.

use clap::Args;

use super::cluster::connected;
use super::shared::{DraftArgs, Reading, encryption};
use crate::cli::arguments::ClusterArgs;
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, wait};
use crate::cluster::Whole;
use crate::diagnostic::Failure;
use crate::import::{self, HelmRelease, Revision};

/// Take over a live Helm release: its chart, its values and its objects.
///
/// The chart and the values come from Helm's own record of the release. Values that look secret are encrypted. Nothing in
/// the cluster is changed: the next plan takes the objects over.
#[derive(Debug, Args)]
pub(super) struct HelmArgs {
    /// The release.
    release: String,
    /// The namespace that the release is in.
    #[arg(long, short = 'n', value_name = "NAME", default_value = "default")]
    namespace: String,
    /// The environment that gets the release; it is made if it is not there.
    #[arg(long, short = 'e', value_name = "NAME", default_value = "dev")]
    environment: String,
    /// The chart, as a release names it: a chart of the repository, or one from elsewhere. Needed if the chart has others
    /// below it, which Helm does not record.
    #[arg(long, value_name = "CHART")]
    chart: Option<String>,
    #[command(flatten)]
    draft: DraftArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
}

pub(super) fn run(args: &HelmArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let reading = Reading::environments(args.draft.root())?;
    let cluster = wait(connected(&args.cluster, &reading.root))?;
    let records = wait(cluster.helm_records(&args.namespace, &args.release))?;
    let revisions: Vec<Revision<'_>> = records
        .iter()
        .map(|it| Revision { number: it.revision, status: &it.status, content: it.content.as_ref().map(Whole::body) })
        .collect();
    let wanted = HelmRelease {
        release: &args.release,
        namespace: &args.namespace,
        environment: &args.environment,
        chart: args.chart.as_deref(),
        context: args.cluster.context.as_deref(),
    };
    let imported = import::helm(&reading.repository, &wanted, &revisions, &args.draft.rules(), encryption())?;
    let take = if imported.is_server_side { " --take helm" } else { "" };
    let next = format!(
        "Next: `weft plan {0}{take}` shows what is taken over, `weft apply {0}{take}` does it. Then Helm shall not write the \
         release any more: delete its records, the Secrets `sh.helm.release.v1.{1}.v*` in `{2}`.",
        args.environment, args.release, args.namespace
    );
    reading.write(&imported.draft, terminal, &next)?;
    Ok(Exit::Done)
}

//! `weft operator` without a verb: the process that runs in the cluster.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{oneshot, watch};

use super::ServerArgs;
use crate::cli::terminal::{Terminal, TerminalError};
use crate::cli::{Exit, settings, wait};
use crate::cluster::ClusterError;
use crate::diagnostic::{Diagnostic, Failure};
use crate::operator::{self, Leading, Metrics, OperatorNote, OperatorOptions, Seat, Surroundings, Tell};
use crate::telemetry::{self, MetricsPage, MetricsServer, PageResponse};

#[derive(Debug, Args)]
pub(super) struct RunArgs {
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
    /// The namespace of the Lease by which one of several operators acts. Without it, this is the only one.
    #[arg(long, value_name = "NAMESPACE")]
    lease_namespace: Option<String>,
    /// Where `/metrics` is served: `0.0.0.0:8080`.
    #[arg(long, value_name = "ADDRESS")]
    metrics: Option<SocketAddr>,
    /// Where `/healthz` and `/readyz` are served: `0.0.0.0:8081`.
    #[arg(long, value_name = "ADDRESS")]
    health: Option<SocketAddr>,
}

pub(super) fn run(args: &RunArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    wait(serve(args, terminal))
}

async fn serve(args: &RunArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let instance = settings::process().get("POD_NAME").cloned().unwrap_or_else(|| "weft-operator".to_owned());
    let options = OperatorOptions {
        selector: args.selector.clone(),
        strict: args.strict,
        impersonate_for_cleanup: args.impersonate_for_cleanup,
        workers: args.workers.into(),
        patience: Duration::from_secs(args.server.patience),
        instance: instance.clone(),
    };
    let target = args.server.target()?;
    operator::check(&target)?;
    let figures = Arc::new(Metrics::default());
    for (address, pages) in [(args.metrics, metrics(&figures)), (args.health, health(&figures))] {
        if let Some(address) = address {
            let server = MetricsServer::bind(address, pages).await?;
            terminal.say(&format!("listening on {}", server.address()));
            tokio::spawn(server.serve());
        }
    }
    let says = terminal.clone();
    let tell: Tell = Arc::new(move |note| match note {
        OperatorNote::Info(text) => says.say(text),
        OperatorNote::Warning(text) => says.warn(headless(text)),
    });
    let Some(namespace) = args.lease_namespace.clone() else {
        figures.leading.store(true, Ordering::Relaxed);
        let (_turn, leading) = Leading::alone();
        let surroundings = Surroundings { figures, leading, tell, stop: stopped()? };
        operator::run(&target, &options, &surroundings).await?;
        return Ok(Exit::Done);
    };
    let (turn, leading) = Leading::contested();
    let surroundings = Surroundings { figures: Arc::clone(&figures), leading, tell, stop: stopped()? };
    let (over, ended) = oneshot::channel();
    let work = async {
        let done = operator::run(&target, &options, &surroundings).await;
        // Only now nothing is written any more.
        drop(over);
        done
    };
    let seat = Seat { namespace, instance };
    let tell = |error: &ClusterError| terminal.warn(headless(&Diagnostic::of(error).to_string()));
    let (done, released) = tokio::join!(work, operator::campaign(&target, &seat, &turn, &figures, ended, &tell));
    done?;
    released?;
    Ok(Exit::Done)
}

/// What is wrong, for a line that begins with `warning:`.
fn headless(text: &str) -> &str {
    text.strip_prefix("error: ").unwrap_or(text)
}

/// Becomes true with the first SIGTERM or SIGINT.
fn stopped() -> Result<watch::Receiver<bool>, Failure> {
    let (ended, stop) = watch::channel(false);
    let mut terminate = signal(SignalKind::terminate()).map_err(TerminalError::Runtime)?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        ended.send_replace(true);
        // Whoever waits for it may come later.
        ended.closed().await;
    });
    Ok(stop)
}

fn metrics(figures: &Arc<Metrics>) -> Vec<MetricsPage> {
    let figures = Arc::clone(figures);
    vec![("/metrics", Box::new(move || PageResponse::text(telemetry::text(&operator::metrics(&figures)))))]
}

/// A process that serves pages is alive. It is ready when its caches are filled and the API server answers, whether it
/// leads or waits.
fn health(figures: &Arc<Metrics>) -> Vec<MetricsPage> {
    let figures = Arc::clone(figures);
    let ready = move || {
        let missing = [
            (&figures.synced, "the caches are not filled yet"),
            (&figures.reachable, "the API server does not answer"),
        ];
        let missing = missing.into_iter().filter(|(is, _)| !is.load(Ordering::Relaxed)).map(|(_, what)| what);
        PageResponse::probe(&missing.collect::<Vec<_>>())
    };
    vec![("/healthz", Box::new(|| PageResponse::probe(&[]))), ("/readyz", Box::new(ready))]
}

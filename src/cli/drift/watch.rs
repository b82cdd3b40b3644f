//! Looking again and again.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::metrics::metrics;
use super::telling::Teller;
use super::{DriftArgs, Round, round, show};
use crate::cli::many::Targets;
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, wait};
use crate::diagnostic::Failure;
use crate::pipeline;
use crate::telemetry::{MetricsServer, PageResponse};

/// The metrics of the last look; `None` before the first one.
type Last = Arc<Mutex<Option<String>>>;

/// Looks until a signal ends it. What cannot be looked at is said, and looked at again.
pub(super) fn run(
    args: &DriftArgs,
    targets: &Targets,
    teller: &Teller,
    seconds: u64,
    terminal: &Terminal,
) -> Result<Exit, Failure> {
    let last = Last::default();
    if let Some(address) = args.listen {
        let pages = Arc::clone(&last);
        let address = wait(serve(address, pages))?;
        terminal.say(&format!("listening on http://{address}"));
    }
    loop {
        let began = Instant::now();
        let round = round(args, targets, terminal);
        let told = round.told(targets);
        teller.tell(&told, &round.doors(), terminal);
        *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(metrics(&told));
        tell(args, &round, targets, terminal)?;
        let rest = Duration::from_secs(seconds).saturating_sub(began.elapsed());
        wait(async {
            tokio::select! {
                ended = pipeline::stopped() => ended,
                () = tokio::time::sleep(rest) => Ok(()),
            }
        })?;
        if pipeline::is_stopped() {
            return Ok(pipeline::signalled().map_or(Exit::Done, Exit::Signal));
        }
    }
}

/// Prints a look. One that failed is said, and no reason to end.
fn tell(args: &DriftArgs, round: &Round, targets: &Targets, terminal: &Terminal) -> Result<(), Failure> {
    match show(round, targets, &args.output, terminal) {
        Err(failure) if round.fates.iter().flatten().any(Result::is_err) => {
            failure.diagnostics.iter().for_each(|it| terminal.diagnose(it));
            Ok(())
        }
        shown => shown.map(drop),
    }
}

async fn serve(address: std::net::SocketAddr, last: Last) -> Result<std::net::SocketAddr, Failure> {
    let known = move || last.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let ready = known.clone();
    let pages: Vec<crate::telemetry::MetricsPage> = vec![
        ("/metrics", Box::new(move || PageResponse::text(known().unwrap_or_default()))),
        ("/healthz", Box::new(|| PageResponse::probe(&[]))),
        (
            "/readyz",
            Box::new(move || match ready() {
                Some(_) => PageResponse::probe(&[]),
                None => PageResponse::probe(&["the first look has not ended"]),
            }),
        ),
    ];
    let server = MetricsServer::bind(address, pages).await?;
    let address = server.address();
    tokio::spawn(server.serve());
    Ok(address)
}

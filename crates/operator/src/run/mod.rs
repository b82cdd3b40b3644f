//! The operator's wiring: watches fill the world, changes are queued, and workers visit what is due.

mod door;
mod metadata;
mod watches;
mod workers;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::act::{ApiServer, EventPublisher, OperatorContext};
use crate::{Leading, Metrics, OperatorError};
use weft_engine::cluster::Target;

/// How the operator works.
#[derive(Clone, Debug)]
pub struct OperatorOptions {
    /// Only objects that this label selector matches are worked on; all if there is none.
    pub selector: Option<String>,
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

/// A message for the operator's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OperatorNote {
    /// Information.
    Info(String),
    /// A warning: what it waits for.
    Warning(String),
}

/// Receives the operator's log messages.
pub type Tell = Arc<dyn Fn(&OperatorNote) + Send + Sync>;

/// What surrounds the operator.
#[derive(Clone)]
pub struct Surroundings {
    /// What it counts.
    pub figures: Arc<Metrics>,
    /// Whether this process leads: it writes nothing while it does not. Each write asks [`Leading::holds`] first.
    pub leading: Leading,
    /// Receives its log messages.
    pub tell: Tell,
    /// Becomes true when the process is to end. Objects under way are finished, nothing new is begun.
    pub stop: watch::Receiver<bool>,
}

/// How long visits under way may take when the process is to end.
const GRACE: Duration = Duration::from_secs(20);

/// Refuses a target whose credentials come from a program: the operator runs none, whoever wrote the kubeconfig.
pub fn check(target: &Target) -> Result<(), OperatorError> {
    target.credential_program()?.map_or(Ok(()), |program| Err(OperatorError::Plugin { program }))
}

/// Runs the operator until it is stopped. An API server that is away is waited for.
pub async fn run(target: &Target, options: &OperatorOptions, surroundings: &Surroundings) -> Result<(), OperatorError> {
    let Surroundings { figures, leading, tell, stop } = surroundings;
    check(target)?;
    let server = ApiServer::new(target, options.patience, Arc::clone(figures), leading.clone())?;
    let teller = EventPublisher::new(server.own(), &options.instance);
    let context =
        Arc::new(OperatorContext::new(server, teller, Arc::clone(figures), Arc::clone(tell), options.clone()));
    let (reopened, opened) = watch::channel(0);
    let door = tokio::spawn(door::keep(Arc::clone(&context), reopened));
    let watches = watches::start(&context, &opened);
    let ended = workers::work(&context, stop.clone(), GRACE).await;
    door.abort();
    watches.iter().for_each(tokio::task::JoinHandle::abort);
    ended
}

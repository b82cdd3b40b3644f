//! What a run may reach. It is decided once, by how the run was started.
//!
//! A run over files that its user trusts may read the variables of the process, open keys, and contact servers. A
//! *closed* run is over files of somebody who must learn nothing from it, such as the pull request of a fork: it may do
//! none of this. A [`Trust`] says which of the two a run is.
//!
//! Each way out of the process takes a capability that only a [`Trust`] hands out: [`ProcessEnvironment`],
//! [`KeyAccess`], [`NetworkAccess`], [`ClusterAccess`]. Code that forgets to ask does not compile.

mod allowance;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use thiserror::Error;

pub use self::allowance::{Allowance, BadAllowance};
use weft_base::diagnostic::{Diagnose, Kind};

/// How long a closed run takes at most, unless it is told otherwise.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Rendering recurses, and a thread of its own has a smaller stack than the main one.
const STACK: usize = 16 << 20;

/// The environment of the process.
#[derive(Clone, Debug, Default)]
pub struct ProcessEnvironment {
    variables: BTreeMap<String, String>,
}

impl ProcessEnvironment {
    /// Reads the environment of this process. A variable that is not text cannot be meant.
    pub fn read() -> Self {
        let text = |it: std::ffi::OsString| it.into_string().ok();
        std::env::vars_os().filter_map(|(name, value)| Some((text(name)?, text(value)?))).collect()
    }

    /// The folder of the user's caches: `XDG_CACHE_HOME`, or `.cache` in the home folder.
    pub fn caches(&self) -> Option<PathBuf> {
        let set = |name: &str| self.variables.get(name).filter(|it| !it.is_empty()).map(PathBuf::from);
        set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")))
    }
}

impl FromIterator<(String, String)> for ProcessEnvironment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Self { variables: variables.into_iter().collect() }
    }
}

impl Deref for ProcessEnvironment {
    type Target = BTreeMap<String, String>;

    fn deref(&self) -> &Self::Target {
        &self.variables
    }
}

/// The right to look for identities, and to run the programs that print them.
#[derive(Debug)]
pub struct KeyAccess(());

/// The right to contact servers and to read other repositories of this machine, with the logins that it has.
#[derive(Clone, Debug)]
pub struct NetworkAccess {
    environment: Arc<ProcessEnvironment>,
}

impl NetworkAccess {
    /// Where proxies and logins are named.
    pub fn environment(&self) -> &ProcessEnvironment {
        &self.environment
    }
}

/// The right to connect to clusters, with the credentials of this machine.
#[derive(Clone, Debug)]
pub struct ClusterAccess {
    environment: Arc<ProcessEnvironment>,
    allowed: Vec<Allowance>,
}

impl ClusterAccess {
    /// For a control plane of this program's own, whose kubeconfig it wrote itself.
    pub(crate) fn to_sandbox() -> Self {
        Self { environment: Arc::default(), allowed: Vec::new() }
    }

    /// Where kubeconfigs and proxies are named.
    pub fn environment(&self) -> &ProcessEnvironment {
        &self.environment
    }

    /// Whether the owner of this machine lets a repository do this.
    pub fn allows(&self, what: &Allowance) -> bool {
        self.allowed.contains(what)
    }
}

/// What a run may reach.
#[derive(Clone, Debug)]
pub struct Trust {
    kind: TrustKind,
    skipped: Arc<Mutex<BTreeSet<String>>>,
}

#[derive(Clone, Debug)]
enum TrustKind {
    Own(Arc<OwnTrust>),
    Closed(Arc<ClosedRun>),
}

#[derive(Debug)]
struct OwnTrust {
    keys: KeyAccess,
    network: NetworkAccess,
    cluster: ClusterAccess,
}

#[derive(Debug)]
struct ClosedRun {
    caches: Option<PathBuf>,
    end: Instant,
    limit: Duration,
}

/// A closed run came to something that it may not do.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TrustError {
    /// It may not reach this.
    #[error("a closed run {does_not}")]
    Closed {
        /// What it does not do.
        does_not: &'static str,
    },
    /// It took too long.
    #[error("the closed run was not done after {}s", limit.as_secs())]
    Deadline {
        /// How long it may take.
        limit: Duration,
    },
    /// The machine has no thread for it.
    #[error("cannot start a thread: {reason}")]
    Thread {
        /// What the machine said.
        reason: String,
    },
}

impl Diagnose for TrustError {
    fn kind(&self) -> Kind {
        match self {
            Self::Closed { .. } => Kind::Refused,
            Self::Deadline { .. } => Kind::Unknown,
            Self::Thread { .. } => Kind::Machine,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Deadline { .. } => Some("`--deadline` gives it more time.".into()),
            Self::Closed { .. } | Self::Thread { .. } => None,
        }
    }
}

impl Trust {
    /// For files that the user trusts. `allowed` is what the owner of the machine lets a repository say about clusters.
    pub fn own(environment: ProcessEnvironment, allowed: Vec<Allowance>) -> Self {
        let environment = Arc::new(environment);
        let network = NetworkAccess { environment: Arc::clone(&environment) };
        let cluster = ClusterAccess { environment, allowed };
        Self::new(TrustKind::Own(Arc::new(OwnTrust { keys: KeyAccess(()), network, cluster })))
    }

    /// For files of somebody who must learn nothing. Of the environment it uses only the place of the caches. It is to
    /// be done within `limit` from now on.
    pub fn closed(environment: &ProcessEnvironment, limit: Duration) -> Self {
        let now = Instant::now();
        let closed = ClosedRun { caches: environment.caches(), end: now.checked_add(limit).unwrap_or(now), limit };
        Self::new(TrustKind::Closed(Arc::new(closed)))
    }

    fn new(kind: TrustKind) -> Self {
        Self { kind, skipped: Arc::default() }
    }

    fn door<'t, T>(&'t self, open: impl FnOnce(&'t OwnTrust) -> T, does_not: &'static str) -> Result<T, TrustError> {
        match &self.kind {
            TrustKind::Own(own) => Ok(open(own)),
            TrustKind::Closed(_) => Err(TrustError::Closed { does_not }),
        }
    }

    /// Whether this is a closed run.
    pub fn is_closed(&self) -> bool {
        matches!(self.kind, TrustKind::Closed(_))
    }

    /// The environment of the process.
    pub fn environment(&self) -> Result<&ProcessEnvironment, TrustError> {
        self.door(|own| own.network.environment(), "reads no variable")
    }

    /// The right to use keys.
    pub fn keys(&self) -> Result<&KeyAccess, TrustError> {
        self.door(|own| &own.keys, "opens no key")
    }

    /// The right to contact servers.
    pub fn network(&self) -> Result<&NetworkAccess, TrustError> {
        self.door(|own| &own.network, "contacts no server and reads no other repository")
    }

    /// The right to connect to clusters.
    pub fn cluster(&self) -> Result<&ClusterAccess, TrustError> {
        self.door(|own| &own.cluster, "asks no cluster")
    }

    /// The folder of the user's caches. What is in it is used only where a digest proves it.
    pub fn caches(&self) -> Option<PathBuf> {
        match &self.kind {
            TrustKind::Own(own) => own.network.environment.caches(),
            TrustKind::Closed(closed) => closed.caches.clone(),
        }
    }

    /// Notes a full sentence about something that a closed run left out.
    pub fn skip(&self, what: String) {
        self.skipped.lock().unwrap_or_else(PoisonError::into_inner).insert(what);
    }

    /// What was left out so far.
    pub fn skipped(&self) -> Vec<String> {
        self.skipped.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Does the work. A closed run stops waiting for it at its deadline; the process ends soon after.
    pub fn within<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, TrustError> {
        let TrustKind::Closed(closed) = &self.kind else { return Ok(work()) };
        let (sender, receiver) = mpsc::sync_channel(1);
        let run = move || {
            // Nobody waits for it after the deadline.
            let _ = sender.send(work());
        };
        let started = thread::Builder::new().stack_size(STACK).spawn(run);
        let thread = started.map_err(|error| TrustError::Thread { reason: error.to_string() })?;
        match receiver.recv_timeout(closed.end.saturating_duration_since(Instant::now())) {
            Ok(done) => Ok(done),
            Err(mpsc::RecvTimeoutError::Timeout) => Err(TrustError::Deadline { limit: closed.limit }),
            Err(mpsc::RecvTimeoutError::Disconnected) => match thread.join() {
                Err(panic) => std::panic::resume_unwind(panic),
                Ok(()) => Err(TrustError::Deadline { limit: closed.limit }),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_run_opens_no_door() {
        let environment: ProcessEnvironment = [("HOME", "/home/me"), ("TOKEN", "x")]
            .map(|(name, value)| (name.into(), value.into()))
            .into_iter()
            .collect();
        let own = Trust::own(environment.clone(), Vec::new());
        assert!(own.keys().is_ok() && own.network().is_ok() && own.cluster().is_ok());
        assert_eq!(own.environment().unwrap().get("TOKEN").map(String::as_str), Some("x"));
        let closed = Trust::closed(&environment, DEADLINE);
        assert!(closed.keys().is_err() && closed.network().is_err() && closed.cluster().is_err());
        assert!(closed.environment().is_err());
        assert_eq!(closed.caches(), Some("/home/me/.cache".into()));
    }

    #[test]
    fn a_closed_run_ends_at_its_deadline() {
        let closed = Trust::closed(&ProcessEnvironment::default(), Duration::from_millis(50));
        assert_eq!(closed.within(|| 7), Ok(7));
        let late = closed.within(|| thread::sleep(Duration::from_secs(30)));
        assert_eq!(late, Err(TrustError::Deadline { limit: Duration::from_millis(50) }));
    }
}

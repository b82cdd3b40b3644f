//! The only door to an API server: connecting, discovery, live state, writes, and what is kept in the cluster.
//!
//! Requests are sent as bytes through `kube`'s client, and bodies are read straight into [`Value`](weft_base::value::Value)s:
//! nothing is lost on the way through a typed struct. There is no fixed request rate; see `flight`.

mod credentials;
mod crd;
mod discovery;
mod error;
mod fence;
mod moment;
mod findings;
mod flight;
mod foreign;
mod history;
pub mod holder;
mod documents;
mod kinds;
mod kubeconfig;
mod lease;
mod list;
mod live;
mod lookup;
mod migrate;
mod needs;
mod openapi;
mod page;
mod pods;
mod reach;
mod request;
mod residents;
mod retry;
mod review;
mod rights;
mod state;
mod strays;
mod target;
mod transport;
pub mod typed;
mod write;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::watch;

pub use self::error::ClusterError;
pub use self::fence::Fence;
pub use self::findings::KeptFindings;
pub use self::foreign::{HelmRecord, Whole};
pub use self::history::{KeptPack, KeptRevision};
pub use self::lease::{Holder, Lease};
pub use self::live::{LivePage, LivePrefetch, NeighbourCounts, PageRead, ServedObject, Unread};
pub use self::needs::{AccessLevel, ResourcePlace};
pub use self::openapi::SchemaCache;
pub use self::review::Permits;
pub use self::rights::{Right, RightsSubject, bindings, roles};
pub use self::state::{KeptInventory, OtherInventories, SetOwner};
pub use self::strays::NamespaceContent;
pub use self::target::{Pace, Target};
pub use self::transport::Transport;
pub use self::write::{ApplyOptions, ApplyTarget, Precondition, Propagation, Refusal, WriteError};

pub use self::request::{Answer, Request, settled};
pub use self::retry::Tries;
pub use self::transport::Identity;

use self::flight::Flight;
use weft_base::masked::Redactor;

pub use weft_stages::diff::MANAGER as FIELD_MANAGER;
/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(10);

/// A connection to one cluster. Clones share it.
#[derive(Clone)]
pub struct Cluster {
    inner: Arc<Inner>,
    redactor: Arc<Redactor>,
    fence: Option<Arc<Fence>>,
    stop: Option<watch::Receiver<Option<String>>>,
}

struct Inner {
    transport: Transport,
    version: String,
    warnings: Vec<String>,
    pace: Pace,
    flight: Flight,
    /// Whether the last request was given up after all its retries, without an answer.
    away: AtomicBool,
    /// How many answers came.
    answers: AtomicU64,
    /// Held by the request that knocks at a server which does not answer.
    door: tokio::sync::Mutex<()>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    git_version: String,
}

impl Cluster {
    /// Connects, and asks the server for its version: when this returns, the server is there, is an API server, its
    /// certificate holds and it knows who we are.
    pub async fn connect(target: &Target) -> Result<Self, ClusterError> {
        let pace = target.pace();
        let mut resolved = target.resolve()?;
        resolved.config.connect_timeout = Some(CONNECT.min(pace.patience));
        resolved.config.read_timeout = Some(pace.patience);
        resolved.config.reset_reader_on_write = true;
        let warnings = std::mem::take(&mut resolved.warnings);
        // A credential plugin runs here, and may take its time.
        let transport = tokio::task::spawn_blocking(move || Transport::with(resolved, pace.patience)).await;
        let inner = Inner {
            transport: transport.map_err(|source| ClusterError::Interrupted { source })??,
            version: String::new(),
            warnings,
            pace,
            flight: Flight::new(pace.in_flight),
            away: AtomicBool::default(),
            answers: AtomicU64::default(),
            door: tokio::sync::Mutex::default(),
        };
        let mut cluster = Self { inner: Arc::new(inner), redactor: Arc::default(), fence: None, stop: None };
        let version = cluster.version().await?;
        if let Some(inner) = Arc::get_mut(&mut cluster.inner) {
            inner.version = version;
        }
        Ok(cluster)
    }

    /// The same connection, whose errors hide the secrets that `redactor` knows.
    #[must_use]
    pub fn redacting(&self, redactor: Arc<Redactor>) -> Self {
        Self { redactor, ..self.clone() }
    }

    /// The same connection, which writes only as long as the lease is ours.
    #[must_use]
    pub fn under(&self, lease: &Lease) -> Self {
        Self { fence: Some(lease.fence()), ..self.clone() }
    }

    /// The same connection, which begins no write any more as soon as `stop` says why.
    #[must_use]
    pub fn until(&self, stop: watch::Receiver<Option<String>>) -> Self {
        Self { stop: Some(stop), ..self.clone() }
    }

    /// The server's address.
    pub fn address(&self) -> &str {
        self.inner.transport.address()
    }

    /// The server's version, such as `v1.36.3`; empty where it may not be read.
    pub fn server_version(&self) -> &str {
        &self.inner.version
    }

    /// What people should know about the connection, each a full sentence.
    pub fn warnings(&self) -> &[String] {
        &self.inner.warnings
    }

    /// What knows the secrets of the run.
    pub fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// A text of the server without known secrets.
    fn redact(&self, text: &str) -> String {
        self.redactor.redact(text)
    }

    async fn version(&self) -> Result<String, ClusterError> {
        let request = Request::get("/version".to_owned(), "ask for the version".to_owned());
        let answer = self.send_by(&request, Tries::first(self.inner.pace.patience)).await?;
        match answer.code {
            401 => Err(self.inner.transport.unauthorized()),
            // Who may not see the version may still see objects.
            403 => Ok(String::new()),
            _ => serde_json::from_slice::<Version>(&answer.body).map(|it| it.git_version).map_err(|_| {
                let said = String::from_utf8_lossy(&answer.body);
                let line = said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("nothing");
                let said = format!("status {}, {}", answer.code, line.chars().take(120).collect::<String>());
                ClusterError::NotKubernetes { server: self.address().to_owned(), said }
            }),
        }
    }
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cluster at {}", self.address())
    }
}

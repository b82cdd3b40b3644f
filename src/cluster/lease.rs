//! One run at a time changes an environment: a Lease in the state namespace says who.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value as Json, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::fence::Fence;
use super::kinds::leases;
use super::live::path;
use super::request::Request;
use super::rights::Right;
use super::write::{Refusal, WriteError};
use super::{Cluster, ClusterError};
use crate::value::Value;

/// How far the clocks of two machines may be apart until what a Lease says about time is not believed.
const SKEW: SignedDuration = SignedDuration::from_secs(5);
/// How long a Lease that says nothing lasts, and how long one that says more is believed to, in seconds.
const LASTS: i64 = 60;
const LONGEST: i64 = 600;
/// How often others may be first.
const RACES: usize = 4;

/// The right to change an environment. It is renewed while it is held; [`Lease::release`] gives it back, and one that
/// is dropped or whose run dies ends by itself.
///
/// Whoever finds a Lease that should have ended watches it for as long as it lasts, by its own clock: so neither a
/// clock that is wrong here nor one there makes two holders. The holder counts from before its last renewal was sent,
/// and stops in time.
#[derive(Debug)]
pub struct Lease {
    kept: Arc<Kept>,
    heartbeat: JoinHandle<()>,
    lost: watch::Receiver<Option<String>>,
}

/// Who takes a Lease.
#[derive(Clone, Copy)]
pub struct Holder<'a> {
    /// Tells people who we are (user, host, process, pipeline).
    pub name: &'a str,
    /// Whether another holder of this name is known to live no more.
    pub is_gone: &'a (dyn Fn(&str) -> bool + Sync),
    /// Is told, in words, what is waited for.
    pub watching: &'a (dyn Fn(&str) + Sync),
}

/// What the holder and its heartbeat share.
#[derive(Debug)]
struct Kept {
    cluster: Cluster,
    namespace: String,
    name: String,
    holder: String,
    acquired: Timestamp,
    terms: Terms,
    fence: Arc<Fence>,
}

/// How long a Lease lasts, and what follows from that.
#[derive(Clone, Copy, Debug)]
struct Terms {
    lasts: Duration,
}

/// A Lease as the server has it.
#[derive(Clone, Debug, Default)]
struct Found {
    version: String,
    holder: String,
    acquired: Option<Timestamp>,
    renewed: Option<Timestamp>,
    lasts: i64,
}

impl Terms {
    fn of(patience: Duration) -> Self {
        Self { lasts: Duration::from_secs((2 * patience.as_secs()).max(2)) }
    }

    /// The time between two signs of life.
    fn beat(self) -> Duration {
        self.lasts / 6
    }

    /// Without a renewal for so long, nothing new is begun.
    fn gives_up(self) -> Duration {
        self.lasts * 2 / 3
    }

    /// Without a renewal for so long, nothing is written any more, and no answer is waited for.
    fn ends(self) -> Duration {
        self.lasts * 9 / 10
    }
}

impl Found {
    fn of(lease: &Value) -> Self {
        let text = |keys: &[&str]| lease.dig(keys).and_then(Value::as_str);
        let time = |key: &str| text(&["spec", key]).and_then(|it| it.parse::<Timestamp>().ok());
        let lasts = lease.dig(&["spec", "leaseDurationSeconds"]).and_then(Value::as_i64).unwrap_or(LASTS);
        Self {
            version: text(&["metadata", "resourceVersion"]).unwrap_or_default().to_owned(),
            holder: text(&["spec", "holderIdentity"]).unwrap_or_default().to_owned(),
            acquired: time("acquireTime"),
            renewed: time("renewTime"),
            lasts: lasts.clamp(1, LONGEST),
        }
    }

    /// When it ends by itself, as far as its clock is right.
    fn ends(&self) -> Option<Timestamp> {
        self.renewed.map(|it| it + SignedDuration::from_secs(self.lasts))
    }

    /// Whether its holder lives, as far as both clocks are right: otherwise it has to be watched.
    fn seems_alive(&self, now: Timestamp) -> bool {
        self.renewed.is_some_and(|it| it <= now + SKEW) && self.ends().is_some_and(|it| it > now)
    }

    fn held(&self, environment: &str) -> ClusterError {
        ClusterError::Held {
            environment: environment.to_owned(),
            holder: self.holder.clone(),
            since: self.acquired.map(|it| it.to_string()).unwrap_or_default(),
            until: self.ends().map(|it| it.to_string()).unwrap_or_default(),
        }
    }
}

impl Cluster {
    /// Takes the Lease of an environment. One that somebody else holds is an error that names the holder, since when,
    /// and when it would end by itself; unless that holder is known to live no more. One that should have ended is
    /// watched for as long as it lasts, and is ours if it is not renewed meanwhile.
    pub async fn lease(&self, namespace: &str, environment: &str, who: Holder<'_>) -> Result<Lease, ClusterError> {
        let Holder { name: holder, is_gone, .. } = who;
        let name = format!("weft.{environment}").to_lowercase();
        let terms = Terms::of(self.inner.pace.patience);
        for _ in 0..RACES {
            let mut found = self.find_lease(namespace, &name).await?;
            let others = |it: &Found| !it.holder.is_empty() && it.holder != holder && !is_gone(&it.holder);
            if let Some(it) = found.as_ref().filter(|it| others(it)) {
                if it.seems_alive(Timestamp::now()) {
                    return Err(it.held(environment));
                }
                found = self.watch_end((namespace, &name), environment, it, who).await?;
            }
            let (sent, acquired) = (Instant::now(), Timestamp::now());
            let body = body(namespace, &name, holder, acquired, terms, found.as_ref().map(|it| it.version.as_str()));
            match self.put_lease(namespace, &name, &body).await {
                Ok(()) => return Ok(self.held(namespace, name, holder, acquired, sent)),
                // Others were first, or a repeated request was done the first time.
                Err(error) if is_conflict(&error) => {
                    let now = self.find_lease(namespace, &name).await?;
                    if now.is_some_and(|it| it.holder == holder && same_time(it.acquired, acquired)) {
                        return Ok(self.held(namespace, name, holder, acquired, sent));
                    }
                }
                Err(error) => return Err(self.not_taken(error)),
            }
        }
        let found = self.find_lease(namespace, &name).await?;
        Err(found.unwrap_or_else(|| Found { holder: "somebody".to_owned(), ..Found::default() }).held(environment))
    }

    /// Watches a lease for as long as it lasts; what is there then. One that is renewed meanwhile is held.
    async fn watch_end(
        &self,
        (namespace, name): (&str, &str),
        environment: &str,
        found: &Found,
        who: Holder<'_>,
    ) -> Result<Option<Found>, ClusterError> {
        let lasts = Duration::from_secs(found.lasts.unsigned_abs());
        let began = Instant::now();
        loop {
            let left = lasts.saturating_sub(began.elapsed()).as_secs_f64().ceil();
            (who.watching)(&format!(
                "watching the lease of {}, which should have ended: unless it is renewed, it is ours in {left} s",
                found.holder
            ));
            sleep((lasts / 8).min(lasts.saturating_sub(began.elapsed()))).await;
            match self.find_lease(namespace, name).await? {
                Some(now) if now.version != found.version && !now.holder.is_empty() => {
                    return Err(now.held(environment));
                }
                Some(now) if now.version == found.version && began.elapsed() < lasts => {}
                now => return Ok(now),
            }
        }
    }

    fn held(&self, namespace: &str, name: String, holder: &str, acquired: Timestamp, sent: Instant) -> Lease {
        let terms = Terms::of(self.inner.pace.patience);
        let kept = Arc::new(Kept {
            cluster: self.clone(),
            namespace: namespace.to_owned(),
            name,
            holder: holder.to_owned(),
            acquired,
            terms,
            fence: Arc::new(Fence::new(sent + terms.ends())),
        });
        let (tell, lost) = watch::channel(None);
        let heartbeat = tokio::spawn(Arc::clone(&kept).beat(sent, tell));
        Lease { kept, heartbeat, lost }
    }

    fn not_taken(&self, error: WriteError) -> ClusterError {
        match error {
            WriteError::Refused { refusal: Refusal::Forbidden(right), message } => {
                ClusterError::Forbidden { right: Box::new(right), message }
            }
            WriteError::NotSent { reason } | WriteError::Unknown { reason } | WriteError::Stopped { why: reason } => {
                ClusterError::Unreachable { server: self.inner.server.address.clone(), reason, sent: true }
            }
            error @ WriteError::Refused { .. } => {
                ClusterError::Refused { what: "take the lease".to_owned(), message: error.to_string(), code: 0 }
            }
        }
    }

    async fn find_lease(&self, namespace: &str, name: &str) -> Result<Option<Found>, ClusterError> {
        let request = Request::get(path(&leases(), Some(namespace), Some(name)), format!("get the lease {name}"))
            .needs(Right::new("get", &leases(), Some(namespace)))
            .urgent();
        let found: Option<Value> = self.fetch(&request).await?;
        Ok(found.as_ref().map(Found::of))
    }

    /// Creates the Lease, or replaces the one of the version that the body names.
    async fn put_lease(&self, namespace: &str, name: &str, body: &Json) -> Result<(), WriteError> {
        let (method, at, verb) = if body["metadata"]["resourceVersion"].is_null() {
            (Method::POST, path(&leases(), Some(namespace), None), "create")
        } else {
            (Method::PUT, path(&leases(), Some(namespace), Some(name)), "update")
        };
        let request = Request::get(at, format!("take the lease {name}"))
            .needs(Right::new(verb, &leases(), Some(namespace)))
            .with(method, "application/json", body.to_string().into_bytes())
            .urgent();
        self.write_state(namespace, &request).await
    }
}

impl Kept {
    /// Renews the Lease until it is lost. `renewed` is when the last renewal was sent.
    async fn beat(self: Arc<Self>, mut renewed: Instant, lost: watch::Sender<Option<String>>) {
        let terms = self.terms;
        loop {
            sleep(terms.beat()).await;
            let sent = Instant::now();
            let left = terms.ends().saturating_sub(renewed.elapsed());
            match timeout(terms.beat().min(left), self.renew()).await {
                Ok(Ok(None)) => {
                    renewed = sent;
                    self.fence.extend(sent + terms.ends());
                }
                Ok(Ok(Some(why))) => {
                    self.fence.close();
                    lost.send_replace(Some(why));
                    return;
                }
                // One that fails or takes too long is made up for by the next one.
                Ok(Err(_)) | Err(_) => {}
            }
            if renewed.elapsed() >= terms.gives_up() {
                let seconds = renewed.elapsed().as_secs();
                lost.send_replace(Some(format!("the lease could not be renewed for {seconds} s")));
            }
            if renewed.elapsed() >= terms.ends() {
                return;
            }
        }
    }

    /// Renews the Lease; the reason where it is not ours any more.
    async fn renew(&self) -> Result<Option<String>, ClusterError> {
        let (namespace, name) = (&self.namespace, &self.name);
        let Some(found) = self.cluster.find_lease(namespace, name).await? else {
            return Ok(Some("the lease was deleted".to_owned()));
        };
        if !self.is_ours(&found) {
            return Ok(Some(format!("the lease was taken by {}", found.holder)));
        }
        let body = body(namespace, name, &self.holder, self.acquired, self.terms, Some(&found.version));
        match self.cluster.put_lease(namespace, name, &body).await {
            Ok(()) => Ok(None),
            Err(error) => Err(self.cluster.not_taken(error)),
        }
    }

    fn is_ours(&self, found: &Found) -> bool {
        found.holder == self.holder && same_time(found.acquired, self.acquired)
    }
}

impl Lease {
    /// Tells why it was lost as soon as it is: from then on nothing new must be begun.
    pub fn lost(&self) -> watch::Receiver<Option<String>> {
        self.lost.clone()
    }

    pub(super) fn fence(&self) -> Arc<Fence> {
        Arc::clone(&self.kept.fence)
    }

    /// Gives the Lease back, if it still is ours.
    pub async fn release(self) -> Result<(), ClusterError> {
        self.heartbeat.abort();
        let Kept { cluster, namespace, name, .. } = &*self.kept;
        for _ in 0..RACES {
            let Some(found) = cluster.find_lease(namespace, name).await?.filter(|it| self.kept.is_ours(it)) else {
                return Ok(());
            };
            let body = json!({"preconditions": {"resourceVersion": found.version}});
            let at = path(&leases(), Some(namespace), Some(name));
            let request = Request::get(at, format!("give the lease {name} back"))
                .needs(Right::new("delete", &leases(), Some(namespace)))
                .with(Method::DELETE, "application/json", body.to_string().into_bytes())
                .urgent();
            let answer = cluster.send(&request).await?;
            match answer.code {
                // A last sign of life came between.
                409 => {}
                // Who may not delete it leaves it to its end.
                403 | 404 => return Ok(()),
                _ if answer.is_success() => return Ok(()),
                _ => return Err(cluster.refused(&request, &answer)),
            }
        }
        Ok(())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.heartbeat.abort();
    }
}

fn body(namespace: &str, name: &str, holder: &str, acquired: Timestamp, terms: Terms, version: Option<&str>) -> Json {
    let mut metadata = json!({"name": name, "namespace": namespace});
    if let Some(version) = version {
        metadata["resourceVersion"] = version.into();
    }
    json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata,
        "spec": {
            "holderIdentity": holder, "leaseDurationSeconds": terms.lasts.as_secs(),
            "acquireTime": micro(acquired), "renewTime": micro(Timestamp::now()),
        },
    })
}

fn is_conflict(error: &WriteError) -> bool {
    matches!(error, WriteError::Refused { refusal: Refusal::Conflict, .. })
}

/// Whether a time that was written as `micro` writes it is this one.
fn same_time(written: Option<Timestamp>, time: Timestamp) -> bool {
    written.is_some_and(|it| it.as_microsecond() == time.as_microsecond())
}

/// A time as the API's `MicroTime` wants it.
fn micro(time: Timestamp) -> String {
    format!("{time:.6}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_believed_only_where_both_clocks_can_be_right() {
        let now: Timestamp = "2026-01-01T12:00:00Z".parse().unwrap();
        let renewed = |seconds: i64| Found {
            holder: "ci".to_owned(),
            renewed: Some(now + SignedDuration::from_secs(seconds)),
            lasts: 60,
            ..Found::default()
        };
        for (seconds, alive) in
            [(0, true), (-59, true), (4, true), (-60, false), (-3600, false), (6, false), (3600, false)]
        {
            assert_eq!(renewed(seconds).seems_alive(now), alive, "{seconds} s");
        }
        assert!(!Found::default().seems_alive(now));
    }

    #[test]
    fn a_holder_stops_before_others_may_begin() {
        for patience in [1, 2, 30, 300] {
            let terms = Terms::of(Duration::from_secs(patience));
            assert!(3 * terms.beat() < terms.gives_up(), "some renewals may fail");
            assert!(terms.gives_up() < terms.ends() && terms.ends() < terms.lasts, "{terms:?}");
        }
    }

    #[test]
    fn times_are_compared_as_they_are_written() {
        let now = Timestamp::now();
        assert!(same_time(micro(now).parse().ok(), now));
    }
}

//! One run at a time changes an environment, and one of several operators acts: a Lease says who.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value as Json, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::fence::Fence;
use super::kinds::leases;
use super::live::path;
use super::moment::Moment;
use super::request::Request;
use super::rights::Right;
use super::write::{Refusal, WriteError};
use super::{Cluster, ClusterError};
use weft_base::value::Value;

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
    kept: Arc<HeldLease>,
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

/// A held lease, shared by the holder and its heartbeat.
#[derive(Debug)]
struct HeldLease {
    cluster: Cluster,
    namespace: String,
    name: String,
    holder: String,
    acquired: Timestamp,
    terms: LeaseTerms,
    fence: Arc<Fence>,
}

/// How long a Lease lasts, and what follows from that.
#[derive(Clone, Copy, Debug)]
struct LeaseTerms {
    lasts: Duration,
    /// The time between two signs of life.
    beat: Duration,
    /// Without a renewal for so long, nothing new is begun.
    gives_up: Duration,
    /// Without a renewal for so long, nothing is written any more, and no answer is waited for.
    ends: Duration,
}

/// A request for a Lease.
struct LeaseRequest<'b> {
    namespace: &'b str,
    name: &'b str,
    who: Holder<'b>,
    terms: LeaseTerms,
    /// Whether one of a live holder is watched too.
    waits: bool,
}

/// The outcome of a lease request.
enum LeaseOutcome {
    Ours(Lease),
    Theirs(LeaseRecord),
}

/// A Lease as the server has it.
#[derive(Clone, Debug, Default)]
struct LeaseRecord {
    version: String,
    holder: String,
    acquired: Option<Timestamp>,
    renewed: Option<Timestamp>,
    lasts: i64,
}

impl LeaseTerms {
    /// As client-go's leaders have it: 15, 10 and 2 seconds.
    const LEADER: Self = Self {
        lasts: Duration::from_secs(15),
        beat: Duration::from_secs(2),
        gives_up: Duration::from_secs(10),
        ends: Duration::from_secs(10),
    };

    fn of(patience: Duration) -> Self {
        let lasts = Duration::from_secs((2 * patience.as_secs()).max(2));
        Self { lasts, beat: lasts / 6, gives_up: lasts * 2 / 3, ends: lasts * 9 / 10 }
    }
}

impl LeaseRequest<'_> {
    fn is_of_others(&self, found: &LeaseRecord) -> bool {
        !found.holder.is_empty() && found.holder != self.who.name && !(self.who.is_gone)(&found.holder)
    }
}

impl LeaseRecord {
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
        let name = format!("weft.{environment}").to_lowercase();
        let terms = LeaseTerms::of(self.inner.pace.patience);
        match self.bid(&LeaseRequest { namespace, name: &name, who, terms, waits: false }).await? {
            LeaseOutcome::Ours(lease) => Ok(lease),
            LeaseOutcome::Theirs(found) => Err(found.held(environment)),
        }
    }

    /// Waits for the Lease by which one of several processes leads, for as long as it takes. It lasts for 15 s, is
    /// renewed every 2 s, and its holder writes nothing when it could not renew it for 10 s.
    pub async fn lead(&self, namespace: &str, name: &str, who: Holder<'_>) -> Result<Lease, ClusterError> {
        let bid = LeaseRequest { namespace, name, who, terms: LeaseTerms::LEADER, waits: true };
        loop {
            if let LeaseOutcome::Ours(lease) = self.bid(&bid).await? {
                return Ok(lease);
            }
        }
    }

    async fn bid(&self, bid: &LeaseRequest<'_>) -> Result<LeaseOutcome, ClusterError> {
        for _ in 0..RACES {
            let mut found = self.find_lease(bid.namespace, bid.name).await?;
            if let Some(it) = found.as_ref().filter(|it| bid.is_of_others(it)) {
                if !bid.waits && it.seems_alive(Timestamp::now()) {
                    return Ok(LeaseOutcome::Theirs(it.clone()));
                }
                match self.watch_end(bid, it).await? {
                    Some(now) if now.version != it.version && bid.is_of_others(&now) => {
                        return Ok(LeaseOutcome::Theirs(now));
                    }
                    now => found = now,
                }
            }
            let sent = Moment::now();
            let acquired = Timestamp::now();
            let version = found.as_ref().map(|it| it.version.as_str());
            let body = body(bid.namespace, bid.name, bid.who.name, acquired, bid.terms, version);
            match self.put_lease(bid.namespace, bid.name, &body).await {
                Ok(()) => return Ok(LeaseOutcome::Ours(self.held(bid, acquired, sent))),
                // Others were first, or a repeated request was done the first time.
                Err(error) if is_conflict(&error) => {
                    let now = self.find_lease(bid.namespace, bid.name).await?;
                    if now.is_some_and(|it| it.holder == bid.who.name && same_time(it.acquired, acquired)) {
                        return Ok(LeaseOutcome::Ours(self.held(bid, acquired, sent)));
                    }
                }
                Err(error) => return Err(self.not_taken(error)),
            }
        }
        let found = self.find_lease(bid.namespace, bid.name).await?;
        let somebody = || LeaseRecord { holder: "somebody".to_owned(), ..LeaseRecord::default() };
        Ok(LeaseOutcome::Theirs(found.unwrap_or_else(somebody)))
    }

    /// Watches a lease for as long as it lasts, or until it changes; what is there then.
    async fn watch_end(
        &self,
        bid: &LeaseRequest<'_>,
        found: &LeaseRecord,
    ) -> Result<Option<LeaseRecord>, ClusterError> {
        let lasts = Duration::from_secs(found.lasts.unsigned_abs());
        let began = Moment::now();
        loop {
            let left = lasts.saturating_sub(began.elapsed()).as_secs_f64().ceil();
            (bid.who.watching)(&format!(
                "watching the lease of {}, which should have ended: unless it is renewed, it is ours in {left} s",
                found.holder
            ));
            sleep((lasts / 8).min(lasts.saturating_sub(began.elapsed()))).await;
            match self.find_lease(bid.namespace, bid.name).await? {
                Some(now) if now.version == found.version && began.elapsed() < lasts => {}
                now => return Ok(now),
            }
        }
    }

    fn held(&self, bid: &LeaseRequest<'_>, acquired: Timestamp, sent: Moment) -> Lease {
        let kept = Arc::new(HeldLease {
            cluster: self.clone(),
            namespace: bid.namespace.to_owned(),
            name: bid.name.to_owned(),
            holder: bid.who.name.to_owned(),
            acquired,
            terms: bid.terms,
            fence: Arc::new(Fence::new(sent + bid.terms.ends)),
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
                ClusterError::Unreachable { server: self.address().to_owned(), reason, sent: true }
            }
            error @ WriteError::Refused { .. } => {
                ClusterError::Refused { what: "take the lease".to_owned(), message: error.to_string(), code: 0 }
            }
        }
    }

    async fn find_lease(&self, namespace: &str, name: &str) -> Result<Option<LeaseRecord>, ClusterError> {
        let request = Request::get(path(&leases(), Some(namespace), Some(name)), format!("get the lease {name}"))
            .needs(Right::new("get", &leases(), Some(namespace)))
            .urgent();
        let found: Option<Value> = self.fetch(&request).await?;
        Ok(found.as_ref().map(LeaseRecord::of))
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

impl HeldLease {
    /// Renews the Lease until it is lost. `renewed` is when the last renewal was sent.
    async fn beat(self: Arc<Self>, mut renewed: Moment, lost: watch::Sender<Option<String>>) {
        let terms = self.terms;
        loop {
            sleep(terms.beat).await;
            let sent = Moment::now();
            let left = terms.ends.saturating_sub(renewed.elapsed());
            match timeout(terms.beat.min(left), self.renew()).await {
                Ok(Ok(None)) => {
                    renewed = sent;
                    self.fence.extend(sent + terms.ends);
                }
                Ok(Ok(Some(why))) => {
                    self.fence.close();
                    lost.send_replace(Some(why));
                    return;
                }
                // One that fails or takes too long is made up for by the next one.
                Ok(Err(_)) | Err(_) => {}
            }
            if renewed.elapsed() >= terms.gives_up {
                let seconds = renewed.elapsed().as_secs();
                lost.send_replace(Some(format!("the lease could not be renewed for {seconds} s")));
            }
            if renewed.elapsed() >= terms.ends {
                return;
            }
        }
    }

    /// Renews the Lease; the reason where it is not ours any more.
    async fn renew(&self) -> Result<Option<String>, ClusterError> {
        let namespace = &self.namespace;
        let name = &self.name;
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

    fn is_ours(&self, found: &LeaseRecord) -> bool {
        found.holder == self.holder && same_time(found.acquired, self.acquired)
    }
}

impl Lease {
    /// Tells why it was lost as soon as it is: from then on nothing new must be begun.
    pub fn lost(&self) -> watch::Receiver<Option<String>> {
        self.lost.clone()
    }

    /// Until when it may be relied on.
    pub fn fence(&self) -> Arc<Fence> {
        Arc::clone(&self.kept.fence)
    }

    /// Gives the Lease back, if it still is ours.
    pub async fn release(self) -> Result<(), ClusterError> {
        self.heartbeat.abort();
        let HeldLease { cluster, namespace, name, .. } = &*self.kept;
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

fn body(
    namespace: &str,
    name: &str,
    holder: &str,
    acquired: Timestamp,
    terms: LeaseTerms,
    version: Option<&str>,
) -> Json {
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
        let renewed = |seconds: i64| LeaseRecord {
            holder: "ci".to_owned(),
            renewed: Some(now + SignedDuration::from_secs(seconds)),
            lasts: 60,
            ..LeaseRecord::default()
        };
        for (seconds, alive) in
            [(0, true), (-59, true), (4, true), (-60, false), (-3600, false), (6, false), (3600, false)]
        {
            assert_eq!(renewed(seconds).seems_alive(now), alive, "{seconds} s");
        }
        assert!(!LeaseRecord::default().seems_alive(now));
    }

    #[test]
    fn a_holder_stops_before_others_may_begin() {
        for patience in [1, 2, 30, 300] {
            let terms = LeaseTerms::of(Duration::from_secs(patience));
            assert!(3 * terms.beat < terms.gives_up, "some renewals may fail");
            assert!(terms.gives_up < terms.ends && terms.ends < terms.lasts, "{terms:?}");
        }
        assert!(LeaseTerms::LEADER.ends + LeaseTerms::LEADER.beat < LeaseTerms::LEADER.lasts);
    }

    #[test]
    fn times_are_compared_as_they_are_written() {
        let now = Timestamp::now();
        assert!(same_time(micro(now).parse().ok(), now));
    }
}

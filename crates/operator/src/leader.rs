//! Elects which of several operators acts: the one that holds the Lease.
//!
//! A Lease fences nothing at the server: a write under way when it expires may still be done. So nothing is started if
//! the Lease was not renewed for 10 of its 15 seconds by this process's own clock, and every write is one that two
//! leaders at once can do without harm.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::sync::{oneshot, watch};
use tokio::time::sleep;

use crate::Metrics;
use weft_engine::cluster::{Cluster, ClusterError, Fence, Holder, Lease, Target, holder};

/// The Lease that makes one operator of a namespace the leader.
pub const LEASE: &str = "weaver-operator";

/// The time until a failed request for the Lease is repeated.
const PAUSE: Duration = Duration::from_secs(2);

/// A candidate's place in the election of a leader.
#[derive(Clone, Debug)]
pub struct Seat {
    /// The namespace of the Lease.
    pub namespace: String,
    /// Who we are: the pod's name. The process and its machine are added to it.
    pub instance: String,
}

/// Whether this process leads.
#[derive(Clone, Debug)]
pub struct Leading(watch::Receiver<Option<Arc<Fence>>>);

/// What makes a [`Leading`] true and false.
#[derive(Debug)]
pub struct LeadershipSender(watch::Sender<Option<Arc<Fence>>>);

impl Leading {
    /// One who leads from the beginning to the end, as long as the turn is kept.
    pub fn alone() -> (LeadershipSender, Self) {
        let (turn, leading) = watch::channel(Some(Arc::new(Fence::open())));
        (LeadershipSender(turn), Self(leading))
    }

    /// One of several, who does not lead yet; [`campaign`] changes that.
    pub fn contested() -> (LeadershipSender, Self) {
        let (turn, leading) = watch::channel(None);
        (LeadershipSender(turn), Self(leading))
    }

    /// Whether a write may be sent now. It is the clock that says so: also a process that was stopped for a while, and
    /// goes on before it hears that its Lease was lost, sends nothing.
    pub fn holds(&self) -> bool {
        self.0.borrow().as_ref().is_some_and(|fence| !fence.left().is_zero())
    }

    /// Waits until this process leads, or does not any more. It is false once the election is over.
    pub async fn becomes(&mut self, leads: bool) -> bool {
        self.0.wait_for(|turn| turn.is_some() == leads).await.is_ok()
    }
}

/// Runs for the Lease until `over`, and gives it back then. Who loses it runs again. An API server that is away, and
/// rights that are missing, are waited for; `tell` hears of each once.
pub async fn campaign(
    target: &Target,
    seat: &Seat,
    turn: &LeadershipSender,
    figures: &Metrics,
    over: oneshot::Receiver<()>,
    tell: &(dyn Fn(&ClusterError) + Sync),
) -> Result<(), ClusterError> {
    // Also a sender that is gone means the end.
    let over = over.map(drop).shared();
    let who = holder::process_of(&seat.instance);
    let mut told = String::new();
    loop {
        let lease = tokio::select! {
            () = over.clone() => return Ok(()),
            lease = bid(target, &seat.namespace, &who) => lease,
        };
        match lease {
            Ok(lease) => {
                told.clear();
                if hold(lease, turn, figures, over.clone()).await? {
                    return Ok(());
                }
            }
            Err(error) => {
                let text = error.to_string();
                if text != told {
                    tell(&error);
                    told = text;
                }
                tokio::select! { () = over.clone() => return Ok(()), () = sleep(PAUSE) => {} }
            }
        }
    }
}

async fn bid(target: &Target, namespace: &str, who: &str) -> Result<Lease, ClusterError> {
    Cluster::connect(target)
        .await?
        .lead(namespace, LEASE, Holder { name: who, is_gone: &holder::is_gone, watching: &|_| () })
        .await
}

/// Leads until the Lease is lost, or until the end, which is true.
async fn hold(
    lease: Lease,
    turn: &LeadershipSender,
    figures: &Metrics,
    over: impl Future<Output = ()>,
) -> Result<bool, ClusterError> {
    let mut lost = lease.lost();
    turn.0.send_replace(Some(lease.fence()));
    figures.leading.store(true, Ordering::Relaxed);
    let is_over = tokio::select! {
        () = over => true,
        _ = lost.wait_for(Option::is_some) => false,
    };
    turn.0.send_replace(None);
    figures.leading.store(false, Ordering::Relaxed);
    if is_over {
        lease.release().await?;
    }
    Ok(is_over)
}

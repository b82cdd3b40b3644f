//! How many requests are under way at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Requests in flight at first.
const FIRST: usize = 16;

/// A limit that adapts to the server: one more after each full round of answers, half as many after a 429.
///
/// There is no fixed request rate: a rate that suits one server is either slow or too much for another.
#[derive(Debug)]
pub(super) struct Flight {
    permits: Arc<Semaphore>,
    /// Permits that are to be withdrawn as soon as they come back.
    debt: AtomicUsize,
    round: Mutex<Round>,
    /// What the limit never exceeds.
    most: usize,
}

#[derive(Clone, Copy, Debug)]
struct Round {
    limit: usize,
    answered: usize,
    /// How often the limit was halved.
    halved: usize,
}

/// The right to have one request under way.
pub(super) struct Slot<'f> {
    flight: &'f Flight,
    permit: Option<OwnedSemaphorePermit>,
    /// How often the limit had been halved when the request began.
    halved: usize,
}

impl Flight {
    /// A limit that grows to `most`, which is at least one.
    pub(super) fn new(most: usize) -> Self {
        let most = most.max(1);
        let limit = FIRST.min(most);
        Self {
            permits: Arc::new(Semaphore::new(limit)),
            debt: AtomicUsize::new(0),
            round: Mutex::new(Round { limit, answered: 0, halved: 0 }),
            most,
        }
    }

    /// Waits until one more request may be sent.
    pub(super) async fn slot(&self) -> Slot<'_> {
        // The semaphore is never closed, so there always is a permit in the end.
        let permit = Arc::clone(&self.permits).acquire_owned().await.ok();
        let halved = self.round.lock().unwrap_or_else(PoisonError::into_inner).halved;
        Slot { flight: self, permit, halved }
    }

    /// How many requests may be under way now.
    #[cfg(test)]
    fn limit(&self) -> usize {
        self.round.lock().unwrap_or_else(PoisonError::into_inner).limit
    }
}

impl Slot<'_> {
    /// The server answered: after as many answers as the limit allows at once, the limit grows by one.
    pub(super) fn answered(&self) {
        let mut round = self.flight.round.lock().unwrap_or_else(PoisonError::into_inner);
        round.answered += 1;
        if round.answered >= round.limit && round.limit < self.flight.most {
            *round = Round { limit: round.limit + 1, answered: 0, ..*round };
            self.flight.permits.add_permits(1);
        }
    }

    /// The server asked for less: the limit is halved, once for all that were under way together.
    pub(super) fn throttled(&self) {
        let mut round = self.flight.round.lock().unwrap_or_else(PoisonError::into_inner);
        if round.halved != self.halved {
            return;
        }
        let limit = (round.limit / 2).max(1);
        self.flight.debt.fetch_add(round.limit - limit, Ordering::Relaxed);
        *round = Round { limit, answered: 0, halved: round.halved + 1 };
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let paid = self.flight.debt.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |debt| debt.checked_sub(1));
        if let (Ok(_), Some(permit)) = (paid, self.permit.take()) {
            permit.forget();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 64;

    #[tokio::test]
    async fn the_limit_grows_by_rounds_and_halves_when_throttled() {
        let flight = Flight::new(MOST);
        for _ in 0..FIRST {
            flight.slot().await.answered();
        }
        assert_eq!((flight.limit(), flight.permits.available_permits()), (17, 17));
        flight.slot().await.throttled();
        assert_eq!(flight.limit(), 8);
        for _ in 0..8 {
            drop(flight.slot().await);
        }
        assert_eq!(flight.permits.available_permits(), 8);
        for _ in 0..10_000 {
            flight.slot().await.answered();
        }
        assert_eq!((flight.limit(), flight.permits.available_permits()), (MOST, MOST));
    }

    #[tokio::test]
    async fn those_that_were_under_way_together_halve_it_once() {
        let flight = Flight::new(MOST);
        let together = futures::future::join_all((0..FIRST).map(|_| flight.slot())).await;
        together.iter().for_each(Slot::throttled);
        drop(together);
        assert_eq!((flight.limit(), flight.permits.available_permits()), (8, 8));
        let next = flight.slot().await;
        next.throttled();
        assert_eq!(flight.limit(), 4);
    }

    #[tokio::test]
    async fn the_limit_never_exceeds_what_is_allowed() {
        for most in [1, 3, 20] {
            let flight = Flight::new(most);
            for _ in 0..1000 {
                flight.slot().await.answered();
            }
            assert_eq!((flight.limit(), flight.permits.available_permits()), (most, most));
        }
    }
}

//! How many requests are under way at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Requests in flight at first.
const FIRST: usize = 16;
/// Requests in flight at most.
const MOST: usize = 64;

/// A limit that adapts to the server: one more after each full round of answers, half as many after a 429.
///
/// There is no fixed request rate: a rate that suits one server is either slow or too much for another.
#[derive(Debug)]
pub(super) struct Flight {
    permits: Arc<Semaphore>,
    /// Permits that are to be withdrawn as soon as they come back.
    debt: AtomicUsize,
    round: Mutex<Round>,
}

#[derive(Debug)]
struct Round {
    limit: usize,
    answered: usize,
}

/// The right to have one request under way.
pub(super) struct Slot<'f> {
    flight: &'f Flight,
    permit: Option<OwnedSemaphorePermit>,
}

impl Default for Flight {
    fn default() -> Self {
        Self {
            permits: Arc::new(Semaphore::new(FIRST)),
            debt: AtomicUsize::new(0),
            round: Mutex::new(Round { limit: FIRST, answered: 0 }),
        }
    }
}

impl Flight {
    /// Waits until one more request may be sent.
    pub(super) async fn slot(&self) -> Slot<'_> {
        // The semaphore is never closed, so there always is a permit in the end.
        let permit = Arc::clone(&self.permits).acquire_owned().await.ok();
        Slot { flight: self, permit }
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
        if round.answered >= round.limit && round.limit < MOST {
            *round = Round { limit: round.limit + 1, answered: 0 };
            self.flight.permits.add_permits(1);
        }
    }

    /// The server asked for less: the limit is halved.
    pub(super) fn throttled(&self) {
        let mut round = self.flight.round.lock().unwrap_or_else(PoisonError::into_inner);
        let halved = (round.limit / 2).max(1);
        self.flight.debt.fetch_add(round.limit - halved, Ordering::Relaxed);
        *round = Round { limit: halved, answered: 0 };
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

    #[tokio::test]
    async fn the_limit_grows_by_rounds_and_halves_when_throttled() {
        let flight = Flight::default();
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
}

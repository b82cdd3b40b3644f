//! Until when writes may be sent: what keeps a run from writing after its lease.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::moment::Moment;

/// A moment on this machine's own clock, after which nothing is written. Time in which the machine is suspended counts:
/// others count it too. It moves on while the lease is renewed.
#[derive(Debug)]
pub struct Fence {
    origin: Moment,
    /// In milliseconds since the origin.
    end: AtomicU64,
}

impl Fence {
    /// A fence at this moment.
    pub fn new(end: Moment) -> Self {
        let fence = Self { origin: Moment::now(), end: AtomicU64::new(1) };
        fence.extend(end);
        fence
    }

    /// One that never ends.
    pub fn open() -> Self {
        Self { origin: Moment::now(), end: AtomicU64::new(u64::MAX) }
    }

    /// Moves it on, never back.
    pub(super) fn extend(&self, end: Moment) {
        let end = end.since(self.origin).as_millis();
        let end = end.try_into().unwrap_or(u64::MAX);
        // One that was closed stays so.
        let _ = self.end.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |it| (it > 0).then(|| it.max(end)));
    }

    /// Ends it now, for good.
    pub(super) fn close(&self) {
        self.end.store(0, Ordering::SeqCst);
    }

    /// The time until it ends; zero where it has.
    pub fn left(&self) -> Duration {
        let end = Duration::from_millis(self.end.load(Ordering::SeqCst));
        end.saturating_sub(self.origin.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_moves_on_and_closes_for_good() {
        let now = Moment::now();
        let minute = Duration::from_secs(60);
        let fence = Fence::new(now + minute);
        assert!(fence.left() > minute / 2 && fence.left() <= minute);
        fence.extend(now + 3 * minute);
        fence.extend(now + 2 * minute);
        assert!(fence.left() > 2 * minute);
        fence.close();
        fence.extend(now + 9 * minute);
        assert_eq!(fence.left(), Duration::ZERO);
    }
}

//! When to visit an object again.

use std::time::Duration;

use crate::SyncReason;

/// How long an object that ended so waits for its next visit, if not for the interval alone. `attempts` is how often it
/// ended so in a row before.
pub fn pause(reason: SyncReason, attempts: u32) -> Option<Duration> {
    let (first, most) = match reason {
        // Either nothing is to be done, or an event says that it is; the interval is for a lost one.
        SyncReason::Synced
        | SyncReason::NoTargets
        | SyncReason::PartiallySynced
        | SyncReason::Paused
        | SyncReason::Drifted
        | SyncReason::TargetConflict
        | SyncReason::TargetIsSource
        | SyncReason::NamespaceMissing
        | SyncReason::SyncLoop
        | SyncReason::TooLarge
        | SyncReason::SourceNotFound => return None,
        // Rights are not watched. Most often what gives them comes right after the object, in the same apply.
        SyncReason::TargetForbidden | SyncReason::SourceForbidden | SyncReason::TokenDenied => (1, 300),
        SyncReason::ApiUnavailable => (1, 15),
        SyncReason::CleanupIncomplete | SyncReason::Pending => (1, 30),
        SyncReason::ServiceAccountNotFound
        | SyncReason::NamespaceTerminating
        | SyncReason::QuotaExceeded
        | SyncReason::ImmutableTarget
        | SyncReason::AdmissionDenied => (5, 300),
    };
    let doubled = 2u64.saturating_pow(attempts.min(16));
    Some(Duration::from_secs(doubled.saturating_mul(first).min(most)))
}

/// A time plus or minus up to a tenth, so that not all objects come at once. `dice` is from 0 to 1.
pub fn jittered(time: Duration, dice: f64) -> Duration {
    time.mul_f64(0.9 + 0.2 * dice.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_up_to_a_bound() {
        let of = |reason| [0, 1, 2, 40].map(|attempts| pause(reason, attempts).unwrap().as_secs());
        assert_eq!(of(SyncReason::TargetForbidden), [1, 2, 4, 300]);
        assert_eq!(of(SyncReason::ApiUnavailable), [1, 2, 4, 15]);
        assert_eq!(pause(SyncReason::Synced, 0), None);
    }

    #[test]
    fn jitter_is_a_tenth_to_both_sides() {
        let ten = Duration::from_secs(10);
        assert_eq!([0.0, 0.5, 1.0].map(|dice| jittered(ten, dice).as_millis()), [9_000, 10_000, 11_000]);
    }
}

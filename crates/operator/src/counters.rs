//! The operator's counters. None names an object, so a thousand objects have as many counters as one.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Upper bounds of the classes of a run's duration, in milliseconds.
pub const CLASSES: &[u64] = &[5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000];

/// Counters and gauges of one process, for metrics and for readiness.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Whether all stores were filled once.
    pub synced: AtomicBool,
    /// Whether the API server answers.
    pub reachable: AtomicBool,
    /// Whether this process leads.
    pub leading: AtomicBool,
    /// How many objects wait for a run.
    pub queue_depth: AtomicU64,
    /// Drift that was corrected.
    pub drift_corrected: AtomicU64,
    /// Copies that a deletion left behind.
    pub orphaned_children: AtomicU64,
    /// Tokens that were found in the cache.
    pub token_cache_hits: AtomicU64,
    /// Tokens that were not.
    pub token_cache_misses: AtomicU64,
    /// Watches that failed.
    pub watch_failures: AtomicU64,
    /// How many runs ended with each result.
    results: Mutex<BTreeMap<&'static str, u64>>,
    /// How many token requests ended with each result.
    tokens: Mutex<BTreeMap<&'static str, u64>>,
    /// How many requests had each status code; 0 for those without an answer.
    requests: Mutex<BTreeMap<u16, u64>>,
    /// How many targets are in each state.
    targets: Mutex<BTreeMap<&'static str, i64>>,
    /// The durations of runs: how many in each class, their sum in milliseconds, and how many in all.
    durations: Mutex<Durations>,
}

/// A distribution of durations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Durations {
    /// How many were at most as long as the bound of [`CLASSES`] at the same place.
    pub classes: [u64; CLASSES.len()],
    /// The sum in milliseconds.
    pub sum: u64,
    /// How many there were.
    pub count: u64,
}

impl Metrics {
    /// Notes the end of a run: `synced`, `pending`, `failed`, `paused`, `cleaned`, `unavailable`.
    pub fn ran(&self, result: &'static str, took: Duration) {
        add(&self.results, result, 1);
        let took = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let mut all = lock(&self.durations);
        for (count, bound) in all.classes.iter_mut().zip(CLASSES) {
            *count += u64::from(took <= *bound);
        }
        all.sum = all.sum.saturating_add(took);
        all.count += 1;
    }

    /// Notes that a watch failed; it begins again by itself.
    pub fn watch_failed(&self) {
        self.watch_failures.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes a token request: `granted`, `denied`, `missing`, `unavailable`.
    pub fn token(&self, result: &'static str) {
        add(&self.tokens, result, 1);
    }

    /// Counts an answer of the API server; 0 if none came.
    pub fn request(&self, code: u16) {
        add(&self.requests, code, 1);
    }

    /// Notes that as many more targets are in a state: `synced`, `pending`, `failed`, `conflict`.
    pub fn targets_changed(&self, state: &'static str, by: i64) {
        add(&self.targets, state, by);
    }

    /// How many runs ended with each result.
    pub fn results(&self) -> BTreeMap<&'static str, u64> {
        lock(&self.results).clone()
    }

    /// How many token requests ended with each result.
    pub fn tokens(&self) -> BTreeMap<&'static str, u64> {
        lock(&self.tokens).clone()
    }

    /// How many requests had each status code.
    pub fn requests(&self) -> BTreeMap<u16, u64> {
        lock(&self.requests).clone()
    }

    /// How many targets are in each state.
    pub fn targets(&self) -> BTreeMap<&'static str, i64> {
        lock(&self.targets).clone()
    }

    /// How long runs took.
    pub fn durations(&self) -> Durations {
        lock(&self.durations).clone()
    }

    /// Whether the process can do its work: it is synced, and the API server answers.
    pub fn is_ready(&self) -> bool {
        self.synced.load(Ordering::Relaxed) && self.reachable.load(Ordering::Relaxed)
    }
}

fn add<K: Ord, N: Default + std::ops::AddAssign>(counts: &Mutex<BTreeMap<K, N>>, key: K, by: N) {
    *lock(counts).entry(key).or_default() += by;
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

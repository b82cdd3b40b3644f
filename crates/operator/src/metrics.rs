//! The operator's counters as metrics.

use std::fmt::Display;
use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::{CLASSES, Metrics};
use weft_engine::telemetry::{Family, Kind};

/// The metrics of the operator, all of them whether or not something happened yet. None is about one object.
pub fn metrics(figures: &Metrics) -> Vec<Family> {
    let counter = |name, help| Family::new(name, Kind::Counter, help);
    let gauge = |name, help| Family::new(name, Kind::Gauge, help);
    let durations = figures.durations();
    let classes = CLASSES.iter().zip(durations.classes).map(|(bound, below)| (seconds(*bound), below));
    let cache = [("hit", &figures.token_cache_hits), ("miss", &figures.token_cache_misses)];
    vec![
        counter("weaver_reconcile_total", "Runs over an object, by how they ended.")
            .by("result", all(figures.results())),
        Family::new("weaver_reconcile_duration_seconds", Kind::Histogram, "How long a run over an object took.")
            .classes(classes, seconds(durations.sum), durations.count),
        gauge("weaver_targets", "Namespaces that are to have a copy, by their state.")
            .by("state", all(figures.targets())),
        counter("weaver_token_requests_total", "Requests for tokens, by how they ended.")
            .by("result", all(figures.tokens())),
        counter("weaver_token_cache_total", "Looks for a token in the cache.")
            .by("result", cache.map(|(name, count)| (name.to_owned(), read(count)))),
        counter("weaver_drift_corrected_total", "Copies that somebody changed, and that were repaired.")
            .value(read(&figures.drift_corrected)),
        counter("weaver_orphaned_children_total", "Copies that a deletion left behind.")
            .value(read(&figures.orphaned_children)),
        counter("weaver_api_requests_total", "Answers of the API server, by status; 0 where none came.")
            .by("code", all(figures.requests())),
        gauge("weaver_leader", "Whether this process leads.").value(flag(&figures.leading)),
        gauge("weaver_synced", "Whether all caches were filled.").value(flag(&figures.synced)),
        gauge("weaver_queue_depth", "Objects that wait for a run.").value(read(&figures.queue_depth)),
        gauge("weaver_build_info", "1, with the version of the program.")
            .by("version", [(env!("CARGO_PKG_VERSION").to_owned(), 1.0)]),
        gauge("process_resident_memory_bytes", "Memory of the process, in bytes.").value(resident()),
    ]
}

fn all<K: Display, V: Number>(counts: impl IntoIterator<Item = (K, V)>) -> Vec<(String, f64)> {
    counts.into_iter().map(|(key, value)| (key.to_string(), value.number())).collect()
}

/// What is counted, as the number that a metric has.
trait Number {
    fn number(self) -> f64;
}

#[expect(clippy::cast_precision_loss, reason = "nothing is counted more than 2^53 times")]
impl Number for u64 {
    fn number(self) -> f64 {
        self as f64
    }
}

#[expect(clippy::cast_precision_loss, reason = "nothing is counted more than 2^53 times")]
impl Number for i64 {
    fn number(self) -> f64 {
        self as f64
    }
}

fn read(count: &AtomicU64) -> f64 {
    count.load(Ordering::Relaxed).number()
}

fn flag(flag: &AtomicBool) -> f64 {
    f64::from(u8::from(flag.load(Ordering::Relaxed)))
}

fn seconds(milliseconds: u64) -> f64 {
    milliseconds.number() / 1000.0
}

/// The resident memory in bytes; only Linux reports it.
fn resident() -> f64 {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default();
    (kilobytes * 1024).number()
}

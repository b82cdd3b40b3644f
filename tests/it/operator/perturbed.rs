//! Sieve's three perturbations (Sun et al., OSDI 2022) at every write of an object's life: the operator dies before or
//! after the write, events of it are lost, or what is read around it is old. The life ends as it would have without.
//!
//! `WEFT_FAULTS=all cargo test --test it -- operator::perturbed` tries every write; otherwise a fixed sample of them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use serde_json::json;

use super::stage::{Running, Tenant, all_faults, at_once, until};
use crate::cases::code;
use crate::cli::proxy::{Answer, Events, Seen};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("operator::perturbed", "dies_before_a_write", || at_every_write(Kind::Before)),
        code("operator::perturbed", "dies_after_a_write", || at_every_write(Kind::After)),
        code("operator::perturbed", "hears_nothing_after_a_write", || at_every_write(Kind::Deaf)),
        code("operator::perturbed", "reads_what_was_before_a_write", || at_every_write(Kind::Stale)),
    ]
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Before,
    After,
    Deaf,
    Stale,
}

/// How many writes a life has, at most; those beyond the last are not reached.
const WRITES: usize = 16;
/// How many events of copies a life has.
const EVENTS: usize = 6;
/// The sample of writes.
const SAMPLE: &[usize] = &[0, 2, 4, 7, 9];

fn at_every_write(kind: Kind) -> Result<(), Failed> {
    let places: Vec<usize> = (0..WRITES).filter(|at| all_faults() || SAMPLE.contains(at)).collect();
    places.chunks(SAMPLE.len()).try_for_each(|some| {
        at_once(some, |at| {
            life(kind, *at)
                .map_err(|error| Failed::from(format!("{kind:?} at write {at}: {}", error.message().unwrap_or("?"))))
        })
    })
}

/// What is perturbed, and where it is.
struct Perturbed {
    kind: Kind,
    at: usize,
    targets: Vec<String>,
    writes: AtomicUsize,
    /// The write was reached, and the process is to die.
    cut: AtomicBool,
    /// The write was reached.
    reached: AtomicBool,
    /// What each read said last.
    reads: Mutex<HashMap<String, usize>>,
}

impl Perturbed {
    fn rule(&self, seen: &Seen) -> Answer {
        if self.cut.load(Ordering::SeqCst) {
            return Answer::Refused;
        }
        let is_write = seen.is_write() && !seen.path.contains("/events");
        if is_write && self.writes.fetch_add(1, Ordering::SeqCst) == self.at {
            self.reached.store(true, Ordering::SeqCst);
            match self.kind {
                Kind::Before => {
                    self.cut.store(true, Ordering::SeqCst);
                    return Answer::Refused;
                }
                Kind::After => {
                    self.cut.store(true, Ordering::SeqCst);
                    return Answer::Swallowed;
                }
                Kind::Deaf | Kind::Stale => {}
            }
        }
        match self.kind {
            Kind::Deaf if seen.is_watch() && seen.bare_path() == "/api/v1/configmaps" => {
                let (count, at, targets) = (AtomicUsize::new(0), self.at % EVENTS, self.targets.clone());
                let live = AtomicBool::new(!seen.path.contains("sendInitialEvents=true"));
                // Two events in a row of the copies are lost, at another place for each write.
                Answer::Watched(Events(Arc::new(move |event| {
                    let was_live = live.fetch_or(event.contains("initial-events-end"), Ordering::SeqCst);
                    let of_ours = targets.iter().any(|it| event.contains(&format!("\"namespace\":\"{it}\"")));
                    let lost = || [at, at + 1].contains(&count.fetch_add(1, Ordering::SeqCst));
                    !(was_live && of_ours && event.contains("\"settings\"") && lost())
                })))
            }
            Kind::Stale if self.reached.load(Ordering::SeqCst) && is_object(seen) => self.once_missing(seen),
            _ => Answer::Through,
        }
    }

    /// The first read of each object after the write says that it is not there, as a replica that is behind would.
    fn once_missing(&self, seen: &Seen) -> Answer {
        let mut reads = self.reads.lock().expect("no panic");
        let count = reads.entry(seen.path.clone()).or_default();
        *count += 1;
        let missing = "{\"kind\":\"Status\",\"status\":\"Failure\",\"reason\":\"NotFound\",\"message\":\"configmaps not found\",\"code\":404}";
        if *count == 1 {
            Answer::Old(Arc::new(crate::cli::proxy::answer_of(404, "", missing)))
        } else {
            Answer::Through
        }
    }
}

/// A read of one copy.
fn is_object(seen: &Seen) -> bool {
    seen.method == "GET" && seen.bare_path().contains("/namespaces/sync-to") && seen.bare_path().ends_with("/settings")
}

/// An object is made, its source is edited, a namespace is dropped, and it is deleted.
fn life(kind: Kind, at: usize) -> Result<(), Failed> {
    let tenant = Tenant::new(2);
    let perturbed = Arc::new(Perturbed {
        kind,
        at,
        targets: tenant.targets.clone(),
        writes: AtomicUsize::new(0),
        cut: AtomicBool::new(false),
        reached: AtomicBool::new(false),
        reads: Mutex::default(),
    });
    let ruling = Arc::clone(&perturbed);
    let mut operator = Running::start(&tenant, &[], move |seen| ruling.rule(seen));
    let mut step = |holds: &mut dyn FnMut() -> Result<(), String>, what: &str| {
        let mut forced = 0;
        let began = std::time::Instant::now();
        until(what, || {
            if perturbed.cut.load(Ordering::SeqCst) {
                operator.kill();
                perturbed.cut.store(false, Ordering::SeqCst);
                operator.again();
            }
            // What is lost is made good at the next interval, which is brought forward here.
            if began.elapsed() > Duration::from_secs(2 * (forced + 1)) && matches!(kind, Kind::Deaf | Kind::Stale) {
                forced += 1;
                force(&tenant, forced);
            }
            holds()
        })
    };
    let has = |namespace: &str, value: Option<&str>| {
        let now = super::stage::map_at(namespace, "settings").and_then(|it| it.data?.get("a").cloned());
        if now.as_deref() == value { Ok(()) } else { Err(format!("{namespace} has {now:?}")) }
    };
    let [one, two] = [tenant.targets[0].clone(), tenant.targets[1].clone()];
    let synced = || {
        let now = tenant.conditions("sync");
        if now.contains("Available=True/Synced") && !now.starts_with('(') { Ok(()) } else { Err(now) }
    };
    tenant.sync("sync", &json!({}));
    step(&mut || has(&one, Some("1")).and(has(&two, Some("1"))).and(synced()), "the copies are there")?;
    tenant.source(&json!({"a": "2"}));
    step(&mut || has(&one, Some("2")).and(has(&two, Some("2"))).and(synced()), "the edit followed")?;
    tenant.edit("sync", &json!({"spec": {"syncToNamespaces": [one]}}));
    step(&mut || has(&one, Some("2")).and(has(&two, None)).and(synced()), "one was pruned")?;
    crate::sandbox::shared().block_on(tenant.syncs().delete("sync", &kube::api::DeleteParams::default()))?;
    let gone = || {
        let found = crate::sandbox::shared().block_on(tenant.syncs().get_opt("sync")).expect("an answer");
        found.map_or(Ok(()), |it| Err(format!("{:?}", it.metadata.finalizers)))
    };
    step(&mut || gone().and(has(&one, None)), "all is gone")?;
    has(&two, None).map_err(Failed::from)
}

fn force(tenant: &Tenant, count: u64) {
    let annotation = json!({"metadata": {"annotations": {"weaver.example.com/reconcile-at": count.to_string()}}});
    let patch = kube::api::Patch::Merge(&annotation);
    let api = tenant.syncs();
    let _ = crate::sandbox::shared().block_on(api.patch("sync", &kube::api::PatchParams::default(), &patch));
}

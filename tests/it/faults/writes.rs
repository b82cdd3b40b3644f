//! One fault at one write, or from one write on.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use libtest_mimic::{Failed, Trial};

use super::fleet::Fleet;
use super::{all, truth};
use crate::cases::code;
use crate::cli::program::Run;
use crate::cli::proxy::{Answer, Proxy, Seen};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("faults", "at_each_write_conflict", || {
            each(0, &[0], |seen| match seen.method.as_str() {
                // Who creates is told of what is there, not of a race.
                "POST" => Answer::Through,
                _ => Answer::Says(409, RACED),
            })
        }),
        code("faults", "at_each_write_throttled", || each(1, &[0], |_| Answer::Later(1))),
        code("faults", "at_each_write_internal_error", || each(2, &[0], |_| Answer::Says(500, "something broke"))),
        code("faults", "at_each_write_unavailable", || each(3, &[0], |_| Answer::Says(503, "not now"))),
        code("faults", "at_each_write_timeout", || each(4, &[0], |_| Answer::Says(504, TIMEOUT))),
        code("faults", "at_each_write_timeout_though_done", || each(5, &[0], |_| Answer::Hides(504, TIMEOUT))),
        code("faults", "at_each_write_dropped", || each(6, &[0], |_| Answer::Refused)),
        code("faults", "at_each_write_dropped_though_done", || each(7, &[0], |_| Answer::Swallowed)),
        code("faults", "at_each_write_black_hole", || each(8, &[0], |_| Answer::Silence)),
        code("faults", "at_each_write_server_restarts", || each(9, &[0], |_| Answer::Gone(Duration::from_secs(1)))),
        code("faults", "from_each_write_on_lost", || from_each(3, &Answer::Refused)),
        code("faults", "from_each_write_on_lost_though_done", || from_each(6, &Answer::Swallowed)),
    ]
}

const RACED: &str = "Operation cannot be fulfilled on it: the object has been modified; please apply your changes to the latest version and try again";
const TIMEOUT: &str = "Timeout: request did not complete within requested timeout - context deadline exceeded";

/// The writes after the last inventories, before the lease is given back: a pack and a revision of each release.
pub const HISTORY: usize = 4;

/// How long the runs wait for a server that does not answer.
const PATIENCE: &str = "--patience 3s -o json";

/// How many writes the run has: the lease, the inventories, fifty objects and more.
fn writes() -> usize {
    static WRITES: OnceLock<usize> = OnceLock::new();
    *WRITES.get_or_init(|| {
        let mut fleet = Fleet::new("fault-none").expect("a fleet");
        let door = Proxy::open_wide();
        fleet.site.through(&door);
        let run = fleet.run(PATIENCE);
        run.ends_with(0).expect("no fault");
        fleet.site.as_before();
        truth::holds(&mut fleet, &run, &door).expect("the truth");
        let writes = door.seen().iter().filter(|it| is_of_the_run(it)).count();
        assert!(writes > 60, "{writes} writes");
        writes
    })
}

/// Heartbeats come when they come, and are not counted.
pub fn is_of_the_run(seen: &Seen) -> bool {
    seen.is_write() && !(seen.method == "PUT" && seen.path.contains("/leases/"))
}

/// The indices that are tried: all, or one in a fixed sample.
pub fn indices(fault: usize) -> Vec<usize> {
    let writes = writes();
    if all() {
        return (0..writes).collect();
    }
    // The lease, the inventories, objects of every sort, the last inventories, the lease again.
    let sample = [20, 0, 30, 2, writes - 2, 10, 40, 50, 1, writes - 12];
    vec![sample[fault % sample.len()].min(writes - 1)]
}

/// A run whose write number `index` gets this answer.
fn with(
    index: usize,
    lasting: bool,
    answer: impl Fn(&Seen) -> Answer + Send + Sync + 'static,
) -> Result<Tried, Failed> {
    let mut fleet = Fleet::new("fault")?;
    let count = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&count);
    let door = Proxy::open(move |seen| {
        let (now, counts) = (counting.load(Ordering::SeqCst), is_of_the_run(seen));
        if lasting && now > index {
            return Answer::Refused;
        }
        if counts && counting.fetch_add(1, Ordering::SeqCst) == index { answer(seen) } else { Answer::Through }
    });
    fleet.site.through(&door);
    let run = fleet.run(PATIENCE);
    fleet.site.as_before();
    Ok(Tried { fleet, door, run })
}

struct Tried {
    fleet: Fleet,
    door: Proxy,
    run: Run,
}

/// Tries a fault that passes at each index: the run ends as if nothing had happened.
fn each(fault: usize, codes: &[i32], answer: fn(&Seen) -> Answer) -> Result<(), Failed> {
    tried(indices(fault), |index| {
        let Tried { mut fleet, door, run } = with(index, false, answer)?;
        if !run.code.is_some_and(|code| codes.contains(&code)) {
            run.ends_with(codes[0])?;
        }
        truth::holds(&mut fleet, &run, &door)
    })
}

/// Tries a fault that never passes from each index on.
fn from_each(fault: usize, first: &Answer) -> Result<(), Failed> {
    tried(indices(fault), |index| {
        let first = first.clone();
        let Tried { mut fleet, door, run } = with(index, true, move |_| first.clone())?;
        let asked = door.answered().iter().filter(|(seen, _)| is_of_the_run(seen)).count();
        match run.code {
            // Nothing was changed, or nothing but the lease, the key and the inventories.
            Some(1) if index < 4 => {}
            Some(3) => {}
            // The lease alone is left; it ends by itself.
            Some(0) if asked + 1 >= writes() => {}
            // All is done, and the history of it is not written down, which is said.
            Some(0) if asked + 1 + HISTORY >= writes() => drop(run.says("The history")?),
            _ => return run.ends_with(3).map(drop),
        }
        truth::holds(&mut fleet, &run, &door)
    })
}

/// Tries each index; the failures say at which.
pub fn tried(indices: Vec<usize>, run: impl Fn(usize) -> Result<(), Failed>) -> Result<(), Failed> {
    let failed: Vec<String> = indices
        .into_iter()
        .filter_map(|index| {
            run(index).err().map(|error| format!("at write {index}: {}", error.message().unwrap_or_default()))
        })
        .collect();
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n\n").into()) }
}

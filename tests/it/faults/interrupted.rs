//! The program ends in the middle: killed at a write, before the server got it or after it was done, or told to end.

use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};
use rustix::process::{Pid, Signal, kill_process};

use super::fleet::Fleet;
use super::truth;
use super::writes::{HISTORY, indices, is_of_the_run, tried};
use crate::cases::code;
use crate::cli::program::Run;
use crate::cli::proxy::{Answer, Proxy};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("faults", "at_each_write_killed", || killed(6, &Answer::Refused)),
        code("faults", "at_each_write_killed_when_done", || killed(2, &Answer::Swallowed)),
        code("faults", "at_each_write_interrupted", || told(5, Signal::INT, 130)),
        code("faults", "at_each_write_terminated", || told(0, Signal::TERM, 143)),
        code("faults", "a_second_signal_ends_the_run_at_once", a_second_signal),
        code("faults", "a_deadline_ends_the_run", a_deadline_ends_the_run),
    ]
}

/// The writes after the last object: two inventories, the history, the lease.
const AFTER: usize = 2 + HISTORY + 1;

/// A child whose writes are counted by a door.
struct Watched {
    fleet: Fleet,
    door: Proxy,
    run: Run,
    /// Writes of the run before the one at the index was answered, and in all.
    writes: usize,
}

/// Runs the plan; when the write number `index` comes, this happens to the process, and then the request is answered.
fn at(index: usize, signal: Signal, answer: Answer, more: &str, hold: Duration) -> Result<Watched, Failed> {
    let mut fleet = Fleet::new("fault-end")?;
    let (count, child) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(None::<Pid>)));
    let (counting, process) = (Arc::clone(&count), Arc::clone(&child));
    let door = Proxy::open(move |seen| {
        if !is_of_the_run(seen) || counting.fetch_add(1, Ordering::SeqCst) != index {
            return Answer::Through;
        }
        // The process was noted before it could send anything.
        let process = process.lock().expect("no test panics here").expect("a process");
        if signal == Signal::KILL && matches!(answer, Answer::Refused) {
            let _ = kill_process(process, signal);
        } else if signal != Signal::KILL {
            let _ = kill_process(process, signal);
            // The process has to get it before its request goes on.
            std::thread::sleep(hold);
        }
        answer.clone()
    });
    fleet.site.through(&door);
    let mut command = fleet.site.command(&format!("{} {more}", Fleet::apply()));
    let spawned = {
        let mut noted = child.lock().expect("no test panics here");
        let spawned = spawn(&mut command);
        *noted = i32::try_from(spawned.id()).ok().and_then(Pid::from_raw);
        spawned
    };
    let run = fleet.site.desk.read(&spawned.wait_with_output()?);
    fleet.site.as_before();
    let writes = count.load(Ordering::SeqCst);
    Ok(Watched { fleet, door, run, writes })
}

fn spawn(command: &mut Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program")
}

/// `kill -9`. Where the server does it first, the answer is swallowed, and the process ends before it can go on.
fn killed(fault: usize, answer: &Answer) -> Result<(), Failed> {
    tried(indices(fault), |index| {
        let Watched { mut fleet, door, run, .. } = match answer {
            Answer::Swallowed => killed_when_done(index)?,
            _ => at(index, Signal::KILL, answer.clone(), "", Duration::ZERO)?,
        };
        if run.code.is_some() {
            return Err(format!("it ended by itself: {run:?}").into());
        }
        truth::holds(&mut fleet, &run, &door)
    })
}

/// The process is killed when the server has done the write, and before it is told.
fn killed_when_done(index: usize) -> Result<Watched, Failed> {
    let mut fleet = Fleet::new("fault-kill")?;
    let count = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&count);
    let door = Proxy::open(move |seen| {
        let now = counting.load(Ordering::SeqCst);
        if now > index {
            // It was killed by now, or is about to be.
            return Answer::Silence;
        }
        if is_of_the_run(seen) && counting.fetch_add(1, Ordering::SeqCst) == index {
            return Answer::Swallowed;
        }
        Answer::Through
    });
    fleet.site.through(&door);
    let mut child = spawn(&mut fleet.site.command(&Fleet::apply()));
    while count.load(Ordering::SeqCst) <= index {
        if !matches!(child.try_wait(), Ok(None)) {
            break;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    // The server does what it got.
    std::thread::sleep(Duration::from_millis(300));
    let killed = child.kill();
    let run = fleet.site.desk.read(&child.wait_with_output()?);
    killed?;
    fleet.site.as_before();
    Ok(Watched { fleet, door, run, writes: count.load(Ordering::SeqCst) })
}

/// Ctrl-C and its kin: what is under way ends, nothing else is begun, and the inventories are exact.
fn told(fault: usize, signal: Signal, code: i32) -> Result<(), Failed> {
    tried(indices(fault), |index| {
        let hold = Duration::from_millis(300);
        let Watched { mut fleet, door, run, writes } =
            at(index, signal, Answer::Through, "-o json --concurrency 4", hold)?;
        // Four objects are under way; whoever is told with the last of them finds all done.
        let ended = run.code == Some(code) || (run.code == Some(0) && index + 4 + AFTER >= writes);
        if !ended {
            run.ends_with(code)?;
        }
        // Some of the four take two writes, and two more may be sent before the signal arrives.
        if run.code == Some(code) && writes > index + 10 + AFTER {
            return Err(format!("{} writes after it was told", writes - index).into());
        }
        truth::holds(&mut fleet, &run, &door)
    })
}

/// The server does not answer any more; the first signal waits for that, the second does not.
fn a_second_signal() -> Result<(), Failed> {
    let mut fleet = Fleet::new("fault-twice")?;
    let held = Arc::new(AtomicUsize::new(0));
    let holding = Arc::clone(&held);
    let door = Proxy::open(move |seen| {
        if seen.path.contains("/configmaps/app-") && seen.is_write() {
            holding.fetch_add(1, Ordering::SeqCst);
            return Answer::Silence;
        }
        Answer::Through
    });
    fleet.site.through(&door);
    let child = spawn(&mut fleet.site.command(&format!("{} -o json --concurrency 2", Fleet::apply())));
    let process = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a process");
    while held.load(Ordering::SeqCst) < 2 {
        std::thread::sleep(Duration::from_millis(20));
    }
    let told = kill_process(process, Signal::INT);
    std::thread::sleep(Duration::from_millis(300));
    let began = Instant::now();
    let again = kill_process(process, Signal::INT);
    let run = fleet.site.desk.read(&child.wait_with_output()?);
    told.and(again)?;
    if began.elapsed() > Duration::from_secs(3) {
        return Err(format!("it took {:?}", began.elapsed()).into());
    }
    fleet.site.as_before();
    run.ends_with(130)?.says("The run was ended at once.")?.says("The lease was not given back")?;
    run.says("the run was ended while it was under way")?;
    truth::holds(&mut fleet, &run, &door)
}

fn a_deadline_ends_the_run() -> Result<(), Failed> {
    let mut fleet = Fleet::new("fault-deadline")?;
    let door = Proxy::open(|seen| {
        if seen.path.contains("/configmaps/app-") && seen.is_write() {
            std::thread::sleep(Duration::from_millis(1500));
        }
        Answer::Through
    });
    fleet.site.through(&door);
    let run = fleet.run("-o json --deadline 1s --concurrency 2");
    fleet.site.as_before();
    run.ends_with(3)?.says("the run took longer than 1 s")?;
    truth::holds(&mut fleet, &run, &door)
}

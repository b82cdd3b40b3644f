//! Runs that end half-way: the API server is lost, or a signal comes. What was done, what was not and what is unknown is
//! told, and the next run converges.

use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};
use rustix::process::{Pid, Signal, kill_process};

use super::program::Run;
use super::proxy::{Answer, Proxy};
use super::site::Site;
use crate::cases::code;

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("cli", "lost_before_anything", before_anything),
        code("cli", "lost_half_way", half_way),
        code("cli", "lost_before_the_last_inventory", before_the_last_inventory),
        code("cli", "signal_interrupt", || signalled(Signal::INT, 130)),
        code("cli", "signal_terminate", || signalled(Signal::TERM, 143)),
        code("cli", "signal_kill", killed),
    ]
}

/// Three releases, each of which needs the one before.
fn chain(prefix: &str) -> Site {
    let site = Site::with_web(prefix);
    site.releases(&[
        "{name: first, chart: web}",
        "{name: second, chart: web, needs: [first]}",
        "{name: third, chart: web, needs: [second]}",
    ]);
    site
}

/// Runs an apply through a door that shuts for ever at the first request that `last` says yes to.
fn cut(site: &mut Site, last: impl Fn(&str) -> bool + Send + Sync + 'static, answer: fn() -> Answer) -> Run {
    let shut = Arc::new(AtomicBool::new(false));
    let door = Proxy::open(move |seen| match () {
        () if shut.load(Ordering::SeqCst) => Answer::Refused,
        () if seen.is_write() && last(seen.path.split('?').next().unwrap_or_default()) => {
            shut.store(true, Ordering::SeqCst);
            answer()
        }
        () => Answer::Through,
    });
    site.through(&door);
    let run = site.run("apply dev --yes --patience 2s");
    site.as_before();
    run
}

/// The next run does what is left, and the one after that has nothing to do.
fn converges(site: &Site) -> Result<(), Failed> {
    let run = site.expect("apply dev --yes", 0)?;
    run.keeps_quiet_about("delete")?;
    for name in ["first", "second", "third"] {
        site.data(name).ok_or_else(|| format!("`{name}` is not there"))?;
    }
    site.expect("plan dev --exit-code", 0)?.says("nothing to change (3 objects)").map(drop)
}

fn before_anything() -> Result<(), Failed> {
    let mut site = chain("lost-first");
    let run = cut(&mut site, |path| path.contains("/leases"), || Answer::Refused);
    run.ends_with(1)?.says("error: no answer from")?.keeps_quiet_about("applied")?;
    if site.data("first").is_some() {
        return Err("something was applied".into());
    }
    converges(&site)
}

fn half_way() -> Result<(), Failed> {
    let mut site = chain("lost");
    let run = cut(&mut site, |path| path.ends_with("/configmaps/second"), || Answer::Swallowed);
    run.ends_with(3)?.says("1 applied")?;
    run.says(&format!("unknown ConfigMap {}/second: connection closed", site.namespace))?;
    run.says(&format!("skipped ConfigMap {}/third: the API server was lost", site.namespace))?;
    converges(&site)
}

fn before_the_last_inventory() -> Result<(), Failed> {
    let mut site = chain("lost-last");
    let run = cut(&mut site, |path| path.ends_with("/configmaps/third"), || Answer::Swallowed);
    run.ends_with(3)?.says("2 applied")?.says("unknown")?.says("inventory")?;
    converges(&site)
}

/// Runs an apply until it writes `second`, does something to the process, and lets it go on.
fn held(site: &mut Site, then: impl FnOnce(&Child)) -> Run {
    let (came, go) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (coming, going) = (Arc::clone(&came), Arc::clone(&go));
    let door = Proxy::open(move |seen| {
        if seen.writes("/configmaps/second") {
            coming.store(true, Ordering::SeqCst);
            wait_for(&going);
        }
        Answer::Through
    });
    site.through(&door);
    let mut command = site.command("apply dev --yes");
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program");
    wait_for(&came);
    then(&child);
    go.store(true, Ordering::SeqCst);
    let run = site.desk.read(&child.wait_with_output().expect("its output"));
    site.as_before();
    run
}

/// Waits until somebody sets the flag.
pub fn wait_for(flag: &AtomicBool) {
    let began = Instant::now();
    while !flag.load(Ordering::SeqCst) {
        assert!(began.elapsed() < Duration::from_secs(60), "nothing came");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Sends a signal to a process.
pub fn send(child: &Child, signal: Signal) {
    let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a process");
    kill_process(id, signal).expect("a signal");
    // The process has to get it before its request goes on.
    std::thread::sleep(Duration::from_millis(300));
}

fn signalled(signal: Signal, code: i32) -> Result<(), Failed> {
    let mut site = chain("signal");
    let run = held(&mut site, |child| send(child, signal));
    run.ends_with(code)?.says("2 applied")?;
    run.says(&format!("skipped ConfigMap {}/third: the run was interrupted", site.namespace))?;
    converges(&site)
}

fn killed() -> Result<(), Failed> {
    let mut site = chain("kill");
    let run = held(&mut site, |child| send(child, Signal::KILL));
    if run.code.is_some() {
        return Err(format!("it ended by itself: {run:?}").into());
    }
    converges(&site)
}

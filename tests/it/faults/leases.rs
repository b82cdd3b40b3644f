//! Who may write: a lease that is taken over or cannot be renewed, holders that died, clocks that are wrong, two at once.

use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Api, Patch, PatchParams, PostParams};
use libtest_mimic::{Failed, Trial};
use serde_json::json;

use super::fleet::{Fleet, live};
use super::truth;
use crate::cases::code;
use crate::cli::proxy::{Answer, Proxy, Seen};
use crate::cli::site::Site;
use crate::sandbox::shared;

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("faults", "lease_taken_over_stops_the_run", taken_over),
        code("faults", "lease_not_renewed_stops_the_run", not_renewed),
        code("faults", "lease_of_a_dead_holder_is_taken", of_a_dead_holder),
        code("faults", "lease_that_is_renewed_is_left_alone", renewed_by_a_wrong_clock),
        code("faults", "lease_of_a_live_holder_is_refused_at_once", of_a_live_holder),
        code("faults", "lease_two_at_once", two_at_once),
        code("faults", "lease_is_given_back_where_nothing_can_begin", given_back),
    ]
}

const NAME: &str = "weft.dev";

fn leases(site: &Site) -> Api<Lease> {
    Api::namespaced(shared().client(), &site.state())
}

/// Puts a lease of somebody else there, renewed this long ago by its own clock.
fn of_others(site: &Site, ago: i64, lasts: i64) -> Result<(), Failed> {
    let renewed = Timestamp::now() - SignedDuration::from_secs(ago);
    let lease = json!({"metadata": {"name": NAME}, "spec": {
        "holderIdentity": "ci@elsewhere (process 7, machine 00000000)", "leaseDurationSeconds": lasts,
        "acquireTime": format!("{renewed:.6}"), "renewTime": format!("{renewed:.6}"),
    }});
    let lease: Lease = serde_json::from_value(lease)?;
    shared().block_on(leases(site).create(&PostParams::default(), &lease))?;
    Ok(())
}

fn take_over(site: &Site) {
    let spec = json!({"spec": {"holderIdentity": "ci@elsewhere", "renewTime": format!("{:.6}", Timestamp::now())}});
    shared()
        .block_on(async { leases(site).patch(NAME, &PatchParams::default(), &Patch::Merge(&spec)).await })
        .expect("a lease");
}

/// Whether a request is a write of an object or an inventory.
fn is_object(seen: &Seen) -> bool {
    seen.is_write() && !seen.path.contains("/leases")
}

/// A site whose first write of an object waits until it is let go; the lease lasts six seconds.
struct Held {
    fleet: Fleet,
    door: Proxy,
    came: Arc<AtomicBool>,
    go: Arc<AtomicBool>,
    /// Whether renewals get through.
    renews: Arc<AtomicBool>,
}

impl Held {
    fn new(prefix: &str) -> Result<Self, Failed> {
        let mut fleet = Fleet::new(prefix)?;
        let [came, go, renews] = [false, false, true].map(|it| Arc::new(AtomicBool::new(it)));
        let (coming, going, renewing) = (Arc::clone(&came), Arc::clone(&go), Arc::clone(&renews));
        let door = Proxy::open(move |seen| {
            if seen.path.contains("/leases") && !renewing.load(Ordering::SeqCst) {
                return Answer::Refused;
            }
            if seen.is_write() && seen.path.contains("/configmaps/") {
                coming.store(true, Ordering::SeqCst);
                wait_for(&going);
            }
            Answer::Through
        });
        fleet.site.through(&door);
        Ok(Self { fleet, door, came, go, renews })
    }
}

fn wait_for(flag: &AtomicBool) {
    let began = Instant::now();
    while !flag.load(Ordering::SeqCst) {
        assert!(began.elapsed() < Duration::from_secs(60), "nothing came");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Runs the plan until objects are being written, does something, and lets it go on when the heartbeat has noticed.
fn stopped(held: Held, then: impl FnOnce(&Held), notice: Duration, says: &str) -> Result<(), Failed> {
    let mut command = held.fleet.site.command(&format!("{} --patience 3s --concurrency 4 -o json", Fleet::apply()));
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    wait_for(&held.came);
    then(&held);
    std::thread::sleep(notice);
    let before = held.door.seen().into_iter().filter(is_object).count();
    held.go.store(true, Ordering::SeqCst);
    let run = held.fleet.site.desk.read(&child.wait_with_output()?);
    run.ends_with(3)?.says(says)?;
    let after = held.door.seen().into_iter().filter(is_object).count();
    if after != before {
        return Err(format!("{} writes without the lease", after - before).into());
    }
    let Held { mut fleet, door, .. } = held;
    fleet.site.as_before();
    // Whoever took it is done.
    let _ = shared().block_on(leases(&fleet.site).delete(NAME, &kube::api::DeleteParams::default()));
    truth::holds(&mut fleet, &run, &door)
}

fn taken_over() -> Result<(), Failed> {
    let held = Held::new("lease-taken")?;
    stopped(held, |held| take_over(&held.fleet.site), Duration::from_secs(3), "the lease was taken by ci@elsewhere")
}

fn not_renewed() -> Result<(), Failed> {
    let held = Held::new("lease-silent")?;
    let silent = |held: &Held| held.renews.store(false, Ordering::SeqCst);
    stopped(held, silent, Duration::from_secs(6), "the lease could not be renewed for")
}

/// Neither a clock that is behind nor one that is ahead keeps a dead holder alive, or lets a run begin at once.
fn of_a_dead_holder() -> Result<(), Failed> {
    for ago in [7200, -7200] {
        let site = Site::with_web("lease-dead");
        site.expect("apply dev --yes", 0)?;
        site.chart("web", "greeting: Again\nport: 80\n", crate::cli::site::WEB);
        of_others(&site, ago, 2)?;
        let began = Instant::now();
        let run = site.expect("apply dev --yes", 0)?;
        run.says("1 applied")?
            .says("watching the lease of ci@elsewhere (process 7, machine 00000000), which should")?;
        if began.elapsed() < Duration::from_secs(2) {
            return Err(format!("renewed {ago} s ago: it was not watched").into());
        }
    }
    Ok(())
}

/// A holder whose clock is two hours behind lives: it renews its lease.
fn renewed_by_a_wrong_clock() -> Result<(), Failed> {
    let site = Site::with_web("lease-behind");
    site.expect("apply dev --yes", 0)?;
    site.chart("web", "greeting: Again\nport: 80\n", crate::cli::site::WEB);
    of_others(&site, 7200, 4)?;
    let mut command = site.command("apply dev --yes");
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let began = Instant::now();
    let mut beat = 0;
    while began.elapsed() < Duration::from_secs(6) {
        let renewed = Timestamp::now() - SignedDuration::from_secs(7200 - beat);
        let spec = json!({"spec": {"renewTime": format!("{renewed:.6}")}});
        shared().block_on(leases(&site).patch(NAME, &PatchParams::default(), &Patch::Merge(&spec)))?;
        beat += 1;
        std::thread::sleep(Duration::from_millis(500));
    }
    let run = site.desk.read(&child.wait_with_output()?);
    run.ends_with(4)?.says("environment `dev` is being applied by ci@elsewhere")?;
    if site.data("web").is_some_and(|it| it.contains("Again")) { Err("it was applied".into()) } else { Ok(()) }
}

fn of_a_live_holder() -> Result<(), Failed> {
    let site = Site::with_web("lease-alive");
    site.expect("apply dev --yes", 0)?;
    site.chart("web", "greeting: Again\nport: 80\n", crate::cli::site::WEB);
    of_others(&site, 1, 60)?;
    let began = Instant::now();
    site.expect("apply dev --yes", 4)?.says("environment `dev` is being applied by ci@elsewhere")?;
    if began.elapsed() > Duration::from_secs(20) { Err("it took too long".into()) } else { Ok(()) }
}

/// The key of fingerprints may not be kept, which is found out under the lease.
fn given_back() -> Result<(), Failed> {
    let mut site = Site::with_web("lease-back");
    let door = Proxy::open(|seen| {
        let keeps_key = seen.method == "POST" && seen.bare_path().ends_with("/secrets");
        if keeps_key { Answer::Says(403, "secrets are not to be created here") } else { Answer::Through }
    });
    site.through(&door);
    site.expect("apply dev --yes", 1)?.says("secrets are not to be created here")?;
    site.as_before();
    let left = shared().block_on(leases(&site).list(&kube::api::ListParams::default()))?.items;
    if left.is_empty() { Ok(()) } else { Err(format!("{left:?} is left").into()) }
}

/// Two processes, one plan: one of them applies it, the other is refused or finds it done; nothing is made twice.
fn two_at_once() -> Result<(), Failed> {
    let mut fleet = Fleet::new("lease-two")?;
    let door = Proxy::open_wide();
    fleet.site.through(&door);
    let spawn = || {
        let mut command = fleet.site.command(&Fleet::apply());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()
    };
    let children = [spawn()?, spawn()?];
    let runs = children.map(Child::wait_with_output);
    let mut codes = Vec::new();
    for run in runs {
        let run = fleet.site.desk.read(&run?);
        if run.code == Some(4) && !run.stderr.contains("is being applied by") && !run.stderr.contains("is stale") {
            run.ends_with(0)?;
        }
        codes.push(run.code.unwrap_or_default());
    }
    if !codes.contains(&0) || codes.iter().any(|it| ![0, 4].contains(it)) {
        return Err(format!("they ended with {codes:?}").into());
    }
    let now = live(&fleet.site.namespace)?;
    if now.keys().ne(Fleet::after().iter()) {
        return Err(format!("there are {:?}", now.keys()).into());
    }
    fleet.site.as_before();
    truth::converges(&mut fleet, &door)
}

//! How fast a server is asked: never more at once than allowed, less when it says so, and again only after the time it asks for.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use libtest_mimic::{Failed, Trial};

use super::fleet::Fleet;
use super::truth;
use crate::cases::code;
use crate::cli::proxy::{Answer, Proxy, Seen};
use crate::cli::site::Site;

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("faults", "concurrency_is_never_exceeded", never_more_than_allowed),
        code("faults", "throttled_it_slows_down", throttled),
        code("faults", "throttled_for_ever_it_ends", throttled_for_ever),
        code("faults", "every_third_request_fails", every_third),
        code("faults", "a_stale_list_deletes_nothing_newer", stale_list),
    ]
}

fn never_more_than_allowed() -> Result<(), Failed> {
    for most in [1, 5] {
        let mut fleet = Fleet::new("pace")?;
        // A slow server fills what is allowed.
        let door = Proxy::open(|_| {
            std::thread::sleep(Duration::from_millis(5));
            Answer::Through
        });
        fleet.site.through(&door);
        let run = fleet.run(&format!("--concurrency {most} -o json"));
        fleet.site.as_before();
        run.ends_with(0)?;
        if door.most() != most {
            return Err(format!("{} requests at once, and {most} are allowed", door.most()).into());
        }
        truth::holds(&mut fleet, &run, &door)?;
    }
    Ok(())
}

/// The first writes of objects are asked to come again after a second.
fn throttled() -> Result<(), Failed> {
    let mut fleet = Fleet::new("pace-429")?;
    let count = AtomicUsize::new(0);
    let door = Proxy::open(move |seen| {
        let object = is_object(seen);
        if object && count.fetch_add(1, Ordering::SeqCst) < 10 { Answer::Later(1) } else { Answer::Through }
    });
    fleet.site.through(&door);
    let run = fleet.run("-o json");
    fleet.site.as_before();
    run.ends_with(0)?;
    let mut by_path: BTreeMap<String, Vec<Seen>> = BTreeMap::new();
    for seen in door.seen().into_iter().filter(is_object) {
        by_path.entry(format!("{} {}", seen.method, seen.path)).or_default().push(seen);
    }
    let again: Vec<_> = by_path.values().filter(|it| it.len() > 1).collect();
    if again.len() < 5 {
        return Err(format!("{} requests came again", again.len()).into());
    }
    if again.iter().any(|it| it[1].at.duration_since(it[0].at) < Duration::from_millis(990)) {
        return Err("a request came again too early".into());
    }
    truth::holds(&mut fleet, &run, &door)
}

fn is_object(seen: &Seen) -> bool {
    let kinds = ["/configmaps/", "/secrets/", "/services/"];
    seen.is_write() && kinds.iter().any(|it| seen.path.contains(it)) && !seen.path.contains("-state/")
}

fn throttled_for_ever() -> Result<(), Failed> {
    let mut fleet = Fleet::new("pace-ever")?;
    let door = Proxy::open(|seen| if is_object(seen) { Answer::Later(0) } else { Answer::Through });
    fleet.site.through(&door);
    let run = fleet.run("-o json");
    fleet.site.as_before();
    // The inventories were written, and no object.
    run.ends_with(1)?.says("the API server was lost: the server says 429")?;
    let tried = door.seen().into_iter().filter(is_object).count();
    if tried > 11 * 64 {
        return Err(format!("{tried} tries").into());
    }
    truth::holds(&mut fleet, &run, &door)
}

fn every_third() -> Result<(), Failed> {
    let answers =
        [Answer::Later(1), Answer::Says(503, "not now"), Answer::Says(500, "something broke"), Answer::Refused];
    let mut fleet = Fleet::new("pace-third")?;
    let count = AtomicUsize::new(0);
    let door = Proxy::open(move |_| {
        let now = count.fetch_add(1, Ordering::SeqCst);
        if now % 3 == 2 { answers[now / 3 % answers.len()].clone() } else { Answer::Through }
    });
    fleet.site.through(&door);
    let run = fleet.run("-o json --concurrency 8");
    fleet.site.as_before();
    run.ends_with(0)?;
    truth::holds(&mut fleet, &run, &door)
}

/// The plan is made from an old LIST, in which an object is that somebody has made again since.
fn stale_list() -> Result<(), Failed> {
    let mut site = Site::with_web("stale");
    site.releases(&["{name: web, chart: web}", "{name: old, chart: web}"]);
    site.expect("apply dev --yes", 0)?;
    let old = site.old_list()?;
    site.delete("old");
    site.create("old", "somebody")?;
    let there = site.data("old");
    site.releases(&["{name: web, chart: web}"]);
    let door = Proxy::open(move |seen| match seen.method.as_str() {
        "GET" if seen.bare_path().ends_with("/configmaps") => Answer::Old(old.clone()),
        _ => Answer::Through,
    });
    site.through(&door);
    let run = site.run("apply dev --yes --remove-release old");
    site.as_before();
    run.ends_with(1)?.says("somebody made it again since the plan was made")?;
    if site.data("old") != there {
        return Err("an object was deleted that the plan never saw".into());
    }
    site.expect("apply dev --yes --remove-release old", 0)?;
    if site.data("old") != there {
        return Err("the next run deleted it".into());
    }
    site.expect("plan dev --exit-code", 0)?.says("nothing to change").map(drop)
}

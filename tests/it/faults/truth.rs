//! What has to hold after a run with a fault, whatever the fault was.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Api, ListParams};
use libtest_mimic::Failed;
use serde_json::Value as Json;

use super::fleet::{Fleet, Live, live, named};
use crate::cli::program::Run;
use crate::cli::proxy::Proxy;
use crate::cluster::cluster;
use crate::sandbox::shared;

/// The objects of a plan.
const PLANNED: usize = 50;

/// Fails unless all of this holds: every object of ours is in an inventory; what the report says of an object is so;
/// the next run converges, and the one after it has nothing to do; nothing was made twice or deleted twice. `doors` are
/// those through which the runs went.
pub fn holds(fleet: &mut Fleet, run: &Run, door: &Proxy) -> Result<(), Failed> {
    let (now, kept) = (live(&fleet.site.namespace)?, kept(fleet)?);
    nothing_is_lost(&fleet.before, &now, &kept)?;
    if let Ok(report) = serde_json::from_str(&run.stdout) {
        is_true(&report, &fleet.before, &now)?;
    } else if run.code.is_some() && run.code != Some(1) {
        return Err(format!("there is no report: {run:?}").into());
    }
    converges(fleet, door)
}

/// The next run does what is left.
pub fn converges(fleet: &mut Fleet, door: &Proxy) -> Result<(), Failed> {
    let next = Proxy::open_wide();
    fleet.site.through(&next);
    let run = fleet.run("");
    run.ends_with(0)?;
    fleet.site.expect("plan dev --exit-code", 0)?.says("nothing to change")?;
    fleet.site.as_before();
    let now = live(&fleet.site.namespace)?;
    equal("objects", &Fleet::after(), &now.keys().cloned().collect())?;
    equal("the inventories", &Fleet::after(), &kept(fleet)?.into_iter().collect())?;
    for (name, live) in &now {
        let version = if name.contains("-keep") { "1" } else { "2" };
        if live.version.as_deref().is_some_and(|it| it != version) || !live.ours {
            return Err(format!("{name} is not as it should be: {live:?}").into());
        }
    }
    for (name, was) in fleet.before.iter().filter(|(name, _)| !name.contains("-fixed") && !name.contains("-gone")) {
        if now.get(name).map(|it| &it.uid) != Some(&was.uid) {
            return Err(format!("{name} was made again").into());
        }
    }
    nothing_is_doubled(&[door, &next])?;
    if run.stdout.contains("nothing to change") {
        // No lease was needed, and one that could not be given back ends by itself.
        return Ok(());
    }
    let leases: Api<Lease> = Api::namespaced(shared().client(), &fleet.site.state());
    let leases = shared().block_on(leases.list(&ListParams::default()))?;
    if leases.items.is_empty() { Ok(()) } else { Err(format!("a lease is left: {:?}", leases.items).into()) }
}

/// The objects in the inventories.
fn kept(fleet: &Fleet) -> Result<BTreeSet<String>, Failed> {
    let inventories = shared().block_on(async { cluster().await.inventories(&fleet.site.state(), "dev").await })?;
    let ids = inventories.iter().flat_map(|it| it.objects.keys());
    Ok(ids.filter(|id| id.kind.kind != "Namespace").map(|id| format!("{}/{}", id.kind.kind, id.name)).collect())
}

fn nothing_is_lost(
    before: &BTreeMap<String, Live>,
    now: &BTreeMap<String, Live>,
    kept: &BTreeSet<String>,
) -> Result<(), Failed> {
    let forgotten: Vec<_> = now.iter().filter(|(name, it)| it.ours && !kept.contains(*name)).collect();
    if !forgotten.is_empty() {
        return Err(format!("no inventory has {forgotten:?}").into());
    }
    let may_go = |name: &str| name.contains("-gone") || name.contains("-fixed");
    let gone: Vec<_> = before.keys().filter(|name| !may_go(name) && !now.contains_key(*name)).collect();
    if gone.is_empty() { Ok(()) } else { Err(format!("{gone:?} are gone").into()) }
}

/// Holds a report against what is there: what was done, what was not tried, and nothing left out.
fn is_true(report: &Json, before: &BTreeMap<String, Live>, now: &BTreeMap<String, Live>) -> Result<(), Failed> {
    let events = report["events"].as_array().cloned().unwrap_or_default();
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for event in &events {
        let outcome = event["outcome"].as_str().unwrap_or_default().to_owned();
        told.entry(named(&event["object"])).or_default().push(outcome);
    }
    let said = |text: &Json| text.as_str().is_some_and(|it| it.starts_with("Nothing was begun"));
    let not_begun = events.is_empty() && report["warnings"].as_array().is_some_and(|it| it.iter().any(said));
    let mut wrong = Vec::new();
    for step in report["steps"].as_array().into_iter().flatten() {
        let (name, action) = (named(&step["object"]), step["action"].as_str().unwrap_or_default());
        let (was, is) = (before.get(&name), now.get(&name));
        let outcomes = told.get(&name).cloned().unwrap_or_default();
        let has = |outcome: &str| outcomes.iter().any(|it| it == outcome);
        let same = || was.map(|it| (&it.uid, &it.resource_version)) == is.map(|it| (&it.uid, &it.resource_version));
        let fits = match action {
            "delete" if has("deleted") => is.is_none(),
            "create" | "update" | "recreate" if has("applied") => {
                is.is_some_and(|it| it.version.as_deref().is_none_or(|it| it == "2"))
            }
            _ if has("unknown") || has("waiting") => true,
            // An object that was deleted, or taken over, and then not applied.
            "recreate" if has("failed") => true,
            _ if has("adopted") && has("failed") => true,
            _ => (not_begun || has("skipped") || has("failed")) && same(),
        };
        if !fits {
            wrong.push(format!("{action} {name}: told {outcomes:?}, was {was:?}, is {is:?}"));
        }
    }
    let steps = report["steps"].as_array().map(Vec::len).unwrap_or_default();
    if steps != PLANNED {
        wrong.push(format!("the plan has {steps} objects"));
    }
    if wrong.is_empty() { Ok(()) } else { Err(format!("{}\n{report:#}", wrong.join("\n")).into()) }
}

/// What the server did, whether it was answered or not: each object is made at most once, and deleted at most once.
fn nothing_is_doubled(doors: &[&Proxy]) -> Result<(), Failed> {
    let mut made: BTreeMap<String, usize> = BTreeMap::new();
    for (seen, code) in doors.iter().flat_map(|door| door.answered()) {
        let object = ["/configmaps/", "/secrets/", "/services/"].iter().any(|it| seen.path.contains(it));
        let state = seen.path.contains("-state/");
        if object && !state && seen.is_write() && (code == 201 || (seen.method == "DELETE" && code == 200)) {
            *made.entry(format!("{} {}", seen.method, seen.bare_path())).or_default() += 1;
        }
    }
    let doubled: Vec<_> = made.iter().filter(|(_, count)| **count > 1).collect();
    if doubled.is_empty() { Ok(()) } else { Err(format!("{doubled:?} more than once").into()) }
}

fn equal(what: &str, expected: &Vec<String>, actual: &Vec<String>) -> Result<(), Failed> {
    if expected == actual {
        return Ok(());
    }
    let missing: Vec<_> = expected.iter().filter(|it| !actual.contains(it)).collect();
    let more: Vec<_> = actual.iter().filter(|it| !expected.contains(it)).collect();
    Err(format!("{what}: missing {missing:?}, and too many {more:?}").into())
}

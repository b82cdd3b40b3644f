//! Faults of the server, and of the way to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use serde_json::{Value as Json, json};

use super::{Switch, synced};
use crate::cli::proxy::{Answer, Events, Seen, answer_of};
use crate::operator::leading::page;
use crate::operator::stage::{Running, Tenant, all_faults, at_once, delete_map, edit_map, label, of_maps, until};

pub fn answers_lost() -> Result<(), Failed> {
    let count = Arc::new(AtomicUsize::new(0));
    let (tenant, operator) = synced(3, &json!({}), move |seen| {
        if !(seen.is_write() && of_maps(seen)) {
            return Answer::Through;
        }
        // The server did it each time; what is heard of it differs.
        match count.fetch_add(1, Ordering::SeqCst) % 3 {
            0 => Answer::Hides(504, "Timeout: request did not complete within requested timeout"),
            1 => Answer::Swallowed,
            _ => Answer::Hides(500, "etcdserver: leader changed"),
        }
    })?;
    tenant.source(&json!({"a": "2"}));
    tenant.copies_are(Some(&json!({"a": "2"})))?;
    tenant.comes_to("sync", "Available=True/Synced")?;
    operator.is_quiet();
    assert_eq!(operator.map_writes(), 6, "none is sent twice");
    Ok(())
}

/// The server takes no request, or is not even there.
pub fn server_away() -> Result<(), Failed> {
    let time = Duration::from_secs(if all_faults() { 120 } else { 4 });
    at_once([Answer::Refused, Answer::Gone(time)], |how| {
        let (away, gone) = (Switch::default(), matches!(how, Answer::Gone(_)));
        let is_away = away.clone();
        let (tenant, mut operator) =
            synced(1, &json!({}), move |_| if is_away.is_on() { how.clone() } else { Answer::Through })?;
        away.on();
        tenant.source(&json!({"a": "2"}));
        delete_map(&tenant.targets[0], "settings");
        std::thread::sleep(Duration::from_secs(1));
        let before = operator.proxy.seen().len();
        std::thread::sleep(time);
        let asked = operator.proxy.seen().len() - before;
        assert!(gone || u64::try_from(asked)? < 5 * time.as_secs(), "{asked} requests in {time:?}");
        away.off();
        let began = Instant::now();
        tenant.copies_are(Some(&json!({"a": "2"})))?;
        assert!(began.elapsed() < Duration::from_secs(30) && operator.runs());
        tenant.comes_to("sync", "Available=True/Synced")
    })
}

pub fn silent_server() -> Result<(), Failed> {
    let silent = Switch::default();
    let is_silent = silent.clone();
    let tenant = Tenant::new(1);
    let rule = move |_: &Seen| if is_silent.is_on() { Answer::Silence } else { Answer::Through };
    let operator = Running::start(&tenant, &["--patience", "1s", "--health", "127.0.0.1:0"], rule);
    tenant.sync("sync", &json!({}));
    tenant.comes_to("sync", "Available=True/Synced")?;
    let log = operator.log();
    let address = log.lines().find_map(|it| it.strip_prefix("listening on ")).ok_or("an address")?;
    let readiness = |code: &str| {
        until(&format!("readiness is {code}"), || {
            let page = page(address, "/readyz").unwrap_or_default();
            if page.starts_with(&format!("HTTP/1.1 {code}")) { Ok(()) } else { Err(page) }
        })
    };
    readiness("200")?;
    silent.on();
    tenant.edit("sync", &json!({"metadata": {"annotations": {"weaver.example.com/reconcile-at": "1"}}}));
    readiness("503")?;
    assert!(page(address, "/healthz")?.starts_with("HTTP/1.1 200"), "a restart would not help");
    silent.off();
    // Also a watch that hangs is begun anew.
    tenant.source(&json!({"a": "2"}));
    tenant.copies_are(Some(&json!({"a": "2"})))?;
    readiness("200")?;
    let said = operator.log();
    let away = "warning: no answer from http://127.0.0.1";
    let told = said.matches(away).count() == 1 && said.contains("\nthe API server answers again\n");
    if told { Ok(()) } else { Err(said.into()) }
}

pub fn errors_now_and_then() -> Result<(), Failed> {
    let count = Arc::new(AtomicUsize::new(0));
    let (tenant, operator) = synced(3, &json!({}), move |seen| {
        // `watch_gone` breaks those.
        if seen.is_watch() {
            return Answer::Through;
        }
        match count.fetch_add(1, Ordering::SeqCst) % 9 {
            2 => Answer::Later(1),
            5 => Answer::Says(503, "the server is currently unable to handle the request"),
            8 => Answer::Says(500, "Internal error occurred"),
            _ => Answer::Through,
        }
    })?;
    for round in 2..4 {
        let data = json!({"a": round.to_string()});
        tenant.source(&data);
        tenant.copies_are(Some(&data))?;
    }
    tenant.comes_to("sync", "Available=True/Synced")?;
    let since = |status: weft::operator::ConfigMapSyncStatus| status.conditions[0].last_transition_time.clone();
    let before = since(tenant.status("sync"));
    operator.is_quiet();
    assert_eq!(since(tenant.status("sync")), before, "no flapping");
    Ok(())
}

/// What a server before 1.34 says where a list is asked for as events.
const NO_STREAMS: &str = "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled";

/// How a server sends a list.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Lists {
    Events,
    Pages,
}

impl Lists {
    /// Whether a request asks for one.
    fn is(self, seen: &Seen) -> bool {
        seen.path.contains(if self == Self::Events { "sendInitialEvents=true" } else { "limit=" })
    }

    /// Whether a server that sends it in this way refuses a request.
    fn refuses(self, seen: &Seen) -> bool {
        self == Self::Pages && Self::Events.is(seen)
    }

    /// A list of namespaces with these labels.
    fn of(self, names: &[&String], labels: &Json) -> String {
        let items = names.iter().map(|name| {
            json!({"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata",
                "metadata": {"name": name, "uid": "old", "resourceVersion": "1", "labels": labels}})
        });
        let items: Vec<Json> = items.collect();
        if self == Self::Pages {
            return json!({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1",
                "metadata": {"resourceVersion": "1"}, "items": items})
            .to_string();
        }
        let end = json!({"type": "BOOKMARK", "object": {"apiVersion": "v1", "kind": "Namespace", "metadata": {
            "resourceVersion": "1", "annotations": {"k8s.io/initial-events-end": "true"}}}});
        let events = items.into_iter().map(|it| json!({"type": "ADDED", "object": it})).chain([end]);
        events.map(|it| format!("{it}\n")).collect::<Vec<_>>().concat()
    }
}

pub fn watch_gone() -> Result<(), Failed> {
    at_once([Lists::Events, Lists::Pages], watch_gone_with)
}

fn watch_gone_with(lists: Lists) -> Result<(), Failed> {
    let gone = Switch::default();
    let is_gone = gone.clone();
    let count = Arc::new(AtomicUsize::new(0));
    let broken = Arc::clone(&count);
    let (tenant, mut operator) = synced(2, &json!({}), move |seen| {
        let over = "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\
                    \"status\":\"Failure\",\"message\":\"too old resource version\",\"reason\":\"Expired\",\"code\":410}}\n";
        match seen {
            it if lists.refuses(it) => Answer::Says(422, NO_STREAMS),
            _ if !is_gone.is_on() => Answer::Through,
            it if lists.is(it) => match (broken.fetch_add(1, Ordering::SeqCst).is_multiple_of(2), lists) {
                (false, _) => Answer::Through,
                (true, Lists::Pages) => Answer::Says(500, "Internal error occurred"),
                // It ends before it is at its end.
                (true, Lists::Events) => Answer::Old(Arc::new(answer_of(200, "", ""))),
            },
            it if it.is_watch() => Answer::Old(Arc::new(answer_of(200, "", over))),
            _ => Answer::Through,
        }
    })?;
    let asked = operator.proxy.seen();
    assert!(asked.iter().any(|it| lists.is(it)), "{lists:?}");
    operator.is_quiet();
    let before = operator.map_writes();
    gone.on();
    operator.kill();
    operator.again();
    std::thread::sleep(Duration::from_secs(3));
    gone.off();
    assert!(count.load(Ordering::SeqCst) > 2, "lists broke off");
    tenant.source(&json!({"a": "2"}));
    tenant.copies_are(Some(&json!({"a": "2"})))?;
    operator.is_quiet();
    assert_eq!(operator.map_writes(), before + 2, "an update each, and no deletion");
    Ok(())
}

/// A list of namespaces that is old says that a namespace is not selected any more. Before a copy is deleted for that,
/// the namespace itself is looked at.
pub fn stale_list() -> Result<(), Failed> {
    at_once([Lists::Events, Lists::Pages], stale_list_of)
}

fn stale_list_of(lists: Lists) -> Result<(), Failed> {
    let tenant = Tenant::new(2);
    let names: Vec<&String> = tenant.targets.iter().chain([&tenant.own]).collect();
    let old = Arc::new(answer_of(200, "", &lists.of(&names, &json!({}))));
    let stale = Switch::default();
    let is_stale = stale.clone();
    let mut operator = Running::start(&tenant, &[], move |seen| match seen {
        it if lists.refuses(it) => Answer::Says(422, NO_STREAMS),
        it if it.bare_path() != "/api/v1/namespaces" || !is_stale.is_on() => Answer::Through,
        it if lists.is(it) => Answer::Old(Arc::clone(&old)),
        _ => Answer::Watched(Events(Arc::new(|_| false))),
    });
    tenant.targets.iter().for_each(|it| label(it, &json!({"of": tenant.own})));
    tenant.sync("sync", &json!({"namespaceSelector": {"matchLabels": {"of": tenant.own}}}));
    tenant.copies_are(Some(&json!({"a": "1"})))?;
    operator.is_quiet();
    let before = operator.map_writes();
    stale.on();
    operator.kill();
    operator.again();
    let looked =
        |it: &Seen| it.method == "GET" && it.bare_path() == format!("/api/v1/namespaces/{}", tenant.targets[0]);
    until("the namespace itself is looked at", || {
        if operator.proxy.seen().iter().any(looked) { Ok(()) } else { Err("not yet".into()) }
    })?;
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(operator.map_writes(), before, "nothing is deleted by what is old");
    tenant.copies_are(Some(&json!({"a": "1"})))
}

pub fn lost_event() -> Result<(), Failed> {
    at_once(["ADDED", "MODIFIED", "DELETED"], |kind| {
        let of_kind = format!("{{\"type\":\"{kind}\"");
        let (tenant, _operator) = synced(2, &json!({}), move |seen| match seen {
            it if it.is_watch() && it.bare_path() == "/api/v1/configmaps" => {
                let of_kind = of_kind.clone();
                Answer::Watched(Events(Arc::new(move |event| !event.starts_with(&of_kind))))
            }
            _ => Answer::Through,
        })?;
        delete_map(&tenant.targets[0], "settings");
        edit_map(&tenant.targets[1], "settings", &json!({"data": {"a": "edited"}}));
        tenant.edit("sync", &json!({"metadata": {"annotations": {"weaver.example.com/reconcile-at": kind}}}));
        tenant.copies_are(Some(&json!({"a": "1"})))?;
        tenant.delete("sync")?;
        tenant.copies_are(None)
    })
}

pub fn lost_until_the_interval() -> Result<(), Failed> {
    let (tenant, _operator) = synced(1, &json!({"resyncInterval": "1m"}), |seen| match seen {
        it if it.is_watch() && it.bare_path() == "/api/v1/configmaps" => {
            Answer::Watched(Events(Arc::new(|event| !event.starts_with("{\"type\":\"MODIFIED\""))))
        }
        _ => Answer::Through,
    })?;
    edit_map(&tenant.targets[0], "settings", &json!({"data": {"a": "edited"}}));
    let began = Instant::now();
    tenant.copies_are(Some(&json!({"a": "1"})))?;
    assert!(began.elapsed() < Duration::from_secs(75), "{:?}", began.elapsed());
    Ok(())
}

pub fn two_operators() -> Result<(), Failed> {
    let (tenant, one) = synced(3, &json!({}), |_| Answer::Through)?;
    let two = Running::open(&tenant, &[]);
    for round in 2..5 {
        let data = json!({"a": round.to_string()});
        tenant.source(&data);
        tenant.copies_are(Some(&data))?;
    }
    tenant.comes_to("sync", "Available=True/Synced")?;
    one.is_quiet();
    two.is_quiet();
    let before = one.map_writes() + two.map_writes();
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(one.map_writes() + two.map_writes(), before, "no ping-pong");
    tenant.delete("sync")?;
    tenant.copies_are(None)
}

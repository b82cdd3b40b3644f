//! Faults of the cluster, of its people, and of the way to it: each with what has to come of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::events::v1::Event;
use kube::api::{Api, DeleteParams, ListParams, PostParams};
use libtest_mimic::{Failed, Trial};
use serde_json::{Value as Json, json};

use super::stage::{Running, Tenant, apply, delete_map, delete_namespace, edit_map, label, map_at, of_maps, until};
use crate::cases::code;
use crate::cli::proxy::{Answer, Events, Seen, answer_of};
use crate::sandbox::shared;

/// All of them. The numbers are those of the list of faults.
pub fn trials() -> Vec<Trial> {
    let table: &[(&str, fn() -> Result<(), Failed>)] = &[
        ("03_a_write_whose_answer_is_lost_is_looked_at", answers_lost),
        ("04_a_server_that_is_away_is_waited_for", server_away),
        ("05_a_silent_server_ends_no_process", silent_server),
        ("06_errors_now_and_then_change_no_status", errors_now_and_then),
        ("07_a_watch_that_is_gone_prunes_nothing", watch_gone),
        ("08_a_stale_list_deletes_nothing", stale_list),
        ("09_a_lost_event_is_made_good", lost_event),
        ("10_two_operators_at_once_do_no_harm", two_operators),
        ("12_an_account_that_is_deleted_and_made_again", account_again),
        ("13_a_right_that_is_taken_away_concerns_one_namespace", right_taken_away),
        ("14_a_token_that_is_not_taken_is_asked_for_once_more", token_not_taken),
        ("15_the_namespace_of_the_object_is_deleted", own_namespace_deleted),
        ("16_a_target_namespace_is_deleted_and_made_again", target_namespace_again),
        ("17_an_object_is_deleted_while_nobody_watches", deleted_meanwhile),
        ("17_the_definition_is_deleted", definition_deleted),
        ("19_two_objects_for_one_target", two_objects),
        ("20_a_copy_is_not_copied_on", no_loops),
        ("22_an_immutable_source_that_is_made_again", immutable_source),
        ("23_what_is_too_large_is_not_sent", too_large),
        ("24_a_quota_and_a_policy_refuse", quota_and_policy),
        ("25_a_hot_source_causes_one_round_a_second", hot_source),
        ("26_a_selector_of_nothing_and_one_of_everything", selectors),
        ("27_planted_marks_delete_nothing", planted_marks),
        ("51_a_wrong_clock_wears_no_token_out", wrong_clock),
        ("52_a_status_of_another_version_is_no_storm", other_status),
    ];
    table.iter().map(|(name, run)| code("operator::fault", name, *run)).collect()
}

/// A tenant whose object is synced, and its operator, behind a door with a rule.
fn synced(
    targets: usize,
    spec: &Json,
    rule: impl Fn(&Seen) -> Answer + Send + Sync + 'static,
) -> Result<(Tenant, Running), Failed> {
    let tenant = Tenant::new(targets);
    let operator = Running::start(&tenant, &[], rule);
    tenant.sync("sync", spec);
    tenant.comes_to("sync", "Available=True/Synced")?;
    Ok((tenant, operator))
}

/// Something that a rule does while it is switched on.
#[derive(Clone, Default)]
struct Switch(Arc<AtomicBool>);

impl Switch {
    fn on(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn off(&self) {
        self.0.store(false, Ordering::SeqCst);
    }

    fn is_on(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

fn answers_lost() -> Result<(), Failed> {
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

fn server_away() -> Result<(), Failed> {
    let away = Switch::default();
    let is_away = away.clone();
    let (tenant, mut operator) =
        synced(1, &json!({}), move |_| if is_away.is_on() { Answer::Refused } else { Answer::Through })?;
    away.on();
    tenant.source(&json!({"a": "2"}));
    delete_map(&tenant.targets[0], "settings");
    std::thread::sleep(Duration::from_secs(1));
    let before = operator.proxy.seen().len();
    std::thread::sleep(Duration::from_secs(5));
    let asked = operator.proxy.seen().len() - before;
    assert!(asked < 25, "{asked} requests in five seconds");
    away.off();
    let began = Instant::now();
    tenant.copies_are(Some(&json!({"a": "2"})))?;
    assert!(began.elapsed() < Duration::from_secs(30) && operator.runs());
    tenant.comes_to("sync", "Available=True/Synced")
}

fn silent_server() -> Result<(), Failed> {
    let silent = Switch::default();
    let is_silent = silent.clone();
    let tenant = Tenant::new(1);
    let rule = move |_: &Seen| if is_silent.is_on() { Answer::Silence } else { Answer::Through };
    let operator = Running::start(&tenant, &["--patience", "1s"], rule);
    tenant.sync("sync", &json!({}));
    tenant.comes_to("sync", "Available=True/Synced")?;
    silent.on();
    tenant.edit("sync", &json!({"metadata": {"annotations": {"weaver.example.com/reconcile-at": "1"}}}));
    std::thread::sleep(Duration::from_secs(4));
    silent.off();
    // Also a watch that hangs is begun anew.
    tenant.source(&json!({"a": "2"}));
    tenant.copies_are(Some(&json!({"a": "2"})))?;
    drop(operator);
    Ok(())
}

fn errors_now_and_then() -> Result<(), Failed> {
    let count = Arc::new(AtomicUsize::new(0));
    let (tenant, operator) = synced(3, &json!({}), move |seen| {
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

fn watch_gone() -> Result<(), Failed> {
    let gone = Switch::default();
    let is_gone = gone.clone();
    let count = Arc::new(AtomicUsize::new(0));
    let broken = Arc::clone(&count);
    let (tenant, mut operator) = synced(2, &json!({}), move |seen| {
        let over = "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\
                    \"status\":\"Failure\",\"message\":\"too old resource version\",\"reason\":\"Expired\",\"code\":410}}\n";
        match seen {
            it if is_gone.is_on() && it.is_watch() => Answer::Old(Arc::new(answer_of(200, "", over))),
            it if is_gone.is_on() && it.path.contains("limit=") && broken.fetch_add(1, Ordering::SeqCst) % 2 == 0 => {
                Answer::Says(500, "Internal error occurred")
            }
            _ => Answer::Through,
        }
    })?;
    operator.is_quiet();
    let before = operator.map_writes();
    gone.on();
    operator.kill();
    operator.again();
    std::thread::sleep(Duration::from_secs(4));
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
fn stale_list() -> Result<(), Failed> {
    let tenant = Tenant::new(2);
    let (stale, old) = (Switch::default(), Arc::new(std::sync::Mutex::new(Arc::new(Vec::new()))));
    let (is_stale, answer) = (stale.clone(), Arc::clone(&old));
    let mut operator = Running::start(&tenant, &[], move |seen| match seen {
        it if it.bare_path() != "/api/v1/namespaces" || !is_stale.is_on() => Answer::Through,
        it if it.is_watch() => Answer::Watched(Events(Arc::new(|_| false))),
        _ => Answer::Old(Arc::clone(&answer.lock().expect("no panic"))),
    });
    let body = |with: bool| {
        let labels = if with { json!({"of": tenant.own}) } else { json!({}) };
        let items: Vec<Json> = tenant
            .targets
            .iter()
            .chain([&tenant.own])
            .map(|name| json!({"metadata": {"name": name, "uid": "old", "resourceVersion": "1", "labels": labels}}))
            .collect();
        json!({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1",
               "metadata": {"resourceVersion": "1"}, "items": items})
        .to_string()
    };
    *old.lock().expect("no panic") = Arc::new(answer_of(200, "", &body(false)));
    tenant.targets.iter().for_each(|it| label(it, &json!({"of": tenant.own})));
    tenant.sync("sync", &json!({"namespaceSelector": {"matchLabels": {"of": tenant.own}}}));
    tenant.copies_are(Some(&json!({"a": "1"})))?;
    operator.is_quiet();
    let before = operator.map_writes();
    stale.on();
    operator.kill();
    operator.again();
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!(operator.map_writes(), before, "nothing is deleted by what is old");
    tenant.copies_are(Some(&json!({"a": "1"})))
}

fn lost_event() -> Result<(), Failed> {
    for kind in ["ADDED", "MODIFIED", "DELETED"] {
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
        tenant.copies_are(None)?;
    }
    Ok(())
}

fn two_operators() -> Result<(), Failed> {
    let (tenant, one) = synced(3, &json!({}), |_| Answer::Through)?;
    let two = Running::open(&tenant, &[]);
    for round in 2..5 {
        let data = json!({"a": round.to_string()});
        tenant.source(&data);
        tenant.copies_are(Some(&data))?;
    }
    tenant.comes_to("sync", "Available=True/Synced")?;
    (one.is_quiet(), two.is_quiet());
    let before = one.map_writes() + two.map_writes();
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(one.map_writes() + two.map_writes(), before, "no ping-pong");
    tenant.delete("sync")?;
    tenant.copies_are(None)
}

fn accounts(tenant: &Tenant) -> Api<ServiceAccount> {
    Api::namespaced(shared().client(), &tenant.own)
}

fn account_again() -> Result<(), Failed> {
    let (tenant, operator) = synced(1, &json!({}), |_| Answer::Through)?;
    shared().block_on(accounts(&tenant).delete("copier", &DeleteParams::default()))?;
    tenant.comes_to("sync", "Degraded=True/ServiceAccountNotFound")?;
    tenant.source(&json!({"a": "2"}));
    tenant.account("copier");
    tenant.copies_are(Some(&json!({"a": "2"})))?;
    tenant.comes_to("sync", "Available=True/Synced")?;
    let tokens = operator.proxy.seen().iter().filter(|it| it.path.ends_with("/token")).count();
    assert!((2..=4).contains(&tokens), "{tokens} tokens");
    Ok(())
}

fn right_taken_away() -> Result<(), Failed> {
    let (tenant, _operator) = synced(5, &json!({}), |_| Answer::Through)?;
    tenant.may_not("copier", &tenant.targets[2]);
    std::thread::sleep(Duration::from_millis(300));
    tenant.source(&json!({"a": "2"}));
    tenant.comes_to(
        "sync",
        "Available=False/PartiallySynced Progressing=False/TargetForbidden Degraded=True/TargetForbidden",
    )?;
    let status = tenant.status("sync");
    assert_eq!((status.synced, status.failed), (Some(4), Some(1)));
    assert_eq!(status.failed_targets[0].namespace, tenant.targets[2]);
    tenant.copy_is(&tenant.targets[2], Some(&json!({"a": "1"})))?;
    // The tenant's right bounds what is deleted, too; the copy is left behind when the time is over.
    tenant.edit("sync", &json!({"spec": {"cleanupTimeout": "1s"}}));
    tenant.delete("sync")?;
    tenant.copy_is(&tenant.targets[2], Some(&json!({"a": "1"})))?;
    assert!(map_at(&tenant.targets[0], "settings").is_none());
    events(&tenant.targets[2], "Orphaned")
}

/// Waits until an event was published in a namespace.
fn events(namespace: &str, reason: &str) -> Result<(), Failed> {
    let api: Api<Event> = Api::namespaced(shared().client(), namespace);
    until(&format!("an event {reason} in {namespace}"), || {
        let all = shared().block_on(api.list(&ListParams::default())).expect("a list");
        let reasons: Vec<_> = all.iter().filter_map(|it| it.reason.clone()).collect();
        if reasons.iter().any(|it| it == reason) { Ok(()) } else { Err(format!("{reasons:?}")) }
    })
}

fn token_not_taken() -> Result<(), Failed> {
    let (once, always) = (Switch::default(), Switch::default());
    let (is_once, is_always) = (once.clone(), always.clone());
    let (tenant, operator) = synced(1, &json!({}), move |seen| match seen {
        it if !it.path.contains("/configmaps/") => Answer::Through,
        _ if is_always.is_on() => Answer::Says(401, "Unauthorized"),
        _ if is_once.is_on() => {
            is_once.off();
            Answer::Says(401, "Unauthorized")
        }
        _ => Answer::Through,
    })?;
    let tokens = || operator.proxy.seen().iter().filter(|it| it.path.ends_with("/token")).count();
    assert_eq!(tokens(), 1, "one is kept");
    once.on();
    tenant.source(&json!({"a": "2"}));
    tenant.copies_are(Some(&json!({"a": "2"})))?;
    assert_eq!(tokens(), 2);
    always.on();
    tenant.source(&json!({"a": "3"}));
    tenant.comes_to("sync", "Available=Unknown/TokenDenied Progressing=False/TokenDenied Degraded=True/TokenDenied")?;
    tenant.copies_are(Some(&json!({"a": "2"})))
}

/// What a token says of its end is by the server's clock, and ours may be another: only the time that passes counts.
fn wrong_clock() -> Result<(), Failed> {
    let tenant = Tenant::new(1);
    let request = serde_json::from_value(json!({"spec": {"audiences": []}}))?;
    let granted = accounts(&tenant).create_token_request("copier", &PostParams::default(), &request);
    let token = shared().block_on(granted)?.status.and_then(|it| it.token).ok_or("a token")?;
    for end in ["1970-01-01T00:00:00Z", "2038-01-19T03:14:08Z"] {
        let body = json!({"status": {"token": token, "expirationTimestamp": end}}).to_string();
        let old = Arc::new(answer_of(201, "", &body));
        let operator = Running::start(&tenant, &[], move |seen| match seen {
            it if it.path.ends_with("/token") => Answer::Old(Arc::clone(&old)),
            _ => Answer::Through,
        });
        tenant.sync("sync", &json!({}));
        tenant.comes_to("sync", "Available=True/Synced")?;
        tenant.source(&json!({"a": end}));
        tenant.copies_are(Some(&json!({"a": end})))?;
        tenant.delete("sync")?;
        assert_eq!(operator.proxy.seen().iter().filter(|it| it.path.ends_with("/token")).count(), 1);
    }
    Ok(())
}

fn own_namespace_deleted() -> Result<(), Failed> {
    let (tenant, _operator) = synced(2, &json!({}), |_| Answer::Through)?;
    delete_namespace(&tenant.own);
    tenant.is_gone("sync")?;
    let left: Vec<&String> = tenant.targets.iter().filter(|it| map_at(it, "settings").is_some()).collect();
    // The token still held, or somebody is told where the copy is.
    left.into_iter().try_for_each(|it| events(it, "Orphaned"))
}

fn target_namespace_again() -> Result<(), Failed> {
    let (tenant, operator) = synced(2, &json!({}), |_| Answer::Through)?;
    let there = tenant.targets[0].clone();
    delete_namespace(&there);
    until("it is waited for", || {
        let now = tenant.conditions("sync");
        if now.contains("Progressing=True/Namespace") { Ok(()) } else { Err(now) }
    })?;
    tenant.comes_to("sync", "Progressing=True/NamespaceMissing Degraded=False/NamespaceMissing")?;
    assert!(tenant.conditions("sync").contains("Available=True/Synced"), "every namespace that is there has it");
    operator.is_quiet();
    apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": there}}));
    tenant.may("copier", &there, &["get", "list", "create", "patch", "delete"]);
    tenant.edit("sync", &json!({"metadata": {"annotations": {"weaver.example.com/reconcile-at": "now"}}}));
    tenant.copy_is(&there, Some(&json!({"a": "1"})))?;
    tenant.comes_to("sync", "Available=True/Synced Progressing=False/Synced")
}

fn deleted_meanwhile() -> Result<(), Failed> {
    let (tenant, mut operator) = synced(2, &json!({}), |_| Answer::Through)?;
    operator.is_quiet();
    operator.kill();
    shared().block_on(tenant.syncs().delete("sync", &DeleteParams::default()))?;
    operator.again();
    tenant.is_gone("sync")?;
    tenant.copies_are(None)
}

fn definition_deleted() -> Result<(), Failed> {
    let going = Switch::default();
    let is_going = going.clone();
    let (tenant, _operator) = synced(2, &json!({}), move |seen| {
        if is_going.is_on() && seen.path.contains("/customresourcedefinitions/") {
            let body = json!({"metadata": {"name": "x", "deletionTimestamp": "2026-01-01T00:00:00Z"}}).to_string();
            return Answer::Old(Arc::new(answer_of(200, "", &body)));
        }
        Answer::Through
    })?;
    going.on();
    tenant.delete("sync")?;
    tenant.copies_are(Some(&json!({"a": "1"})))
}

fn two_objects() -> Result<(), Failed> {
    let (tenant, operator) = synced(1, &json!({}), |_| Answer::Through)?;
    tenant.map(&tenant.own, "others", &json!({"a": "others"}));
    tenant.may("copier", &tenant.own, &["get"]);
    tenant.sync(
        "second",
        &json!({"source": {"name": "others"}, "target": {"name": "settings"}, "conflictPolicy": "Adopt"}),
    );
    tenant.comes_to("second", "Degraded=True/TargetConflict")?;
    operator.is_quiet();
    let before = operator.map_writes();
    tenant.edit("second", &json!({"metadata": {"annotations": {"weaver.example.com/reconcile-at": "1"}}}));
    tenant.source(&json!({"a": "2"}));
    tenant.copies_are(Some(&json!({"a": "2"})))?;
    operator.is_quiet();
    assert_eq!(operator.map_writes(), before + 1);
    // Its owner goes, and it is the other's.
    tenant.delete("sync")?;
    tenant.copies_are(Some(&json!({"a": "others"})))
}

fn no_loops() -> Result<(), Failed> {
    let (tenant, operator) = synced(1, &json!({}), |_| Answer::Through)?;
    let there = &tenant.targets[0];
    tenant.may("copier", &tenant.own, &["get", "list", "create", "patch", "delete"]);
    tenant.sync("back", &json!({
        "source": {"name": "settings", "namespace": there}, "syncToNamespaces": [tenant.own], "conflictPolicy": "Adopt",
    }));
    tenant.comes_to("back", "Available=False/SyncLoop Progressing=False/SyncLoop Degraded=True/SyncLoop")?;
    operator.is_quiet();
    assert_eq!(operator.map_writes(), 1, "{:?}", operator.kinds());
    Ok(())
}

fn immutable_source() -> Result<(), Failed> {
    let (tenant, _operator) = synced(1, &json!({"target": {"immutable": "Preserve"}}), |_| Answer::Through)?;
    edit_map(&tenant.own, "settings", &json!({"immutable": true}));
    until("the copy is immutable", || {
        let now = map_at(&tenant.targets[0], "settings").and_then(|it| it.immutable);
        if now == Some(true) { Ok(()) } else { Err(format!("{now:?}")) }
    })?;
    delete_map(&tenant.own, "settings");
    tenant.source(&json!({"a": "2"}));
    tenant.copies_are(Some(&json!({"a": "2"})))?;
    tenant.comes_to("sync", "Available=True/Synced")
}

fn too_large() -> Result<(), Failed> {
    let tenant = Tenant::new(1);
    let operator = Running::open(&tenant, &[]);
    // Each of these is six bytes as JSON.
    let half = "\u{1}".repeat(400_000);
    edit_map(&tenant.own, "settings", &json!({"data": {"a": half}}));
    edit_map(&tenant.own, "settings", &json!({"data": {"b": half}}));
    tenant.sync("sync", &json!({}));
    tenant.comes_to("sync", "Available=False/TooLarge Progressing=False/TooLarge Degraded=True/TooLarge")?;
    assert_eq!(operator.map_writes(), 0);
    edit_map(&tenant.own, "settings", &json!({"data": {"a": "x".repeat(1_048_576), "b": null}}));
    tenant.comes_to("sync", "Available=True/Synced")
}

fn quota_and_policy() -> Result<(), Failed> {
    let tenant = Tenant::new(2);
    let operator = Running::open(&tenant, &[]);
    apply(&json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"namespace": tenant.targets[0], "name": "none"},
        "spec": {"hard": {"count/configmaps": "0"}},
    }));
    until("the quota is counted", || {
        let quota: Api<k8s_openapi::api::core::v1::ResourceQuota> =
            Api::namespaced(shared().client(), &tenant.targets[0]);
        let status = shared().block_on(quota.get("none")).expect("a quota").status.unwrap_or_default();
        if status.used.is_some() { Ok(()) } else { Err("not yet".into()) }
    })?;
    let name = format!("deny-{}", tenant.targets[1]);
    apply(&json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": [{
                "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}],
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": tenant.targets[1]}}},
            "validations": [{"expression": "object.metadata.name != 'settings'", "message": "no settings here"}],
        },
    }));
    apply(&json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": name},
        "spec": {"policyName": name, "validationActions": ["Deny"]},
    }));
    // A policy takes effect a moment later.
    until("the policy denies", || {
        let api: Api<k8s_openapi::api::core::v1::ConfigMap> = Api::namespaced(shared().client(), &tenant.targets[1]);
        let map = serde_json::from_value(json!({"metadata": {"name": "settings"}})).expect("a ConfigMap");
        let parameters = kube::api::PostParams { dry_run: true, ..Default::default() };
        let answer = shared().block_on(api.create(&parameters, &map));
        if answer.is_err() { Ok(()) } else { Err("it is taken".into()) }
    })?;
    tenant.sync("sync", &json!({}));
    tenant.comes_to("sync", "Degraded=True/QuotaExceeded")?;
    let failed = tenant.status("sync").failed_targets;
    let reasons: Vec<String> = failed.iter().map(|it| format!("{:?}", it.reason)).collect();
    assert_eq!(reasons, ["QuotaExceeded", "AdmissionDenied"]);
    assert!(failed[1].message.contains("no settings here"), "{failed:?}");
    std::thread::sleep(Duration::from_secs(2));
    assert!(operator.map_writes() <= 4, "{} writes", operator.map_writes());
    Ok(())
}

fn hot_source() -> Result<(), Failed> {
    let (tenant, operator) = synced(4, &json!({}), |_| Answer::Through)?;
    operator.is_quiet();
    let before = operator.map_writes();
    let began = Instant::now();
    for round in 0..30 {
        tenant.source(&json!({"a": format!("round {round}")}));
        std::thread::sleep(Duration::from_millis(100).saturating_sub(began.elapsed() / (round + 1) / 10));
    }
    let seconds = began.elapsed().as_secs_f64();
    tenant.copies_are(Some(&json!({"a": "round 29"})))?;
    operator.is_quiet();
    let rounds = (operator.map_writes() - before) / 4;
    assert!(f64::from(u32::try_from(rounds)?) <= seconds + 2.0, "{rounds} rounds in {seconds} s");
    Ok(())
}

fn selectors() -> Result<(), Failed> {
    let tenant = Tenant::new(1);
    let _operator = Running::open(&tenant, &[]);
    tenant.sync("nothing", &json!({"namespaceSelector": {"matchLabels": {"of": "nobody"}}}));
    tenant.comes_to("nothing", "Available=True/NoTargets Progressing=False/NoTargets Degraded=False/NoTargets")?;
    tenant.sync("missing", &json!({"syncToNamespaces": ["not-there"]}));
    tenant.comes_to(
        "missing",
        "Available=True/Synced Progressing=True/NamespaceMissing Degraded=False/NamespaceMissing",
    )?;
    tenant.sync("itself", &json!({"syncToNamespaces": [tenant.own]}));
    tenant.comes_to(
        "itself",
        "Available=False/TargetIsSource Progressing=False/TargetIsSource Degraded=True/TargetIsSource",
    )?;
    tenant.sync(
        "forbidden",
        &json!({"source": {"name": "settings", "namespace": "kube-system"}, "syncToNamespaces": ["x"]}),
    );
    tenant.comes_to(
        "forbidden",
        "Available=Unknown/SourceForbidden Progressing=False/SourceForbidden Degraded=True/SourceForbidden",
    )?;
    tenant.sync(
        "elsewhere",
        &json!({"source": {"name": "settings", "namespace": "not-there"}, "syncToNamespaces": ["x"]}),
    );
    tenant.comes_to("elsewhere", "Available=False/SourceNotFound")
}

fn planted_marks() -> Result<(), Failed> {
    let tenant = Tenant::new(2);
    let operator = Running::open(&tenant, &[]);
    let victim = tenant.targets[1].clone();
    tenant.sync("sync", &json!({"syncToNamespaces": [tenant.targets[0]]}));
    tenant.comes_to("sync", "Available=True/Synced")?;
    let marks = json!({"weaver.example.com/owner-namespace": tenant.own, "weaver.example.com/owner-name": "sync"});
    let uid = shared().block_on(tenant.syncs().get("sync"))?.metadata.uid;
    for (name, annotations) in [("settings", json!({})), ("settings-too", json!({"weaver.example.com/owner-uid": uid}))]
    {
        apply(&json!({
            "apiVersion": "v1", "kind": "ConfigMap", "data": {"victim": "1"},
            "metadata": {"namespace": victim, "name": name, "labels": marks, "annotations": annotations},
        }));
    }
    tenant.edit("sync", &json!({"metadata": {"annotations": {"weaver.example.com/reconcile-at": "1"}}}));
    operator.is_quiet();
    tenant.delete("sync")?;
    assert!(map_at(&victim, "settings").is_some() && map_at(&victim, "settings-too").is_some());
    assert!(map_at(&tenant.targets[0], "settings").is_none());
    Ok(())
}

fn other_status() -> Result<(), Failed> {
    let (tenant, mut operator) = synced(3, &json!({}), |_| Answer::Through)?;
    operator.is_quiet();
    operator.kill();
    // As a version wrote it that knew less.
    let api = tenant.syncs();
    let old =
        json!({"status": {"truncated": null, "pending": null, "conflicts": null, "lastHandledReconcileAt": null}});
    shared().block_on(api.patch_status("sync", &kube::api::PatchParams::default(), &kube::api::Patch::Merge(&old)))?;
    let before = operator.writes().len();
    operator.again();
    until("it is whole again", || {
        let now = tenant.status("sync");
        if now.pending == Some(0) && now.conflicts == Some(0) { Ok(()) } else { Err(format!("{now:?}")) }
    })?;
    operator.is_quiet();
    let writes = operator.writes().split_off(before);
    assert_eq!(writes.len(), 1, "{writes:?}");
    // And a start that finds everything as it is writes nothing.
    operator.kill();
    let before = operator.writes().len();
    operator.again();
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(operator.writes().len(), before);
    Ok(())
}

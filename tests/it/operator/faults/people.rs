//! Faults of those who change accounts, rights, namespaces and ConfigMaps.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kube::api::{Api, DeleteParams, PostParams};
use libtest_mimic::Failed;
use serde_json::json;

use super::{Switch, accounts, events, synced};
use crate::cli::proxy::{Answer, answer_of};
use crate::operator::stage::{
    Running, Tenant, all_faults, apply, at_once, delete_map, delete_namespace, edit_map, label, map_at, until,
};
use crate::sandbox::shared;

pub fn account_again() -> Result<(), Failed> {
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

pub fn right_taken_away() -> Result<(), Failed> {
    let targets = if all_faults() { 50 } else { 5 };
    let (tenant, _operator) = synced(targets, &json!({}), |_| Answer::Through)?;
    tenant.may_not("copier", &tenant.targets[2]);
    std::thread::sleep(Duration::from_millis(300));
    tenant.source(&json!({"a": "2"}));
    tenant.comes_to(
        "sync",
        "Available=False/PartiallySynced Progressing=False/TargetForbidden Degraded=True/TargetForbidden",
    )?;
    let status = tenant.status("sync");
    assert_eq!((status.synced, status.failed), (Some(i32::try_from(targets)? - 1), Some(1)));
    assert_eq!(status.failed_targets[0].namespace, tenant.targets[2]);
    tenant.copy_is(&tenant.targets[2], Some(&json!({"a": "1"})))?;
    // The tenant's right bounds what is deleted, too; the copy is left behind when the time is over.
    tenant.edit("sync", &json!({"spec": {"cleanupTimeout": "1s"}}));
    tenant.delete("sync")?;
    tenant.copy_is(&tenant.targets[2], Some(&json!({"a": "1"})))?;
    assert!(map_at(&tenant.targets[0], "settings").is_none());
    events(&tenant.targets[2], "Orphaned")
}

/// Most often a right comes right after the object that needs it, in the same apply; nothing tells of it.
pub fn right_comes_after() -> Result<(), Failed> {
    let tenant = Tenant::new(1);
    tenant.may_not("copier", &tenant.targets[0]);
    let operator = Running::open(&tenant, &[]);
    tenant.sync("sync", &json!({}));
    tenant.comes_to("sync", "Degraded=True/TargetForbidden")?;
    tenant.may("copier", &tenant.targets[0], &["get", "list", "create", "patch", "delete"]);
    let began = Instant::now();
    tenant.copies_are(Some(&json!({"a": "1"})))?;
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert!(operator.map_writes() < 8, "{} writes", operator.map_writes());
    tenant.comes_to("sync", "Available=True/Synced")
}

pub fn token_not_taken() -> Result<(), Failed> {
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
pub fn wrong_clock() -> Result<(), Failed> {
    at_once(["1970-01-01T00:00:00Z", "2038-01-19T03:14:08Z"], |end| {
        let tenant = Tenant::new(1);
        let request = serde_json::from_value(json!({"spec": {"audiences": []}}))?;
        let granted = shared().block_on(async {
            accounts(&tenant).create_token_request("copier", &PostParams::default(), &request).await
        });
        let token = granted?.status.and_then(|it| it.token).ok_or("a token")?;
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
        Ok(())
    })
}

pub fn own_namespace_deleted() -> Result<(), Failed> {
    let (tenant, _operator) = synced(2, &json!({}), |_| Answer::Through)?;
    delete_namespace(&tenant.own);
    tenant.is_gone("sync")?;
    let left: Vec<&String> = tenant.targets.iter().filter(|it| map_at(it, "settings").is_some()).collect();
    // The token still held, or somebody is told where the copy is.
    left.into_iter().try_for_each(|it| events(it, "Orphaned"))
}

pub fn target_namespace_again() -> Result<(), Failed> {
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

pub fn deleted_meanwhile() -> Result<(), Failed> {
    let (tenant, mut operator) = synced(2, &json!({}), |_| Answer::Through)?;
    operator.is_quiet();
    operator.kill();
    shared().block_on(tenant.syncs().delete("sync", &DeleteParams::default()))?;
    operator.again();
    tenant.is_gone("sync")?;
    tenant.copies_are(None)
}

pub fn definition_deleted() -> Result<(), Failed> {
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

pub fn two_objects() -> Result<(), Failed> {
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

pub fn no_loops() -> Result<(), Failed> {
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

pub fn immutable_source() -> Result<(), Failed> {
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

pub fn too_large() -> Result<(), Failed> {
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

pub fn quota_and_policy() -> Result<(), Failed> {
    let tenant = Tenant::new(3);
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
    apply(&json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration", "metadata": {"name": name},
        "webhooks": [{
            "name": "nobody.example.com", "failurePolicy": "Fail", "sideEffects": "None", "timeoutSeconds": 1,
            "admissionReviewVersions": ["v1"], "clientConfig": {"url": "https://127.0.0.1:1/"},
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": tenant.targets[2]}},
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}],
        }],
    }));
    // Either takes effect a moment later.
    for there in &tenant.targets[1..] {
        until("it is denied", || {
            let api: Api<k8s_openapi::api::core::v1::ConfigMap> = Api::namespaced(shared().client(), there);
            let map = serde_json::from_value(json!({"metadata": {"name": "settings"}})).expect("a ConfigMap");
            let parameters = kube::api::PostParams { dry_run: true, ..Default::default() };
            let answer = shared().block_on(api.create(&parameters, &map));
            if answer.is_err() { Ok(()) } else { Err("it is taken".into()) }
        })?;
    }
    tenant.sync("sync", &json!({}));
    tenant.comes_to("sync", "Degraded=True/QuotaExceeded")?;
    let failed = tenant.status("sync").failed_targets;
    let of = |at: usize| failed.iter().find(|it| it.namespace == tenant.targets[at]).expect("it failed");
    assert_eq!(
        [0, 1, 2].map(|at| format!("{:?}", of(at).reason)),
        ["QuotaExceeded", "AdmissionDenied", "AdmissionDenied"]
    );
    assert!(
        of(1).message.contains("no settings here") && of(2).message.contains("failed calling webhook"),
        "{failed:?}"
    );
    std::thread::sleep(Duration::from_secs(2));
    assert!(operator.map_writes() <= 20, "{} writes", operator.map_writes());
    Ok(())
}

pub fn hot_source() -> Result<(), Failed> {
    let targets = if all_faults() { 2_000 } else { 4 };
    let tenant = Tenant::new(targets);
    at_once(tenant.targets.chunks(targets / 4), |some| {
        for namespace in some {
            label(namespace, &json!({"of": tenant.own}));
        }
        Ok(())
    })?;
    let operator = Running::open(&tenant, &[]);
    tenant.sync("sync", &json!({"namespaceSelector": {"matchLabels": {"of": tenant.own}}}));
    tenant.comes_to("sync", "Available=True/Synced")?;
    operator.is_quiet();
    let before = operator.map_writes();
    let began = Instant::now();
    for round in 0..30 {
        tenant.source(&json!({"a": format!("round {round}")}));
        std::thread::sleep((Duration::from_millis(100) * (round + 1)).saturating_sub(began.elapsed()));
    }
    let seconds = began.elapsed().as_secs_f64();
    tenant.copies_are(Some(&json!({"a": "round 29"})))?;
    operator.is_quiet();
    let rounds = (operator.map_writes() - before).div_ceil(targets);
    assert!(f64::from(u32::try_from(rounds)?) <= seconds + 2.0, "{rounds} rounds in {seconds} s");
    let resident = operator.resident().ok_or("a process")?;
    assert!(resident < 64_000_000, "{resident} bytes");
    Ok(())
}

pub fn selectors() -> Result<(), Failed> {
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
    tenant.delete("itself")?;
    assert!(map_at(&tenant.own, "settings").is_some(), "the source is no copy");
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

pub fn planted_marks() -> Result<(), Failed> {
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

pub fn other_status() -> Result<(), Failed> {
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

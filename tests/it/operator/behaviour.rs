//! What the operator does, as a table of section 1 of its specification: one test a row.

use std::time::Duration;

use k8s_openapi::api::core::v1::{ConfigMap, ServiceAccount};
use k8s_openapi::api::events::v1::Event;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PropagationPolicy};
use libtest_mimic::{Failed, Trial};
use serde_json::json;

use super::stage::{Running, Tenant, apply, delete_map, edit_map, label, map_at, until};
use crate::cases::code;
use crate::cli::program::Desk;
use crate::cli::proxy::Answer;
use crate::sandbox::shared;

type Run = fn() -> Result<(), Failed>;

/// All of them.
pub fn trials() -> Vec<Trial> {
    let table: &[(&str, Run)] = &[
        ("a_source_is_copied_and_an_edit_follows", a_source_is_copied_and_an_edit_follows),
        ("everything_of_the_source_is_copied_that_is_asked_for", everything_asked_for),
        ("drift_is_corrected", drift_is_corrected),
        ("drift_is_reported", drift_is_reported),
        ("drift_is_ignored", drift_is_ignored),
        ("a_foreign_map_is_left_alone", a_foreign_map_is_left_alone),
        ("a_foreign_map_is_adopted", a_foreign_map_is_adopted),
        ("a_foreign_map_is_skipped", a_foreign_map_is_skipped),
        ("namespaces_come_and_go_by_their_labels", namespaces_by_labels),
        ("a_namespace_that_is_no_longer_wanted_is_pruned", pruned),
        ("a_deletion_deletes_the_copies", a_deletion_deletes),
        ("a_deletion_leaves_copies_without_marks", a_deletion_orphans),
        ("the_orphan_finalizer_keeps_the_copies", the_orphan_finalizer),
        ("a_missing_source_keeps_the_copies", a_missing_source_keeps),
        ("a_missing_source_deletes_where_asked", a_missing_source_deletes),
        ("a_pause_stops_writes", a_pause_stops_writes),
        ("immutable_copies_are_replaced", immutable_copies),
        ("a_run_is_forced_by_an_annotation", a_forced_run),
        ("the_strict_mode_needs_no_list_of_maps", strict),
        ("it_ends_gracefully", it_ends_gracefully),
        ("a_cleanup_without_an_account_waits_or_impersonates", cleanup_without_an_account),
        ("an_object_is_explained", explained),
    ];
    table.iter().map(|(name, run)| code("operator::does", name, *run)).collect()
}

fn a_source_is_copied_and_an_edit_follows() -> Result<(), Failed> {
    let tenant = Tenant::new(2);
    let operator = Running::open(&tenant, &[]);
    tenant.sync("sync", &json!({}));
    tenant.comes_to("sync", "Available=True/Synced Progressing=False/Synced Degraded=False/Synced")?;
    tenant.copies_are(Some(&json!({"a": "1"})))?;
    let status = tenant.status("sync");
    assert_eq!((status.targets, status.synced, status.failed), (Some(2), Some(2), Some(0)));
    assert_eq!(status.source.expect("a source").bytes, 1);
    operator.is_quiet();
    assert_eq!(operator.map_writes(), 2, "one a target");
    tenant.source(&json!({"a": "2", "b": "3"}));
    tenant.copies_are(Some(&json!({"a": "2", "b": "3"})))?;
    operator.is_quiet();
    assert_eq!(operator.map_writes(), 4, "one a target: {:?}", operator.kinds());
    let source = map_at(&tenant.own, "settings").expect("the source");
    assert_eq!(source.metadata.labels, None, "nothing is written to the source");
    let copy = map_at(&tenant.targets[0], "settings").expect("a copy");
    assert_eq!(copy.metadata.owner_references, None);
    Ok(())
}

fn everything_asked_for() -> Result<(), Failed> {
    let tenant = Tenant::new(1);
    let _operator = Running::open(&tenant, &[]);
    apply(&json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"namespace": tenant.own, "name": "settings",
            "labels": {"team": "red", "other": "x"},
            "annotations": {"example.com/a": "1", "meta.helm.sh/release-name": "r"}},
        "data": {"a": "1"}, "binaryData": {"b": "AAECAw=="},
    }));
    tenant.sync(
        "sync",
        &json!({
            "target": {"name": "renamed", "labels": {"static": "yes"}},
            "propagate": {"labels": ["team"], "annotations": ["example.com/*"]},
        }),
    );
    tenant.comes_to("sync", "Available=True/Synced")?;
    let copy = map_at(&tenant.targets[0], "renamed").expect("a copy");
    assert_eq!(json!(copy.binary_data), json!({"b": "AAECAw=="}));
    let labels = copy.metadata.labels.unwrap_or_default();
    assert_eq!(
        (labels.get("team").map(String::as_str), labels.get("static").map(String::as_str)),
        (Some("red"), Some("yes"))
    );
    assert!(!labels.contains_key("other"));
    let annotations = copy.metadata.annotations.unwrap_or_default();
    assert!(annotations.contains_key("example.com/a") && !annotations.contains_key("meta.helm.sh/release-name"));
    // Data becomes binary data under the same name, in one write.
    apply(&json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": tenant.own, "name": "settings"},
        "binaryData": {"a": "AAECAw=="},
    }));
    until("the data moved", || {
        let copy = map_at(&tenant.targets[0], "renamed").expect("a copy");
        let now = json!([copy.data, copy.binary_data]);
        let status = || tenant.status("sync");
        if now == json!([null, {"a": "AAECAw=="}]) { Ok(()) } else { Err(format!("{now} {:?}", status())) }
    })
}

fn drift_is_corrected() -> Result<(), Failed> {
    let tenant = Tenant::new(1);
    let _operator = Running::open(&tenant, &[]);
    tenant.sync("sync", &json!({}));
    tenant.comes_to("sync", "Available=True/Synced")?;
    let there = &tenant.targets[0];
    for edit in [
        json!({"data": {"a": "edited"}}),
        json!({"data": {"extra": "x"}}),
        json!({"data": {"a": null, "extra": "x"}}),
        json!({"binaryData": {"extra": "AAE="}}),
    ] {
        edit_map(there, "settings", &edit);
        tenant.copy_is(there, Some(&json!({"a": "1"})))?;
    }
    until("no bytes", || {
        map_at(there, "settings").and_then(|it| it.binary_data).map_or(Ok(()), |it| Err(format!("{it:?}")))
    })?;
    delete_map(there, "settings");
    tenant.copy_is(there, Some(&json!({"a": "1"})))?;
    edit_map(
        there,
        "settings",
        &json!({"metadata": {"labels": {"theirs": "1"}, "annotations": {"weaver.example.com/source-hash": "x"}}}),
    );
    until("the annotation is ours again", || {
        let meta = map_at(there, "settings").expect("a copy").metadata;
        let kept = meta.labels.unwrap_or_default().contains_key("theirs");
        let hash = meta.annotations.unwrap_or_default()["weaver.example.com/source-hash"].clone();
        if kept && hash != "x" { Ok(()) } else { Err(hash) }
    })?;
    events(&tenant, "DriftCorrected")
}

fn drift_is_reported() -> Result<(), Failed> {
    let tenant = Tenant::new(2);
    let mut operator = Running::open(&tenant, &[]);
    tenant.sync("sync", &json!({"driftPolicy": "Report"}));
    tenant.comes_to("sync", "Available=True/Synced")?;
    edit_map(&tenant.targets[0], "settings", &json!({"data": {"a": "edited"}}));
    delete_map(&tenant.targets[1], "settings");
    until("both are reported", || {
        let failed = tenant.status("sync").failed_targets;
        let all = failed.len() == 2 && failed.iter().all(|it| format!("{:?}", it.reason) == "Drifted");
        if all { Ok(()) } else { Err(format!("{failed:?}")) }
    })?;
    tenant.comes_to("sync", "Degraded=True/Drifted")?;
    assert!(map_at(&tenant.targets[1], "settings").is_none());
    // Also who starts anew knows that it was there.
    operator.kill();
    operator.again();
    operator.is_quiet();
    assert!(map_at(&tenant.targets[1], "settings").is_none());
    tenant.source(&json!({"a": "2"}));
    tenant.copy_is(&tenant.targets[0], Some(&json!({"a": "2"})))
}

fn drift_is_ignored() -> Result<(), Failed> {
    let tenant = Tenant::new(1);
    let operator = Running::open(&tenant, &[]);
    tenant.sync("sync", &json!({"driftPolicy": "Ignore"}));
    tenant.comes_to("sync", "Available=True/Synced")?;
    let before = operator.is_quiet();
    edit_map(&tenant.targets[0], "settings", &json!({"data": {"a": "edited"}}));
    assert_eq!(operator.is_quiet(), before);
    tenant.copy_is(&tenant.targets[0], Some(&json!({"a": "edited"})))?;
    tenant.source(&json!({"a": "2"}));
    tenant.copy_is(&tenant.targets[0], Some(&json!({"a": "2"})))
}

fn a_foreign_map_is_left_alone() -> Result<(), Failed> {
    let tenant = Tenant::new(3);
    let there = &tenant.targets;
    tenant.map(&there[0], "settings", &json!({"a": "theirs"}));
    tenant.map(&there[1], "settings", &json!({"other": "theirs"}));
    let before = [&there[0], &there[1]].map(|it| map_at(it, "settings"));
    let operator = Running::open(&tenant, &[]);
    tenant.sync("sync", &json!({}));
    tenant.comes_to(
        "sync",
        "Available=False/PartiallySynced Progressing=False/TargetConflict Degraded=True/TargetConflict",
    )?;
    assert_eq!(tenant.status("sync").conflicts, Some(2));
    operator.is_quiet();
    assert_eq!([&there[0], &there[1]].map(|it| map_at(it, "settings")), before, "not a byte, not a label");
    events(&tenant, "ConflictDetected")?;
    // When it goes, the copy comes at once.
    delete_map(&there[0], "settings");
    tenant.copy_is(&there[0], Some(&json!({"a": "1"})))
}

fn a_foreign_map_is_adopted() -> Result<(), Failed> {
    let tenant = Tenant::new(3);
    let there = &tenant.targets;
    tenant.map(&there[0], "settings", &json!({"other": "theirs"}));
    apply(&json!({
        "apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "helm"},
        "metadata": {"namespace": there[1], "name": "settings", "labels": {"app.kubernetes.io/managed-by": "Helm"}},
    }));
    let _operator = Running::open(&tenant, &[]);
    tenant.sync("sync", &json!({"conflictPolicy": "Adopt"}));
    tenant.copy_is(&there[0], Some(&json!({"a": "1"})))?;
    tenant.copy_is(&there[2], Some(&json!({"a": "1"})))?;
    tenant.comes_to("sync", "Degraded=True/TargetConflict")?;
    tenant.copy_is(&there[1], Some(&json!({"a": "helm"})))?;
    assert!(tenant.status("sync").failed_targets[0].message.contains("which Helm owns"));
    Ok(())
}

fn a_foreign_map_is_skipped() -> Result<(), Failed> {
    let tenant = Tenant::new(2);
    tenant.map(&tenant.targets[0], "settings", &json!({"a": "theirs"}));
    let _operator = Running::open(&tenant, &[]);
    tenant.sync("sync", &json!({"conflictPolicy": "Skip"}));
    tenant.comes_to("sync", "Available=True/Synced")?;
    assert_eq!(tenant.status("sync").targets, Some(1));
    tenant.copy_is(&tenant.targets[0], Some(&json!({"a": "theirs"})))
}

fn namespaces_by_labels() -> Result<(), Failed> {
    let tenant = Tenant::new(2);
    let _operator = Running::open(&tenant, &[]);
    label(&tenant.targets[0], &json!({"of": tenant.own}));
    tenant.sync("sync", &json!({"namespaceSelector": {"matchLabels": {"of": tenant.own}}}));
    tenant.copy_is(&tenant.targets[0], Some(&json!({"a": "1"})))?;
    label(&tenant.targets[1], &json!({"of": tenant.own}));
    tenant.copy_is(&tenant.targets[1], Some(&json!({"a": "1"})))?;
    label(&tenant.targets[0], &json!({"of": null}));
    tenant.copy_is(&tenant.targets[0], None)?;
    tenant.copy_is(&tenant.targets[1], Some(&json!({"a": "1"})))?;
    tenant.comes_to("sync", "Available=True/Synced")?;
    events(&tenant, "Pruned")
}

fn pruned() -> Result<(), Failed> {
    let tenant = Tenant::new(2);
    let _operator = Running::open(&tenant, &[]);
    tenant.sync("sync", &json!({}));
    tenant.comes_to("sync", "Available=True/Synced")?;
    tenant.edit("sync", &json!({"spec": {"syncToNamespaces": [tenant.targets[0]]}}));
    tenant.copy_is(&tenant.targets[1], None)?;
    tenant.copy_is(&tenant.targets[0], Some(&json!({"a": "1"})))?;
    until(
        "one target",
        || if tenant.status("sync").targets == Some(1) { Ok(()) } else { Err(tenant.conditions("sync")) },
    )
}

fn a_deletion_deletes() -> Result<(), Failed> {
    let tenant = Tenant::new(2);
    let _operator = Running::open(&tenant, &[]);
    tenant.sync("sync", &json!({}));
    tenant.comes_to("sync", "Available=True/Synced")?;
    tenant.delete("sync")?;
    tenant.targets.iter().for_each(|it| assert!(map_at(it, "settings").is_none()));
    assert!(map_at(&tenant.own, "settings").is_some(), "the source stays");
    Ok(())
}

fn a_deletion_orphans() -> Result<(), Failed> {
    let tenant = Tenant::new(1);
    let _operator = Running::open(&tenant, &[]);
    tenant.sync("sync", &json!({"deletionPolicy": "Orphan"}));
    tenant.comes_to("sync", "Available=True/Synced")?;
    tenant.delete("sync")?;
    is_free(&tenant.targets[0])
}

/// A copy is there, and nothing says whose it was.
fn is_free(namespace: &str) -> Result<(), Failed> {
    let copy: ConfigMap = map_at(namespace, "settings").ok_or("the copy stays")?;
    let labels = copy.metadata.labels.unwrap_or_default().into_keys();
    let marks = labels.chain(copy.metadata.annotations.unwrap_or_default().into_keys());
    let mut left: Vec<String> = marks.filter(|it| it.starts_with("weaver.")).collect();
    let managers = copy.metadata.managed_fields.unwrap_or_default();
    left.extend(managers.iter().filter(|it| it.manager.as_deref() == Some("weaver")).map(|it| format!("{it:?}")));
    if left.is_empty() && json!(copy.data) == json!({"a": "1"}) { Ok(()) } else { Err(format!("{left:?}").into()) }
}

fn the_orphan_finalizer() -> Result<(), Failed> {
    let tenant = Tenant::new(1);
    let _operator = Running::open(&tenant, &[]);
    tenant.sync("sync", &json!({}));
    tenant.comes_to("sync", "Available=True/Synced")?;
    let parameters = DeleteParams { propagation_policy: Some(PropagationPolicy::Orphan), ..DeleteParams::default() };
    shared().block_on(tenant.syncs().delete("sync", &parameters))?;
    // The garbage collector learns of new kinds every half minute.
    until("the operator did its part", || is_free(&tenant.targets[0]).map_err(|it| format!("{it:?}")))?;
    let patch = Patch::Merge(json!({"metadata": {"finalizers": []}}));
    let _ = shared().block_on(tenant.syncs().patch("sync", &PatchParams::default(), &patch));
    tenant.is_gone("sync")?;
    is_free(&tenant.targets[0])
}

fn a_missing_source_keeps() -> Result<(), Failed> {
    let tenant = Tenant::new(1);
    let _operator = Running::open(&tenant, &[]);
    tenant.sync("sync", &json!({}));
    tenant.comes_to("sync", "Available=True/Synced")?;
    delete_map(&tenant.own, "settings");
    tenant.comes_to(
        "sync",
        "Available=False/SourceNotFound Progressing=False/SourceNotFound Degraded=True/SourceNotFound",
    )?;
    tenant.copies_are(Some(&json!({"a": "1"})))?;
    tenant.source(&json!({"a": "2"}));
    tenant.copies_are(Some(&json!({"a": "2"})))?;
    tenant.comes_to("sync", "Available=True/Synced")
}

fn a_missing_source_deletes() -> Result<(), Failed> {
    let tenant = Tenant::new(1);
    let _operator = Running::open(&tenant, &[]);
    tenant.sync("sync", &json!({"sourceMissingPolicy": "Delete"}));
    tenant.comes_to("sync", "Available=True/Synced")?;
    delete_map(&tenant.own, "settings");
    tenant.copies_are(None)?;
    tenant.comes_to("sync", "Available=False/SourceNotFound")
}

fn a_pause_stops_writes() -> Result<(), Failed> {
    let tenant = Tenant::new(1);
    let operator = Running::open(&tenant, &[]);
    tenant.sync("sync", &json!({}));
    tenant.comes_to("sync", "Available=True/Synced")?;
    tenant.edit("sync", &json!({"spec": {"paused": true}}));
    tenant.comes_to("sync", "Progressing=False/Paused")?;
    operator.is_quiet();
    let before = operator.map_writes();
    tenant.source(&json!({"a": "2"}));
    operator.is_quiet();
    assert_eq!(operator.map_writes(), before);
    tenant.delete("sync")?;
    tenant.copies_are(Some(&json!({"a": "1"})))?;
    assert_eq!(operator.map_writes(), before);
    events(&tenant, "Orphaned")
}

fn immutable_copies() -> Result<(), Failed> {
    let tenant = Tenant::new(1);
    let operator = Running::open(&tenant, &[]);
    tenant.sync("sync", &json!({"target": {"immutable": "Always"}}));
    tenant.comes_to("sync", "Available=True/Synced")?;
    let first = map_at(&tenant.targets[0], "settings").expect("a copy");
    assert_eq!(first.immutable, Some(true));
    tenant.source(&json!({"a": "2"}));
    tenant.copies_are(Some(&json!({"a": "2"})))?;
    let second = map_at(&tenant.targets[0], "settings").expect("a copy");
    assert_ne!(first.metadata.uid, second.metadata.uid, "another object");
    operator.is_quiet();
    // Without the right to delete, that cannot be done, and is said.
    tenant.may("copier", &tenant.targets[0], &["get", "list", "create", "patch"]);
    tenant.source(&json!({"a": "3"}));
    tenant.comes_to("sync", "Degraded=True/ImmutableTarget")
}

fn a_forced_run() -> Result<(), Failed> {
    let tenant = Tenant::new(1);
    let operator = Running::open(&tenant, &[]);
    tenant.sync("sync", &json!({}));
    tenant.comes_to("sync", "Available=True/Synced")?;
    operator.is_quiet();
    let looks = || operator.proxy.seen().iter().filter(|it| it.path.contains(&tenant.targets[0])).count();
    let before = looks();
    tenant.edit("sync", &json!({"metadata": {"annotations": {"weaver.example.com/reconcile-at": "now"}}}));
    until("it is echoed", || {
        let handled = tenant.status("sync").last_handled_reconcile_at;
        if handled.as_deref() == Some("now") { Ok(()) } else { Err(format!("{handled:?}")) }
    })?;
    assert!(looks() > before, "everything is looked at");
    Ok(())
}

fn strict() -> Result<(), Failed> {
    let tenant = Tenant::new(2);
    let operator = Running::open(&tenant, &["--strict"]);
    tenant.sync("sync", &json!({}));
    tenant.comes_to("sync", "Available=True/Synced")?;
    tenant.edit("sync", &json!({"spec": {"syncToNamespaces": [tenant.targets[0]]}}));
    tenant.copy_is(&tenant.targets[1], None)?;
    tenant.delete("sync")?;
    tenant.copies_are(None)?;
    let lists = operator.proxy.seen().into_iter().filter(|it| it.bare_path() == "/api/v1/configmaps").count();
    assert_eq!(lists, 0);
    Ok(())
}

fn it_ends_gracefully() -> Result<(), Failed> {
    let tenant = Tenant::new(1);
    let mut operator = Running::open(&tenant, &[]);
    tenant.sync("sync", &json!({}));
    tenant.comes_to("sync", "Available=True/Synced")?;
    let began = std::time::Instant::now();
    assert_eq!(operator.ends(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(5));
    Ok(())
}

/// Without its account nothing can be removed, unless the operator may impersonate it; then still no more than it might.
fn cleanup_without_an_account() -> Result<(), Failed> {
    let tenant = Tenant::new(2);
    let mut operator = Running::open(&tenant, &[]);
    tenant.sync("sync", &json!({}));
    tenant.comes_to("sync", "Available=True/Synced")?;
    operator.is_quiet();
    operator.kill();
    let accounts: Api<ServiceAccount> = Api::namespaced(shared().client(), &tenant.own);
    shared().block_on(accounts.delete("copier", &DeleteParams::default()))?;
    shared().block_on(tenant.syncs().delete("sync", &DeleteParams::default()))?;
    operator.again();
    tenant.comes_to("sync", "Degraded=True/CleanupIncomplete")?;
    tenant.copies_are(Some(&json!({"a": "1"})))?;
    operator.kill();
    tenant.may_not("copier", &tenant.targets[1]);
    tenant.edit("sync", &json!({"spec": {"cleanupTimeout": "3s"}}));
    let impersonating = ["--impersonate-for-cleanup"];
    let _operator = Running::of(shared().client(), &tenant, &impersonating, |_| Answer::Through);
    tenant.is_gone("sync")?;
    tenant.copy_is(&tenant.targets[0], None)?;
    tenant.copy_is(&tenant.targets[1], Some(&json!({"a": "1"})))
}

fn explained() -> Result<(), Failed> {
    let tenant = Tenant::new(2);
    tenant.map(&tenant.targets[1], "settings", &json!({"a": "theirs"}));
    let _operator = Running::open(&tenant, &[]);
    tenant.sync("sync", &json!({}));
    tenant.comes_to("sync", "Degraded=True/TargetConflict")?;
    let desk = Desk::new();
    let kubeconfig = shared().kubeconfig().to_str().expect("UTF-8");
    let run = desk.run(["operator", "explain", &format!("{}/sync", tenant.own), "--kubeconfig", kubeconfig]);
    run.ends_with(0)?.says("it equals the source")?.says("a ConfigMap of this name is there, which is not ours")?;
    run.says("Degraded=True TargetConflict: 1 of 2 namespaces have the copy")?;
    let run = desk.run(["operator", "explain", &format!("{}/not-there", tenant.own), "--kubeconfig", kubeconfig]);
    run.ends_with(1)?.says("there is no ConfigMapSync")?;
    Ok(())
}

/// Waits until an event was published on an object of the tenant.
fn events(tenant: &Tenant, reason: &str) -> Result<(), Failed> {
    let api: Api<Event> = Api::namespaced(shared().client(), &tenant.own);
    until(&format!("an event {reason}"), || {
        let all = shared().block_on(api.list(&ListParams::default())).expect("a list");
        let reasons: Vec<_> = all.iter().filter_map(|it| it.reason.clone()).collect();
        if reasons.iter().any(|it| it == reason) { Ok(()) } else { Err(format!("{reasons:?}")) }
    })
}

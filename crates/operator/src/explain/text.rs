//! An explanation as text. It asks [`step`], so it describes what the operator does.

use std::fmt::Write as _;

use k8s_openapi::api::core::v1::ConfigMap;

use super::{Lookup, SyncFacts, known_namespaces};
use crate::DeletionPolicy;
use crate::decide::{
    CopyOwner, DesiredCopy, Difference, TargetOutcome, TargetPlace, TargetRules, TargetState, TargetStep, is_copy,
    places, source, step, target_name,
};
use weft_base::diagnostic::counted;
use weft_stages::report::harmless;

/// What an object wants, what was found, and why each target is as it is.
pub fn explanation(facts: &SyncFacts) -> String {
    let SyncFacts { key, sync, .. } = facts;
    let spec = &sync.spec;
    let from = source(spec, &key.namespace);
    let mut text = format!("ConfigMapSync {key}\n");
    let mut line = |what: &str, said: &str| _ = writeln!(text, "  {what:<9}{}", harmless(said));
    let wanted = places(spec, &key.namespace, &known_namespaces(sync, &facts.namespaces));
    line("wants", &format!("{from} as {} in {}", target_name(spec), counted(wanted.len(), "namespace")));
    line("acts as", &account(facts));
    let made = desired_copy(facts);
    line("source", &of_source(facts, made.as_ref()));
    if let Err(why) = &facts.namespaces {
        line("unknown", &format!("the namespaces, so those that are named are taken to be there: {why}"));
    }
    for said in states(facts) {
        line("is", &said);
    }
    let mut rows: Vec<(String, String, String)> = wanted
        .iter()
        .map(|(namespace, place)| {
            let (state, why) = target(facts, made.as_ref(), namespace, *place);
            (namespace.clone(), state.to_owned(), with_report(facts, namespace, why))
        })
        .collect();
    rows.extend(elsewhere(facts));
    table(&mut text, &rows);
    text
}

fn account(facts: &SyncFacts) -> String {
    let name = format!("the service account {}/{}", facts.key.namespace, facts.sync.spec.service_account.name);
    match &facts.account {
        Ok(Some(())) => name,
        Ok(None) => format!("{name}, which does not exist"),
        Err(why) => format!("{name}, which may not be looked at: {why}"),
    }
}

/// The desired copy, if the source exists.
fn desired_copy(facts: &SyncFacts) -> Option<DesiredCopy> {
    let uid = facts.sync.metadata.uid.clone().unwrap_or_default();
    let owner = CopyOwner { key: facts.key.clone(), uid };
    let object = facts.source.as_ref().ok()?.as_ref()?;
    Some(DesiredCopy::new(&owner, &facts.sync.spec, object))
}

fn of_source(facts: &SyncFacts, made: Option<&DesiredCopy>) -> String {
    match (&facts.source, made) {
        (Err(why), _) => format!("may not be read by you: {why}"),
        (Ok(Some(object)), _) if is_copy(&object.metadata) => "is itself a copy, and is not copied on".to_owned(),
        (Ok(Some(object)), Some(made)) => {
            let version = object.metadata.resource_version.as_deref().unwrap_or("?");
            let hash: String = made.hash.chars().take(12).collect();
            let large = made.too_large().map(|why| format!("; it is too large: {why}")).unwrap_or_default();
            format!("{} bytes, version {version}, hash {hash}{large}", made.bytes)
        }
        _ => format!("does not exist; sourceMissingPolicy is {:?}", facts.sync.spec.source_missing_policy),
    }
}

/// What the object itself says: a pause, a deletion, its conditions.
fn states(facts: &SyncFacts) -> Vec<String> {
    let SyncFacts { sync, .. } = facts;
    let mut said = Vec::new();
    said.extend(sync.spec.paused.then(|| "paused: nothing is written".to_owned()));
    said.extend(sync.metadata.deletion_timestamp.is_some().then(|| "being deleted".to_owned()));
    let status = sync.status.clone().unwrap_or_default();
    if status.conditions.is_empty() {
        said.push("not looked at yet: does an operator run?".to_owned());
    } else if status.observed_generation != sync.metadata.generation {
        said.push("not looked at since its last change".to_owned());
    }
    said.extend(status.conditions.iter().map(|it| format!("{}={} {}: {}", it.type_, it.status, it.reason, it.message)));
    said
}

fn target(
    facts: &SyncFacts,
    made: Option<&DesiredCopy>,
    namespace: &str,
    place: TargetPlace,
) -> (&'static str, String) {
    match place {
        TargetPlace::Missing => ("waits", "the namespace does not exist".to_owned()),
        TargetPlace::Terminating => ("waits", "the namespace is being deleted".to_owned()),
        TargetPlace::IsSource => ("failed", "the copy would be the source".to_owned()),
        TargetPlace::Ready => match (facts.targets.get(namespace), made) {
            (Some(Err(why)), _) => ("unknown", format!("you may not look: {why}")),
            (_, None) => ("unknown", "without a source it cannot be told".to_owned()),
            (Some(Ok(found)), Some(made)) => ready(facts, made, &Ok(found.clone())),
            (None, _) => ("unknown", "it was not looked at".to_owned()),
        },
    }
}

fn ready(facts: &SyncFacts, made: &DesiredCopy, found: &Lookup<ConfigMap>) -> (&'static str, String) {
    let spec = &facts.sync.spec;
    let owner = CopyOwner { key: facts.key.clone(), uid: facts.sync.metadata.uid.clone().unwrap_or_default() };
    let rules = TargetRules { wanted: made, owner: &owner, conflict: spec.conflict_policy, drift: spec.drift_policy };
    let object = found.clone().ok().flatten();
    let difference = object.as_ref().map(|it| made.difference(it)).unwrap_or_default();
    let found = object.map_or(TargetState::Absent, |it| TargetState::Present(Box::new(it)));
    match step(&rules, &found) {
        TargetStep::Create => ("missing", "the next visit creates it".to_owned()),
        TargetStep::Change { drift: true, .. } => {
            ("drifted", format!("{}; the next visit corrects it", differs(&difference)))
        }
        TargetStep::Change { .. } => ("outdated", format!("{}; the next visit writes it", differs(&difference))),
        TargetStep::Replace => ("immutable", "the next visit deletes it and creates it again".to_owned()),
        TargetStep::Done(TargetOutcome::Synced) if difference.is_none() => {
            ("synced", "it equals the source".to_owned())
        }
        TargetStep::Done(TargetOutcome::Synced) => {
            ("drifted", format!("{}; driftPolicy is Ignore", differs(&difference)))
        }
        TargetStep::Done(TargetOutcome::Skipped) => ("skipped", "it is not ours; conflictPolicy is Skip".to_owned()),
        TargetStep::Done(TargetOutcome::Conflict(why)) => ("conflict", why),
        TargetStep::Done(TargetOutcome::Pending(_, why)) => ("waits", why),
        TargetStep::Done(TargetOutcome::Failed(_, why)) => ("failed", why),
    }
}

fn differs(difference: &Difference) -> String {
    let extra: Vec<&str> = difference.extra_data.iter().chain(&difference.extra_binary).map(String::as_str).collect();
    let mut parts = Vec::new();
    parts.extend(difference.content.then(|| "its data differs".to_owned()));
    parts.extend(difference.metadata.then(|| "its labels or annotations differ".to_owned()));
    parts.extend(difference.immutable.then(|| "`immutable` differs".to_owned()));
    parts.extend((!extra.is_empty()).then(|| format!("it has more keys: {}", extra.join(", "))));
    parts.join(", ")
}

/// With what the operator met there, which may be more than what is to be seen: rights, quotas, policies.
fn with_report(facts: &SyncFacts, namespace: &str, why: String) -> String {
    let status = facts.sync.status.as_ref();
    let reported = status.and_then(|it| it.failed_targets.iter().find(|it| it.namespace == namespace));
    match reported {
        Some(it) if !why.contains(&it.message) => format!("{why} (the operator met {:?}: {})", it.reason, it.message),
        _ => why,
    }
}

fn elsewhere(facts: &SyncFacts) -> Vec<(String, String, String)> {
    let row = |namespace: &str, state: &str, why: String| (namespace.to_owned(), state.to_owned(), why);
    match &facts.elsewhere {
        Err(why) => {
            vec![row("(others)", "unknown", format!("copies that are no longer wanted cannot be listed: {why}"))]
        }
        Ok(names) => {
            let fate = match facts.sync.spec.deletion_policy {
                DeletionPolicy::Delete => "deletes it",
                DeletionPolicy::Orphan => "leaves it without an owner",
            };
            names.iter().map(|it| row(it, "leaves", format!("it is no longer wanted; the next visit {fate}"))).collect()
        }
    }
}

fn table(text: &mut String, rows: &[(String, String, String)]) {
    let wide = rows.iter().map(|it| it.0.len()).max().unwrap_or_default().max("NAMESPACE".len());
    if !rows.is_empty() {
        let _ = writeln!(text, "\n{:<wide$}  {:<9}  WHY", "NAMESPACE", "STATE");
    }
    for (namespace, state, why) in rows {
        let _ = writeln!(text, "{namespace:<wide$}  {state:<9}  {}", harmless(why));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::ConfigMapSync;
    use crate::decide::Namespace;
    use crate::marks::NamespacedName;

    #[test]
    fn every_target_has_its_reason() {
        let sync: ConfigMapSync = serde_json::from_value(json!({
            "apiVersion": "weaver.example.com/v1alpha1", "kind": "ConfigMapSync",
            "metadata": {"namespace": "team", "name": "sync", "uid": "u1", "generation": 2},
            "spec": {"source": {"name": "settings"}, "syncToNamespaces": ["a", "b", "c", "d", "gone", "secret"]},
            "status": {
                "observedGeneration": 1,
                "conditions": [{"type": "Available", "status": "False", "reason": "PartiallySynced", "message": "Some.",
                    "lastTransitionTime": "2026-01-01T00:00:00Z"}],
                "failedTargets": [{"namespace": "d", "reason": "TargetForbidden", "message": "may not \u{1b}[31mcreate"}],
            },
        }))
        .unwrap();
        let map = |it| serde_json::from_value::<ConfigMap>(it).unwrap();
        let source = map(json!({
            "metadata": {"namespace": "team", "name": "settings", "resourceVersion": "7"}, "data": {"a": "1"},
        }));
        let owner = CopyOwner { key: NamespacedName::new("team", "sync"), uid: "u1".into() };
        let copy = DesiredCopy::new(&owner, &sync.spec, &source).object("a");
        let mut edited = copy.clone();
        edited.data = Some(BTreeMap::from([("a".into(), "2".into())]));
        let namespaces = ["a", "b", "c", "d", "secret", "old"].map(|it| (it.to_owned(), Namespace::default())).into();
        let foreign = map(json!({"metadata": {"annotations": {"meta.helm.sh/release-name": "r"}}}));
        let facts = SyncFacts {
            key: NamespacedName::new("team", "sync"),
            sync,
            account: Ok(Some(())),
            source: Ok(Some(source)),
            namespaces: Ok(namespaces),
            targets: BTreeMap::from([
                ("a".to_owned(), Ok(Some(copy))),
                ("b".to_owned(), Ok(Some(edited))),
                ("c".to_owned(), Ok(Some(foreign))),
                ("d".to_owned(), Ok(None)),
                ("secret".to_owned(), Err("no right".to_owned())),
            ]),
            elsewhere: Ok(vec!["old".to_owned()]),
        };
        let hash: String = desired_copy(&facts).unwrap().hash.chars().take(12).collect();
        let expected = "ConfigMapSync team/sync
  wants    team/settings as settings in 6 namespaces
  acts as  the service account team/default
  source   1 bytes, version 7, hash HASH
  is       not looked at since its last change
  is       Available=False PartiallySynced: Some.

NAMESPACE  STATE      WHY
a          synced     it equals the source
b          drifted    its data differs; the next visit corrects it
c          conflict   a ConfigMap of this name is there, which Helm owns
d          missing    the next visit creates it (the operator met TargetForbidden: may not \\u{1b}[31mcreate)
gone       waits      the namespace does not exist
secret     unknown    you may not look: no right
old        leaves     it is no longer wanted; the next visit deletes it
";
        assert_eq!(explanation(&facts), expected.replace("HASH", &hash));
    }
}

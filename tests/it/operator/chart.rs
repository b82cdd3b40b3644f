//! The chart of the operator: what its account may do and may not, and what its options make.

use std::collections::BTreeSet;

use k8s_openapi::api::authorization::v1::SubjectAccessReview;
use kube::api::{Api, PostParams};
use libtest_mimic::{Failed, Trial};
use serde_json::{Value as Json, json};
use weft::operator::{LEASE, Metrics, NeededRight, OPERATOR, RightCondition, metrics};
use weft::telemetry;
use weft::value::Value;

use super::install::{Installed, NAME, rendered, text};
use crate::cases::{code, same};
use crate::sandbox::shared;

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("operator", "chart_rights_are_those_of_the_table", rights_are_those_of_the_table),
        code("operator", "chart_default_rights", default_rights),
        code("operator", "chart_strict_rights", strict_rights),
        code("operator", "chart_impersonation_is_off_unless_switched_on", impersonation),
        code("operator", "chart_pods_are_restricted", pods_are_restricted),
        code("operator", "chart_options", options),
        code("operator", "chart_values_are_checked", values_are_checked),
        code("operator", "chart_dashboard_shows_metrics_that_there_are", dashboard),
    ]
}

/// Values with everything that takes rights switched on.
const STRICT: &str = "{strict: {enabled: true, tenants: [{namespace: TENANT, serviceAccounts: [copier]}]}}";

/// A verb on a resource, as `get configmaps` or `create serviceaccounts/token/copier` (a subresource, then a name), in
/// a namespace.
fn may(user: &str, right: &str, namespace: &str) -> Result<bool, Failed> {
    let (verb, rest) = right.split_once(' ').ok_or("a verb")?;
    let mut parts = rest.split('/');
    let resource = parts.next().unwrap_or_default();
    let (resource, group) = resource.split_once('.').unwrap_or((resource, ""));
    let attributes = json!({
        "verb": verb, "group": group, "resource": resource, "namespace": namespace,
        "subresource": parts.next().unwrap_or_default(), "name": parts.next().unwrap_or_default(),
    });
    let groups = ["system:serviceaccounts", "system:authenticated"];
    let review: SubjectAccessReview =
        serde_json::from_value(json!({"spec": {"user": user, "groups": groups, "resourceAttributes": attributes}}))?;
    let api: Api<SubjectAccessReview> = Api::all(shared().client());
    let answer = shared().block_on(api.create(&PostParams::default(), &review))?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}

/// Holds an account to what it may and may not do.
fn holds(user: &str, namespace: &str, allowed: &[&str], denied: &[&str]) -> Result<(), Failed> {
    let all = allowed.iter().map(|it| (it, true)).chain(denied.iter().map(|it| (it, false)));
    let mut wrong = Vec::new();
    for (right, expected) in all {
        if may(user, right, namespace)? != expected {
            wrong.push(format!("{right} in {namespace}: expected {expected}"));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

/// What nobody may have whose writes are those of the tenants.
const NEVER: &[&str] = &[
    "create configmaps",
    "update configmaps",
    "patch configmaps",
    "delete configmaps",
    "deletecollection configmaps",
    "get configmaps",
    "get secrets",
    "list secrets",
    "watch secrets",
    "create pods",
    "get pods",
    "create pods/exec",
    "create serviceaccounts",
    "patch serviceaccounts",
    "delete namespaces",
    "patch namespaces",
    "create rolebindings.rbac.authorization.k8s.io",
    "bind clusterroles.rbac.authorization.k8s.io",
    "escalate clusterroles.rbac.authorization.k8s.io",
    "create configmapsyncs.weaver.example.com",
    "delete configmapsyncs.weaver.example.com",
    "impersonate users",
    "impersonate groups",
    "patch customresourcedefinitions.apiextensions.k8s.io",
    "patch validatingadmissionpolicies.admissionregistration.k8s.io",
];

fn default_rights() -> Result<(), Failed> {
    let installed = Installed::with("{}")?;
    let (user, other) = (installed.user(), shared().namespace("weaver-other"));
    let allowed = [
        "create serviceaccounts/token/copier",
        "list configmaps",
        "watch configmaps",
        "list namespaces",
        "list serviceaccounts",
        "patch configmapsyncs.weaver.example.com",
        "patch configmapsyncs.weaver.example.com/status",
        "create events.events.k8s.io",
    ];
    holds(&user, &other, &allowed, NEVER)?;
    holds(&user, &other, &[], &["impersonate serviceaccounts", "create leases.coordination.k8s.io"])?;
    let lease = |verb: &str, name: &str| format!("{verb} leases.coordination.k8s.io//{name}");
    let own = [lease("get", LEASE), lease("update", LEASE), lease("delete", LEASE), lease("create", "")];
    let foreign = [lease("update", "other"), lease("delete", "other"), lease("list", "")];
    let foreign = foreign.each_ref().map(String::as_str);
    holds(&user, &installed.namespace, &own.each_ref().map(String::as_str), &foreign)
}

fn strict_rights() -> Result<(), Failed> {
    let (tenant, other) = (shared().namespace("weaver-tenant"), shared().namespace("weaver-other"));
    let installed = Installed::with(&STRICT.replace("TENANT", &tenant))?;
    let user = installed.user();
    let never = [NEVER, &["list configmaps", "watch configmaps", "impersonate serviceaccounts//copier"]].concat();
    holds(&user, &tenant, &["create serviceaccounts/token/copier"], &never)?;
    holds(&user, &tenant, &["list namespaces", "list serviceaccounts"], &["create serviceaccounts/token/default"])?;
    holds(&user, &other, &[], &[never.as_slice(), &["create serviceaccounts/token/copier"]].concat())
}

fn impersonation() -> Result<(), Failed> {
    let tenant = shared().namespace("weaver-tenant");
    let installed = Installed::with("{cleanup: {impersonate: true}}")?;
    holds(&installed.user(), &tenant, &["impersonate serviceaccounts//any"], NEVER)?;
    let strict = STRICT.replace("TENANT", &tenant).replace("{strict", "{cleanup: {impersonate: true}, strict");
    let installed = Installed::with(&strict)?;
    let denied = [NEVER, &["impersonate serviceaccounts//default"]].concat();
    holds(&installed.user(), &tenant, &["impersonate serviceaccounts//copier"], &denied)?;
    holds(&installed.user(), &installed.namespace, &[], &["impersonate serviceaccounts//copier"])
}

/// The cluster-wide role is the program's own table, whatever is switched on.
fn rights_are_those_of_the_table() -> Result<(), Failed> {
    let tenants = "tenants: [{namespace: t, serviceAccounts: [copier]}]";
    for (values, strict, impersonating) in [
        ("{}".to_owned(), false, false),
        ("{cleanup: {impersonate: true}}".to_owned(), false, true),
        (format!("{{strict: {{enabled: true, {tenants}}}}}"), true, false),
        (format!("{{strict: {{enabled: true, {tenants}}}, cleanup: {{impersonate: true}}}}"), true, true),
    ] {
        let found: BTreeSet<String> = rendered("ns", &values)?
            .iter()
            .filter(|(path, object)| {
                path.ends_with("rights.yaml.j2") && !text(object, &["metadata", "name"]).contains("leases")
            })
            .flat_map(|(_, object)| rules(object))
            .collect();
        let is_needed = |needed: &&NeededRight| match needed.when {
            RightCondition::Always => true,
            RightCondition::Default => !strict,
            RightCondition::Impersonating => impersonating,
        };
        let narrow = |needed: &NeededRight| match (strict, needed.resource) {
            (true, "serviceaccounts/token") => Some("copier"),
            (true, "serviceaccounts") if needed.when == RightCondition::Impersonating => Some("copier"),
            _ => needed.name,
        };
        let expected: BTreeSet<String> = OPERATOR
            .iter()
            .filter(is_needed)
            .flat_map(|it| it.verbs.iter().map(move |verb| line(verb, it.group, it.resource, narrow(it))))
            .collect();
        let lines = |all: &BTreeSet<String>| all.iter().map(|it| it.clone() + "\n").collect::<String>();
        same(&values, &lines(&expected), &lines(&found))?;
    }
    Ok(())
}

fn line(verb: &str, group: &str, resource: &str, name: Option<&str>) -> String {
    format!("{verb} {resource}.{group} {}", name.unwrap_or("*"))
}

/// The rules of a role, one line for each verb on each resource.
fn rules(role: &Value) -> Vec<String> {
    let role = serde_json::to_value(role).expect("JSON");
    let texts = |list: &Json| -> Vec<String> {
        list.as_array().into_iter().flatten().filter_map(|it| it.as_str().map(str::to_owned)).collect()
    };
    let mut lines = Vec::new();
    for rule in role["rules"].as_array().into_iter().flatten() {
        let names = texts(&rule["resourceNames"]);
        for verb in texts(&rule["verbs"]) {
            for resource in texts(&rule["resources"]) {
                lines.push(line(&verb, &texts(&rule["apiGroups"])[0], &resource, names.first().map(String::as_str)));
            }
        }
    }
    lines
}

/// A namespace that takes only pods of the restricted profile takes those of the operator.
fn pods_are_restricted() -> Result<(), Failed> {
    let namespace = shared().namespace("weaver-restricted");
    let labels = json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}});
    let objects = rendered(&namespace, "{}")?;
    let deployment = objects.iter().find(|(_, it)| text(it, &["kind"]) == "Deployment").ok_or("a Deployment")?;
    let mut pod = serde_json::to_value(&deployment.1)?["spec"]["template"].take();
    pod["apiVersion"] = "v1".into();
    pod["kind"] = "Pod".into();
    pod["metadata"]["name"] = "operator".into();
    pod["spec"]["serviceAccountName"] = "default".into();
    let api: Api<k8s_openapi::api::core::v1::Pod> = Api::namespaced(shared().client(), &namespace);
    let namespaces: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(shared().client());
    let patch = kube::api::Patch::Merge(&labels);
    shared().block_on(namespaces.patch(&namespace, &kube::api::PatchParams::default(), &patch))?;
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    shared().block_on(api.create(&dry, &serde_json::from_value(pod.clone())?))?;
    pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = true.into();
    match shared().block_on(api.create(&dry, &serde_json::from_value(pod)?)) {
        Err(kube::Error::Api(status)) if status.message.contains("restricted") => Ok(()),
        other => Err(format!("a pod that is not restricted: {other:?}").into()),
    }
}

/// The kinds and names that values make.
fn made(values: &str) -> Result<Vec<String>, Failed> {
    let objects = rendered("ns", values)?;
    Ok(objects.iter().map(|(_, it)| format!("{} {}", text(it, &["kind"]), text(it, &["metadata", "name"]))).collect())
}

fn options() -> Result<(), Failed> {
    let default = made("{}")?;
    for kind in ["Deployment", "NetworkPolicy", "PodDisruptionBudget", "ValidatingAdmissionPolicy"] {
        assert!(default.iter().any(|it| it.starts_with(kind)), "{kind}: {default:?}");
    }
    for kind in ["ServiceMonitor", "Service ", "ConfigMap "] {
        assert!(!default.iter().any(|it| it.starts_with(kind)), "{kind}: {default:?}");
    }
    for (values, gone) in [
        ("{networkPolicy: {enabled: false}}", "NetworkPolicy"),
        ("{podDisruptionBudget: {enabled: false}}", "PodDisruptionBudget"),
        ("{replicas: 1}", "PodDisruptionBudget"),
        ("{policies: {enabled: false}}", "ValidatingAdmissionPolicy"),
    ] {
        let made = made(values)?;
        assert!(!made.iter().any(|it| it.starts_with(gone)), "{values}: {made:?}");
    }
    let monitored = made("{metrics: {serviceMonitor: {enabled: true}, dashboard: {enabled: true}}}")?;
    for object in ["ServiceMonitor config-weaver", "Service config-weaver-metrics", "ConfigMap config-weaver-dashboard"]
    {
        assert!(monitored.iter().any(|it| it == object), "{object}: {monitored:?}");
    }
    Ok(())
}

/// What the schema refuses.
fn values_are_checked() -> Result<(), Failed> {
    for (values, says) in [
        ("{replicas: 6}", "replicas"),
        ("{strict: {tenants: [{namespace: kube-system, serviceAccounts: [a]}]}}", "strict.tenants"),
        ("{strict: {tenants: [{namespace: team-a, serviceAccounts: []}]}}", "serviceAccounts"),
        ("{cleanup: {impersonated: true}}", "impersonated"),
        ("{networkPolicy: {apiServer: {cidrs: [anywhere]}}}", "cidrs"),
    ] {
        match rendered("ns", values) {
            Err(error) if format!("{error:?}").contains(says) => {}
            other => return Err(format!("{values}: {:?}", other.map(|it| it.len())).into()),
        }
    }
    Ok(())
}

/// Every metric that the dashboard asks for is one that the operator serves.
fn dashboard() -> Result<(), Failed> {
    let objects = rendered("ns", "{metrics: {dashboard: {enabled: true}}}")?;
    let map = objects.iter().find(|(_, it)| text(it, &["kind"]) == "ConfigMap").ok_or("a ConfigMap")?;
    let board: Json = serde_json::from_str(&text(&map.1, &["data", "config-weaver.json"]))?;
    let served = telemetry::text(&metrics(&Metrics::default()));
    let name = regex::Regex::new(r"\b(weaver_\w+|process_\w+)")?;
    let mut asked = BTreeSet::new();
    for panel in board["panels"].as_array().ok_or("panels")? {
        for target in panel["targets"].as_array().ok_or("targets")? {
            let expression = target["expr"].as_str().ok_or("an expression")?;
            asked.extend(name.find_iter(expression).map(|it| it.as_str().trim_end_matches("_bucket").to_owned()));
        }
    }
    assert!(asked.len() > 8, "{asked:?}");
    let unknown: Vec<&String> = asked.iter().filter(|it| !served.contains(&format!("# TYPE {it} "))).collect();
    if unknown.is_empty() { Ok(()) } else { Err(format!("{NAME} serves no {unknown:?}").into()) }
}

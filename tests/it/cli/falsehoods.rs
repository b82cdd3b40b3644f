//! False and hidden differences that other tools are known for, where the server takes part.

use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{Api, DynamicObject, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use libtest_mimic::{Failed, Trial};
use serde_json::{Value as Json, json};

use super::proxy::{Answer, Proxy};
use super::site::{Site, WEB};
use crate::cases::code;
use crate::sandbox::shared;

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("cli", "falsehood_string_data_of_a_removed_key", string_data_of_a_removed_key),
        code("cli", "falsehood_nulls", nulls),
        code("cli", "falsehood_random_values", random_values),
        code("cli", "falsehood_dry_run_error", dry_run_error),
        code("cli", "falsehood_webhook_without_dry_run", webhook_without_dry_run),
        code("cli", "falsehood_webhook_out_of_reach", webhook_out_of_reach),
        code("cli", "falsehood_field_that_its_definition_adds", field_that_its_definition_adds),
        code("cli", "falsehood_admission_rewrites_an_image", admission_rewrites_an_image),
        code("cli", "falsehood_committed_status", committed_status),
        code("cli", "falsehood_every_second_run", every_second_run),
    ]
}

/// A project whose one release is of one template.
fn site(name: &str, template: &str) -> Site {
    let site = Site::new(name);
    site.chart("app", "{}\n", template);
    site.releases(&["{name: app, chart: app}"]);
    site
}

/// Nothing is to do: not by the record, not by a dry run.
fn settled(site: &Site) -> Result<(), Failed> {
    site.expect("plan dev --exit-code", 0)?.says("nothing to change")?;
    site.expect("drift dev", 0).map(drop)
}

fn string_data_of_a_removed_key() -> Result<(), Failed> {
    let secret = |keys: &str| format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData: {{{keys}}}\n");
    let site = site("string-data", &secret("a: one, b: two"));
    site.expect("apply dev --yes", 0)?;
    settled(&site)?;
    site.chart("app", "{}\n", &secret("a: one"));
    site.expect("plan dev --exit-code", 2)?.says("data.b")?;
    site.expect("apply dev --yes", 0)?;
    let secret: k8s_openapi::api::core::v1::Secret = site.get("s").ok_or("no Secret")?;
    assert_eq!(secret.data.unwrap_or_default().into_keys().collect::<Vec<_>>(), ["a"]);
    settled(&site)
}

fn nulls() -> Result<(), Failed> {
    let template = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: nulls, creationTimestamp: null, annotations: null, labels: {}}\n\
                    data: {a: x, b: null}\n";
    let site = site("nulls", template);
    site.expect("apply dev --yes", 0)?.says("null and left out")?;
    settled(&site)
}

fn random_values() -> Result<(), Failed> {
    let template = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: r}\ndata: {a: '{{ random([1, 2, 3]) }}'}\n";
    let run = site("random", template).expect("plan dev", 1)?;
    run.says("random")?.says("all.yaml.j2").map(drop)
}

/// A project whose ConfigMap was changed in the repository, seen through a door that answers dry runs so.
fn asked(name: &str, code: u16, said: &'static str) -> Result<super::program::Run, Failed> {
    let mut site = Site::with_web(name);
    site.expect("apply dev --yes", 0)?;
    site.desk.write("environments/dev/values/web.yaml", "greeting: Bye\n");
    let door = Proxy::open(move |seen| if seen.is_dry_run() { Answer::Says(code, said) } else { Answer::Through });
    site.through(&door);
    let run = site.run("diff dev --exit-code");
    site.as_before();
    Ok(run)
}

fn dry_run_error() -> Result<(), Failed> {
    let run = asked("dry-error", 500, "etcdserver: leader changed")?;
    run.ends_with(2)?.says("data.greeting")?.says("etcdserver: leader changed")?.says("predicted").map(drop)
}

fn webhook_without_dry_run() -> Result<(), Failed> {
    let said = "admission webhook \"x.example.com\" does not support dry run";
    let run = asked("no-dry-run", 400, said)?;
    run.ends_with(2)?.says("data.greeting")?.says("does not support dry run")?.says("predicted").map(drop)
}

fn create(kind: (&str, &str, &str), body: Json) -> Result<(), Failed> {
    let (group, version, kind) = kind;
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
    let api: Api<DynamicObject> = Api::all_with(shared().client(), &resource);
    let object = serde_json::from_value(body)?;
    shared().block_on(api.create(&PostParams::default(), &object)).map(drop).map_err(Failed::from)
}

/// A webhook that is called for the namespace's objects of a kind, and that is not there.
fn webhook_out_of_reach() -> Result<(), Failed> {
    let site = Site::with_web("webhook");
    site.expect("apply dev --yes", 0)?;
    let body = json!({
    "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
    "metadata": {"name": format!("{}.example.com", site.namespace)},
    "webhooks": [{
        "name": "away.example.com", "admissionReviewVersions": ["v1"], "sideEffects": "None", "timeoutSeconds": 1,
        "clientConfig": {"url": "https://127.0.0.1:1/away"},
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": site.namespace}},
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["configmaps"]}],
    }]});
    create(("admissionregistration.k8s.io", "v1", "ValidatingWebhookConfiguration"), body)?;
    // What nothing changed is proven all the same.
    settled(&site)?;
    site.desk.write("environments/dev/values/web.yaml", "greeting: Bye\n");
    let began = std::time::Instant::now();
    loop {
        let run = site.expect("diff dev --exit-code", 2)?;
        run.says("data.greeting")?;
        if run.says("failed calling webhook").and_then(|it| it.says("predicted")).is_ok() {
            return Ok(());
        }
        // A server takes a moment to hear of a webhook.
        if began.elapsed().as_secs() > 10 {
            return Err(format!("not told: {run:?}").into());
        }
    }
}

fn field_that_its_definition_adds() -> Result<(), Failed> {
    let site = Site::new("added");
    let group = format!("{}.example.com", site.namespace);
    let definition = |more: &str| {
        format!(
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: things.{group}}}\n\
             spec:\n  group: {group}\n  scope: Namespaced\n  names: {{kind: Thing, plural: things}}\n  versions:\n  - name: v1\n    \
             served: true\n    storage: true\n    schema: {{openAPIV3Schema: {{type: object, properties: {{spec: {{type: object, \
             properties: {{size: {{type: integer}}{more}}}}}}}}}}}\n"
        )
    };
    let thing =
        |more: &str| format!("apiVersion: {group}/v1\nkind: Thing\nmetadata: {{name: one}}\nspec: {{size: 3{more}}}\n");
    site.chart("kind", "{}\n", &definition(""));
    site.chart("thing", "{}\n", &thing(""));
    site.releases(&["{name: kind, chart: kind}", "{name: thing, chart: thing, needs: [kind]}"]);
    site.expect("apply dev --yes", 0)?;
    site.chart("kind", "{}\n", &definition(", colour: {type: string}"));
    site.chart("thing", "{}\n", &thing(", colour: red"));
    // The server does not know the field yet: the difference is there all the same, and is no refusal.
    let run = site.expect("plan dev --exit-code", 2)?;
    run.says("spec.colour")?.says("predicted")?;
    site.expect("apply dev --yes", 0)?.says("2 applied")?;
    settled(&site)
}

/// A policy that rewrites images: what we own is another value than what we want, and stays so.
fn admission_rewrites_an_image() -> Result<(), Failed> {
    let deployment = |name: &str, image: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  replicas: 0\n  selector: {{matchLabels: {{app: a}}}}\n  \
             template:\n    metadata: {{labels: {{app: a}}}}\n    spec: {{containers: [{{name: c, image: '{image}'}}]}}\n"
        )
    };
    let site = site("admission", &deployment("first", "registry.example.com/c:1"));
    let name = format!("{}.example.com", site.namespace);
    let expression =
        "[JSONPatch{op: 'replace', path: '/spec/template/spec/containers/0/image', value: 'mirror.example.com/c:1'}]";
    let group = "admissionregistration.k8s.io";
    let policy = json!({
    "apiVersion": format!("{group}/v1"), "kind": "MutatingAdmissionPolicy", "metadata": {"name": name},
    "spec": {
        "matchConstraints": {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": site.namespace}},
            "resourceRules": [{"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["deployments"]}]},
        "failurePolicy": "Fail", "reinvocationPolicy": "Never",
        "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": expression}}],
    }});
    create((group, "v1", "MutatingAdmissionPolicy"), policy)?;
    let binding = json!({"apiVersion": format!("{group}/v1"), "kind": "MutatingAdmissionPolicyBinding",
        "metadata": {"name": name}, "spec": {"policyName": name}});
    create((group, "v1", "MutatingAdmissionPolicyBinding"), binding)?;
    let image = |name: &str| site.get::<Deployment>(name).map(|it| serde_json::to_value(it).unwrap_or_default());
    // A server takes a moment to hear of a policy.
    let began = std::time::Instant::now();
    for at in 0.. {
        let name = format!("try-{at}");
        site.chart("app", "{}\n", &deployment(&name, "registry.example.com/c:1"));
        site.expect("apply dev --yes", 0)?;
        let there = image(&name).ok_or("no Deployment")?;
        if there["spec"]["template"]["spec"]["containers"][0]["image"] == "mirror.example.com/c:1" {
            break;
        }
        if began.elapsed().as_secs() > 20 {
            return Err("the policy does nothing".into());
        }
    }
    settled(&site)?;
    // The record alone proves it; without one the server is asked, which says the same.
    for kept in site.kept().iter().filter_map(|it| it.metadata.name.clone()).filter(|it| it.contains("app")) {
        let api: Api<k8s_openapi::api::core::v1::Secret> = Api::namespaced(shared().client(), &site.state());
        shared().block_on(api.delete(&kept, &kube::api::DeleteParams::default()))?;
    }
    site.expect("plan dev", 0)?.keeps_quiet_about("containers").map(drop)
}

fn committed_status() -> Result<(), Failed> {
    let template = "apiVersion: v1\nkind: Service\nmetadata: {name: s, resourceVersion: null, generation: 3}\nspec: {ports: [{port: 80}]}\n\
                    status: {loadBalancer: {ingress: [{ip: 192.0.2.1}]}}\n";
    let site = site("status", template);
    site.expect("apply dev --yes", 0)?.says("`status` is left out")?.says("`metadata.generation` is left out")?;
    settled(&site)
}

/// What servers spell otherwise than people does not come back with every run.
fn every_second_run() -> Result<(), Failed> {
    let template = format!(
        "{WEB}---\napiVersion: apps/v1\nkind: StatefulSet\nmetadata: {{name: s}}\nspec:\n  replicas: 0\n  serviceName: s\n  \
         selector: {{matchLabels: {{app: s}}}}\n  template:\n    metadata: {{labels: {{app: s}}}}\n    spec:\n      containers:\n      \
         - {{name: c, image: 'registry.example.com/c:1', env: [{{name: E, value: ''}}], resources: {{requests: {{cpu: 1000m, memory: 0.5Gi}}}}, \
         ports: [{{containerPort: 53}}, {{containerPort: 53, protocol: UDP}}]}}\n  \
         volumeClaimTemplates:\n  - metadata: {{name: d}}\n    spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1024Mi}}}}}}\n"
    );
    let site = site("second", &template.replace("{{ values.greeting | quote }}", "'on'"));
    site.expect("apply dev --yes", 0)?;
    let before = site.versions();
    settled(&site)?;
    site.expect("apply dev --yes", 0)?.says("nothing to change")?;
    let moved = |all: Vec<String>| all.into_iter().filter(|it| !it.starts_with("Lease")).collect::<Vec<_>>();
    assert_eq!(moved(before), moved(site.versions()));
    Ok(())
}

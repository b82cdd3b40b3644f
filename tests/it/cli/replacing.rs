//! First installs, definitions that change in the same run, and objects that have to be made again.

use k8s_openapi::api::core::v1::ConfigMap;
use libtest_mimic::{Failed, Trial};

use super::program::Desk;
use super::site::Site;
use crate::cases::code;

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("cli", "replacing_first_install_of_a_definition_and_its_objects", first_install),
        code("cli", "replacing_pods_that_come_with_what_they_name", pods),
        code("cli", "replacing_what_cannot_change_only_by_name", only_by_name),
        code("cli", "replacing_a_name_or_a_release_is_said", names_and_releases),
        code("cli", "validate_finds_what_a_server_would_refuse", offline),
    ]
}

fn definition(group: &str, fields: &str) -> String {
    format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: looms.{group}}}\n\
         spec:\n  group: {group}\n  scope: Namespaced\n  names: {{kind: Loom, plural: looms, singular: loom, listKind: LoomList}}\n  \
         versions:\n  - name: v1\n    served: true\n    storage: true\n    schema:\n      openAPIV3Schema:\n        type: object\n        \
         properties: {{spec: {{type: object, properties: {{{fields}}}}}}}\n"
    )
}

fn loom(group: &str, spec: &str) -> String {
    format!("apiVersion: {group}/v1\nkind: Loom\nmetadata: {{name: loom}}\nspec: {{{spec}}}\n")
}

/// Namespace, definition and object in one plan: no error, the object validated here; the same for a field that the
/// definition gets in the same run.
fn first_install() -> Result<(), Failed> {
    let site = Site::new("install");
    let group = format!("{}.example.com", site.namespace);
    let fields = "size: {type: integer, maximum: 5, x-kubernetes-validations: [{rule: self != 4, message: not four}]}";
    site.releases(&["{name: looms, manifests: looms}"]);
    site.desk.write("looms/crd.yaml", definition(&group, fields));
    site.desk.write("looms/loom.yaml", loom(&group, "size: 9"));
    let refused = site.expect("plan dev", 4)?;
    refused.says("only predicted: its CustomResourceDefinition is part of this plan")?;
    refused.says("is not valid: spec.size: Invalid value: 9: should be less than or equal to 5")?;
    site.desk.write("looms/loom.yaml", loom(&group, "size: 4"));
    site.expect("plan dev", 4)?.says("is not valid: spec.size: Invalid value: not four")?.says("self != 4")?;
    site.desk.write("looms/loom.yaml", loom(&group, "size: 3"));
    site.expect("apply dev --yes", 0)?;
    site.expect("plan dev --exit-code", 0)?;

    let more = format!("{fields}, colour: {{type: string, enum: [red]}}");
    site.desk.write("looms/crd.yaml", definition(&group, &more));
    site.desk.write("looms/loom.yaml", loom(&group, "size: 3, colour: blue"));
    let pending = site.expect("plan dev", 4)?;
    pending.says("its CustomResourceDefinition is changed by this plan")?.says("Unsupported value: \"blue\"")?;
    site.desk.write("looms/loom.yaml", loom(&group, "size: 3, colour: red"));
    site.expect("apply dev --yes", 0)?;
    site.expect("plan dev --exit-code", 0).map(drop)
}

/// A server looks up what a Pod names before it takes it, also in a dry run: what comes in the same plan is not there yet.
fn pods() -> Result<(), Failed> {
    let site = Site::new("pods");
    let class = &site.namespace;
    let pod = |name: &str, more: &str, fields: &str| {
        format!(
            "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {name}{more}}}\n\
             spec: {{containers: [{{name: a, image: registry.example.com/a:1}}], {fields}}}\n"
        )
    };
    let account = |name: &str, more: &str| {
        format!("---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: {name}{more}}}\n")
    };
    let hook = ", annotations: {weft.example.com/hook: before-apply}";
    let after = ", annotations: {weft.example.com/hook: after-apply}";
    let all = [
        format!("---\napiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {{name: {class}}}\nvalue: 5\n"),
        format!("---\napiVersion: node.k8s.io/v1\nkind: RuntimeClass\nmetadata: {{name: {class}}}\nhandler: sand\n"),
        account("weaver", "") + &account("early", hook),
        pod("woven", "", "serviceAccountName: weaver"),
        pod("urgent", "", &format!("priorityClassName: {class}")),
        pod("boxed", "", &format!("runtimeClassName: {class}")),
        pod("late", "", "serviceAccountName: early"),
    ];
    site.releases(&["{name: web, manifests: web}"]);
    site.desk.write("web/all.yaml", all.concat());
    site.desk.write("web/after.yaml", pod("proof", after, "serviceAccountName: weaver"));
    let plan = site.expect("plan dev", 0)?;
    plan.says("only predicted: its ServiceAccount `weaver` is part of this plan")?;
    plan.says("only predicted: its ServiceAccount `early` is part of this plan")?;
    plan.says(&format!("only predicted: its PriorityClass `{class}` is part of this plan"))?;
    plan.says(&format!("only predicted: its RuntimeClass `{class}` is part of this plan"))?;
    plan.says("/proof-")?.says("it never ran; only predicted: its ServiceAccount `weaver` is part of this plan")?;
    // A hook that nobody runs here.
    std::fs::remove_file(site.desk.project().join("web/after.yaml"))?;
    site.expect("apply dev --yes --no-wait", 0)?;
    site.expect("plan dev --exit-code", 0)?;

    // What is in no plan is still refused.
    site.desk.write("web/more.yaml", pod("lost", "", "serviceAccountName: nobody"));
    site.expect("plan dev", 4)?.says("serviceaccount \"nobody\" not found")?;
    std::fs::remove_file(site.desk.project().join("web/more.yaml"))?;
    site.expect("destroy dev --yes --no-wait", 0).map(drop)
}

/// Without a cluster: custom resources by the definitions of the project, built-in kinds by the shipped schemas.
fn offline() -> Result<(), Failed> {
    let desk = Desk::new();
    let environment = "cluster: {}\nreleases:\n- {name: looms, namespace: looms, manifests: looms}\n";
    desk.write("environments/dev/environment.yaml", environment);
    desk.write("looms/crd.yaml", definition("offline.example.com", "size: {type: integer, maximum: 5}"));
    desk.write("looms/loom.yaml", loom("offline.example.com", "size: 9"));
    desk.write("looms/config.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: [1]}\n");
    let run = desk.run(["validate", "dev"]);
    run.ends_with(1)?.says("dev: 4 objects of 1 release: 2 fields that a server would refuse")?;
    run.says("is not valid: spec.size: Invalid value: 9: should be less than or equal to 5")?;
    run.says("is not valid: data.a: Invalid value: expected string, got list")?.says("looms/config.yaml:1:1")?;
    desk.write("looms/loom.yaml", loom("offline.example.com", "size: 5"));
    desk.write("looms/config.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: b}\n");
    desk.run(["validate", "dev"]).ends_with(0).map(drop)
}

const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: config}\nimmutable: true\ndata: {a: VALUE}\n";
const BINDING: &str = "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: binding}\n\
                       roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: VALUE}\nsubjects: []\n";
const JOB: &str = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: job}\nspec: {suspend: true, template: {spec: \
                   {restartPolicy: Never, containers: [{name: c, image: 'registry.example.com/c:VALUE'}]}}}\n";
const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: app}\nspec: {replicas: 0, selector: \
                          {matchLabels: {app: VALUE}}, template: {metadata: {labels: {app: VALUE}}, spec: {containers: \
                          [{name: c, image: 'registry.example.com/c:1'}]}}}\n";
const CLAIM: &str = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: claim}\nspec: {storageClassName: VALUE, \
                     accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n";

fn only_by_name() -> Result<(), Failed> {
    let site = Site::new("replace");
    site.releases(&["{name: app, manifests: app, wait: false}"]);
    let files = [("config", CONFIG), ("binding", BINDING), ("job", JOB), ("app", DEPLOYMENT)];
    let write = |value: &str| {
        for (file, text) in files {
            site.desk.write(&format!("app/{file}.yaml"), text.replace("VALUE", value));
        }
    };
    write("one");
    site.expect("apply dev --yes", 0)?;
    let uid = || site.get::<ConfigMap>("config").and_then(|it| it.metadata.uid);
    let first = uid();
    write("two");
    let namespace = &site.namespace;
    let refused = site.expect("apply dev --yes", 4)?;
    refused.says(&format!(
        "± recreate ConfigMap {namespace}/config: the field `data.a` cannot be changed after creation"
    ))?;
    refused.says(&format!("say `--replace Deployment.apps/{namespace}/app`"))?;
    refused.says("lost with it: the rights that it gives, until it is there again")?;
    assert_eq!(first, uid());
    let words = format!(
        "--replace ConfigMap/config --replace RoleBinding.rbac.authorization.k8s.io/{namespace}/binding --replace job/job \
         --replace Deployment/app"
    );
    site.expect(&format!("apply dev --yes {words}"), 0)?;
    assert_ne!(first, uid());
    site.expect("plan dev --exit-code", 0)?;

    site.desk.write("app/claim.yaml", CLAIM.replace("VALUE", "one"));
    site.expect("apply dev --yes", 0)?;
    site.desk.write("app/claim.yaml", CLAIM.replace("VALUE", "two"));
    let never = site.expect("apply dev --yes --replace PersistentVolumeClaim/claim", 4)?;
    never.says("cannot be changed after creation, and it is not made again; lost with it: its data").map(drop)
}

fn names_and_releases() -> Result<(), Failed> {
    let site = Site::new("rename");
    let map = |name: &str| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{a: '1', b: '2', c: '3', d: '4'}}\n"
        )
    };
    site.releases(&["{name: one, manifests: one}", "{name: two, manifests: two}"]);
    site.desk.write("one/map.yaml", map("old"));
    site.desk.write("two/map.yaml", map("stays").replace("'1'", "'5'"));
    site.expect("apply dev --yes", 0)?;
    site.desk.write("one/map.yaml", map("new"));
    let namespace = &site.namespace;
    let plan = site.expect("plan dev", 0)?;
    plan.says(&format!("+ create ConfigMap {namespace}/new; was `ConfigMap {namespace}/old`"))?;
    plan.says(&format!("- delete ConfigMap {namespace}/old; becomes `ConfigMap {namespace}/new`"))?;
    site.expect("apply dev --yes", 0)?;

    site.desk.write("two/moved.yaml", map("new"));
    site.desk.write("one/map.yaml", map("other").replace('4', "9").replace('3', "8"));
    let plan = site.expect("plan dev", 0)?;
    plan.says("; comes from the release `one`")?.says("; goes to the release `two`")?;
    site.expect("apply dev --yes", 0)?;
    site.expect("plan dev --exit-code", 0)?;
    assert!(site.get::<ConfigMap>("new").is_some());
    Ok(())
}

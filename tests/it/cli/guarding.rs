//! What guards an apply: who decides about fields, what is made again around what it owns, what goes and what stays.

use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, PersistentVolumeClaim, Pod, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt as _;
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use libtest_mimic::{Failed, Trial};
use serde_json::json;

use super::site::Site;
use crate::cases::{code, same};
use crate::sandbox::{NOBODY, shared};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("cli", "guarding_orphaned_objects_stay_and_are_free", orphaned),
        code("cli", "guarding_a_release_that_lets_go", lets_go),
        code("cli", "guarding_conflicts_by_rule", conflicts_by_rule),
        code("cli", "guarding_an_autoscaler_that_lives_elsewhere", autoscaler_elsewhere),
        code("cli", "guarding_a_stateful_set_keeps_pods_and_claims", stateful_set),
        code("cli", "guarding_a_definition_with_objects_of_strangers", definition_of_strangers),
        code("cli", "guarding_a_namespace_with_objects_of_strangers", namespace_of_strangers),
        code("cli", "guarding_a_failed_delete_stays_in_the_inventory", failed_delete),
        code("cli", "guarding_a_move_to_a_release_outside_the_run", move_outside_the_run),
        code("cli", "guarding_what_cannot_be_read_deletes_nothing", unreadable_project),
        code("cli", "guarding_only_what_was_applied_is_pruned_and_all_of_it", pruned_by_inventory),
    ]
}

fn map(name: &str, value: &str) -> String {
    format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{a: '{value}'}}\n")
}

/// The names of the kept inventories.
fn inventories(site: &Site) -> String {
    let is_one = |it: &Secret| it.labels().get("weft.example.com/state").is_some_and(|state| state == "inventory");
    let names = site.kept().into_iter().filter(is_one).map(|it| it.name_any());
    names.collect::<Vec<_>>().join(" ")
}

/// Sees that an object is there, and nothing of it is ours.
fn is_free(site: &Site, name: &str) -> Result<(), Failed> {
    let ObjectMeta { labels, managed_fields, .. } = site.get::<ConfigMap>(name).ok_or("it is gone")?.metadata;
    let managers: Vec<_> = managed_fields.unwrap_or_default().into_iter().filter_map(|it| it.manager).collect();
    let ours = managers.iter().any(|it| it == "weft") || labels.is_some_and(|it| !it.is_empty());
    if ours { Err(format!("{name} is still ours: {managers:?}").into()) } else { Ok(()) }
}

fn orphaned() -> Result<(), Failed> {
    let site = Site::new("orphan");
    let (namespace, both) = (&site.namespace, ["{name: one, manifests: one}", "{name: two, manifests: two}"]);
    site.releases(&both);
    site.desk.write("one/all.yaml", map("a", "1") + &map("b", "1"));
    site.desk.write("two/all.yaml", map("c", "1"));
    site.expect("apply dev --yes", 0)?;
    let before = site.versions();
    let asked = site.expect("orphan dev", 4)?;
    asked.says(&format!("o orphan ConfigMap {namespace}/a"))?.says("3 to let go")?.says("no terminal to ask on")?;
    same("the objects", &before.join("\n"), &site.versions().join("\n"))?;
    site.expect("orphan dev --object ConfigMap/nobody --yes", 1)?.says("no object of these releases is")?;

    site.expect("orphan dev --object ConfigMap/a --yes", 0)?.says("1 orphaned")?;
    is_free(&site, "a")?;
    // The repository still has it, so it would be managed again.
    site.expect("plan dev", 0)?.says(&format!("~ update ConfigMap {namespace}/a"))?;
    site.desk.write("one/all.yaml", map("b", "1"));
    site.expect("plan dev --exit-code", 0)?;

    site.expect("orphan dev --release one --yes", 0)?.says("1 orphaned")?;
    is_free(&site, "b")?;
    same("the inventories", "weft.dev.two", &inventories(&site))?;
    site.releases(&both[1..]);
    site.expect("plan dev --exit-code", 0)?;
    site.expect("orphan dev --yes", 0)?.says("1 orphaned")?;
    is_free(&site, "c")?;
    same("the inventories", "", &inventories(&site))?;
    site.expect("orphan dev --yes", 0)?.says("nothing to change")?;
    site.releases(&[]);
    site.expect("plan dev --exit-code", 0).map(drop)
}

fn lets_go() -> Result<(), Failed> {
    let site = Site::new("lets-go");
    site.releases(&["{name: app, manifests: app, prune: orphan}"]);
    site.desk.write("app/all.yaml", map("a", "1") + &map("b", "1"));
    site.expect("apply dev --yes", 0)?;
    site.desk.write("app/all.yaml", map("b", "1"));
    let run = site.expect("apply dev --yes", 0)?;
    run.says("the release `app` lets go of what leaves it")?.says("1 orphaned")?;
    is_free(&site, "a")?;
    site.desk.write("app/all.yaml", "");
    site.expect("plan dev", 4)?.says("renders nothing")?;
    site.desk.write("app/all.yaml", map("b", "1"));
    site.expect("plan dev --exit-code", 0).map(drop)
}

fn conflicts_by_rule() -> Result<(), Failed> {
    let site = Site::with_web("conflict-rule");
    site.expect("apply dev --yes", 0)?;
    let meddle = || {
        site.meddle("web", "greeting-controller", &json!({"data": {"greeting": "Mine"}}));
        site.meddle("web", "kubectl-edit", &json!({"data": {"port": "90"}}));
    };
    meddle();
    let refused = site.expect("plan dev", 4)?;
    refused.says("the plan would overwrite it: \"Mine\", by greeting-controller (Update) at 20")?;
    refused.says(", would become \"Hello\"")?.keeps_quiet_about("`kubectl-edit` owns")?;
    let rule = |manager: &str, word: &str| {
        site.releases(&[&format!(
            "{{name: web, chart: web, conflicts: [{{manager: {manager}, do: {word}, reason: so we agreed}}]}}"
        )]);
    };
    rule("kubectl-edit", "stop");
    let stopped = site.expect("plan dev --take greeting-controller", 4)?;
    stopped.says("`kubectl-edit` owns the field `data.port`")?.says("A rule stops here: so we agreed.")?;

    rule("greeting-controller", "adopt");
    site.expect("apply dev --yes", 0)?.keeps_quiet_about("data.greeting")?;
    same("the data", r#"{"greeting":"Mine","port":"80"}"#, &site.data("web").unwrap_or_default())?;
    site.expect("plan dev --exit-code", 0)?;
    site.expect("plan dev --show-ignored", 0)?.says("so we agreed")?;

    rule("greeting-*", "take");
    site.expect("apply dev --yes", 0)?;
    same("the data", r#"{"greeting":"Hello","port":"80"}"#, &site.data("web").unwrap_or_default())?;
    site.expect("plan dev --exit-code", 0).map(drop)
}

fn autoscaler_elsewhere() -> Result<(), Failed> {
    let site = Site::new("scaled");
    site.releases(&["{name: app, manifests: app, wait: false}"]);
    site.desk.write(
        "app/all.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: app}\nspec: {replicas: 1, selector: {matchLabels: \
         {app: app}}, template: {metadata: {labels: {app: app}}, spec: {containers: [{name: c, image: \
         'registry.example.com/c:1'}]}}}\n",
    );
    site.expect("apply dev --yes", 0)?;
    let api: Api<Deployment> = Api::namespaced(shared().client(), &site.namespace);
    let by = PatchParams { field_manager: Some("kube-controller-manager".into()), ..PatchParams::default() };
    let scaled = Patch::Merge(json!({"spec": {"replicas": 2}}));
    shared().block_on(api.patch_scale("app", &by, &scaled))?;
    site.expect("plan dev --exit-code", 0)?.says("nothing to change")?;
    site.expect("plan dev --show-ignored", 0)?.says("an autoscaler that lives elsewhere decides")?;
    site.expect("apply dev --yes --take kube-controller-manager", 0)?.says("1 applied")?;
    let replicas = site.get::<Deployment>("app").and_then(|it| it.spec?.replicas);
    same("the replicas", "Some(1)", &format!("{replicas:?}"))
}

fn stateful_set() -> Result<(), Failed> {
    let site = Site::new("stateful");
    site.releases(&["{name: db, manifests: db, wait: false}"]);
    let write = |size: &str| {
        let set = format!(
            "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {{name: db}}\nspec: {{replicas: 2, serviceName: db, \
             podManagementPolicy: Parallel, selector: {{matchLabels: {{app: db}}}}, template: {{metadata: {{labels: \
             {{app: db}}}}, spec: {{containers: [{{name: c, image: 'registry.example.com/c:1'}}]}}}}, \
             volumeClaimTemplates: [{{metadata: {{name: data}}, spec: {{accessModes: [ReadWriteOnce], resources: \
             {{requests: {{storage: {size}}}}}}}}}]}}\n"
        );
        site.desk.write("db/all.yaml", set);
    };
    write("1Gi");
    site.expect("apply dev --yes", 0)?;
    let pods = await_uids::<Pod>(&site, 2)?;
    let claims = await_uids::<PersistentVolumeClaim>(&site, 2)?;
    let uid = || site.get::<StatefulSet>("db").and_then(|it| it.metadata.uid);
    let first = uid();
    write("2Gi");
    site.expect("apply dev --yes", 4)?.says("(its pods and claims stay, and the new one takes them over)")?;
    site.releases(&["{name: db, manifests: db, wait: false, replace: [{kind: StatefulSet, name: db, paths: \
                     [spec.volumeClaimTemplates], reason: its claims are made larger by hand}]}"]);
    site.expect("apply dev --yes", 0)?.says("1 applied")?;
    assert_ne!(first, uid());
    same("the pods", &pods, &await_uids::<Pod>(&site, 2)?)?;
    same("the claims", &claims, &await_uids::<PersistentVolumeClaim>(&site, 2)?)?;
    for _ in 0..100 {
        let owned =
            site.get::<Pod>("db-0").and_then(|it| it.metadata.owner_references?.first().map(|it| it.uid.clone()));
        if owned.is_some() && owned == uid() {
            return site.expect("plan dev --exit-code", 0).map(drop);
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    Err("the new set did not take the pod over".into())
}

/// The names and UIDs of all objects of a kind, once there are so many.
fn await_uids<K>(site: &Site, count: usize) -> Result<String, Failed>
where
    K: kube::Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>
        + Clone
        + serde::de::DeserializeOwned
        + std::fmt::Debug,
{
    let api: Api<K> = Api::namespaced(shared().client(), &site.namespace);
    for _ in 0..150 {
        let found = shared().block_on(api.list(&ListParams::default()))?.items;
        if found.len() == count {
            let uids = found.iter().map(|it| format!("{} {}", it.name_any(), it.uid().unwrap_or_default()));
            return Ok(uids.collect::<Vec<_>>().join("\n"));
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    Err(format!("there never were {count}").into())
}

fn definition_of_strangers() -> Result<(), Failed> {
    let site = Site::new("strangers");
    let group = format!("{}.example.com", site.namespace);
    let write = |scope: &str| {
        site.desk.write(
            "looms/all.yaml",
            format!(
                "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: looms.{group}}}\n\
                 spec:\n  group: {group}\n  scope: {scope}\n  names: {{kind: Loom, plural: looms, singular: loom, \
                 listKind: LoomList}}\n  versions: [{{name: v1, served: true, storage: true, schema: {{openAPIV3Schema: \
                 {{type: object}}}}}}]\n"
            ),
        );
    };
    site.releases(&["{name: looms, manifests: looms}"]);
    write("Namespaced");
    site.expect("apply dev --yes", 0)?;
    let kind = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(&group, "v1", "Loom"), "looms");
    let looms: Api<DynamicObject> = Api::namespaced_with(shared().client(), &site.namespace, &kind);
    shared().block_on(looms.create(&PostParams::default(), &DynamicObject::new("of-a-stranger", &kind)))?;
    write("Cluster");
    let stranger = format!("`Loom.{group} {}/of-a-stranger`", site.namespace);
    for words in ["", " --replace CustomResourceDefinition/looms", " --judge dry-run"] {
        let refused = site.expect(&format!("plan dev{words}"), 4)?;
        refused.says("the field `spec.scope` of")?.says(&format!("lost with it: {stranger}"))?;
    }
    write("Namespaced");
    let kept = site.expect("destroy dev --yes --delete-kind CustomResourceDefinition", 0)?;
    kept.says(&format!("{stranger} would go with it"))?;
    shared().block_on(looms.delete("of-a-stranger", &DeleteParams::default()))?;
    site.expect("destroy dev --yes --delete-kind CustomResourceDefinition", 0)?.says("1 deleted").map(drop)
}

fn namespace_of_strangers() -> Result<(), Failed> {
    let site = Site::new("shared");
    let name = format!("{}-too", site.namespace);
    let namespace = format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n");
    let inside = map("ours", "1").replace("{name: ours}", &format!("{{name: ours, namespace: {name}}}"));
    site.desk.write("app/all.yaml", namespace + &inside);
    site.releases(&["{name: app, manifests: app}"]);
    site.expect("apply dev --yes", 0)?;
    let maps: Api<ConfigMap> = Api::namespaced(shared().client(), &name);
    let stranger: ConfigMap = serde_json::from_value(json!({"metadata": {"name": "stranger"}}))?;
    shared().block_on(maps.create(&PostParams::default(), &stranger))?;
    site.releases(&[]);
    let kept = site.expect("apply dev --yes --allow-empty dev --delete-kind Namespace", 0)?;
    kept.says(&format!("`ConfigMap {name}/stranger` would go with it"))?.says("1 deleted")?;
    let namespaces: Api<Namespace> = Api::all(shared().client());
    assert!(shared().block_on(namespaces.get_opt(&name))?.is_some_and(|it| it.metadata.deletion_timestamp.is_none()));
    shared().block_on(maps.delete("stranger", &DeleteParams::default()))?;
    site.expect("apply dev --yes --allow-empty dev --delete-kind Namespace", 0)?.says("1 deleted").map(drop)
}

fn failed_delete() -> Result<(), Failed> {
    let mut site = Site::with_web("undeleted");
    site.expect("apply dev --yes", 0)?;
    site.releases(&[]);
    Site::allow(&site.namespace, &json!([{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]}]));
    Site::allow(&site.state(), &json!([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]));
    site.by(NOBODY);
    site.expect("apply dev --yes --allow-empty dev", 1)?.says("1 failed")?;
    same("the inventories", "weft.dev.web", &inventories(&site))?;
    site.as_before();
    site.expect("apply dev --yes --allow-empty dev", 0)?.says("1 deleted")?;
    same("the inventories", "", &inventories(&site))
}

fn move_outside_the_run() -> Result<(), Failed> {
    let site = Site::new("moves");
    site.releases(&["{name: old, manifests: old}", "{name: new, manifests: new}"]);
    site.desk.write("old/all.yaml", map("stays", "1") + &map("moves", "1"));
    site.desk.write("new/all.yaml", map("other", "1"));
    site.expect("apply dev --yes", 0)?;
    let uid = || site.get::<ConfigMap>("moves").and_then(|it| it.metadata.uid);
    let first = uid();
    site.desk.write("old/all.yaml", map("stays", "1"));
    site.desk.write("new/all.yaml", map("other", "1") + &map("moves", "1"));
    let kept = site.expect("apply dev --release old --yes", 0)?;
    kept.says("it moves to the release `new` when that is applied")?;
    assert_eq!(first, uid());
    site.desk.write("new/all.yaml", "apiVersion: v1\nkind: ConfigMap\n");
    let kept = site.expect("apply dev --release old --yes", 0)?;
    kept.says("the release `new` may have it now, which could not be rendered")?;
    site.desk.write("new/all.yaml", map("other", "1") + &map("moves", "1"));
    site.expect("apply dev --release new --yes", 0)?;
    site.expect("apply dev --release old --yes", 0)?;
    assert_eq!(first, uid());
    site.expect("plan dev --exit-code", 0).map(drop)
}

/// A source that is gone, a template that fails, a file that is none: nothing is planned, and nothing deleted.
fn unreadable_project() -> Result<(), Failed> {
    let site = Site::with_web("unreadable");
    site.expect("apply dev --yes", 0)?;
    let before = site.versions();
    let nothing = |arguments: &str| -> Result<(), Failed> {
        site.expect(arguments, 1)?;
        same("the objects", &before.join("\n"), &site.versions().join("\n"))
    };
    nothing("apply dev --yes --at no-such-revision")?;
    site.chart("web", "{}\n", "{{ nothing.is.there }}");
    nothing("apply dev --yes")?;
    site.desk.write("charts/web/templates/all.yaml.j2", "metadata: {name: no-kind}\n");
    nothing("apply dev --yes")?;
    site.releases(&["{name: web, chart: gone}"]);
    nothing("apply dev --yes")
}

/// Membership is by the inventory, not by labels, namespaces or a list of kinds.
fn pruned_by_inventory() -> Result<(), Failed> {
    let site = Site::new("inventory");
    site.releases(&["{name: app, manifests: app}"]);
    let budget = "---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: rare}\nspec: {selector: \
                  {matchLabels: {app: rare}}}\n";
    site.desk.write("app/all.yaml", map("a", "1") + budget);
    site.expect("apply dev --yes", 0)?;
    // Somebody copies an object of ours with all its labels, here and into another namespace.
    let labels = site.get::<ConfigMap>("a").and_then(|it| it.metadata.labels).ok_or("no labels")?;
    let copy: ConfigMap = serde_json::from_value(json!({"metadata": {"name": "copy", "labels": labels}}))?;
    let elsewhere = shared().namespace("cli-inventory-copy");
    for namespace in [&site.namespace, &elsewhere] {
        let api: Api<ConfigMap> = Api::namespaced(shared().client(), namespace);
        shared().block_on(api.create(&PostParams::default(), &copy))?;
    }
    // The last object of a kind goes, and then all.
    site.desk.write("app/all.yaml", map("a", "1"));
    site.expect("apply dev --yes", 0)?.says("1 deleted")?;
    site.expect("destroy dev --yes", 0)?.says("1 deleted")?;
    let api: Api<ConfigMap> = Api::namespaced(shared().client(), &elsewhere);
    assert!(site.get::<ConfigMap>("copy").is_some() && shared().block_on(api.get_opt("copy"))?.is_some());
    Ok(())
}

//! Objects that other tools made, taken over.

use std::collections::BTreeSet;

use kube::Client;
use libtest_mimic::{Failed, Trial};
use serde_json::{Value as Json, json};
use weft::apply::End;
use weft::cluster::{Cluster, Refusal, WriteError};
use weft::diff::{After, FieldChange, Judged, LiveObject, MANAGER};
use weft::manifest::Object;
use weft::masked::FingerprintKey;
use weft::plan::{Action, Plan, Step};
use weft::project::ClusterRef;
use weft::report::{self, Report, TextStyle};
use weft::schema::fields::FieldSet;
use weft::value::Value;

use super::applying::World;
use super::{admin, target};
use crate::cases::{code, same};
use crate::sandbox::{NOBODY, shared};

pub fn trials() -> Vec<Trial> {
    vec![
        code("adopt", "what_kubectl_declared_goes_and_its_defaults_stay", from_kubectl),
        code("adopt", "a_run_that_ends_between_the_steps_is_finished_by_the_next", a_crash),
        code("adopt", "what_helm_wrote_is_told_apart_by_the_server", from_helm),
        code("adopt", "without_the_right_to_ask_the_server_decides", without_rights),
        code("adopt", "what_was_there_before_the_first_apply_stays_and_ours_can_go", before_the_first_apply),
        code("adopt", "whose_writers_are_not_known_is_taken_over_at_once", of_nobody),
        code("adopt", "an_applier_is_left_alone_unless_it_is_taken", from_an_applier),
        code("adopt", "an_edit_since_the_plan_refuses_it_and_a_status_does_not", stale),
        code("adopt", "ownership_in_a_version_that_is_gone_is_rewritten", gone_version),
    ]
}

const IMAGE: &str = "registry.example.com/c:latest";

/// What somebody had declared, with more than the repository has.
fn declared() -> Json {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "labels": {"app": "web", "old": "1"}},
        "spec": {"replicas": 0, "minReadySeconds": 5, "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"terminationGracePeriodSeconds": 5, "containers": [
                {"name": "c", "image": IMAGE, "ports": [{"containerPort": 80}], "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]},
                {"name": "side", "image": "registry.example.com/side:1"}]}}}})
}

/// What the repository has. With its image the server would choose another pull policy for a new object.
fn wanted() -> Json {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "labels": {"app": "web"}},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [
                {"name": "c", "image": "registry.example.com/c:1", "ports": [{"containerPort": 80}], "env": [{"name": "A", "value": "1"}]}]}}}})
}

/// The changes that a plan of [`wanted`] over [`declared`] has to name, but for marks of the tool that declared it.
const CHANGES: [&str; 6] = [
    "metadata.labels.old",
    "spec.minReadySeconds",
    "spec.template.spec.containers[name=\"c\"].env[name=\"B\"].value",
    "spec.template.spec.containers[name=\"c\"].image",
    "spec.template.spec.containers[name=\"side\"]",
    "spec.template.spec.terminationGracePeriodSeconds",
];

struct Site {
    world: World,
    client: Client,
}

impl Site {
    async fn new(prefix: &str) -> Self {
        let mut world = World::new(prefix).await;
        world.release("base", &[], None);
        let site = Self { world, client: shared().client() };
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": site.world.namespace}});
        site.send("POST", "/api/v1/namespaces?fieldManager=test", "application/json", &namespace).await.expect("made");
        site
    }

    async fn send(&self, method: &str, path: &str, content: &str, body: &Json) -> Result<Json, Failed> {
        let request = http::Request::builder().method(method).uri(path).header("content-type", content);
        Ok(self.client.request(request.body(serde_json::to_vec(body)?)?).await?)
    }

    fn path(&self, collection: &str, name: &str) -> String {
        let root = if collection == "configmaps" { "/api/v1" } else { "/apis/apps/v1" };
        format!("{root}/namespaces/{}/{collection}{name}", self.world.namespace)
    }

    /// Creates an object as a tool does that knows nothing of server-side apply.
    async fn post(&self, collection: &str, manager: &str, body: &Json) -> Result<Json, Failed> {
        let path = format!("{}?fieldManager={manager}", self.path(collection, ""));
        self.send("POST", &path, "application/json", body).await
    }

    /// Creates an object as `kubectl apply` does.
    async fn kubectl(&self, collection: &str, body: &Json) -> Result<Json, Failed> {
        let mut annotated = body.clone();
        annotated["metadata"]["annotations"][weft::diff::LAST_APPLIED] = (body.to_string() + "\n").into();
        self.post(collection, "kubectl-client-side-apply", &annotated).await
    }

    async fn patch(&self, path: &str, manager: &str, what: &Json) -> Result<Json, Failed> {
        self.send("PATCH", &format!("{path}?fieldManager={manager}"), "application/json-patch+json", what).await
    }

    /// A plan of the one object, with its step.
    async fn plan(&self, body: &Json) -> Result<(Plan, Step), Failed> {
        let plan = self.world.plan(vec![self.world.object("base", body.clone())]).await?;
        let step = plan.steps.first().ok_or("no step")?.clone();
        Ok((plan, step))
    }

    async fn apply(&self, plan: &Plan) -> Result<End, Failed> {
        Ok(self.world.run(&self.world.cluster, plan, |_| {}).await?.conclusion.end)
    }

    /// The next plan has nothing to do, and says so without a question.
    async fn settled(&self, body: &Json) -> Result<(), Failed> {
        let (plan, step) = self.plan(body).await?;
        let told = format!("{:?} {:?} {:?}", step.object.judged, step.object.adopts, step.object.fields);
        assert!(plan.is_empty() && step.object.judged == Judged::Recorded, "{told}");
        Ok(())
    }

    async fn live(&self, body: &Json) -> Result<LiveObject, Failed> {
        let object = self.world.object("base", body.clone());
        let resource = self.world.discovery.resource(&object.gvk).ok_or("no kind")?;
        Ok(self.world.cluster.get(&object.id, resource).await?.ok_or("it is gone")?)
    }
}

fn get<'v>(live: &'v LiveObject, pointer: &[&str]) -> Option<&'v Value> {
    live.body.dig(pointer)
}

/// The managers of the main part of an object.
fn managers(live: &LiveObject) -> Vec<String> {
    let main = live.managers.iter().filter(|it| it.subresource.is_empty());
    let mut names: Vec<String> = main.map(|it| format!("{} {}", it.name, it.operation)).collect();
    names.sort();
    names
}

fn owned(live: &LiveObject) -> BTreeSet<String> {
    let sets = live.managers.iter().filter(|it| it.subresource.is_empty());
    let sets = sets.map(|it| FieldSet::from_fields_v1(&it.fields).expect("a set"));
    sets.flat_map(|it| it.leaves()).map(|it| it.to_string()).collect()
}

/// The paths of changed fields; an item that goes as a whole counts once.
fn changes(step: &Step) -> Vec<String> {
    let path = |it: &FieldChange| {
        let path = it.path.to_string();
        let side = "spec.template.spec.containers[name=\"side\"]";
        if path.starts_with(side) { side.to_owned() } else { path }
    };
    let changed: BTreeSet<String> = step.object.fields.iter().filter(|it| it.changes()).map(path).collect();
    changed.into_iter().filter(|it| !it.ends_with("part-of\"]")).collect()
}

fn adopted(step: &Step) -> String {
    step.object.adopts.as_ref().map(ToString::to_string).unwrap_or_default()
}

fn annotation() -> String {
    format!("metadata.annotations[\"{}\"]", weft::diff::LAST_APPLIED)
}

fn from_kubectl() -> Result<(), Failed> {
    shared().block_on(async {
        let site = Site::new("adopt-kubectl").await;
        site.kubectl("deployments", &declared()).await?;
        let (plan, step) = site.plan(&wanted()).await?;
        same("who", "adopted from kubectl (client-side apply)", &adopted(&step))?;
        assert!(plan.refusals.is_empty() && step.object.judged == Judged::DryRun, "{:?}", plan.refusals);
        let mut expected = CHANGES.map(str::to_owned).to_vec();
        expected.insert(0, annotation());
        assert_eq!(changes(&step), expected);
        let gone = step.object.fields.iter().find(|it| it.path.to_string() == "spec.minReadySeconds").expect("a field");
        assert_eq!((gone.writers[0].manager.as_str(), &gone.desired), ("kubectl-client-side-apply", &After::Nothing));
        let back =
            step.object.fields.iter().find(|it| it.path.to_string().ends_with("PeriodSeconds")).expect("a field");
        assert_eq!(back.desired, After::Value(Value::from(30_i64)), "the server fills it in again");
        assert_eq!(site.apply(&plan).await?, End::Done);
        let live = site.live(&wanted()).await?;
        assert_eq!(managers(&live), ["weft Apply"]);
        let container =
            get(&live, &["spec", "template", "spec", "containers"]).and_then(Value::as_list).expect("a list");
        assert_eq!(container.len(), 1);
        assert_eq!(container[0].get("imagePullPolicy").and_then(Value::as_str), Some("Always"), "no plan named it");
        assert!(get(&live, &["metadata", "annotations", weft::diff::LAST_APPLIED]).is_none());
        site.settled(&wanted()).await?;
        let mut less = wanted();
        less["spec"]["template"]["spec"]["containers"][0].as_object_mut().expect("a map").remove("env");
        let (plan, _) = site.plan(&less).await?;
        assert_eq!(site.apply(&plan).await?, End::Done);
        let live = serde_json::to_string(&site.live(&less).await?.body)?;
        assert!(!live.contains("\"env\""), "what leaves the repository goes: {live}");
        site.settled(&less).await
    })
}

fn a_crash() -> Result<(), Failed> {
    shared().block_on(async {
        let site = Site::new("adopt-crash").await;
        site.kubectl("deployments", &declared()).await?;
        let before = site.live(&wanted()).await?;
        let (plan, step) = site.plan(&wanted()).await?;
        let adoption = step.object.adopts.as_ref().expect("an adoption");
        let object = site.world.object("base", wanted());
        let resource = site.world.discovery.resource(&object.gvk).expect("a kind");
        let mut migration = adoption.migration();
        // A controller may write the status at any moment.
        while site.world.cluster.migrate(&object.id, resource, &migration).await.is_err() {
            migration = adoption.migration_now(&site.live(&wanted()).await?).ok_or("it changed")?;
        }
        assert!(adoption.is_done(&site.live(&wanted()).await?));
        // The first step alone: nothing changed but owners, and what was declared is ours.
        let between = site.live(&wanted()).await?;
        assert_eq!(managers(&between), ["weft Apply"]);
        assert_eq!(
            (get(&before, &["spec"]), get(&before, &["metadata", "labels"])),
            (get(&between, &["spec"]), get(&between, &["metadata", "labels"]))
        );
        for path in CHANGES.iter().map(|it| (*it).to_owned()).chain([annotation(), "spec.replicas".into()]) {
            assert!(owned(&between).iter().any(|it| it.starts_with(&path)), "{path} has no owner");
        }
        assert!(owned(&between).is_subset(&owned(&before)));
        // The run that was planned before goes on, as after a repeated request; so does a new plan.
        let (again, next) = site.plan(&wanted()).await?;
        assert!(next.object.adopts.is_none());
        let mut expected = CHANGES.map(str::to_owned).to_vec();
        expected.insert(0, annotation());
        assert_eq!(changes(&next), expected);
        assert!(site.world.run(&site.world.cluster, &plan, |_| {}).await.is_err(), "the old plan is stale");
        assert_eq!(site.apply(&again).await?, End::Done);
        site.settled(&wanted()).await
    })
}

/// What Helm 3 makes of a chart: it creates by POST, and keeps no record at the object.
fn of_helm() -> Json {
    let mut body = declared();
    body["metadata"]["labels"]["app.kubernetes.io/managed-by"] = "Helm".into();
    body["metadata"]["annotations"] =
        json!({"meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "x"});
    body
}

const OF_HELM: [&str; 3] = [
    "metadata.annotations[\"meta.helm.sh/release-name\"]",
    "metadata.annotations[\"meta.helm.sh/release-namespace\"]",
    "metadata.labels[\"app.kubernetes.io/managed-by\"]",
];

fn from_helm() -> Result<(), Failed> {
    shared().block_on(async {
        let site = Site::new("adopt-helm").await;
        site.post("deployments", "helm", &of_helm()).await?;
        let (plan, step) = site.plan(&wanted()).await?;
        same("who", "adopted from Helm", &adopted(&step))?;
        // Helm's entry does not tell that the policy was a default: what it is now would be another.
        let mut expected: Vec<String> = OF_HELM.iter().chain(&CHANGES).map(|it| (*it).to_owned()).collect();
        expected.push("spec.template.spec.containers[name=\"c\"].imagePullPolicy".into());
        expected.sort();
        assert_eq!(changes(&step), expected);
        let tools: Vec<String> = step.object.tools.iter().map(ToString::to_string).collect();
        assert_eq!(tools, ["Helm release `shop`"]);
        let report = Report { plan: plan.clone(), ..Report::default() };
        let document = report::json(&report, report::ListOptions::default(), &FingerprintKey::new([9; 32]));
        crate::report::valid(&document)?;
        assert_eq!(document["steps"][0]["adopts"]["from"][0]["kind"], "helm");
        assert_eq!(document["steps"][0]["tools"][0]["name"], "shop");
        for view in [report::text(&report, &TextStyle::default()), report::markdown(&report, report::Budget::default())]
        {
            assert!(view.contains("adopted from Helm\n"), "{view}");
        }
        assert_eq!(site.apply(&plan).await?, End::Done);
        let live = site.live(&wanted()).await?;
        assert_eq!(managers(&live), ["weft Apply"]);
        for path in ["spec.strategy", "spec.template.spec.dnsPolicy"] {
            assert!(!owned(&live).iter().any(|it| it.starts_with(path)), "{path} is the server's");
        }
        site.settled(&wanted()).await
    })
}

fn without_rights() -> Result<(), Failed> {
    shared().block_on(async {
        let mut site = Site::new("adopt-rights").await;
        site.post("deployments", "helm", &of_helm()).await?;
        let able = site.plan(&wanted()).await?.0;
        let rules = json!([{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["list", "get"]},
            {"apiGroups": [""], "resources": ["secrets"], "verbs": ["list", "get", "create", "patch", "delete"]}]);
        let rbac = format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{}", site.world.namespace);
        let role = json!({"metadata": {"name": "r"}, "rules": rules});
        let binding = json!({"metadata": {"name": "r"}, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": NOBODY}]});
        site.send("POST", &format!("{rbac}/roles"), "application/json", &role).await?;
        site.send("POST", &format!("{rbac}/rolebindings"), "application/json", &binding).await?;
        let nobody = ClusterRef { context: Some(NOBODY.into()), ..admin() };
        site.world.cluster = Cluster::connect(&target(&nobody)).await?;
        let (_, step) = site.plan(&wanted()).await?;
        assert!(matches!(step.object.judged, Judged::Predicted(_)), "{:?}", step.object.judged);
        let undecided = step.object.fields.iter().filter(|it| it.desired == After::Server);
        let undecided: Vec<String> = undecided.map(|it| it.path.to_string()).collect();
        assert!(undecided.contains(&"spec.strategy.rollingUpdate.maxSurge".to_owned()), "{undecided:?}");
        let before = site.live(&wanted()).await?;
        let ran = site.world.run(&site.world.cluster, &able, |_| {}).await?;
        assert_eq!(ran.conclusion.end, End::Failed, "{:?}", ran.events);
        let said = ran.events.last().and_then(|it| it.outcome.reason()).unwrap_or_default();
        assert!(said.contains("verbs: [patch]"), "{said}");
        assert_eq!(managers(&before), managers(&site.live(&wanted()).await?), "nothing was moved");
        Ok(())
    })
}

fn settings(keys: &[&str]) -> Json {
    let data: serde_json::Map<String, Json> = keys.iter().map(|it| ((*it).to_owned(), json!("x"))).collect();
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": data})
}

fn before_the_first_apply() -> Result<(), Failed> {
    shared().block_on(async {
        let site = Site::new("adopt-before").await;
        site.post("configmaps", "somebody", &settings(&["ours", "theirs"])).await?;
        let path = site.path("configmaps", "/settings");
        site.patch(&path, "somebody", &json!([{"op": "replace", "path": "/metadata/managedFields", "value": [{}]}]))
            .await?;
        // Somebody applies as we do, and does not know what this leaves behind.
        let mut body = settings(&["ours", "more"]);
        body["metadata"]["labels"][weft::plan::PART_OF] = "base".into();
        site.send("PATCH", &format!("{path}?fieldManager={MANAGER}"), "application/apply-patch+yaml", &body).await?;
        let live = site.live(&body).await?;
        assert_eq!(managers(&live), ["before-first-apply Update", "weft Apply"]);
        let (plan, step) = site.plan(&settings(&["ours", "more"])).await?;
        same("who", "adopted from whoever wrote it before its first server-side apply", &adopted(&step))?;
        assert!(step.object.fields.is_empty() && step.action == Action::Update, "{:?}", step.object.fields);
        assert_eq!(site.apply(&plan).await?, End::Done);
        site.settled(&settings(&["ours", "more"])).await?;
        let (plan, step) = site.plan(&settings(&["more"])).await?;
        assert_eq!(changes(&step), ["data.ours"]);
        assert_eq!(site.apply(&plan).await?, End::Done);
        let live = site.live(&body).await?;
        assert!(get(&live, &["data", "ours"]).is_none() && get(&live, &["data", "theirs"]).is_some());
        Ok(())
    })
}

/// Without any entry the server would make up one of all that is there, and keep it beside ours.
fn of_nobody() -> Result<(), Failed> {
    shared().block_on(async {
        let site = Site::new("adopt-nobody").await;
        site.kubectl("configmaps", &settings(&["ours", "old"])).await?;
        let path = site.path("configmaps", "/settings");
        let theirs = json!([{"op": "add", "path": "/data/theirs", "value": "x"}]);
        site.patch(&path, "somebody", &theirs).await?;
        site.patch(&path, "somebody", &json!([{"op": "replace", "path": "/metadata/managedFields", "value": [{}]}]))
            .await?;
        let (plan, step) = site.plan(&settings(&["ours"])).await?;
        same("who", "adopted from whoever wrote it before its first server-side apply", &adopted(&step))?;
        assert_eq!(changes(&step), ["data.old".to_owned(), annotation()], "kubectl's record tells what it declared");
        assert_eq!(site.apply(&plan).await?, End::Done);
        let live = site.live(&settings(&[])).await?;
        assert_eq!(managers(&live), ["weft Apply"]);
        assert!(get(&live, &["data", "old"]).is_none() && get(&live, &["data", "theirs"]).is_some());
        site.settled(&settings(&["ours"])).await
    })
}

fn from_an_applier() -> Result<(), Failed> {
    shared().block_on(async {
        let mut site = Site::new("adopt-applier").await;
        let path = format!("{}?fieldManager=argocd-controller", site.path("configmaps", "/settings"));
        let mut body = settings(&["a", "b"]);
        body["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"] = "shop:/ConfigMap:x/settings".into();
        site.send("PATCH", &path, "application/apply-patch+yaml", &body).await?;
        let (plan, step) = site.plan(&settings(&["a"])).await?;
        assert!(step.object.adopts.is_none() && plan.refusals.is_empty());
        assert_eq!(changes(&step), Vec::<String>::new());
        let tools: Vec<String> = step.object.tools.iter().map(ToString::to_string).collect();
        assert_eq!(tools, ["Argo CD application `shop`"]);
        let mut other = settings(&["a"]);
        other["data"]["a"] = "y".into();
        assert_eq!(site.plan(&other).await?.0.refusals.len(), 1, "a live applier is not overwritten");
        site.world.take = vec!["argocd*".into()];
        let (plan, step) = site.plan(&other).await?;
        same("who", "adopted from argocd-controller (server-side apply)", &adopted(&step))?;
        assert_eq!(changes(&step), ["data.a", "data.b", "metadata.annotations[\"argocd.argoproj.io/tracking-id\"]"]);
        assert_eq!((plan.refusals.len(), site.apply(&plan).await?), (0, End::Done));
        let live = site.live(&other).await?;
        assert_eq!(managers(&live), ["weft Apply"]);
        assert!(get(&live, &["data", "b"]).is_none());
        site.settled(&other).await
    })
}

fn stale() -> Result<(), Failed> {
    shared().block_on(async {
        let site = Site::new("adopt-stale").await;
        site.kubectl("deployments", &declared()).await?;
        let (plan, step) = site.plan(&wanted()).await?;
        let path = site.path("deployments", "/web");
        let status = json!([{"op": "add", "path": "/status/collisionCount", "value": 1}]);
        site.patch(&format!("{path}/status"), "status-writer", &status).await?;
        let object: Object = site.world.object("base", wanted());
        let resource = site.world.discovery.resource(&object.gvk).expect("a kind");
        let migration = step.object.adopts.as_ref().expect("an adoption").migration();
        match site.world.cluster.migrate(&object.id, resource, &migration).await {
            Err(WriteError::Refused { refusal: Refusal::Conflict, .. }) => {}
            other => return Err(format!("an old version: {other:?}").into()),
        }
        let edit = json!([{"op": "replace", "path": "/spec/minReadySeconds", "value": 7}]);
        let undo = json!([{"op": "replace", "path": "/spec/minReadySeconds", "value": 5}]);
        site.patch(&path, "kubectl-edit", &edit).await?;
        let before = site.live(&wanted()).await?;
        let refused = site.world.run(&site.world.cluster, &plan, |_| {}).await.err().ok_or("it ran")?;
        let expected = format!("the plan is stale: `{}` changed since it was made", object.id);
        same("refused", &expected, refused.message().unwrap_or_default())?;
        assert_eq!(managers(&before), managers(&site.live(&wanted()).await?), "nothing was written");
        site.patch(&path, "kubectl-edit", &undo).await?;
        // A new plan sees whose it is now; only the status is written between it and the run.
        let (plan, step) = site.plan(&wanted()).await?;
        assert!(!changes(&step).contains(&"spec.minReadySeconds".to_owned()), "an editor owns it now");
        let noted = json!({"op": "add", "path": "/metadata/annotations/noted", "value": "with the status"});
        let status = json!([{"op": "add", "path": "/status/collisionCount", "value": 2}, noted]);
        site.patch(&format!("{path}/status"), "status-writer", &status).await?;
        assert_eq!(site.apply(&plan).await?, End::Done);
        assert_eq!(managers(&site.live(&wanted()).await?), ["kubectl-edit Update", "weft Apply"]);
        site.settled(&wanted()).await
    })
}

fn gone_version() -> Result<(), Failed> {
    shared().block_on(async {
        let mut site = Site::new("adopt-gone").await;
        let group = format!("{}.example.com", site.world.namespace);
        let version = |name: &str, storage: bool| json!({"name": name, "served": true, "storage": storage, "schema": {
            "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}});
        let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("parts.{group}")}, "spec": {"group": group, "scope": "Namespaced",
                "names": {"kind": "Part", "plural": "parts"}, "versions": [version("v1", true), version("v1alpha1", false)]}});
        let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
        site.send("POST", definitions, "application/json", &definition).await?;
        site.world.cluster.await_definition(&format!("parts.{group}")).await?.map_err(Failed::from)?;
        site.world.discovery = site.world.cluster.discover().await?;
        site.world.schemas.add_crd(&serde_json::from_value(definition)?);
        let part = |api: &str, size: u64| json!({"apiVersion": format!("{group}/{api}"), "kind": "Part", "metadata": {"name": "p"}, "spec": {"size": size}});
        let path = |api: &str| format!("/apis/{group}/{api}/namespaces/{}/parts/p", site.world.namespace);
        let old = format!("{}?fieldManager=old-tool", path("v1alpha1"));
        site.send("PATCH", &old, "application/apply-patch+yaml", &part("v1alpha1", 1)).await?;
        let fewer = json!([{"op": "replace", "path": "/spec/versions", "value": [version("v1", true)]}]);
        site.patch(&format!("{definitions}/parts.{group}"), "test", &fewer).await?;
        for _ in 0..100 {
            site.world.discovery = site.world.cluster.discover().await?;
            let kind = weft::schema::GroupKind { group: group.clone(), kind: "Part".into() };
            if site.world.discovery.versions(&kind).len() == 1 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        let ours = format!("{}?fieldManager={MANAGER}&dryRun=All", path("v1"));
        let refused = site.send("PATCH", &ours, "application/apply-patch+yaml", &part("v1", 1)).await;
        assert!(refused.is_err(), "the server can merge again, and this is not needed any more: {refused:?}");
        let (plan, step) = site.plan(&part("v1", 1)).await?;
        same("what", &format!("ownership written in {group}/v1alpha1 is brought up to date"), &adopted(&step))?;
        assert_eq!((site.apply(&plan).await?, &step.object.judged), (End::Done, &Judged::DryRun));
        let live = site.live(&part("v1", 1)).await?;
        assert_eq!(managers(&live), ["old-tool Apply", "weft Apply"]);
        assert!(live.managers.iter().all(|it| it.api_version == format!("{group}/v1")));
        site.settled(&part("v1", 1)).await
    })
}

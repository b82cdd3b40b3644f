//! The main story against a real API server: apply, nothing more to do, foreign writes, removals.

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::{Api, ListParams};
use libtest_mimic::{Failed, Trial};
use serde_json::json;

use super::proxy::Proxy;
use super::site::{Site, WEB};
use crate::cases::{code, same};
use crate::sandbox::shared;

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("cli", "story_second_run_writes_nothing", second_run_writes_nothing),
        code("cli", "story_foreign_write_is_drift", foreign_write_is_drift),
        code("cli", "story_deleted_object_is_drift", deleted_object_is_drift),
        code("cli", "story_removed_value_removes_its_field", removed_value_removes_its_field),
        code("cli", "story_removed_release_is_pruned", removed_release_is_pruned),
        code("cli", "story_kind_and_its_object_in_one_plan", kind_and_its_object_in_one_plan),
        code("cli", "story_object_moves_between_releases", object_moves_between_releases),
        code("cli", "story_destroy", destroy),
        code("cli", "story_destroy_orphans", destroy_orphans),
        code("cli", "story_namespace_is_created_and_stays", namespace_is_created_and_stays),
        code("cli", "story_part_of_the_releases", part_of_the_releases),
        code("cli", "story_revision_of_git", revision_of_git),
    ]
}

fn second_run_writes_nothing() -> Result<(), Failed> {
    let mut site = Site::with_web("second");
    site.chart("app", "replicas: 2\n", DEPLOYMENT);
    site.secret();
    site.releases(&["{name: web, chart: web}", "{name: app, chart: app, needs: [web], secrets: [web.yaml]}"]);
    site.expect("apply dev --yes", 0)?.says("4 applied")?.says("4 healthy")?;
    let before = site.versions();
    let door = Proxy::open_wide();
    site.through(&door);
    site.expect("plan dev --exit-code", 0)?.says("nothing to change (4 objects)")?;
    site.expect("apply dev --yes", 0)?.says("nothing to change (4 objects)")?;
    site.expect("drift dev", 0)?;
    site.expect("status dev", 0)?.says("4 objects, 0 not healthy")?;
    let asked = door.seen();
    let written: Vec<_> = asked.iter().filter(|it| it.method != "GET").collect();
    if asked.is_empty() || !written.is_empty() {
        return Err(format!("{} requests, and of them these are no reads: {written:?}", asked.len()).into());
    }
    same("the objects", &before.join("\n"), &site.versions().join("\n"))
}

fn foreign_write_is_drift() -> Result<(), Failed> {
    let site = Site::with_web("drift");
    site.expect("apply dev --yes", 0)?;
    site.expect("drift dev", 0)?;
    site.meddle("web", "kubectl-edit", &json!({"data": {"greeting": "Hacked", "foreign": "theirs"}}));
    let today = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
    let run = site.expect("drift dev", 2)?;
    run.says("data.greeting")?.says("Hacked")?.says("kubectl-edit")?.says(&today)?.keeps_quiet_about("data.foreign")?;
    site.expect("drift dev -o json", 2)?.says("\"kubectl-edit\"")?;
    site.expect("plan dev --exit-code", 2)?.says("data.greeting")?;
    site.expect("apply dev --yes", 0)?.says("1 applied")?;
    site.expect("drift dev", 0)?;
    same("the data", r#"{"foreign":"theirs","greeting":"Hello","port":"80"}"#, &site.data("web").unwrap_or_default())
}

fn deleted_object_is_drift() -> Result<(), Failed> {
    let site = Site::with_web("gone");
    site.expect("apply dev --yes", 0)?;
    site.delete("web");
    site.expect("drift dev", 2)?.says(&format!("ConfigMap {}/web", site.namespace))?;
    site.expect("status dev", 0)?.says("is gone")?;
    site.expect("get dev", 0)?.says("is gone")?;
    site.expect("apply dev --yes", 0)?.says("1 applied")?;
    site.expect("drift dev", 0)?;
    site.data("web").map(drop).ok_or_else(|| "it was not made again".into())
}

fn removed_value_removes_its_field() -> Result<(), Failed> {
    let site = Site::with_web("field");
    site.expect("apply dev --yes", 0)?;
    site.desk.write("environments/dev/values/web.yaml", "port: null\n");
    site.expect("plan dev --exit-code", 2)?.says("data.port")?;
    site.expect("drift dev", 0)?;
    site.expect("apply dev --yes", 0)?;
    same("the data", r#"{"greeting":"Hello"}"#, &site.data("web").unwrap_or_default())?;
    site.expect("plan dev --exit-code", 0).map(drop)
}

fn removed_release_is_pruned() -> Result<(), Failed> {
    let site = Site::with_web("prune");
    site.releases(&["{name: web, chart: web}", "{name: old, chart: web}"]);
    site.expect("apply dev --yes", 0)?;
    site.releases(&["{name: web, chart: web}"]);
    let named = format!("delete ConfigMap {}/old", site.namespace);
    site.expect("plan dev", 4)?.says(&named)?.says("`old` is no longer in the environment")?;
    site.expect("plan dev --exit-code --remove-release old", 2)?.says(&named)?.says("1 to delete")?;
    site.expect("apply dev --yes --remove-release old", 0)?.says(&named)?.says("1 deleted")?;
    if site.data("old").is_some() || site.data("web").is_none() {
        return Err("`old` is to go, and `web` to stay".into());
    }
    if site.kept().iter().any(|it| it.metadata.name.as_deref().is_some_and(|name| name.contains("old"))) {
        return Err("the inventory of `old` is still there".into());
    }
    site.expect("plan dev --exit-code", 0).map(drop)
}

fn kind_and_its_object_in_one_plan() -> Result<(), Failed> {
    let site = Site::new("kind");
    let group = format!("{}.example.com", site.namespace);
    let template = KIND.replace("GROUP", &group);
    site.chart("kind", "{}\n", template.split("---\n").next().unwrap_or_default());
    site.chart("object", "{}\n", template.split("---\n").nth(1).unwrap_or_default());
    site.releases(&["{name: kind, chart: kind}", "{name: object, chart: object, needs: [kind]}"]);
    let object = format!("Thing.{group} {}/one", site.namespace);
    let run = site.expect("plan dev --exit-code", 2)?;
    run.says(&format!("create CustomResourceDefinition.apiextensions.k8s.io things.{group}"))?.says(&object)?;
    run.says("its CustomResourceDefinition is part of this plan")?;
    site.expect("apply dev --yes", 0)?.says("2 applied")?;
    site.expect("plan dev --exit-code", 0)?;
    // Kinds hold other people's objects: one goes only when a word names it.
    let run = site.expect("destroy dev --yes", 0)?;
    run.says("--delete-kind CustomResourceDefinition")?.says("1 deleted")?;
    site.expect("destroy dev --yes --delete-kind CustomResourceDefinition", 0)?.says("1 deleted").map(drop)
}

fn object_moves_between_releases() -> Result<(), Failed> {
    let site = Site::new("move");
    let template = WEB.replace("{{ release.name }}", "shared");
    site.chart("web", "greeting: Hello\nport: 80\n", &template);
    site.chart("other", "greeting: Hello\nport: 80\n", &WEB.replace("{{ release.name }}", "stays"));
    site.releases(&["{name: first, chart: web}", "{name: second, chart: other}"]);
    site.expect("apply dev --yes", 0)?;
    let uid = |site: &Site| site.get::<ConfigMap>("shared").and_then(|it| it.metadata.uid).unwrap_or_default();
    let before = uid(&site);
    site.releases(&["{name: second, chart: other}", "{name: third, chart: web}"]);
    site.expect("plan dev --exit-code", 2)?.keeps_quiet_about("delete")?;
    site.expect("apply dev --yes", 0)?;
    same("the object's UID", &before, &uid(&site))?;
    site.expect("plan dev --exit-code", 0).map(drop)
}

fn destroy() -> Result<(), Failed> {
    let site = Site::with_web("destroy");
    site.releases(&["{name: web, chart: web}", "{name: old, chart: web}"]);
    site.expect("apply dev --yes", 0)?;
    site.expect("destroy dev", 4)?.says("there is no terminal to ask on")?;
    site.expect("destroy dev --release old --yes", 0)?.says("1 deleted")?;
    if site.data("old").is_some() || site.data("web").is_none() {
        return Err("only `old` is to go".into());
    }
    site.expect("destroy dev --yes", 0)?.says("1 deleted")?;
    let inventories = site.kept().into_iter().filter(|it| it.metadata.name.as_deref() != Some("weft-fingerprint-key"));
    match (site.data("web"), inventories.count()) {
        (None, 0) => site.expect("destroy dev --yes", 0)?.says("nothing to change").map(drop),
        other => Err(format!("left behind: {other:?}").into()),
    }
}

fn destroy_orphans() -> Result<(), Failed> {
    let site = Site::new("orphan");
    site.chart("app", "replicas: 1\n", DEPLOYMENT.split("---\n").next().unwrap_or_default());
    site.releases(&["{name: app, chart: app}"]);
    site.expect("apply dev --yes", 0)?;
    site.expect("destroy dev --yes --cascade orphan", 0)?;
    let sets: Api<ReplicaSet> = Api::namespaced(shared().client(), &site.namespace);
    let sets = shared().block_on(sets.list(&ListParams::default()))?.items;
    let owned = sets.iter().filter(|set| set.metadata.owner_references.as_ref().is_some_and(|it| !it.is_empty()));
    match (site.get::<Deployment>("app"), sets.len(), owned.count()) {
        (None, 1, 0) => Ok(()),
        (deployment, sets, owned) => {
            Err(format!("deployment {}, {sets} replica sets, {owned} owned", deployment.is_some()).into())
        }
    }
}

fn namespace_is_created_and_stays() -> Result<(), Failed> {
    let mut site = Site::with_web("namespace");
    site.namespace = format!("{}-new", site.namespace);
    site.releases(&["{name: web, chart: web}"]);
    let run = site.expect("plan dev", 0)?;
    run.says(&format!("create Namespace {}", site.namespace))?;
    run.says(&format!("its namespace `{}` is part of this plan", site.namespace))?;
    site.expect("apply dev --yes", 0)?.says("2 applied")?;
    site.expect("plan dev --exit-code", 0)?;
    site.expect("destroy dev --yes", 0)?.says("1 deleted")?;
    let namespaces: Api<Namespace> = Api::all(shared().client());
    shared().block_on(namespaces.get(&site.namespace)).map(drop).map_err(Failed::from)
}

fn part_of_the_releases() -> Result<(), Failed> {
    let site = Site::with_web("part");
    site.releases(&["{name: web, chart: web, labels: {tier: front}}", "{name: old, chart: web}"]);
    site.expect("apply dev --yes -l tier=front", 0)?.says("1 applied")?;
    if site.data("old").is_some() {
        return Err("`old` was not selected".into());
    }
    site.expect("apply dev --yes", 0)?.says("1 applied")?;
    site.releases(&["{name: web, chart: web, labels: {tier: front}}"]);
    site.expect("plan dev --exit-code --release web", 0)?.keeps_quiet_about("old").map(drop)
}

fn revision_of_git() -> Result<(), Failed> {
    let site = Site::with_web("revision");
    let git = git2::Repository::init(site.desk.project())?;
    let mut index = git.index()?;
    index.add_all(["*"], git2::IndexAddOption::DEFAULT, None)?;
    let tree = git.find_tree(index.write_tree()?)?;
    let me = git2::Signature::now("me", "me@example.com")?;
    let commit = git.commit(Some("HEAD"), &me, &me, "first", &tree, &[])?.to_string();
    index.write()?;
    site.expect("plan dev", 0)?.says(&format!("at {commit}\n"))?;
    site.desk.write("environments/dev/values/web.yaml", "greeting: Bye\n");
    site.expect("plan dev", 0)?.says(&format!("at {commit} with changes\n"))?.says("Bye")?;
    site.expect("apply dev --yes --at HEAD", 0)?.says("1 applied")?;
    same("the data", r#"{"greeting":"Hello","port":"80"}"#, &site.data("web").unwrap_or_default())?;
    site.expect("plan dev --at main~1", 1)?.says("git knows no revision `main~1`")?;
    // A file that is not committed is no file of the revision.
    site.releases(&[]);
    site.expect("plan dev --at HEAD --exit-code", 0).map(drop)
}

const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ release.name }}
spec:
  replicas: {{ values.replicas }}
  selector: {matchLabels: {app: {{ release.name }}}}
  template:
    metadata: {labels: {app: {{ release.name }}}}
    spec:
      containers:
      - {name: app, image: 'registry.example.com/app:1', ports: [{containerPort: 80}]}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ release.name }}
spec:
  selector: {app: {{ release.name }}}
  ports: [{port: 80}]
---
apiVersion: v1
kind: Secret
metadata:
  name: {{ release.name }}
stringData:
  password: {{ values.database.password | quote }}
";

const KIND: &str = "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: things.GROUP
spec:
  group: GROUP
  scope: Namespaced
  names: {kind: Thing, plural: things}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}}
---
apiVersion: GROUP/v1
kind: Thing
metadata:
  name: one
spec:
  size: 3
";

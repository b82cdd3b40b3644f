//! Waiting for health, and what is told where it does not come.

use std::process::Stdio;
use std::time::{Duration, Instant};

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use libtest_mimic::{Failed, Trial};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value as Json, json};

use super::proxy::{Answer, Proxy};
use super::site::Site;
use crate::cases::code;
use crate::sandbox::shared;

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("cli", "health_that_does_not_come", that_does_not_come),
        code("cli", "health_is_not_waited_for", is_not_waited_for),
        code("cli", "health_wait_is_interrupted", wait_is_interrupted),
        code("cli", "health_one_object_fails_alone", one_object_fails_alone),
        code("cli", "health_crash_is_told_with_its_log_before_time_is_up", crash_is_told_with_its_log),
        code("cli", "health_refused_pods_are_told_before_time_is_up", refused_pods_are_told),
        code("cli", "health_by_the_rules_of_the_environment", by_the_rules_of_the_environment),
        code("cli", "health_a_kind_has_a_timeout_of_its_own", a_kind_has_a_timeout_of_its_own),
        code("cli", "health_what_is_settled_is_not_read_again", what_is_settled_is_not_read_again),
    ]
}

/// A workload whose pods no node takes.
const STUCK: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ release.name }}}
spec:
  replicas: 1
  selector: {matchLabels: {app: stuck}}
  template:
    metadata: {labels: {app: stuck}}
    spec:
      nodeSelector: {nowhere: 'true'}
      containers: [{name: app, image: 'registry.example.com/app:1'}]
";

fn stuck(prefix: &str, wait: &str) -> Site {
    let site = Site::with_web(prefix);
    site.chart("stuck", "{}\n", STUCK);
    site.releases(&[
        "{name: other, chart: web}",
        &format!("{{name: stuck, chart: stuck, wait: {wait}}}"),
        "{name: web, chart: web, needs: [stuck]}",
    ]);
    site
}

fn that_does_not_come() -> Result<(), Failed> {
    let site = stuck("stuck", "{timeout: 7s}");
    let run = site.expect("apply dev --yes", 3)?;
    let namespace = &site.namespace;
    run.says(&format!("healthy ConfigMap {namespace}/other"))?;
    run.says(&format!("failed Deployment.apps {namespace}/stuck"))?
        .says("didn't match Pod's node affinity/selector")?;
    run.says(&format!("skipped ConfigMap {namespace}/web: release `stuck` failed, which `web` needs"))?;
    if site.data("web").is_some() {
        return Err("`web` needs what failed".into());
    }
    site.expect("status dev", 0)?.says("WAITING")?.says("stuck")?;
    let status: Json = serde_json::from_str(&site.expect("status dev -o json", 0)?.stdout)?;
    let schema = serde_json::from_str(include_str!("../../../docs/schema/status-v1.json"))?;
    jsonschema::validate(&schema, &status).map_err(|error| error.to_string())?;
    let objects = |release: &Json| release["objects"].as_array().cloned().unwrap_or_default();
    let mut objects = status["releases"].as_array().into_iter().flatten().flat_map(objects);
    let waits = objects.any(|it| it["health"] == "waiting" && it["reason"].is_string());
    if waits { Ok(()) } else { Err(format!("{status:#}").into()) }
}

fn is_not_waited_for() -> Result<(), Failed> {
    let site = stuck("hurry", "false");
    site.expect("apply dev --yes", 0)?.says("3 applied")?;
    let site = stuck("hurry", "{timeout: 1m}");
    site.expect("apply dev --yes --no-wait", 0)?.says("3 applied").map(drop)
}

fn wait_is_interrupted() -> Result<(), Failed> {
    let site = stuck("patient", "{timeout: 2m}");
    let began = Instant::now();
    let child = site.command("apply dev --yes").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    while site.get::<Deployment>("stuck").is_none() {
        assert!(began.elapsed() < Duration::from_secs(60), "nothing is applied");
        std::thread::sleep(Duration::from_millis(50));
    }
    std::thread::sleep(Duration::from_millis(500));
    kill_process(Pid::from_raw(i32::try_from(child.id())?).ok_or("no process")?, Signal::INT)?;
    let run = site.desk.read(&child.wait_with_output()?);
    run.ends_with(130)?.says("2 applied")?;
    run.says(&format!("skipped ConfigMap {}/web: the run was interrupted", site.namespace))?;
    match began.elapsed() {
        took if took > Duration::from_secs(60) => Err(format!("it ended after {took:?}").into()),
        _ => site.expect("apply dev --yes --no-wait", 0)?.says("1 applied").map(drop),
    }
}

/// What only a real apply finds out stops the release, and no other.
fn one_object_fails_alone() -> Result<(), Failed> {
    let mut site = Site::with_web("alone");
    let wrong = "apiVersion: v1\nkind: Service\nmetadata: {name: wrong}\nspec: {ports: [{port: 99999}]}\n";
    site.chart("wrong", "{}\n", wrong);
    site.namespace = format!("{}-new", site.namespace);
    site.releases(&["{name: web, chart: web}", "{name: wrong, chart: wrong}"]);
    let run = site.expect("apply dev --yes", 3)?;
    run.says(&format!("failed Service {}/wrong", site.namespace))?.says("spec.ports[0].port")?;
    run.says(&format!("healthy ConfigMap {}/web", site.namespace))?;
    site.data("web").map(drop).ok_or_else(|| "`web` has nothing to do with it".into())
}

/// A workload whose pods no scheduler takes: the test writes their status as a kubelet would.
const UNTAKEN: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ release.name }}}
spec:
  replicas: 1
  selector: {matchLabels: {app: untaken}}
  template:
    metadata: {labels: {app: untaken}}
    spec:
      schedulerName: nobody
      containers: [{name: app, image: 'registry.example.com/app:1'}]
";

/// Tries this until it comes to something.
fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Writes the status of the first pod.
fn kubelet(namespace: &str, status: &Json) {
    let pods: Api<Pod> = Api::namespaced(shared().client(), namespace);
    let list = || shared().block_on(pods.list(&ListParams::default().labels("app=untaken"))).expect("a list");
    let name = until("no pod is made", || list().items.into_iter().find_map(|it| it.metadata.name));
    let patch = Patch::Merge(json!({"status": status}));
    shared().block_on(pods.patch_status(&name, &PatchParams::default(), &patch)).expect("a status");
}

/// The cause is certain long before the timeout; it comes with the log, and a pipe gets a line for each change.
fn crash_is_told_with_its_log() -> Result<(), Failed> {
    let mut site = Site::new("crash");
    site.chart("untaken", "{}\n", UNTAKEN);
    site.releases(&["{name: app, chart: untaken, wait: {timeout: 5m}}"]);
    let logs =
        |path: &str| path.split('?').next().is_some_and(|it| it.ends_with("/log")) && path.contains("previous=true");
    let proxy = Proxy::open(move |seen| match () {
        () if logs(&seen.path) => Answer::Says(200, "no database at db:5432"),
        () => Answer::Through,
    });
    site.through(&proxy);
    let began = Instant::now();
    let child = site.command("apply dev --yes").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    kubelet(
        &site.namespace,
        &json!({"phase": "Running", "conditions": [{"type": "PodScheduled", "status": "True"}], "containerStatuses": [{
            "name": "app", "image": "registry.example.com/app:1", "imageID": "", "ready": false, "restartCount": 3,
            "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s restarting failed container"}},
            "lastState": {"terminated": {"exitCode": 7, "reason": "Error"}}}]}),
    );
    let run = site.desk.read(&child.wait_with_output()?);
    run.ends_with(3)?.says(&format!("failed Deployment.apps {}/app: 0 of 1 replicas are available", site.namespace))?;
    run.says("container `app` ended with exit code 7, and was restarted 3 times; its last lines:")?;
    run.says("no database at db:5432")?;
    run.says(&format!("... waiting for Deployment.apps {}/app: ", site.namespace))?;
    assert!(began.elapsed() < Duration::from_secs(60), "it waited for its timeout: {:?}", began.elapsed());
    Ok(())
}

fn refused_pods_are_told() -> Result<(), Failed> {
    let site = Site::new("refused-pods");
    let namespaces: Api<Namespace> = Api::all(shared().client());
    let strict = Patch::Merge(json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}));
    shared().block_on(namespaces.patch(&site.namespace, &PatchParams::default(), &strict))?;
    let set = UNTAKEN.replace("kind: Deployment", "kind: StatefulSet");
    site.chart("set", "{}\n", &set.replace("  replicas: 1\n", "  replicas: 1\n  serviceName: app\n"));
    site.releases(&["{name: app, chart: set, wait: {timeout: 5m}}"]);
    let began = Instant::now();
    let run = site.expect("apply dev --yes", 3)?;
    run.says(&format!("failed StatefulSet.apps {}/app: 0 of 1 replicas are there", site.namespace))?;
    run.says("FailedCreate: Create Pod app-0 in StatefulSet app failed error: ")?.says("violates PodSecurity")?;
    assert!(began.elapsed() < Duration::from_secs(60), "it waited for its timeout: {:?}", began.elapsed());
    Ok(())
}

/// A kind whose health only its people know.
fn by_the_rules_of_the_environment() -> Result<(), Failed> {
    let site = Site::new("rules");
    let group = format!("{}.example.com", site.namespace);
    let definition = format!(
        "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: databases.{group}}}
spec:
  group: {group}
  scope: Namespaced
  names: {{kind: Database, plural: databases}}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}
"
    );
    site.chart("kinds", "{}\n", &definition);
    let database =
        format!("apiVersion: {group}/v1\nkind: Database\nmetadata: {{name: main}}\nsize: {{{{ values.size }}}}\n");
    site.chart("database", "size: 1\n", &database);
    let rule = "{kind: Database, current: self.phase == 'Running', failed: self.phase == 'Broken', \
                message: \"'its phase is ' + self.phase\"}";
    let releases = |size: usize| {
        let wait = format!("wait: {{timeout: 1m, rules: [{rule}]}}");
        site.releases(&[
            "{name: kinds, chart: kinds}",
            &format!("{{name: database, chart: database, needs: [kinds], values: [{{size: {size}}}], {wait}}}"),
        ]);
    };
    let kind = ApiResource::from_gvk(&GroupVersionKind::gvk(&group, "v1", "Database"));
    let databases: Api<DynamicObject> = Api::namespaced_with(shared().client(), &site.namespace, &kind);
    let becomes = |phase: &str| {
        until("it is not applied", || {
            let patch = Patch::Merge(json!({"phase": phase}));
            shared().block_on(databases.patch("main", &PatchParams::default(), &patch)).ok()
        });
    };
    releases(1);
    let child = site.command("apply dev --yes").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    becomes("Broken");
    let run = site.desk.read(&child.wait_with_output()?);
    run.ends_with(3)?.says(&format!("failed Database.{group} {}/main: its phase is Broken", site.namespace))?;
    site.expect("status dev", 0)?.says("its phase is Broken")?;
    becomes("Running");
    releases(2);
    site.expect("apply dev --yes", 0)?.says("1 healthy").map(drop)
}

fn a_kind_has_a_timeout_of_its_own() -> Result<(), Failed> {
    let site = stuck("own-timeout", "{timeout: 5m, rules: [{kind: Deployment, timeout: 2s}]}");
    let run = site.expect("apply dev --yes", 3)?;
    run.says(&format!("failed Deployment.apps {}/stuck: not healthy after 2 s: ", site.namespace)).map(drop)
}

/// Of a ConfigMap nothing becomes: the answer to its apply says all.
fn what_is_settled_is_not_read_again() -> Result<(), Failed> {
    let mut site = Site::with_web("settled");
    let proxy = Proxy::open_wide();
    site.through(&proxy);
    site.expect("apply dev --yes", 0)?.says("1 healthy")?;
    let seen = proxy.seen();
    let applied = seen.iter().position(|it| it.writes("configmaps/web")).ok_or("it is applied")?;
    match seen[applied..].iter().find(|it| it.method == "GET" && it.path.contains("/configmaps")) {
        Some(read) => Err(format!("it is read again: {read:?}").into()),
        None => Ok(()),
    }
}

//! Hooks around a release, on the real server.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams, Patch, PatchParams};
use libtest_mimic::{Failed, Trial};
use serde_json::json;

use super::site::Site;
use crate::cases::code;
use crate::sandbox::shared;

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("cli", "hooks_run_once_for_what_they_say", run_once),
        code("cli", "hooks_that_fail_stop_their_release", that_fails),
        code("cli", "hooks_of_helm_are_made_anew", of_helm),
        code("cli", "hooks_are_asked_about_while_planning", asked_about),
        code("cli", "hooks_of_a_rollback", of_a_rollback),
        code("cli", "hooks_in_saved_plans", in_saved_plans),
        code("cli", "hooks_that_a_killed_run_left_are_waited_for", left_by_a_killed_run),
        code("cli", "hooks_whose_image_is_none_fail_with_the_cause", without_image),
    ]
}

/// Ends the pods of a namespace, as nodes would: those with the label `fails` fail.
pub(super) struct Worker {
    ends: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Worker {
    pub(super) fn of(site: &Site) -> Self {
        let (ends, namespace) = (Arc::new(AtomicBool::new(false)), site.namespace.clone());
        let end = Arc::clone(&ends);
        let thread = std::thread::spawn(move || {
            let api: Api<Pod> = Api::namespaced(shared().client(), &namespace);
            while !end.load(Ordering::Relaxed) {
                shared().block_on(finish(&api));
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        Self { ends, thread: Some(thread) }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(std::thread::JoinHandle::join);
    }
}

async fn finish(api: &Api<Pod>) {
    for pod in api.list(&ListParams::default()).await.map(|it| it.items).unwrap_or_default() {
        let phase = pod.status.as_ref().and_then(|it| it.phase.as_deref()).unwrap_or_default();
        if ["Succeeded", "Failed"].contains(&phase) {
            continue;
        }
        let fails = pod.metadata.labels.iter().flatten().any(|(key, _)| key == "fails");
        let status = json!({"status": {"phase": if fails { "Failed" } else { "Succeeded" }}});
        let name = pod.metadata.name.unwrap_or_default();
        // It may be gone meanwhile.
        let _ = api.patch_status(&name, &PatchParams::default(), &Patch::Merge(&status)).await;
    }
}

/// A Job whose pods no node takes, so that only the worker ends them.
pub(super) fn job(name: &str, annotations: &str, image: &str, labels: &str) -> String {
    format!(
        "---\napiVersion: batch/v1\nkind: Job\nmetadata: {{name: {name}, annotations: {{{annotations}}}}}\nspec:\n  \
         backoffLimit: 0\n  template:\n    metadata: {{labels: {labels}}}\n    spec:\n      restartPolicy: Never\n      \
         nodeSelector: {{nowhere: 'true'}}\n      containers: [{{name: a, image: '{image}'}}]\n"
    )
}

const MAP: &str =
    "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {greeting: '{{ values.greeting }}'}\n";

/// A site whose chart has this besides its ConfigMap.
fn site(prefix: &str) -> Site {
    let site = Site::new(prefix);
    site.releases(&["{name: web, chart: web}"]);
    site
}

fn jobs(site: &Site) -> Vec<(String, String)> {
    let api: Api<Job> = Api::namespaced(shared().client(), &site.namespace);
    let jobs = shared().block_on(api.list(&ListParams::default())).expect("a list").items;
    let named = jobs.into_iter().map(|it| (it.metadata.name.unwrap_or_default(), it.metadata.uid.unwrap_or_default()));
    named.collect()
}

fn run_once() -> Result<(), Failed> {
    let site = site("hooks-once");
    let _worker = Worker::of(&site);
    let write = |greeting: &str, image: &str| {
        let migrate = job("migrate", "weft.example.com/hook: before-apply", image, "{}");
        let bye = job("bye", "weft.example.com/hook: after-delete", image, "{}");
        site.chart("web", &format!("greeting: {greeting}\n"), &(MAP.to_owned() + &migrate + &bye));
    };
    write("Hello", "registry.example.com/a:1");
    site.expect("plan dev", 0)?.says("run hook Job.batch")?.says("before-install, it never ran")?;
    site.expect("apply dev --yes", 0)?;
    let first = jobs(&site);
    assert!(first.len() == 1 && first[0].0.starts_with("migrate-"), "{first:?}");
    site.expect("plan dev", 0)?.says("nothing to change")?;
    site.expect("drift dev", 0)?.says("no drift")?;

    write("Good day", "registry.example.com/a:1");
    site.expect("plan dev", 0)?.says("what it says did not change since it ran")?;
    site.expect("apply dev --yes", 0)?;
    assert_eq!(jobs(&site), first, "what did not change is not run again");

    write("Good day", "registry.example.com/a:2");
    site.expect("plan dev", 0)?
        .says("before-upgrade, what it says changed")?
        .says("deletes what an earlier run left")?;
    site.expect("apply dev --yes", 0)?;
    let second = jobs(&site);
    assert!(second.len() == 1 && second[0].0 != first[0].0, "{second:?}");

    let run = site.expect("destroy dev --yes", 0)?;
    run.says("after-delete, it never ran")?.says("its release is deleted")?;
    let left = jobs(&site);
    assert!(left.iter().all(|(name, _)| name.starts_with("bye-")), "{left:?}");
    Ok(())
}

/// What a server would refuse is known before anything is done, also where it cannot be asked yet.
fn asked_about() -> Result<(), Failed> {
    let site = site("hooks-asked");
    let hook = |spec: &str| {
        let job = job("migrate", "weft.example.com/hook: before-apply", "registry.example.com/a:1", "{}");
        site.chart("web", "greeting: Hello\n", &(MAP.to_owned() + &job.replace("restartPolicy: Never", spec)));
    };
    hook("restartPolicy: Always");
    site.expect("plan dev", 4)?.says("the server refuses `Job.batch ")?.says("restartPolicy")?;
    site.expect("apply dev --yes", 4)?;
    // The field is in no schema; the namespace is not there, so that no server can say it.
    let environment = site.desk.project().join("environments/dev/environment.yaml");
    let text = std::fs::read_to_string(&environment)?;
    let elsewhere = format!("namespace: {}-new}}", site.namespace);
    std::fs::write(environment, text.replace(&format!("namespace: {}}}", site.namespace), &elsewhere))?;
    hook("restartPolicy: Never\n      restartPolice: Never");
    site.expect("plan dev", 4)?.says("restartPolice")?.says("is part of this plan")?;
    if site.data("web").is_some() || !jobs(&site).is_empty() {
        return Err("something was applied".into());
    }
    Ok(())
}

fn of_a_rollback() -> Result<(), Failed> {
    let site = site("hooks-back");
    let _worker = Worker::of(&site);
    let write = |greeting: &str| {
        let restore = job("restore", "weft.example.com/hook: before-rollback", "registry.example.com/a:1", "{}");
        site.chart("web", &format!("greeting: {greeting}\n"), &(MAP.to_owned() + &restore));
    };
    for greeting in ["Hello", "Bye"] {
        write(greeting);
        site.expect("apply dev --yes", 0)?;
    }
    assert_eq!(jobs(&site), Vec::new(), "nothing goes back yet");
    let planned = site.expect("rollback dev web --to 1 -o plan.json", 0)?;
    planned.says("run hook Job.batch")?.says("before-rollback, it runs at every rollback")?;
    site.expect("apply --plan plan.json --yes", 0)?;
    let first = jobs(&site);
    assert!(first.len() == 1 && first[0].0.starts_with("restore-"), "{first:?}");
    assert_eq!(site.data("web").as_deref(), Some(r#"{"greeting":"Hello"}"#));
    site.expect("apply dev --yes", 0)?;
    let run = site.expect("rollback dev web --to 1 --yes", 0)?;
    run.says("it runs at every rollback")?;
    let second = jobs(&site);
    assert!(second.len() == 1 && second[0].1 != first[0].1, "{second:?} is not made anew");
    Ok(())
}

fn in_saved_plans() -> Result<(), Failed> {
    let site = site("hooks-saved");
    let _worker = Worker::of(&site);
    let write = |image: &str| {
        let migrate = job("migrate", "weft.example.com/hook: before-apply", image, "{}");
        site.chart("web", "greeting: Hello\n", &(MAP.to_owned() + &migrate));
    };
    write("registry.example.com/a:1");
    let planned = site.expect("plan dev -o plan.json", 0)?;
    planned.says("run hook Job.batch")?;
    assert_eq!(planned.stdout, site.desk.run(["show", "plan.json"]).stdout);
    write("registry.example.com/a:2");
    site.expect("apply --plan plan.json --yes", 4)?.says("the plan is stale")?.says("migrate")?;
    write("registry.example.com/a:1");
    site.expect("apply --plan plan.json --yes", 0)?;
    let first = jobs(&site);
    assert_eq!(first.len(), 1, "{first:?}");
    // It ran since.
    site.expect("apply --plan plan.json --yes", 4)?.says("the plan is stale")?;
    assert_eq!(jobs(&site), first);
    site.expect("plan dev --exit-code", 0).map(drop)
}

fn left_by_a_killed_run() -> Result<(), Failed> {
    let site = site("hooks-killed");
    let migrate = job("migrate", "weft.example.com/hook: before-apply", "registry.example.com/a:1", "{}");
    site.chart("web", "greeting: Hello\n", &(MAP.to_owned() + &migrate));
    let mut command = site.command("apply dev --yes");
    let mut child = command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn()?;
    let began = std::time::Instant::now();
    while jobs(&site).is_empty() && began.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(50));
    }
    child.kill()?;
    child.wait()?;
    let left = jobs(&site);
    assert_eq!(left.len(), 1, "{left:?}");
    let _worker = Worker::of(&site);
    site.expect("apply dev --yes", 0)?;
    assert_eq!(jobs(&site), left, "what was under way is waited for");
    site.expect("plan dev --exit-code", 0).map(drop)
}

/// The cause is found at the pod that the hook made, long before its time is up.
fn without_image() -> Result<(), Failed> {
    let site = site("hooks-image");
    let migrate = job("migrate", "weft.example.com/hook: before-apply", "registry.example.com/A:1", "{}");
    site.chart("web", "greeting: Hello\n", &(MAP.to_owned() + &migrate));
    let namespace = site.namespace.clone();
    let node = std::thread::spawn(move || {
        let api: Api<Pod> = Api::namespaced(shared().client(), &namespace);
        let waiting = json!({"reason": "InvalidImageName", "message": "couldn't parse image name"});
        let scheduled = json!([{"type": "PodScheduled", "status": "True"}]);
        let status = json!({"status": {"phase": "Pending", "conditions": scheduled, "containerStatuses": [{
            "name": "a", "image": "registry.example.com/A:1", "imageID": "", "ready": false, "restartCount": 0,
            "state": {"waiting": waiting},
        }]}});
        let began = std::time::Instant::now();
        while began.elapsed() < Duration::from_secs(30) {
            for pod in shared().block_on(api.list(&ListParams::default())).map(|it| it.items).unwrap_or_default() {
                let name = pod.metadata.name.unwrap_or_default();
                let (parameters, patch) = (PatchParams::default(), Patch::Merge(&status));
                if shared().block_on(api.patch_status(&name, &parameters, &patch)).is_ok() {
                    return;
                }
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    let began = std::time::Instant::now();
    let run = site.run("apply dev --yes");
    node.join().expect("no panic");
    if run.code == Some(0) || began.elapsed() > Duration::from_secs(40) {
        return run.ends_with(3).map(drop);
    }
    run.says("failed Job.batch")?.says("InvalidImageName")?;
    if site.data("web").is_some() { Err("its release went on".into()) } else { Ok(()) }
}

fn that_fails() -> Result<(), Failed> {
    let site = site("hooks-fail");
    let _worker = Worker::of(&site);
    let write = |labels: &str| {
        let migrate = job("migrate", "weft.example.com/hook: before-install", "registry.example.com/a:1", labels);
        site.chart("web", "greeting: Hello\n", &(MAP.to_owned() + &migrate));
    };
    write("{fails: 'yes'}");
    let run = site.run("apply dev --yes");
    if run.code == Some(0) {
        return run.ends_with(3).map(drop);
    }
    run.says("failed Job.batch")?.says(&format!("skipped ConfigMap {}/web", site.namespace))?;
    if site.data("web").is_some() {
        return Err("its release went on without what it needs".into());
    }
    site.expect("plan dev", 0)?.says("before-install, it never ran")?;
    write("{}");
    site.expect("apply dev --yes", 0)?;
    if site.data("web").is_none() {
        return Err("the release is not there".into());
    }
    site.expect("plan dev", 0)?.says("nothing to change").map(drop)
}

fn of_helm() -> Result<(), Failed> {
    let site = site("hooks-helm");
    let _worker = Worker::of(&site);
    let write = |image: &str| {
        let hook = job("after", "helm.sh/hook: 'post-install,post-upgrade'", image, "{}");
        let test = job("test", "helm.sh/hook: test", image, "{}");
        site.chart("web", "greeting: Hello\n", &(MAP.to_owned() + &hook + &test));
    };
    write("registry.example.com/a:1");
    site.expect("apply dev --yes", 0)?;
    let first = jobs(&site);
    assert!(first.len() == 1 && first[0].0 == "after", "{first:?}");
    write("registry.example.com/a:2");
    site.expect("apply dev --yes", 0)?;
    let second = jobs(&site);
    assert!(second.len() == 1 && second[0].0 == "after" && second != first, "{second:?}");
    site.expect("plan dev", 0)?.says("nothing to change").map(drop)
}

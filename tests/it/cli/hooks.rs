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
    ]
}

/// Ends the pods of a namespace, as nodes would: those with the label `fails` fail.
struct Worker {
    ends: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Worker {
    fn of(site: &Site) -> Self {
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

fn job(name: &str, annotations: &str, image: &str, labels: &str) -> String {
    format!(
        "---\napiVersion: batch/v1\nkind: Job\nmetadata: {{name: {name}, annotations: {{{annotations}}}}}\nspec:\n  \
         backoffLimit: 0\n  template:\n    metadata: {{labels: {labels}}}\n    spec:\n      restartPolicy: Never\n      \
         containers: [{{name: a, image: '{image}'}}]\n"
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

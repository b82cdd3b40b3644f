//! Waiting for health, and what is told where it does not come.

use std::process::Stdio;
use std::time::{Duration, Instant};

use k8s_openapi::api::apps::v1::Deployment;
use libtest_mimic::{Failed, Trial};
use rustix::process::{Pid, Signal, kill_process};

use super::site::Site;
use crate::cases::code;

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("cli", "health_that_does_not_come", that_does_not_come),
        code("cli", "health_is_not_waited_for", is_not_waited_for),
        code("cli", "health_wait_is_interrupted", wait_is_interrupted),
        code("cli", "health_one_object_fails_alone", one_object_fails_alone),
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
    site.expect("status dev", 0)?.says("WAITING")?.says("stuck").map(drop)
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

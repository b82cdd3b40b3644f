//! Several environments in one run: side by side, told in one report, ended by the gravest of them.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use libtest_mimic::{Failed, Trial};
use rustix::process::Signal;
use serde_json::Value as Json;

use super::lost::{send, wait_for};
use super::program::Run;
use super::proxy::{Answer, Proxy};
use super::site::{Site, kubeconfig};
use crate::cases::{code, same};
use crate::report;
use crate::sandbox::shared;

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("cli", "many_environments_from_plan_to_destroy", from_plan_to_destroy),
        code("cli", "many_environments_of_which_one_cannot_be_reached", one_unreachable),
        code("cli", "many_environments_end_at_the_first_failure", fail_fast),
        code("cli", "many_environments_in_one_namespace", one_namespace),
        code("cli", "many_environments_end_at_a_signal", signalled),
        code("cli", "many_environments_are_refused_where_one_is_meant", only_one),
    ]
}

/// A project with `east` and `west`, which name the shared control plane, and what both inherit from.
fn both(prefix: &str) -> Site {
    let site = Site::with_web(prefix);
    std::fs::copy(shared().kubeconfig(), site.desk.project().join("sandbox.kubeconfig")).expect("a kubeconfig");
    site.desk.write("dead.kubeconfig", kubeconfig("https://127.0.0.1:1", "{}"));
    std::fs::remove_dir_all(site.desk.project().join("environments/dev")).expect("no environment `dev`");
    site.desk.write("environments/base/environment.yaml", "values: {port: 81}\n");
    for name in ["east", "west"] {
        environment(&site, name, "sandbox", &format!("{}-{name}", site.namespace));
    }
    site
}

fn environment(site: &Site, name: &str, cluster: &str, namespace: &str) {
    let text = format!(
        "inherits: [base]\ncluster: {{kubeconfig: /{cluster}.kubeconfig}}\nstateNamespace: {}\nreleases:\n\
         - {{name: web-{name}, chart: web, namespace: {namespace}}}\n",
        site.state()
    );
    site.desk.write(&format!("environments/{name}/environment.yaml"), text);
}

fn run(site: &Site, arguments: &str, code: i32) -> Result<Run, Failed> {
    let run = site.desk.run(arguments.split_whitespace());
    run.ends_with(code)?;
    Ok(run)
}

/// Where a text stands in the output; fails where it does not.
fn place(run: &Run, text: &str) -> Result<usize, Failed> {
    run.says(text)?;
    run.stdout.find(text).ok_or_else(|| format!("{text:?} is not on standard output: {}", run.stdout).into())
}

fn from_plan_to_destroy() -> Result<(), Failed> {
    let site = both("many");
    let plan = run(&site, "plan west east --exit-code", 2)?;
    if place(&plan, "== west ==")? > place(&plan, "== east ==")? {
        return Err("not in the order asked for".into());
    }
    same("the last line", "2 environments: 4 to create", plan.stdout.lines().last().unwrap_or_default())?;
    let document: Json = serde_json::from_str(&run(&site, "plan --all -o json", 0)?.stdout)?;
    is_valid(&document)?;
    let names: Vec<&str> = listed(&document).iter().filter_map(|it| it["environment"].as_str()).collect();
    same("all that are no mere base", "east west", &names.join(" "))?;
    run(&site, "plan --all -o markdown", 0)?.says("<!-- weft:east+west -->\n## 2 environments")?;

    run(&site, "apply --all", 4)?.says("there is no terminal to ask on")?;
    let applied = run(&site, "apply --all --yes --parallel 2", 0)?;
    applied.says("east: 2 applied")?.says("west: 2 applied")?.says("2 environments: 4 applied, 4 healthy")?;
    run(&site, "plan --all --exit-code", 0)?.says("2 environments: 2 unchanged")?;
    run(&site, "diff --all --exit-code", 0)?;
    run(&site, "drift --all", 0)?.says("2 environments: 2 as applied")?;
    let status = run(&site, "status --all", 0)?;
    place(&status, "== east ==")?;
    place(&status, "web-west")?;
    run(&site, "validate --all", 0)?
        .says("east: 2 objects of 1 release: ok\nwest: 2 objects of 1 release: ok")?
        .keeps_quiet_about("base")?;
    let document: Json = serde_json::from_str(&run(&site, "destroy --all --yes -o json", 0)?.stdout)?;
    is_valid(&document)?;
    same("what was deleted", "1 1", &{
        let deleted = listed(&document).iter().map(|it| it["report"]["outcomes"]["deleted"].to_string());
        deleted.collect::<Vec<_>>().join(" ")
    })
}

fn one_unreachable() -> Result<(), Failed> {
    let site = both("many-dead");
    environment(&site, "dead", "dead", &site.namespace);
    let applied = run(&site, "apply dead east west --yes --patience 1s", 1)?;
    applied.says("east: 2 applied")?.says("west: 2 applied")?;
    applied.says("error: dead: ")?.says("3 environments: 4 applied, 4 healthy; failed: dead")?;
    let document: Json = serde_json::from_str(&run(&site, "plan --all -o json --patience 1s", 1)?.stdout)?;
    is_valid(&document)?;
    let codes: Vec<String> = listed(&document).iter().map(|it| it["exitCode"].to_string()).collect();
    same("the exit codes", "1 0 0", &codes.join(" "))?;
    let page = run(&site, "plan --all -o markdown --patience 1s", 1)?;
    page.says("| dead | failed: ")?.says("| east | nothing to change (1 object) | 0 |")?;
    run(&site, "status --all --patience 1s", 1)?.says("3 environments: failed: dead").map(drop)
}

fn fail_fast() -> Result<(), Failed> {
    let site = both("many-fast");
    environment(&site, "dead", "dead", &site.namespace);
    let ended = run(&site, "apply dead east west --yes --fail-fast --parallel 1 --patience 1s", 1)?;
    ended.says("failed: dead; not begun: east, west")?;
    // Nothing was applied where the last of the plans failed, either.
    let ended = run(&site, "apply east west dead --yes --fail-fast --parallel 1 --patience 1s", 1)?;
    ended.says("3 environments: 4 to create; failed: dead")?;
    run(&site, "plan east west --exit-code", 2)?.says("4 to create").map(drop)
}

/// The signal comes while `east` writes its object: that is done, and `west` is not begun.
fn signalled() -> Result<(), Failed> {
    let site = both("many-signal");
    let (came, go) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (coming, going) = (Arc::clone(&came), Arc::clone(&go));
    let door = Proxy::open(move |seen| {
        if seen.writes("/configmaps/web-east") {
            coming.store(true, Ordering::SeqCst);
            wait_for(&going);
        }
        Answer::Through
    });
    site.desk.write("sandbox.kubeconfig", kubeconfig(door.address(), "{}"));
    let mut command = site.desk.command(["apply", "east", "west", "--yes", "--parallel", "1"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    wait_for(&came);
    send(&child, Signal::INT);
    go.store(true, Ordering::SeqCst);
    let run = site.desk.read(&child.wait_with_output()?);
    run.ends_with(130)?.says("east: 2 applied")?.says("not begun: west")?;
    self::run(&site, "apply east west --yes", 0)?.says("2 applied")?;
    self::run(&site, "plan east west --exit-code", 0).map(drop)
}

/// Both keep their state in one namespace, and have their objects in one.
fn one_namespace() -> Result<(), Failed> {
    let site = both("many-one");
    for name in ["east", "west"] {
        environment(&site, name, "sandbox", &site.namespace);
    }
    run(&site, "apply east west --yes", 0)?.says("2 environments: 2 applied")?;
    run(&site, "plan east west --exit-code", 0)?;
    run(&site, "destroy east --yes", 0)?.says("1 deleted")?;
    if site.data("web-west").is_none() || site.data("web-east").is_some() {
        return Err("only what `east` has is to go".into());
    }
    run(&site, "plan west --exit-code", 0).map(drop)
}

fn only_one() -> Result<(), Failed> {
    let site = both("many-refused");
    run(&site, "plan east west -o plan.json", 1)?.says("a plan is saved of one environment, not of 2")?;
    run(&site, "apply east west --approve 0", 1)?.says("a digest approves the plan of one environment, not of 2")?;
    run(&site, "apply --all --plan plan.json", 1)?.says("cannot be used with")?;
    run(&site, "plan", 1)?.says("<ENVIRONMENT>...")?;
    run(&site, "plan --all east", 1)?.says("cannot be used with")?;
    // Named twice it is still one.
    run(&site, "plan east east", 0)?.keeps_quiet_about("==").map(drop)
}

fn listed(document: &Json) -> &[Json] {
    document["environments"].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn is_valid(document: &Json) -> Result<(), Failed> {
    report::valid_many(document)
}

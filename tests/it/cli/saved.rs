//! Plans in files against a real API server: shown, applied, and refused once they are stale.

use std::path::Path;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, Patch, PatchParams, PostParams};
use libtest_mimic::{Failed, Trial};
use serde_json::json;
use weft::state::saved::{self, KeyMark};

use super::program::Run;
use super::site::{Site, WEB};
use crate::cases::{code, same};
use crate::sandbox::shared;

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("cli", "saved_shown_and_applied", shown_and_applied),
        code("cli", "saved_from_the_first_run_with_secrets", from_the_first_run_with_secrets),
        code("cli", "saved_needs_a_reader_of_all_secrets", needs_a_reader_of_all_secrets),
        code("cli", "saved_stale_by_live_edits", stale_by_live_edits),
        code("cli", "saved_stale_by_another_object_of_that_name", stale_by_another_object_of_that_name),
        code("cli", "saved_stale_by_another_apply", stale_by_another_apply),
        code("cli", "saved_stale_by_a_commit_that_renders_otherwise", stale_by_a_commit),
        code("cli", "saved_stands_whatever_happens_elsewhere", stands_whatever_happens_elsewhere),
        code("cli", "saved_deletes_what_it_named", deletes_what_it_named),
        code("cli", "saved_with_selection_guards_and_values", with_selection_guards_and_values),
        code("cli", "saved_for_another_target", for_another_target),
        code("cli", "saved_files_that_are_none", files_that_are_none),
        code("cli", "approved_by_digest", approved_by_digest),
    ]
}

const SECRET: &str = "---
apiVersion: v1
kind: Secret
metadata: {name: {{ release.name }}}
stringData:
  password: {{ values.database.password | quote }}
";

const SCALED: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: app}
spec:
  replicas: {{ values.replicas }}
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}}
    spec: {containers: [{name: app, image: 'registry.example.com/app:1'}]}
";

/// A project with an encrypted value in a Secret of its release `web`.
fn site_with_secret(prefix: &str) -> Site {
    let site = Site::new(prefix);
    site.secret();
    site.chart("web", "greeting: Hello\nport: 80\n", &format!("{WEB}{SECRET}"));
    site.releases(&["{name: web, chart: web, secrets: [web.yaml]}"]);
    site
}

/// Applied once, with another greeting wanted now; the plan of that is in `plan.json`.
fn site_with_plan(prefix: &str) -> Result<Site, Failed> {
    let site = Site::with_web(prefix);
    site.expect("apply dev --yes", 0)?;
    greet(&site, "Bye");
    site.expect("plan dev -o plan.json", 0)?;
    Ok(site)
}

fn greet(site: &Site, greeting: &str) {
    site.desk.write("environments/dev/values/web.yaml", format!("greeting: {greeting}\n"));
}

fn data(site: &Site, expected: &str) -> Result<(), Failed> {
    same("the data", expected, &site.data("web").unwrap_or_default())
}

/// The saved plan is refused, with this in the message, and nothing is changed.
fn stale(site: &Site, said: &[&str]) -> Result<Run, Failed> {
    let before = site.versions();
    let run = site.expect("apply --plan plan.json --yes", 4)?;
    said.iter().try_for_each(|text| run.says(text).map(drop))?;
    run.says("the plan is stale")?.says("Nothing was changed.")?;
    same("the objects", &before.join("\n"), &site.versions().join("\n"))?;
    Ok(run)
}

fn shown_and_applied() -> Result<(), Failed> {
    let site = site_with_secret("saved");
    site.expect("apply dev --yes", 0)?;
    greet(&site, "Bye");
    site.chart("new", "{}\n", &SECRET.replace("password:", "other:"));
    site.releases(&[
        "{name: web, chart: web, secrets: [web.yaml]}",
        "{name: new, chart: new, secrets: [web.yaml], needs: [web]}",
    ]);
    for form in ["-o text", "-o json", "-o markdown", "--view columns", "--show-ignored"] {
        let planned = site.expect(&format!("plan dev -o plan.json {form}"), 0)?;
        // No cluster, no project, no key.
        let mut show = site.desk.command(["show", "../project/plan.json"].into_iter().chain(form.split(' ')));
        let shown = site.desk.output(show.current_dir(site.desk.root().join("home")));
        shown.ends_with(0)?;
        same(form, &planned.stdout, &shown.stdout)?;
    }
    let mode = std::os::unix::fs::PermissionsExt::mode(&plan_file(&site).metadata()?.permissions()) & 0o777;
    same("the file's mode", "600", &format!("{mode:o}"))?;
    site.expect("apply --plan plan.json", 4)?.says("there is no terminal to ask on")?;
    site.expect("apply --plan plan.json --yes", 0)?.says("2 applied")?.says("1 to create, 1 to change")?;
    data(&site, r#"{"greeting":"Bye","port":"80"}"#)?;
    site.expect("plan dev --exit-code", 0)?;
    stale(&site, &["2 objects moved", "another run has applied it"]).map(drop)
}

fn plan_file(site: &Site) -> std::path::PathBuf {
    site.desk.project().join("plan.json")
}

/// No key is kept in the cluster before the first apply: that of the run that planned goes with the plan.
fn from_the_first_run_with_secrets() -> Result<(), Failed> {
    let site = site_with_secret("sealed");
    let planned = site.expect("plan dev -o plan.json", 0)?;
    planned.says("(secret ")?;
    if !std::fs::read_to_string(plan_file(&site))?.contains("BEGIN AGE ENCRYPTED FILE") {
        return Err("no sealed key is in the file".into());
    }
    same("what is shown", &planned.stdout, &site.desk.run(["show", "plan.json"]).stdout)?;
    let key = site.desk.project().join("secrets/dev.agekey");
    let text = std::fs::read_to_string(&key)?;
    std::fs::remove_file(&key)?;
    site.expect("apply --plan plan.json --yes", 1)?.says("dev.agekey")?;
    std::fs::write(&key, text)?;
    site.expect("apply --plan plan.json --yes", 0)?.says("2 applied")?;
    site.expect("plan dev --exit-code", 0)?;
    // The key of the cluster is another one, and the plan is told from what was done by it.
    stale(&site, &["2 objects moved"]).map(drop)
}

fn needs_a_reader_of_all_secrets() -> Result<(), Failed> {
    let site = Site::with_web("reader");
    site.chart("web", "greeting: Hello\ndatabase: {password: known}\n", &format!("{WEB}{SECRET}"));
    let run = site.expect("plan dev -o plan.json", 4)?;
    run.says("the plan cannot be saved")?.says("Apply once without a file")?;
    if plan_file(&site).exists() {
        return Err("a file was written".into());
    }
    site.expect("plan dev", 0)?;
    site.expect("apply dev --yes", 0)?;
    greet(&site, "Bye");
    site.expect("plan dev -o plan.json", 0)?;
    site.expect("apply --plan plan.json --yes", 0)?.says("1 applied").map(drop)
}

fn stale_by_live_edits() -> Result<(), Failed> {
    let site = site_with_plan("edits")?;
    // A field that the plan would touch.
    site.meddle("web", "kubectl-edit", &json!({"data": {"greeting": "Hacked"}}));
    let of_field = "data.greeting: was \"Hello\", is \"Hacked\", by kubectl-edit (Update) at ";
    stale(&site, &["1 object moved", "it was changed", of_field])?;
    // A field that is ours, and that the plan leaves as it is.
    site.expect("plan dev -o plan.json", 0)?;
    site.meddle("web", "kubectl-edit", &json!({"data": {"port": "81"}}));
    let run = stale(&site, &["1 object moved", "data.port: was \"80\", is \"81\", by kubectl-edit (Update) at "])?;
    run.keeps_quiet_about("data.greeting:")?;
    site.expect("plan dev -o plan.json", 0)?;
    site.expect("apply --plan plan.json --yes", 0)?;
    data(&site, r#"{"greeting":"Bye","port":"80"}"#)
}

fn stale_by_another_object_of_that_name() -> Result<(), Failed> {
    let site = site_with_plan("again")?;
    site.delete("web");
    stale(&site, &["1 object moved", "it is gone"])?;
    let api: Api<ConfigMap> = Api::namespaced(shared().client(), &site.namespace);
    let again = json!({"metadata": {"name": "web"}, "data": {"greeting": "Hello", "port": "80"}});
    shared().block_on(api.create(&PostParams::default(), &serde_json::from_value(again)?))?;
    stale(&site, &["1 object moved", "it was deleted and made again (UID "])?;
    // And the other way round: what is to be created is there.
    let site = Site::with_web("there");
    site.expect("plan dev -o plan.json", 0)?;
    let api: Api<ConfigMap> = Api::namespaced(shared().client(), &site.namespace);
    let early = json!({"metadata": {"name": "web"}, "data": {"mine": "1"}});
    shared().block_on(api.create(&PostParams::default(), &serde_json::from_value(early)?))?;
    stale(&site, &["1 object moved", "it is there now, and was not"]).map(drop)
}

fn stale_by_another_apply() -> Result<(), Failed> {
    let site = site_with_plan("apply")?;
    site.expect("apply dev --yes --set greeting=Other", 0)?;
    stale(&site, &["1 object moved", "another run has applied it", "data.greeting: was \"Hello\", is \"Other\""])?;
    site.expect("apply dev --yes", 0)?;
    stale(&site, &["another run has applied it"]).map(drop)
}

fn commit(site: &Site, message: &str) -> Result<String, Failed> {
    let git = git2::Repository::init(site.desk.project())?;
    let mut index = git.index()?;
    index.add_all(["environments", "charts", "README.md"], git2::IndexAddOption::DEFAULT, None)?;
    let tree = git.find_tree(index.write_tree()?)?;
    let me = git2::Signature::now("me", "me@example.com")?;
    let parent = git.head().ok().and_then(|head| head.peel_to_commit().ok());
    let parents: Vec<&git2::Commit> = parent.iter().collect();
    let commit = git.commit(Some("HEAD"), &me, &me, message, &tree, &parents)?.to_string();
    index.write()?;
    Ok(commit)
}

fn stale_by_a_commit() -> Result<(), Failed> {
    let site = Site::with_web("commit");
    let first = commit(&site, "first")?;
    site.expect("apply dev --yes", 0)?;
    greet(&site, "Bye");
    let second = commit(&site, "second")?;
    site.expect("plan dev -o plan.json", 0)?;
    // One that renders the same.
    site.desk.write("README.md", "# Words\n");
    site.desk.write("environments/dev/values/web.yaml", "# said at the door\ngreeting: \"Bye\"\n");
    let third = commit(&site, "third")?;
    site.expect("apply --plan plan.json --yes", 0)?.says("1 applied")?;
    greet(&site, "Again");
    commit(&site, "fourth")?;
    site.expect("plan dev -o plan.json", 0)?;
    site.chart("web", "greeting: Hello\nport: 81\n", WEB);
    let fifth = commit(&site, "fifth")?;
    let run = stale(&site, &["1 object moved", "the repository writes it otherwise", &fifth])?;
    run.says("data.port: was \"80\", is \"81\"")?.keeps_quiet_about("data.greeting")?;
    assert!(first != second && second != third);
    // Or another object comes with it.
    site.chart("web", "greeting: Hello\nport: 80\n", &format!("{WEB}---\n{}", WEB.replace("release.name", "'more'")));
    stale(&site, &["the repository has it now, and had not", "/more`"])?;
    site.chart("web", "greeting: Hello\nport: 80\n", "# nothing\n");
    stale(&site, &["the repository has it no more"]).map(drop)
}

fn stands_whatever_happens_elsewhere() -> Result<(), Failed> {
    let site = Site::with_web("elsewhere");
    site.chart("app", "replicas: 0\n", SCALED);
    site.releases(&["{name: web, chart: web}", "{name: other, chart: web}", "{name: app, chart: app}"]);
    site.expect("apply dev --yes", 0)?;
    greet(&site, "Bye");
    site.desk.write("environments/dev/values/app.yaml", "replicas: 1\n");
    site.expect("plan dev -o plan.json", 0)?.says("2 to change")?;
    site.meddle("web", "kubectl-edit", &json!({"data": {"foreign": "theirs"}}));
    site.meddle("other", "kubectl-edit", &json!({"data": {"greeting": "Hacked"}}));
    let api: Api<Deployment> = Api::namespaced(shared().client(), &site.namespace);
    let by = |manager: &str| PatchParams { field_manager: Some(manager.to_owned()), ..PatchParams::default() };
    let status = json!({"status": {"conditions": [{"type": "Odd", "status": "True"}]}});
    shared().block_on(api.patch_status("app", &by("controller"), &Patch::Merge(&status)))?;
    let note = json!({"metadata": {"annotations": {"example.com/note": "x"}}});
    shared().block_on(api.patch("app", &by("controller"), &Patch::Merge(&note)))?;
    let run = site.expect("apply --plan plan.json --yes --no-wait", 0)?;
    run.says("2 applied")?.says("1 object moved that it leaves alone")?;
    data(&site, r#"{"foreign":"theirs","greeting":"Bye","port":"80"}"#)?;
    same("the other data", r#"{"greeting":"Hacked","port":"80"}"#, &site.data("other").unwrap_or_default())?;
    site.expect("drift dev", 2)?.says("Hacked").map(drop)
}

fn deletes_what_it_named() -> Result<(), Failed> {
    let site = Site::with_web("deletes");
    site.releases(&["{name: web, chart: web}", "{name: old, chart: web}"]);
    site.expect("apply dev --yes", 0)?;
    site.releases(&["{name: web, chart: web}"]);
    site.expect("plan dev --remove-release old -o plan.json", 0)?.says("1 to delete")?;
    site.meddle("old", "kubectl-edit", &json!({"data": {"greeting": "Keep me"}}));
    stale(&site, &["/old` of the release `old`", "data.greeting: was \"Hello\", is \"Keep me\", by kubectl-edit"])?;
    site.expect("plan dev --remove-release old -o plan.json", 0)?;
    site.meddle("old", "kubectl-edit", &json!({"data": {"foreign": "theirs"}}));
    site.expect("apply --plan plan.json --yes", 0)?.says("1 deleted")?;
    if site.data("old").is_some() {
        return Err("`old` is still there".into());
    }
    stale(&site, &["another run has settled it"]).map(drop)
}

fn with_selection_guards_and_values() -> Result<(), Failed> {
    let site = Site::with_web("words");
    site.releases(&["{name: web, chart: web}", "{name: other, chart: web}"]);
    site.expect("plan dev --release web --set greeting=Set -o plan.json", 0)?.says("1 to create")?;
    let other = site.expect("apply --plan plan.json --yes --set-string greeting=Set", 1)?;
    other.says("the plan was made with `--set greeting`, and this run has `--set-string greeting`")?;
    site.expect("apply --plan plan.json --yes --release other", 1)?.says("cannot be used with")?;
    site.expect("apply --plan plan.json --yes --take x", 1)?.says("cannot be used with")?;
    stale_with(&site, "--set greeting=Other", "data.greeting: was \"Set\", is \"Other\"")?;
    site.expect("apply --plan plan.json --yes --set greeting=Set", 0)?.says("1 applied")?;
    data(&site, r#"{"greeting":"Set","port":"80"}"#)?;
    if site.data("other").is_some() {
        return Err("`other` was not selected".into());
    }
    // What a guard refuses is refused from a file, too, and its word is in the file.
    site.expect("apply dev --yes", 0)?;
    site.meddle("web", "some-controller", &json!({"data": {"greeting": "Theirs"}}));
    site.expect("plan dev -o plan.json", 4)?.says("--take some-controller")?;
    site.expect("apply --plan plan.json --yes", 4)?.says("--take some-controller")?;
    site.expect("plan dev --take some-controller -o plan.json", 0)?;
    site.expect("apply --plan plan.json --yes", 0)?.says("1 applied")?;
    data(&site, r#"{"greeting":"Hello","port":"80"}"#)
}

fn stale_with(site: &Site, words: &str, said: &str) -> Result<(), Failed> {
    site.expect(&format!("apply --plan plan.json --yes {words}"), 4)?.says("the plan is stale")?.says(said).map(drop)
}

fn for_another_target() -> Result<(), Failed> {
    let site = Site::with_web("target");
    site.expect("plan dev -o plan.json", 0)?;
    site.desk.write("environments/production/environment.yaml", "cluster: {}\nreleases: []\n");
    let run = site.expect("apply production --plan plan.json --yes", 4)?;
    run.says("the plan is for the environment `dev`, not for `production`")?;
    let mut plan = saved::read(&std::fs::read(plan_file(&site))?, "plan.json")?;
    plan.cluster.uid = Some("another".into());
    site.desk.write("other.json", saved::write(&plan, &KeyMark::open())?);
    site.expect("apply --plan other.json --yes", 4)?.says("is another one")?;
    if site.data("web").is_some() {
        return Err("something was applied".into());
    }
    site.expect("apply dev --plan plan.json --yes", 0)?.says("1 applied").map(drop)
}

fn files_that_are_none() -> Result<(), Failed> {
    let site = Site::with_web("files");
    site.expect("plan dev -o plan.json", 0)?;
    let text = std::fs::read_to_string(plan_file(&site))?;
    let cases = [
        ("cut", text[..text.len() / 2].to_owned(), "is cut off"),
        ("damaged", text.replace("Hello", "Hullo"), "was changed after it was written"),
        ("foreign", "releases: []\n".to_owned(), "is no saved plan"),
        ("newer", text.replacen("\"formatVersion\":1", "\"formatVersion\":2", 1), "has the format version 2"),
    ];
    for (name, text, said) in cases {
        site.desk.write(name, text);
        site.expect(&format!("apply --plan {name} --yes"), 1)?.says(said)?;
        let shown = site.desk.run(["show", name]);
        shown.ends_with(1)?.says(said)?;
    }
    site.expect("apply --plan nowhere.json --yes", 1)?.says("cannot read `nowhere.json`")?;
    site.expect("plan dev -o jsno", 1)?.says("`./jsno`")?;
    site.expect("plan dev -o nowhere/plan.json", 1)?.says("cannot write")?;
    if site.data("web").is_some() || Path::new("jsno").exists() {
        return Err("something was done".into());
    }
    Ok(())
}

fn approved_by_digest() -> Result<(), Failed> {
    let site = Site::with_web("approve");
    let digest = |run: &Run| -> Result<String, Failed> {
        let line = run.stdout.lines().find_map(|line| line.strip_prefix("digest: "));
        line.map(str::to_owned).ok_or_else(|| format!("no digest: {}", run.stdout).into())
    };
    let first = digest(&site.expect("plan dev -o plan.json", 0)?)?;
    same("the digest of the same plan", &first, &digest(&site.expect("plan dev", 0)?)?)?;
    site.expect("plan dev -o markdown", 0)?.says(&first)?;
    site.expect("plan dev -o json", 0)?.says(&first)?;
    let wrong = first.replace(['0', '1', '2'], "3");
    for form in ["apply dev", "apply --plan plan.json", "apply dev --yes"] {
        let run = site.expect(&format!("{form} --approve {wrong}"), 4)?;
        run.says("the plan is not the one that was approved")?.says(&first)?;
    }
    site.expect(&format!("apply dev --approve {first} --set greeting=Bye"), 4)?;
    if site.data("web").is_some() {
        return Err("something was applied".into());
    }
    site.expect(&format!("apply --plan plan.json --approve {first}"), 0)?.says("1 applied")?;
    greet(&site, "Bye");
    let second = digest(&site.expect("plan dev", 0)?)?;
    site.expect(&format!("apply dev --approve {first}"), 4)?;
    site.expect(&format!("apply dev --approve {second}"), 0)?.says("1 applied")?;
    site.expect(&format!("apply dev --approve {second}"), 0)?.says("nothing to change").map(drop)
}

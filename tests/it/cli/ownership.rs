//! Two projects on one cluster, and deletions that nobody meant.

use std::process::{Child, Stdio};
use std::time::Duration;

use git2::{IndexAddOption, Repository, Signature, Time};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::ConfigMap;
use libtest_mimic::{Failed, Trial};
use rustix::process::{Pid, Signal, kill_process};

use super::program::Run;
use super::site::Site;
use crate::cases::{code, same};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("cli", "ownership_two_projects_leave_each_other_alone", two_projects),
        code("cli", "ownership_a_release_of_another_project_is_refused", same_release),
        code("cli", "ownership_a_copy_of_a_project_is_refused", copied_project),
        code("cli", "ownership_a_project_without_identity_is_refused", without_identity),
        code("cli", "ownership_older_state_is_adopted_once", older_state),
        code("cli", "ownership_init_writes_an_identity", init),
        code("cli", "ownership_an_emptied_environment_is_refused", emptied),
        code("cli", "ownership_a_vanished_release_is_refused", vanished),
        code("cli", "ownership_many_small_losses_are_refused", many_small_losses),
        code("cli", "ownership_another_namespace_is_refused", other_namespace),
        code("cli", "ownership_an_interrupted_wait_is_no_success", || interrupted_wait(Signal::INT, 130)),
        code("cli", "ownership_a_terminated_wait_is_no_success", || interrupted_wait(Signal::TERM, 143)),
        code("cli", "ownership_a_deadline_in_a_wait_is_no_success", deadline_in_a_wait),
        code("cli", "ownership_history_names_set_and_changes", set_and_changes),
        code("cli", "ownership_a_lost_inventory_is_written_anew", lost_inventory),
        code("cli", "ownership_a_lost_report_is_no_run_without_changes", lost_report),
        code("cli", "ownership_an_unknown_environment_stops_all", unknown_environment),
    ]
}

fn maps(names: &[&str]) -> String {
    let map =
        |name: &&str| format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{a: b}}\n");
    names.iter().map(map).collect()
}

/// Another project with a release in an environment of the same name, with its state in the same namespace.
fn neighbour(site: &Site, prefix: &str, release: &str) -> Site {
    let other = Site::new(prefix);
    let (state, namespace) = (site.state(), &other.namespace);
    let text = format!(
        "cluster: {{}}\nstateNamespace: {state}\nreleases:\n- {{name: {release}, namespace: {namespace}, manifests: app}}\n"
    );
    other.desk.write("environments/dev/environment.yaml", text);
    other
}

fn two_projects() -> Result<(), Failed> {
    let one = Site::new("owner-one");
    one.releases(&["{name: app-one, manifests: app}"]);
    one.desk.write("app/all.yaml", maps(&["a", "b"]));
    one.expect("apply dev --yes", 0)?.says("2 applied")?;
    let two = neighbour(&one, "owner-two", "app-two");
    two.desk.write("app/all.yaml", maps(&["c"]));
    two.expect("apply dev --yes", 0)?.says("1 applied")?.keeps_quiet_about("delete")?;
    for (site, of) in [(&one, "app-one"), (&two, "app-two")] {
        site.expect("plan dev --exit-code", 0)?;
        site.expect("status dev", 0)?.says(of)?;
        let other = if of == "app-one" { "app-two" } else { "app-one" };
        site.expect("status dev", 0)?.keeps_quiet_about(other)?;
        site.expect("history dev", 0)?.says(of)?.keeps_quiet_about(other)?;
    }
    // An object of the other project is refused with its place.
    let namespace = &one.namespace;
    two.desk.write(
        "app/all.yaml",
        maps(&["c"]) + &maps(&["a"]).replace("{name: a}", &format!("{{name: a, namespace: {namespace}}}")),
    );
    let refused = two.expect("apply dev --yes", 4)?;
    refused.says(&format!(
        "`ConfigMap {namespace}/a` belongs to the release `app-one` of `dev` of the project {namespace}"
    ))?;
    refused.says(&format!("Secret `{}/weft.dev.app-one`", one.state()))?;
    two.desk.write("app/all.yaml", maps(&["c"]));
    two.expect("destroy dev --yes", 0)?.says("1 deleted")?;
    assert!(one.get::<ConfigMap>("a").is_some() && one.get::<ConfigMap>("b").is_some());
    one.expect("plan dev --exit-code", 0).map(drop)
}

fn same_release() -> Result<(), Failed> {
    let one = Site::new("owner-same");
    one.releases(&["{name: app, manifests: app}"]);
    one.desk.write("app/all.yaml", maps(&["a"]));
    one.expect("apply dev --yes", 0)?;
    let two = neighbour(&one, "owner-same-two", "app");
    two.desk.write("app/all.yaml", maps(&["c"]));
    let refused = two.expect("apply dev --yes", 4)?;
    refused
        .says(&format!("the release `app` belongs to another project, {}", one.namespace))?
        .says("stateNamespace")?;
    assert!(two.get::<ConfigMap>("c").is_none() && one.get::<ConfigMap>("a").is_some());
    two.expect("destroy dev --yes", 4)?.says("belongs to another project")?;
    one.expect("plan dev --exit-code", 0).map(drop)
}

/// Makes a repository of the project; each has a first commit of its own.
fn commit(site: &Site, remote: Option<&str>) -> Result<(), Failed> {
    let repository = Repository::init(site.desk.project())?;
    let mut index = repository.index()?;
    index.add_all(["*"], IndexAddOption::DEFAULT, None)?;
    index.write()?;
    let tree = repository.find_tree(index.write_tree()?)?;
    let who = Signature::new("a", "a@example.com", &Time::new(1, 0))?;
    repository.commit(Some("HEAD"), &who, &who, &site.namespace, &tree, &[])?;
    if let Some(remote) = remote {
        repository.remote("origin", remote)?;
    }
    Ok(())
}

fn copied_project() -> Result<(), Failed> {
    let one = Site::new("owner-copy");
    one.releases(&["{name: app, manifests: app}"]);
    one.desk.write("app/all.yaml", maps(&["a"]));
    commit(&one, Some("https://git.example.com/org/one.git"))?;
    one.expect("apply dev --yes", 0)?;
    let copy = neighbour(&one, "owner-copy-two", "app");
    copy.desk.write("environments/project.yaml", format!("id: {}\n", one.namespace));
    copy.desk.write("app/all.yaml", maps(&["c"]));
    commit(&copy, Some("git@git.example.com:org/copy.git"))?;
    let refused = copy.expect("apply dev --yes", 4)?;
    refused.says("git.example.com/org/one")?.says("git.example.com/org/copy")?.says("weft init --identity")?;
    assert!(copy.get::<ConfigMap>("c").is_none() && one.get::<ConfigMap>("a").is_some());
    // The same repository by another way is no copy; one that moved is told so once.
    let repository = Repository::open(one.desk.project())?;
    repository.remote_set_url("origin", "ssh://git@git.example.com:22/org/one")?;
    one.expect("plan dev --exit-code", 0)?;
    repository.remote_set_url("origin", "https://git.example.com/new/one.git")?;
    one.expect("plan dev", 4)?;
    one.expect("apply dev --yes --repository-moved", 0)?.says("its state names this repository from now on")?;
    one.expect("plan dev --exit-code", 0).map(drop)
}

fn without_identity() -> Result<(), Failed> {
    let site = Site::new("owner-none");
    site.releases(&["{name: app, manifests: app}"]);
    site.desk.write("app/all.yaml", maps(&["a"]));
    std::fs::remove_file(site.desk.project().join("environments/project.yaml"))?;
    site.expect("apply dev --yes", 4)?.says("the project has no identity")?.says("weft init --identity")?;
    assert!(site.get::<ConfigMap>("a").is_none());
    let made = site.desk.run(["init", "--identity"]);
    made.ends_with(0)?.says("environments/project.yaml")?;
    site.expect("apply dev --yes", 0)?;
    site.desk.run(["init", "--identity"]).ends_with(1).map(drop)
}

/// The state as it was written before projects had identities.
fn older_state() -> Result<(), Failed> {
    let site = Site::new("owner-older");
    site.releases(&["{name: app, manifests: app}", "{name: old, manifests: old}"]);
    site.desk.write("app/all.yaml", maps(&["a"]));
    site.desk.write("old/all.yaml", maps(&["b"]));
    site.expect("apply dev --yes", 0)?;
    site.forget_owner("weft.dev.app")?;
    site.forget_owner("weft.dev.old")?;
    // What the repository does not declare is not taken for ours without a word.
    site.releases(&["{name: app, manifests: app}"]);
    site.expect("apply dev --yes", 4)?.says("its state does not say which project it belongs to")?;
    site.expect("destroy dev --yes", 4)?.says("its state does not say which project it belongs to")?;
    site.expect("apply dev --yes --remove-release old", 0)?
        .says("1 deleted")?
        .says("belongs to this one from now on")?;
    site.expect("plan dev --exit-code", 0)?.keeps_quiet_about("identities").map(drop)
}

fn init() -> Result<(), Failed> {
    let site = Site::new("owner-init");
    let made = site.desk.run(["init", "new"]);
    made.ends_with(0)?.says("environments/project.yaml")?;
    let text = std::fs::read_to_string(site.desk.project().join("new/environments/project.yaml"))?;
    let id = text.lines().find_map(|line| line.strip_prefix("id: ")).ok_or("no id")?;
    if id.len() == 36 { Ok(()) } else { Err(format!("{id} is no UUID").into()) }
}

fn emptied() -> Result<(), Failed> {
    let site = Site::new("emptied");
    site.releases(&["{name: one, manifests: one}", "{name: two, manifests: two}"]);
    site.desk.write("one/all.yaml", maps(&["a"]));
    site.desk.write("two/all.yaml", maps(&["b"]));
    site.expect("apply dev --yes", 0)?;
    site.releases(&[]);
    site.expect("plan dev", 4)?;
    let refused = site.expect("apply dev --yes", 4)?;
    refused.says(
        "the environment `dev` has no releases any more, and 2 releases would lose all that they have: 2 objects",
    )?;
    assert!(site.get::<ConfigMap>("a").is_some());
    site.expect("apply dev --yes --allow-empty dev", 0)?.says("2 deleted").map(drop)
}

fn vanished() -> Result<(), Failed> {
    let site = Site::new("vanished");
    let (app, old) = ("{name: app, manifests: app}", "{name: old, manifests: old}");
    site.releases(&[app, old]);
    site.desk.write("app/all.yaml", maps(&["a"]));
    site.desk.write("old/all.yaml", maps(&["b"]));
    site.expect("apply dev --yes", 0)?;
    site.releases(&[app]);
    site.expect("apply dev --yes", 4)?.says("the release `old` is no longer in the environment")?;
    site.releases(&[app, "{name: old, manifests: old, when: 'environment == \"prod\"'}"]);
    site.expect("apply dev --yes", 4)?.says("of the release `old` does not hold any more")?;
    site.releases(&[app]);
    assert!(site.get::<ConfigMap>("b").is_some());
    site.expect("apply dev --yes --remove-release old", 0)?.says("1 deleted")?;
    site.expect("plan dev --exit-code", 0).map(drop)
}

fn many_small_losses() -> Result<(), Failed> {
    let site = Site::new("small-losses");
    let names = ["one", "two", "three"];
    let releases: Vec<String> = names.iter().map(|name| format!("{{name: {name}, manifests: {name}}}")).collect();
    let releases: Vec<&str> = releases.iter().map(String::as_str).collect();
    site.releases(&releases);
    let write = |keys: &[&str]| {
        for name in names {
            let all: Vec<String> = keys.iter().map(|key| format!("{name}-{key}")).collect();
            site.desk.write(&format!("{name}/all.yaml"), maps(&all.iter().map(String::as_str).collect::<Vec<_>>()));
        }
    };
    write(&["a", "b", "c", "d", "e"]);
    site.expect("apply dev --yes", 0)?;
    write(&["a"]);
    let refused = site.expect("apply dev --yes", 4)?;
    refused.says("the environment `dev` would lose 12 objects, and at most 10 may go without a confirmation")?;
    site.expect("destroy dev --yes", 0).map(drop)
}

fn other_namespace() -> Result<(), Failed> {
    let site = Site::new("moved");
    site.releases(&["{name: app, manifests: app}"]);
    site.desk.write("app/all.yaml", maps(&["a"]));
    site.expect("apply dev --yes", 0)?;
    let (from, to) = (site.namespace.clone(), format!("{}-state", site.namespace));
    let path = "environments/dev/environment.yaml";
    let text = std::fs::read_to_string(site.desk.project().join(path))?;
    site.desk.write(path, text.replace(&format!("namespace: {from}}}"), &format!("namespace: {to}}}")));
    let refused = site.expect("apply dev --yes", 4)?;
    refused.says(&format!("the release `app` moves from the namespace `{from}` to `{to}`"))?;
    site.expect("apply dev --yes --remove-release app", 0)?.says("1 deleted").map(drop)
}

const STUCK: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: stuck}\nspec: {selector: {matchLabels: {app: \
                     stuck}}, template: {metadata: {labels: {app: stuck}}, spec: {nodeSelector: {no: such}, containers: \
                     [{name: c, image: 'registry.example.com/c:1'}]}}}\n";

fn stuck(prefix: &str) -> Result<Site, Failed> {
    let site = Site::new(prefix);
    site.releases(&["{name: app, manifests: app}"]);
    site.desk.write("app/all.yaml", maps(&["a"]));
    site.expect("apply dev --yes", 0)?;
    site.desk.write("app/stuck.yaml", STUCK);
    Ok(site)
}

/// The interrupted revision is told as such, and nobody goes back to it.
fn is_no_success(site: &Site) -> Result<(), Failed> {
    site.expect("history dev", 0)?.says("interrupted before it was healthy")?;
    std::fs::remove_file(site.desk.project().join("app/stuck.yaml"))?;
    site.expect("apply dev --yes", 0)?;
    site.expect("rollback dev app --plan-only", 0)?.says("back to revision 1").map(drop)
}

fn interrupted_wait(signal: Signal, code: i32) -> Result<(), Failed> {
    let site = stuck("interrupted")?;
    let mut command = site.command("apply dev --yes");
    let child: Child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let process = i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or("no process")?;
    for _ in 0..200 {
        if site.get::<Deployment>("stuck").is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    std::thread::sleep(Duration::from_millis(700));
    kill_process(process, signal)?;
    let run: Run = site.desk.read(&child.wait_with_output()?);
    run.ends_with(code)?.says("The run was interrupted while it waited for 1 object to become healthy")?;
    is_no_success(&site)
}

fn deadline_in_a_wait() -> Result<(), Failed> {
    let site = stuck("deadline")?;
    site.expect("apply dev --yes --deadline 2s", 3)?.says("the run took longer than 2 s")?;
    is_no_success(&site)
}

fn set_and_changes() -> Result<(), Failed> {
    let site = Site::with_web("set-history");
    commit(&site, None)?;
    site.expect("apply dev --yes --set greeting=Bye", 0)?;
    site.expect("history dev web", 0)?.says(" --set greeting")?.keeps_quiet_about("Bye")?;
    site.expect("history dev web -o json", 0)?.says("\"--set greeting\"")?;
    site.desk.write("environments/dev/values/web.yaml", "greeting: Hi\n");
    site.expect("apply dev --yes", 0)?;
    site.expect("history dev web", 0)?.says(" with changes").map(drop)
}

fn lost_inventory() -> Result<(), Failed> {
    let site = Site::new("lost-inventory");
    site.releases(&["{name: app, manifests: app}"]);
    site.desk.write("app/all.yaml", maps(&["a", "b"]));
    site.expect("apply dev --yes", 0)?;
    site.drop_kept("weft.dev.app")?;
    site.expect("plan dev --exit-code", 2)?.says("its inventory does not list all of its objects")?;
    site.expect("apply dev --yes", 0)?;
    site.expect("plan dev --exit-code", 0)?;
    site.desk.write("app/all.yaml", maps(&["a"]));
    site.expect("apply dev --yes", 0)?.says("1 deleted").map(drop)
}

fn lost_report() -> Result<(), Failed> {
    let site = Site::with_web("lost-report");
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full")?;
    let mut command = site.command("apply dev --yes -o json");
    let status = command.stdout(full).stderr(Stdio::null()).status()?;
    same("the exit code", "Some(3)", &format!("{:?}", status.code()))?;
    site.data("web").map(drop).ok_or_else(|| "nothing was applied".into())
}

fn unknown_environment() -> Result<(), Failed> {
    let site = Site::with_web("unknown-name");
    let refused = site.expect("apply dev web --yes", 1)?;
    refused.says("there is no environment `web`")?.says("Is the release `web` of `dev` meant? Say `-r web`.")?;
    same("the data", "None", &format!("{:?}", site.data("web")))
}

//! Projects in commits: read without a work tree, compared with each other, and what a change touches.

mod judged;
mod kept;
mod touched;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use data_encoding::HEXLOWER;
use git2::{Repository, Signature, Time};
use libtest_mimic::{Failed, Trial};

use crate::cases::{code, same};
use crate::cli::program::{Desk, Run};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("git", "a_commit_is_read_from_a_bare_repository", bare),
        code("git", "a_project_in_a_folder_of_a_repository_is_found", in_a_folder),
        code("git", "a_submodule_is_read_at_its_commit", submodule),
        code("git", "a_pointer_of_lfs_is_named_or_followed", pointer),
        code("git", "two_revisions_are_compared", revisions),
        code("git", "two_environments_are_compared", environments),
        code("git", "two_programs_are_compared", programs),
        code("git", "policies_judge_without_a_cluster", judged::without_a_cluster),
        code("git", "paths_count_from_the_top_of_the_repository", judged::where_forges_look),
        code("git", "a_change_touches_what_reads_it", touched::what_reads_it),
        code("git", "a_change_that_cannot_be_told_touches", touched::what_cannot_be_told),
        code("git", "a_run_is_only_about_what_is_touched", touched::runs),
        code("git", "charts_of_a_kustomization_are_part_of_it", touched::charts_of_a_kustomization),
        code("git", "what_was_printed_is_kept_until_anything_changes", kept::until_anything_changes),
        code("git", "files_that_were_not_written_are_not_read_again", kept::by_stamps),
        code("git", "files_that_were_just_written_are_read", kept::young_files_are_read),
        code("git", "what_is_kept_is_whole_and_private", kept::whole_and_private),
    ]
}

/// A project in a git repository.
pub struct Site {
    /// Its files, and the program.
    pub desk: Desk,
    /// The repository.
    pub git: Repository,
}

impl Site {
    /// A repository in the project's folder, with a chart of two releases in two environments.
    pub fn new() -> Self {
        let desk = Desk::new();
        let git = Repository::init_opts(desk.project(), git2::RepositoryInitOptions::new().initial_head("main"))
            .expect("a repository");
        let site = Self { desk, git };
        site.project("");
        site.commit("first");
        site
    }

    /// Writes the project below a folder.
    pub fn project(&self, folder: &str) {
        let write = |path: &str, text: &str| self.desk.write(&format!("{folder}{path}"), text);
        write("charts/web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n");
        write("charts/web/values.yaml", "greeting: Hello\nreplicas: 1\n");
        write("charts/web/templates/_labels.j2", "{% macro team(name) %}team: {{ name }}{% endmacro %}\n");
        write("charts/web/templates/_unused.j2", "{% macro unused() %}x{% endmacro %}\n");
        write(
            "charts/web/templates/web.yaml.j2",
            "{% import \"_labels.j2\" as labels %}\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ release.name }}\n  \
             labels:\n    {{ labels.team(values.team) }}\ndata:\n  greeting: {{ values.greeting }}\n",
        );
        write("charts/web/README.md", "Read me.\n");
        let releases =
            "releases:\n- {name: one, namespace: apps, chart: web}\n- {name: two, namespace: apps, chart: web}\n";
        write("environments/defaults.yaml", "values: {team: red, nobody: 1}\n");
        write("environments/dev/environment.yaml", releases);
        write("environments/production/environment.yaml", &releases.replace("apps", "live"));
        write("environments/dev/values/one.yaml", "greeting: Hi\n");
    }

    /// Commits all files of the work tree; the id.
    pub fn commit(&self, message: &str) -> String {
        let mut index = self.git.index().expect("an index");
        index.add_all(["*"], git2::IndexAddOption::DEFAULT, None).expect("files");
        index.update_all(["*"], None).expect("files");
        let tree = self.git.find_tree(index.write_tree().expect("a tree")).expect("a tree");
        index.write().expect("an index");
        let who = Signature::new("a", "a@example.com", &Time::new(1_700_000_000, 0)).expect("a name");
        let parent = self.git.head().ok().and_then(|it| it.peel_to_commit().ok());
        let parents: Vec<_> = parent.iter().collect();
        self.git.commit(Some("HEAD"), &who, &who, message, &tree, &parents).expect("a commit").to_string()
    }

    /// Runs the program and expects an exit code.
    pub fn expect(&self, arguments: &str, code: i32) -> Result<Run, Failed> {
        let run = self.desk.run(arguments.split(' '));
        run.ends_with(code).map_err(|error| Failed::from(format!("{arguments}: {}", error.message().unwrap_or(""))))?;
        Ok(run)
    }
}

fn bare() -> Result<(), Failed> {
    let site = Site::new();
    site.desk.write("environments/dev/values/one.yaml", "greeting: Bye\n");
    let bare = site.desk.root().join("bare.git");
    git2::build::RepoBuilder::new().bare(true).clone(&site.desk.project().to_string_lossy(), &bare)?;
    let at = format!("render dev --at main -C {}", bare.display());
    site.expect(&at, 0)?.says("greeting: Hi\n")?;
    same("the same from the folder", &site.expect("render dev --at HEAD", 0)?.stdout, &site.expect(&at, 0)?.stdout)?;
    site.expect("render dev", 0)?.says("greeting: Bye\n")?;
    site.expect(&format!("validate --all --at main -C {}", bare.display()), 1)?.says("reads the value `nobody`")?;
    site.expect(&format!("values dev one --at main -C {}", bare.display()), 0)?.says("greeting: Hi")?;
    site.expect(&format!("diff --all --from main --to main -C {}", bare.display()), 0)?.says("6 unchanged")?;
    site.expect(&format!("render dev -C {}", bare.display()), 1)?.says("there is no project at or above")?;
    site.expect(&format!("sources lock dev --at main -C {}", bare.display()), 1)?.says("cannot be written")?;
    site.expect("render dev --at nowhere", 1)?.says("git knows no revision `nowhere`").map(drop)
}

fn in_a_folder() -> Result<(), Failed> {
    let site = Site::new();
    fs::remove_dir_all(site.desk.project().join("environments"))?;
    fs::remove_dir_all(site.desk.project().join("charts"))?;
    site.project("platform/");
    site.commit("moved");
    let rendered = site.expect("render dev --at HEAD -C platform/charts", 0)?;
    site.expect("render dev --at HEAD", 1)?
        .says("revision `HEAD` has no project at or above `the top`")?
        .says("--at REVISION:FOLDER")?;
    same("the same by its name", &rendered.stdout, &site.expect("render dev --at HEAD:platform", 0)?.stdout)?;
    // In the commit before, it was at the top.
    site.expect("render dev --at HEAD~1 -C platform", 0)?.says("greeting: Hi")?;
    site.expect("diff dev --from HEAD~1 -C platform --exit-code", 0)?.says("nothing to change").map(drop)
}

fn submodule() -> Result<(), Failed> {
    let site = Site::new();
    // The chart becomes a repository of its own, of which the project has a commit.
    let inner = site.git.path().join("modules/the-chart");
    let module = Repository::init_bare(&inner)?;
    let blob = |text: &str| module.blob(text.as_bytes());
    let mut templates = module.treebuilder(None)?;
    templates.insert(
        "a.yaml.j2",
        blob("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ release.name }}-inner}\n")?,
        0o100_644,
    )?;
    let mut chart = module.treebuilder(None)?;
    chart.insert("templates", templates.write()?, 0o040_000)?;
    chart.insert("Chart.yaml", blob("apiVersion: v2\nname: inner\nversion: 1.0.0\n")?, 0o100_644)?;
    chart.insert("values.yaml", blob("{}\n")?, 0o100_644)?;
    let who = Signature::new("a", "a@example.com", &Time::new(0, 0))?;
    let id = module.commit(Some("HEAD"), &who, &who, "chart", &module.find_tree(chart.write()?)?, &[])?;
    site.desk
        .write(".gitmodules", "[submodule \"the-chart\"]\n\tpath = charts/inner\n\turl = https://example.com/inner\n");
    site.desk.write("environments/dev/environment.yaml", "releases: [{name: one, namespace: apps, chart: inner}]\n");
    site.desk.write("environments/dev/values/one.yaml", "");
    site.commit("a chart to come");
    let top = site.git.head()?.peel_to_tree()?;
    let mut charts = site.git.treebuilder(Some(&site.git.find_tree(top.get_path(Path::new("charts"))?.id())?))?;
    charts.insert("inner", id, 0o160_000)?;
    let mut whole = site.git.treebuilder(Some(&top))?;
    whole.insert("charts", charts.write()?, 0o040_000)?;
    let (tree, parent) = (site.git.find_tree(whole.write()?)?, site.git.head()?.peel_to_commit()?);
    site.git.commit(Some("HEAD"), &who, &who, "a submodule", &tree, &[&parent])?;
    site.expect("render dev --at HEAD", 0)?.says("name: one-inner")?;
    fs::remove_dir_all(inner)?;
    site.expect("render dev --at HEAD", 1)?
        .says(&format!("`charts/inner` is a submodule, and its commit {id} is not on this machine"))?
        .says("git submodule update --init charts/inner")
        .map(drop)
}

fn pointer() -> Result<(), Failed> {
    let site = Site::new();
    let oid = "b6bb4c1c2f5bbb4c5c6bcd43ce4d8f3ac9d8a2e22d9b3c2a4b0b8c3a0a6a0b11";
    let pointer = |oid: &str| format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 12\n");
    site.desk.write("charts/web/templates/data.yaml", pointer(oid));
    site.commit("a pointer");
    for arguments in ["render dev --at HEAD", "render dev"] {
        site.expect(arguments, 1)?
            .says("`charts/web/templates/data.yaml` is a pointer of Git LFS, and its content is not on this machine")?
            .says("git lfs fetch")?;
    }
    let content = "apiVersion: v1\nkind: Secret\nmetadata: {name: large}\n";
    let digest = <sha2::Sha256 as sha2::Digest>::digest(content);
    let oid = HEXLOWER.encode(&digest);
    let place = site.git.path().join("lfs/objects").join(&oid[..2]).join(&oid[2..4]);
    fs::create_dir_all(&place)?;
    fs::write(place.join(&oid), content.replace("Secret", "ConfigMap"))?;
    site.desk.write("charts/web/templates/data.yaml", pointer(&oid));
    site.desk.write("environments/dev/environment.yaml", "releases: [{name: one, namespace: apps, chart: web}]\n");
    site.commit("another pointer");
    site.expect("render dev --at HEAD", 1)?.says("is a pointer of Git LFS")?;
    fs::write(place.join(&oid), content)?;
    site.expect("render dev --at HEAD", 0)?.says("name: large").map(drop)
}

fn revisions() -> Result<(), Failed> {
    let site = Site::new();
    site.expect("diff dev --from HEAD --exit-code", 0)?.says("nothing to change")?;
    site.desk.write("environments/dev/values/one.yaml", "greeting: Bye\n");
    let base = "greeting: pending \"Hi\" -> \"Bye\"";
    site.expect("diff dev --from HEAD --exit-code", 2)?.says("~ update ConfigMap apps/one")?.says(base)?;
    site.expect("diff dev --from HEAD --release two --exit-code", 0)?;
    site.git.branch("base", &site.git.head()?.peel_to_commit()?, false)?;
    site.commit("second");
    site.desk.write("environments/dev/environment.yaml", "releases: [{name: two, namespace: apps, chart: web}]\n");
    site.desk.write("environments/dev/values/one.yaml", "");
    fs::remove_file(site.desk.project().join("environments/dev/values/one.yaml"))?;
    site.desk.write("environments/new/environment.yaml", "releases: [{name: a, namespace: new, chart: web}]\n");
    site.commit("third");
    site.expect("diff dev --from base --to HEAD~1", 0)?.says(base)?;
    site.expect("diff dev --from base...HEAD~1", 0)?.says(base)?;
    site.expect("diff dev --from base", 0)?.says("- delete ConfigMap apps/one")?;
    site.expect("diff new --from base", 0)?.says("+ create ConfigMap new/a")?.says("+ create Namespace new")?;
    site.expect("diff --all --from base --exit-code", 2)?.says("production")?;
    let json = site.expect("diff dev --from base -o json", 0)?.stdout;
    let report: serde_json::Value = serde_json::from_str(&json)?;
    same("the action", "\"delete\"", &report["steps"][0]["action"].to_string())?;
    same("no cluster", "null", &report["cluster"].to_string())?;
    site.expect("diff dev --from base -o markdown", 0)?.says("apps/one")?;
    site.expect("diff dev --to base", 1)?.says("--from")?;
    site.expect("diff dev --from nowhere", 1)?.says("git knows no revision `nowhere`").map(drop)
}

fn environments() -> Result<(), Failed> {
    let site = Site::new();
    site.expect("compare dev production --exit-code", 2)?
        .says("ConfigMap live/one")?
        .says("greeting: pending \"Hi\" -> \"Hello\"")?
        .keeps_quiet_about("namespace: apps")?
        .keeps_quiet_about("| +     applyset")?;
    site.expect("compare dev production --release two --exit-code", 0)?.says("nothing to change")?;
    site.expect("compare dev nowhere", 1)?.says("nowhere").map(drop)
}

fn programs() -> Result<(), Failed> {
    let site = Site::new();
    let ours = env!("CARGO_BIN_EXE_weft");
    site.expect(&format!("diff dev --engine-from {ours} --exit-code"), 0)?.says("nothing to change")?;
    let other = site.desk.root().join("other");
    let script = format!("#!/bin/sh\n{ours} \"$@\" || exit 1\nsed -i s/Hello/Hullo/ \"$4\"/two/*configmap*\n");
    fs::write(&other, script)?;
    fs::set_permissions(&other, fs::Permissions::from_mode(0o755))?;
    let run = site.desk.output(
        site.desk.command(["diff", "dev", "--exit-code", "--engine-from"]).arg(&other).env("PATH", "/usr/bin:/bin"),
    );
    run.ends_with(2)?.says("greeting: pending \"Hullo\" -> \"Hello\"")?.says("Both programs mask secret values")?;
    site.expect("diff dev --engine-from /nowhere/weft", 1)?.says("cannot run `/nowhere/weft`")?;
    site.expect("diff dev --engine-from /bin/false", 1)?.says("`/bin/false render` failed").map(drop)
}

/// A file of the project.
pub fn read(site: &Site, path: &str) -> Vec<u8> {
    fs::read(site.desk.project().join(Path::new(path))).expect("a file")
}

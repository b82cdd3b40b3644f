//! `--changed-since`: what is in, what is out, and why.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use libtest_mimic::Failed;

use super::Site;
use crate::cases::same;
use crate::source;
use crate::source::server::Server;

/// What is said of the releases of an environment since the last commit.
fn told(site: &Site, environment: &str) -> Result<String, Failed> {
    Ok(site.expect(&format!("render {environment} --changed-since HEAD --why -o ../out"), 0)?.stderr)
}

/// Changes a file, and holds what is said of the releases of `dev` against the beginnings of these lines.
fn changed(path: &str, text: &str, expected: [&str; 2]) -> Result<(), Failed> {
    let site = Site::new();
    site.desk.write(path, text);
    let said = told(&site, "dev")?;
    for line in expected {
        if !said.lines().any(|it| it.starts_with(&format!("dev: {line}"))) {
            return Err(format!("`{path}`: no line begins with `{line}`:\n{said}").into());
        }
    }
    Ok(())
}

const RELEASES: &str =
    "releases:\n- {name: one, namespace: apps, chart: web}\n- {name: two, namespace: apps, chart: web}\n";

pub fn what_reads_it() -> Result<(), Failed> {
    changed(
        "environments/dev/values/one.yaml",
        "greeting: Bye\n",
        ["in: one (reads the value `greeting`", "out: two"],
    )?;
    changed("environments/production/values/one.yaml", "greeting: Bye\n", ["out: one", "out: two"])?;
    changed(
        "charts/web/templates/_labels.j2",
        "{% macro team(name) %}group: {{ name }}{% endmacro %}\n",
        ["in: one (reads `charts/web/templates/_labels.j2`", "in: two (reads `charts/web/templates/_labels.j2`"],
    )?;
    changed(
        "charts/web/templates/_unused.j2",
        "{% macro unused() %}y{% endmacro %}\n",
        [
            "out: one (does not read `charts/web/templates/_unused.j2`",
            "out: two (does not read `charts/web/templates/_unused.j2`",
        ],
    )?;
    changed("charts/web/README.md", "Changed.\n", ["out: one (does not read", "out: two (does not read"])?;
    changed(
        "charts/web/values.yaml",
        "greeting: Moin\nreplicas: 1\n",
        ["out: one", "in: two (reads the value `greeting`"],
    )?;
    changed(
        "charts/web/values.yaml",
        "greeting: Hello\nreplicas: 2\n",
        ["out: one (does not read the value `replicas`", "out: two (does not read the value `replicas`"],
    )?;
    changed(
        "environments/defaults.yaml",
        "values: {team: blue, nobody: 1}\n",
        ["in: one (reads the value `team`", "in: two (reads the value `team`"],
    )?;
    changed(
        "environments/defaults.yaml",
        "values: {team: red, nobody: 2}\n",
        ["out: one (does not read the value `nobody`", "out: two"],
    )?;
    let own = |two: &str| RELEASES.replace("{name: two, namespace: apps", two);
    changed(
        "environments/dev/environment.yaml",
        &own("{name: two, prune: false, namespace: apps"),
        ["out: one", "in: two (`prune` changed)"],
    )?;
    let more = format!("# A remark moves all lines.\n\n{RELEASES}- {{name: three, namespace: apps, chart: web}}\n");
    changed("environments/dev/environment.yaml", &more, ["out: one", "new: three"])?;
    changed(
        "environments/dev/environment.yaml",
        "releases: [{name: one, namespace: apps, chart: web}]\n",
        ["out: one", "gone: two"],
    )
}

pub fn what_cannot_be_told() -> Result<(), Failed> {
    let site = Site::new();
    site.desk.write(
        "charts/web/templates/web.yaml.j2",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ release.name }}}\ndata: {tag: {{ inputs.TAG }}}\n",
    );
    site.desk.write("environments/defaults.yaml", "inputs: {TAG: {env: BUILD, default: none}}\n");
    site.commit("an input");
    let run = |set: bool| {
        let mut command = site.desk.command(["render", "dev", "--changed-since", "HEAD", "--why"]);
        if set {
            command.env("BUILD", "7");
        }
        site.desk.output(&mut command)
    };
    run(false).ends_with(0)?.says("dev: out: one")?;
    run(true).ends_with(0)?.says("dev: in: one (its templates ask for the input `TAG`, which comes from outside)")?;
    // Nothing can be rendered of a base that is broken.
    site.desk.write("charts/web/templates/web.yaml.j2", "{{ nowhere }}\n");
    site.commit("broken");
    site.desk.write(
        "charts/web/templates/web.yaml.j2",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ release.name }}}\n",
    );
    run(false).ends_with(0)?.says("dev: in: one")?.says("whether that matters could not be told")?;
    let site = Site::new();
    site.desk.write("charts/go/Chart.yaml", "apiVersion: v2\nname: go\nversion: 1.0.0\n");
    site.desk.write(
        "charts/go/templates/a.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {at: {{ now | unixEpoch | quote }}}\n",
    );
    site.desk.write("environments/go/environment.yaml", "releases: [{name: a, namespace: apps, chart: go}]\n");
    site.commit("a clock");
    same(
        "the clock",
        "go: in: a (its templates ask for the time of the commit)",
        told(&site, "go")?.lines().next().unwrap_or_default(),
    )?;
    // What is not read here may be read where the cluster serves something else.
    let template =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {at: {{ .Capabilities.KubeVersion.Version }}}\n";
    let plain = template.replace(".Capabilities.KubeVersion.Version", ".Release.Name");
    for (template, expected) in [(template, "go: in: a (does not read"), (plain.as_str(), "go: out: a (does not read")]
    {
        site.desk.write("charts/go/templates/a.yaml", template);
        site.desk.write("charts/go/templates/_parts.tpl", "{{ define \"x\" }}x{{ end }}");
        site.commit("a part that nobody uses");
        site.desk.write("charts/go/templates/_parts.tpl", "{{ define \"x\" }}y{{ end }}");
        let said = told(&site, "go")?;
        if !said.starts_with(expected) {
            return Err(format!("no line begins with `{expected}`:\n{said}").into());
        }
    }
    Ok(())
}

/// What is said of each release.
fn of_each(said: &str) -> String {
    said.lines().filter(|it| it.contains(": in: ") || it.contains(": out: ")).flat_map(|it| [it, "\n"]).collect()
}

/// The lock file is all that changes: the range of the chart in the kustomization stays.
pub fn charts_of_a_kustomization() -> Result<(), Failed> {
    let site = Site::new();
    let newer = Arc::new(AtomicBool::new(false));
    let switch = Arc::clone(&newer);
    let server = Server::new(move |asked| {
        let files = source::index(if switch.load(Relaxed) { &["1.0.0", "1.1.0"] } else { &["1.0.0"] });
        let path = asked.line.split(' ').nth(1).unwrap_or_default();
        let object = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: elsewhere}\n";
        (200, Vec::new(), files.get(path).map_or(object.to_vec(), Clone::clone))
    });
    let chart = format!("helmCharts: [{{name: app, repo: 'http://{}/charts', version: ^1}}]\n", server.host);
    site.desk.write("overlays/a/kustomization.yaml", chart);
    site.desk.write("overlays/b/kustomization.yaml", "resources: [b.yaml]\n");
    site.desk.write("overlays/b/b.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n");
    let of = |overlay: &str| format!("- {{name: {overlay}, namespace: apps, kustomization: overlays/{overlay}}}\n");
    site.desk.write("environments/k/environment.yaml", format!("releases:\n{}{}", of("a"), of("b")));
    site.expect("sources lock k", 0)?;
    site.commit("charts of a kustomization");
    same("nothing", "k: out: a\nk: out: b\n", &of_each(&told(&site, "k")?))?;
    newer.store(true, Relaxed);
    site.expect("sources update k", 0)?.says("1.1.0")?;
    same("the lock", "k: in: a (`charts` changed)\nk: out: b\n", &of_each(&told(&site, "k")?))?;
    site.commit("another version");
    let file = format!("http://{}/a.yaml", server.host);
    site.desk.write("overlays/b/kustomization.yaml", format!("resources: [b.yaml, '{file}']\n"));
    site.commit("a file elsewhere");
    let expected = format!("k: out: a\nk: in: b (its kustomization reads `{file}`, which stands elsewhere)\n");
    same("what is elsewhere", &expected, &of_each(&told(&site, "k")?))
}

pub fn runs() -> Result<(), Failed> {
    let site = Site::new();
    site.desk.write("environments/dev/values/one.yaml", "greeting: Bye\n");
    let rendered = site.expect("render dev --changed-since HEAD", 0)?;
    rendered.says("name: one\n")?.keeps_quiet_about("name: two\n")?;
    site.expect("render production --changed-since HEAD", 0)?.says("no release is touched since `HEAD`")?;
    site.expect("validate --all --changed-since HEAD", 1)?.says("of 1 release")?.keeps_quiet_about("`two`")?;
    site.expect("diff dev --from HEAD --changed-since HEAD", 0)?.says("Bye")?;
    let json = site.expect("diff dev production --from HEAD --changed-since HEAD -o json", 0)?.stdout;
    let both: serde_json::Value = serde_json::from_str(&json)?;
    let report = |at: usize| &both["environments"][at]["report"];
    same("the release", "\"one\"", &report(0)["touched"][0]["release"].to_string())?;
    same("in", "\"in\"", &report(0)["touched"][0]["is"].to_string())?;
    same("the other", "\"production\"", &both["environments"][1]["environment"].to_string())?;
    same("of the other", "\"out\"", &report(1)["touched"][0]["is"].to_string())?;
    let text = site.expect("diff production dev --from HEAD --changed-since HEAD", 0)?.stdout;
    same("in the order asked for", "== production ==", text.lines().next().unwrap_or_default())?;
    let json = site.expect("diff production --from HEAD --changed-since HEAD -o json", 0)?.stdout;
    let report: serde_json::Value = serde_json::from_str(&json)?;
    same("nothing", "true", &report["empty"].to_string())?;
    same("out", "\"out\"", &report["touched"][0]["is"].to_string())?;
    site.expect("plan production --changed-since HEAD", 0)?.says("no release is touched")?;
    site.expect("apply production --changed-since HEAD --yes", 0)?.says("no release is touched")?;
    site.expect("render dev --why", 1)?.says("--changed-since").map(drop)
}

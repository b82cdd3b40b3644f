//! A fork's pull request in a job that has everything worth stealing: a working key, secrets in its environment, servers
//! on its own network, and other repositories on its disk.

use std::fs;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use libtest_mimic::{Failed, Trial};
use serde_json::json;

use super::pull_request;
use crate::cases::code;
use crate::cli::program::{Desk, Run, copy};
use crate::cli::site::CANARY;
use crate::forge::standin::StandIn;
use crate::source::server::Server;

/// The token that the stand-in for a forge takes.
const TOKEN: &str = "test-token";
/// The content of another repository on the same machine.
const PRIVATE: &str = "canary-1234";

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("ci", "a_fork_learns_no_variable_of_the_job", variables),
        code("ci", "a_fork_learns_no_secret_although_the_job_has_the_key", secrets),
        code("ci", "a_fork_reads_neither_the_network_nor_other_repositories", addresses),
        code("ci", "a_fork_cannot_use_encrypted_chart_values", chart_values),
        code("ci", "a_fork_does_not_render_for_ever", deadline),
    ]
}

/// A repository whose `main` is the base of a pull request, and what the job around it has.
struct Job {
    desk: Desk,
    forge: StandIn,
    base: String,
}

impl Job {
    fn new() -> Result<Self, Failed> {
        let desk = Desk::new();
        let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/cli/secret_masked/project");
        copy(&cases, &desk.project());
        desk.write("environments/dev/environment.yaml", environment("", ""));
        // The job knows the key; the repository does not name it.
        fs::rename(desk.project().join("secrets/dev.agekey"), desk.root().join("home/dev.agekey"))?;
        let mut job = Self { desk, forge: StandIn::new("github"), base: String::new() };
        job.git(&["init", "--quiet", "--initial-branch=main"])?;
        job.base = job.commit()?;
        Ok(job)
    }

    fn git(&self, arguments: &[&str]) -> Result<String, Failed> {
        git(&self.desk.project(), arguments)
    }

    fn commit(&self) -> Result<String, Failed> {
        self.git(&["add", "--all"])?;
        self.git(&["commit", "--quiet", "--allow-empty", "--message", "change"])?;
        self.git(&["rev-parse", "HEAD"])
    }

    /// What `weft ci plan` makes of the files as they are now, as a pull request of a fork.
    fn plan(&self, arguments: &[&str]) -> Result<Run, Failed> {
        let event = pull_request(&self.base, &self.commit()?, "someone/shop");
        let (root, project) = (self.desk.root(), self.desk.project());
        fs::write(root.join("event.json"), event.to_string())?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_weft"));
        command.env_clear().env("HOME", root.join("home")).current_dir(project).args(["ci", "plan"]).args(arguments);
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.envs([
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_API_URL", &*self.forge.api()),
            ("GITHUB_REPOSITORY", "me/shop"),
            ("GITHUB_TOKEN", TOKEN),
            ("KUBECONFIG", "/nonexistent"),
        ]);
        command.env("SOPS_AGE_KEY", key(&root)?).env("GITHUB_EVENT_PATH", root.join("event.json"));
        command.env("GITHUB_STEP_SUMMARY", root.join("summary.md"));
        let run = self.desk.read(&command.output()?);
        self.keeps_quiet(&run)?;
        Ok(run)
    }

    /// Fails if a canary, or what base64 makes of it, is in what was printed or sent.
    fn keeps_quiet(&self, run: &Run) -> Result<(), Failed> {
        let sent = self.forge.has(|it| format!("{:?} {:?} {:?}", it.comments, it.issues, it.statuses));
        let summary = fs::read_to_string(self.desk.root().join("summary.md")).unwrap_or_default();
        for canary in [CANARY, TOKEN, PRIVATE, "AGE-SECRET-KEY"] {
            for form in [canary.to_owned(), STANDARD.encode(canary).trim_end_matches('=').to_owned()] {
                run.keeps_quiet_about(&form)?;
                for text in [&sent, &summary] {
                    assert!(!text.contains(&form), "{form} in {text}");
                }
            }
        }
        Ok(())
    }

    fn comment(&self) -> String {
        self.forge.has(|it| format!("{}", it.comments.last().map_or_else(|| json!({}), |it| it.body.clone())))
    }
}

fn git(folder: &Path, arguments: &[&str]) -> Result<String, Failed> {
    let mut command = Command::new("git");
    command.args(arguments).current_dir(folder).env("GIT_CONFIG_NOSYSTEM", "1").env("HOME", folder);
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "Ada").env(format!("GIT_{role}_EMAIL"), "ada@example.com");
    }
    let output = command.output()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(text) } else { Err(format!("git {arguments:?}: {error}").into()) }
}

/// The private key of the job.
fn key(root: &Path) -> Result<String, Failed> {
    let file = fs::read_to_string(root.join("home/dev.agekey"))?;
    Ok(file.lines().find(|line| line.starts_with("AGE-SECRET-KEY-1")).unwrap_or_default().to_owned())
}

fn environment(head: &str, releases: &str) -> String {
    format!(
        "cluster: {{}}\n{head}releases:\n- {{name: web, namespace: web, chart: web, secrets: [web.yaml]}}\n{releases}"
    )
}

fn variables() -> Result<(), Failed> {
    let job = Job::new()?;
    let inputs = "inputs: {token: {env: GITHUB_TOKEN}, key: {env: SOPS_AGE_KEY}, port: {env: HOME, default: '80'}}\n";
    let release = "- {name: leak, namespace: web, chart: leak}\n";
    job.desk.write("environments/dev/environment.yaml", environment(inputs, release));
    job.desk.write("charts/leak/Chart.yaml", "name: leak\nversion: 0.1.0\n");
    job.desk.write(
        "charts/leak/templates/all.yaml.j2",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: leak}\ndata:\n  token: {{ inputs.token | quote }}\n  \
         key: {{ inputs.key | b64encode }}\n  port: {{ inputs.port | quote }}\n",
    );
    let run = job.plan(&[])?;
    run.ends_with(0)?.says("leak")?.says("(input token)")?.says("80")?;
    // The same on one's own word.
    let run = job.plan(&["--render-only"])?;
    run.ends_with(0)?.says("(input token)")?;
    assert!(job.comment().contains("(input token)"), "{}", job.comment());
    Ok(())
}

/// Everything that an encrypted file can be put into.
fn hostile(job: &Job) -> Result<(), Failed> {
    let releases = "- {name: k, namespace: web, kustomization: k}\n- name: m\n  namespace: web\n  manifests: m\n  \
                    patches: [{path: /secrets/dev/web.yaml, target: {kind: ConfigMap, name: holder}}]\n";
    job.desk.write("environments/dev/environment.yaml", environment("", releases));
    job.desk.write("m/cm.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: holder}\ndata: {}\n");
    let encrypted = fs::read(job.desk.project().join("secrets/dev/web.yaml"))?;
    job.desk.write("k/enc.yaml", &encrypted);
    job.desk.write(".sops.yaml", rules(&encrypted));
    job.desk.write("k/plain.env", format!("PASSWORD={CANARY}\n"));
    let run = job.desk.run(["secrets", "encrypt", "--in-place", "k/plain.env"]);
    run.ends_with(0)?;
    job.desk.write("k/plain.txt", format!("line {CANARY}\n"));
    job.desk.run(["secrets", "encrypt", "--in-place", "k/plain.txt"]).ends_with(0)?;
    job.desk.write("k/kustomization.yaml", "secretGenerator:\n- {name: f, files: [enc.yaml]}\n- {name: e, envs: [plain.env]}\n- {name: t, files: [plain.txt]}\n");
    Ok(())
}

/// A rule that encrypts whatever is in `k` for the reader of a file.
fn rules(encrypted: &[u8]) -> String {
    let text = String::from_utf8_lossy(encrypted);
    let reader = text.split("recipient: ").nth(1).and_then(|it| it.lines().next()).unwrap_or_default();
    format!("creation_rules:\n- {{path_regex: '^(k|secrets)/', age: {reader}}}\n")
}

fn secrets() -> Result<(), Failed> {
    let job = Job::new()?;
    hostile(&job)?;
    let run = job.plan(&[])?;
    run.ends_with(0)?.says("holder")?.says("PASSWORD")?.says("stays closed")?;
    // Text without a `=` would become a key, and keys are not masked.
    for file in ["enc.yaml", "plain.txt"] {
        job.desk.write("k/kustomization.yaml", format!("secretGenerator:\n- {{name: e, envs: [{file}]}}\n"));
        let said = job.plan(&[])?;
        said.ends_with(1)?.says("a line of an encrypted file is `NAME=value`")?;
        // The same where keys may be used.
        let mut command = job.desk.command(["render", "dev"]);
        let said = job.desk.output(command.env("SOPS_AGE_KEY", key(&job.desk.root())?));
        said.ends_with(1)?.says("a line of an encrypted file is `NAME=value`")?.keeps_quiet_about(CANARY)?;
    }
    Ok(())
}

fn chart_values() -> Result<(), Failed> {
    let job = Job::new()?;
    hostile(&job)?;
    job.desk.write(
        "k/kustomization.yaml",
        "helmCharts: [{name: app, valuesFile: enc.yaml}]\nhelmGlobals: {chartHome: charts}\n",
    );
    job.desk.write("k/charts/app/Chart.yaml", "apiVersion: v2\nname: app\nversion: 0.1.0\n");
    job.desk.write(
        "k/charts/app/templates/all.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: app}\ndata: {p: '{{ .Values.database.password }}'}\n",
    );
    job.plan(&[])?.ends_with(1)?.says("enc.yaml")?;
    Ok(())
}

fn addresses() -> Result<(), Failed> {
    let job = Job::new()?;
    let object = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: internal}}\ndata: {{a: {PRIVATE}}}\n");
    let body = object.clone();
    let server = Server::new(move |_| (200, Vec::new(), body.clone().into_bytes()));
    let other = job.desk.root().join("other");
    fs::create_dir_all(other.join("k"))?;
    fs::write(other.join("k/cm.yaml"), &object)?;
    fs::write(other.join("k/kustomization.yaml"), "resources: [cm.yaml]\n")?;
    fs::write(other.join("k/Chart.yaml"), "name: k\nversion: 0.1.0\n")?;
    git(&other, &["init", "--quiet"])?;
    git(&other, &["add", "--all"])?;
    git(&other, &["commit", "--quiet", "--message", "private"])?;
    let commit = git(&other, &["rev-parse", "HEAD"])?;
    let (host, other) = (&server.host, other.display());
    let releases: String = ["web-file", "generated", "patched", "cloned", "charted"]
        .map(|it| format!("- {{name: {it}, namespace: web, kustomization: {it}}}\n"))
        .concat();
    let chart =
        format!("- name: bought\n  namespace: web\n  chart: {{git: 'file://{other}', rev: {commit}, path: k}}\n");
    job.desk.write("environments/dev/environment.yaml", environment("", &format!("{releases}{chart}")));
    let zeros = "0".repeat(64);
    let lock = format!(
        "formatVersion: 1\ncharts:\n\
         - chart: {{git: 'file://{other}', rev: {commit}, path: k}}\n  name: k\n  version: 0.1.0\n  commit: {commit}\n  \
         digest: 'files:{zeros}'\n\
         - chart: {{repo: 'http://{host}/charts', name: app, version: 0.1.0}}\n  name: app\n  version: 0.1.0\n  \
         url: 'http://{host}/charts/app-0.1.0.tgz'\n  digest: 'sha256:{zeros}'\n"
    );
    job.desk.write("environments/dev/sources.lock", lock);
    let own = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: own}\n";
    for (folder, text) in [
        ("web-file", format!("resources: ['http://{host}/a.yaml']\n")),
        ("generated", format!("configMapGenerator: [{{name: imds, files: ['creds=http://{host}/latest']}}]\n")),
        ("patched", format!("resources: [own.yaml]\npatches: [{{path: 'http://{host}/p.yaml'}}]\n")),
        ("cloned", format!("resources: ['file://{other}//k']\n")),
        ("charted", format!("helmCharts: [{{name: app, version: 0.1.0, repo: 'http://{host}/charts'}}]\n")),
    ] {
        job.desk.write(&format!("{folder}/kustomization.yaml"), text);
        job.desk.write(&format!("{folder}/own.yaml"), own);
    }
    let run = job.plan(&[])?;
    let asked = server.asked();
    assert!(asked.is_empty(), "{asked:#?}");
    run.ends_with(0)?;
    for release in ["web-file", "generated", "patched", "cloned", "charted", "bought"] {
        run.says(&format!("The release `{release}` is not looked at"))?;
    }
    Ok(())
}

fn deadline() -> Result<(), Failed> {
    let job = Job::new()?;
    let release = "- {name: slow, namespace: web, chart: slow}\n";
    job.desk.write("environments/dev/environment.yaml", environment("", release));
    job.desk.write("charts/slow/Chart.yaml", "apiVersion: v2\nname: slow\nversion: 0.1.0\n");
    job.desk.write(
        "charts/slow/templates/all.yaml",
        "{{ range $i := until 10000 }}{{ derivePassword 1 \"long\" \"a\" \"b\" (toString $i) }}{{ end }}\n",
    );
    let began = std::time::Instant::now();
    job.plan(&["--deadline", "2s"])?.ends_with(5)?.says("2s")?;
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
    Ok(())
}

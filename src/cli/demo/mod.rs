//! `weft demo`.

mod tenant;

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use clap::Args;
use serde_json::json;
use thiserror::Error;

use super::terminal::Terminal;
use super::{Exit, files, settings, wait};
use crate::diagnostic::{Diagnose, Failure, Kind};
use crate::sandbox::{self, Options, Places, Sandbox, User};
use crate::source::{ENVIRONMENTS, Source};

#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// The example repository.
    #[arg(long, short = 'C', value_name = "DIR", default_value = ".")]
    project: PathBuf,
}

/// What the story needs of the example repository.
const PARTS: &[&str] = &[ENVIRONMENTS, "charts", "secrets"];
/// How many lines of a long output are shown.
const LINES: usize = 24;

/// A step of the story went another way.
#[derive(Debug, Error)]
enum DemoError {
    /// A command could not be run.
    #[error("cannot run `{command}`")]
    Run {
        command: String,
        #[source]
        source: io::Error,
    },
    /// A command ended with another exit code.
    #[error("`{command}` ended with {found}, and {expected} was expected")]
    Exit { command: String, found: String, expected: i32 },
    /// Something did not come about.
    #[error("it did not happen in {seconds} s: {what}")]
    Missing { what: String, seconds: u64 },
}

impl Diagnose for DemoError {
    fn kind(&self) -> Kind {
        Kind::Machine
    }

    fn hint(&self) -> Option<String> {
        matches!(self, Self::Exit { .. }).then(|| "What the command said stands above.".to_owned())
    }
}

pub(super) fn run(args: &DemoArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let source = Source::open(&settings::absolute(&args.project), None)?;
    let folder = tempfile::tempdir().map_err(|source| DemoError::Run { command: "mktemp".into(), source })?;
    let example = source.read(PARTS.iter().copied())?;
    for path in example.paths() {
        let text = String::from_utf8_lossy(example.bytes(path).unwrap_or_default()).into_owned();
        files::create(&folder.path().join(path), &text, false)?;
    }
    let places = Places::new(settings::own().network()?)?;
    let options = Options { places, nodes: 1, controllers: true, users: vec![alice()] };
    let progress = terminal.progress();
    terminal.say("Starting a control plane: etcd, kube-apiserver, kube-controller-manager, and one faked node.");
    let told = wait(async {
        let sandbox = sandbox::start(&options, &|what| progress.at(what)).await?;
        progress.done();
        let story = Story { terminal, folder: folder.path(), sandbox: &sandbox };
        let told = story.tell().await;
        sandbox.stop().await?;
        told
    });
    progress.done();
    told.map(|()| Exit::Done)
}

/// Somebody with no rights but those that the story gives.
fn alice() -> User {
    User { token: "the-tenant-s-token".into(), name: tenant::ALICE.into(), groups: Vec::new() }
}

struct Story<'a> {
    terminal: &'a Terminal,
    folder: &'a Path,
    sandbox: &'a Sandbox,
}

impl Story<'_> {
    async fn tell(&self) -> Result<(), Failure> {
        self.chapter("The objects that the repository describes for the environment `dev`; secrets are masked.")?;
        self.excerpt(&["render", "dev"])?;
        self.chapter("What an apply would do to the empty cluster. Nothing is written.")?;
        self.excerpt(&["plan", "dev"])?;
        self.chapter("The apply: the CRD before its objects, releases in order, then waiting until all is healthy.")?;
        self.weft(&["apply", "dev", "--yes"], 0)?;
        self.chapter("A second plan is empty, and sends no write.")?;
        self.weft(&["plan", "dev", "--exit-code"], 0)?;

        self.chapter("A change in the repository: three replicas instead of one.")?;
        self.edit("environments/dev/values/app-flask.yaml", "replicas: 1", "replicas: 3")?;
        self.weft(&["diff", "dev", "--exit-code"], 2)?;
        self.weft(&["apply", "dev", "--yes"], 0)?;

        self.chapter("Somebody scales the deployment by hand. The drift tells the field, who it was, and when.")?;
        let path = "/apis/apps/v1/namespaces/apps/deployments/app-flask";
        self.sandbox.edit(path, "kubectl-edit", &json!({"spec": {"replicas": 5}})).await?;
        self.weft(&["drift", "dev"], 2)?;
        self.chapter("An apply repairs it.")?;
        self.weft(&["apply", "dev", "--yes"], 0)?;
        self.weft(&["drift", "dev"], 0)?;

        self.of_a_tenant().await?;

        self.chapter("The release leaves the repository. The plan names every object that will go, and refuses until somebody names the release; then the apply deletes just those.")?;
        self.append("environments/dev/environment.yaml", "- name: app-flask\n  enabled: false\n")?;
        self.remove("environments/dev/values/app-flask.yaml")?;
        self.weft(&["plan", "dev"], 4)?;
        self.weft(&["apply", "dev", "--yes", "--remove-release", "app-flask"], 0)?;

        self.chapter("The end: what the cluster has of `dev`.")?;
        self.weft(&["status", "dev"], 0)
    }

    fn chapter(&self, text: &str) -> Result<(), Failure> {
        Ok(self.terminal.print(&format!("\n== {text}\n"))?)
    }

    /// Runs `weft` as a person would, and holds it to its exit code.
    fn weft(&self, arguments: &[&str], expected: i32) -> Result<(), Failure> {
        let (mut command, shown) = self.command(arguments)?;
        let status = command.status().map_err(|source| DemoError::Run { command: shown.clone(), source })?;
        if status.code() == Some(expected) {
            return Ok(());
        }
        Err(DemoError::Exit { command: shown, found: status.to_string(), expected }.into())
    }

    /// The same for a command with a long output: its beginning and its end are shown.
    fn excerpt(&self, arguments: &[&str]) -> Result<(), Failure> {
        let (mut command, shown) = self.command(arguments)?;
        let Output { status, stdout, stderr } =
            command.output().map_err(|source| DemoError::Run { command: shown.clone(), source })?;
        let text = String::from_utf8_lossy(&stdout);
        let lines: Vec<&str> = text.lines().collect();
        let (head, tail) = if lines.len() <= LINES { (lines.len(), lines.len()) } else { (LINES - 4, lines.len() - 4) };
        let cut = (tail > head).then(|| format!("... ({} more lines)", tail - head));
        let parts = lines[..head].iter().copied().chain(cut.as_deref()).chain(lines[tail..].iter().copied());
        let extract: String = parts.flat_map(|line| [line, "\n"]).collect();
        self.terminal.print(&extract)?;
        self.terminal.say(String::from_utf8_lossy(&stderr).trim_end());
        if status.success() {
            return Ok(());
        }
        Err(DemoError::Exit { command: shown, found: status.to_string(), expected: 0 }.into())
    }

    fn command(&self, arguments: &[&str]) -> Result<(Command, String), Failure> {
        let shown = format!("weft {}", arguments.join(" "));
        self.terminal.print(&format!("$ {shown}\n"))?;
        let program = std::env::current_exe().map_err(|source| DemoError::Run { command: shown.clone(), source })?;
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.folder).env("KUBECONFIG", self.sandbox.kubeconfig());
        Ok((command, shown))
    }

    fn edit(&self, path: &str, from: &str, to: &str) -> Result<(), Failure> {
        let place = self.folder.join(path);
        let text = files::read(&place)?;
        self.terminal.print(&format!("$ sed -i 's/{from}/{to}/' {path}\n"))?;
        Ok(files::replace(&place, text.replace(from, to))?)
    }

    fn append(&self, path: &str, text: &str) -> Result<(), Failure> {
        let place = self.folder.join(path);
        self.terminal.print(&format!("$ cat >> {path} <<END{text}END\n"))?;
        Ok(files::replace(&place, &(files::read(&place)? + text))?)
    }

    fn remove(&self, path: &str) -> Result<(), Failure> {
        self.terminal.print(&format!("$ rm {path}\n"))?;
        let place = self.folder.join(path);
        Ok(std::fs::remove_file(&place).map_err(|source| files::FileError::Write { path: place, source })?)
    }
}

//! Tests of `weft ci`: pull requests, merges, forks and drift, at a stand-in for a forge, in a bare repository, and with
//! what is shipped.

mod approvals;
mod closed;
mod forge;
mod gitea;
mod hook;
mod listen;
mod shipped;
mod tour;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use libtest_mimic::{Failed, Trial};
use serde_json::{Value as Json, json};

use crate::cli::program::Run;
use crate::cli::site::Site;
use crate::forge::standin::StandIn;
use crate::sandbox::shared;

/// All of them.
pub fn trials() -> Vec<Trial> {
    [
        approvals::trials(),
        closed::trials(),
        forge::trials(),
        gitea::trials(),
        hook::trials(),
        listen::trials(),
        shipped::trials(),
        tour::trials(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The project of [`Site::with_web`] as a repository, whose branch `main` is applied.
pub struct Stage {
    /// The project.
    pub site: Site,
}

impl Stage {
    /// A project with one commit, which is applied.
    pub fn new(prefix: &str) -> Result<Self, Failed> {
        let stage = Self { site: Site::with_web(prefix) };
        stage.git(&["init", "--quiet", "--initial-branch=main"])?;
        stage.commit("first")?;
        stage.site.expect("apply dev --yes", 0)?;
        Ok(stage)
    }

    /// The folder around all.
    pub fn root(&self) -> PathBuf {
        self.site.desk.root()
    }

    /// A command that finds nothing of the user's, in the project.
    pub fn command(&self, program: &str) -> Command {
        let weft = Path::new(env!("CARGO_BIN_EXE_weft")).parent().expect("a folder").to_owned();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(std::iter::once(weft).chain(std::env::split_paths(&path)));
        let mut command = Command::new(program);
        command.env_clear().env("PATH", path.expect("a path")).env("HOME", self.root().join("home"));
        command.env("KUBECONFIG", shared().kubeconfig()).env("GIT_CONFIG_NOSYSTEM", "1");
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), "Ada").env(format!("GIT_{role}_EMAIL"), "ada@example.com");
        }
        command.current_dir(self.site.desk.project());
        command
    }

    /// Runs git, and gives back what it prints.
    pub fn git(&self, arguments: &[&str]) -> Result<String, Failed> {
        let output = self.command("git").args(arguments).output()?;
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() { Ok(text) } else { Err(format!("git {arguments:?}: {error}").into()) }
    }

    /// Commits everything, and gives back the commit.
    pub fn commit(&self, message: &str) -> Result<String, Failed> {
        self.git(&["add", "--all"])?;
        self.git(&["commit", "--quiet", "--message", message])?;
        self.git(&["rev-parse", "HEAD"])
    }

    /// Writes the greeting and the port, and commits them.
    pub fn change(&self, from: &str, to: &str) -> Result<String, Failed> {
        let values = "charts/web/values.yaml";
        let text = fs::read_to_string(self.site.desk.project().join(values))?;
        assert!(text.contains(from), "{text}");
        self.site.desk.write(values, text.replace(from, to));
        self.commit(to)
    }

    /// What a process printed.
    pub fn read(&self, output: &Output) -> Run {
        self.site.desk.read(output)
    }

    /// A job of `weft ci` at a stand-in for GitHub, for this event.
    pub fn job(&self, arguments: &str, forge: &StandIn, event: &Json) -> Result<Run, Failed> {
        self.job_with(arguments, forge, event, |_| {})
    }

    /// The same, with more in its environment.
    pub fn job_with(
        &self,
        arguments: &str,
        forge: &StandIn,
        event: &Json,
        more: impl FnOnce(&mut Command),
    ) -> Result<Run, Failed> {
        let (event_file, summary) = (self.root().join("event.json"), self.root().join("summary.md"));
        fs::write(&event_file, event.to_string())?;
        let mut command = self.command(env!("CARGO_BIN_EXE_weft"));
        command.arg("ci").args(arguments.split_whitespace()).envs([
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_API_URL", &forge.api()),
            ("GITHUB_REPOSITORY", "me/shop"),
            ("GITHUB_TOKEN", "test-token"),
        ]);
        command.env("GITHUB_EVENT_PATH", event_file).env("GITHUB_STEP_SUMMARY", summary);
        more(&mut command);
        let run = self.read(&command.output()?);
        run.keeps_quiet_about("test-token")?;
        let faults = forge.has(|it| it.faults.clone());
        assert!(faults.is_empty(), "{faults:#?}");
        Ok(run)
    }
}

/// The event of a pull request into `main` from a repository.
pub fn pull_request(base: &str, head: &str, from: &str) -> Json {
    json!({"pull_request": {
        "number": 7,
        "base": {"ref": "main", "sha": base, "repo": {"full_name": "me/shop"}},
        "head": {"ref": "more", "sha": head, "repo": {"full_name": from}},
    }})
}

/// The event of a push.
pub fn push(before: &str, after: &str) -> Json {
    json!({"ref": "refs/heads/main", "before": before, "after": after})
}

//! Decrypting a thousand files in one run beside `sops`, once a file.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints its figures")]

mod support;

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, ExitCode};

use support::process::{self, Series};
use support::project::{Project, secret_files};
use support::{Arguments, Failure, Targets};

/// How many releases there are, each with its files.
const RELEASES: usize = 100;

fn main() -> ExitCode {
    support::main(run)
}

fn run(arguments: &Arguments, targets: &mut Targets) -> Result<(), Failure> {
    let sops = arguments.peer("sops")?;
    let releases = if arguments.quick { RELEASES / 10 } else { RELEASES };
    let (project, key) = Project::secrets(releases)?;
    let files = secret_files(releases);
    let sops = |paths: &[String]| peer(&sops, project.path(), &key, paths);
    same_text(&project, &key, &files[0], &process::output(&mut sops(&files[..1]))?)?;
    println!("secrets: {} files of {releases} releases, 10 values each; {} cores", files.len(), support::cores());
    process::head();
    let render = || keyed(project.weft("render"), &key);
    let ours = Series::measure("weft render, all files decrypted", 2 * arguments.runs, render)?;
    let theirs = Series::measure("sops decrypt, once a file", 1, || sops(&files))?;
    let ratio = theirs.ratio(&ours);
    let measured = format!("{ratio:.0} times as fast as `sops decrypt`, rendering included");
    targets.hold(ratio >= 50.0, &measured, "at least 50 times");
    Ok(())
}

fn keyed(mut command: Command, key: &Path) -> Command {
    command.env("SOPS_AGE_KEY_FILE", key);
    command
}

/// `sops` for one file after the other, from one small shell, so that nothing else is counted.
fn peer(sops: &Path, project: &Path, key: &Path, files: &[String]) -> Command {
    let mut script = "set -e\n".to_owned();
    for file in files {
        // Writing to a string cannot fail.
        let _ = writeln!(script, "\"$0\" decrypt {file}");
    }
    let mut command = Command::new("sh");
    command.current_dir(project).arg("-c").arg(script).arg(sops);
    command.env_clear().env("HOME", project);
    keyed(command, key)
}

/// Holds what both decrypt against each other, so that both have done the same work.
fn same_text(project: &Project, key: &Path, file: &str, theirs: &str) -> Result<(), Failure> {
    let mut ours = process::weft();
    ours.current_dir(project.path()).args(["secrets", "decrypt", file]);
    let ours = process::output(&mut keyed(ours, key))?;
    if ours == theirs && ours.contains("value9: ") {
        return Ok(());
    }
    Err(format!("`{file}` is not the same for both:\n{ours}\nand\n{theirs}").into())
}

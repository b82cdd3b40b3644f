//! Cases as files: a project, a command, and what it prints. None needs a server.
//!
//! `command` has two lines: the command, with variables before it as in a shell, and the exit code. A line of `links`
//! (`path -> target`) is a symbolic link of the project. A command that fails
//! must leave every file as it was.

use std::path::PathBuf;

use libtest_mimic::{Failed, Trial};

use super::program::{Desk, copy};
use crate::cases::{self, Case};

/// All of them.
pub fn trials() -> Vec<Trial> {
    cases::of("cli", run)
}

fn run(case: &Case) -> Result<(), Failed> {
    let desk = Desk::new();
    copy(&case.path("."), &desk.root());
    for file in ["command", "links", "stdout.txt", "stderr.txt"] {
        let _ = std::fs::remove_file(desk.root().join(file));
    }
    // Links of the project are lines, since tools that walk this repository stumble over a link to itself.
    for (path, target) in
        case.read_if_there("links").iter().flat_map(|it| it.lines()).filter_map(|it| it.split_once(" -> "))
    {
        let path = desk.root().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder"))?;
        std::os::unix::fs::symlink(target, path)?;
    }
    let text = case.read("command");
    let (line, code) = text.trim_end().split_once("\nexit ").ok_or("`command` has no exit code")?;
    let mut words = line.split_whitespace();
    let variables: Vec<_> = words.by_ref().take_while(|it| *it != "weft").filter_map(|it| it.split_once('=')).collect();
    let before = desk.files();
    let run = desk.output(desk.command(words).envs(variables));
    for (file, actual) in [("stdout.txt", &run.stdout), ("stderr.txt", &run.stderr)] {
        if !actual.is_empty() || case.read_if_there(file).is_some() {
            case.expect(file, actual)?;
        }
    }
    run.ends_with(code.parse()?)?;
    let after = desk.files();
    let changed: Vec<&PathBuf> = after.keys().filter(|path| before.get(*path) != after.get(*path)).collect();
    if code != "0" && (before != after) {
        return Err(format!("it failed, and changed {changed:?}").into());
    }
    Ok(())
}

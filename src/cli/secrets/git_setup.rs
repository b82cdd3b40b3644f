//! `weft secrets git-setup`.
//!
//! `.gitattributes` is committed and says which files are meant; what git runs for them is in the configuration of each
//! clone, as git runs nothing that a repository brings along.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use clap::Args;
use git2::{Config, ConfigLevel, ErrorCode};
use thiserror::Error;

use super::check;
use super::repository::{At, Repository};
use crate::cli::terminal::Terminal;
use crate::cli::{FileError, files, settings};
use crate::diagnostic::{Diagnose, Failure, Kind};
use crate::secrets;
use crate::source::SourceError;

/// Make git show and merge encrypted files by their keys, in this clone.
#[derive(Debug, Args)]
pub(super) struct GitSetupArgs {
    /// Also run `weft secrets check --staged` before each commit.
    #[arg(long)]
    pre_commit: bool,
    /// Take all of it away again.
    #[arg(long, conflicts_with = "pre_commit")]
    remove: bool,
    /// The project's folder, or one below it.
    #[arg(long, short = 'C', value_name = "DIR", default_value = ".")]
    project: PathBuf,
}

/// The name under which git knows what shows and merges.
const DRIVER: &str = "weft-secrets";

const ATTRIBUTES: &str = ".gitattributes";

/// The files that are meant in any project.
const FOLDER: &str = "secrets/**";

const BEGIN: &str = "# weft secrets git-setup: begin\n";
const END: &str = "# weft secrets git-setup: end\n";

/// The hook is not written in shell.
#[derive(Debug, Error)]
#[error("`{}` is no shell script, so the check cannot be put into it", path.display())]
struct HookError {
    path: PathBuf,
}

impl Diagnose for HookError {
    fn kind(&self) -> Kind {
        Kind::Input
    }

    fn hint(&self) -> Option<String> {
        Some("Run `weft secrets check --staged` in it; the commit has to fail where that fails.".into())
    }
}

pub(super) fn run(args: &GitSetupArgs, terminal: &Terminal) -> Result<(), Failure> {
    let repository = Repository::around(&settings::absolute(&args.project))?;
    let program = program()?;
    let wanted = if args.remove { None } else { Some(lines(&repository)?) };
    let mut said = attributes(&repository.root().join(ATTRIBUTES), wanted.as_deref())?;
    said.extend(configuration(repository.git()?, (!args.remove).then_some(&program))?);
    if args.pre_commit || args.remove {
        let hook = hook_path(repository.git()?)?;
        said.extend(pre_commit(&hook, (!args.remove).then_some(&program))?);
    }
    if said.is_empty() {
        terminal.say("nothing to change");
    }
    let lines = said.iter().map(|line| format!("{line}\n"));
    Ok(terminal.print(&lines.collect::<String>())?)
}

/// How git calls this program: by its name where that finds it, else by its path.
fn program() -> Result<String, FileError> {
    let this = std::env::current_exe().map_err(|source| FileError::Read { path: "weft".into(), source })?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let first = std::env::split_paths(&path).map(|folder| folder.join("weft")).find(|it| it.is_file());
    let same = first.is_some_and(|it| it.canonicalize().ok() == this.canonicalize().ok());
    Ok(if same { "weft".to_owned() } else { format!("'{}'", this.display().to_string().replace('\'', r"'\''")) })
}

/// A line for the folder of secrets, and one for each encrypted file elsewhere that a rule is for.
fn lines(repository: &Repository) -> Result<String, Failure> {
    let rules = check::rules(repository, At::Folder)?;
    let covered = |path: &str| rules.as_ref().is_some_and(|rules| rules.position(path).is_some());
    let elsewhere = repository.files(At::Folder, &|path| !path.starts_with("secrets/") && covered(path))?;
    let elsewhere = elsewhere.iter().filter(|(_, bytes)| secrets::is_encrypted(bytes)).map(|(path, _)| pattern(path));
    let line = |path: String| format!("/{path} diff={DRIVER} merge={DRIVER}\n");
    let lines = std::iter::once(FOLDER.to_owned()).chain(elsewhere).map(line);
    Ok(lines.collect())
}

/// A path as a pattern of git's, in which `*` stands for what would have to be quoted.
fn pattern(path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@,=".contains(c);
    path.chars().map(|c| if plain(c) { c } else { '*' }).collect()
}

/// Puts lines into the file of attributes, or takes them away where there are none.
fn attributes(path: &Path, lines: Option<&str>) -> Result<Vec<String>, FileError> {
    let before = read_if_there(path)?;
    let text = before.clone().unwrap_or_default();
    let after = without_block(&text) + &lines.map(block).unwrap_or_default();
    put(path, before.as_deref(), &after, 0o644)
}

/// Sets what git runs, or takes it away where there is no program.
fn configuration(git: &git2::Repository, program: Option<&String>) -> Result<Vec<String>, SourceError> {
    let mut config = git.config()?.open_level(ConfigLevel::Local)?;
    let values = |program: &String| {
        [
            format!("{program} secrets textconv"),
            "encrypted files, three-way by key".to_owned(),
            format!("{program} secrets merge %O %A %B %P"),
        ]
    };
    let values = program.map(values);
    let mut said = Vec::new();
    for (at, key) in ["diff.{}.textconv", "merge.{}.name", "merge.{}.driver"].into_iter().enumerate() {
        let key = key.replace("{}", DRIVER);
        let wanted = values.as_ref().map(|values| values[at].as_str());
        let before = text_of(&config, &key)?;
        match wanted {
            _ if before.as_deref() == wanted => {}
            Some(value) => {
                config.set_str(&key, value)?;
                said.push(format!("git config: {key} = {value}"));
            }
            None => {
                config.remove(&key)?;
                said.push(format!("git config: {key} removed"));
            }
        }
    }
    Ok(said)
}

fn text_of(config: &Config, key: &str) -> Result<Option<String>, SourceError> {
    match config.get_string(key) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The hook, where git looks for it.
fn hook_path(git: &git2::Repository) -> Result<PathBuf, SourceError> {
    let folder = match git.config()?.get_path("core.hooksPath") {
        Ok(path) => git.workdir().unwrap_or_else(|| git.path()).join(path),
        Err(error) if error.code() == ErrorCode::NotFound => git.commondir().join("hooks"),
        Err(error) => return Err(error.into()),
    };
    Ok(folder.join("pre-commit"))
}

/// Puts the check into the hook, before what else it does, or takes it away where there is no program.
fn pre_commit(path: &Path, program: Option<&String>) -> Result<Vec<String>, Failure> {
    const FIRST: &str = "#!/bin/sh\n";
    let before = read_if_there(path)?;
    let rest = without_block(before.as_deref().unwrap_or(FIRST));
    let after = match program {
        None if rest == FIRST => String::new(),
        None => rest,
        Some(program) => {
            let (first, others) = rest.split_once('\n').unwrap_or((&rest, ""));
            let mut words = first.split([' ', '/']);
            if !first.starts_with("#!") || !words.any(|word| ["sh", "bash", "dash", "zsh"].contains(&word)) {
                return Err(HookError { path: path.to_path_buf() }.into());
            }
            format!("{first}\n{}{others}", block(&format!("{program} secrets check --staged || exit 1\n")))
        }
    };
    Ok(put(path, before.as_deref(), &after, 0o755)?)
}

fn block(lines: &str) -> String {
    format!("{BEGIN}{lines}{END}")
}

/// The text without what a former run put into it.
fn without_block(text: &str) -> String {
    let Some((before, rest)) = text.split_once(BEGIN) else {
        let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        return format!("{text}{end}");
    };
    let after = rest.split_once(END).map_or("", |(_, after)| after);
    format!("{before}{after}")
}

/// Brings a file to a text; an empty one removes it. Says what it did.
fn put(path: &Path, before: Option<&str>, after: &str, mode: u32) -> Result<Vec<String>, FileError> {
    let failed = |source| FileError::Write { path: path.to_path_buf(), source };
    let name = path.display();
    match before {
        Some(before) if before == after => Ok(Vec::new()),
        None if after.is_empty() => Ok(Vec::new()),
        Some(_) if after.is_empty() => {
            fs::remove_file(path).map_err(failed)?;
            Ok(vec![format!("{name}: removed")])
        }
        Some(_) => {
            files::replace(path, after)?;
            Ok(vec![format!("{name}: changed")])
        }
        None => {
            files::write(path, after)?;
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(failed)?;
            Ok(vec![format!("{name}: written")])
        }
    }
}

fn read_if_there(path: &Path) -> Result<Option<String>, FileError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(FileError::Read { path: path.to_path_buf(), source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_put_once_and_leaves_nothing_behind() {
        let text = "*.png binary\n";
        let with = format!("{text}{}", block("secrets/** diff=weft-secrets\n"));
        assert_eq!(without_block(&with), text);
        assert_eq!(without_block(text), text);
        assert_eq!(without_block("no end"), "no end\n");
    }

    #[test]
    fn a_pattern_needs_no_quotes() {
        assert_eq!(pattern("conf/my file[1].enc.yaml"), "conf/my*file*1*.enc.yaml");
    }

    #[test]
    fn a_hook_of_another_language_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pre-commit");
        let program = "weft".to_owned();
        assert_eq!(pre_commit(&path, Some(&program)).unwrap().len(), 1);
        assert!(pre_commit(&path, Some(&program)).unwrap().is_empty(), "a second time changes nothing");
        assert_eq!(pre_commit(&path, None).unwrap().len(), 1);
        assert!(!path.exists(), "what was made is gone");
        fs::write(&path, "#!/usr/bin/env bash\nmake lint\n").unwrap();
        pre_commit(&path, Some(&program)).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.ends_with(&format!("{END}make lint\n")), "{text}");
        pre_commit(&path, None).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "#!/usr/bin/env bash\nmake lint\n");
        fs::write(&path, "#!/usr/bin/env python3\n").unwrap();
        assert!(pre_commit(&path, Some(&program)).is_err());
    }
}

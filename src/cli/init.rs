//! `weft init`.

use std::path::{Path, PathBuf};

use clap::Args;
use data_encoding::HEXLOWER;

use super::terminal::Terminal;
use super::{Exit, files, settings};
use crate::diagnostic::Failure;
use crate::pipeline::PipelineError;
use crate::project::{PROJECT_FILE, project_file};
use crate::source::Source;

#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// Where to make it; the folder is created where it is missing.
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Only give the project that is there an identity: write `environments/project.yaml`.
    #[arg(long)]
    identity: bool,
}

/// The files of a first project.
const FILES: &[(&str, &str)] = &[
    ("environments/dev/environment.yaml", include_str!("init/environment.yaml")),
    ("environments/dev/values/hello.yaml", include_str!("init/values.yaml")),
    ("charts/hello/Chart.yaml", include_str!("init/Chart.yaml")),
    ("charts/hello/values.yaml", include_str!("init/defaults.yaml")),
    ("charts/hello/templates/hello.yaml.j2", include_str!("init/hello.yaml.j2")),
];

pub(super) fn run(args: &InitArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let folder = settings::absolute(&args.folder);
    if args.identity {
        return identify(&folder, terminal);
    }
    for path in FILES.iter().map(|(path, _)| *path).chain([PROJECT_FILE]) {
        let path = folder.join(path);
        if path.exists() {
            return Err(files::FileError::Exists { path }.into());
        }
    }
    for (path, text) in FILES {
        files::create(&folder.join(path), text, false)?;
        terminal.print(&format!("{path}\n"))?;
    }
    write_identity(&folder, terminal)?;
    terminal.say("Next: `weft render dev` prints the objects, `weft plan dev` compares them with your cluster.");
    Ok(Exit::Done)
}

/// Gives the project around a folder an identity.
fn identify(folder: &Path, terminal: &Terminal) -> Result<Exit, Failure> {
    let source = Source::open(folder, None)?;
    let root = source.writable_root()?;
    let path = root.join(PROJECT_FILE);
    if path.exists() {
        return Err(files::FileError::Exists { path }.into());
    }
    write_identity(root, terminal)?;
    terminal.say("Commit this file: whoever applies the project needs it.");
    Ok(Exit::Done)
}

fn write_identity(root: &Path, terminal: &Terminal) -> Result<(), Failure> {
    files::create(&root.join(PROJECT_FILE), project_file(&new_id()?), false)?;
    Ok(terminal.print(&format!("{PROJECT_FILE}\n"))?)
}

/// A random UUID.
fn new_id() -> Result<String, Failure> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(PipelineError::Random)?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = HEXLOWER.encode(&bytes);
    Ok([&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-"))
}

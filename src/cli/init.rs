//! `weft init`.

use std::path::PathBuf;

use clap::Args;

use super::terminal::Terminal;
use super::{Exit, files, settings};
use crate::diagnostic::Failure;

#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// Where to make it; the folder is created where it is missing.
    #[arg(default_value = ".")]
    folder: PathBuf,
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
    for (path, _) in FILES {
        let path = folder.join(path);
        if path.exists() {
            return Err(files::FileError::Exists { path }.into());
        }
    }
    for (path, text) in FILES {
        files::create(&folder.join(path), text, false)?;
        terminal.print(&format!("{path}\n"))?;
    }
    terminal.say("Next: `weft render dev` prints the objects, `weft plan dev` compares them with your cluster.");
    Ok(Exit::Done)
}

//! `weft secrets merge`: the driver that git calls to merge an encrypted file.
//!
//! On a conflict the file keeps what our side has, stays one that can be opened, and gets what both sides changed
//! elsewhere: markers in it would only make it one that no program reads. Git itself holds the three versions, and takes
//! no commit before somebody says that the conflict is resolved.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use git2::{MergeFileInput, MergeFileOptions};

use super::repository::Repository;
use super::{now, random};
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, files, settings};
use crate::diagnostic::{Failure, counted};
use crate::secrets::{self, File};
use crate::source::SourceError;

/// Merge an encrypted file three-way by key, as git's merge driver (`git-setup` tells git so).
#[derive(Debug, Args)]
pub(super) struct MergeArgs {
    /// The common ancestor (`%O`); empty where there is none.
    base: PathBuf,
    /// Our version (`%A`), which becomes the merged one.
    ours: PathBuf,
    /// Their version (`%B`).
    theirs: PathBuf,
    /// The path of the file (`%P`).
    path: PathBuf,
    /// An age identity file. May be repeated.
    #[arg(long = "identity", short = 'i', value_name = "FILE")]
    identities: Vec<PathBuf>,
}

pub(super) fn run(args: &MergeArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let path = settings::absolute(&args.path);
    let repository = Repository::around(existing(&path))?;
    let name = Arc::new(repository.name(&path));
    let [base, ours, theirs] = [files::bytes(&args.base)?, files::bytes(&args.ours)?, files::bytes(&args.theirs)?];
    let is_plain = |bytes: &[u8]| !secrets::is_encrypted(bytes);
    if is_plain(&ours) && is_plain(&theirs) {
        return merge_plain(args, [&base, &ours, &theirs]);
    }
    let identities = repository.identities(&args.identities, true)?;
    let open = |bytes: &[u8]| File::open(bytes, &name, &identities);
    let base = if base.is_empty() { None } else { Some(open(&base)?) };
    let merged = secrets::merge_files(base.as_ref(), open(&ours)?, open(&theirs)?, &name)?;
    files::write(&args.ours, &merged.file.write(&mut random, &now())?)?;
    for conflict in &merged.conflicts {
        terminal.say(&format!("CONFLICT (secrets): {name}: {}: {}", conflict.path, conflict.clash));
    }
    if merged.comments_left > 0 {
        let comments = counted(merged.comments_left, "comment");
        terminal.warn(&format!("{name}: {comments} of one side could not be placed in the other, and went"));
    }
    if merged.conflicts.is_empty() {
        return Ok(Exit::Done);
    }
    terminal.say(&format!(
        "`{name}` can be opened, and has our side of these. Set what is right with `weft secrets edit {name}`, then \
         `git add {name}`; `git checkout --theirs {name}` takes all of theirs."
    ));
    Ok(Exit::Invalid)
}

/// The nearest folder above a path that is there: a file may stand in a folder that only the other side has.
fn existing(path: &Path) -> &Path {
    path.ancestors().skip(1).find(|it| it.is_dir()).unwrap_or(path)
}

/// Merges a file that is not encrypted as git itself would.
fn merge_plain(args: &MergeArgs, texts: [&[u8]; 3]) -> Result<Exit, Failure> {
    let [base, ours, theirs] = texts.map(|text| {
        let mut input = MergeFileInput::new();
        input.content(text);
        input
    });
    let mut options = MergeFileOptions::new();
    options.our_label("ours").their_label("theirs");
    let merged = git2::merge_file(&base, &ours, &theirs, Some(&mut options)).map_err(SourceError::from)?;
    files::write(&args.ours, merged.content())?;
    Ok(if merged.is_automergeable() { Exit::Done } else { Exit::Invalid })
}

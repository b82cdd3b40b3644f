//! `weft secrets diff`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde_json::{Value as Json, json};

use super::check::is_below;
use super::repository::{At, ReadingArgs, Repository};
use crate::cli::arguments::Form;
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, settings};
use crate::diagnostic::Failure;
use crate::secrets::{self, Change, ChangeKind, File, Identities, Outline, SecretsError};
use crate::value::{Map, Path, Value};

/// Show which keys and which readers of encrypted files changed between two revisions, without any value.
///
/// Where no key for a file is at hand, a value that was encrypted anew is listed as one that may have changed.
#[derive(Debug, Args)]
pub(super) struct DiffArgs {
    /// One or two revisions (`HEAD` where there is none), then files and folders. With one revision or none, the other
    /// side is the folder as it is.
    #[arg(value_name = "REVISION|FILE")]
    arguments: Vec<String>,
    /// Files and folders.
    #[arg(last = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Compare with what is staged for the next commit, in place of the folder.
    #[arg(long)]
    staged: bool,
    /// End with 2 where there are differences.
    #[arg(long)]
    exit_code: bool,
    #[command(flatten)]
    reading: ReadingArgs,
}

/// What is other in one file.
struct FileDifference {
    file: String,
    /// Whether the file is new or gone, where it is one of the two.
    whole: Option<ChangeKind>,
    changes: Vec<Change>,
    added: Vec<String>,
    removed: Vec<String>,
}

pub(super) fn run(args: &DiffArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let repository = Repository::around(&settings::absolute(&args.reading.project))?;
    let (old, new, names) = sides(args, &repository)?;
    let wanted = |path: &str| is_below(path, &names);
    let is_encrypted = |(_, bytes): &(String, Vec<u8>)| secrets::is_encrypted(bytes);
    let before: BTreeMap<String, Vec<u8>> = repository.files(old, &wanted)?.into_iter().filter(is_encrypted).collect();
    let after: BTreeMap<String, Vec<u8>> =
        of_new(&repository, new, &wanted)?.into_iter().filter(is_encrypted).collect();
    let identities = repository.identities(&args.reading.identities, true)?;
    let mut found = Vec::new();
    for file in before.keys().chain(after.keys().filter(|file| !before.contains_key(*file))) {
        let before = before.get(file);
        let after = after.get(file);
        if before != after {
            found.push(compare(file, before, after, &identities)?);
        }
    }
    found.sort_by(|a, b| a.file.cmp(&b.file));
    terminal.print(&match args.reading.output {
        Form::Text => found.iter().map(text).collect(),
        Form::Json => {
            format!("{:#}\n", json!({"formatVersion": 1, "files": found.iter().map(json).collect::<Vec<_>>()}))
        }
    })?;
    let unknown = found.iter().any(|file| file.changes.iter().any(|it| it.kind == ChangeKind::Unknown));
    Ok(match () {
        () if unknown => Exit::Unknown,
        () if args.exit_code && !found.is_empty() => Exit::Differences,
        () => Exit::Done,
    })
}

/// The two sides, and the files that are meant.
fn sides(args: &DiffArgs, repository: &Repository) -> Result<(At, At, Vec<String>), Failure> {
    let mut arguments: Vec<&str> = args.arguments.iter().map(String::as_str).collect();
    let mut revisions = Vec::new();
    while let Some(first) = arguments.first().filter(|_| revisions.len() < 2) {
        let (one, two) = first.split_once("..").map_or((*first, None), |(one, two)| (one, Some(two)));
        // What is a file is one, unless the names of files are told apart with `--`.
        if args.files.is_empty() && settings::absolute(first.as_ref()).exists() {
            break;
        }
        let named = |name: &str| if name.is_empty() { "HEAD".to_owned() } else { name.to_owned() };
        for name in std::iter::once(one).chain(two).map(named) {
            revisions.push(At::Commit(repository.commit(&name)?));
        }
        arguments.remove(0);
    }
    let files = arguments.iter().map(PathBuf::from).chain(args.files.iter().cloned());
    let names = files.map(|path| repository.name(&path)).collect();
    let rest = if args.staged { At::Staged } else { At::Folder };
    let mut revisions = revisions.into_iter();
    let old = revisions.next().map_or_else(|| repository.commit("HEAD").map(At::Commit), Ok)?;
    Ok((old, revisions.next().unwrap_or(rest), names))
}

/// The files of the new side; of what is staged, all that the commit would have.
fn of_new(
    repository: &Repository,
    at: At,
    wanted: &(dyn Fn(&str) -> bool + Sync),
) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    Ok(if at == At::Staged { repository.indexed(wanted)? } else { repository.files(at, wanted)? })
}

fn compare(
    file: &str,
    before: Option<&Vec<u8>>,
    after: Option<&Vec<u8>>,
    identities: &Identities,
) -> Result<FileDifference, SecretsError> {
    let name = Arc::new(file.to_owned());
    let whole = match (before, after) {
        (None, _) => Some(ChangeKind::Added),
        (_, None) => Some(ChangeKind::Removed),
        _ => None,
    };
    if [before, after].into_iter().flatten().any(|bytes| secrets::is_whole(bytes)) {
        let kind = match whole {
            Some(kind) => Some(kind),
            None => changed(before, after, &name, identities)?,
        };
        let changes = kind.map(|kind| Change { path: Path::root(), kind }).into_iter().collect();
        return Ok(FileDifference { file: file.to_owned(), whole, changes, added: Vec::new(), removed: Vec::new() });
    }
    let outline = |bytes: Option<&Vec<u8>>| bytes.map(|bytes| Outline::read(bytes, &name)).transpose();
    let old = outline(before)?;
    let new = outline(after)?;
    let readers = |side: &Option<Outline>| side.as_ref().map(|it| secrets::named(&it.readers)).unwrap_or_default();
    let was = readers(&old);
    let is = readers(&new);
    let without = |keys: &[String], others: &[String]| keys.iter().filter(|it| !others.contains(it)).cloned().collect();
    let opened = [opened(before, &name, identities)?, opened(after, &name, identities)?];
    let nothing = || Value::from(Map::new());
    let changes = match opened {
        [Some(old), Some(new)] => secrets::difference(&old, &new),
        _ => secrets::difference(&old.map_or_else(nothing, |it| it.value), &new.map_or_else(nothing, |it| it.value)),
    };
    Ok(FileDifference { file: file.to_owned(), whole, changes, added: without(&is, &was), removed: without(&was, &is) })
}

/// Whether the content is another, where age encrypted it as a whole on one side.
fn changed(
    before: Option<&Vec<u8>>,
    after: Option<&Vec<u8>>,
    name: &Arc<String>,
    identities: &Identities,
) -> Result<Option<ChangeKind>, SecretsError> {
    let plain = |bytes: Option<&Vec<u8>>| bytes.map(|it| secrets::plain_bytes(it, name, identities)).transpose();
    match (plain(before), plain(after)) {
        (Ok(old), Ok(new)) => Ok((old != new).then_some(ChangeKind::Changed)),
        (Err(error), _) | (_, Err(error)) if secrets::lacks_key(&error) => Ok(Some(ChangeKind::Unknown)),
        (Err(error), _) | (_, Err(error)) => Err(error),
    }
}

/// The decrypted content, an empty one for no file; `None` where no key is at hand.
fn opened(bytes: Option<&Vec<u8>>, name: &Arc<String>, identities: &Identities) -> Result<Option<Value>, SecretsError> {
    let Some(bytes) = bytes else { return Ok(Some(Map::new().into())) };
    match File::open(bytes, name, identities) {
        Ok(file) => Ok(Some(file.value().clone())),
        Err(error) if secrets::lacks_key(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn text(it: &FileDifference) -> String {
    let whole = it.whole.map(|kind| format!(" ({kind})")).unwrap_or_default();
    let mut out = format!("{}{whole}\n", it.file);
    // Writing to a string cannot fail.
    for Change { path, kind } in &it.changes {
        let note =
            if *kind == ChangeKind::Unknown { "  (encrypted anew; no key to tell whether it changed)" } else { "" };
        let path = if path.0.is_empty() { "(the content)".to_owned() } else { path.to_string() };
        let _ = writeln!(out, "  {} {path}{note}", kind.sign());
    }
    for (sign, keys) in [('+', &it.added), ('-', &it.removed)] {
        for key in keys {
            let _ = writeln!(out, "  {sign} reader {key}");
        }
    }
    if it.changes.is_empty() && it.added.is_empty() && it.removed.is_empty() {
        out.push_str("  encrypted anew, the values and the readers are the same\n");
    }
    out
}

fn json(it: &FileDifference) -> Json {
    let change = |change: &Change| json!({"path": change.path.to_string(), "change": change.kind.to_string()});
    json!({
        "file": it.file,
        "whole": it.whole.map(|kind| kind.to_string()),
        "changes": it.changes.iter().map(change).collect::<Vec<_>>(),
        "readers": {"added": it.added, "removed": it.removed},
    })
}

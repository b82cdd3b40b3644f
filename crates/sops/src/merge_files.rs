//! Three-way merges of encrypted files.

use std::sync::Arc;

use similar::TextMerge;

use super::merge::{Conflict, Merged, merge, merge_sets};
use super::{File, Group, Readers, Rule, SecretsError};
use weft_base::masked::Masked;
use weft_base::value::{Map, Value};

/// A merged file, ready to be written.
#[derive(Debug)]
pub struct MergedFile {
    /// The file. It can be opened whatever is in conflict: there it has what our side has.
    pub file: File,
    /// Where both sides differ.
    pub conflicts: Vec<Conflict>,
    /// How many new comments of one side have no place beside those of the other, and are left out.
    pub comments_left: usize,
}

/// Merges what two sides made of an encrypted file; `base` is none where both made it anew.
///
/// What nobody changed keeps its ciphertext, and what one side changed keeps that of this side. The readers are merged
/// like a set. A data key that one side made new stays; where a reader goes that knows the key, the file gets a new one.
pub fn merge_files(
    base: Option<&File>,
    ours: File,
    theirs: File,
    name: &Arc<String>,
) -> Result<MergedFile, SecretsError> {
    let nothing = Value::from(Map::new());
    let Merged { value, conflicts } = merge(base.map_or(&nothing, File::value), ours.value(), theirs.value());
    let text = if conflicts.is_empty() { merged_text(base, &ours, &theirs, &value, name)? } else { None };
    let readers = merge_readers(base.map(File::readers), ours.readers(), theirs.readers());
    let renewed = |file: &File| base.is_some_and(|base| !file.shares_key(base));
    let (mut file, other) = if renewed(&theirs) && !renewed(&ours) { (theirs, ours) } else { (ours, theirs) };
    let comments = new_comments(base, &other)?;
    file.keep_from(other);
    match text {
        Some(text) => file.rewrite(text.expose().as_bytes())?,
        None => file.replace(value)?,
    }
    let plain = file.plain()?;
    let left = |comment: &&Masked<String>| !plain.expose().lines().any(|line| line.trim_start() == comment.expose());
    let comments_left = comments.iter().filter(left).count();
    let stays = |key: &super::Recipient| readers.recipients().any(|it| it == key);
    let gone = file.readers().recipients().any(|key| !stays(key));
    let file = if gone { file.rekeyed() } else { file };
    Ok(MergedFile { file: file.with_readers(readers), conflicts, comments_left })
}

/// The lines of a file's plain text that are comments, and that its base has not.
fn new_comments(base: Option<&File>, file: &File) -> Result<Vec<Masked<String>>, SecretsError> {
    let base = base.map(File::plain).transpose()?.unwrap_or_default();
    let file = file.plain()?;
    let is_new = |line: &&str| line.starts_with('#') && !base.expose().lines().any(|it| it.trim_start() == *line);
    let lines = file.expose().lines().map(str::trim_start).filter(is_new);
    Ok(lines.map(|line| Masked::new(line.to_owned())).collect())
}

/// The plain texts merged by lines, comments included, where that gives just the wanted content.
fn merged_text(
    base: Option<&File>,
    ours: &File,
    theirs: &File,
    wanted: &Value,
    name: &Arc<String>,
) -> Result<Option<Masked<String>>, SecretsError> {
    let base = base.map(File::plain).transpose()?.unwrap_or_default();
    let ours = ours.plain()?;
    let theirs = theirs.plain()?;
    let merge = TextMerge::from_lines(base.expose(), ours.expose(), theirs.expose());
    if merge.is_conflicted() {
        return Ok(None);
    }
    let text = Masked::new(merge.to_string());
    // A text that is no content is one that lines alone made; its keys are merged instead.
    let same = File::new(text.expose().as_bytes(), name, &Rule::default()).is_ok_and(|file| file.value() == wanted);
    Ok(same.then_some(text))
}

/// Merges readers by group; where the sides have other groups, those of the side that changed them.
fn merge_readers(base: Option<&Readers>, ours: &Readers, theirs: &Readers) -> Readers {
    let Some(base) = base else { return ours.clone() };
    if ours == base || ours == theirs {
        return theirs.clone();
    }
    if theirs == base || ours.groups.len() != theirs.groups.len() || ours.groups.len() != base.groups.len() {
        return ours.clone();
    }
    let group = |((base, ours), theirs): ((&Group, &Group), &Group)| Group {
        recipients: merge_sets(&base.recipients, &ours.recipients, &theirs.recipients),
        others: merge_sets(&base.others, &ours.others, &theirs.others),
    };
    let threshold = if ours.threshold == base.threshold { theirs.threshold } else { ours.threshold };
    Readers { groups: base.groups.iter().zip(&ours.groups).zip(&theirs.groups).map(group).collect(), threshold }
}

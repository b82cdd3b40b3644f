//! The formats of encrypted files: texts to trees, and trees to the same texts as the Go program writes.
//!
//! A tree is a map; that of a YAML text with several documents is a list of maps. Comments are kept beside it.

mod comments;
mod dotenv;
mod json;
mod yaml;

use std::sync::Arc;

pub(super) use self::comments::Comment;
pub(super) use self::yaml::{Around, Change};
use super::metadata::SECTION;
use super::{Format, SecretsError};
use weft_base::value::{Data, Map, Mark, Origin, Path, Value};

/// How far the lines of files are indented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The spaces of a level of YAML.
    pub yaml: usize,
    /// The spaces of a level of JSON; a tab where it is none.
    pub json: Option<usize>,
    /// The same of the JSON around binary content.
    pub binary: Option<usize>,
}

impl Default for Layout {
    fn default() -> Self {
        Self { yaml: 4, json: None, binary: None }
    }
}

/// Refuses a format that is neither read nor written.
pub(super) fn supported(file: &Arc<String>) -> Result<Format, SecretsError> {
    if file.ends_with(".ini") {
        return Err(SecretsError::Ini { file: file.to_string() });
    }
    Ok(Format::of(file))
}

/// Reads a text that is, or is to be, encrypted leaf by leaf.
pub(super) fn read(text: &str, file: &Arc<String>, format: Format) -> Result<Value, SecretsError> {
    match format {
        Format::Yaml => yaml::read(text, file),
        Format::Json | Format::Binary => json::read(text, file),
        Format::Dotenv => dotenv::read(text, file),
    }
}

/// The comments of the text that `root` was read from.
pub(super) fn comments(text: &str, root: &Value, format: Format) -> Vec<Comment> {
    match format {
        Format::Yaml => comments::scan(text, root),
        Format::Json | Format::Binary => Vec::new(),
        Format::Dotenv => dotenv::comments(text),
    }
}

/// Takes the `sops` section out of a tree: that of the first document, where each has one.
pub(super) fn take_section(root: &mut Value, format: Format) -> Result<Option<Value>, SecretsError> {
    match &mut root.data {
        Data::Map(map) if format == Format::Dotenv => dotenv::take_section(map, &root.origin),
        Data::Map(map) => Ok(map.remove(SECTION)),
        Data::List(documents) => {
            let sections = documents.iter_mut().filter_map(Value::as_map_mut).map(|map| map.remove(SECTION));
            Ok(sections.collect::<Vec<_>>().into_iter().next().flatten())
        }
        _ => Ok(None),
    }
}

/// Where a plain tree has what only encrypted ones have.
pub(super) fn section_of(root: &Value, format: Format) -> Option<Mark> {
    let documents = root.as_list().unwrap_or(std::slice::from_ref(root));
    documents.iter().filter_map(Value::as_map).flat_map(Map::iter).find_map(|entry| {
        let reserved = if format == Format::Dotenv { dotenv::is_section(&entry.key) } else { entry.key == SECTION };
        reserved.then_some(entry.mark)
    })
}

/// Writes a tree, with its secrets; `section` comes last.
pub(super) fn write(
    format: Format,
    layout: Layout,
    root: &Value,
    section: Option<Map>,
    comments: Vec<Comment>,
    change: &mut Change<'_>,
) -> Result<String, SecretsError> {
    match format {
        Format::Yaml => yaml::write(root, section, comments, layout.yaml, change),
        Format::Json => Ok(json::write(root, section, layout.json)),
        Format::Binary => Ok(json::write(root, section, layout.binary)),
        Format::Dotenv => dotenv::write(root, section, comments, change),
    }
}

/// Goes through the comments of a tree in order, with the places that they stand at.
pub(super) fn each_comment(
    root: &Value,
    comments: &[Comment],
    see: &mut dyn FnMut(&Comment, &Around<'_>) -> Result<(), SecretsError>,
) -> Result<(), SecretsError> {
    if comments.is_empty() {
        return Ok(());
    }
    let mut change = |comment: &Comment, around: &Around<'_>| see(comment, around).map(|()| String::new());
    yaml::write(root, None, comments.to_vec(), Layout::default().yaml, &mut change).map(drop)
}

/// How a text that was read is laid out; `section` is the one that was in it.
pub(super) fn layout(text: &str, section: &Value, format: Format) -> Layout {
    let mut layout = Layout::default();
    match format {
        Format::Yaml => {
            let column = section.as_map().and_then(|map| map.iter().next()).map_or(0, |entry| entry.mark.column);
            layout.yaml = usize::try_from(column).map_or(4, |it| if (3..=10).contains(&it) { it - 1 } else { 4 });
        }
        Format::Json | Format::Binary => {
            let line = text.lines().nth(1).unwrap_or("\t");
            let spaces = line.chars().take_while(|c| *c == ' ').count();
            let unit = (!line.starts_with('\t')).then_some(spaces);
            (layout.json, layout.binary) = (unit, unit);
        }
        Format::Dotenv => {}
    }
    layout
}

/// An error of a text that has not the syntax of its format.
fn wrong_syntax(message: impl Into<String>, file: &Arc<String>, mark: Mark) -> SecretsError {
    SecretsError::Yaml { message: message.into(), origin: Origin::new(file, mark), hint: None }
}

/// A key or a value that a line `KEY=value` cannot hold.
fn not_flat(path: Path) -> SecretsError {
    SecretsError::NotText { path }
}

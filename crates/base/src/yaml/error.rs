//! Why a text cannot be read, and what to do about it.

use thiserror::Error;

use super::limits;
use crate::diagnostic::{Diagnose, Excerpt, Kind, Place, nearest};
use crate::value::{Mark, Origin};

/// Why a text is not the YAML that is asked for. Messages name keys and kinds, never the text of a value, as that may
/// be a secret; excerpts show what was written.
#[derive(Debug, Error)]
pub enum YamlError {
    /// The text is no YAML.
    #[error("this is not YAML: {problem}{}", since(.context.as_ref()))]
    Syntax {
        /// What is wrong.
        problem: String,
        /// What was being read, and where that began.
        context: Option<(String, Mark)>,
        /// Where it is wrong.
        at: Place,
    },
    /// A key is there twice in one map.
    #[error("the key `{key}` is there twice: here and at {first}")]
    DuplicateKey {
        /// The key.
        key: String,
        /// Where it was before.
        first: Origin,
        /// Where it is again.
        at: Place,
    },
    /// A merge below a key that it would replace, which Go does and YAML does not.
    #[error("`<<` would replace the key `{key}` above it, at {first}")]
    MergeOver {
        /// The key.
        key: String,
        /// Where it is.
        first: Origin,
        /// Where the `<<` is.
        at: Place,
    },
    /// A key that JSON has no text for.
    #[error("{found} cannot be a key")]
    Key {
        /// What it is.
        found: &'static str,
        /// Where.
        at: Place,
    },
    /// `<<` with something that is no map.
    #[error("`<<` takes a map or a list of maps")]
    Merge {
        /// Where the value of `<<` is.
        at: Place,
    },
    /// An alias of something that is not there.
    #[error("there is no anchor `&{name}` above this alias")]
    UnknownAnchor {
        /// The alias.
        name: String,
        /// Where it is.
        at: Place,
    },
    /// An alias within its own anchor.
    #[error("the anchor `&{name}` holds itself")]
    Recursive {
        /// The alias.
        name: String,
        /// Where it is.
        at: Place,
    },
    /// Aliases that blow a small text up.
    #[error("the aliases make the document too large")]
    Aliases {
        /// The alias that went too far.
        at: Place,
    },
    /// Lists and maps that nest too deep.
    #[error("lists and maps nest deeper than {} levels", limits::DEPTH)]
    TooDeep {
        /// Where.
        at: Place,
    },
    /// A text that is too long.
    #[error("the text has {size} bytes, more than the {limit} that are read")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit.
        limit: usize,
        /// The file.
        origin: Origin,
    },
    /// A scalar that is not what its tag says.
    #[error("this is not what its tag `{tag}` says")]
    Tag {
        /// The tag.
        tag: String,
        /// Where.
        at: Place,
    },
    /// A number that JSON does not have.
    #[error("infinite numbers and `.nan` cannot be sent to a server")]
    NotFinite {
        /// Where.
        at: Place,
    },
    /// More than one document where there is room for one.
    #[error("the file holds a second document")]
    Several {
        /// Where the second one begins.
        at: Place,
    },
    /// A key that nobody reads.
    #[error("unknown key `{key}`")]
    UnknownKey {
        /// The key.
        key: String,
        /// The keys that there are.
        known: Vec<String>,
        /// Where the key is.
        at: Place,
    },
    /// A key that must be there.
    #[error("the key `{key}` is missing{}", within(.path))]
    MissingKey {
        /// The key.
        key: String,
        /// The path of the map.
        path: String,
        /// Where the map begins.
        at: Place,
    },
    /// A value of another kind than is asked for.
    #[error("{}expected {expected}, found {found}", field(.path))]
    WrongKind {
        /// The path of the value.
        path: String,
        /// What is asked for.
        expected: String,
        /// What is there.
        found: String,
        /// Where.
        at: Place,
    },
    /// A word that is none of the known ones.
    #[error("{}`{word}` is not known", field(.path))]
    UnknownWord {
        /// The path of the value.
        path: String,
        /// The word.
        word: String,
        /// The words that there are.
        known: Vec<String>,
        /// Where.
        at: Place,
    },
    /// A value that its field does not take, for a reason of the field's own.
    #[error("{}{problem}", field(.path))]
    Invalid {
        /// The path of the value.
        path: String,
        /// What is wrong.
        problem: String,
        /// Where.
        at: Place,
    },
}

fn since(context: Option<&(String, Mark)>) -> String {
    context.map_or_else(String::new, |(what, since)| format!(" {what} that begins at line {}", since.line))
}

fn within(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!(" in `{path}`") }
}

fn field(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!("`{path}`: ") }
}

/// The place of an error, borrowed as the error is.
macro_rules! place_of {
    ($error:ident) => {
        match $error {
            YamlError::Syntax { at, .. }
            | YamlError::DuplicateKey { at, .. }
            | YamlError::MergeOver { at, .. }
            | YamlError::Key { at, .. }
            | YamlError::Merge { at }
            | YamlError::UnknownAnchor { at, .. }
            | YamlError::Recursive { at, .. }
            | YamlError::Aliases { at }
            | YamlError::TooDeep { at }
            | YamlError::Tag { at, .. }
            | YamlError::NotFinite { at }
            | YamlError::Several { at }
            | YamlError::UnknownKey { at, .. }
            | YamlError::MissingKey { at, .. }
            | YamlError::WrongKind { at, .. }
            | YamlError::UnknownWord { at, .. }
            | YamlError::Invalid { at, .. } => Some(at),
            YamlError::TooLarge { .. } => None,
        }
    };
}

impl YamlError {
    /// The same error without the lines around its place, for a text that may hold secrets.
    #[must_use]
    pub fn without_excerpt(mut self) -> Self {
        if let Some(place) = self.place_mut() {
            place.excerpt = None;
        }
        self
    }

    fn place(&self) -> Option<&Place> {
        place_of!(self)
    }

    fn place_mut(&mut self) -> Option<&mut Place> {
        place_of!(self)
    }
}

impl Diagnose for YamlError {
    fn kind(&self) -> Kind {
        Kind::Input
    }

    fn origin(&self) -> Option<&Origin> {
        match self {
            Self::TooLarge { origin, .. } => Some(origin),
            _ => self.place().map(|at| &at.origin),
        }
    }

    fn excerpt(&self) -> Option<&Excerpt> {
        self.place()?.excerpt.as_deref()
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Syntax { problem, .. } => return syntax_hint(problem).map(str::to_owned),
            Self::DuplicateKey { .. } => "Remove one of the two.".into(),
            Self::MergeOver { .. } => "Put `<<` before the other keys, so that they replace what it brings.".into(),
            Self::Key { found: "null", .. } => "Give the key a name, or put it in quotes.".into(),
            Self::Key { .. } => "Put the key in quotes.".into(),
            Self::Merge { .. } => "Write `<<: *name`, where `&name` is the anchor of a map.".into(),
            Self::UnknownAnchor { name, .. } => {
                format!(
                    "Put `&{name}` before the value that is meant, earlier in the same document; or quote the text."
                )
            }
            Self::Recursive { .. } => "Write the value out instead of the alias.".into(),
            Self::Aliases { .. } => "Write the values out, or use fewer aliases of aliases.".into(),
            Self::TooDeep { .. } => "Make the structure flatter.".into(),
            Self::TooLarge { .. } => "Split the file into smaller ones.".into(),
            Self::Tag { .. } => "Correct the value, or remove the tag.".into(),
            Self::NotFinite { .. } => "Write a finite number, or put the text in quotes.".into(),
            Self::Several { .. } => "Remove the `---` before it, or move it into a file of its own.".into(),
            Self::UnknownKey { key, known, .. } => return suggestion(key, known, "key"),
            Self::UnknownWord { word, known, .. } => return suggestion(word, known, "word"),
            Self::MissingKey { key, .. } => format!("Add `{key}:` to this map."),
            Self::WrongKind { expected, found, .. } => return kind_hint(expected, found),
            Self::Invalid { .. } => return None,
        })
    }
}

fn syntax_hint(problem: &str) -> Option<&'static str> {
    Some(match problem {
        "found character that cannot start any token" => {
            "Indent with spaces, not tabs, and put a text that begins with `@`, `%` or a backquote in quotes."
        }
        "mapping values are not allowed in this context" => {
            "Put a text that holds `: ` in quotes, or correct the indentation of this line."
        }
        "could not find expected ':'" => {
            "Add the `:` after the key, or indent the line as a part of the text above it."
        }
        "did not find expected key" | "did not find expected '-' indicator" => {
            "Give this line the indentation of the lines that it belongs to, or close the quotes above it."
        }
        "did not find expected node content"
        | "did not find expected ',' or ']'"
        | "did not find expected ',' or '}'" => {
            "Close the bracket above, or put a text that begins with `{`, `[` or a template's `{{` in quotes."
        }
        "did not find expected <document start>" => "Put `---` before a new document, or the whole text in quotes.",
        "found `?` in a text within brackets" => "Put the text in quotes.",
        "found unexpected end of stream" => "Close the quotes.",
        "control characters are not allowed" => "Remove the character, or write it as an escape in double quotes.",
        _ => return None,
    })
}

fn suggestion(unknown: &str, known: &[String], what: &str) -> Option<String> {
    if let Some(near) = nearest(unknown, known.iter().map(String::as_str)) {
        return Some(format!("Did you mean `{near}`?"));
    }
    let list = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    (!known.is_empty()).then(|| format!("The known {what}s are {list}."))
}

fn kind_hint(expected: &str, found: &str) -> Option<String> {
    Some(match (expected, found) {
        (_, "nothing") => "Give the key a value, or remove it.".into(),
        ("text", "a boolean" | "a number") => "Put the value in quotes.".into(),
        ("true or false", "text") => "Write `true` or `false` without quotes.".into(),
        ("a list", _) => "Begin each item with `- ` on a line of its own, or write `[a, b]`.".into(),
        ("a map", _) => "Write `key: value` lines below it, indented.".into(),
        _ => return None,
    })
}

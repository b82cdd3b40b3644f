//! Values that come from people and programs without being seen by others.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::error::SecretsVerbError;
use crate::cli::files;
use crate::cli::terminal::{Terminal, TerminalError};
use crate::diagnostic::Failure;
use crate::keys;
use crate::masked::Masked;
use crate::value::{Data, Value};
use crate::yaml;

// Where a value comes from, and how it is read.
#[derive(Debug, Args)]
pub(super) struct ValueArgs {
    /// The value, for what is no secret: the shell's history and the list of processes show it. Without it, the value
    /// is asked for, or read from standard input, without its last line end.
    #[arg(conflicts_with_all = ["stdin", "value_file"])]
    value: Option<String>,
    /// Read the value from standard input, without its last line end.
    #[arg(long, conflicts_with = "value_file")]
    stdin: bool,
    /// Read the value from this file, exactly as it is.
    #[arg(long, value_name = "FILE")]
    value_file: Option<PathBuf>,
    /// Take the value as text, also where it reads as a number or a boolean.
    #[arg(long, conflicts_with = "yaml")]
    string: bool,
    /// Read the value as YAML: maps, lists, null, any number.
    #[arg(long)]
    yaml: bool,
}

impl ValueArgs {
    /// Whether others could see the value in the arguments of this process.
    pub(super) fn is_seen(&self) -> bool {
        self.value.is_some()
    }

    /// The value, to stand at `path` in place of `old`.
    pub(super) fn read(&self, path: &str, old: Option<&Value>, terminal: &Terminal) -> Result<Value, Failure> {
        let text = self.text(path, terminal)?;
        if self.yaml {
            let file = Arc::new("value".to_owned());
            let read = yaml::document(text.expose(), &file, yaml::Rules::Strict);
            // The reader's own error would show the value.
            return Ok(read.map_err(|_| SecretsVerbError::NotYaml)?);
        }
        let stays = self.string || old.is_some_and(is_text);
        let typed = if stays { None } else { typed(text.expose()) };
        Ok(typed.unwrap_or_else(|| Data::Text(text.expose().clone())).into())
    }

    fn text(&self, path: &str, terminal: &Terminal) -> Result<Masked<String>, Failure> {
        if let Some(value) = &self.value {
            return Ok(Masked::new(value.clone()));
        }
        if let Some(file) = &self.value_file {
            return of_file(file);
        }
        if !self.stdin && terminal.can_ask() {
            let value = keys::ask_unseen(&format!("Value of {path}: "));
            return Ok(value.ok_or(SecretsVerbError::NoValue)?);
        }
        let mut bytes = zeroize::Zeroizing::new(Vec::new());
        io::stdin().lock().read_to_end(&mut bytes).map_err(TerminalError::Input)?;
        let text = std::str::from_utf8(&bytes);
        let text = text.map_err(|_| SecretsVerbError::NotText { place: "standard input".into() })?;
        // A closed or empty standard input is a mistake more often than an empty secret.
        match without_line_end(text) {
            "" => Err(SecretsVerbError::NoValue.into()),
            text => Ok(Masked::new(text.to_owned())),
        }
    }
}

fn of_file(path: &Path) -> Result<Masked<String>, Failure> {
    let bytes = zeroize::Zeroizing::new(files::bytes(path)?);
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Masked::new(text.to_owned())),
        Err(_) => Err(SecretsVerbError::NotText { place: format!("`{}`", path.display()) }.into()),
    }
}

fn without_line_end(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

fn is_text(value: &Value) -> bool {
    match &value.data {
        Data::Masked(leaf) => matches!(leaf.expose(), Data::Text(_)),
        data => matches!(data, Data::Text(_)),
    }
}

/// The boolean or number that a text stands for, where printing it gives the same text again: a password `0123` or
/// `yes` is none.
fn typed(text: &str) -> Option<Data> {
    match text {
        "true" => Some(Data::Bool(true)),
        "false" => Some(Data::Bool(false)),
        _ => {
            let int = text.parse().ok().filter(|it: &i64| it.to_string() == text).map(Data::Int);
            let float = || text.parse().ok().filter(|it: &f64| it.is_finite() && it.to_string() == text);
            int.or_else(|| float().map(Data::Float))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_prints_the_same_is_typed() {
        assert!(matches!(typed("8080"), Some(Data::Int(8080))));
        assert!(matches!(typed("-1.5"), Some(Data::Float(_))));
        assert!(matches!(typed("true"), Some(Data::Bool(true))));
        for text in ["0123", "yes", "1e5", "+1", "1.10", "99999999999999999999", "null", "", "inf", "NaN", " 1"] {
            assert!(typed(text).is_none(), "{text}");
        }
    }

    #[test]
    fn one_line_end_goes() {
        assert_eq!(["a\n", "a\r\n", "a\n\n", "a"].map(without_line_end), ["a", "a", "a\n", "a"]);
    }
}

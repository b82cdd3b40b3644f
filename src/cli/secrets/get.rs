//! `weft secrets get`.

use std::io::IsTerminal as _;

use clap::{Args, ValueEnum};

use super::error::SecretsVerbError;
use super::place;
use super::subject::{FileArgs, Subject};
use crate::cli::files;
use crate::cli::terminal::Terminal;
use crate::diagnostic::Failure;
use crate::secrets::File;
use crate::value::{Data, Value};
use crate::yaml::{self, Order, Secrets, Write};

/// Print one value of an encrypted file in plain text: exactly its characters, so that it can be piped.
///
/// On a terminal a line end follows. Lists and maps are printed as YAML. Where there is nothing at the place, the exit
/// code is 1 and standard output stays empty.
#[derive(Debug, Args)]
pub(super) struct GetArgs {
    #[command(flatten)]
    file: FileArgs,
    /// The place: `database.password`, `hosts[0]`, `tls["tls.key"]`, `users[name="ann"].token`.
    path: String,
    /// Print this where there is nothing at the place.
    #[arg(long, value_name = "TEXT")]
    default: Option<String>,
    /// How the value is printed.
    #[arg(long, short = 'o', value_name = "FORMAT", default_value = "raw")]
    output: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// Text as it is, lists and maps as YAML.
    Raw,
    /// JSON.
    Json,
}

pub(super) fn run(args: &GetArgs, terminal: &Terminal) -> Result<(), Failure> {
    let subject = Subject::new(&args.file);
    let bytes = files::bytes(&subject.path)?;
    let opened = File::open(&bytes, &subject.name, &subject.identities(&args.file.keys)?)?;
    let path = place::path(&args.path, opened.value());
    let found = path.as_ref().ok().and_then(|path| path.resolve(opened.value()));
    let text = match (found, &args.default) {
        (Some(value), _) => shown(value, args.output)?,
        (None, Some(default)) => default.clone().into(),
        (None, None) => {
            let path = path?;
            let file = subject.name.to_string();
            let around = place::around(&path, opened.value());
            return Err(SecretsVerbError::Absent { file, path, around }.into());
        }
    };
    terminal.print(&text)?;
    if std::io::stdout().is_terminal() && !text.ends_with('\n') {
        terminal.print("\n")?;
    }
    Ok(())
}

/// The value in plain text.
fn shown(value: &Value, format: Format) -> Result<zeroize::Zeroizing<String>, Failure> {
    let leaf = match &value.data {
        Data::Masked(leaf) => leaf.expose(),
        data => data,
    };
    let text = match (format, leaf) {
        (Format::Json, _) => serde_json::to_string(&value.exposed()).map_err(|_| SecretsVerbError::NotYaml)?,
        (Format::Raw, Data::Text(text)) => text.clone(),
        (Format::Raw, data) => {
            let written =
                yaml::write_with(value, Write { order: Order::Written, secrets: Secrets::Exposed, ..Write::default() });
            let leaf = !matches!(data, Data::List(_) | Data::Map(_));
            if leaf { written.trim_end().to_owned() } else { written }
        }
    };
    Ok(text.into())
}

//! The command line: one verb, one file, with its arguments and one function.
//!
//! A verb resolves its arguments into settings, calls one function of `pipeline`, and prints a view of what came back.
//! Standard output gets only what can be piped; everything else goes to standard error.

mod arguments;
mod exit;
mod terminal;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

pub use self::exit::Exit;
use self::terminal::{ColorChoice, Terminal};
use crate::diagnostic::Failure;

/// Renders, compares, applies and watches the Kubernetes releases of a git repository.
#[derive(Debug, Parser)]
#[command(name = "weft", version, max_term_width = 100, arg_required_else_help = true)]
struct Cli {
    /// When to colour the output; `NO_COLOR` is honoured.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: ColorChoice,
    #[command(subcommand)]
    verb: Verb,
}

/// Runs the program with the arguments and the environment of this process.
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    match parse(arguments) {
        Ok(cli) => {
            let terminal = Terminal::new(cli.color);
            let result = cli.verb.run(&terminal);
            exit::finish(result, &terminal)
        }
        Err(error) => exit::usage(&error),
    }
}

//! The one place that turns what happened into an exit code, and a failure into text.

use std::process::ExitCode;

use super::terminal::Terminal;
use crate::diagnostic::{Failure, Kind};

/// How a verb ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done, or nothing to change.
    Done,
    /// Checked, and found wrong.
    Invalid,
    /// Differences were found, and the caller asked to be told so by the exit code.
    Differences,
    /// Stopped part-way.
    Partial,
    /// A guard said no.
    Refused,
    /// Something could not be read.
    Unknown,
    /// A signal ended the run.
    Signal(u8),
    /// A program that we ran ended with this code.
    Program(u8),
}

impl Exit {
    /// The process's exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Invalid => 1,
            Self::Differences => 2,
            Self::Partial => 3,
            Self::Refused => 4,
            Self::Unknown => 5,
            Self::Signal(number) => 128 + number,
            Self::Program(code) => code,
        }
    }
}

/// The exit code of each sort of failure.
fn code_of(kind: Kind) -> u8 {
    match kind {
        Kind::Input | Kind::Secret | Kind::Cluster | Kind::Machine => 1,
        Kind::Partial => 3,
        Kind::Refused => 4,
        Kind::Unknown => 5,
    }
}

/// Prints a failure, and ends the process as the result says.
pub(super) fn finish(result: Result<Exit, Failure>, terminal: &Terminal) -> ExitCode {
    match result {
        Ok(exit) => exit.code().into(),
        Err(failure) => {
            for diagnostic in &failure.diagnostics {
                terminal.diagnose(diagnostic);
            }
            // What was left half-way matters most, then what could not be told.
            let codes = failure.diagnostics.iter().map(|d| code_of(d.kind));
            let rank = |code: &u8| [1, 4, 5, 3].iter().position(|c| c == code);
            codes.max_by_key(rank).unwrap_or(1).into()
        }
    }
}

/// Prints what clap says: help and version end with 0, a wrong command line with 1, since 2 means differences.
pub(super) fn usage(error: &clap::Error) -> ExitCode {
    let printed = error.print();
    ExitCode::from(u8::from(error.use_stderr() || printed.is_err()))
}

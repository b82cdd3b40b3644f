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

    /// How a run ends that failed so.
    pub fn of(failure: &Failure) -> Self {
        let kinds = failure.diagnostics.iter().map(|it| match it.kind {
            Kind::Input | Kind::Secret | Kind::Cluster | Kind::Machine => Self::Invalid,
            Kind::Partial => Self::Partial,
            Kind::Refused => Self::Refused,
            Kind::Unknown => Self::Unknown,
        });
        Self::gravest(kinds.chain([Self::Invalid]))
    }

    /// How a run of several parts ends that ended so. A signal comes first, then what was left half-way, then what could
    /// not be told, then what was refused, then what failed.
    pub fn gravest(exits: impl IntoIterator<Item = Self>) -> Self {
        exits.into_iter().max_by_key(|it| it.gravity()).unwrap_or(Self::Done)
    }

    fn gravity(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Differences => 1,
            Self::Invalid | Self::Program(_) => 2,
            Self::Refused => 3,
            Self::Unknown => 4,
            Self::Partial => 5,
            Self::Signal(_) => 6,
        }
    }

    /// Whether it did not come to its end: neither done nor a mere difference.
    pub fn is_failure(self) -> bool {
        self.gravity() > Self::Differences.gravity()
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
            Exit::of(&failure).code().into()
        }
    }
}

/// Prints what clap says: help and version end with 0, a wrong command line with 1, since 2 means differences.
pub(super) fn usage(error: &clap::Error) -> ExitCode {
    let printed = error.print();
    ExitCode::from(u8::from(error.use_stderr() || printed.is_err()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gravest_of_several_ends_counts() {
        let order = [
            Exit::Done,
            Exit::Differences,
            Exit::Invalid,
            Exit::Refused,
            Exit::Unknown,
            Exit::Partial,
            Exit::Signal(2),
        ];
        for (at, graver) in order.iter().enumerate() {
            assert_eq!(Exit::gravest(order[..=at].iter().rev().copied()), *graver);
        }
        assert_eq!(Exit::gravest([]), Exit::Done);
        assert!(!Exit::Differences.is_failure() && Exit::Invalid.is_failure());
    }
}

//! What an error says to a person: where, what, and what to do next.
//!
//! Each module has its own error enum and implements [`Diagnose`] beside its variants. `cli::failure` is the one file
//! that turns a [`Kind`] into an exit code and prints a [`Diagnostic`].

mod counted;
mod excerpt;
mod harmless;
mod place;
mod suggest;
mod trace;

use std::error::Error;
use std::fmt;

pub use self::counted::counted;
pub use self::excerpt::{Excerpt, cut};
pub use self::harmless::{line as harmless_line, lines as harmless};
pub use self::place::Place;
pub use self::suggest::nearest;
pub use self::trace::Trace;
use crate::value::Origin;

/// What sort of failure it is; the exit code follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The command line or a file of the repository is wrong; nothing was changed.
    Input,
    /// A secret cannot be read, or was tampered with; nothing was changed.
    Secret,
    /// The cluster cannot be reached or refuses us; nothing was changed.
    Cluster,
    /// Something could not be read, so a whole answer is not possible.
    Unknown,
    /// A guard said no; nothing was changed.
    Refused,
    /// The run stopped part-way.
    Partial,
    /// This machine failed us: a file could not be written, a program is missing.
    Machine,
}

/// An error that knows its place and what to do about it.
pub trait Diagnose: Error {
    /// The sort of failure.
    fn kind(&self) -> Kind;

    /// Where: the file with line and column.
    fn origin(&self) -> Option<&Origin> {
        None
    }

    /// The lines around the place, with a caret.
    fn excerpt(&self) -> Option<&Excerpt> {
        None
    }

    /// What to do next, as a full sentence.
    fn hint(&self) -> Option<String> {
        None
    }
}

/// An error ready to be printed: the same facts for a terminal, JSON and Markdown.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostic {
    /// The sort of failure.
    pub kind: Kind,
    /// What went wrong, first line first, then its causes.
    pub messages: Vec<String>,
    /// Where.
    pub origin: Option<Origin>,
    /// The lines around the place.
    pub excerpt: Option<Excerpt>,
    /// The releases that it stops, where it is about something that several may share.
    pub releases: Vec<String>,
    /// What to do next.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// Collects what an error and its sources say. A source whose text the message repeats is left out.
    pub fn of(error: &dyn Diagnose) -> Self {
        let mut messages = vec![error.to_string()];
        let mut source = error.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            if !messages.iter().any(|said| said.contains(&text)) {
                messages.push(text);
            }
            source = cause.source();
        }
        Self {
            kind: error.kind(),
            messages,
            origin: error.origin().cloned(),
            excerpt: error.excerpt().cloned(),
            releases: Vec::new(),
            hint: error.hint(),
        }
    }

    /// What went wrong and why, on one line.
    pub fn reason(&self) -> String {
        self.messages.join(": ")
    }

    /// Whether both say the same, of whatever release.
    fn repeats(&self, other: &Self) -> bool {
        let said = |it: &Self| (it.kind, it.messages.clone(), it.origin.clone(), it.hint.clone());
        said(self) == said(other)
    }
}

/// What went wrong and why, for each, on one line.
pub fn reasons(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(Diagnostic::reason).collect::<Vec<_>>().join("; ")
}

/// A run that failed, with all that is wrong. Any error that can be diagnosed becomes one through `?`.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// At least one diagnostic.
    pub diagnostics: Vec<Diagnostic>,
}

impl Failure {
    /// The failure of the results that failed, or all values. So people see everything that is wrong at once, and what
    /// is wrong in a chart of many releases only once.
    pub fn collect<T>(results: impl IntoIterator<Item = Result<T, Failure>>) -> Result<Vec<T>, Failure> {
        let mut values = Vec::new();
        let mut all = Self { diagnostics: Vec::new() };
        for result in results {
            match result {
                Ok(value) => values.push(value),
                Err(failure) => failure.diagnostics.into_iter().for_each(|it| all.add(it)),
            }
        }
        if all.diagnostics.is_empty() { Ok(values) } else { Err(all) }
    }

    fn add(&mut self, diagnostic: Diagnostic) {
        match self.diagnostics.iter_mut().find(|it| it.repeats(&diagnostic)) {
            Some(same) => same.releases.extend(diagnostic.releases),
            None => self.diagnostics.push(diagnostic),
        }
    }

    /// The same failure, as one of a release.
    #[must_use]
    pub fn of_release(mut self, release: &str) -> Self {
        for diagnostic in &mut self.diagnostics {
            diagnostic.releases.push(release.to_owned());
        }
        self
    }

    /// The same failure, as one of an environment among several: each first message begins with its name.
    #[must_use]
    pub fn of_environment(mut self, environment: &str) -> Self {
        for message in self.diagnostics.iter_mut().filter_map(|it| it.messages.first_mut()) {
            *message = format!("{environment}: {message}");
        }
        self
    }
}

impl<E: Diagnose> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { diagnostics: vec![Diagnostic::of(&error)] }
    }
}

impl From<Diagnostic> for Failure {
    fn from(diagnostic: Diagnostic) -> Self {
        Self { diagnostics: vec![diagnostic] }
    }
}

impl fmt::Display for Diagnostic {
    /// ```text
    /// error: unknown key `namespce`
    ///  --> environments/dev/environment.yaml:4:3
    ///   |
    /// 4 |   namespce: apps
    ///   |   ^^^^^^^^
    ///   = cause: ...
    ///   = hint: Did you mean `namespace`?
    /// ```
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, causes) = self.messages.split_first().map_or(("", &[][..]), |(f, c)| (f.as_str(), c));
        writeln!(f, "error: {}", harmless(first))?;
        if let Some(origin) = &self.origin {
            writeln!(f, " --> {}", harmless_line(&origin.to_string()))?;
        }
        if let Some(excerpt) = &self.excerpt {
            write!(f, "{excerpt}")?;
        }
        for cause in causes {
            writeln!(f, "  = cause: {}", below(cause, 11))?;
        }
        if !self.releases.is_empty() {
            let plural = if self.releases.len() == 1 { "" } else { "s" };
            writeln!(f, "  = release{plural}: {}", harmless_line(&self.releases.join(", ")))?;
        }
        if let Some(hint) = &self.hint {
            writeln!(f, "  = hint: {}", below(hint, 10))?;
        }
        Ok(())
    }
}

/// A text of several lines, of which all but the first stand behind so many spaces.
fn below(text: &str, column: usize) -> String {
    let lines: Vec<String> = text.split('\n').map(harmless_line).collect();
    lines.join(&format!("\n{:column$}", ""))
}

//! What a rendering really looks at: templates and helpers that were executed, files that they asked for, and functions
//! that know more than their arguments.
//!
//! A rendering runs on one thread from its beginning to its end, so what it looks at is noted there, and only while
//! somebody wants to know: see [`recorded`].

use std::cell::RefCell;
use std::collections::BTreeSet;

thread_local! {
    static NOTES: RefCell<Option<Reads>> = const { RefCell::new(None) };
}

/// What was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// The files of templates that were executed, whole or in parts, by path from the root; and other files of charts, by
    /// path from the chart.
    pub files: BTreeSet<String>,
    /// The named parts of templates that were executed.
    pub helpers: BTreeSet<String>,
    /// The functions and names that tell more than what a revision says: `now`, `lookup`, `capabilities`.
    pub functions: BTreeSet<&'static str>,
}

impl Reads {
    /// Whether a file was read, by its path from the root.
    pub fn has_file(&self, path: &str) -> bool {
        let below = |at: usize| &path[at + 1..];
        self.files.contains(path) || path.match_indices('/').any(|(at, _)| self.files.contains(below(at)))
    }
}

/// Does something, and tells what it looked at.
pub fn recorded<T>(work: impl FnOnce() -> T) -> (T, Reads) {
    let before = NOTES.replace(Some(Reads::default()));
    let done = work();
    (done, NOTES.replace(before).unwrap_or_default())
}

/// Whether somebody wants to know, for those who would have to find out what to note.
pub fn is_on() -> bool {
    NOTES.with_borrow(Option::is_some)
}

/// Notes the file of a template, or another one.
pub fn file(path: &str) {
    note(|reads| {
        if !reads.files.contains(path) {
            reads.files.insert(path.to_owned());
        }
    });
}

/// Notes a named part of a template.
pub fn helper(name: &[u8]) {
    note(|reads| {
        reads.helpers.insert(String::from_utf8_lossy(name).into_owned());
    });
}

/// Notes a function.
pub fn function(name: &'static str) {
    note(|reads| {
        reads.functions.insert(name);
    });
}

fn note(note: impl FnOnce(&mut Reads)) {
    NOTES.with_borrow_mut(|notes| notes.as_mut().map(note));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_noted_only_while_somebody_wants_to_know() {
        file("before");
        let ((), reads) = recorded(|| {
            file("charts/app/templates/a.yaml");
            file("config/app.ini");
            helper(b"app.labels");
            function("now");
            assert!(recorded(|| file("inner")).1.has_file("inner"));
        });
        file("after");
        assert_eq!(reads.files.len(), 2);
        assert!(reads.has_file("charts/app/templates/a.yaml") && reads.has_file("charts/app/config/app.ini"));
        assert!(!reads.has_file("charts/app/templates/b.yaml") && !reads.has_file("inner"));
        assert!(reads.helpers.contains("app.labels") && reads.functions.contains("now"));
    }
}

//! The events of a text, quickly where that is known how, and from libyaml else.

use super::events::{Event, Events, Problem, What};
use super::quick::Quick;

/// The events of a text. It ends after the last document, or after the first problem.
pub(super) struct Stream<'t> {
    text: &'t str,
    quick: Option<Quick<'t>>,
    /// What is left of a document that was read quickly, and how many were.
    document: std::vec::IntoIter<Event>,
    read: usize,
    full: Option<Events<'t>>,
}

impl<'t> Stream<'t> {
    /// The events of `text`.
    pub fn new(text: &'t str) -> Self {
        Self { text, quick: Quick::new(text), document: Vec::new().into_iter(), read: 0, full: None }
    }

    /// libyaml's events behind the documents that were told already.
    fn full(&mut self) -> &mut Events<'t> {
        let text = self.text;
        let read = std::mem::take(&mut self.read);
        self.full.get_or_insert_with(|| {
            let mut events = Events::new(text);
            let ends = events.by_ref().filter(|it| matches!(it, Ok(Event { what: What::DocumentEnd, .. })));
            ends.take(read).for_each(drop);
            events
        })
    }
}

impl Iterator for Stream<'_> {
    type Item = Result<Event, Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(event) = self.document.next() {
            return Some(Ok(event));
        }
        let Some(quick) = &mut self.quick else { return self.full().next() };
        if let Some(events) = quick.document() {
            self.document = events.into_iter();
            self.read += 1;
            return self.document.next().map(Ok);
        }
        self.quick = None;
        self.full().next()
    }
}

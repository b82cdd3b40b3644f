//! Where in a rendered file something is.

use std::sync::Arc;

use crate::chart::RenderedFile;
use weft_base::diagnostic::Place;
use weft_base::value::{Mark, Origin};

/// A rendered file as errors may show it.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    file: &'a RenderedFile,
}

impl<'a> Source<'a> {
    /// The file that was rendered.
    pub fn new(file: &'a RenderedFile) -> Self {
        Self { file }
    }

    /// The path of the file.
    pub fn path(self) -> &'a Arc<String> {
        &self.file.path
    }

    /// The text with stand-ins in place of secrets; `None` where there is none that could be shown.
    pub fn shown(self) -> Option<&'a str> {
        match &self.file.stand_in {
            Some(text) => Some(text),
            None if self.file.opaque => None,
            None => Some(self.file.text.expose()),
        }
    }

    /// The place of a mark: a line of the rendered text, under the template's name.
    pub fn origin(self, mark: Mark) -> Origin {
        Origin::new(&self.file.path, mark)
    }

    /// The place of a mark; `width` characters are underlined.
    pub fn place(self, mark: Mark, width: usize) -> Place {
        match self.shown() {
            Some(text) => Place::new(text, self.origin(mark), width),
            None => self.bare(mark),
        }
    }

    /// The place of a mark without the text around it, for objects that are secret as a whole.
    pub fn bare(self, mark: Mark) -> Place {
        Place::bare(self.origin(mark))
    }
}

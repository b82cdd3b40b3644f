//! A place with the lines around it.

use super::Excerpt;
use crate::value::Origin;

/// How many lines stand above the one that is meant.
const CONTEXT: u32 = 2;

/// Where something was written, ready to be shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Place {
    /// The file with line and column.
    pub origin: Origin,
    /// The lines with a caret; `None` where the text is not at hand, or must not be shown.
    pub excerpt: Option<Box<Excerpt>>,
}

impl Place {
    /// The place `origin` of a file that holds `text`, with `width` characters underlined.
    pub fn new(text: &str, origin: Origin, width: usize) -> Self {
        let excerpt = Excerpt::new(text, origin.mark, width, CONTEXT).map(Box::new);
        Self { origin, excerpt }
    }

    /// The place alone.
    pub fn bare(origin: Origin) -> Self {
        Self { origin, excerpt: None }
    }
}

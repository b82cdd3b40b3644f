//! Which leaves and comments of one file are encrypted.

use super::SecretsError;
use super::selector::Selector;
use super::store::{self, Around, Comment};
use crate::value::{Mark, Path, Value};

/// A selector with what the comments of the file decide: one that fits holds for what it stands before or beside, for
/// all below that, and for the comments that follow it there. Comments below all others decide nothing.
pub(super) struct Decisions<'s> {
    selector: &'s Selector,
    /// What the comments that fit stand before, and where they stand.
    fitting: Vec<(Path, Mark)>,
}

impl<'s> Decisions<'s> {
    /// What the comments of a tree decide, as they are written.
    pub fn new(selector: &'s Selector, root: &Value, comments: &[Comment]) -> Result<Self, SecretsError> {
        let mut fitting = Vec::new();
        if let Some(regex) = selector.comments() {
            store::each_comment(root, comments, &mut |comment, around| {
                if regex.is_match(&comment.text) {
                    fitting.push((around.of.clone(), comment.mark));
                }
                Ok(())
            })?;
        }
        Ok(Self { selector, fitting })
    }

    /// Whether the leaf at a path is encrypted.
    pub fn leaf(&self, path: &Path) -> bool {
        let fits = || self.fitting.iter().any(|(of, _)| of.is_prefix_of(path));
        match self.selector {
            Selector::UnencryptedComment(_) => !fits(),
            Selector::EncryptedComment(_) => fits(),
            other => other.encrypts(path),
        }
    }

    /// Whether a comment is encrypted. One that says that what follows is not, or is, stays readable itself.
    pub fn comment(&self, comment: &Comment, around: &Around<'_>) -> bool {
        let above = |of: &Path| *of != around.of && of.is_prefix_of(&around.of);
        let fits = |before: &dyn Fn(Mark) -> bool| {
            self.fitting.iter().any(|(of, mark)| above(of) || (*of == around.of && before(*mark)))
        };
        match self.selector {
            Selector::UnencryptedComment(_) => !fits(&|mark| mark <= comment.mark),
            Selector::EncryptedComment(_) => fits(&|mark| mark < comment.mark),
            other => other.encrypts(around.container),
        }
    }
}

//! Which leaves and comments of one file are encrypted.

use super::SecretsError;
use super::selector::Selector;
use super::store::{self, Around, Comment};
use weft_base::masked::Masked;
use weft_base::value::{Data, Mark, Path, Step, Value};

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

    /// Masks the leaves of a plain tree that are encrypted.
    pub fn mask(&self, value: &mut Value, path: &mut Path) {
        match &mut value.data {
            Data::Map(map) => map.iter_mut().for_each(|entry| {
                path.0.push(Step::Field(entry.key.clone()));
                self.mask(&mut entry.value, path);
                path.0.pop();
            }),
            Data::List(items) => items.iter_mut().enumerate().for_each(|(at, item)| {
                path.0.push(Step::Index(at));
                self.mask(item, path);
                path.0.pop();
            }),
            Data::Null | Data::Masked(_) => {}
            Data::Text(text) if text.is_empty() => {}
            leaf if self.leaf(path) => *leaf = Data::Masked(Masked::new(std::mem::take(leaf))),
            _ => {}
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

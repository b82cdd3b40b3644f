//! Places in the files of a repository.

use crate::diagnostic::Place;
use crate::tree::Tree;
use crate::value::{Entry, Mark, Origin, Value};

impl Place {
    /// The place `origin`, with `width` characters underlined.
    pub fn in_tree(tree: &Tree, origin: &Origin, width: usize) -> Self {
        let text = origin.file.as_deref().and_then(|file| tree.text(file).ok());
        text.map_or_else(|| Self::bare(origin.clone()), |text| Self::new(text, origin.clone(), width))
    }

    /// The place of a plain text whose node is not at hand: it is underlined up to its end.
    pub fn of_word(tree: &Tree, origin: &Origin) -> Self {
        let text = origin.file.as_deref().and_then(|file| tree.text(file).ok()).unwrap_or_default();
        let ends = |c: char| c.is_whitespace() || matches!(c, ',' | ']' | '}');
        let before = |n: u32| usize::try_from(n.saturating_sub(1)).unwrap_or(usize::MAX);
        let line = text.lines().nth(before(origin.mark.line)).unwrap_or_default();
        let width = line.chars().skip(before(origin.mark.column)).take_while(|c| !ends(*c)).count();
        Self::in_tree(tree, origin, width)
    }

    /// The place of a node; a text is underlined whole.
    pub fn of_node(tree: &Tree, node: &Value) -> Self {
        Self::in_tree(tree, &node.origin, node.as_str().map_or(1, |text| text.chars().count()))
    }

    /// The place of a key.
    pub fn of_key(tree: &Tree, entry: &Entry) -> Self {
        let origin = Origin { file: entry.value.origin.file.clone(), mark: entry.mark };
        Self::in_tree(tree, &origin, entry.key.chars().count())
    }

    /// A file as a whole.
    pub fn of_file(file: &str) -> Self {
        Self::bare(Origin::new(&std::sync::Arc::new(file.to_owned()), Mark::default()))
    }
}

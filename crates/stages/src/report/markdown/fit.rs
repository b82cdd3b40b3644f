//! Chooses a degree of detail for each object, so that the page stays within its limit.

use std::collections::BTreeMap;

use super::block::Block;
use crate::report::Detail;
use crate::report::escape::page;

/// What a table of counts counts by: cells of an object.
type CountCells = fn(&Block) -> Vec<String>;

/// The objects of a page, and how many of them have which degree.
#[derive(Debug, Default)]
pub(super) struct FittedPage {
    /// What stands on the page.
    pub text: String,
    /// With all of their changes.
    pub whole: usize,
    /// With some of them.
    pub changed: usize,
    /// With a line.
    pub named: usize,
    /// Not at all.
    pub counted: usize,
}

impl FittedPage {
    /// The one of which a note is the longest.
    pub fn longest(objects: usize) -> Self {
        Self { text: String::new(), whole: objects, changed: objects, named: objects, counted: objects }
    }
}

/// All objects with all of their changes, if there is room.
pub(super) fn whole(blocks: &[Block], room: usize) -> Option<String> {
    // Looking for what changed takes long, and nothing is shorter than its line.
    sum(blocks, Detail::Names, room)?;
    sum(blocks, Detail::Full, room)?;
    Some(blocks.iter().map(|it| it.text(Detail::Full)).collect())
}

/// The bytes of all at a degree, if they fit.
fn sum(blocks: &[Block], detail: Detail, room: usize) -> Option<usize> {
    blocks.iter().try_fold(0_usize, |sum, it| sum.checked_add(it.text(detail).len()).filter(|it| *it <= room))
}

/// Each object at the highest degree that there is room for, the first ones first. Where not even the lines of all fit,
/// the others are counted, and a quarter of the room is for the changes of what destroys.
pub(super) fn fit(blocks: &[Block], room: usize) -> FittedPage {
    let (named, spare) = match sum(blocks, Detail::Names, room) {
        Some(names) => (blocks.len(), room - names),
        None => some(blocks, room),
    };
    let (named, rest) = blocks.split_at(named);
    let degrees = degrees(named, spare, rest.is_empty());
    let mut fitted = FittedPage { counted: rest.len(), ..FittedPage::default() };
    for (block, degree) in named.iter().zip(degrees) {
        fitted.text += block.text(degree);
        *match degree {
            Detail::Full => &mut fitted.whole,
            Detail::Changes => &mut fitted.changed,
            Detail::Names | Detail::Counts => &mut fitted.named,
        } += 1;
    }
    let room = room.saturating_sub(fitted.text.len());
    fitted.text += &counts(rest, room);
    fitted
}

/// How many objects have a line where not all can, and what is left for changes.
fn some(blocks: &[Block], room: usize) -> (usize, usize) {
    // Fewer objects have no longer a table.
    let room = room.saturating_sub(counts(blocks, room / 2).len());
    let spare = if blocks.iter().any(Block::destroys) { room / 4 } else { 0 };
    let mut left = room - spare;
    let mut named = 0;
    for block in blocks {
        let Some(rest) = left.checked_sub(block.text(Detail::Names).len()) else { break };
        (left, named) = (rest, named + 1);
    }
    (named, left + spare)
}

/// By object, the degree for which there is room: first for what destroys, then, if all objects are there, for the
/// others.
fn degrees(blocks: &[Block], spare: usize, all: bool) -> Vec<Detail> {
    let mut degrees = vec![Detail::Names; blocks.len()];
    let mut left = spare;
    for destroying in [true, false].into_iter().take(if all { 2 } else { 1 }) {
        for detail in [Detail::Changes, Detail::Full] {
            let of = blocks.iter().zip(&mut degrees).filter(|(block, _)| block.destroys() == destroying);
            for (block, degree) in of {
                let more = block.text(detail).len().saturating_sub(block.text(*degree).len());
                if *degree < detail && more <= left {
                    left -= more;
                    *degree = detail;
                }
            }
        }
    }
    // One that has nothing to show but its line is whole with it.
    let bare = |block: &Block, degree| degree < Detail::Full && block.text(degree) == block.text(Detail::Full);
    let whole = |(block, degree): (&Block, Detail)| if bare(block, degree) { Detail::Full } else { degree };
    blocks.iter().zip(degrees).map(whole).collect()
}

/// The finest table of counts for which there is room; where there is none for any, the counts of the page's head have
/// to do.
fn counts(blocks: &[Block], room: usize) -> String {
    let by: [(&str, CountCells); 3] = [
        ("| release | kind | action |", |it| vec![it.release(), it.kind(), it.action()]),
        ("| kind | action |", |it| vec![it.kind(), it.action()]),
        ("| action |", |it| vec![it.action()]),
    ];
    by.into_iter().map(|(head, cells)| table(blocks, head, cells)).find(|it| it.len() <= room).unwrap_or_default()
}

fn table(blocks: &[Block], head: &str, cells: CountCells) -> String {
    if blocks.is_empty() {
        return String::new();
    }
    let mut counts: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    for block in blocks {
        *counts.entry(cells(block)).or_default() += 1;
    }
    let row = |(cells, count): (Vec<String>, usize)| {
        let cells = cells.iter().map(|it| format!("| {} ", page(it))).collect::<Vec<_>>().concat();
        format!("{cells}| {count} |\n")
    };
    let dashes = "---|".repeat(head.matches('|').count() - 1);
    let rows: String = counts.into_iter().map(row).collect();
    format!("\n**Only counted**\n\n{head} objects |\n|{dashes}---:|\n{rows}")
}

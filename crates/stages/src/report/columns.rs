//! The three-column layout: a row per field with the applied, live and desired value.

use super::values::{ChangeParts, after, cut, path, reason, whole, writers};
use crate::diff::{Class, FieldChange};

/// What the columns say.
const HEAD: [&str; COLUMNS] = ["field", "class", "base", "live", "desired"];
/// How many there are.
const COLUMNS: usize = 5;
/// The blanks between two columns.
const GAP: usize = 2;
/// No column is narrower, however little room there is.
const NARROWEST: usize = 8;
/// A cell has at most this many lines; the rest of a longer one is left out.
const TALLEST: usize = 4;

/// The table of the changes as lines of at most `room` characters: its head first, then the rows. Under a row stands
/// who else wrote the field, and why it is ignored or not known.
pub(super) fn columns(parts: &ChangeParts, room: usize) -> Vec<String> {
    let rows: Vec<(&FieldChange, [String; COLUMNS])> = changes(parts).map(|change| (change, cells(change))).collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let heads = HEAD.map(str::to_owned);
    let widths = widths(rows.iter().map(|(_, row)| row).chain([&heads]), room);
    let mut lines = tall(&heads, &widths);
    for (change, row) in &rows {
        lines.extend(tall(row, &widths));
        lines.extend(
            note(change).iter().flat_map(|note| wrap(note, room.saturating_sub(GAP))).map(|it| format!("  {it}")),
        );
    }
    lines
}

/// All changes, each once.
pub(super) fn changes<'p>(parts: &'p ChangeParts<'_>) -> impl Iterator<Item = &'p FieldChange> {
    let met = parts.since.iter().filter(|change| change.class == Class::Met);
    parts.next.iter().chain(met).chain(&parts.ignored).copied()
}

/// What stands in the columns of a change.
pub(super) fn cells(change: &FieldChange) -> [String; COLUMNS] {
    let [base, live] = [&change.base, &change.live].map(|side| whole(side.as_ref()));
    [path(change), change.class.to_string(), base, live, after(change)]
}

/// `by kubectl-edit (Update)`, and why the field is ignored or not known.
pub(super) fn note(change: &FieldChange) -> Option<String> {
    let writers = writers(change);
    let reason = super::escape::line(&reason(change));
    let by = (!writers.is_empty()).then(|| format!("by {writers}"));
    let notes: Vec<String> = by.into_iter().chain((!reason.is_empty()).then_some(reason)).collect();
    (!notes.is_empty()).then(|| notes.join("; "))
}

/// Columns as wide as their cells. If that is too wide, the widest shrink, a path half as much as a value.
fn widths<'r>(rows: impl Iterator<Item = &'r [String; COLUMNS]>, room: usize) -> [usize; COLUMNS] {
    let mut widths = [0; COLUMNS];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let room = room.saturating_sub(GAP * (COLUMNS - 1));
    while widths.iter().sum::<usize>() > room {
        let weight = |at: usize| if at == 0 { widths[at] / 2 } else { widths[at] };
        let Some(widest) = (0..COLUMNS).filter(|at| widths[*at] > NARROWEST).max_by_key(|at| weight(*at)) else {
            break;
        };
        widths[widest] -= 1;
    }
    widths
}

/// A row as the lines that its tallest cell takes.
fn tall(row: &[String; COLUMNS], widths: &[usize; COLUMNS]) -> Vec<String> {
    let cells: Vec<Vec<String>> = row.iter().zip(widths).map(|(cell, width)| wrap(cell, *width)).collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or(0);
    let line = |at: usize| {
        let parts =
            cells.iter().zip(widths).map(|(cell, width)| format!("{:width$}", cell.get(at).map_or("", |it| it)));
        parts.collect::<Vec<_>>().join(&" ".repeat(GAP)).trim_end().to_owned()
    };
    (0..height).map(line).collect()
}

/// The text in lines of at most `width` characters, which end at a seam of it where one is near.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut chars: Vec<char> = text.chars().collect();
    let mut lines = Vec::new();
    while chars.len() > width && lines.len() + 1 < TALLEST {
        let ends = |at: &usize| " .,/:".contains(chars[*at]) || " [".contains(chars[at + 1]);
        let seam = (width / 3..width).rev().find(ends);
        let rest = chars.split_off(seam.map_or(width, |at| at + 1));
        lines.push(chars.iter().collect::<String>().trim_end().to_owned());
        chars = rest.into_iter().skip_while(|it| *it == ' ').collect();
    }
    lines.push(cut(&chars.iter().collect::<String>(), width));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_cell_is_wrapped_at_its_seams_and_cut_in_the_end() {
        assert_eq!(wrap("spec.template.spec", 10), ["spec.", "template.", "spec"]);
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap(&"x".repeat(20), 4), ["xxxx", "xxxx", "xxxx", "xxx…"]);
        assert_eq!(wrap("", 4), [""]);
    }

    #[test]
    fn no_row_is_wider_than_there_is_room() {
        let row = [40, 8, 100, 30, 100].map(|width| "x".repeat(width));
        for room in [60, 80, 160] {
            let widths = widths([&row].into_iter(), room);
            assert!(widths.iter().sum::<usize>() + GAP * 4 <= room, "{widths:?}");
            assert!(tall(&row, &widths).iter().all(|line| line.chars().count() <= room));
        }
        let few = ["a", "drift", "1", "2", "1"].map(str::to_owned);
        assert_eq!(widths([&few].into_iter(), 80), [1, 5, 1, 1, 1], "no wider than they are");
    }
}

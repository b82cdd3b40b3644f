//! The order of keys that Go's library writes: `a2` before `a10`, letters after everything else.

use std::cmp::Ordering;
use std::sync::LazyLock;

use regex::Regex;

use crate::value::{Entry, Map};

/// The entries of a map in Go's order. Go's comparison knows cycles (`a10 < a1b < a2 < a10`), which no sort of the
/// standard library may be given; inserting one by one copes with them, and always gives the same order.
pub(super) fn natural(map: &Map) -> Vec<&Entry> {
    let mut entries: Vec<&Entry> = map.iter().collect();
    entries.sort_by(|a, b| a.key.cmp(&b.key));
    let mut sorted: Vec<&Entry> = Vec::with_capacity(entries.len());
    for entry in entries {
        let at = sorted.partition_point(|other| !less(&entry.key, &other.key));
        sorted.insert(at, entry);
    }
    sorted
}

/// Whether `a` comes before `b`; go-yaml's `keyList.Less`.
fn less(a: &str, b: &str) -> bool {
    let same = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let same = (0..=same).rev().find(|at| a.is_char_boundary(*at) && b.is_char_boundary(*at)).unwrap_or(0);
    let (before, rest) = a.split_at(same);
    let other = &b[same..];
    let (Some(mine), Some(theirs)) = (rest.chars().next(), other.chars().next()) else {
        return rest.len() < other.len();
    };
    match (is_letter(mine), is_letter(theirs)) {
        (true, true) => return mine < theirs,
        (false, false) => {}
        (_, their_letter) => return their_letter,
    }
    // A zero after the digits of a number counts as a digit of it.
    let within_number =
        (mine == '0' || theirs == '0') && before.chars().rev().take_while(|c| is_digit(*c)).any(|c| c != '0');
    let start = i64::from(within_number);
    let (mine_value, mine_digits) = number(rest, start);
    let (their_value, their_digits) = number(other, start);
    mine_value.cmp(&their_value).then(mine_digits.cmp(&their_digits)).then(mine.cmp(&theirs)) == Ordering::Less
}

/// The number that a text begins with, after `start`, and how many digits it has. It wraps around, as Go's does.
fn number(text: &str, start: i64) -> (i64, usize) {
    let digits = text.chars().take_while(|c| is_digit(*c));
    digits.fold((start, 0), |(value, count), digit| {
        let digit = i64::from(u32::from(digit)) - i64::from(u32::from('0'));
        (value.wrapping_mul(10).wrapping_add(digit), count + 1)
    })
}

fn is_letter(c: char) -> bool {
    static LETTER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\p{L}$").ok());
    if c.is_ascii() { c.is_ascii_alphabetic() } else { is_in(LETTER.as_ref(), c) }
}

fn is_digit(c: char) -> bool {
    static DIGIT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\p{Nd}$").ok());
    if c.is_ascii() { c.is_ascii_digit() } else { is_in(DIGIT.as_ref(), c) }
}

fn is_in(class: Option<&Regex>, c: char) -> bool {
    class.is_some_and(|class| class.is_match(c.encode_utf8(&mut [0; 4])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(keys: impl Iterator<Item = &'static str>) -> Vec<String> {
        let map: Map = keys.map(|key| (key, true)).collect();
        natural(&map).into_iter().map(|e| e.key.to_string()).collect()
    }

    #[test]
    fn numbers_in_keys_are_numbers() {
        let keys = ["b", "a10", "a2", "A", "_", "10", "9", "-", "a", "a010", "é", "a-b"];
        assert_eq!(sorted(keys.into_iter()), ["-", "_", "9", "10", "A", "a", "a-b", "a2", "a10", "a010", "b", "é"]);
    }

    #[test]
    fn a_cycle_has_one_order() {
        let keys = ["a10", "a1b", "a2", "1e3", "9", "10"];
        assert_eq!(sorted(keys.into_iter()), sorted(keys.into_iter().rev()));
    }
}

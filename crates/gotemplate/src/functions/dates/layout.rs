//! Go's layouts: times are described by how one moment, Monday, January 2 of 2006 at 15:04:05, would be written.

/// A piece of a layout.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Piece {
    /// One of [`NAMED`].
    Named(&'static str),
    /// Fractions of a second: so many digits, with zeros at their end left out or not.
    Fraction { digits: usize, trims: bool },
}

/// What stands for a part of a time, longer ones before those that they begin with.
const NAMED: &[&str] = &[
    "January",
    "Jan",
    "Monday",
    "Mon",
    "MST",
    "01",
    "02",
    "03",
    "04",
    "05",
    "06",
    "002",
    "15",
    "1",
    "2006",
    "2",
    "_2",
    "__2",
    "3",
    "4",
    "5",
    "PM",
    "pm",
    "-070000",
    "-07:00:00",
    "-0700",
    "-07:00",
    "-07",
    "Z070000",
    "Z07:00:00",
    "Z0700",
    "Z07:00",
    "Z07",
];

/// A layout, cut behind its first piece.
pub(super) struct Cut<'l> {
    /// What is written as it is.
    pub before: &'l [u8],
    /// The piece, if there is one.
    pub piece: Option<Piece>,
    /// The piece as it is written.
    pub written: &'l [u8],
    /// What follows.
    pub rest: &'l [u8],
}

/// Cuts a layout behind its first piece.
pub(super) fn cut(layout: &[u8]) -> Cut<'_> {
    for at in 0..layout.len() {
        let (before, here) = layout.split_at(at);
        if let Some((piece, size)) = named(here).or_else(|| fraction(here)) {
            return Cut { before, piece: Some(piece), written: &here[..size], rest: &here[size..] };
        }
    }
    Cut { before: layout, piece: None, written: b"", rest: b"" }
}

fn named(here: &[u8]) -> Option<(Piece, usize)> {
    let follows = |name: &str| here.get(name.len()).is_some_and(u8::is_ascii_lowercase);
    let name = *NAMED.iter().find(|name| here.starts_with(name.as_bytes()))?;
    // `Month` is no month, and `_2006` is a year behind a line.
    let word = matches!(name, "Jan" | "Mon") && follows(name) || name == "_2" && here.starts_with(b"_2006");
    (!word).then_some((Piece::Named(name), name.len()))
}

fn fraction(here: &[u8]) -> Option<(Piece, usize)> {
    let [b'.' | b',', digit @ (b'0' | b'9'), ..] = here else { return None };
    let digits = here[1..].iter().take_while(|byte| *byte == digit).count();
    let ends = !here.get(1 + digits).is_some_and(u8::is_ascii_digit);
    ends.then_some((Piece::Fraction { digits, trims: *digit == b'9' }, 1 + digits))
}

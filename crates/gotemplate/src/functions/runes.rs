//! Strings as Go sees them: bytes that are read as UTF-8, where each byte that is not stands for U+FFFD.

use std::sync::LazyLock;

use regex::Regex;

/// The characters of a text; each byte that is not UTF-8 is one U+FFFD.
pub(super) fn runes(text: &[u8]) -> impl Iterator<Item = char> {
    spans(text).map(|(c, _)| c)
}

/// The characters of a text with the bytes they take.
pub(super) fn spans(text: &[u8]) -> impl Iterator<Item = (char, usize)> {
    text.utf8_chunks().flat_map(|chunk| {
        let valid = chunk.valid().chars().map(|c| (c, c.len_utf8()));
        valid.chain(chunk.invalid().iter().map(|_| (char::REPLACEMENT_CHARACTER, 1)))
    })
}

/// The text with U+FFFD for each byte that is not UTF-8, as Go's conversions to runes and JSON's writer make it.
pub(super) fn lossy(text: &[u8]) -> String {
    match std::str::from_utf8(text) {
        Ok(text) => text.to_owned(),
        Err(_) => runes(text).collect(),
    }
}

/// The text with every character replaced by another one (Go: `strings.Map`).
pub(super) fn map(text: &[u8], change: impl FnMut(char) -> char) -> Vec<u8> {
    runes(text).map(change).collect::<String>().into_bytes()
}

/// The one upper-case letter of a letter (Go: `unicode.ToUpper`): where Unicode's full rules give several, the simple
/// ones give one or none.
pub(super) fn to_upper(c: char) -> char {
    match (c, alone(c.to_uppercase())) {
        (_, Some(upper)) => upper,
        ('\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}', None) => after(c, 8),
        ('\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}', None) => after(c, 9),
        _ => c,
    }
}

/// The one lower-case letter of a letter (Go: `unicode.ToLower`).
pub(super) fn to_lower(c: char) -> char {
    // The only letter with several is I with a dot.
    alone(c.to_lowercase()).unwrap_or('i')
}

/// The letter at the head of a word (Go: `unicode.ToTitle`): the upper-case one, but for pairs such as `ǆ` and for
/// Georgian.
pub(super) fn to_title(c: char) -> char {
    match c {
        '\u{1c4}'..='\u{1c6}' => '\u{1c5}',
        '\u{1c7}'..='\u{1c9}' => '\u{1c8}',
        '\u{1ca}'..='\u{1cc}' => '\u{1cb}',
        '\u{1f1}'..='\u{1f3}' => '\u{1f2}',
        '\u{10d0}'..='\u{10fa}' | '\u{10fd}'..='\u{10ff}' => c,
        _ => to_upper(c),
    }
}

fn alone(mut all: impl Iterator<Item = char>) -> Option<char> {
    let first = all.next();
    if all.next().is_none() { first } else { None }
}

fn after(c: char, steps: u32) -> char {
    char::from_u32(u32::from(c) + steps).unwrap_or(c)
}

/// Whether a character is a letter of upper case, Unicode's category `Lu`.
pub(super) fn is_upper(c: char) -> bool {
    class(c, char::is_ascii_uppercase, &UPPER)
}

/// Whether a character is a letter of lower case, Unicode's category `Ll`.
pub(super) fn is_lower(c: char) -> bool {
    class(c, char::is_ascii_lowercase, &LOWER)
}

/// Whether a character is punctuation, Unicode's category `P`.
pub(super) fn is_punctuation(c: char) -> bool {
    let ascii =
        |c: &char| c.is_ascii_punctuation() && !matches!(c, '$' | '+' | '<' | '=' | '>' | '^' | '`' | '|' | '~');
    class(c, ascii, &PUNCTUATION)
}

/// Whether a character is a letter, Unicode's category `L`.
pub(super) fn is_letter(c: char) -> bool {
    class(c, char::is_ascii_alphabetic, &LETTER)
}

fn class(c: char, ascii: impl Fn(&char) -> bool, other: &Regex) -> bool {
    if c.is_ascii() { ascii(&c) } else { other.is_match(c.encode_utf8(&mut [0; 4])) }
}

static UPPER: LazyLock<Regex> = LazyLock::new(|| category(r"\p{Lu}"));
static LOWER: LazyLock<Regex> = LazyLock::new(|| category(r"\p{Ll}"));
static PUNCTUATION: LazyLock<Regex> = LazyLock::new(|| category(r"\p{P}"));
static LETTER: LazyLock<Regex> = LazyLock::new(|| category(r"\p{L}"));

#[allow(clippy::unwrap_used, reason = "the patterns are constants that a test compiles")]
fn category(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_that_is_no_text_is_one_mark() {
        assert_eq!(lossy(b"a\xf0\x9f\x92b"), "a\u{fffd}\u{fffd}\u{fffd}b");
    }

    #[test]
    fn cases_are_the_simple_ones() {
        assert_eq!("ßᾳἁǆ".chars().map(to_upper).collect::<String>(), "ßᾼἉǄ");
        assert_eq!("İÀ".chars().map(to_lower).collect::<String>(), "ià");
        assert_eq!("ǆა".chars().map(to_title).collect::<String>(), "ǅა");
        assert!(is_upper('É') && is_lower('ß') && is_punctuation('¿') && is_letter('字') && !is_upper('Ⅷ'));
    }
}

//! The cases of words: `snakecase`, `camelcase`, `kebabcase` (huandu/xstrings), `title` and its kin.

use super::runes::{is_letter, is_lower, is_punctuation, is_upper, runes, to_lower, to_title, to_upper};

/// What a piece of a name is.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Word {
    None,
    Number,
    Upper,
    Letters,
    Connector,
    Punctuation,
    Other,
}

/// `HTTPServer2xx` as `http_server_2xx`, with a connector of choice (xstrings: `ToSnakeCase`, `ToKebabCase`).
pub(super) fn separated(text: &[u8], connector: char) -> Vec<u8> {
    let text: Vec<char> = runes(text).collect();
    let mut words = Words { rest: &text, out: String::new(), connector };
    let (mut kind, mut word) = words.next();
    while !words.rest.is_empty() {
        if kind != Word::Connector {
            words.put(kind, word);
        }
        let before = kind;
        let last = word;
        (kind, word) = words.next();
        match before {
            Word::Number => (kind, word) = words.joined(kind, word),
            Word::Connector => words.put(before, last),
            Word::Punctuation => {}
            _ if kind != Word::Number => words.connect(kind),
            _ if words.rest.is_empty() => {}
            _ => (kind, word) = words.after_number(word),
        }
    }
    words.put(kind, word);
    words.out.into_bytes()
}

struct Words<'t> {
    rest: &'t [char],
    out: String,
    connector: char,
}

impl<'t> Words<'t> {
    /// Takes letters and numbers that belong together.
    fn joined(&mut self, mut kind: Word, mut word: &'t [char]) -> (Word, &'t [char]) {
        while matches!(kind, Word::Letters | Word::Number) {
            self.put(kind, word);
            (kind, word) = self.next();
        }
        if kind != Word::None {
            self.connect(kind);
        }
        (kind, word)
    }

    /// A number belongs to the word before it, unless letters of lower case follow.
    fn after_number(&mut self, number: &'t [char]) -> (Word, &'t [char]) {
        let (kind, word) = self.next();
        if kind == Word::Letters {
            self.out.push(self.connector);
            self.put(Word::Number, number);
            return self.joined(kind, word);
        }
        self.put(Word::Number, number);
        self.connect(kind);
        (kind, word)
    }

    fn connect(&mut self, next: Word) {
        if !matches!(next, Word::Connector | Word::Punctuation) {
            self.out.push(self.connector);
        }
    }

    fn put(&mut self, kind: Word, word: &[char]) {
        let changes = matches!(kind, Word::Upper | Word::Connector);
        let connector = self.connector;
        self.out.extend(word.iter().map(|c| match c {
            c if !changes => *c,
            c if is_connector(*c) => connector,
            c if is_upper(*c) => to_lower(*c),
            c => *c,
        }));
    }

    fn next(&mut self) -> (Word, &'t [char]) {
        let Some(first) = self.rest.first() else { return (Word::None, &[]) };
        let kind = kind(*first);
        let length = match kind {
            Word::Upper => self.upper(),
            Word::Connector => self.run(1, is_connector),
            Word::Punctuation => self.run(1, is_punctuation),
            Word::Letters => self.run(1, |c| is_alphabet(c) && !is_upper(c)),
            Word::Number => self.run(1, char::is_numeric),
            _ => self.run(1, |c| !is_connector(c) && !is_alphabet(c) && !c.is_numeric() && !is_punctuation(c)),
        };
        let (word, rest) = self.rest.split_at(length);
        self.rest = rest;
        (kind, word)
    }

    /// The length of the run of such characters from `start` on.
    fn run(&self, start: usize, such: impl Fn(char) -> bool) -> usize {
        start + self.rest[start..].iter().take_while(|c| such(**c)).count()
    }

    /// `HTTPStatus` is `HTTP` and `Status`; `Status` is one word.
    fn upper(&self) -> usize {
        match self.rest.get(1) {
            Some(second) if is_upper(*second) => {
                let end = self.run(2, is_upper);
                if self.rest.get(end).is_some_and(|c| is_alphabet(*c)) { end - 1 } else { end }
            }
            Some(second) if is_alphabet(*second) => self.run(2, |c| is_alphabet(c) && !is_upper(c)),
            _ => 1,
        }
    }
}

fn kind(c: char) -> Word {
    match c {
        c if is_connector(c) => Word::Connector,
        c if is_punctuation(c) => Word::Punctuation,
        c if is_upper(c) => Word::Upper,
        c if is_alphabet(c) => Word::Letters,
        c if c.is_numeric() => Word::Number,
        _ => Word::Other,
    }
}

fn is_connector(c: char) -> bool {
    matches!(c, '-' | '_') || c.is_whitespace()
}

/// Letters but those of China, in the ranges of the original.
fn is_alphabet(c: char) -> bool {
    let chinese = matches!(c, '\u{3400}'..='\u{4d85}' | '\u{4e00}'..='\u{9fcc}' | '\u{20000}'..='\u{2b81d}');
    is_letter(c) && !chinese
}

/// `some_words` as `SomeWords` (xstrings: `ToPascalCase`, which is sprig's `camelcase`).
pub(super) fn pascal(text: &[u8]) -> Vec<u8> {
    let text: Vec<char> = runes(text).collect();
    let leading = text.iter().take_while(|c| is_connector(**c)).count();
    let mut out: String = text[..leading].iter().collect();
    let Some(first) = text.get(leading) else {
        // The original writes the last connector twice.
        out.extend(text.last());
        return out.into_bytes();
    };
    let mut shouting = is_upper(*first);
    let mut before = to_upper(*first);
    for c in &text[leading + 1..] {
        let mut c = *c;
        match (is_connector(before), is_connector(c)) {
            (true, true) => out.push(before),
            (true, false) => {
                shouting = is_upper(c);
                c = to_upper(c);
            }
            _ => {
                shouting = shouting && is_upper(c);
                out.push(before);
                c = if shouting { to_lower(c) } else { c };
            }
        }
        before = c;
    }
    out.push(before);
    out.into_bytes()
}

/// Each word with a capital (Go: `strings.Title`).
pub(super) fn title(text: &[u8]) -> Vec<u8> {
    let mut before = ' ';
    let change = |c| {
        let head = is_separator(before);
        before = c;
        if head { to_title(c) } else { c }
    };
    runes(text).map(change).collect::<String>().into_bytes()
}

fn is_separator(c: char) -> bool {
    match c {
        '_' => false,
        c if c.is_ascii() => !c.is_ascii_alphanumeric(),
        c => !is_letter(c) && !c.is_numeric() && c.is_whitespace(),
    }
}

/// Each word with a small letter at its head.
pub(super) fn untitle(text: &[u8]) -> Vec<u8> {
    let mut head = true;
    super::runes::map(text, |c| {
        let small = head && !c.is_whitespace();
        head = c.is_whitespace();
        if small { to_lower(c) } else { c }
    })
}

/// Upper case for lower and lower for upper; a small letter at the head of a word gets its title case.
pub(super) fn swap(text: &[u8]) -> Vec<u8> {
    let mut head = true;
    super::runes::map(text, |c| {
        let swapped = match c {
            c if is_upper(c) || is_pair(c) => to_lower(c),
            c if !is_lower(c) => {
                head = c.is_whitespace();
                return c;
            }
            c if head => to_title(c),
            c => to_upper(c),
        };
        head = false;
        swapped
    })
}

/// Whether a letter is a title case of its own.
fn is_pair(c: char) -> bool {
    matches!(c, '\u{1c5}' | '\u{1c8}' | '\u{1cb}' | '\u{1f2}'
        | '\u{1f88}'..='\u{1f8f}' | '\u{1f98}'..='\u{1f9f}' | '\u{1fa8}'..='\u{1faf}' | '\u{1fbc}' | '\u{1fcc}' | '\u{1ffc}')
}

/// The first letters of the words. As the original does, it takes each byte for a character.
pub(super) fn initials(text: &[u8]) -> Vec<u8> {
    let mut gap = true;
    let heads = text.iter().map(|byte| char::from(*byte)).filter(|c| {
        let head = gap && !c.is_whitespace();
        gap = c.is_whitespace();
        head
    });
    heads.collect::<String>().into_bytes()
}

/// The text without white space, each byte taken for a character where there is any.
pub(super) fn without_space(text: &[u8]) -> Vec<u8> {
    let is_space = |byte: &u8| char::from(*byte).is_whitespace();
    if !text.iter().any(is_space) {
        return text.to_vec();
    }
    text.iter().filter(|byte| !is_space(byte)).map(|byte| char::from(*byte)).collect::<String>().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snakes() {
        for (text, snake) in [
            ("FirstName", "first_name"),
            ("HTTPServer", "http_server"),
            ("NoHTTPS", "no_https"),
            ("GO_PATH", "go_path"),
            ("GO PATH", "go_path"),
            ("http2xx", "http_2xx"),
            ("HTTP20xOK", "http_20x_ok"),
            ("Duration2m3s", "duration_2m3s"),
            ("Bld4Floor3rd", "bld4_floor_3rd"),
        ] {
            assert_eq!(String::from_utf8(separated(text.as_bytes(), '_')).unwrap(), snake);
        }
    }

    #[test]
    fn camels() {
        for (text, camel) in [
            ("some_words", "SomeWords"),
            ("_complex__case_", "_Complex_Case_"),
            ("GOLANG_IS_GREAT", "GolangIsGreat"),
            ("a", "A"),
            ("-", "--"),
        ] {
            assert_eq!(String::from_utf8(pascal(text.as_bytes())).unwrap(), camel);
        }
    }
}

//! Escapes texts from elsewhere.

use std::fmt::Write as _;

pub use weft_base::diagnostic::harmless_line as line;

/// A space without width.
const NOTHING: &str = "&#8203;";

/// A text of several lines, each made harmless, and all but the first indented: none looks like a line of ours.
pub fn lines(text: &str) -> String {
    text.trim_end().split('\n').map(line).collect::<Vec<_>>().join("\n  ")
}

/// A text for HTML and XML: nothing in it is a tag, an entity or the end of an attribute.
pub(super) fn html(text: &str) -> String {
    // XML has no escape for some characters.
    let text = text
        .replace(|c: char| matches!(c, '\u{fffe}' | '\u{ffff}') || c.is_control() && !"\n\r\t".contains(c), "\u{fffd}");
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&#39;")
}

/// A text for a `<code>` of a page: on one line, and without anything that Markdown or HTML would read, or make a link.
pub(super) fn code(text: &str) -> String {
    let text = line(text);
    let mut out = String::with_capacity(text.len());
    for (at, char) in text.char_indices() {
        entity(&mut out, char);
        out.push_str(if makes_link(&text, at, char) { NOTHING } else { "" });
    }
    out
}

/// Whether a forge would make a link of what is before and behind this character: `https://`, `www.`.
fn makes_link(text: &str, at: usize, char: char) -> bool {
    let before = &text.as_bytes()[..at];
    let rest = &text[at + char.len_utf8()..];
    let is_www = before.len() >= 3 && before[before.len() - 3..].eq_ignore_ascii_case(b"www");
    char == ':' && rest.starts_with("//") || char == '.' && is_www
}

/// A text for a page: on one line, without anything that Markdown or HTML would read, and nothing in it is a link or
/// mentions people, issues, labels or merge requests. Forges look for these in what HTML shows, where an entity is no
/// hindrance, but a space without width is.
pub fn page(text: &str) -> String {
    let text = line(text);
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    for (at, char) in text.char_indices() {
        entity(&mut out, char);
        let next = text[at + char.len_utf8()..].chars().next().unwrap_or(' ');
        let refers = match char {
            '@' | '#' | '!' | '$' | '~' | '%' | '&' => next.is_alphanumeric() || "\"_[".contains(next),
            '-' => before.is_ascii_uppercase() && next.is_ascii_digit(),
            _ => makes_link(&text, at, char),
        };
        out.push_str(if refers { NOTHING } else { "" });
        before = char;
    }
    out
}

fn entity(out: &mut String, char: char) {
    if "&<>`*_[]|~#@\\!$\"'".contains(char) {
        // Writing to a string cannot fail.
        let _ = write!(out, "&#{};", u32::from(char));
    } else {
        out.push(char);
    }
}

/// `before` with the escaped text after it, or nothing where there is no text.
pub(super) fn after(before: &str, text: Option<&str>, escape: fn(&str) -> String) -> String {
    text.map_or_else(String::new, |text| format!("{before}{}", escape(text)))
}

/// A text of several lines as a block of a page, which nothing in it can close.
pub fn fenced(text: &str) -> String {
    let fence = fence([text]);
    format!("{fence}text\n{}\n{fence}\n", text.trim_end())
}

/// A fence that no line of `texts` can close.
pub(super) fn fence<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let longest = texts.into_iter().flat_map(|text| text.split(|c| c != '`')).map(str::len).max().unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_and_a_page_are_not_steered() {
        assert_eq!(line("a\u{1b}[31mb\nc"), "a\\u{1b}[31mb\\nc");
        assert_eq!(line("a\u{202e}b"), "a\\u{202e}b");
        assert_eq!(code("<b>@all"), "&#60;b&#62;&#64;all");
        assert_eq!(page("<b>@all"), "&#60;b&#62;&#64;&#8203;all");
        assert_eq!(page("#1 GH-1 a-1 @"), "&#35;&#8203;1 GH-&#8203;1 a-1 &#64;");
        assert_eq!(page("see https://a.example/b"), "see https:&#8203;//a.example/b");
        assert_eq!(code("WWW.a.example ftp://b"), "WWW.&#8203;a.example ftp:&#8203;//b");
        assert_eq!(html("a\u{ffff}\u{1}b"), "a\u{fffd}\u{fffd}b");
        assert_eq!(fence(["a ```` b"]), "`````");
        assert_eq!(fence(["plain"]), "```");
    }
}

//! Texts from elsewhere, made harmless.

use std::fmt::Write as _;

/// A text on one line without anything that steers a terminal: control characters and those that turn the direction
/// of writing are written as `\u{..}`.
pub fn line(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, char| {
        if steers(char) {
            out.extend(char.escape_default());
        } else {
            out.push(char);
        }
        out
    })
}

fn steers(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// A text of several lines, each made harmless, and all but the first indented: none looks like a line of ours.
pub fn lines(text: &str) -> String {
    text.trim_end().split('\n').map(line).collect::<Vec<_>>().join("\n  ")
}

/// A text for HTML and XML: nothing in it is a tag, an entity or the end of an attribute.
pub(super) fn html(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&#39;")
}

/// A text for a `<code>` of a page: on one line, and without anything that Markdown or HTML would read.
pub(super) fn code(text: &str) -> String {
    line(text).chars().fold(String::new(), |mut out, char| {
        entity(&mut out, char);
        out
    })
}

/// A text for a page: on one line, without anything that Markdown or HTML would read, and nothing in it mentions people,
/// issues, labels or merge requests. Forges look for
/// these in what HTML shows, where an entity is no hindrance, but a space without width is.
pub fn page(text: &str) -> String {
    let text = line(text);
    let mut out = String::with_capacity(text.len());
    let (mut before, mut chars) = (' ', text.chars().peekable());
    while let Some(char) = chars.next() {
        entity(&mut out, char);
        let next = chars.peek().copied().unwrap_or(' ');
        let refers = match char {
            '@' | '#' | '!' | '$' | '~' | '%' | '&' => next.is_alphanumeric() || "\"_[".contains(next),
            '-' => before.is_ascii_uppercase() && next.is_ascii_digit(),
            _ => false,
        };
        out.push_str(if refers { "&#8203;" } else { "" });
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
        assert_eq!(fence(["a ```` b"]), "`````");
        assert_eq!(fence(["plain"]), "```");
    }
}

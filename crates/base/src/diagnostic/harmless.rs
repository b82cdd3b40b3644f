//! Texts from elsewhere that can neither steer a terminal nor a CI that reads commands from logs.

/// A text on one line. Control characters, those that turn the direction of writing and those that are no text are
/// written as `\u{..}`, and so is the beginning of a command to a CI.
pub fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut is_start = true;
    for (at, char) in text.char_indices() {
        let rest = &text[at..];
        if steers(char) || is_start && begins_command(rest) || begins_marker(rest) {
            out.extend(escaped(char));
        } else {
            out.push(char);
        }
        is_start &= char.is_whitespace();
    }
    out
}

/// A text of several lines, each harmless. None but the first begins where a line of ours does.
pub fn lines(text: &str) -> String {
    let indented = |text: &str| if text.starts_with(' ') { line(text) } else { format!("  {}", line(text)) };
    let mut all = text.trim_end().split('\n');
    let first = all.next().map(line).unwrap_or_default();
    all.fold(first, |out, text| out + "\n" + &indented(text))
}

fn escaped(char: char) -> impl Iterator<Item = char> {
    let known = matches!(char, '\n' | '\r' | '\t').then(|| char.escape_default());
    let other = known.is_none().then(|| char.escape_unicode());
    known.into_iter().flatten().chain(other.into_iter().flatten())
}

/// Whether a character does something to a terminal, or is none.
pub(super) fn steers(char: char) -> bool {
    let is_noncharacter = matches!(char, '\u{fdd0}'..='\u{fdef}') || u32::from(char) & 0xfffe == 0xfffe;
    char.is_control()
        || is_noncharacter
        || matches!(
            char,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// GitHub takes a line that begins with `::name` as a command, whatever space is before it.
fn begins_command(text: &str) -> bool {
    text.strip_prefix("::").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()))
}

/// `##[group]`, `##vso[...]`, `##teamcity[...]` are commands anywhere in a line.
fn begins_marker(text: &str) -> bool {
    let name = |rest: &str| rest.trim_start_matches(|c: char| c.is_ascii_alphabetic()).starts_with('[');
    text.strip_prefix("##").is_some_and(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers() {
        assert_eq!(line("a\u{1b}[31mb\nc\td"), "a\\u{1b}[31mb\\nc\\td");
        assert_eq!(
            line("a\u{202e}b\u{fffe}\u{1ffff}\u{fdd0}\u{61c}"),
            "a\\u{202e}b\\u{fffe}\\u{1ffff}\\u{fdd0}\\u{61c}"
        );
        assert_eq!(line("  ::error file=a::b"), "  \\u{3a}:error file=a::b");
        assert_eq!(line("::1 ::/0 a::error"), "::1 ::/0 a::error");
        assert_eq!(line("a ##[error]x ##vso[task] # ##b"), "a \\u{23}#[error]x \\u{23}#vso[task] # ##b");
        assert_eq!(lines("a\n::error::b\n  c\n"), "a\n  \\u{3a}:error::b\n  c");
    }
}

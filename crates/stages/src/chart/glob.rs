//! Patterns of files as Helm's library (`gobwas/glob`) reads them.

use regex::Regex;

/// The regular expression for a pattern; `None` for one that cannot be read.
///
/// `*` and `?` stay within a folder, `**` does not; `[a-z]`, `[abc]` and `[!abc]` are one character, `{a,b}` are
/// alternatives, `\` takes the next character as it is.
pub fn compile(pattern: &str) -> Option<Regex> {
    let mut out = "(?s)^".to_owned();
    let mut rest = pattern.chars().peekable();
    let mut braces = 0u32;
    while let Some(c) = rest.next() {
        match c {
            '*' if rest.next_if_eq(&'*').is_some() => out.push_str(".*"),
            '*' => out.push_str("[^/]*"),
            '?' => out.push_str("[^/]"),
            '[' => out.push_str(&class(&mut rest)?),
            '{' => {
                braces += 1;
                out.push_str("(?:");
            }
            '}' if braces > 0 => {
                braces -= 1;
                out.push(')');
            }
            ',' if braces > 0 => out.push('|'),
            '\\' => rest.next().into_iter().for_each(|c| literal(c, &mut out)),
            other => literal(other, &mut out),
        }
    }
    out.extend((0..braces).map(|_| ')'));
    Regex::new(&(out + "$")).ok()
}

fn literal(c: char, out: &mut String) {
    out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
}

/// What stands in brackets: a range of characters, or a list of them.
fn class(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<String> {
    let mut out = if rest.next_if_eq(&'!').is_some() { "[^".to_owned() } else { "[".to_owned() };
    let escaped = |c: char, out: &mut String| {
        if !c.is_alphanumeric() {
            out.push('\\');
        }
        out.push(c);
    };
    let first = rest.next()?;
    if first != '\\' && rest.next_if_eq(&'-').is_some() {
        escaped(first, &mut out);
        out.push('-');
        escaped(rest.next()?, &mut out);
        rest.next_if_eq(&']')?;
        return Some(out + "]");
    }
    let mut next = Some(first);
    let mut count = 0;
    while let Some(c) = next.filter(|c| *c != ']') {
        escaped(if c == '\\' { rest.next()? } else { c }, &mut out);
        count += 1;
        next = rest.next();
    }
    (count > 0 && next == Some(']')).then(|| out + "]")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the tables of the library itself.
    #[test]
    fn patterns_match_as_in_the_library() {
        let fits = |pattern: &str, path: &str| compile(pattern).is_some_and(|it| it.is_match(path));
        for (pattern, path) in [
            ("config/*.yaml", "config/a.yaml"),
            ("config/**", "config/a/b.yaml"),
            ("**.{json,yaml}", "a/b.json"),
            ("a?c", "abc"),
            ("[a-c]x", "bx"),
            ("[!ab]x", "cx"),
            ("[ab-]x", "-x"),
            ("{*,**}{a,b}", "x/ab"),
            ("\\*", "*"),
            ("a.b", "a.b"),
        ] {
            assert!(fits(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in
            [("config/*.yaml", "config/b/a.yaml"), ("a?c", "a/c"), ("config/**/x", "config/x"), ("a.b", "aXb")]
        {
            assert!(!fits(pattern, path), "{pattern} {path}");
        }
        assert!(compile("[").is_none() && compile("[]a").is_none() && compile("[a-").is_none());
    }
}

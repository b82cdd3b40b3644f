//! Changes who can read in the text of a `.sops.yaml`, and leaves all else of the text as it is.

use std::ops::Range;
use std::sync::Arc;

use weft_base::value::{Map, Mark, Value};
use weft_base::yaml;

/// A change of the keys of a rule, each as it is written in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amendment<'a> {
    /// Adds a key to the rule, or to the group of this number where the rule has groups.
    Add(&'a str, usize),
    /// Removes a key wherever the rule has it.
    Remove(&'a str),
}

/// The text with the rule at this place of `creation_rules` changed: each other character stays, comments among them.
/// `None` where the text is written in a way that this does not understand, so that a person has to change it.
pub fn amend(text: &str, rule: usize, change: Amendment<'_>) -> Option<String> {
    match change {
        Amendment::Add(key, group) => {
            let keys = lists(text, rule)?.into_iter().nth(group)?;
            Some(keys.added(text, key))
        }
        Amendment::Remove(key) => {
            let mut text = text.to_owned();
            while let Some(keys) = lists(&text, rule)?.into_iter().find(|keys| keys.at(key).is_some()) {
                text = keys.removed(&text, key)?;
            }
            Some(text)
        }
    }
}

/// The keys of one `age:` field, each as it is written.
struct Keys {
    /// Where the field and its keys are in the text, in bytes.
    range: Range<usize>,
    written: Vec<String>,
    /// Whether each key is an item of a list with a line for itself.
    lines: bool,
}

/// The `age:` fields of a rule: its own, or those of its groups.
fn lists(text: &str, rule: usize) -> Option<Vec<Keys>> {
    let file = Arc::new(String::new());
    let root = yaml::document(text, &file, yaml::Rules::Strict).ok()?;
    let rule = root.get("creation_rules")?.as_list()?.get(rule)?.as_map()?;
    match rule.get("key_groups").and_then(Value::as_list) {
        Some(groups) => groups.iter().map(|group| keys(text, group.as_map()?)).collect(),
        None => Some(vec![keys(text, rule)?]),
    }
}

fn keys(text: &str, map: &Map) -> Option<Keys> {
    let entry = map.entry("age")?;
    let range = region(text, entry.mark)?;
    let (texts, list) = match entry.value.as_list() {
        Some(items) => (items.iter().map(Value::as_str).collect::<Option<Vec<_>>>()?, true),
        None => (entry.value.as_str()?.split([',', '\n']).collect(), false),
    };
    let keys = texts.into_iter().map(str::trim).filter(|key| !key.is_empty()).map(str::to_owned).collect();
    let first = text[range.clone()].split_once(':')?.1.trim_start();
    Some(Keys { written: keys, lines: list && !first.starts_with(['[', '*']), range })
}

/// The lines of a field, from its key to before the next one that is no deeper.
fn region(text: &str, mark: Mark) -> Option<Range<usize>> {
    let indent = usize::try_from(mark.column).ok()?.checked_sub(1)?;
    let above = usize::try_from(mark.line).ok()?.checked_sub(1)?;
    let mut lines = text.split_inclusive('\n');
    let before: usize = lines.by_ref().take(above).map(str::len).sum();
    let first = lines.next()?;
    let start = before + first.char_indices().nth(indent)?.0;
    let mut end = before + first.len();
    let mut read = end;
    for line in lines {
        let bare = line.trim_start();
        let depth = line.len() - bare.len();
        read += line.len();
        if bare.is_empty() || bare.starts_with('#') {
            continue;
        }
        if depth < indent || (depth == indent && !bare.starts_with("- ")) {
            break;
        }
        end = read;
    }
    Some(start..end)
}

impl Keys {
    /// The place of a key. The comment behind an SSH key does not count.
    fn at(&self, key: &str) -> Option<usize> {
        self.written.iter().position(|it| it.split_whitespace().take(2).eq(key.split_whitespace().take(2)))
    }

    /// The lines with an item, in bytes of the text.
    fn items(&self, text: &str) -> Vec<Range<usize>> {
        let mut start = self.range.start;
        let mut items = Vec::new();
        for line in text[self.range.clone()].split_inclusive('\n') {
            let end = start + line.len();
            if line.trim_start().starts_with("- ") {
                items.push(start..end);
            }
            start = end;
        }
        items
    }

    fn added(&self, text: &str, key: &str) -> String {
        let field = &text[self.range.clone()];
        if self.lines
            && let Some(last) = self.items(text).last()
        {
            let line = &text[last.clone()];
            let indent = &line[..line.len() - line.trim_start().len()];
            let end = if line.ends_with('\n') { "" } else { "\n" };
            return inserted(text, last.end, &format!("{end}{indent}- {key}\n"));
        }
        let Some((last, at)) = self.written.last().and_then(|last| Some((last, field.rfind(last.as_str())?))) else {
            return text.to_owned();
        };
        let mut end = self.range.start + at + last.len();
        let flow = field.split_once(':').is_some_and(|(_, rest)| rest.trim_start().starts_with('['));
        if flow && text[end..].starts_with(['"', '\'']) {
            end += 1;
        }
        let line = text[..end].rfind('\n').map_or(0, |at| at + 1);
        let before = &text[line..end - last.len()];
        let alone = !flow && before.chars().all(char::is_whitespace);
        let comma = if text[end..].starts_with(',') { "" } else { "," };
        let gap = if alone { format!("\n{before}") } else { if flow { " " } else { "" }.to_owned() };
        inserted(text, end + usize::from(comma.is_empty()), &format!("{comma}{gap}{key}"))
    }

    /// The text without one key, unless it is the last one.
    fn removed(&self, text: &str, key: &str) -> Option<String> {
        let at = self.at(key).filter(|_| self.written.len() > 1)?;
        if self.lines {
            let items = self.items(text);
            return (items.len() == self.written.len()).then(|| without(text, items[at].clone()));
        }
        let field = &text[self.range.clone()];
        let key = &self.written[at];
        let start = self.range.start + field.find(key.as_str())?;
        let mut cut = start..start + key.len();
        let quote = |c: char| c == '"' || c == '\'';
        let list = field.split_once(':')?.1.trim_start().starts_with('[');
        if list && text[cut.end..].starts_with(quote) && text[..cut.start].ends_with(quote) {
            cut = cut.start - 1..cut.end + 1;
        }
        let after = text[cut.end..self.range.end].trim_start();
        if let Some(rest) = after.strip_prefix(',') {
            cut.end = self.range.end - rest.trim_start().len();
        } else {
            let before = text[..cut.start].trim_end();
            cut.start = before.strip_suffix(',').unwrap_or(before).len();
        }
        Some(without(text, cut))
    }
}

fn inserted(text: &str, at: usize, what: &str) -> String {
    format!("{}{what}{}", &text[..at], &text[at..])
}

fn without(text: &str, cut: Range<usize>) -> String {
    format!("{}{}", &text[..cut.start], &text[cut.end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "# who\ncreation_rules:\n- path_regex: ^a/ # first\n  age: age1x\n- path_regex: ^b/\n";
    const TAIL: &str = "  mac_only_encrypted: true # rest\n";

    fn change(field: &str, change: Amendment<'_>) -> Option<String> {
        let text = amend(&format!("{HEAD}{field}{TAIL}"), 1, change)?;
        let inner = text.strip_prefix(HEAD).expect("the head stays").strip_suffix(TAIL).expect("the tail stays");
        Some(inner.to_owned())
    }

    #[test]
    fn keys_are_added_as_the_others_are_written() {
        let fields = [
            ("  age: age1a\n", "  age: age1a,age1n\n"),
            ("  age: \"age1a, age1b\" # x\n", "  age: \"age1a, age1b,age1n\" # x\n"),
            ("  age: >-\n    age1a,\n    age1b\n\n", "  age: >-\n    age1a,\n    age1b,\n    age1n\n\n"),
            ("  age: >-\n    age1a,\n    age1b,\n", "  age: >-\n    age1a,\n    age1b,\n    age1n\n"),
            ("  age: [age1a, 'age1b']\n", "  age: [age1a, 'age1b', age1n]\n"),
            (
                "  age:\n  # ann\n  - age1a # of ann\n  # bob\n  - age1b\n",
                "  age:\n  # ann\n  - age1a # of ann\n  # bob\n  - age1b\n  - age1n\n",
            ),
        ];
        for (field, expected) in fields {
            assert_eq!(change(field, Amendment::Add("age1n", 0)).as_deref(), Some(expected));
        }
        let groups = "  key_groups:\n  - age:\n    - age1a\n  - age:\n    - age1b\n";
        let expected = "  key_groups:\n  - age:\n    - age1a\n  - age:\n    - age1b\n    - age1n\n";
        assert_eq!(change(groups, Amendment::Add("age1n", 1)).as_deref(), Some(expected));
        assert_eq!(change(groups, Amendment::Add("age1n", 2)), None);
    }

    #[test]
    fn keys_are_removed_with_what_is_theirs() {
        let fields = [
            ("  age: age1a,age1b\n", "  age: age1b\n"),
            ("  age: \"age1b, age1a\" # x\n", "  age: \"age1b\" # x\n"),
            ("  age: >-\n    age1b,\n    age1a\n", "  age: >-\n    age1b\n"),
            ("  age: >-\n    age1a,\n    age1b\n", "  age: >-\n    age1b\n"),
            ("  age: ['age1a', \"age1b\"]\n", "  age: [\"age1b\"]\n"),
            ("  age:\n  - age1a # of ann\n  # bob\n  - age1b\n", "  age:\n  # bob\n  - age1b\n"),
            ("  age:\n    - age1b\n    - age1a\n", "  age:\n    - age1b\n"),
        ];
        for (field, expected) in fields {
            assert_eq!(change(field, Amendment::Remove("age1a")).as_deref(), Some(expected));
        }
        assert_eq!(change("  age: age1a\n", Amendment::Remove("age1a")), None, "somebody has to be left");
    }

    #[test]
    fn an_alias_is_a_line_like_any_other() {
        let text = "keys:\n- &ann age1a\n- &bob age1b\ncreation_rules:\n- age:\n  - *ann\n  - *bob # bob\n";
        let expected = "keys:\n- &ann age1a\n- &bob age1b\ncreation_rules:\n- age:\n  - *ann\n";
        assert_eq!(amend(text, 0, Amendment::Remove("age1b")).as_deref(), Some(expected));
    }
}

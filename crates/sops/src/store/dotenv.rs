//! Lines `KEY=value`. The `sops` section is flattened: each of its leaves is a line with a key that says its place.

use std::sync::Arc;

use super::comments::Comment;
use super::yaml::{Around, Change};
use super::{not_flat, wrong_syntax};
use crate::SecretsError;
use weft_base::value::{Data, Entry, Map, Mark, Origin, Path, Step, Value};

/// How the keys of the section begin.
const PREFIX: &str = "sops_";
const MAP: &str = "__map_";
const LIST: &str = "__list_";

/// Whether a key belongs to the section.
pub(super) fn is_section(key: &str) -> bool {
    key.starts_with(PREFIX)
}

/// Reads the lines. `\n` in a value is a line end, as the Go program has it.
pub(super) fn read(text: &str, file: &Arc<String>) -> Result<Value, SecretsError> {
    let mut map = Map::new();
    for (number, line) in (1..).zip(text.split('\n')).filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
        let mark = Mark { line: number, column: 1 };
        let (key, value) =
            line.split_once('=').ok_or_else(|| wrong_syntax("the line has no `=` after a key", file, mark))?;
        let column = u32::try_from(key.chars().count()).map_or(u32::MAX, |count| count.saturating_add(2));
        let origin = Origin::new(file, Mark { line: number, column });
        let value = Value::from(value.replace("\\n", "\n")).at(origin);
        if map.insert_entry(Entry { key: key.into(), mark, value }).is_some() {
            return Err(wrong_syntax(format!("the key `{key}` is there twice"), file, mark));
        }
    }
    Ok(Value::from(map).at(Origin::new(file, Mark { line: 1, column: 1 })))
}

/// The lines that begin with `#`.
pub(super) fn comments(text: &str) -> Vec<Comment> {
    let lines = (1..).zip(text.split('\n'));
    let comment = |(line, text): (u32, &str)| {
        let text = text.strip_prefix('#')?.to_owned();
        Some(Comment { mark: Mark { line, column: 1 }, alone: true, text })
    };
    lines.filter_map(comment).collect()
}

/// Writes a flat map with its secrets.
pub(super) fn write(
    root: &Value,
    section: Option<Map>,
    comments: Vec<Comment>,
    change: &mut Change<'_>,
) -> Result<String, SecretsError> {
    let mut comments = comments.into_iter().peekable();
    let container = Path::root();
    let mut out = String::new();
    let mut comment = |out: &mut String, comment: &Comment, of: Step| {
        let around = Around { container: &container, before: &container, of: Path(vec![of]) };
        out.push('#');
        out.push_str(&change(comment, &around)?);
        out.push('\n');
        Ok::<_, SecretsError>(())
    };
    for Entry { key, mark, value } in root.as_map().into_iter().flat_map(Map::iter) {
        while let Some(it) = comments.next_if(|it| it.mark.line < mark.line) {
            comment(&mut out, &it, Step::Field(key.clone()))?;
        }
        out.push_str(&line(key, &value.data)?);
    }
    for it in comments {
        comment(&mut out, &it, Step::Index(usize::MAX))?;
    }
    for (key, value) in flat(&Value::from(section.unwrap_or_default()), PREFIX.to_owned(), true) {
        out.push_str(&line(&key, value)?);
    }
    Ok(out)
}

fn line(key: &str, value: &Data) -> Result<String, SecretsError> {
    let path = || Path::of_fields([key]);
    if key.is_empty() || key.starts_with('#') || key.contains(['=', '\n']) {
        return Err(not_flat(path()));
    }
    let text = match value {
        Data::List(_) | Data::Map(_) => return Err(not_flat(path())),
        Data::Null => String::new(),
        Data::Text(it) => it.replace('\n', "\\n"),
        Data::Bool(it) => it.to_string(),
        Data::Int(it) => it.to_string(),
        Data::Uint(it) => it.to_string(),
        Data::Float(it) => it.to_string(),
        Data::Masked(it) => return line(key, it.expose()),
    };
    Ok(format!("{key}={text}\n"))
}

/// The leaves below a node, each with a key that says its place.
fn flat(value: &Value, key: String, first: bool) -> Vec<(String, &Data)> {
    match &value.data {
        Data::Map(map) => {
            let between = if first { "" } else { MAP };
            let entries =
                map.iter().flat_map(|entry| flat(&entry.value, format!("{key}{between}{}", entry.key), false));
            entries.collect()
        }
        Data::List(items) => {
            let items = items.iter().enumerate();
            items.flat_map(|(at, item)| flat(item, format!("{key}{LIST}{at}"), false)).collect()
        }
        leaf => vec![(key, leaf)],
    }
}

/// Takes the section out of the lines; `None` where there is none.
pub(super) fn take_section(map: &mut Map, origin: &Origin) -> Result<Option<Value>, SecretsError> {
    let mut section = Value::from(Map::new()).at(origin.clone());
    let mut there = false;
    for Entry { key, mark, value } in map.iter().filter(|entry| is_section(&entry.key)) {
        there = true;
        let damaged = || SecretsError::Section {
            field: key.to_string(),
            problem: "says a place that cannot be".to_owned(),
            origin: Origin { mark: *mark, ..value.origin.clone() },
        };
        let path = path(&key[PREFIX.len()..]).ok_or_else(damaged)?;
        crate::place::set(&mut section, &path, value.clone()).map_err(|_| damaged())?;
    }
    map.retain(|entry| !is_section(&entry.key));
    Ok(there.then_some(section))
}

/// The place that a flattened key says.
fn path(mut key: &str) -> Option<Path> {
    let mut steps = Vec::new();
    let mut list = false;
    loop {
        let next = [MAP, LIST].into_iter().filter_map(|mark| Some((key.find(mark)?, mark))).min();
        let (part, rest) = next.map_or((key, None), |(at, mark)| (&key[..at], Some((&key[at + mark.len()..], mark))));
        steps.push(if list { Step::Index(part.parse().ok()?) } else { Step::Field(part.into()) });
        let Some((rest, mark)) = rest else { return Some(Path(steps)) };
        (key, list) = (rest, mark == LIST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flattened_key_says_a_place() {
        let path = path("key_groups__list_1__map_age__list_0__map_enc").unwrap();
        assert_eq!(path.to_string(), "key_groups[1].age[0].enc");
        assert!(super::path("age__list_x").is_none());
    }
}

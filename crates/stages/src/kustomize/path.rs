//! Paths of replacements and variables: `spec.template.spec.containers.[name=app].image`, `spec.rules.0.host`, `*`.

use regex::Regex;

use super::fields;
use weft_base::diagnostic;
use weft_base::value::{Data, Map, Value};
use weft_base::yaml::{self, Rules};
use weft_schema::patch::scalar_text;

/// What is made where a path leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingNode {
    /// Nothing.
    Nothing,
    /// A leaf.
    Leaf,
    /// A list.
    List,
    /// A map.
    Map,
}

impl MissingNode {
    /// What is made for a value, if anything is.
    pub fn of(value: &Value, create: bool) -> Self {
        match value.data {
            _ if !create => Self::Nothing,
            Data::List(_) => Self::List,
            Data::Map(_) => Self::Map,
            _ => Self::Leaf,
        }
    }

    fn empty(self) -> Data {
        match self {
            Self::Nothing | Self::Leaf => Data::Null,
            Self::List => Data::List(Vec::new()),
            Self::Map => Data::Map(Map::new()),
        }
    }

    /// What is made for a part of a path, so that the next one has a place.
    fn before(self, next: Option<&String>) -> Self {
        match next {
            None => self,
            Some(next) if is_match(next) || is_place(next) => Self::List,
            Some(_) => Self::Map,
        }
    }
}

/// The parts of a path. A dot within brackets or behind a backslash does not part.
pub fn split(path: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut open: Option<Vec<String>> = None;
    for part in fields::split(path, '.') {
        let mut within = open.take().unwrap_or_default();
        let starts = within.is_empty() && part.starts_with('[');
        if !starts && within.is_empty() {
            parts.push(part);
            continue;
        }
        let ends = part.ends_with(']');
        within.push(part);
        if !ends {
            open = Some(within);
        } else if let [single] = within.as_slice() {
            parts.push(single.clone());
        } else {
            parts.push(joined(&within));
        }
    }
    parts.extend(open.map(|within| joined(&within)));
    parts
}

fn joined(within: &[String]) -> String {
    let whole = within.join(".");
    if whole.contains('=') { whole } else { whole.trim_matches(['[', ']']).to_owned() }
}

fn is_match(part: &str) -> bool {
    part.starts_with('[') && part.ends_with(']')
}

fn is_place(part: &str) -> bool {
    part.parse::<usize>().is_ok()
}

/// The key and the value of `[key=value]`.
fn pair(part: &str) -> Result<(&str, &str), ()> {
    part.trim_start_matches('[').trim_end_matches(']').split_once('=').ok_or(())
}

/// The node that a path leads to; `Err` where it goes on below a leaf.
pub fn lookup<'v>(root: &'v Value, path: &[String]) -> Result<Option<&'v Value>, ()> {
    let mut node = root;
    for part in path.iter().map(|it| it.trim()).filter(|it| !it.is_empty()) {
        if node.is_null() {
            return Ok(None);
        }
        let next = if let Ok(at) = part.parse::<usize>() {
            node.as_list().ok_or(())?.get(at)
        } else if part == "-" {
            node.as_list().ok_or(())?.last()
        } else if part == "*" {
            return Err(());
        } else if is_match(part) {
            let (key, value) = pair(part)?;
            node.as_list().ok_or(())?.iter().find(|it| match key {
                "" => scalar_text(it) == value,
                key => it.get(key).is_some_and(|it| scalar_text(it) == value),
            })
        } else {
            node.as_map().ok_or(())?.get(part)
        };
        match next {
            Some(next) => node = next,
            None => return Ok(None),
        }
    }
    Ok(Some(node))
}

/// Does something with each node that a path leads to, and counts them; `Err` where the path goes on below a leaf.
pub fn visit(
    node: &mut Value,
    path: &[String],
    made: MissingNode,
    act: &mut dyn FnMut(&mut Value),
) -> Result<usize, ()> {
    let Some((part, rest)) = path.split_first() else {
        act(node);
        return Ok(1);
    };
    if let Ok(at) = part.parse::<usize>() {
        return place(node, at, rest, made, act);
    }
    if is_match(part) {
        return matching(node, part, rest, made, act);
    }
    if part == "*" {
        let Data::List(items) = &mut node.data else { return Err(()) };
        return items.iter_mut().try_fold(0, |found, item| Ok(found + visit(item, rest, made, act)?));
    }
    if node.is_null() && made == MissingNode::Nothing {
        return Ok(0);
    }
    if node.is_null() {
        // As in kustomize: nothing can be created below `key:`, and below a written null nothing is, without an error.
        return if node.origin.mark.column > 0 { Ok(1) } else { Err(()) };
    }
    let map = node.as_map_mut().ok_or(())?;
    if made == MissingNode::Nothing && !map.contains(part) {
        return Ok(0);
    }
    if !map.contains(part) {
        map.insert(part.as_str(), Value::from(made.before(rest.first()).empty()));
    }
    map.get_mut(part).map_or(Ok(0), |next| visit(next, rest, made, act))
}

fn place(
    node: &mut Value,
    at: usize,
    rest: &[String],
    made: MissingNode,
    act: &mut dyn FnMut(&mut Value),
) -> Result<usize, ()> {
    let Data::List(items) = &mut node.data else { return Err(()) };
    if items.len() == at && made != MissingNode::Nothing {
        items.push(made.before(rest.first()).empty().into());
    }
    visit(items.get_mut(at).ok_or(())?, rest, made, act)
}

fn matching(
    node: &mut Value,
    part: &str,
    rest: &[String],
    made: MissingNode,
    act: &mut dyn FnMut(&mut Value),
) -> Result<usize, ()> {
    let (key, value) = pair(part)?;
    let pattern = Regex::new(value).map_err(|_| ())?;
    if node.is_null() && made != MissingNode::Nothing {
        node.data = Data::List(Vec::new());
    }
    let Data::List(items) = &mut node.data else { return Err(()) };
    let fits = |item: &Value| match key {
        "" => pattern.is_match(scalar_text(item).trim()),
        key => item.get(key).is_some_and(|it| pattern.is_match(scalar_text(it).trim())),
    };
    let mut found = 0;
    for item in items.iter_mut().filter(|it| fits(it)) {
        found += if key.is_empty() { visit(item, &[], made, act)? } else { visit(item, rest, made, act)? };
    }
    if found > 0 || made == MissingNode::Nothing {
        return Ok(found);
    }
    let mut item: Value = match key {
        "" => value.into(),
        key => [(key, value)].into_iter().collect::<Map>().into(),
    };
    let found = if key.is_empty() { visit(&mut item, &[], made, act)? } else { visit(&mut item, rest, made, act)? };
    items.push(item);
    Ok(found)
}

/// Sets the text of a leaf. A leaf that was a number or a boolean stays one where the text is one; one that was nothing
/// becomes what the text means.
pub fn set_text(node: &mut Value, text: &str) {
    let read = yaml::scalar(text, Rules::Kustomize);
    let is_number = |data: &Data| matches!(data, Data::Int(_) | Data::Uint(_) | Data::Float(_));
    let same = match (&node.data, &read) {
        (Data::Null, _) | (Data::Bool(_), Data::Bool(_)) => true,
        (old, new) => is_number(old) && is_number(new),
    };
    node.data = if same { read } else { Data::Text(text.to_owned()) };
}

/// The nearest key to the first part of a path that is not there.
pub fn nearest(root: &Value, path: &str) -> Option<String> {
    let parts = split(path);
    let missing = (1..=parts.len()).find(|end| !matches!(lookup(root, &parts[..*end]), Ok(Some(_))))?;
    let above = lookup(root, &parts[..missing - 1]).ok()??;
    let keys = above.as_map()?.keys();
    diagnostic::nearest(&parts[missing - 1], keys).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_parted_at_dots() {
        let parts = |path| split(path).join("|");
        assert_eq!(parts("spec.containers.[name=a.b].image"), "spec|containers|[name=a.b]|image");
        assert_eq!(
            parts("metadata.annotations.[config.kubernetes.io/x]"),
            "metadata|annotations|config.kubernetes.io/x"
        );
        assert_eq!(parts(r"metadata.annotations.a\.b/c"), "metadata|annotations|a.b/c");
    }
}

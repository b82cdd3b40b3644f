//! Fields within a text that is YAML or JSON itself, such as a file in a ConfigMap.

use std::sync::Arc;

use super::path::{self, MissingNode};
use weft_base::value::{Data, Value, go_json};
use weft_base::yaml::{self, Order, Rules, Write};
use weft_schema::patch::scalar_text;

/// Sets a field of the document that a text on the path holds. `false` where there is no such text or field: then
/// nothing was changed.
pub fn set(root: &mut Value, parts: &[String], value: &Value, made: MissingNode) -> bool {
    if value.is_masked() {
        return false;
    }
    let ends = 1..parts.len();
    let Some(end) = ends.into_iter().find(|end| holds_text(root, &parts[..*end])) else { return false };
    let mut done = false;
    let _ = path::visit(root, &parts[..end], MissingNode::Nothing, &mut |node| {
        if let Some(text) = node.as_str().and_then(|text| changed(text, &parts[end..], value, made)) {
            node.data = Data::Text(text);
            done = true;
        }
    });
    done
}

fn holds_text(root: &Value, parts: &[String]) -> bool {
    matches!(path::lookup(root, parts), Ok(Some(node)) if node.as_str().is_some_and(|text| !text.trim().is_empty()))
}

/// A text with a field of its document changed.
fn changed(text: &str, parts: &[String], value: &Value, made: MissingNode) -> Option<String> {
    let file = Arc::new(String::new());
    let mut document = yaml::document(text, &file, Rules::Kustomize).ok()?;
    let mut places = Vec::new();
    let found = path::visit(&mut document, parts, made, &mut |node| {
        let old = node.clone();
        match node.data {
            Data::List(_) | Data::Map(_) => node.data = value.data.clone(),
            _ => path::set_text(node, &scalar_text(value)),
        }
        places.push((old, node.clone()));
    });
    if found.ok()? == 0 {
        return None;
    }
    if text.trim_start().starts_with(['{', '[']) {
        return json(&document, text.contains('\n') && text.contains("  "));
    }
    let edited = places.iter().try_fold(text.to_owned(), |text, (old, new)| in_place(&text, old, new));
    let written = || yaml::write_with(&document, Write { order: Order::Written, ..Write::default() });
    Some(edited.unwrap_or_else(written).trim().to_owned())
}

/// The text with one leaf written anew, all else as it was.
fn in_place(text: &str, old: &Value, new: &Value) -> Option<String> {
    let (row, column) = (usize::try_from(old.origin.mark.line).ok()?, usize::try_from(old.origin.mark.column).ok()?);
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let line = lines.get_mut(row.checked_sub(1)?)?;
    let start = line.char_indices().nth(column.checked_sub(1)?)?.0;
    let (plain, rest) = (scalar_text(old).into_owned(), &line[start..]);
    let quotes = ["", "\"", "'"];
    let quote = quotes.iter().find(|quote| rest.starts_with(&format!("{quote}{plain}{quote}")) && !plain.is_empty())?;
    let end = start + plain.len() + 2 * quote.len();
    let fresh = match new.as_str() {
        Some(text) if quote.is_empty() => yaml::write(&text.into()).trim_end().to_owned(),
        _ => format!("{quote}{}{quote}", scalar_text(new)),
    };
    line.replace_range(start..end, &fresh);
    Some(lines.join("\n"))
}

fn json(document: &Value, pretty: bool) -> Option<String> {
    let plain: serde_json::Value = serde_json::to_value(document).ok()?;
    let mut plain = plain;
    plain.sort_all_objects();
    let text = if pretty { serde_json::to_string_pretty(&plain) } else { serde_json::to_string(&plain) };
    text.ok().map(|text| go_json(&text))
}

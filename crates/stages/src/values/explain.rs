//! Merged values with the place of every leaf, for people.

use std::collections::HashMap;

use super::{Overridden, Values};
use weft_base::masked::MASK;
use weft_base::value::{Data, Map, Path, Step, Value};
use weft_base::yaml;

/// The longest text of an overridden value that is repeated in a comment.
const WIDEST: usize = 60;

/// The merged values as YAML, with a comment behind each leaf: where it was written, and what it overrode there. What
/// is not there any more stands in comments at the end. Secrets are masked.
pub fn explain(values: &Values) -> String {
    let mut lost: HashMap<String, Vec<&Overridden>> = HashMap::new();
    for overridden in &values.overridden {
        lost.entry(overridden.path.to_string()).or_default().push(overridden);
    }
    let mut lines = Lines { lost, out: Vec::new() };
    if let Data::Map(map) = &values.merged.data {
        lines.map(&mut Path::root(), map, 0);
    }
    let gone = lines.gone(values);
    let commented = lines.out.iter().filter(|(_, comment)| !comment.is_empty());
    let width = commented.map(|(text, _)| text.chars().count()).max().unwrap_or_default().min(WIDEST);
    let mut text = Vec::new();
    for (line, comment) in lines.out {
        text.push(if comment.is_empty() { line } else { format!("{line:width$}  # {comment}") });
    }
    text.into_iter().chain(gone).map(|line| line + "\n").collect()
}

struct Lines<'v> {
    /// What was overridden, by path; what is printed is taken out.
    lost: HashMap<String, Vec<&'v Overridden>>,
    /// Lines with their comments.
    out: Vec<(String, String)>,
}

impl Lines<'_> {
    fn map(&mut self, path: &mut Path, map: &Map, depth: usize) {
        for entry in map {
            path.0.push(Step::Field(entry.key.clone()));
            match &entry.value.data {
                Data::Map(below) if !below.is_empty() => {
                    let comment = self.overridden(path).join(", ");
                    self.write(&entry.key, None, depth, comment);
                    self.map(path, below, depth + 1);
                }
                _ => {
                    let mut comment = vec![entry.value.origin.to_string()];
                    comment.extend(self.overridden(path));
                    self.write(&entry.key, Some(&entry.value), depth, comment.join(", "));
                }
            }
            path.0.pop();
        }
    }

    /// Writes `key: value` with the comment behind its first line; without a value the key of a map.
    fn write(&mut self, key: &str, value: Option<&Value>, depth: usize, comment: String) {
        let shown = value.cloned().unwrap_or_else(|| Map::new().into());
        let text = yaml::write(&[(key, shown)].into_iter().collect::<Map>().into());
        let text = if value.is_some() { text.trim_end() } else { text.trim_end().trim_end_matches(" {}") };
        let mut comment = Some(comment);
        for line in text.split('\n') {
            let indent = if line.is_empty() { 0 } else { depth * 2 };
            self.out.push((format!("{:indent$}{line}", ""), comment.take().unwrap_or_default()));
        }
    }

    /// What the leaves at a path were, the last first.
    fn overridden(&mut self, path: &Path) -> Vec<String> {
        let lost = self.lost.remove(&path.to_string()).unwrap_or_default();
        lost.iter().rev().map(|it| format!("overrides {} of {}", short(&it.value), it.value.origin)).collect()
    }

    /// Comments for what is overridden at paths that the result does not have.
    fn gone(&self, values: &Values) -> Vec<String> {
        let gone = values.overridden.iter().filter(|it| self.lost.contains_key(&it.path.to_string()));
        let line = |it: &Overridden| {
            format!("# {}: {} of {}, overridden by {}", it.path, short(&it.value), it.value.origin, it.by)
        };
        gone.map(line).collect()
    }
}

fn short(value: &Value) -> String {
    if value.is_masked() {
        return MASK.to_owned();
    }
    let text = serde_json::to_string(value).unwrap_or_default();
    match text.char_indices().nth(WIDEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

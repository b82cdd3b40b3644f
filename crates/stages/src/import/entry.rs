//! The lines of a release in an environment.

use weft_base::value::{Map, Value};
use weft_base::yaml;

/// A release as an environment lists it.
#[derive(Clone, Debug)]
pub struct Release {
    /// Its name.
    pub name: String,
    namespace: String,
    lines: String,
}

impl Release {
    /// A release in a namespace, without anything else.
    pub fn new(name: &str, namespace: &str) -> Self {
        Self { name: name.to_owned(), namespace: namespace.to_owned(), lines: String::new() }
    }

    /// Adds whole lines.
    pub fn push(&mut self, lines: &str) {
        self.lines.push_str(lines);
    }

    /// The same with these lines.
    #[must_use]
    pub fn with(mut self, lines: &str) -> Self {
        self.push(lines);
        self
    }

    /// Its lines in the list.
    pub fn text(&self) -> String {
        format!("- name: {}\n  namespace: {}\n{}", quoted(&self.name), quoted(&self.namespace), self.lines)
    }
}

/// What `wait` and `timeout` come to.
pub fn waiting(release: &Value, whole: &Value) -> String {
    let of = |key: &str| release.get(key).or_else(|| whole.dig(&["helmDefaults", key]));
    match (of("wait").and_then(Value::as_bool), of("timeout").and_then(Value::as_i64)) {
        (Some(false), _) => "  wait: false\n".to_owned(),
        (_, Some(seconds)) => format!("  wait: {{timeout: {seconds}s}}\n"),
        _ => String::new(),
    }
}

/// The texts of a list; of its maps, what stands at `path`.
pub fn texts(list: Option<&Value>) -> Vec<String> {
    let items = list.and_then(Value::as_list).unwrap_or_default();
    items.iter().filter_map(|it| it.as_str().or_else(|| it.get("path")?.as_str()).map(str::to_owned)).collect()
}

/// A field with a list of texts, if there are any.
pub fn listed(key: &str, items: &[String]) -> String {
    if items.is_empty() {
        return String::new();
    }
    let items: Vec<String> = items.iter().map(|it| quoted(it)).collect();
    format!("  {key}: [{}]\n", items.join(", "))
}

/// A text as JSON writes it, which YAML reads the same everywhere; plain words stay bare.
pub fn quoted(text: &str) -> String {
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
    let is_word = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&text.to_lowercase().as_str());
    if is_plain && !is_word { text.to_owned() } else { serde_json::to_string(text).unwrap_or_default() }
}

/// A text as a YAML file writes it.
pub fn word(text: &str) -> String {
    yaml::write(&Value::from(text)).trim_end().to_owned()
}

/// A field of a release as YAML.
pub fn field(key: &str, value: &Value) -> String {
    let map: Map = [(key, value.clone())].into_iter().collect();
    yaml::write(&map.into()).lines().flat_map(|line| ["  ", line, "\n"]).collect()
}

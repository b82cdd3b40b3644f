//! Other tools that count an object among theirs.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::diff::LiveObject;
use crate::manifest::Object;
use weft_base::value::Value;
use weft_schema::rows;

/// Another tool that counts an object among its own, as a mark of the live object says. It may write the object again,
/// or delete it with its own things.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Tool {
    /// The tool: `Helm`, `Argo CD`, `Flux`, `kapp`.
    pub name: String,
    /// What of it has the object: `release`, `application`, `Kustomization`.
    pub thing: String,
    /// The name of that thing.
    pub of: String,
    /// The annotation or label that says so.
    pub mark: String,
}

/// The tools that count the live object among theirs. A mark that the repository writes itself is not one.
pub fn tools(object: &Object, live: &LiveObject) -> Vec<Tool> {
    let found = |[place, key, name, thing, end]: [&str; 5]| {
        let mark = |body: &Value| body.dig(&["metadata", place, key]).and_then(Value::as_str).map(str::to_owned);
        let value = mark(&live.body).filter(|_| mark(&object.body).is_none())?;
        let of = value.split_once(end).filter(|_| !end.is_empty()).map_or(value.as_str(), |(of, _)| of);
        Some(Tool { name: name.to_owned(), thing: thing.to_owned(), of: of.to_owned(), mark: key.to_owned() })
    };
    rows(include_str!("tools.tsv")).filter_map(found).collect()
}

impl fmt::Display for Tool {
    /// ``Argo CD application `shop` ``.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} `{}`", self.name, self.thing, self.of)
    }
}

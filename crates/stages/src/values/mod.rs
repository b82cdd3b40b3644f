//! Merging the layers of a release's values in the one documented order, with the origin of every leaf.
//!
//! [`layers`] puts them in order, the last wins: the chart's defaults, the environment's values along its lineage, the
//! release's own files and entries, its secrets, the command line's ([`parse_set`]). [`merge`] makes one map of them,
//! as Helm does: maps merge key by key, anything else replaces what was there, lists as a whole. A null removes the
//! chart's default; laid over another user's layer it stays a null, and so survives up to the chart (and to a chart
//! below it whose defaults are not known here). [`explain`] prints the result with the place of each leaf.

mod error;
mod explain;
mod layers;
mod merge;
mod set;
mod unread;

pub use self::error::ValuesError;
pub use self::explain::explain;
pub use self::layers::layers;
pub use self::merge::merge;
pub use self::set::{SetKind, parse_set};
pub use self::unread::{Unread, unread};
use weft_base::value::{Data, Entry, Origin, Path, Value};

/// The merged values of a release.
#[derive(Clone, Debug, Default)]
pub struct Values {
    /// The result. Each leaf has the origin of the layer that won; secret leaves are masked.
    pub merged: Value,
    /// What lost: first what the chart's author set, then what users' layers did, each in the order of the layers.
    pub overridden: Vec<Overridden>,
    /// The leaves that a user's layer set (not the chart's defaults), lists as a whole; `weft validate` reports those
    /// that nobody reads. Nulls are not among them: they take away.
    pub set_by_user: Vec<(Path, Origin)>,
    /// What users' layers come to without the chart's defaults; a map. Nulls are kept: charts decide about them.
    pub by_user: Value,
}

/// A leaf that a later layer replaced or removed.
#[derive(Clone, Debug, PartialEq)]
pub struct Overridden {
    /// Which leaf.
    pub path: Path,
    /// What it was; masked if it was secret.
    pub value: Value,
    /// Where the winner stands.
    pub by: Origin,
}

/// One layer, lowest first: chart defaults, environment values, the release's own, secrets, the command line's.
#[derive(Clone, Debug)]
pub struct Layer {
    /// What to call it: `chart defaults`, `values/app.yaml`, `--set`, ...
    pub name: String,
    /// Its values; a map.
    pub values: Value,
    /// Whether a user wrote it, in contrast to the chart's author.
    pub by_user: bool,
    /// Single nodes that it sets after its `values`, each whole. Only they reach into a list: `--set a[0].b=x`.
    pub nodes: Vec<(Path, Value)>,
}

impl Layer {
    /// A layer of these values that a user wrote.
    pub fn of_user(name: impl Into<String>, values: Value) -> Self {
        Self { name: name.into(), values, by_user: true, nodes: Vec::new() }
    }

    /// The defaults of a chart.
    pub fn of_chart(values: Value) -> Self {
        Self { name: "chart defaults".to_owned(), values, by_user: false, nodes: Vec::new() }
    }
}

/// The value with all of its nodes at one place.
fn placed(value: Value, origin: &Origin) -> Value {
    let data = match value.data {
        Data::List(items) => Data::List(items.into_iter().map(|item| placed(item, origin)).collect()),
        Data::Map(map) => {
            let entry = |it: Entry| Entry { mark: origin.mark, value: placed(it.value, origin), ..it };
            Data::Map(map.into_iter().map(entry).collect())
        }
        leaf => leaf,
    };
    Value { data, origin: origin.clone() }
}

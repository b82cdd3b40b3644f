//! Merging the layers of a release's values in the one documented order, with the origin of every leaf.

use crate::value::{Origin, Path, Value};

/// The merged values of a release.
#[derive(Clone, Debug, Default)]
pub struct Values {
    /// The result. Each leaf has the origin of the layer that won; secret leaves are masked.
    pub merged: Value,
    /// What lost, in the order in which it was overridden.
    pub overridden: Vec<Overridden>,
    /// The leaves that a user's layer set (not the chart's defaults); `weft validate` reports those nobody reads.
    pub set_by_user: Vec<(Path, Origin)>,
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
}

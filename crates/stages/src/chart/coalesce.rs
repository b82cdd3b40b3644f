//! Putting the values of a chart and of those below it together, exactly as Helm does (`coalesce.go`).
//!
//! There are two ways, told apart by [`How`]. Merging keeps nulls, and is what takes values over from charts below.
//! Coalescing makes what templates see: a null of a user removes the chart's default, and nulls among defaults go.

use super::ChartError;
use super::member::Member;
use super::table::{Node, Table};

/// The key of the values that all charts see.
const GLOBAL: &str = "global";

/// What becomes of nulls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// They are kept.
    Merge,
    /// They remove defaults.
    Coalesce,
}

/// The values of a chart, `values` of users over its own, and below them those of the charts that it uses.
pub fn values<'v>(chart: &Member<'v>, values: &Table<'v>, how: How) -> Result<Table<'v>, ChartError> {
    let all = values.copy();
    coalesce(chart, &all, how)?;
    Ok(all)
}

fn coalesce<'v>(chart: &Member<'v>, dest: &Table<'v>, how: How) -> Result<(), ChartError> {
    own(chart, dest, how);
    for sub in &chart.dependencies {
        let below = match dest.get(sub.name) {
            None => {
                let empty = Table::default();
                dest.set(sub.name, Node::Table(empty.clone()));
                empty
            }
            Some(Node::Table(table)) => table,
            Some(Node::Leaf(other)) => {
                return Err(ChartError::NoTable {
                    chart: sub.name.to_owned(),
                    kind: other.kind(),
                    origin: other.origin.clone(),
                });
            }
        };
        globals(&below, dest);
        coalesce(sub, &below, how)?;
    }
    Ok(())
}

/// Hands the globals of a chart down to one below it; the upper one's win.
fn globals<'v>(below: &Table<'v>, above: &Table<'v>) {
    let of = |table: &Table<'v>| match table.get(GLOBAL) {
        None => Some(Table::default()),
        Some(node) => node.table().cloned(),
    };
    let (Some(into), Some(from)) = (of(below), of(above)) else { return };
    for (key, node) in from.entries() {
        let there = into.get(key);
        match (&node, there) {
            (Node::Table(table), None) => into.set(key, Node::Table(table.shallow())),
            (Node::Table(table), Some(Node::Table(there))) => {
                let merged = table.shallow();
                lay_under(&merged, &there, How::Merge);
                into.set(key, Node::Table(merged));
            }
            // A table and something else: what is there stays.
            (Node::Table(_), Some(Node::Leaf(_))) | (Node::Leaf(_), Some(Node::Table(_))) => {}
            (Node::Leaf(_), _) => into.set(key, node),
        }
    }
    below.set(GLOBAL, Node::Table(into));
}

/// Lays a chart's own defaults under its values.
fn own<'v>(chart: &Member<'v>, values: &Table<'v>, how: How) {
    for (key, default) in chart.values.copy().entries() {
        match values.get(key) {
            Some(node) if node.is_null() && how == How::Coalesce => values.remove(key),
            Some(Node::Table(dest)) => {
                let Node::Table(default) = default else { continue };
                let how = if chart.dependencies.iter().any(|it| it.name == key) { How::Merge } else { how };
                if how == How::Coalesce {
                    drop_nulls(&default);
                }
                lay_under(&dest, &default, how);
            }
            Some(Node::Leaf(_)) => {}
            None if how == How::Coalesce && default.is_null() => {}
            None => {
                if let (Node::Table(table), How::Coalesce) = (&default, how) {
                    drop_nulls(table);
                }
                values.set(key, default);
            }
        }
    }
}

/// Lays a table under another, whose entries win; Helm's `coalesceTables` and `MergeTables`.
pub fn lay_under<'v>(dest: &Table<'v>, source: &Table<'v>, how: How) {
    let were_set: Vec<&str> =
        source.entries().into_iter().filter(|(_, it)| !it.is_null()).map(|(key, _)| key).collect();
    for (key, node) in dest.entries() {
        if node.is_null() {
            source.set(key, node);
        }
    }
    for (key, node) in source.entries() {
        match dest.get(key) {
            Some(there) if how == How::Coalesce && there.is_null() && were_set.binary_search(&key).is_ok() => {
                dest.remove(key);
            }
            None => dest.set(key, node),
            Some(Node::Table(there)) => {
                if let Node::Table(table) = node {
                    lay_under(&there, &table, how);
                }
            }
            Some(Node::Leaf(_)) => {}
        }
    }
}

fn drop_nulls(table: &Table<'_>) {
    for (key, node) in table.entries() {
        match node {
            Node::Table(below) => drop_nulls(&below),
            node if node.is_null() => table.remove(key),
            Node::Leaf(_) => {}
        }
    }
}

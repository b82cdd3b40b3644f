//! Values as Go templates see them.

use std::collections::HashMap;

use crate::chart::table::{Node, Table};
use weft_base::value::{Data, Value};
use weft_gotemplate::{self as go, List, Str};
use weft_jinja::Secrets;

/// The option whose whole numbers stay such; those of files are floats, as JSON has no others.
const SET: &str = "--set";

/// Makes template values of tables. A table that is shared becomes a map that is shared.
pub struct Maker {
    secrets: Secrets,
    /// How many secrets were met: stand-ins differ from each other by their place.
    masked: usize,
    made: HashMap<usize, go::Map>,
}

impl Maker {
    /// Nothing is made yet.
    pub fn new(secrets: Secrets) -> Self {
        Self { secrets, masked: 0, made: HashMap::new() }
    }

    /// The map of a table.
    pub fn map(&mut self, table: &Table<'_>) -> go::Map {
        if let Some(made) = self.made.get(&table.id()) {
            return made.clone();
        }
        let map: go::Map = table.entries().into_iter().map(|(key, node)| (Str::from(key), self.node(&node))).collect();
        self.made.insert(table.id(), map.clone());
        map
    }

    fn node(&mut self, node: &Node<'_>) -> go::Value {
        match node {
            Node::Table(table) => self.map(table).into(),
            Node::Leaf(value) => self.value(value),
        }
    }

    /// The template value of a node.
    pub fn value(&mut self, value: &Value) -> go::Value {
        let is_set = || value.origin.file.as_deref().is_some_and(|file| file == SET);
        self.data(&value.data, is_set)
    }

    #[allow(clippy::cast_precision_loss, reason = "a number of YAML is a float to Go's JSON")]
    fn data(&mut self, data: &Data, is_set: impl Fn() -> bool) -> go::Value {
        match data {
            Data::Null => go::Value::Nil,
            Data::Bool(it) => go::Value::Bool(*it),
            Data::Int(it) if is_set() => go::Value::Int64(*it),
            Data::Int(it) => go::Value::Float(*it as f64),
            Data::Uint(it) => go::Value::Float(*it as f64),
            Data::Float(it) => go::Value::Float(*it),
            Data::Text(it) => go::Value::from(it.as_str()),
            Data::List(items) => List::new(items.iter().map(|it| self.value(it)).collect()).into(),
            Data::Map(map) => {
                map.iter().map(|it| (Str::from(it.key.as_str()), self.value(&it.value))).collect::<go::Map>().into()
            }
            Data::Masked(secret) => {
                self.masked += 1;
                match self.secrets {
                    Secrets::StandIn => self.data(&weft_jinja::stand_in(secret.expose(), self.masked), is_set),
                    Secrets::Exposed | Secrets::Refused => self.data(secret.expose(), is_set),
                }
            }
        }
    }
}

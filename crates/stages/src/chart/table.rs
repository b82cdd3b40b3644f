//! Values while they are put together: maps that may be shared, over leaves that stay where they were read.
//!
//! Helm's merging shares maps between a chart and those below it, and what one of them gets shows in the other. So a
//! [`Table`] is a reference, and only [`Table::copy`] makes a new one.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use weft_base::value::{Data, Entry, Map, Origin, Value};

/// A map of values, by reference.
#[derive(Clone, Debug, Default)]
pub struct Table<'v>(Rc<RefCell<Cells<'v>>>);

#[derive(Clone, Debug, Default)]
struct Cells<'v> {
    entries: BTreeMap<&'v str, Node<'v>>,
    /// Where it was written.
    origin: Option<&'v Origin>,
}

/// A value: a table, or anything else.
#[derive(Clone, Debug)]
pub enum Node<'v> {
    /// A map.
    Table(Table<'v>),
    /// A scalar, a list or null.
    Leaf(&'v Value),
}

impl<'v> Node<'v> {
    /// The node of a value, whose maps become new tables.
    pub fn of(value: &'v Value) -> Self {
        match &value.data {
            Data::Map(map) => Self::Table(Table::of(map, Some(&value.origin))),
            _ => Self::Leaf(value),
        }
    }

    /// The table, if it is one.
    pub fn table(&self) -> Option<&Table<'v>> {
        match self {
            Self::Table(table) => Some(table),
            Self::Leaf(_) => None,
        }
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Leaf(value) if value.is_null())
    }

    /// The boolean, if it is one. A secret never decides what a release consists of.
    pub fn boolean(&self) -> Option<bool> {
        match self {
            Self::Leaf(value) => value.as_bool(),
            Self::Table(_) => None,
        }
    }

    fn copy(&self) -> Self {
        match self {
            Self::Table(table) => Self::Table(table.copy()),
            Self::Leaf(value) => Self::Leaf(value),
        }
    }

    /// The same as a value of its own, keys sorted.
    pub fn value(&self) -> Value {
        match self {
            Self::Table(table) => table.value(),
            Self::Leaf(value) => (*value).clone(),
        }
    }
}

impl<'v> Table<'v> {
    /// The table of a map.
    pub fn of(map: &'v Map, origin: Option<&'v Origin>) -> Self {
        let entries = map.iter().map(|it| (it.key.as_str(), Node::of(&it.value))).collect();
        Self(Rc::new(RefCell::new(Cells { entries, origin })))
    }

    /// The table of a value that is a map, else an empty one.
    pub fn of_value(value: &'v Value) -> Self {
        value.as_map().map_or_else(Self::default, |map| Self::of(map, Some(&value.origin)))
    }

    /// A table with one entry.
    pub fn single(key: &'v str, node: Node<'v>) -> Self {
        let table = Self::default();
        table.set(key, node);
        table
    }

    /// A table of its own, with tables of its own below it.
    #[must_use]
    pub fn copy(&self) -> Self {
        let cells = self.0.borrow();
        let entries = cells.entries.iter().map(|(key, node)| (*key, node.copy())).collect();
        Self(Rc::new(RefCell::new(Cells { entries, origin: cells.origin })))
    }

    /// A table of its own that shares those below it.
    #[must_use]
    pub fn shallow(&self) -> Self {
        Self(Rc::new(RefCell::new(self.0.borrow().clone())))
    }

    /// The node of a key.
    pub fn get(&self, key: &str) -> Option<Node<'v>> {
        self.0.borrow().entries.get(key).cloned()
    }

    /// The table that a dotted path leads to.
    pub fn table(&self, path: &str) -> Option<Table<'v>> {
        path.split('.').try_fold(self.clone(), |table, key| table.get(key)?.table().cloned())
    }

    /// The node that a dotted path leads to, where that is no table.
    pub fn leaf(&self, path: &str) -> Option<Node<'v>> {
        let (table, key) = match path.rsplit_once('.') {
            Some((above, key)) => (self.table(above)?, key),
            None => (self.clone(), path),
        };
        table.get(key).filter(|node| node.table().is_none())
    }

    /// Sets a key.
    pub fn set(&self, key: &'v str, node: Node<'v>) {
        self.0.borrow_mut().entries.insert(key, node);
    }

    /// Removes a key.
    pub fn remove(&self, key: &str) {
        self.0.borrow_mut().entries.remove(key);
    }

    /// The entries as they are now; the table may be changed meanwhile.
    pub fn entries(&self) -> Vec<(&'v str, Node<'v>)> {
        self.0.borrow().entries.iter().map(|(key, node)| (*key, node.clone())).collect()
    }

    /// Whether both are one table, not only equal ones.
    pub fn id(&self) -> usize {
        Rc::as_ptr(&self.0).addr()
    }

    /// The same as a value of its own, keys sorted.
    pub fn value(&self) -> Value {
        let cells = self.0.borrow();
        let entry = |(key, node): (&&str, &Node)| Entry {
            key: (*key).into(),
            mark: weft_base::value::Mark::default(),
            value: node.value(),
        };
        let map: Map = cells.entries.iter().map(entry).collect();
        Value::from(map).at(cells.origin.cloned().unwrap_or_default())
    }
}

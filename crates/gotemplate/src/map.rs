//! Maps, which templates share and change.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use super::call::{Fault, Function};
use super::text::Str;
use super::types::Type;
use super::value::{Value, let_go};

/// A map with strings as keys, sorted by their bytes. A copy is the same map: a change through one shows in all.
#[derive(Clone)]
pub struct Map(Rc<Cells>, Option<&'static MapType>);

/// A type of Go's that has a name, over `map[string]interface {}`.
#[derive(Debug)]
pub struct MapType {
    /// Its name, such as `common.Values`.
    pub name: &'static str,
    /// Its methods, which are called with the map as their first argument.
    pub methods: &'static [Function],
}

struct Cells {
    entries: RefCell<Rc<Entries>>,
    of: Type,
    nil: bool,
}

type Entries = BTreeMap<Str, Entry>;

#[derive(Clone)]
struct Entry {
    value: Value,
    read: Cell<bool>,
}

/// The entries of a map at one moment. The map may be changed meanwhile.
pub struct Snapshot(Rc<Entries>);

impl Snapshot {
    /// The keys with their values, which count as read from now on, sorted.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Str, &Value)> + ExactSizeIterator {
        self.0.iter().map(|(key, entry)| {
            entry.read.set(true);
            (key, &entry.value)
        })
    }
}

impl Map {
    /// An empty `map[string]interface {}`.
    pub fn new() -> Self {
        Self::typed(Type::Any)
    }

    /// An empty `map[string]of`.
    pub fn typed(of: Type) -> Self {
        Self::build(of, false, Entries::new())
    }

    /// The same map as a value of a type that has a name.
    #[must_use]
    pub fn named(&self, named: &'static MapType) -> Self {
        Self(Rc::clone(&self.0), Some(named))
    }

    /// The nil `map[string]of`: empty, and nothing can be set in it.
    pub fn nil(of: Type) -> Self {
        Self::build(of, true, Entries::new())
    }

    /// A `map[string]of` of these entries; the last of a key wins.
    pub fn typed_of(of: Type, entries: impl IntoIterator<Item = (Str, Value)>) -> Self {
        Self::build(of, false, collect(entries))
    }

    fn build(of: Type, nil: bool, entries: Entries) -> Self {
        Self(Rc::new(Cells { entries: RefCell::new(Rc::new(entries)), of, nil }), None)
    }

    /// The same map as a plain `map[string]...`.
    #[must_use]
    pub fn bare(&self) -> Self {
        Self(Rc::clone(&self.0), None)
    }

    /// The type of the values.
    pub fn of(&self) -> Type {
        self.0.of
    }

    /// The name of the type, where it has one.
    pub fn type_name(&self) -> Option<&'static str> {
        self.1.map(|it| it.name)
    }

    /// The type, where it has a name.
    pub fn map_type(&self) -> Option<&'static MapType> {
        self.1
    }

    /// Whether it is nil.
    pub fn is_nil(&self) -> bool {
        self.0.nil
    }

    /// The value of a key, which counts as read from now on.
    pub fn get(&self, key: &[u8]) -> Option<Value> {
        let entries = self.0.entries.borrow();
        let entry = entries.get(key)?;
        entry.read.set(true);
        Some(entry.value.clone())
    }

    /// The value of a key, unseen by [`Value::was_read`].
    pub fn peek(&self, key: &[u8]) -> Option<Value> {
        self.0.entries.borrow().get(key).map(|entry| entry.value.clone())
    }

    /// Whether a key is there.
    pub fn has(&self, key: &[u8]) -> bool {
        self.0.entries.borrow().contains_key(key)
    }

    /// Sets a key. A nil map refuses, as in Go.
    pub fn set(&self, key: Str, value: Value) -> Result<(), Fault> {
        if self.0.nil {
            return Err(Fault::new("assignment to entry in nil map"));
        }
        self.change(|entries| entries.insert(key, Entry { value, read: Cell::new(false) }));
        Ok(())
    }

    /// Removes a key, and gives back its value.
    pub fn remove(&self, key: &[u8]) -> Option<Value> {
        self.change(|entries| entries.remove(key)).map(|entry| entry.value)
    }

    fn change<T>(&self, change: impl FnOnce(&mut Entries) -> T) -> T {
        change(Rc::make_mut(&mut *self.0.entries.borrow_mut()))
    }

    /// The entries as they are now, sorted by key.
    pub fn entries(&self) -> Snapshot {
        Snapshot(Rc::clone(&self.0.entries.borrow()))
    }

    /// The keys, sorted. Their values do not count as read.
    pub fn keys(&self) -> Vec<Str> {
        self.0.entries.borrow().keys().cloned().collect()
    }

    /// Whether a template asked for a key; `None` where it is not there.
    pub fn was_read(&self, key: &[u8]) -> Option<bool> {
        self.0.entries.borrow().get(key).map(|entry| entry.read.get())
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.0.entries.borrow().len()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether both are one map, not only equal ones.
    pub fn is(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// The values, if nobody else has them.
    pub(super) fn take_alone(&mut self) -> Option<Vec<Value>> {
        let entries = Rc::get_mut(Rc::get_mut(&mut self.0)?.entries.get_mut())?;
        Some(std::mem::take(entries).into_values().map(|entry| entry.value).collect())
    }
}

impl Default for Map {
    fn default() -> Self {
        Self::new()
    }
}

impl FromIterator<(Str, Value)> for Map {
    fn from_iter<I: IntoIterator<Item = (Str, Value)>>(entries: I) -> Self {
        Self::typed_of(Type::Any, entries)
    }
}

fn collect(entries: impl IntoIterator<Item = (Str, Value)>) -> Entries {
    entries.into_iter().map(|(key, value)| (key, Entry { value, read: Cell::new(false) })).collect()
}

impl Drop for Cells {
    fn drop(&mut self) {
        if let Some(entries) = Rc::get_mut(self.entries.get_mut()) {
            let_go(std::mem::take(entries).into_values().map(|entry| entry.value).collect());
        }
    }
}

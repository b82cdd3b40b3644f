//! Maps in insertion order.

use super::{Key, Mark, Value};

/// A map that keeps the order in which its keys were written. Lookups walk the entries: objects have few keys a level.
#[derive(Clone, Default)]
pub struct Map {
    entries: Vec<Entry>,
}

/// One key with its value and the place of the key.
#[derive(Clone)]
pub struct Entry {
    /// The key.
    pub key: Key,
    /// Where the key was written, in the file of the value.
    pub mark: Mark,
    /// The value.
    pub value: Value,
}

impl Map {
    /// An empty map.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many keys it has.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it has no keys.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry of a key.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|e| e.key == key)
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.entry(key).map(|e| &e.value)
    }

    /// The value of a key, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.entries.iter_mut().find(|e| e.key == key).map(|e| &mut e.value)
    }

    /// Whether the key is there.
    pub fn contains(&self, key: &str) -> bool {
        self.entry(key).is_some()
    }

    /// Sets a key: in place where it was, else at the end. Returns the value that it had.
    pub fn insert(&mut self, key: impl Into<Key>, value: impl Into<Value>) -> Option<Value> {
        self.insert_entry(Entry { key: key.into(), mark: Mark::default(), value: value.into() })
    }

    /// Sets a key with its place, as [`Map::insert`] does.
    pub fn insert_entry(&mut self, entry: Entry) -> Option<Value> {
        if let Some(old) = self.entries.iter_mut().find(|e| e.key == entry.key) {
            return Some(std::mem::replace(old, entry).value);
        }
        self.entries.push(entry);
        None
    }

    /// Adds an entry whose key is known not to be there; a reader that has checked for duplicates saves the walk.
    pub fn push_unique(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// Removes a key and returns its value.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let at = self.entries.iter().position(|e| e.key == key)?;
        Some(self.entries.remove(at).value)
    }

    /// Keeps the entries that `keep` says yes to.
    pub fn retain(&mut self, keep: impl FnMut(&mut Entry) -> bool) {
        self.entries.retain_mut(keep);
    }

    /// The value of a key, put there as null where it is missing.
    pub fn get_or_insert(&mut self, key: &str) -> &mut Value {
        let at = self.entries.iter().position(|e| e.key == key).unwrap_or_else(|| {
            self.entries.push(Entry { key: key.into(), mark: Mark::default(), value: Value::default() });
            self.entries.len() - 1
        });
        &mut self.entries[at].value
    }

    /// Gives back the room that was kept for further entries. Of a million nodes, few ever get one.
    pub fn shrink_to_fit(&mut self) {
        self.entries.shrink_to_fit();
    }

    /// The entries in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Entry> {
        self.entries.iter()
    }

    /// The entries in order, to be changed.
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, Entry> {
        self.entries.iter_mut()
    }

    /// The keys in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|e| e.key.as_str())
    }
}

impl PartialEq for Map {
    /// Order does not matter, as in JSON.
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self.entries.iter().zip(&other.entries).all(|(mine, same_place)| {
                let theirs = if mine.key == same_place.key { Some(&same_place.value) } else { other.get(&mine.key) };
                theirs == Some(&mine.value)
            })
    }
}

impl FromIterator<Entry> for Map {
    fn from_iter<I: IntoIterator<Item = Entry>>(entries: I) -> Self {
        Self { entries: entries.into_iter().collect() }
    }
}

impl<K: Into<Key>, V: Into<Value>> FromIterator<(K, V)> for Map {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut map = Self::new();
        for (key, value) in pairs {
            map.insert(key, value);
        }
        map
    }
}

impl IntoIterator for Map {
    type Item = Entry;
    type IntoIter = std::vec::IntoIter<Entry>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

impl<'a> IntoIterator for &'a Map {
    type Item = &'a Entry;
    type IntoIter = std::slice::Iter<'a, Entry>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.iter()
    }
}

impl<'a> IntoIterator for &'a mut Map {
    type Item = &'a mut Entry;
    type IntoIter = std::slice::IterMut<'a, Entry>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.iter_mut()
    }
}

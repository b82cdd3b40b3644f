//! The keys of a map while it is read.

use std::collections::{HashMap, HashSet};

use super::read::Source;
use super::{Rules, YamlError};
use crate::value::{Entry, Key, Map, Mark, Value};

/// From this many keys on an index finds them; below it, walking is faster.
const INDEXED: usize = 16;

/// A map being read: its entries in order, found by key without walking a large map.
pub(super) struct Entries<'t> {
    source: Source<'t>,
    list: Vec<Entry>,
    index: HashMap<Key, usize>,
    /// The keys that a merge brought and nothing replaced.
    merged: HashSet<Key>,
}

impl<'t> Entries<'t> {
    pub fn new(source: Source<'t>) -> Self {
        Self { source, list: Vec::new(), index: HashMap::new(), merged: HashSet::new() }
    }

    /// Adds a key that was written in the map itself. It replaces a merged one; a second one is an error under strict
    /// rules, and otherwise replaces the first.
    pub fn add(&mut self, key: Key, mark: Mark, value: Value) -> Result<(), YamlError> {
        let merged = !self.merged.is_empty() && self.merged.remove(&key);
        let before = self.set(Entry { key, mark, value });
        match before {
            Some(first) if !merged && self.source.rules != Rules::Kubernetes => {
                let key = first.key.into_string();
                let first = self.source.origin(first.mark);
                Err(YamlError::DuplicateKey { at: self.source.place(mark, key.chars().count()), key, first })
            }
            _ => Ok(()),
        }
    }

    /// Adds the keys of a map after the `<<` at `sign`. They replace what is above them, which under strict rules is an
    /// error for keys that were written in the map itself.
    pub fn merge(&mut self, sign: Mark, map: Map) -> Result<(), YamlError> {
        for entry in map {
            let fresh = self.merged.insert(entry.key.clone());
            match self.set(entry) {
                Some(first) if fresh && self.source.rules != Rules::Kubernetes => {
                    let key = first.key.into_string();
                    let first = self.source.origin(first.mark);
                    return Err(YamlError::MergeOver { key, first, at: self.source.place(sign, 2) });
                }
                _ => {}
            }
        }
        Ok(())
    }

    pub fn into_map(self) -> Map {
        let mut map: Map = self.list.into_iter().collect();
        map.shrink_to_fit();
        map
    }

    /// Sets a key and returns the entry that it had.
    fn set(&mut self, entry: Entry) -> Option<Entry> {
        if let Some(at) = self.position(&entry.key) {
            return Some(std::mem::replace(&mut self.list[at], entry));
        }
        self.push(entry);
        None
    }

    fn push(&mut self, entry: Entry) {
        if self.list.len() >= INDEXED {
            if self.index.is_empty() {
                self.index = self.list.iter().enumerate().map(|(at, e)| (e.key.clone(), at)).collect();
            }
            self.index.insert(entry.key.clone(), self.list.len());
        }
        self.list.push(entry);
    }

    fn position(&self, key: &str) -> Option<usize> {
        if self.index.is_empty() {
            return self.list.iter().position(|e| e.key == key);
        }
        self.index.get(key).copied()
    }
}

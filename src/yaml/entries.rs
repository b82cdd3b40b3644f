//! The keys of a map while it is read.

use std::collections::{HashMap, HashSet};

use super::read::Source;
use super::{Rules, YamlError};
use crate::value::{Entry, Map, Mark, Value};

/// From this many keys on an index finds them; below it, walking is faster.
const INDEXED: usize = 16;

/// A map being read: its entries in order, found by key without walking a large map.
pub(super) struct Entries<'t> {
    source: Source<'t>,
    entries: Vec<Entry>,
    index: HashMap<String, usize>,
    /// The keys that a merge brought and nothing replaced.
    merged: HashSet<String>,
}

impl<'t> Entries<'t> {
    pub fn new(source: Source<'t>) -> Self {
        Self { source, entries: Vec::new(), index: HashMap::new(), merged: HashSet::new() }
    }

    /// Adds a key that was written in the map itself. It replaces a merged one; a second one is an error under strict
    /// rules, and otherwise replaces the first.
    pub fn add(&mut self, key: String, mark: Mark, value: Value) -> Result<(), YamlError> {
        if !self.merged.is_empty() && self.merged.remove(&key) {
            self.set(Entry { key, mark, value });
            return Ok(());
        }
        self.set_once(Entry { key, mark, value })
    }

    /// Adds the keys of a map after `<<`. They replace what is above them, which under strict rules is an error for keys
    /// that were written in the map itself.
    pub fn merge(&mut self, map: Map) -> Result<(), YamlError> {
        for entry in map {
            let key = entry.key.clone();
            if self.merged.contains(&key) {
                self.set(entry)
            } else {
                self.set_once(entry)?
            }
            self.merged.insert(key);
        }
        Ok(())
    }

    pub fn into_map(self) -> Map {
        self.entries.into_iter().collect()
    }

    fn set_once(&mut self, entry: Entry) -> Result<(), YamlError> {
        match self.position(&entry.key) {
            Some(first) if self.source.rules == Rules::Strict => {
                let first = self.source.origin(self.entries[first].mark);
                let at = self.source.place(entry.mark, entry.key.chars().count());
                return Err(YamlError::DuplicateKey { key: entry.key, first, at });
            }
            Some(first) => self.entries[first] = entry,
            None => self.push(entry),
        }
        Ok(())
    }

    fn set(&mut self, entry: Entry) {
        match self.position(&entry.key) {
            Some(first) => self.entries[first] = entry,
            None => self.push(entry),
        }
    }

    fn push(&mut self, entry: Entry) {
        if self.entries.len() >= INDEXED {
            if self.index.is_empty() {
                self.index = self.entries.iter().enumerate().map(|(at, e)| (e.key.clone(), at)).collect();
            }
            self.index.insert(entry.key.clone(), self.entries.len());
        }
        self.entries.push(entry);
    }

    fn position(&self, key: &str) -> Option<usize> {
        if self.index.is_empty() {
            return self.entries.iter().position(|e| e.key == key);
        }
        self.index.get(key).copied()
    }
}

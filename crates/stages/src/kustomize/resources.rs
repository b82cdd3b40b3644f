//! The resources of a build in their order, with lookups that do not walk them all.

use std::collections::HashMap;

use super::KustomizeError;
use super::id::{Id, Key};
use super::resource::{Behavior, Resource, map_under};
use super::scopes::Scopes;
use weft_base::diagnostic::nearest;
use weft_base::value::{Data, Map, Value};

/// Resources in order; no two have the same identity.
#[derive(Debug, Default)]
pub struct Resources {
    list: Vec<Resource>,
    /// Where the present identities are; `None` after a change of names.
    present: Option<HashMap<Key, usize>>,
    /// Where all identities are, past ones too; `None` after a change of names.
    known: Option<HashMap<Key, Vec<usize>>>,
    scopes: Scopes,
}

impl Resources {
    /// None yet, of a build with these scopes.
    pub fn of_build(scopes: Scopes) -> Self {
        Self { scopes, ..Self::default() }
    }

    /// The scopes of the build.
    pub fn scopes(&self) -> &Scopes {
        &self.scopes
    }

    /// The resources in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Resource> {
        self.list.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// The resources in order, to be changed in anything but their identity.
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, Resource> {
        self.list.iter_mut()
    }

    /// The resources in order, to be changed in any way.
    pub fn rename(&mut self) -> &mut Vec<Resource> {
        (self.present, self.known) = (None, None);
        &mut self.list
    }

    /// One of them, to be changed in anything but its identity.
    pub fn get_mut(&mut self, at: usize) -> Option<&mut Resource> {
        self.list.get_mut(at)
    }

    /// Adds a resource. One of the same identity must not be there.
    pub fn append(&mut self, mut resource: Resource) -> Result<(), KustomizeError> {
        resource.scopes = self.scopes.clone();
        let id = resource.id();
        let present = self
            .present
            .get_or_insert_with(|| self.list.iter().enumerate().map(|(at, it)| (it.id().key(), at)).collect());
        if let Some(at) = present.insert(id.key(), self.list.len()) {
            let first = self.list[at].body.origin.clone();
            return Err(KustomizeError::Duplicate { id: id.into(), first, origin: resource.body.origin });
        }
        self.known = None;
        self.list.push(resource);
        Ok(())
    }

    /// Adds resources in order.
    pub fn append_all(&mut self, resources: impl IntoIterator<Item = Resource>) -> Result<(), KustomizeError> {
        resources.into_iter().try_for_each(|it| self.append(it))
    }

    /// The places of the resources that have, or had, an identity.
    pub fn with_id(&mut self, id: &Id) -> &[usize] {
        let known = self.known.get_or_insert_with(|| {
            let mut known: HashMap<Key, Vec<usize>> = HashMap::new();
            for (at, resource) in self.list.iter().enumerate().filter(|(_, it)| !is_empty(&it.body)) {
                for id in resource.ids() {
                    let places = known.entry(id.key()).or_default();
                    if places.last() != Some(&at) {
                        places.push(at);
                    }
                }
            }
            known
        });
        known.get(&id.key()).map_or(&[], Vec::as_slice)
    }

    /// The names of all resources of a kind, for the nearest one to a name that is not there.
    pub fn nearest(&self, id: &Id) -> Option<String> {
        let names: Vec<String> =
            self.list.iter().filter(|it| it.gvk().kind == id.gvk.kind).map(Resource::name).collect();
        let others = || {
            let same = self.list.iter().filter(|it| it.name() == id.name);
            same.map(|it| it.id().to_string()).next()
        };
        nearest(&id.name, names.iter().map(String::as_str))
            .filter(|it| *it != id.name)
            .map(str::to_owned)
            .or_else(others)
    }

    /// Takes a generated resource in, as its behaviour says.
    pub fn absorb(&mut self, mut new: Resource) -> Result<(), KustomizeError> {
        new.scopes = self.scopes.clone();
        let id = new.id();
        let places = self.with_id(&id).to_vec();
        match (places.as_slice(), new.behavior) {
            ([], Behavior::Create) => self.append(new),
            ([], behavior) => {
                let nearest = self.nearest(&id);
                Err(KustomizeError::NothingToChange { id: id.into(), behavior, nearest, origin: new.body.origin })
            }
            (&[at], behavior) => {
                if behavior == Behavior::Create {
                    let first = self.list[at].body.origin.clone();
                    return Err(KustomizeError::Duplicate { id: id.into(), first, origin: new.body.origin });
                }
                let old = &self.list[at];
                new.take_over(old, behavior == Behavior::Merge);
                self.rename()[at] = new;
                Ok(())
            }
            _ => Err(KustomizeError::Ambiguous { id: id.into(), origin: new.body.origin }),
        }
    }

    /// Drops the resources that patches emptied.
    pub fn drop_empty(&mut self) {
        if self.list.iter().any(|it| is_empty(&it.body)) {
            self.rename().retain(|it| !is_empty(&it.body));
        }
    }

    /// Fails where two resources have the same identity.
    pub fn check_unique(&mut self) -> Result<(), KustomizeError> {
        let list = std::mem::take(self.rename());
        self.append_all(list)
    }

    /// The resources.
    pub fn into_vec(self) -> Vec<Resource> {
        self.list
    }
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_map().is_some_and(Map::is_empty)
}

impl Resource {
    /// Takes the place of another: its name, its past, its labels and annotations beneath the own ones, and where it
    /// `merges` its data, too.
    fn take_over(&mut self, old: &Self, merges: bool) {
        let hashed = self.hashed;
        let (name, namespace) = (old.name(), old.namespace());
        for field in ["labels", "annotations"] {
            self.underlay(&["metadata", field], old, "null");
        }
        self.set_name(&name);
        self.set_namespace(&namespace);
        if merges {
            for field in ["data", "binaryData"] {
                self.underlay(&[field], old, "");
            }
        }
        let old = old.clone();
        if merges || self.provenance.is_none() {
            self.provenance = old.provenance.or(self.provenance.take());
        }
        self.transformations = old.transformations;
        self.previous = old.previous;
        self.prefixes = old.prefixes;
        self.suffixes = old.suffixes;
        self.variables = old.variables;
        self.behavior = old.behavior;
        self.hashed = old.hashed && hashed;
        self.of_chart = old.of_chart;
        self.is_generated = old.is_generated || self.is_generated;
        if merges {
            self.sealed.splice(0..0, old.sealed);
        }
    }

    /// Puts the entries of a map of another resource under those of this one, as texts. `null` is the text of a null.
    fn underlay(&mut self, path: &[&str], old: &Self, null: &str) {
        let below = old.body.dig(path);
        let Some(below) = below.and_then(Value::as_map).filter(|it| !it.is_empty()) else { return };
        let map = path.iter().try_fold(&mut self.body, |node, key| {
            let Data::Map(map) = &mut node.data else { return None };
            map_under(map, key)?;
            map.get_mut(key)
        });
        let Some(map) = map.and_then(Value::as_map_mut) else { return };
        for entry in below {
            if !map.contains(&entry.key) {
                let mut entry = entry.clone();
                match entry.value.data {
                    Data::List(_) | Data::Map(_) | Data::Masked(_) => {}
                    Data::Null => entry.value.data = Data::Text(null.to_owned()),
                    _ => entry.value.data = Data::Text(old.texts.text(&entry.value)),
                }
                map.insert_entry(entry);
            }
        }
    }
}

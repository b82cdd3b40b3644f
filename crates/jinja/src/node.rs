//! Values as templates see them: maps and lists that remember what was read.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use minijinja::value::{Enumerator, Object, ObjectRepr};
use minijinja::{Error, ErrorKind, Value as Dynamic};

use super::stand_in;
use weft_base::value::{Data, Path, Step, Value};

/// What a template gets in place of a leaf that came from a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
    /// The secret itself.
    Exposed,
    /// Something else of the same kind, length and character classes.
    StandIn,
    /// An error where it is used: a place in which no secret may decide.
    Refused,
}

/// A map or a list. It marks each child that a template asks for; its debug form shows no value.
pub struct Node {
    keyed: bool,
    children: Vec<Child>,
}

struct Child {
    key: Dynamic,
    value: Dynamic,
    secret: bool,
    read: AtomicBool,
}

/// What a path leads to.
pub struct ResolvedNode {
    /// The value, in its template form.
    pub value: Dynamic,
    /// Whether it is a leaf that came from a secret.
    pub secret: bool,
}

/// The template form of a value. Maps and lists become [`Node`]s.
pub fn dynamic(value: &Value, secrets: Secrets) -> Dynamic {
    Builder { secrets, masked: 0 }.dynamic(&value.data)
}

struct Builder {
    secrets: Secrets,
    /// How many secrets were met: stand-ins differ from each other by their place.
    masked: usize,
}

impl Builder {
    fn dynamic(&mut self, data: &Data) -> Dynamic {
        match data {
            Data::Null => Dynamic::from(()),
            Data::Bool(it) => Dynamic::from(*it),
            Data::Int(it) => Dynamic::from(*it),
            Data::Uint(it) => Dynamic::from(*it),
            Data::Float(it) => Dynamic::from(*it),
            Data::Text(it) => Dynamic::from(it.as_str()),
            Data::List(items) => {
                let children = items.iter().map(|item| self.child(Dynamic::UNDEFINED, item)).collect();
                Dynamic::from_object(Node { keyed: false, children })
            }
            Data::Map(map) => {
                let children = map.iter().map(|e| self.child(Dynamic::from(e.key.as_str()), &e.value)).collect();
                Dynamic::from_object(Node { keyed: true, children })
            }
            Data::Masked(secret) => {
                self.masked += 1;
                match self.secrets {
                    Secrets::Exposed => self.dynamic(secret.expose()),
                    Secrets::StandIn => self.dynamic(&stand_in::of(secret.expose(), self.masked)),
                    Secrets::Refused => {
                        Dynamic::from(Error::new(ErrorKind::InvalidOperation, "a secret cannot be used here"))
                    }
                }
            }
        }
    }

    fn child(&mut self, key: Dynamic, value: &Value) -> Child {
        Child { key, value: self.dynamic(&value.data), secret: value.is_masked(), read: AtomicBool::new(false) }
    }
}

impl Node {
    /// Whether a template asked for the node that `path` leads to; a map that was walked counts for its own keys.
    /// `None` where the path leads nowhere.
    pub fn was_read(&self, path: &Path) -> Option<bool> {
        let (step, below) = path.0.split_first()?;
        let child = match step {
            Step::Field(key) => self.keyed(key)?,
            Step::Index(at) => self.children.get(*at)?,
            Step::Item(_) | Step::Member(_) => return None,
        };
        match child.value.downcast_object_ref::<Node>() {
            Some(node) if !below.is_empty() => node.was_read(&Path(below.to_vec())),
            _ => Some(child.read.load(Ordering::Relaxed)),
        }
    }

    /// The child under a key or, in a list, at a place written as a number.
    pub fn find(&self, key: &str) -> Option<ResolvedNode> {
        let child = if self.keyed { self.keyed(key)? } else { self.children.get(key.parse::<usize>().ok()?)? };
        Some(ResolvedNode { value: child.value.clone(), secret: child.secret })
    }

    /// The keys of a map.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.children.iter().filter_map(|child| child.key.as_str())
    }

    fn keyed(&self, key: &str) -> Option<&Child> {
        self.children.iter().find(|child| child.key.as_str() == Some(key))
    }
}

impl Child {
    fn ask(&self) -> Dynamic {
        self.read.store(true, Ordering::Relaxed);
        self.value.clone()
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", if self.keyed { "map" } else { "list" }, self.children.len())
    }
}

impl Object for Node {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        if self.keyed { ObjectRepr::Map } else { ObjectRepr::Seq }
    }

    fn get_value(self: &Arc<Self>, key: &Dynamic) -> Option<Dynamic> {
        if self.keyed { self.get_value_by_str(key.as_str()?) } else { Some(self.children.get(key.as_usize()?)?.ask()) }
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Dynamic> {
        self.keyed(key).map(Child::ask)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        if !self.keyed {
            return Enumerator::Seq(self.children.len());
        }
        let key = |child: &Child| {
            child.ask();
            child.key.clone()
        };
        Enumerator::Values(self.children.iter().map(key).collect())
    }

    /// Whether a map is empty says nothing of its leaves, so it marks none.
    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(self.children.len())
    }
}

//! The names that a template sees, and the budget that its nested renders share.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use minijinja::value::{Enumerator, Object};
use minijinja::{Error, ErrorKind, State, Value as Dynamic};

use super::engine::{FUEL, NESTING};
use super::node::{Node, ResolvedNode, Secrets, dynamic};
use weft_base::value::Value;

/// The name, which no template can write, under which a scope finds itself.
const ITSELF: &str = "\0scope";

/// The names at the top of a render. A scope is made for one render of one file.
pub struct Scope {
    names: Vec<(Cow<'static, str>, Dynamic)>,
    depth: AtomicU64,
    spent: AtomicU64,
}

impl Scope {
    /// A scope of these names.
    pub fn new(names: impl IntoIterator<Item = (&'static str, Dynamic)>) -> Arc<Self> {
        Self::with(names.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    /// A scope of the keys of a map, in which no secret can be used.
    pub fn over(context: &Value) -> Arc<Self> {
        let entries = context.as_map().into_iter().flatten();
        Self::with(entries.map(|e| (e.key.clone().into(), dynamic(&e.value, Secrets::Refused))).collect())
    }

    fn with(names: Vec<(Cow<'static, str>, Dynamic)>) -> Arc<Self> {
        Arc::new(Self { names, depth: AtomicU64::new(0), spent: AtomicU64::new(0) })
    }

    /// The same names with a fresh budget, for another file.
    pub fn again(&self) -> Arc<Self> {
        Self::with(self.names.clone())
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<Dynamic> {
        self.names.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|(name, _)| name.as_ref())
    }

    /// What a path of names leads to, without counting as a read.
    pub fn find(&self, path: &[&str]) -> Option<ResolvedNode> {
        let (first, below) = path.split_first()?;
        below.iter().try_fold(ResolvedNode { value: self.get(first)?, secret: false }, |found, key| {
            if let Some(node) = found.value.downcast_object_ref::<Node>() {
                return node.find(key);
            }
            let value = found.value.get_attr(key).ok().filter(|it| !it.is_undefined())?;
            Some(ResolvedNode { value, secret: found.secret })
        })
    }

    /// The scope of a running render.
    pub fn of(state: &State) -> Option<Arc<Self>> {
        state.lookup(ITSELF)?.downcast_object::<Self>()
    }

    /// Runs a nested render, which takes its steps from the same budget. `inner` returns how many it took.
    pub fn nested<T>(&self, inner: impl FnOnce() -> Result<(T, u64), Error>) -> Result<T, Error> {
        if self.depth.fetch_add(1, Ordering::Relaxed) >= NESTING {
            return Err(Error::new(ErrorKind::InvalidOperation, "recursion limit exceeded"));
        }
        let (result, steps) = inner()?;
        self.depth.fetch_sub(1, Ordering::Relaxed);
        if self.spent.fetch_add(steps, Ordering::Relaxed) + steps > FUEL {
            return Err(Error::from(ErrorKind::OutOfFuel));
        }
        Ok(result)
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

impl Object for Scope {
    fn get_value(self: &Arc<Self>, key: &Dynamic) -> Option<Dynamic> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Dynamic> {
        if key == ITSELF { Some(Dynamic::from_dyn_object(Arc::clone(self))) } else { self.get(key) }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.names().map(Dynamic::from).collect())
    }
}

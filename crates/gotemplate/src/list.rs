//! Lists: Go's slices.

use std::cell::Cell;
use std::ops::Deref;
use std::rc::Rc;

use super::types::Type;
use super::value::{Value, let_go};

/// A list. It is never changed: functions make new ones. A copy shares the items.
#[derive(Clone)]
pub struct List(Rc<Cells>);

struct Cells {
    items: Vec<Value>,
    of: Type,
    nil: bool,
    walked: Cell<bool>,
}

impl List {
    /// A list of type `[]of`. The items must be of that type.
    pub fn typed(of: Type, items: Vec<Value>) -> Self {
        Self(Rc::new(Cells { items, of, nil: false, walked: Cell::new(false) }))
    }

    /// A `[]interface {}`.
    pub fn new(items: Vec<Value>) -> Self {
        Self::typed(Type::Any, items)
    }

    /// A `[]string`.
    pub fn strings(items: impl IntoIterator<Item = impl Into<super::Str>>) -> Self {
        Self::typed(Type::Str, items.into_iter().map(|it| Value::Str(it.into())).collect())
    }

    /// The list of type `[]of` that is nil: empty, `null` as JSON.
    pub fn nil(of: Type) -> Self {
        Self(Rc::new(Cells { items: Vec::new(), of, nil: true, walked: Cell::new(false) }))
    }

    /// The type of the items.
    pub fn of(&self) -> Type {
        self.0.of
    }

    /// Whether it is nil.
    pub fn is_nil(&self) -> bool {
        self.0.nil
    }

    /// The items, which count as read from now on.
    pub fn items(&self) -> &[Value] {
        self.0.walked.set(true);
        &self.0.items
    }

    /// The items, unseen by [`Value::was_read`].
    pub fn peek(&self) -> &[Value] {
        &self.0.items
    }

    /// Whether a template looked at the items.
    pub fn was_walked(&self) -> bool {
        self.0.walked.get()
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.0.items.len()
    }

    /// Whether there are no items.
    pub fn is_empty(&self) -> bool {
        self.0.items.is_empty()
    }

    /// Whether both are one list, not only equal ones.
    pub fn is(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// The items, if nobody else has them.
    pub(super) fn take_alone(&mut self) -> Option<Vec<Value>> {
        Rc::get_mut(&mut self.0).map(|cells| std::mem::take(&mut cells.items))
    }
}

impl Deref for List {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        self.items()
    }
}

impl Drop for Cells {
    fn drop(&mut self) {
        let_go(std::mem::take(&mut self.items));
    }
}

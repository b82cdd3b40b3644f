//! Who owns which field.

use super::{LiveObject, MANAGER, Manager, Writer};
use weft_base::value::Path;
use weft_schema::fields::{FieldSet, FieldsError};

/// Our fields before and after an apply, and everybody else's.
#[derive(Debug, Default)]
pub struct Ownership {
    /// What we own now.
    pub before: FieldSet,
    /// What we shall own.
    pub after: FieldSet,
    /// The others, the newest writer first.
    others: Vec<(Writer, FieldSet)>,
    /// When we wrote last.
    last_write: Option<String>,
}

/// The fields that we own by our applies.
pub fn ours(live: &LiveObject) -> Result<FieldSet, FieldsError> {
    let mut owned = FieldSet::default();
    for manager in live.managers.iter().filter(|m| is_ours(m)) {
        owned.add(manager.fields.set()?);
    }
    Ok(owned)
}

/// Whether an entry is that of our applies.
pub fn is_ours(manager: &Manager) -> bool {
    manager.name == MANAGER && manager.operation == "Apply" && manager.subresource.is_empty()
}

impl Ownership {
    /// The ownership of an object as it is. What we shall own is not known yet.
    pub fn of(live: &LiveObject) -> Result<Self, FieldsError> {
        let mut out = Self { before: ours(live)?, ..Self::default() };
        for manager in &live.managers {
            let fields = manager.fields.set()?.clone();
            if is_ours(manager) {
                out.last_write = manager.time.clone().max(out.last_write);
            } else {
                out.others.push((Writer::of(manager), fields));
            }
        }
        out.others.sort_by(|a, b| b.0.time.cmp(&a.0.time));
        Ok(out)
    }

    /// The same, with what a server's answer to a dry run says that we shall own.
    pub fn with_answer(mut self, response: &LiveObject) -> Result<Self, FieldsError> {
        self.after = ours(response)?;
        Ok(self)
    }

    /// Everybody else who owns the field, the newest first.
    pub fn writers(&self, path: &Path) -> Vec<Writer> {
        self.others.iter().filter(|(_, fields)| fields.owns(path)).map(|(writer, _)| writer.clone()).collect()
    }

    /// Whether somebody else owns the field.
    pub fn is_foreign(&self, path: &Path) -> bool {
        self.others.iter().any(|(_, fields)| fields.owns(path))
    }

    /// Who may have removed a field. Nobody owns what is not there, so these are the ones who wrote to the object
    /// itself after us, the newest first; none, where whoever removed it left no trace.
    pub fn later_writers(&self) -> Vec<Writer> {
        let later = |w: &&Writer| w.subresource.is_empty() && w.time > self.last_write;
        self.others.iter().map(|(writer, _)| writer).filter(later).cloned().collect()
    }
}

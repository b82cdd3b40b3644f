//! Joins live objects to desired ones and compares them on the thread pool as their pages arrive.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::compare::ComparisonInput;
use super::pool;
use crate::cluster::{LivePage, PageRead};
use weft_schema::Schemas;
use weft_stages::diff::{self, Compared, LiveObject, ObjectComparison};
use weft_stages::manifest::ObjectId;

/// The result for one live object.
pub(super) enum JoinResult {
    /// The desired object at this index is compared.
    Done(usize, Box<ObjectComparison>),
    /// The desired object at this index needs more than its record.
    Ask(usize, Box<LiveObject>),
    /// An object that left the repository still exists.
    Left(ObjectId, Box<ObjectComparison>),
}

/// Judges the objects of pages. Clones share what was found.
#[derive(Clone)]
pub(super) struct Join {
    subject: Arc<ComparisonInput>,
    places: Arc<HashMap<ObjectId, usize>>,
    /// None: only records prove anything here.
    schemas: Arc<Schemas>,
    found: Arc<Mutex<Vec<JoinResult>>>,
}

impl Join {
    /// Nothing is joined yet; `places` are those of the desired objects.
    pub fn new(subject: &Arc<ComparisonInput>, places: &Arc<HashMap<ObjectId, usize>>) -> Self {
        let subject = Arc::clone(subject);
        let places = Arc::clone(places);
        Self { subject, places, schemas: Arc::new(Schemas::new()), found: Arc::default() }
    }

    /// Judges the objects of a page, on another thread.
    pub async fn page(self, page: LivePage) -> PageRead {
        let work = move || {
            let mut found = Vec::new();
            let read = page.read(&mut |live| found.extend(self.object(live)));
            self.found.lock().unwrap_or_else(PoisonError::into_inner).extend(found);
            read
        };
        pool::run(work).await
    }

    /// All that was found so far.
    pub fn found(&self) -> Vec<JoinResult> {
        std::mem::take(&mut self.found.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn object(&self, live: LiveObject) -> Option<JoinResult> {
        let subject = &*self.subject;
        let Some(&at) = self.places.get(&live.id) else {
            let held = subject.members.get(&live.id)?;
            let id = live.id.clone();
            let comparison = diff::leftover(&id, &held.release, Some(live), held.recorded.clone());
            return Some(JoinResult::Left(id, Box::new(comparison)));
        };
        let recorded = subject.recorded(&live.id);
        Some(match diff::compare(&subject.objects[at], Some(live), recorded, None, &subject.context(&self.schemas)) {
            Compared::Done(comparison) => JoinResult::Done(at, comparison),
            // What is taken over is decided with the schema at hand, which is fetched for all questions together.
            Compared::Shape(live) | Compared::Ask(live) | Compared::Adopt(live, _) => JoinResult::Ask(at, live),
        })
    }
}

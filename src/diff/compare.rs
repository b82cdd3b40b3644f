//! The ladder of comparing an object: the record proves it unchanged, else the server's dry run tells, else we predict.

use std::sync::Arc;

use super::classify::Evidence;
use super::equivalence::Equivalence;
use super::fields::FieldsError;
use super::ownership::Ownership;
use super::predict::predict;
use super::record::{proven, record};
use super::secrecy::{mask_like, shown};
use super::{Asked, Compared, Context, Judge, Judged, LiveObject, ObjectComparison, Recorded, Verdict, changes};
use crate::manifest::{Object, ObjectId};
use crate::masked::FingerprintKey;
use crate::schema::{self, Type};
use crate::value::Value;

/// Compares an object with what the server has.
///
/// Without `asked`, an object that the record proves unchanged is done, and so is one that the server does not have;
/// for any other the answer is [`Compared::Ask`]. With `asked` the answer is always [`Compared::Done`]. Nothing of an
/// unchanged live object is kept.
pub fn compare(
    object: &Arc<Object>,
    live: Option<LiveObject>,
    recorded: Option<Arc<Recorded>>,
    asked: Option<Asked>,
    context: &Context<'_>,
) -> Compared {
    let subject = Subject { object, recorded, context };
    let done = match (live, asked) {
        (None, asked) => subject.create(asked),
        (Some(_), _) if object.implicit => subject.unchanged(Judged::Trivial),
        (Some(live), _) if is_deleted(&live) => subject.deleted(live),
        (Some(live), asked) => {
            if subject.is_recorded(&live) {
                subject.unchanged(Judged::Recorded)
            } else {
                match asked {
                    None if subject.shape().is_none() => return Compared::Shape(Box::new(live)),
                    None => return Compared::Ask(Box::new(live)),
                    Some(Asked::DryRun(response)) => subject.answered(live, *response),
                    Some(Asked::Impossible(reason)) => subject.predicted(live, Judged::Predicted(reason)),
                    Some(Asked::Refused(message)) => subject.predicted(live, Judged::Refused(message)),
                }
            }
        }
    };
    Compared::Done(Box::new(done))
}

/// The comparison of an object that could not be read.
pub fn unknown(object: &Arc<Object>, reason: String, context: &Context<'_>) -> ObjectComparison {
    Subject { object, recorded: None, context }.comparison(Verdict::Unknown(reason), Judged::Trivial)
}

/// The comparison of an object that left the repository.
pub fn leftover(
    id: &ObjectId,
    release: &Arc<str>,
    live: Option<LiveObject>,
    recorded: Option<Arc<Recorded>>,
) -> ObjectComparison {
    let live = live.map(|mut live| {
        if let Some(recorded) = &recorded {
            mask_like(&mut live.body, &recorded.applied, None);
        }
        Arc::new(live)
    });
    ObjectComparison {
        id: id.clone(),
        release: Arc::clone(release),
        verdict: if live.is_some() { Verdict::Leftover } else { Verdict::Gone },
        judged: Judged::Trivial,
        fields: Vec::new(),
        desired: None,
        live,
        after: None,
        recorded,
    }
}

fn is_deleted(live: &LiveObject) -> bool {
    live.body.dig(&["metadata", "deletionTimestamp"]).is_some()
}

struct Subject<'a> {
    object: &'a Arc<Object>,
    recorded: Option<Arc<Recorded>>,
    context: &'a Context<'a>,
}

impl<'a> Subject<'a> {
    fn key(&self) -> &'a FingerprintKey {
        self.context.key
    }

    fn shape(&self) -> Option<Type<'a>> {
        self.context.schemas.of(&self.object.gvk)
    }

    fn is_recorded(&self, live: &LiveObject) -> bool {
        let proofs = self.context.judge == Judge::Proofs;
        proofs && self.recorded.as_ref().is_some_and(|recorded| proven(self.object, live, recorded, self.key()))
    }

    fn comparison(self, verdict: Verdict, judged: Judged) -> ObjectComparison {
        ObjectComparison {
            id: self.object.id.clone(),
            release: Arc::clone(&self.object.release),
            verdict,
            judged,
            fields: Vec::new(),
            desired: Some(Arc::clone(self.object)),
            live: None,
            after: None,
            recorded: self.recorded,
        }
    }

    fn unchanged(self, judged: Judged) -> ObjectComparison {
        self.comparison(Verdict::Unchanged, judged)
    }

    fn create(self, asked: Option<Asked>) -> ObjectComparison {
        let (after, judged) = match asked {
            None => (self.show(&self.object.body), Judged::Trivial),
            Some(Asked::Impossible(reason)) => (self.show(&self.object.body), Judged::Predicted(reason)),
            Some(Asked::Refused(message)) => (self.show(&self.object.body), Judged::Refused(message)),
            Some(Asked::DryRun(mut response)) => {
                let known = Ownership::of(&response).unwrap_or_default().known;
                mask_like(&mut response.body, &self.object.body, Some(&known));
                (self.show(&response.body), Judged::DryRun)
            }
        };
        ObjectComparison { after: Some(after), ..self.comparison(Verdict::Create, judged) }
    }

    /// Nothing can be said of an object that is going: an apply would not keep it.
    fn deleted(self, live: LiveObject) -> ObjectComparison {
        let since = live.body.dig(&["metadata", "deletionTimestamp"]).and_then(Value::as_str).unwrap_or("some time");
        let reason = format!("it is being deleted since {since}");
        self.unknown(live, reason)
    }

    fn unknown(self, mut live: LiveObject, reason: String) -> ObjectComparison {
        mask_like(&mut live.body, &self.object.body, None);
        let live = self.keep(live);
        ObjectComparison { live: Some(live), ..self.comparison(Verdict::Unknown(reason), Judged::Trivial) }
    }

    fn answered(self, live: LiveObject, response: LiveObject) -> ObjectComparison {
        match Ownership::of(&live).and_then(|ownership| ownership.with_answer(&response)) {
            Ok(ownership) => self.judge(live, response.body, &ownership, Judged::DryRun),
            Err(error) => self.unreadable(live, &error),
        }
    }

    fn predicted(self, live: LiveObject, judged: Judged) -> ObjectComparison {
        match Ownership::of(&live) {
            Ok(mut ownership) => {
                let after = predict(&live.body, &self.object.body, &mut ownership, self.equivalence());
                self.judge(live, after, &ownership, judged)
            }
            Err(error) => self.unreadable(live, &error),
        }
    }

    fn unreadable(self, live: LiveObject, error: &FieldsError) -> ObjectComparison {
        self.unknown(live, format!("its managed fields cannot be read: {error}"))
    }

    /// Classifies what differs between live and after; where nothing does, it is unchanged, with a record of that.
    fn judge(
        mut self,
        mut live: LiveObject,
        mut after: Value,
        ownership: &Ownership,
        judged: Judged,
    ) -> ObjectComparison {
        self.mask(&mut live.body, ownership);
        self.mask(&mut after, ownership);
        let evidence = Evidence {
            desired: &self.object.body,
            base: self.recorded.as_deref().map(|recorded| recorded.applied.as_ref()),
            live: &live.body,
            after: &after,
            ownership,
            equivalence: self.equivalence(),
        };
        let fields = evidence.classify(&changes::between(&live.body, &after, &ownership.known));
        if fields.is_empty() {
            if judged == Judged::DryRun {
                self.recorded = Some(Arc::new(record(self.object, &live, self.key())));
            }
            return self.unchanged(judged);
        }
        let (live, after) = (self.keep(live), self.show(&after));
        ObjectComparison { fields, live: Some(live), after: Some(after), ..self.comparison(Verdict::Update, judged) }
    }

    /// Masks what is secret in the repository, and what was when it was applied.
    fn mask(&self, body: &mut Value, ownership: &Ownership) {
        mask_like(body, &self.object.body, Some(&ownership.known));
        if let Some(recorded) = &self.recorded {
            mask_like(body, &recorded.applied, Some(&ownership.known));
        }
    }

    fn keep(&self, live: LiveObject) -> Arc<LiveObject> {
        let body = shown(&live.body, self.key());
        Arc::new(LiveObject { body, ..live })
    }

    fn show(&self, value: &Value) -> Arc<Value> {
        Arc::new(shown(value, self.key()))
    }

    fn equivalence(&self) -> Equivalence<'_> {
        Equivalence { key: self.key(), builtin: schema::is_builtin_group(&self.object.gvk.group) }
    }
}

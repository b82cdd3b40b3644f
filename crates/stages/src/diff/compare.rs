//! The ladder of comparing an object: a record or its structure proves it unchanged, else the server's dry run tells, else
//! we predict.

use std::sync::Arc;

use super::adopt::{self, Adoption};
use super::classify::Evidence;
use super::equivalence::Equivalence;
use super::ignore::{adjust, hide, shape};
use super::ownership::Ownership;
use super::predict::{Prediction, predict};
use super::record::{proven, record};
use super::secrecy::{mask_like, shipped, shown};
use super::{
    Cause, Class, Compared, Context, FieldChange, Judge, Judged, LiveObject, MANAGER, Migration, ObjectComparison,
    Recorded, ServerAnswer, Unknown, Verdict, structure,
};
use crate::manifest::{Object, ObjectId};
use weft_base::masked::FingerprintKey;
use weft_base::value::{Path, Value};
use weft_schema::Type;
use weft_schema::fields::FieldsError;
use weft_schema::merge::{self, MergeError};

/// Compares an object with what the server has.
///
/// Without `asked`, an object that the record proves unchanged is done, and so is one that the server does not have;
/// for any other the answer is [`Compared::Ask`]. With `asked` the answer is always [`Compared::Done`]. Nothing of an
/// unchanged live object is kept.
pub fn compare(
    object: &Arc<Object>,
    live: Option<LiveObject>,
    recorded: Option<Arc<Recorded>>,
    asked: Option<ServerAnswer>,
    context: &Context<'_>,
) -> Compared {
    let adjusted = adjust(object, live.as_ref(), recorded.as_deref(), context);
    let sent = adjusted.sent.as_ref().unwrap_or(object);
    let left = adjusted.left.as_slice();
    let theirs = adjusted.theirs.as_slice();
    let subject = Subject { object: sent, written: object, left, theirs, recorded, context };
    let done = match (live, asked) {
        (None, asked) => subject.create(asked),
        (Some(_), _) if object.implicit => subject.unchanged(Judged::Trivial),
        (Some(live), _) if is_deleted(&live) => subject.deleted(live),
        (Some(live), asked) => {
            let due = !matches!(asked, Some(ServerAnswer::DryRun(_))) && adopt::is_due(&live, context);
            if due && (subject.shape().is_some() || asked.is_none()) {
                return subject.adopt(live, asked);
            }
            if subject.is_recorded(&live) {
                subject.unchanged(Judged::Recorded)
            } else {
                match (asked, subject.shape()) {
                    (None, None) => return Compared::Shape(Box::new(live)),
                    (None, Some(shape)) if subject.is_structure(&live, shape) => subject.structured(live),
                    (None, Some(shape)) if subject.is_structure_of(adjusted.veiled.as_ref(), &live, shape) => {
                        subject.veiled(adjusted.hidden.clone())
                    }
                    (None, Some(_)) => return Compared::Ask(Box::new(live)),
                    (Some(ServerAnswer::DryRun(response) | ServerAnswer::Adopted(response)), _) => {
                        subject.answered(live, *response)
                    }
                    (Some(ServerAnswer::Impossible(reason)), _) => subject.predicted(live, Judged::Predicted(reason)),
                    (Some(ServerAnswer::Refused(message)), _) => subject.predicted(live, Judged::Refused(message)),
                }
            }
        }
    };
    Compared::Done(Box::new(done))
}

/// The comparison of an object that could not be read.
pub fn unknown(object: &Arc<Object>, why: Unknown, context: &Context<'_>) -> ObjectComparison {
    Subject { object, written: object, left: &[], theirs: &[], recorded: None, context }
        .comparison(Verdict::Unknown(why), Judged::Trivial)
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
            let shape = shipped(&live);
            mask_like(&mut live.body, &recorded.applied, shape);
        }
        Arc::new(live)
    });
    let verdict = if live.is_some() { Verdict::Leftover } else { Verdict::Gone };
    ObjectComparison { live, recorded, ..ObjectComparison::bare(id.clone(), Arc::clone(release), verdict) }
}

fn is_deleted(live: &LiveObject) -> bool {
    live.body.dig(&["metadata", "deletionTimestamp"]).is_some()
}

struct Subject<'a> {
    /// What is sent.
    object: &'a Arc<Object>,
    /// What the repository says.
    written: &'a Arc<Object>,
    /// What rules leave to others, and is not as it is written.
    left: &'a [FieldChange],
    /// All that rules leave to others.
    theirs: &'a [Path],
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

    /// Whether the record proves it unchanged, and an apply would leave alone what others own too.
    fn is_recorded(&self, live: &LiveObject) -> bool {
        // Without a shape, rules may have taken the items of a list for others.
        let proofs = self.context.judge == Judge::Proofs
            && (Arc::ptr_eq(self.object, self.written) || shape(self.object, self.context).is_some());
        proofs
            && self
                .recorded
                .as_ref()
                .is_some_and(|recorded| proven(self.object, live, recorded, self.shape(), self.key()))
            && (!structure::is_shared(live)
                || self.shape().is_some_and(|shape| structure::keeps_owners(self.object, live, shape)))
    }

    fn comparison(self, verdict: Verdict, judged: Judged) -> ObjectComparison {
        ObjectComparison {
            judged,
            fields: self.left.to_vec(),
            desired: Some(Arc::clone(self.object)),
            repository: (!Arc::ptr_eq(self.object, self.written)).then(|| Arc::clone(self.written)),
            recorded: self.recorded,
            ..ObjectComparison::bare(self.object.id.clone(), Arc::clone(&self.object.release), verdict)
        }
    }

    fn unchanged(self, judged: Judged) -> ObjectComparison {
        self.comparison(Verdict::Unchanged, judged)
    }

    fn create(self, asked: Option<ServerAnswer>) -> ObjectComparison {
        let (after, judged) = match asked {
            None => (self.show(&self.object.body), Judged::Trivial),
            Some(ServerAnswer::Impossible(reason)) => (self.show(&self.object.body), Judged::Predicted(reason)),
            Some(ServerAnswer::Refused(message)) => (self.show(&self.object.body), Judged::Refused(message)),
            Some(ServerAnswer::DryRun(mut response) | ServerAnswer::Adopted(mut response)) => {
                mask_like(&mut response.body, &self.object.body, self.shape());
                (self.show(&response.body), Judged::DryRun)
            }
        };
        ObjectComparison { after: Some(after), ..self.comparison(Verdict::Create, judged) }
    }

    /// Nothing can be said of an object that is going: an apply would not keep it.
    fn deleted(self, live: LiveObject) -> ObjectComparison {
        let since = live.body.dig(&["metadata", "deletionTimestamp"]).and_then(Value::as_str).unwrap_or("some time");
        let why = Cause::Deleting.since(format!("it is being deleted since {since}"));
        self.unknown(live, why)
    }

    fn unknown(self, mut live: LiveObject, why: Unknown) -> ObjectComparison {
        mask_like(&mut live.body, &self.written.body, self.shape());
        let live = self.keep(live);
        ObjectComparison { live: Some(live), ..self.comparison(Verdict::Unknown(why), Judged::Trivial) }
    }

    fn answered(self, live: LiveObject, response: LiveObject) -> ObjectComparison {
        match Ownership::of(&live).and_then(|ownership| ownership.with_answer(&response)) {
            Ok(ownership) => self.judge(live, response.body, &ownership, Judged::DryRun),
            Err(error) => self.unreadable(live, &error),
        }
    }

    /// What an apply would do as far as we can tell; `judged` says why the server does not tell.
    fn predicted(self, live: LiveObject, judged: Judged) -> ObjectComparison {
        let mut ownership = match Ownership::of(&live) {
            Ok(ownership) => ownership,
            Err(error) => return self.unreadable(live, &error),
        };
        let (shape, judged) = match (self.shape(), judged) {
            (None, Judged::Predicted(reason)) => (
                self.context.schemas.deduced(),
                Judged::Predicted(format!("{reason}, and the schema of its kind is not known")),
            ),
            (shape, judged) => (shape.unwrap_or_else(|| self.context.schemas.deduced()), judged),
        };
        match predict(&live, &self.object.body, shape, self.equivalence(), &self.object.gvk.group_kind()) {
            Ok(Prediction { after, ours }) => {
                ownership.after = ours;
                self.judge(live, after, &ownership, judged)
            }
            Err(error) => self.unpredictable(live, &judged, &error),
        }
    }

    fn unpredictable(self, live: LiveObject, judged: &Judged, error: &MergeError) -> ObjectComparison {
        let told = match judged {
            Judged::Predicted(reason) | Judged::Refused(reason) => format!("{reason}; "),
            Judged::Recorded | Judged::Structure | Judged::DryRun | Judged::Trivial => String::new(),
        };
        self.unknown(live, Cause::Undecided.since(format!("{told}it cannot be predicted either: {}", causes(error))))
    }

    /// Compares an object of which entries are taken over first. The difference is what comes of both steps.
    fn adopt(self, live: LiveObject, asked: Option<ServerAnswer>) -> Compared {
        let Some(shape) = self.shape() else { return Compared::Shape(Box::new(live)) };
        let adoption = match adopt::adoption(self.object, self.theirs, &live, shape, self.context) {
            Ok(adoption) => adoption,
            Err(error) => return Compared::Done(Box::new(self.unreadable(live, &error))),
        };
        let Some(asked) = asked else {
            let migrated = adoption.migrated();
            return match merge::apply(migrated.managed(), &self.object.body, shape, MANAGER) {
                Ok(applied) => {
                    let migration = Migration { body: Some((migrated.body, applied.body)), ..adoption.migration() };
                    Compared::Adopt(Box::new(live), Box::new(migration))
                }
                // What would be removed cannot be told, so nothing is taken over. Where the object is wrong, the
                // server says so.
                Err(_) => Compared::Ask(Box::new(live)),
            };
        };
        Compared::Done(Box::new(self.adopted(live, adoption, asked)))
    }

    fn adopted(self, mut live: LiveObject, mut adoption: Adoption, asked: ServerAnswer) -> ObjectComparison {
        let migrated = adoption.migrated();
        let shape = self.shape().unwrap_or_else(|| self.context.schemas.deduced());
        let mut ownership = match Ownership::of(&live) {
            Ok(ownership) => ownership,
            Err(error) => return self.unreadable(live, &error),
        };
        let predicted = predict(&migrated, &self.object.body, shape, self.equivalence(), &self.object.gvk.group_kind());
        let judged = match &asked {
            ServerAnswer::Impossible(reason) => Judged::Predicted(reason.clone()),
            ServerAnswer::Refused(message) => Judged::Refused(message.clone()),
            ServerAnswer::DryRun(_) | ServerAnswer::Adopted(_) => Judged::DryRun,
        };
        let Prediction { mut after, ours } = match predicted {
            Ok(predicted) => predicted,
            Err(error) => return self.unpredictable(live, &judged, &error),
        };
        ownership.after = ours;
        if let ServerAnswer::DryRun(response) | ServerAnswer::Adopted(response) = asked {
            adoption.settle(&response.body, shape);
            after = response.body;
        }
        adoption.mask(|body| self.mask(body));
        let mut fields = self.fields(&mut live, &mut after, &ownership, &judged);
        fields.retain(|change| !adoption.tells(change));
        fields.extend(self.left.iter().cloned());
        let done = self.update(fields, live, &after, judged);
        ObjectComparison { adopts: Some(adoption), ..done }
    }

    fn unreadable(self, live: LiveObject, error: &FieldsError) -> ObjectComparison {
        self.unknown(live, Cause::Unreadable.since(format!("its managed fields cannot be read: {error}")))
    }

    /// Classifies what differs between live and after; where nothing is to be done, it is unchanged, with a record of
    /// that.
    fn judge(
        mut self,
        mut live: LiveObject,
        mut after: Value,
        ownership: &Ownership,
        judged: Judged,
    ) -> ObjectComparison {
        let mut fields = self.fields(&mut live, &mut after, ownership, &judged);
        let left = self.left.iter().cloned();
        if fields.iter().all(|change| change.class == Class::Met) {
            if matches!(judged, Judged::DryRun | Judged::Structure) {
                self.recorded = Some(Arc::new(record(self.object, &live, self.key())));
            }
            fields.extend(left);
            return ObjectComparison { fields, ..self.unchanged(judged) };
        }
        // What is hidden still differs: no record may prove the contrary, should the rule go.
        let hidden = fields.iter().all(|change| matches!(change.class, Class::Met | Class::Ignored(_)));
        fields.extend(left);
        if hidden {
            return ObjectComparison { fields, ..self.unchanged(judged) };
        }
        self.update(fields, live, &after, judged)
    }

    /// The differences between live and after, both of which it masks, with what rules say of them.
    fn fields(
        &self,
        live: &mut LiveObject,
        after: &mut Value,
        ownership: &Ownership,
        judged: &Judged,
    ) -> Vec<FieldChange> {
        self.mask(&mut live.body);
        self.mask(after);
        let kind = self.object.gvk.group_kind();
        let evidence = Evidence {
            desired: &self.object.body,
            base: self.recorded.as_deref().map(|recorded| &*recorded.applied),
            live: &live.body,
            after,
            ownership,
            equivalence: self.equivalence(),
            shape: self.shape(),
            doubts: matches!(judged, Judged::Predicted(_) | Judged::Refused(_)).then_some(&kind),
        };
        let mut fields = evidence.classify();
        let theirs = |path: &Path| self.theirs.iter().any(|it| it.is_prefix_of(path));
        fields.retain(|change| change.class != Class::Met || !theirs(&change.path));
        hide(self.context.rules, self.written, &mut fields);
        fields
    }

    fn update(self, fields: Vec<FieldChange>, live: LiveObject, after: &Value, judged: Judged) -> ObjectComparison {
        let tools = adopt::tools(self.written, &live);
        let live = Some(self.keep(live));
        let after = Some(self.show(after));
        ObjectComparison { fields, live, after, tools, ..self.comparison(Verdict::Update, judged) }
    }

    fn is_structure(&self, live: &LiveObject, shape: Type<'_>) -> bool {
        self.is_structure_of(Some(self.object), live, shape)
    }

    fn is_structure_of(&self, object: Option<&Arc<Object>>, live: &LiveObject, shape: Type<'_>) -> bool {
        let proven = |object: &Arc<Object>| structure::proven(object, live, shape, self.equivalence());
        self.context.judge == Judge::Proofs && object.is_some_and(proven)
    }

    /// The comparison of an object of which only hidden fields differ.
    fn veiled(self, hidden: Vec<FieldChange>) -> ObjectComparison {
        let mut comparison = self.unchanged(Judged::Structure);
        comparison.fields.extend(hidden);
        comparison
    }

    /// The comparison of an object that is proven by its structure. Others may still have changed what was applied
    /// before, into what is wanted now.
    fn structured(mut self, live: LiveObject) -> ObjectComparison {
        if self.recorded.is_none() {
            self.recorded = Some(Arc::new(record(self.object, &live, self.key())));
            return self.unchanged(Judged::Structure);
        }
        match Ownership::of(&live) {
            Ok(mut ownership) => {
                ownership.after = ownership.before.clone();
                let after = live.body.clone();
                self.judge(live, after, &ownership, Judged::Structure)
            }
            Err(error) => self.unreadable(live, &error),
        }
    }

    /// Masks what is secret in the repository, and what was when it was applied.
    fn mask(&self, body: &mut Value) {
        mask_like(body, &self.object.body, self.shape());
        mask_like(body, &self.written.body, self.shape());
        if let Some(recorded) = &self.recorded {
            mask_like(body, &recorded.applied, self.shape());
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
        Equivalence { key: self.key(), builtin: weft_schema::is_builtin_group(&self.object.gvk.group) }
    }
}

/// An error with what caused it.
fn causes(error: &dyn std::error::Error) -> String {
    let inner = error.source().map(|source| format!(": {}", causes(source))).unwrap_or_default();
    format!("{error}{inner}")
}

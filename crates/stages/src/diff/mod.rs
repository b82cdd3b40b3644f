//! Base + desired + live -> [`Comparison`]: one [`FieldChange`] a field, classified, with who wrote it and when.
//!
//! *Base* is what we last applied: the fields that our field manager owns, with the values that the inventory
//! recorded. *Desired* is what the repository says. *Live* is what the server has.

mod adopt;
mod applied;
mod canonical;
mod changes;
mod classify;
mod compare;
mod defaulted;
mod equivalence;
mod ignore;
mod kept;
mod leaves;
mod lists;
mod live;
mod ownership;
mod places;
mod predict;
mod projection;
mod record;
mod revised;
mod secrecy;
mod seen;
mod sent;
mod structure;
pub(crate) mod table;
mod text;
mod unknown;
mod validity;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use self::adopt::{Adoption, Former, FormerKind, LAST_APPLIED, Migration, Tool};
pub use self::applied::Applied;
pub use self::canonical::digest;
pub use self::compare::{compare, leftover, unknown};
pub use self::ignore::{Rules, scales, sent};
pub use self::kept::{Stripped, refill, stripped};
pub use self::leaves::{leaves, owners};
pub use self::live::live;
pub use self::record::{proven, record};
pub use self::revised::{dropped, rebased, revised};
pub use self::secrecy::{brief, holds_secret, mask_recorded, redact, shown, shown_as, shown_at};
pub use self::seen::{ObservedState, remembered, seen, wanted, writers};
pub use self::sent::{Reader, Sent};
pub use self::text::{Line, LineKind, text, without_ignored};
pub use self::unknown::{Cause, Unknown};
pub use self::validity::check;

pub use weft_schema::fields::Fields;
pub use weft_schema::merge::{Manager, Writer};
pub use weft_schema::quantity::thousandths;

use crate::manifest::{Object, ObjectId};
use weft_base::masked::FingerprintKey;
use weft_base::value::{Path, Value};
use weft_schema::merge::ManagedObject;
use weft_schema::{Discovery, Schemas, Violation};

/// The name under which every write of ours goes to a server.
pub const MANAGER: &str = "weft";

/// With what objects are compared.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The key of fingerprints and records.
    pub key: &'a FingerprintKey,
    /// The shapes of the kinds, as far as they are known.
    pub schemas: &'a Schemas,
    /// Whose word is taken.
    pub judge: Judge,
    /// What is left to others, and what does not count.
    pub rules: &'a Rules,
    /// What the server serves now, where that is known.
    pub discovery: Option<&'a Discovery>,
    /// The field managers whose fields are taken; a `*` at the end stands for any ending.
    pub take: &'a [String],
}

/// Whose word is taken for what an apply would change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Judge {
    /// A proof, where there is one; else the server's.
    #[default]
    Proofs,
    /// The server's alone, for every object.
    DryRun,
}

/// What comparing an object came to, or what has to be asked first.
#[derive(Debug)]
pub enum Compared {
    /// It is compared.
    Done(Box<ObjectComparison>),
    /// The record proves nothing, and the schema of its kind has not been handed in: it has to be fetched, and
    /// [`compare`] called again with this object. Where there is none to be had, the server has to be asked at once,
    /// as for [`Compared::Ask`].
    Shape(Box<LiveObject>),
    /// Nothing is proven: the server has to be asked what a forced apply of the object by [`MANAGER`] would
    /// make of it (a dry run), and [`compare`] called again with this object and the answer.
    Ask(Box<LiveObject>),
    /// Entries of other tools are taken over before it is applied, which a dry run of the apply cannot show: the server
    /// has to be asked by a dry run of this write, and [`compare`] called again with this object and the answer. An
    /// answer to a dry run of the apply is good for a comparison in which nothing is taken over.
    Adopt(Box<LiveObject>, Box<Migration>),
}

/// The answer to [`Compared::Ask`].
#[derive(Debug)]
pub enum ServerAnswer {
    /// The server's response to a forced dry run apply.
    DryRun(Box<LiveObject>),
    /// The server's response to the dry run of a migration, see [`Compared::Adopt`].
    Adopted(Box<LiveObject>),
    /// The server cannot be asked, for this reason: rights, a namespace or CRD of the same plan, a webhook.
    Impossible(String),
    /// The server refuses the apply, and says so.
    Refused(String),
}

/// One object as the server has it.
#[derive(Clone, Debug)]
pub struct LiveObject {
    /// Which object.
    pub id: ObjectId,
    /// The object without `metadata.managedFields`.
    pub body: Value,
    /// Who wrote which field.
    pub managers: Vec<Manager>,
}

impl LiveObject {
    /// The object as the structured merge takes it.
    pub fn managed(&self) -> ManagedObject<'_> {
        ManagedObject { body: &self.body, managers: &self.managers }
    }
}

/// What the inventory recorded about an object when it was last applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// The object's UID then.
    pub uid: String,
    /// Hash of the desired object (keyed, since it may hold secrets).
    pub desired: String,
    /// Hash of the set of fields that we owned after the apply.
    pub owned: String,
    /// Hash of those fields' values in the server's response.
    pub projection: String,
    /// The desired object as it was applied; secret leaves are left out and stand as their keyed digest.
    pub applied: Applied,
}

/// The comparison of all objects.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    /// One entry an object, desired ones in their order, then those that left the repository.
    pub objects: Vec<ObjectComparison>,
    /// What is inside of namespaces and definitions, of those where a plan has to know it.
    pub residents: BTreeMap<ObjectId, Residents>,
}

/// What a cluster has in a namespace, or of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Residents {
    /// These objects, but for those that others own.
    Known(BTreeSet<ObjectId>),
    /// It could not be read, for this reason.
    Unknown(String),
}

/// The comparison of one object.
#[derive(Clone, Debug)]
pub struct ObjectComparison {
    /// Which object.
    pub id: ObjectId,
    /// The release that it belongs to, or belonged to.
    pub release: Arc<str>,
    /// What comparing it came to.
    pub verdict: Verdict,
    /// How the verdict was found.
    pub judged: Judged,
    /// The fields that differ or change owner. An unchanged object has only those that rules ignore, and those that others
    /// made what is wanted now.
    pub fields: Vec<FieldChange>,
    /// What the repository wants and an apply sends; `None` for an object that left it.
    pub desired: Option<Arc<Object>>,
    /// The object as it is written, where rules make `desired` another by leaving fields to others. An object that is
    /// made again is made of this.
    pub repository: Option<Arc<Object>>,
    /// What the server has; kept only where the verdict is not [`Verdict::Unchanged`]. Its secrets are replaced by
    /// their fingerprints, so it can be printed, and not be sent back.
    pub live: Option<Arc<LiveObject>>,
    /// What an apply would make of it, as the server or our prediction says; kept like `live`, without secrets too.
    pub after: Option<Arc<Value>>,
    /// What is taken over from other tools before it is applied. That is a change, even where no value changes.
    pub adopts: Option<Adoption>,
    /// Other tools that count it among theirs; told only of an object that is not unchanged.
    pub tools: Vec<Tool>,
    /// What a server would refuse, as we find it ourselves where the server cannot be asked, or does not say which field
    /// it means.
    pub violations: Vec<Violation>,
    /// What was recorded when it was last applied. Where a dry run has shown that an apply would change nothing, a new
    /// record that proves it: whoever writes the inventory next saves the next dry run.
    pub recorded: Option<Arc<Recorded>>,
}

/// What comparing an object came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// The server has no such object.
    Create,
    /// Nothing that we own or want differs.
    Unchanged,
    /// Fields differ or change owner.
    Update,
    /// It is in the inventory and on the server, but no longer in the repository.
    Leftover,
    /// It is in the inventory and in neither the repository nor the server.
    Gone,
    /// It could not be compared, for this reason.
    Unknown(Unknown),
}

/// How a verdict was found, the strongest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Judged {
    /// The recorded projection still holds: nothing that we own changed.
    Recorded,
    /// We own exactly what the repository wants, and its values are the wanted ones, by the schema of its kind.
    Structure,
    /// The server's own dry run.
    DryRun,
    /// Only our own prediction, since the server could not be asked, for this reason.
    Predicted(String),
    /// Only our own prediction, since the server refuses the apply with these words.
    Refused(String),
    /// There was nothing to compare: it is new, or it left.
    Trivial,
}

/// One field that differs or changes owner. Secrets in its values are replaced by their fingerprints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldChange {
    /// Where in the object.
    pub path: Path,
    /// What sort of change it is.
    pub class: Class,
    /// What we last applied there.
    pub base: Option<Value>,
    /// What the server has there.
    pub live: Option<Value>,
    /// What will be there after an apply.
    pub desired: After,
    /// Whether what the server has is not what we last applied: somebody changed, removed or took it since then.
    /// `false` where nothing is recorded.
    pub drifted: bool,
    /// Who else wrote it, the newest first. Nobody owns a field that is gone: for one that somebody removed, these are
    /// the ones who wrote the object after us, one of whom may have done it.
    pub writers: Vec<Writer>,
}

/// What an apply makes of a field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum After {
    /// This value.
    Value(Value),
    /// Nothing: there will be no such field.
    Nothing,
    /// Nobody will want the field any more, and the server may fill in a default, which only its own answer tells.
    Server,
}

/// What sort of change a field's is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Class {
    /// You changed it: the repository differs from what was applied, and live is as it was applied.
    Pending,
    /// Live changed under us: the repository is as it was applied.
    Drift,
    /// Both changed, or somebody else owns what you now want.
    Conflict,
    /// We stop owning it, and its value stays since somebody else owns it too.
    Release,
    /// We start owning it, and its value stays.
    Acquire,
    /// There is nothing to do: others changed it since we applied it, and what they made of it is what is wanted now.
    Met,
    /// A rule says not to show it.
    Ignored(String),
    /// It could not be compared, for this reason.
    Unknown(String),
}

impl<'a> Context<'a> {
    /// Compares by proofs, and by these schemas. No field is ignored.
    pub fn new(key: &'a FingerprintKey, schemas: &'a Schemas) -> Self {
        Self { key, schemas, judge: Judge::Proofs, rules: Rules::none(), discovery: None, take: &[] }
    }
}

impl ObjectComparison {
    /// A verdict on an object, and nothing that led to it.
    pub fn bare(id: ObjectId, release: Arc<str>, verdict: Verdict) -> Self {
        Self {
            id,
            release,
            verdict,
            judged: Judged::Trivial,
            fields: Vec::new(),
            desired: None,
            repository: None,
            live: None,
            after: None,
            adopts: None,
            tools: Vec::new(),
            violations: Vec::new(),
            recorded: None,
        }
    }

    /// What is not as we last applied it: what others did since then, whatever becomes of it. Who wants to know what an
    /// apply would do asks [`Self::about_to_change`]; a field may be in both.
    pub fn since_last_apply(&self) -> impl Iterator<Item = &FieldChange> {
        self.fields.iter().filter(|change| change.drifted)
    }

    /// The fields whose values an apply would change.
    pub fn about_to_change(&self) -> impl Iterator<Item = &FieldChange> {
        self.fields.iter().filter(|change| change.changes())
    }
}

impl FieldChange {
    /// Whether an apply would change the field's value; `false` where only its owners change, or nothing does.
    pub fn changes(&self) -> bool {
        matches!(self.class, Class::Pending | Class::Drift | Class::Conflict)
    }
}

impl After {
    /// The value that will be there, as far as it is known.
    pub fn value(&self) -> Option<&Value> {
        match self {
            Self::Value(value) => Some(value),
            Self::Nothing | Self::Server => None,
        }
    }
}

impl From<Option<Value>> for After {
    fn from(value: Option<Value>) -> Self {
        value.map_or(Self::Nothing, Self::Value)
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pending => "pending",
            Self::Drift => "drift",
            Self::Conflict => "conflict",
            Self::Release => "release",
            Self::Acquire => "acquire",
            Self::Met => "met",
            Self::Ignored(_) => "ignored",
            Self::Unknown(_) => "unknown",
        })
    }
}

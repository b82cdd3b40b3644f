//! ConfigMapSync: copies a ConfigMap into other namespaces with the rights of a service account.
//!
//! [`crd`] is the definition of the kind, generated from the Rust types. [`run()`] is the operator: watches fill
//! `world`, which knows what a change affects; `decide` says what to do; `act` does it, as the service account of the
//! object.

mod act;
pub mod decide;
mod definition;
mod explain;
mod counters;
mod leader;
pub mod marks;
mod metrics;
mod rights;
mod run;
mod spec;
mod status;
pub mod world;

pub use self::counters::{CLASSES, Durations, Metrics};
pub use self::definition::{OperatorError, crd};
pub use self::explain::{Lookup, SyncFacts, explanation, facts};
pub use self::leader::{LEASE, LeadershipSender, Leading, Seat, campaign};
pub use self::metrics::metrics;
pub use self::rights::{NeededRight, OPERATOR, RightCondition, SOURCE, TARGET};
pub use self::run::{OperatorNote, OperatorOptions, Surroundings, Tell, check, run};
pub use self::spec::{
    ConfigMapSync, ConfigMapSyncSpec, ConflictPolicy, DeletionPolicy, DriftPolicy, ImmutablePolicy, Operator,
    Propagate, Requirement, Selector, ServiceAccountName, Source, SourceMissingPolicy, Target,
};
pub use self::status::{ConfigMapSyncStatus, FailedTarget, SourceStatus, SyncReason};

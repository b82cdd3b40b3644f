//! ConfigMapSync: copies a ConfigMap into other namespaces with the rights of a service account.
//!
//! [`crd`] is the definition of the kind, made from the Rust types.

mod definition;
mod spec;
mod status;

pub use self::definition::{OperatorError, crd};
pub use self::spec::{
    ConfigMapSync, ConfigMapSyncSpec, ConflictPolicy, DeletionPolicy, DriftPolicy, ImmutablePolicy, Operator,
    Propagate, Requirement, Selector, ServiceAccountName, Source, SourceMissingPolicy, Target,
};
pub use self::status::{ConfigMapSyncStatus, FailedTarget, Reason, SourceStatus};

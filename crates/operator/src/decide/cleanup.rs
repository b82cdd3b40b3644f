//! How the deletion of an object proceeds, and why it always ends.

use std::time::Duration;

use crate::marks::{KEEP_COPIES, ORPHAN_FINALIZER};
use crate::{ConfigMapSync, DeletionPolicy};

/// What happens to the copies of a deleted object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CleanupMode {
    /// They are deleted.
    Delete,
    /// They stay, without the marks of their owner.
    Orphan,
    /// They stay as they are, and nothing is written.
    Leave(&'static str),
}

/// What happens to the copies. `undefined` says that the definition of the kind is being deleted.
pub fn cleanup_mode(sync: &ConfigMapSync, undefined: bool) -> CleanupMode {
    if undefined {
        return CleanupMode::Leave("the definition of ConfigMapSync is being deleted");
    }
    if sync.spec.paused {
        return CleanupMode::Leave("the object is paused");
    }
    let finalizers = sync.metadata.finalizers.as_deref().unwrap_or_default();
    let noted = sync.metadata.annotations.as_ref().is_some_and(|it| it.contains_key(KEEP_COPIES));
    if noted || finalizers.iter().any(|it| it == ORPHAN_FINALIZER) {
        return CleanupMode::Orphan;
    }
    match sync.spec.deletion_policy {
        DeletionPolicy::Delete => CleanupMode::Delete,
        DeletionPolicy::Orphan => CleanupMode::Orphan,
    }
}

/// What a deletion does with copies that could not be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// None are left: it ends.
    None,
    /// It tries again until the time is over.
    Again,
    /// It leaves them behind and ends.
    LeftBehind,
}

/// What becomes of a deletion of which `left` copies are still there. `hopeless` says that there will never be a token
/// again: the account is gone, and its namespace is being deleted.
pub fn rest(left: usize, hopeless: bool, since: Duration, timeout: Duration) -> Rest {
    match left {
        0 => Rest::None,
        _ if hopeless || since >= timeout => Rest::LeftBehind,
        _ => Rest::Again,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn copies_are_deleted_unless_something_says_otherwise() {
        let of = |spec: serde_json::Value, finalizers: &[&str], undefined| {
            let mut all = json!({"source": {"name": "s"}});
            all.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
            let mut sync = ConfigMapSync::new("a", serde_json::from_value(all).unwrap());
            sync.metadata.finalizers = Some(finalizers.iter().map(|it| (*it).to_owned()).collect());
            cleanup_mode(&sync, undefined)
        };
        assert_eq!(of(json!({}), &[], false), CleanupMode::Delete);
        assert_eq!(of(json!({"deletionPolicy": "Orphan"}), &[], false), CleanupMode::Orphan);
        assert_eq!(of(json!({}), &["orphan"], false), CleanupMode::Orphan);
        assert!(matches!(of(json!({"paused": true}), &["orphan"], false), CleanupMode::Leave(_)));
        assert!(matches!(of(json!({}), &[], true), CleanupMode::Leave(_)));
    }

    #[test]
    fn a_deletion_ends() {
        let second = Duration::from_secs(1);
        assert_eq!(rest(0, false, second, second * 2), Rest::None);
        assert_eq!(rest(1, false, second, second * 2), Rest::Again);
        assert_eq!(rest(1, false, second * 2, second * 2), Rest::LeftBehind);
        assert_eq!(rest(1, true, second, second * 2), Rest::LeftBehind);
        assert_eq!(rest(1, false, Duration::ZERO, Duration::ZERO), Rest::LeftBehind);
    }
}

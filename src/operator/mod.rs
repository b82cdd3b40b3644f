//! ConfigMapSync.

//! Whether an object is as its kind says it should be.

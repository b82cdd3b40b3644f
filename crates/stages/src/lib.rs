//! The pure stages between a project's files and a report, in the order of the data flow.
//!
//! Each stage takes the previous stage's value and returns its own; no stage looks back. The manifest of this crate lists
//! no client, no async runtime and no file system crate, so a stage cannot act.

pub mod project;
pub mod values;
pub mod chart;
pub mod kustomize;
pub mod manifest;
pub mod diff;
pub mod health;
pub mod plan;
pub mod impact;
pub mod state;
pub mod report;
pub mod drift;
pub mod policy;
pub mod import;

//! Weft renders the releases of an environment from a git repository, decrypts its secrets, compares them with the
//! live objects, applies exactly what it showed, and keeps watching for drift.
//!
//! ```text
//! project files -> Values -> Rendered -> Desired -> (Live, Base) -> Comparison -> Plan -> Event* -> Report
//!    project       values    chart,...   manifest      cluster         diff        plan   apply    report
//! ```
//!
//! Each stage is a folder, takes the previous stage's value and returns its own; no stage looks back. Pure stages never
//! name a client, an async runtime, the file system, the environment of the process or the clock; edges do the input
//! and output, and decide nothing. The test `layering` holds every module to its place in this list.

// Foundation: pure, and knows nothing of releases.
pub mod diagnostic;
pub mod digest;
pub mod gotemplate;
pub mod jinja;
pub mod masked;
pub mod patch;
pub mod schema;
pub mod tree;
pub mod value;
pub mod yaml;

// Stages: pure, in the order in which the data goes.
pub mod project;
pub mod secrets;
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

// Edges: they act, and decide nothing. Each may use those before it.
pub mod trust;
pub mod network;
pub mod forge;
pub mod source;
pub mod keys;
pub mod cluster;
pub mod apply;
pub mod sandbox;
pub mod telemetry;
pub mod operator;
pub mod pipeline;
pub mod cli;

//! Weft renders the releases of an environment from a git repository, decrypts its secrets, compares them with the
//! live objects, applies exactly what it showed, and keeps watching for drift.
//!
//! ```text
//! project files -> Values -> Rendered -> Desired -> (Live, Base) -> Comparison -> Plan -> Event* -> Report
//!    project       values    chart,...   manifest      cluster         diff        plan   apply    report
//! ```
//!
//! Each stage takes the previous stage's value and returns its own; no stage looks back. Pure crates list no client, async
//! runtime or file system crate in their manifests, so the compiler keeps them pure; edges do the input and output, and
//! decide nothing. The test `layering` checks what the compiler cannot. docs/architecture.md has the map.

// Foundation: pure, and knows nothing of releases.
pub use weft_base::{diagnostic, digest, masked, tree, value, yaml};
pub use weft_gotemplate as gotemplate;
pub use weft_jinja as jinja;
pub use weft_schema as schema;
pub use weft_schema::patch;
pub use weft_sops as secrets;

// Stages: pure, in the order in which the data flows.
pub use weft_stages::diff;
pub use weft_stages::manifest;
pub use weft_stages::project;
pub use weft_stages::state;
pub use weft_stages::values;
pub use weft_stages::{chart, kustomize};
pub use weft_stages::{drift, import, policy, report};
pub use weft_stages::{health, impact, plan};

// Edges: they act, and decide nothing.
pub use weft_engine::apply;
pub use weft_engine::cluster;
pub use weft_engine::pipeline;
pub use weft_engine::{forge, network, source};
pub use weft_engine::{sandbox, telemetry};
pub use weft_operator as operator;
pub use weft_sops::keys;
pub mod cli;

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
pub use weft_base::{diagnostic, digest, masked, percent, tree, value, yaml};
// Helm's and Jinja's templates.
pub use weft_gotemplate as gotemplate;
pub use weft_jinja as jinja;
// What an API server knows about objects; patches.
pub use weft_schema::{self as schema, patch};
// Encrypted files.
pub use weft_sops as secrets;

// Stages: pure, in the order of the data flow.
// Environments and releases.
pub use weft_stages::project;
// The layers of a release's values.
pub use weft_stages::values;
// Values to text.
pub use weft_stages::{chart, kustomize};
// Text to desired objects.
pub use weft_stages::manifest;
// Desired, live and base to a comparison.
pub use weft_stages::diff;
// A comparison to a plan, with what it affects.
pub use weft_stages::{health, impact, plan};
// What is kept in the cluster and in files.
pub use weft_stages::state;
// What people and programs read.
pub use weft_stages::{drift, policy, report};
// What other tools have, as a project.
pub use weft_stages::import;

// Edges: they act, and decide nothing.
// What a run may reach.
pub use weft_engine::trust;
// Servers, forges, files and keys.
pub use weft_engine::{forge, keys, network, source};
// The only door to an API server.
pub use weft_engine::cluster;
// A plan to events.
pub use weft_engine::apply;
// A control plane of our own; metrics.
pub use weft_engine::{sandbox, telemetry};
// All of the above, in order.
pub use weft_engine::pipeline;
// ConfigMapSync.
pub use weft_operator as operator;
// One verb, one file.
pub mod cli;

//! The edges: they read and write what is outside of the process, and decide nothing. Each may use those before it.

pub mod trust;
pub mod network;
pub mod forge;
pub mod source;
pub mod keys;
pub mod cluster;
pub mod apply;
pub mod sandbox;
pub mod telemetry;
pub mod pipeline;

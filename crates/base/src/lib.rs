//! What every part of Weft builds on. Pure: no file system, no network, no clock, and no knowledge of releases.

pub mod diagnostic;
pub mod digest;
pub mod masked;
pub mod percent;
pub mod tree;
pub mod value;
pub mod yaml;

//! The tables of this stage are read as all others are.

pub(super) use crate::diff::table::{fits, rows};

//! `weft secrets`.

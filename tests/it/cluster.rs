//! Tests of `cluster`.

use libtest_mimic::Trial;

/// All of them.
pub fn trials() -> Vec<Trial> {
    Vec::new()
}

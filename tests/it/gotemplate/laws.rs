//! Laws that hold for any template.

use libtest_mimic::Trial;

/// All of them.
pub fn trials() -> Vec<Trial> {
    Vec::new()
}

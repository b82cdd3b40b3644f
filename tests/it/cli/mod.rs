//! Tests of the program as a whole, through its binary.

mod files;
mod large;
mod program;

use libtest_mimic::Trial;

/// All of them.
pub fn trials() -> Vec<Trial> {
    [files::trials(), large::trials()].into_iter().flatten().collect()
}

//! Tests of `sandbox`.

use libtest_mimic::Trial;

/// All of them.
pub fn trials() -> Vec<Trial> {
    Vec::new()
}

/// Stops the control plane that the tests share.
pub fn stop() {}

//! Tests of `diff::merge` and of `diff::fields`.
//!
//! A case is a folder with `cases.yaml`: a schema, types that it names, and small stories of applies and updates, of
//! sets, comparisons and removals. `expected.txt` is what comes out of each step; the server's own library says the
//! same, but for the words of errors.

mod laws;
mod secrets;
mod story;

use libtest_mimic::{Failed, Trial};

use crate::cases::{self, Case};

/// All of them.
pub fn trials() -> Vec<Trial> {
    let mut trials = cases::of("merge", run);
    trials.extend(laws::trials());
    trials.extend(secrets::trials());
    trials
}

fn run(case: &Case) -> Result<(), Failed> {
    case.expect("expected.txt", &story::tell(&case.read("cases.yaml")))
}

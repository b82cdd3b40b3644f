//! Faults between the program and the API server, injected by a door at every write of a plan of fifty objects.
//!
//! `WEFT_FAULTS=all cargo test --test it -- faults` tries each at every index; otherwise at a fixed sample of them.

mod fleet;
mod interrupted;
mod leases;
mod pace;
mod server;
mod truth;
mod writes;

use libtest_mimic::Trial;

/// All of them.
pub fn trials() -> Vec<Trial> {
    [writes::trials(), interrupted::trials(), leases::trials(), pace::trials(), server::trials()]
        .into_iter()
        .flatten()
        .collect()
}

/// Whether every index is tried.
fn all() -> bool {
    std::env::var("WEFT_FAULTS").is_ok_and(|it| it == "all")
}

//! The program: everything it does is in the library.

use std::process::ExitCode;

/// A fifth of a comparison was taking and giving back memory with the allocator of the C library.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    weft::cli::main()
}

//! The program: everything it does is in the library.

use std::process::ExitCode;

use mimalloc::MiMalloc;
use zeroizing_alloc::ZeroAlloc;

/// A fifth of a comparison was taking and giving back memory with the allocator of the C library. All memory is zeroed
/// when it is given back: copies of a secret are made by every library that it goes through (YAML, templates, JSON,
/// TLS), and by every buffer that grows.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<MiMalloc> = ZeroAlloc(MiMalloc);

fn main() -> ExitCode {
    weft::cli::main()
}

//! The program `suishoupai`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// Requests are answered by other threads than those that read the database, so most memory is given back by another
/// thread than took it, which costs the system's allocator dearly.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    suishoupai_api::cli::main()
}

//! The program `suishoupai`.

use std::process::ExitCode;

/// Every answer allocates many small strings on several threads, at which the system's allocator is slow.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    suishoupai_api::cli::main()
}

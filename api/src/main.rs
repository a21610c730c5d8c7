//! The program `suishoupai`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    suishoupai_api::cli::main()
}

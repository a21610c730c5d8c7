//! The program `suishoupai`.

use std::process::ExitCode;

fn main() -> ExitCode {
    suishoupai_api::cli::main()
}

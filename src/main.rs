//! The binary `lastcall`.

use std::process::ExitCode;

fn main() -> ExitCode {
    lastcall::cli::run()
}

//! The `segue` command: reads the arguments and hands over. Everything else is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    segue::cli::run()
}

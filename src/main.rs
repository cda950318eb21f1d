//! The `segue` command: reads the arguments and hands over. Everything else is in the library.

use std::process::ExitCode;

/// Turns are made on one thread and freed on another: the system's allocator spends a quarter of a message on that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    segue::cli::run()
}

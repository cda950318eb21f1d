//! Where a tool or a registry is missing, or an install takes too long, a test says so past the capture of its output and
//! passes; with `SEGUE_PEERS=required` it fails.

use std::io::Write as _;

/// Tells what was not tested.
pub fn skipped(what: &str, why: &str) {
    let required = std::env::var_os("SEGUE_PEERS").is_some_and(|wish| wish == "required");
    assert!(!required, "{what}: {why}");
    writeln!(std::io::stderr(), "SKIPPED: {what}: {why}").expect("standard error is open");
}

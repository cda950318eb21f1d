//! What a command does when its output cannot be written: the binary itself, with a full disk and a closed pipe.

use std::fs::OpenOptions;
use std::process::{Command, Stdio};

/// What `segue` ends with and says on stderr when it writes into `out`.
fn run(arguments: &[&str], out: Stdio) -> (Option<i32>, String) {
    let dir = tempfile::tempdir().expect("a folder");
    let done = Command::new(env!("CARGO_BIN_EXE_segue"))
        .args(arguments)
        .current_dir(dir.path())
        .stdout(out)
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    (done.status.code(), said)
}

fn full() -> Stdio {
    let full = OpenOptions::new().write(true).open("/dev/full");
    full.expect("every Linux has it").into()
}

fn closed() -> Stdio {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    writer.into()
}

fn check(arguments: &[&str], out: Stdio, code: i32, holds: &str) {
    let (ended, said) = run(arguments, out);
    assert_eq!(ended, Some(code), "{arguments:?}: {said}");
    assert!(said.contains(holds), "{arguments:?}: {said}");
    assert!(!said.contains("panicked"), "{arguments:?}: {said}");
    assert!(
        !holds.is_empty() || said.is_empty(),
        "{arguments:?}: {said}"
    );
}

#[test]
fn a_closed_pipe_ends_a_command_quietly_and_a_full_disk_is_said() {
    check(&["check"], closed(), 0, "");
    check(&["check"], full(), 1, "the output cannot be written");
    check(&["init", "new"], closed(), 0, "");
    check(&["init", "new"], full(), 1, "the output cannot be written");
}

#[test]
fn a_token_that_nobody_saw_is_no_success() {
    let add = ["agent", "add", "Ana"];
    for out in [full(), closed()] {
        check(&add, out, 1, "agent `Ana` exists, but the token");
    }
    let (_, said) = run(&add, full());
    assert!(said.contains("segue agent token \"Ana\""), "{said}");
}

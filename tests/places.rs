//! Where commands look for the data: where `segue serve` keeps them. The binary itself, in folders of its own.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// `segue` with these words, in this folder, with these variables.
fn segue(dir: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_segue"))
        .args(arguments)
        .envs(variables.iter().copied())
        .current_dir(dir)
        .output()
        .expect("it runs")
}

/// What it ended with, and all that it said.
fn said(output: &Output) -> (Option<i32>, String) {
    let out = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    (output.status.code(), format!("{out}{errors}"))
}

fn check(dir: &Path, arguments: &[&str], code: i32, holds: &str) {
    let (ended, said) = said(&segue(dir, arguments, &[]));
    assert_eq!(ended, Some(code), "{arguments:?}: {said}");
    assert!(said.contains(holds), "{arguments:?}: {said}");
}

/// A folder with a configuration that keeps its data in `kept`.
fn house() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    // Whoever looks for data needs no key of the model.
    let text = "[storage]\ndata_dir = \"kept\"\n[server]\nlisten = \"127.0.0.1:0\"\nops_listen = \"127.0.0.1:0\"\n";
    std::fs::write(dir.path().join("segue.toml"), text).expect("written");
    dir
}

/// The commands that only read.
const READERS: [&[&str]; 6] = [
    &["report"],
    &["export"],
    &["replay", "--verify"],
    &["agent", "list"],
    &["agent", "token", "Ana"],
    &["agent", "revoke", "Ana"],
];

#[test]
fn a_command_that_reads_never_begins_a_store() {
    let dir = tempfile::tempdir().expect("a folder");
    for reads in READERS {
        check(
            dir.path(),
            reads,
            1,
            "there is no data of Segue in `./segue-data`",
        );
        check(
            dir.path(),
            reads,
            1,
            "no --data, no --config, no segue.toml here",
        );
        let there = [reads, &["--data", "elsewhere"]].concat();
        check(
            dir.path(),
            &there,
            1,
            "no data of Segue in `elsewhere` (--data)",
        );
    }
    let made = std::fs::read_dir(dir.path()).expect("a folder").count();
    assert_eq!(made, 0, "something was made");
}

#[test]
fn a_command_finds_the_data_where_serve_keeps_them() {
    let (house, away) = (house(), tempfile::tempdir().expect("a folder"));
    let add = ["agent", "add", "Ana"];
    check(house.path(), &add, 0, "a new store is begun there");
    assert!(house.path().join("kept/state.redb").exists());
    assert!(!house.path().join("segue-data").exists());
    check(house.path(), &["agent", "list"], 0, "Ana");
    let file = house.path().join("segue.toml");
    let file = file.to_str().expect("text");
    for reads in &READERS[..4] {
        check(house.path(), reads, 0, "");
        check(away.path(), reads, 1, "no data of Segue");
        check(
            away.path(),
            &[reads, &["--config", file][..]].concat(),
            0,
            "",
        );
        let both = [reads, &["--config", file, "--data", "none"][..]].concat();
        check(away.path(), &both, 1, "no data of Segue in `none` (--data)");
    }
    check(
        away.path(),
        &["replay", "--config", file],
        0,
        "conversations",
    );
    let kept = house.path().join("kept");
    let variable = [("SEGUE__STORAGE__DATA_DIR", kept.to_str().expect("text"))];
    let (code, told) = said(&segue(away.path(), &["agent", "list"], &variable));
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("Ana"), "{told}");
    check(house.path(), &["agent", "list"], 0, "Ana");
    // A second person needs no second store, and no word about one.
    let (_, told) = said(&segue(house.path(), &["agent", "add", "Ben"], &[]));
    assert!(!told.contains("new store"), "{told}");
}

#[test]
fn only_what_is_said_of_the_data_is_read() {
    let house = house();
    check(house.path(), &["agent", "add", "Ana"], 0, "");
    let file = house.path().join("segue.toml");
    let write = |text: &str| std::fs::write(&file, text).expect("written");
    write(
        "[storage]\ndata_dir = \"kept\"\n[model]\nprovider = \"openai\"\nname = \"m\"\napi_key = { env = \"NOT_SET_HERE\" }\n",
    );
    check(house.path(), &["check"], 2, "NOT_SET_HERE");
    check(house.path(), &["agent", "list"], 0, "Ana");
    check(house.path(), &["report"], 0, "");
    write("[storage]\ndata_dirr = \"kept\"\n");
    check(house.path(), &["agent", "list"], 2, "data_dirr");
    check(
        house.path(),
        &["report", "--config", "nowhere.toml"],
        2,
        "nowhere.toml",
    );
    check(house.path(), &["agent", "list", "--data", "kept"], 0, "Ana");
}

#[test]
fn the_running_process_is_found_by_its_configuration() {
    let house = house();
    let mut serve = Command::new(env!("CARGO_BIN_EXE_segue"))
        .arg("serve")
        .current_dir(house.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it runs");
    let out = BufReader::new(serve.stdout.take().expect("a pipe"));
    let mut lines = out.lines().map_while(Result::ok);
    assert!(
        lines.any(|line| line.contains("segue agent add")),
        "it never was ready"
    );
    // While it runs nobody else opens the store: whoever succeeds has asked it.
    check(house.path(), &["agent", "add", "Ana"], 0, "token of `Ana`");
    check(house.path(), &["agent", "list"], 0, "Ana");
    check(house.path(), &["report"], 0, "");
    let pid = i32::try_from(serve.id()).expect("a small number");
    let pid = Pid::from_raw(pid).expect("it runs");
    kill_process(pid, Signal::TERM).expect("it can be told");
    assert!(serve.wait().expect("it ends").success());
    check(house.path(), &["agent", "list"], 0, "Ana");
}

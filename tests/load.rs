//! `segue load`, as a user runs it: the real program, a server of its own, a short time.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

fn load(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_segue"))
        .arg("load")
        .args(arguments)
        .output()
        .expect("the program runs")
}

const BRIEF: [&str; 4] = ["--duration", "3s", "--warm-up", "1s"];

fn own(dir: &Path, more: &[&str]) -> (Output, Value) {
    let dir = dir.to_string_lossy();
    let usual = ["--think", "50ms", "--format", "json", "--data", &dir];
    let output = load(&[&usual, more].concat());
    let report = serde_json::from_slice(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    (
        output,
        report.unwrap_or_else(|fault| panic!("{fault}: {errors}")),
    )
}

fn number(report: &Value, pointer: &str) -> u64 {
    let found = report.pointer(pointer).and_then(Value::as_u64);
    found.unwrap_or_else(|| panic!("no number at {pointer}: {report}"))
}

#[test]
fn a_short_load_loses_nothing_and_every_handoff_is_claimed() {
    let dir = tempfile::tempdir().expect("a directory");
    let page = dir.path().join("load.html");
    let page_text = page.to_string_lossy();
    // Many short conversations: some ask for a person whatever the seed.
    let mix = [
        "--rate",
        "50",
        "--messages",
        "2",
        "--handoffs",
        "40%",
        "--active",
        "30",
        "--model-latency",
        "50ms",
    ];
    let (output, report) = own(
        dir.path(),
        &[&BRIEF, &mix[..], &["--report", &page_text]].concat(),
    );
    assert!(output.status.success(), "{}\n{report}", output.status);
    let offered = number(&report, "/counts/offered");
    assert!(
        (60..300).contains(&offered),
        "50 a second for 3 s: {offered}"
    );
    assert_eq!(number(&report, "/counts/acknowledged"), offered);
    for none in [
        "/checks/lost",
        "/checks/lost_handoffs",
        "/checks/duplicates",
        "/checks/ai_after_claim",
        "/people/errors",
    ] {
        assert_eq!(number(&report, none), 0, "{none}: {report}");
    }
    assert_eq!(
        report["faults"],
        serde_json::json!({}),
        "delivery reports are taken too"
    );
    let (tickets, claimed) = (
        number(&report, "/people/tickets"),
        number(&report, "/people/claimed"),
    );
    assert!(tickets > 5, "{report}");
    assert_eq!(claimed, tickets, "{report}");
    assert!(number(&report, "/people/replies") >= claimed, "{report}");
    assert_eq!(
        number(&report, "/people/handed_back") + number(&report, "/people/resolved"),
        claimed,
        "{report}"
    );
    for stage in 0..4 {
        assert!(
            number(&report, &format!("/stages/{stage}/count")) > 0,
            "{}",
            report["stages"][stage]
        );
    }
    let page = std::fs::read_to_string(page).expect("the page");
    assert!(
        page.contains("<svg") && !page.contains("//"),
        "it loads nothing"
    );
    let left: Vec<_> = std::fs::read_dir(dir.path())
        .expect("a directory")
        .collect();
    assert_eq!(left.len(), 1, "the server's data are gone: {left:?}");
}

#[test]
fn customers_of_the_web_chat_are_heard_on_sockets_of_their_own() {
    let dir = tempfile::tempdir().expect("a directory");
    let web = [
        "--channels",
        "web",
        "--rate",
        "40",
        "--messages",
        "2",
        "--handoffs",
        "40%",
        "--active",
        "20",
    ];
    let (output, report) = own(dir.path(), &[&BRIEF, &web[..]].concat());
    assert!(output.status.success(), "{}\n{report}", output.status);
    for none in [
        "/checks/lost",
        "/checks/lost_handoffs",
        "/checks/duplicates",
        "/checks/ai_after_claim",
    ] {
        assert_eq!(number(&report, none), 0, "{none}: {report}");
    }
    // Acknowledgements, answers of the AI, tickets, replies of people: all of them on the web chat.
    for stage in 0..4 {
        let count = number(&report, &format!("/stages/{stage}/count"));
        assert!(count > 5, "{}", report["stages"][stage]);
    }
}

#[test]
fn what_is_made_to_fail_is_told_and_nothing_is_lost() {
    let dir = tempfile::tempdir().expect("a directory");
    let faults = [
        "--rate",
        "40",
        "--model-errors",
        "20%",
        "--provider-errors",
        "10%",
        "--model-latency",
        "20ms",
    ];
    let (output, report) = own(dir.path(), &[&BRIEF, &faults[..]].concat());
    assert!(output.status.success(), "{}\n{report}", output.status);
    assert_eq!(number(&report, "/checks/lost"), 0, "{report}");
    assert_eq!(number(&report, "/checks/duplicates"), 0, "{report}");
}

#[test]
fn the_search_says_what_it_found_and_fails_when_nothing_keeps_the_objective() {
    let check = |p99: &str, first: &str, code: i32| {
        let dir = tempfile::tempdir().expect("a directory");
        let few = [
            "--find-max",
            "--p99",
            p99,
            "--rate",
            first,
            "--duration",
            "1s",
            "--warm-up",
            "0s",
            "--handoffs",
            "0",
        ];
        // Only the webhooks are looked at: answers need no longer than it takes.
        let (output, report) = own(
            dir.path(),
            &[&few[..], &["--model-latency", "0s", "--drain", "2s"]].concat(),
        );
        assert_eq!(output.status.code(), Some(code), "{report}");
        report["found"]["rate"].as_f64()
    };
    assert_eq!(check("1ms", "2000", 1), None);
}

#[test]
fn a_customer_who_writes_faster_than_the_model_thinks_is_answered_in_the_end() {
    let dir = tempfile::tempdir().expect("a directory");
    // Two customers, each writing several times while the model thinks about the message before.
    let flurry = [
        "--rate",
        "20",
        "--duration",
        "4s",
        "--warm-up",
        "0s",
        "--conversations",
        "2",
        "--messages",
        "1000",
        "--handoffs",
        "0",
        "--bursts",
        "0",
        "--model-latency",
        "500ms",
    ];
    let (output, report) = own(dir.path(), &flurry);
    assert_eq!(report["unanswered"], serde_json::json!([]), "{report}");
    assert_eq!(number(&report, "/checks/lost"), 0, "{report}");
    assert!(output.status.success(), "{}\n{report}", output.status);
}

#[test]
fn a_soak_survives_everything_that_goes_wrong_in_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let soak = [
        "--rate",
        "40",
        "--soak",
        "15s",
        "--faults",
        "model,providers,agents,kill",
        "--warm-up",
        "0s",
        "--messages",
        "2",
        "--handoffs",
        "30%",
        // what comes while the server is away is not taken
        "--max-errors",
        "50%",
    ];
    let (output, report) = own(dir.path(), &soak);
    assert!(output.status.success(), "{}\n{report}", output.status);
    assert_eq!(number(&report, "/checks/lost"), 0, "{report}");
    assert_eq!(number(&report, "/checks/lost_handoffs"), 0, "{report}");
    let spells = report["soak"]["spells"].as_array().expect("spells");
    let of = |fault: &str| spells.iter().find(|spell| spell["fault"] == fault);
    let kill = of("kill -9").unwrap_or_else(|| panic!("it was killed: {report}"));
    assert!(kill["away"].is_f64(), "and came back: {report}");
    for fault in [
        "model fails",
        "slow model",
        "providers refuse",
        "slow providers",
        "agents vanish",
    ] {
        assert!(of(fault).is_some(), "{fault}: {report}");
    }
    let minute = &report["soak"]["minutes"][0];
    assert!(minute["memory_mib"].as_f64() > Some(1.0), "{report}");
}

#[test]
fn a_page_that_cannot_be_written_is_told_before_anything_is_measured() {
    let dir = tempfile::tempdir().expect("a directory");
    let page = dir.path().join("nowhere/load.html");
    let output = load(&["--report", &page.to_string_lossy()]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(
        errors.contains("cannot be written") && errors.contains("--report"),
        "{errors}"
    );
    assert!(output.stdout.is_empty(), "nothing was measured");
}

#[test]
fn a_load_that_is_told_to_end_leaves_no_server_behind() {
    let dir = tempfile::tempdir().expect("a directory");
    let below = dir.path().to_string_lossy();
    let load = Command::new(env!("CARGO_BIN_EXE_segue"))
        .args([
            "load",
            "--duration",
            "10m",
            "--rate",
            "20",
            "--format",
            "json",
        ])
        .args(["--data", &below])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program runs");
    let inside = || std::fs::read_dir(dir.path()).expect("a directory");
    let has_socket = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.is_ok_and(|entry| entry.path().join("data/segue.sock").exists())
    };
    let starts = (0..1_200).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        inside().any(has_socket)
    });
    assert!(starts, "its server starts within a minute");
    let told = Command::new("kill")
        .args(["-TERM", &load.id().to_string()])
        .status();
    assert!(told.is_ok_and(|status| status.success()));
    let output = load.wait_with_output().expect("it ends");
    // Killed, it would have told nothing, and its server would go on upon this directory.
    let report: Value = serde_json::from_slice(&output.stdout).expect("what was measured so far");
    assert_eq!(report["ended_early"], true, "{report}");
    let left: Vec<_> = inside().collect();
    assert!(left.is_empty(), "the server's data are gone: {left:?}");
}

#[test]
fn another_machine_is_refused_unless_somebody_says_so() {
    let dir = tempfile::tempdir().expect("a directory");
    let config = dir.path().join("segue.toml");
    let text = "[channels.sms]\nkind = \"twilio\"\naccount_sid = \"AC1\"\nauth_token = \"x\"\nfrom = \"+14155550100\"\n";
    std::fs::write(&config, text).expect("written");
    let config = config.to_string_lossy();
    let check = |arguments: &[&str], hint: &str| {
        let output = load(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {errors}");
        assert!(errors.contains(hint), "{arguments:?}: {errors}");
    };
    // Documentation addresses (RFC 5737, RFC 6761), and refused before anything is sent.
    for away in ["http://192.0.2.1:8080", "https://chat.example.com"] {
        check(&["--target", away, "--config", &config], "--allow-remote");
    }
    check(&["--target", "http://127.0.0.1:1"], "--config segue.toml");
    check(&["--rate", "fast"], "messages per second");
    check(
        &["--active", "10", "--conversations", "5"],
        "--active is 1 to --conversations",
    );
    check(&["--config", &config, "--channels", "fax"], "one of: sms");
    check(&["--rate", "5", "--p99", "50ms"], "--find-max");
}

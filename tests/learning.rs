//! Looking back: what `report`, `export` and `replay` make of conversations that the core itself has told, in exact figures.

#[path = "learning/records.rs"]
mod records;
#[path = "learning/replay.rs"]
mod replay;
#[path = "learning/report.rs"]
mod report;
#[path = "learning/stories.rs"]
mod stories;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use segue::clock::{Clock as _, SystemClock, Timestamp};
use segue::conversation::policy::Policy;
use segue::learning::source;
use segue::store::{Observer, Options, Position, Store, Turn};
use serde_json::Value;
use stories::{SECOND, Story, morning, policy};

struct Nobody;

impl Observer for Nobody {
    fn committed(&self, _: Position, _: &[Arc<Turn>]) {}
}

fn open(dir: &Path) -> Store {
    let options = Options {
        apply: false,
        free_bytes_min: 0,
        cache_mb: 32,
        ..Options::default()
    };
    Store::open(dir, options, Arc::new(Nobody))
        .expect("it opens")
        .0
}

/// A data directory with these stories in it, as a Segue that has ended leaves it: half of it applied.
fn kept(stories: &BTreeMap<&'static str, Story>, rules: &Policy) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    for (n, story) in stories.values().enumerate() {
        let (tell, told) = sync_channel(1);
        let done = move |answer| tell.send(answer).expect("the test listens");
        store.submit(vec![story.turn()], store.generation(), Box::new(done));
        told.recv().expect("an answer").expect("a commit");
        if n == 2 {
            store.settle().expect("applied");
        }
        let bytes = serde_json::to_vec(rules).expect("plain data");
        store.put_policy(story.policy.hash, &bytes).expect("kept");
    }
    drop(store);
    dir
}

fn two_hours_ago() -> Timestamp {
    SystemClock::start().now() - Duration::from_hours(2)
}

fn segue(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_segue"))
        .args(arguments)
        .arg("--data")
        .arg(dir)
        .current_dir(dir)
        .output()
        .expect("the binary is built")
}

fn said(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout.clone()).expect("text")
}

fn json(output: &Output) -> Value {
    serde_json::from_str(&said(output)).expect("JSON")
}

#[test]
fn looking_back_changes_nothing_and_needs_data() {
    let rules = policy();
    let dir = kept(&morning(&rules, two_hours_ago()), &rules);
    let first = said(&segue(dir.path(), &["report", "--format", "csv"]));
    let second = said(&segue(dir.path(), &["report", "--format", "csv"]));
    assert_eq!(first, second);
    let empty = tempfile::tempdir().expect("a folder");
    let none = segue(empty.path(), &["report"]);
    assert_eq!(none.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&none.stderr).contains("no data of Segue"));
    drop(open(empty.path()));
    let text = said(&segue(empty.path(), &["report"]));
    assert!(text.contains("No customer wrote"), "{text}");
    assert_eq!(said(&segue(empty.path(), &["export"])), "");
}

#[test]
fn long_trails_and_many_conversations_are_read_whole() {
    let rules = policy();
    let began = two_hours_ago();
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    for n in 0..600 {
        let mut story = Story::of(&format!("customer {n}"), &rules, began);
        let messages = if n == 0 { 100 } else { 1 };
        for _ in 0..messages {
            // nothing that could be asked again: the third time would be an offer
            story = story.says("ok").after(SECOND);
        }
        let (tell, told) = sync_channel(1);
        let done = move |answer| tell.send(answer).expect("the test listens");
        store.submit(vec![story.turn()], store.generation(), Box::new(done));
        told.recv().expect("an answer").expect("a commit");
        if n == 300 {
            store.settle().expect("applied");
        }
    }
    let (mut customers, mut entries, mut steps) = (0, 0, 0);
    let read = source::each(
        &store,
        None,
        Timestamp::ZERO,
        |told| {
            customers += 1;
            let numbers: Vec<_> = told.entries.iter().map(|entry| entry.n).collect();
            assert_eq!(numbers, Vec::from_iter(0..numbers.len() as u64));
            entries += numbers.len();
            Ok(())
        },
        |_| steps += 1,
    );
    let read = read.expect("readable");
    assert_eq!((customers, read.passed, read.unreadable), (600, 600, 0));
    assert_eq!(entries, 600 * 6 + 99 * 5);
    assert!(steps > 10, "{steps} pages");
}

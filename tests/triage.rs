//! How well triage hears a request for a person: labelled messages per language, and what must hold for any bytes.
//!
//! `tests/triage/<language>/tune.txt` is what the grammar was worked on with; `held_out.txt` was written before any rule
//! and is only counted. A line is `+` or `-`, a tab, and the message. Run with `--nocapture` for the table.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use segue::triage::explicit_request;

/// Language, split, the least recall, the most false positives; both per thousand.
const FLOORS: &[(&str, &str, usize, usize)] = &[
    ("en", "tune", 950, 10),
    ("en", "held_out", 900, 10),
    ("es", "tune", 920, 15),
    ("es", "held_out", 850, 10),
    ("pt", "tune", 920, 15),
    ("pt", "held_out", 850, 10),
    ("fr", "tune", 920, 15),
    ("fr", "held_out", 850, 10),
    ("de", "tune", 920, 15),
    ("de", "held_out", 850, 10),
    ("it", "tune", 920, 15),
    ("it", "held_out", 850, 10),
    ("nl", "tune", 920, 15),
    ("nl", "held_out", 850, 10),
    ("af", "tune", 920, 15),
    ("af", "held_out", 850, 10),
];

#[derive(Default)]
struct Counts {
    heard: usize,
    missed: Vec<String>,
    right: usize,
    wrong: Vec<String>,
}

fn count(language: &str, split: &str, hint: Option<&str>) -> Counts {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/triage")
        .join(language)
        .join(format!("{split}.txt"));
    let mut counts = Counts::default();
    for line in fs::read_to_string(&path).expect("readable").lines() {
        let (label, text) = line.split_once('\t').expect("a label and a message");
        match (label, explicit_request(text, hint).is_some()) {
            ("+", true) => counts.heard += 1,
            ("+", false) => counts.missed.push(text.to_owned()),
            ("-", true) => counts.wrong.push(text.to_owned()),
            ("-", false) => counts.right += 1,
            _ => panic!("{path:?}: no label: {line}"),
        }
    }
    counts
}

#[test]
fn requests_are_heard_and_ordinary_messages_are_not_taken_for_them() {
    let mut faults = Vec::new();
    println!("language split     recall  precision  false positives");
    for (language, split, least, most) in FLOORS {
        for hint in [None, Some(*language)] {
            let counts = count(language, split, hint);
            let asked = counts.heard + counts.missed.len();
            let ordinary = counts.right + counts.wrong.len();
            let recall = counts.heard * 1_000 / asked;
            let precision = counts.heard * 1_000 / (counts.heard + counts.wrong.len());
            let wrong = counts.wrong.len() * 1_000 / ordinary;
            let shown = format!(
                "{language:<8} {split:<9} {:.3}   {:.3}      {}/{ordinary}",
                recall as f64 / 1e3,
                precision as f64 / 1e3,
                counts.wrong.len(),
            );
            if hint.is_none() {
                println!("{shown}");
            }
            if recall < *least || wrong > *most {
                faults.push(format!("{shown} (told the language: {})", hint.is_some()));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn the_labelled_sets_are_large_enough_and_share_no_message() {
    for language in ["en", "es", "pt", "fr", "de", "it", "nl", "af"] {
        let lines = |split: &str| -> Vec<String> {
            let path = format!(
                "{}/tests/triage/{language}/{split}.txt",
                env!("CARGO_MANIFEST_DIR")
            );
            let text = fs::read_to_string(path).expect("readable");
            text.lines().map(str::to_owned).collect()
        };
        let (tune, held_out) = (lines("tune"), lines("held_out"));
        let (asks, ordinary) = if language == "en" {
            (120, 600)
        } else {
            (50, 150)
        };
        for split in [&tune, &held_out] {
            assert!(
                split.iter().filter(|l| l.starts_with('+')).count() >= asks,
                "{language}"
            );
            assert!(
                split.iter().filter(|l| l.starts_with('-')).count() >= ordinary,
                "{language}"
            );
        }
        let shared = tune.iter().filter(|line| held_out.contains(line)).count();
        // greetings and the plainest words are the same wherever one collects them
        assert!(shared * 4 <= tune.len(), "{language}: {shared} shared");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(text in "\\PC{0,400}", language in proptest::option::of("[a-z]{2}")) {
        let _ = explicit_request(&text, language.as_deref());
    }
}

#[test]
fn a_very_long_text_is_read_in_bounded_steps() {
    let check = |piece: &str| {
        let text = piece.repeat(65_536 / piece.len());
        let began = std::time::Instant::now();
        for _ in 0..10 {
            let _ = explicit_request(&text, None);
        }
        assert!(
            began.elapsed().as_millis() < 2_000,
            "{piece:?}: {:?}",
            began.elapsed()
        );
    };
    [
        "a",
        "representativ ",
        "talk to ",
        "not ",
        "\u{301}",
        "人",
        "'",
        "is there ",
        "1234567890",
        "\u{1f600} ",
        "i want a ",
    ]
    .into_iter()
    .for_each(check);
    let asked = format!("{} please let me talk to a person", "word ".repeat(20_000));
    assert!(explicit_request(&asked, None).is_some(), "the end is read");
}

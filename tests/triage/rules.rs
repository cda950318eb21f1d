//! How evenly the default rules hear in the eight languages: labelled messages per rule.
//!
//! `<language>/rules_tune.txt` was worked on with, `rules_held_out.txt` was split from it by lot and is only counted; the same
//! hand wrote the lines and, soon after, the data, so it shows evenness rather than what strangers write. A line is `+` or `-`, a tab, the topic, a tab, and the message; `-` is a look-alike of the topic.
//! `rules_ordinary.txt` holds ordinary messages with words that the topics share, as a topic, a tab and the message: on
//! them no rule may fire.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use segue::triage::{BUNDLED, Context};

use super::LANGUAGES;

/// The topics, and the rules that hear them.
const TOPICS: [(&str, &[&str]); 6] = [
    ("cancel", &["keyword.cancel"]),
    ("refund", &["keyword.refund", "scope.large_refund"]),
    ("large", &["scope.large_refund"]),
    ("lawsuit", &["keyword.lawsuit", "scope.legal"]),
    ("urgent", &["keyword.urgent"]),
    ("health", &["scope.health"]),
];
/// The least recall and the most false positives of all languages together, per thousand.
const FLOORS: [(&str, usize, usize); 2] = [("rules_tune", 970, 30), ("rules_held_out", 950, 40)];

#[derive(Default)]
struct Counts {
    asked: usize,
    missed: Vec<String>,
    ordinary: usize,
    wrong: Vec<String>,
}

fn count(language: &str, split: &str) -> BTreeMap<&'static str, Counts> {
    let path = format!(
        "{}/tests/triage/{language}/{split}.txt",
        env!("CARGO_MANIFEST_DIR")
    );
    let mut all: BTreeMap<&str, Counts> = BTreeMap::new();
    for line in fs::read_to_string(Path::new(&path))
        .expect("readable")
        .lines()
    {
        let mut parts = line.splitn(3, '\t');
        let [Some(label), Some(topic), Some(text)] = [parts.next(), parts.next(), parts.next()]
        else {
            panic!("{path}: {line}");
        };
        let (topic, rules) = TOPICS
            .iter()
            .find(|(name, _)| *name == topic)
            .expect("a topic");
        let triage = BUNDLED.before_model(text, &Context::default());
        let heard = triage
            .findings
            .iter()
            .find(|f| rules.contains(&f.rule.as_str()));
        let counts = all.entry(topic).or_default();
        match (label, heard) {
            ("+", Some(_)) => counts.asked += 1,
            ("+", None) => {
                counts.asked += 1;
                counts.missed.push(format!("{topic}: {text}"));
            }
            ("-", Some(found)) => {
                counts.ordinary += 1;
                counts
                    .wrong
                    .push(format!("{}: {text} ({})", found.rule, found.matched));
            }
            ("-", None) => counts.ordinary += 1,
            _ => panic!("{path}: no label: {line}"),
        }
    }
    all
}

#[test]
#[expect(clippy::print_stdout, reason = "the table is what this test is for")]
fn the_default_rules_hear_alike_in_all_languages() {
    let mut faults = Vec::new();
    for (split, least, most) in FLOORS {
        let (mut asked, mut missed, mut ordinary, mut wrong) = (0, 0, 0, 0);
        println!("{split}: heard of asked, and false positives of look-alikes");
        for language in LANGUAGES {
            let mut row = format!("{language}  ");
            for (topic, counts) in count(language, split) {
                row += &format!(
                    "{topic} {}/{} {}/{}  ",
                    counts.asked - counts.missed.len(),
                    counts.asked,
                    counts.wrong.len(),
                    counts.ordinary
                );
                asked += counts.asked;
                missed += counts.missed.len();
                ordinary += counts.ordinary;
                wrong += counts.wrong.len();
                if split == "rules_tune" {
                    let lines = counts.missed.iter().chain(&counts.wrong);
                    faults.extend(lines.map(|line| format!("{language} {line}")));
                }
            }
            println!("{row}");
        }
        println!(
            "{split}: {}/{asked} heard, {wrong}/{ordinary} wrong",
            asked - missed
        );
        assert!(
            (asked - missed) * 1_000 / asked >= least && wrong * 1_000 / ordinary <= most,
            "{split}: {missed} of {asked} missed, {wrong} of {ordinary} wrong\n{}",
            faults.join("\n")
        );
    }
}

#[test]
fn ordinary_messages_fire_no_default_rule() {
    let mut fired = Vec::new();
    for language in LANGUAGES {
        let path = format!(
            "{}/tests/triage/{language}/rules_ordinary.txt",
            env!("CARGO_MANIFEST_DIR")
        );
        let text = fs::read_to_string(Path::new(&path)).expect("readable");
        assert!(text.lines().count() >= 80, "{language}");
        for line in text.lines() {
            let (_, message) = line.split_once('\t').expect("a topic and a message");
            for hint in [None, Some(language)] {
                let context = Context {
                    language: hint,
                    ..Context::default()
                };
                let triage = BUNDLED.before_model(message, &context);
                let rules = triage.findings.iter().filter(|f| {
                    ["scope.", "keyword.", "value."]
                        .iter()
                        .any(|kind| f.rule.starts_with(kind))
                });
                fired.extend(
                    rules.map(|f| {
                        format!("{language} {hint:?} {message}: {} ({})", f.rule, f.matched)
                    }),
                );
            }
        }
    }
    assert!(fired.is_empty(), "{}\n{}", fired.len(), fired.join("\n"));
}

//! Whether two messages ask the same: labelled pairs per language.
//!
//! `<language>/gist_tune.txt` was worked on with, `gist_held_out.txt` was split from it by lot and is only
//! counted; the same hand wrote the lines and, soon after, the data, so it shows evenness rather than what strangers write.
//! A line is `=` (the same question) or `!` (another one), a tab, and two messages with a tab between.

use std::fs;

use segue::triage::Gist;

use super::LANGUAGES;

/// The least of the same that are found, and the most of the others that are taken for the same; per thousand.
const FLOORS: [(&str, usize, usize); 2] = [("gist_tune", 920, 50), ("gist_held_out", 850, 120)];

#[test]
#[expect(clippy::print_stdout, reason = "the table is what this test is for")]
fn the_same_question_is_known_and_another_is_not_taken_for_it() {
    for (split, least, most) in FLOORS {
        let (mut same, mut found, mut other, mut wrong) = (0, 0, 0, 0);
        let mut faults = Vec::new();
        for language in LANGUAGES {
            let path = format!(
                "{}/tests/triage/{language}/{split}.txt",
                env!("CARGO_MANIFEST_DIR")
            );
            let before = (same, found, other, wrong);
            for line in fs::read_to_string(&path).expect("readable").lines() {
                let parts: Vec<&str> = line.split('\t').collect();
                let [label, a, b] = parts[..] else {
                    panic!("{path}: {line}");
                };
                let taken = Gist::of(a).same(&Gist::of(b));
                match label {
                    "=" => {
                        same += 1;
                        found += usize::from(taken);
                    }
                    "!" => {
                        other += 1;
                        wrong += usize::from(taken);
                    }
                    _ => panic!("{path}: no label: {line}"),
                }
                if taken != (label == "=") && split == "gist_tune" {
                    faults.push(format!("{language} {line}"));
                }
            }
            println!(
                "{split} {language}: {}/{} of the same, {}/{} of others taken for the same",
                found - before.1,
                same - before.0,
                wrong - before.3,
                other - before.2
            );
        }
        println!("{split}: {found}/{same} of the same, {wrong}/{other} of others");
        assert!(
            found * 1_000 / same >= least && wrong * 1_000 / other <= most,
            "{split}: {found}/{same}, {wrong}/{other}\n{}",
            faults.join("\n")
        );
    }
}

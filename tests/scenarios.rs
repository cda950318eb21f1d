//! Stories of one conversation, told in plain words: `scenarios/*.txt`.
//!
//! Each file is a list of steps with their times, and under each step everything that comes of it: what leaves for the
//! customer, what the model is asked, what the trail keeps, how the mode changes. Nothing may happen that is not
//! written down. `UPDATE=1 cargo test --test scenarios` writes down what happens; read the difference before you keep it.
//! `scenarios/README.md` lists the words of a step.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "each teller passes on what it has no words for"
)]

#[path = "scenarios/acts.rs"]
mod acts;
#[path = "scenarios/play.rs"]
mod play;
#[path = "scenarios/script.rs"]
mod script;
#[path = "scenarios/tell.rs"]
mod tell;

use std::path::{Path, PathBuf};

use script::{Line, Script};

fn stories() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder of stories")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "txt"))
        .collect();
    files.sort();
    files
}

/// Plays one story; an `Err` says what is different and where.
fn play_one(path: &Path, update: bool) -> Result<(), String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let text = std::fs::read_to_string(path).map_err(|fault| format!("{name}: {fault}"))?;
    let script = Script::parse(&text).map_err(|fault| format!("{name}: {fault}"))?;
    let told = play::play(&script).map_err(|fault| format!("{name}: {fault}"))?;
    let expected: Vec<(usize, &str)> = text.lines().enumerate().collect();
    if update {
        let kept = keep(&told, &text);
        if kept != text {
            std::fs::write(path, kept).map_err(|fault| format!("{name}: {fault}"))?;
        }
        return Ok(());
    }
    let mut expected = expected.into_iter();
    for line in &told {
        match expected.next() {
            Some((_, written)) if matches(written, line) => {}
            Some((at, written)) => {
                return Err(format!(
                    "{name}:{}\n  the story says   {written}\n  what happened    {}",
                    at + 1,
                    line.text
                ));
            }
            None => return Err(format!("{name}: the story ends before\n  {}", line.text)),
        }
    }
    match expected.next() {
        Some((at, written)) => Err(format!(
            "{name}:{}\n  the story says   {written}\n  and nothing of it happened",
            at + 1
        )),
        None => Ok(()),
    }
}

/// Whether the written line is what happened: `…` at the end of a quotation stands for the rest of it.
fn matches(written: &str, line: &Line) -> bool {
    let (written, happened) = (written.trim(), line.text.trim());
    match written.split_once('…') {
        Some((before, after)) if line.happened => {
            happened.starts_with(before) && happened.ends_with(after)
        }
        Some(_) | None => written == happened,
    }
}

/// What happened as a story; lines that the author has shortened stay as they were.
fn keep(told: &[Line], before: &str) -> String {
    let old: Vec<&str> = before.lines().collect();
    let mut kept = String::new();
    for line in told {
        let same = old
            .iter()
            .find(|written| line.happened && written.contains('…') && matches(written, line));
        let shortened = if line.happened {
            tell::shorten(&line.text)
        } else {
            line.text.clone()
        };
        kept.push_str(same.map_or(shortened.as_str(), |written| written));
        kept.push('\n');
    }
    kept
}

#[test]
fn every_story_goes_as_it_is_written() {
    let update = std::env::var_os("UPDATE").is_some();
    let stories = stories();
    assert!(
        update || stories.len() >= 35,
        "only {} stories found",
        stories.len()
    );
    let faults: Vec<String> = stories
        .iter()
        .filter_map(|path| play_one(path, update).err())
        .collect();
    assert!(faults.is_empty(), "\n\n{}\n", faults.join("\n\n"));
}

#[test]
fn the_stories_name_every_requirement_of_the_core() {
    let all: String = stories()
        .iter()
        .map(|path| std::fs::read_to_string(path).expect("a story"))
        .collect();
    let named: std::collections::BTreeSet<&str> = all
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| word.len() == 4 && word.starts_with('R'))
        .collect();
    for wanted in REQUIREMENTS {
        assert!(named.contains(wanted), "no story names {wanted}");
    }
}

/// Those of S0, S2, S3 and the acknowledgement of S4 that the core decides; the others belong to other rooms.
const REQUIREMENTS: &[&str] = &[
    "R001", "R005", "R006", "R007", "R009", "R010", "R017", "R018", "R020", "R022", "R023", "R024",
    "R066", "R067", "R068", "R071", "R072", "R073", "R078", "R085", "R088", "R089", "R090", "R097",
    "R099", "R101", "R104", "R105", "R110", "R111", "R112", "R115", "R116", "R118", "R120", "R126",
    "R127", "R130", "R133", "R134", "R135", "R136", "R139", "R140", "R141", "R142", "R143", "R149",
    "R152", "R153", "R154", "R157", "R162", "R165", "R166", "R170", "R171", "R172", "R173", "R179",
    "R211", "R212", "R213", "R214", "R215",
];

#[test]
fn a_line_that_differs_is_noticed() {
    let check = |written: &str, happened: &str, same: bool| {
        let line = Line {
            text: happened.to_owned(),
            happened: true,
        };
        assert_eq!(matches(written, &line), same, "{written} / {happened}");
    };
    check("  -> says ai: \"Hel…\"", "-> says ai: \"Hello\"", true);
    check("  -> says ai: \"Hal…\"", "-> says ai: \"Hello\"", false);
    check("  -> says ai: \"Hello\"", "-> says ai: \"Hello\"", true);
    check("  -> says ai: \"Hell\"", "-> says ai: \"Hello\"", false);
    check("  -> says ack: \"Hel…\"", "-> says ai: \"Hello\"", false);
}

//! The laws of the house, as tests: who may import whom, what is banned where, how long a room may be, which licences
//! may come in. One crate has no compiler walls between its rooms; this file is the wall.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A room may use itself, and what stands beside it here. `app` and `cli` may use everything.
const MAY_USE: &[(&str, &[&str])] = &[
    ("clock", &[]),
    ("ids", &[]),
    ("secret", &[]),
    ("conversation", &["ids", "clock", "triage"]),
    ("triage", &["ids", "clock", "conversation"]),
    ("trace", &["secret"]),
    (
        "channel",
        &["conversation", "ids", "clock", "secret", "trace"],
    ),
    ("knowledge", &["conversation", "ids", "clock"]),
    (
        "model",
        &[
            "conversation",
            "ids",
            "clock",
            "secret",
            "knowledge",
            "triage",
            "trace",
        ],
    ),
    ("store", &["conversation", "ids", "clock"]),
    ("learning", &["conversation", "ids", "clock", "store"]),
    ("metrics", &["conversation", "ids", "clock"]),
    ("desk", &["conversation", "ids", "clock", "store", "secret"]),
    (
        "runtime",
        &[
            "conversation",
            "ids",
            "clock",
            "store",
            "channel",
            "model",
            "metrics",
            "trace",
        ],
    ),
    (
        "config",
        &["conversation", "ids", "clock", "secret", "triage", "store"],
    ),
    (
        "http",
        &[
            "runtime",
            "channel",
            "desk",
            "conversation",
            "ids",
            "clock",
            "metrics",
            "store",
            "secret",
            "learning",
            "trace",
        ],
    ),
    (
        "load",
        &[
            "config",
            "channel",
            "model",
            "control",
            "conversation",
            "http",
            "ids",
            "clock",
            "secret",
        ],
    ),
    (
        "control",
        &[
            "learning",
            "http",
            "desk",
            "runtime",
            "conversation",
            "ids",
            "clock",
            "store",
        ],
    ),
];

/// What must not stand in a room, and what to use instead.
const BANNED: &[(&str, &[&str])] = &[
    (
        "conversation",
        &[
            "tokio::",
            "ractor::",
            "axum::",
            "reqwest::",
            "redb::",
            "tracing::",
            "metrics::",
            "async fn",
            "HashMap",
        ],
    ),
    (
        "triage",
        &[
            "tokio::",
            "axum::",
            "reqwest::",
            "redb::",
            "tracing::",
            "async fn",
        ],
    ),
    (
        "learning",
        &["axum::", "redb::", "reqwest::", "async fn", "tokio::"],
    ),
    ("runtime", &["axum::", "redb::", "reqwest::"]),
    ("http", &["redb::", "reqwest::"]),
    ("desk", &["axum::", "redb::", "reqwest::"]),
    (
        "channel/twilio",
        &["async fn", "tokio::", "reqwest::", "redb::"],
    ),
    (
        "channel/http",
        &["async fn", "tokio::", "reqwest::", "redb::"],
    ),
];

/// Banned everywhere but in the files named.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("SystemTime::now", &["src/clock.rs"]),
    ("Instant::now", &["src/clock.rs"]),
    ("unbounded_channel", &[]),
    ("Client::new(", &[]),
    ("println!", &["src/cli/"]),
    ("dbg!(", &[]),
    ("todo!(", &[]),
    ("unimplemented!(", &[]),
    ("unsafe ", &[]),
    ("#[allow(", &[]),
    ("FIXME", &[]),
];

/// The longest a room may be, its tests not counted.
const ROOM_LINES_MAX: usize = 400;

/// The longest a file of tests may be: a longer one shows more than one thing.
const TEST_LINES_MAX: usize = 700;

/// Licences that may come in with a dependency; any one of an `OR` is enough.
const LICENCES: &[&str] = &[
    "MIT",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "Unicode-3.0",
    "Unlicense",
    "CC0-1.0",
    "0BSD",
    "BSL-1.0",
    "CDLA-Permissive-2.0",
    "MIT-0",
];

struct Source {
    path: String,
    room: String,
    lines: Vec<String>,
}

impl Source {
    /// The lines before the tests.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let tests = self
            .lines
            .iter()
            .position(|line| line.trim() == "#[cfg(test)]");
        // A test-only item in the middle of a file ends nothing: only `mod tests` at the end does.
        let end = match tests {
            Some(at)
                if self.lines[at + 1..]
                    .first()
                    .is_some_and(|next| next.starts_with("mod tests {")) =>
            {
                at
            }
            _ => self.lines.len(),
        };
        self.lines[..end]
            .iter()
            .enumerate()
            .map(|(at, line)| (at + 1, line.as_str()))
    }
}

fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    walk(&root.join("src"), &mut |path| {
        let shown = path
            .strip_prefix(root)
            .expect("below the root")
            .to_string_lossy()
            .into_owned();
        let below = shown.strip_prefix("src/").expect("below src");
        let room = below
            .split('/')
            .next()
            .expect("a name")
            .trim_end_matches(".rs")
            .to_owned();
        let text = fs::read_to_string(path).expect("readable");
        found.push(Source {
            path: shown,
            room,
            lines: text.lines().map(str::to_owned).collect(),
        });
    });
    assert!(
        found.len() > 50,
        "only {} files found: is the walk broken?",
        found.len()
    );
    found
}

fn walk(dir: &Path, take: &mut dyn FnMut(&Path)) {
    let mut entries: Vec<PathBuf> = fs::read_dir(dir)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            walk(&path, take);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            take(&path);
        }
    }
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

#[test]
fn every_room_imports_only_what_it_may() {
    let mut faults = Vec::new();
    for source in sources() {
        let Some((_, allowed)) = MAY_USE.iter().find(|(room, _)| *room == source.room) else {
            continue;
        };
        if source.path.contains("/tests/") {
            continue;
        }
        for (number, line) in source.code().filter(|(_, line)| !is_comment(line)) {
            for after in line.split("crate::").skip(1) {
                let used: String = after
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect();
                let known =
                    MAY_USE.iter().any(|(room, _)| *room == used) || used == "app" || used == "cli";
                if known && used != source.room && !allowed.contains(&used.as_str()) {
                    faults.push(format!(
                        "{}:{number}: `{}` may not use `{used}`",
                        source.path, source.room
                    ));
                }
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn nothing_banned_stands_anywhere() {
    let mut faults = Vec::new();
    for source in sources() {
        let below = source.path.strip_prefix("src/").expect("below src");
        let here = BANNED.iter().filter(|(room, _)| below.starts_with(room));
        let banned: Vec<&str> = here.flat_map(|(_, words)| words.iter().copied()).collect();
        for (number, line) in source.code().filter(|(_, line)| !is_comment(line)) {
            for word in &banned {
                if line.contains(word) {
                    faults.push(format!(
                        "{}:{number}: `{word}` has no place in this room",
                        source.path
                    ));
                }
            }
            for (word, only_in) in ONLY_IN {
                let exempt = only_in.iter().any(|path| source.path.starts_with(path));
                if line.contains(word) && !exempt && !line.contains("\"") {
                    faults.push(format!("{}:{number}: `{word}` is banned here", source.path));
                }
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn every_room_is_short_and_says_what_it_is() {
    let mut faults = Vec::new();
    for source in sources() {
        let length = source.code().count();
        let is_tests = source.path.ends_with("_tests.rs") || source.path.ends_with("_vectors.rs");
        if length > ROOM_LINES_MAX && !is_tests {
            faults.push(format!(
                "{}: {length} lines, more than {ROOM_LINES_MAX}",
                source.path
            ));
        }
        if !source
            .lines
            .first()
            .is_some_and(|line| line.starts_with("//!"))
        {
            faults.push(format!("{}: does not begin with what it is", source.path));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn every_file_of_tests_is_short_and_says_what_it_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut faults = Vec::new();
    let mut check = |path: &Path| {
        let shown = path.strip_prefix(root).expect("below the root").display();
        let text = fs::read_to_string(path).expect("readable");
        let length = text.lines().count();
        if length > TEST_LINES_MAX {
            faults.push(format!(
                "{shown}: {length} lines, more than {TEST_LINES_MAX}"
            ));
        }
        if !text.starts_with("//!") {
            faults.push(format!("{shown}: does not begin with what it is"));
        }
    };
    walk(&root.join("tests"), &mut check);
    walk(&root.join("benches"), &mut check);
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn no_file_is_dead() {
    let sources = sources();
    let mut faults = Vec::new();
    for source in &sources {
        let path = Path::new(&source.path);
        let stem = path
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        if source.path == "src/lib.rs" || source.path == "src/main.rs" {
            continue;
        }
        let folder = path.parent().expect("a folder");
        let (parent, name) = if stem == "mod" {
            (
                folder.parent().expect("a folder"),
                folder
                    .file_name()
                    .expect("a name")
                    .to_string_lossy()
                    .into_owned(),
            )
        } else {
            (folder, stem)
        };
        let declares = |file: &Path| {
            fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).is_ok_and(|text| {
                text.lines().any(|line| {
                    line.trim_end().ends_with(&format!("mod {name};")) && !is_comment(line)
                })
            })
        };
        let by_path = |file: &Path| {
            let here = path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file))
                .is_ok_and(|text| text.contains(&format!("#[path = \"{here}\"]")))
        };
        let siblings = || {
            sources
                .iter()
                .filter(|other| Path::new(&other.path).parent() == Some(folder))
        };
        let declared = declares(&parent.join("mod.rs"))
            || declares(&parent.join("lib.rs"))
            || siblings().any(|other| by_path(Path::new(&other.path)));
        if !declared {
            faults.push(format!("{}: nobody declares it", source.path));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn every_dependency_has_a_licence_that_may_come_in() {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(
        metadata.status.success(),
        "{}",
        String::from_utf8_lossy(&metadata.stderr)
    );
    let metadata: serde_json::Value =
        serde_json::from_slice(&metadata.stdout).expect("cargo prints JSON");
    let packages = metadata["packages"].as_array().expect("a list");
    assert!(
        packages.len() > 100,
        "only {} packages: is the list whole?",
        packages.len()
    );
    let allowed: BTreeSet<&str> = LICENCES.iter().copied().collect();
    let faults: Vec<String> = packages
        .iter()
        .filter(|package| !is_licensed(package["license"].as_str().unwrap_or_default(), &allowed))
        .map(|package| {
            format!(
                "{} {}: {}",
                package["name"], package["version"], package["license"]
            )
        })
        .collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// Whether some choice within an SPDX expression is allowed whole. Brackets are resolved by spreading nothing: each
/// alternative of the outermost `OR` must have all its `AND` parts allowed.
fn is_licensed(expression: &str, allowed: &BTreeSet<&str>) -> bool {
    let expression = expression.replace('/', " OR ");
    let part_allowed = |part: &str| {
        let part = part.trim().trim_matches(['(', ')']).trim();
        part.split(" OR ")
            .any(|choice| allowed.contains(choice.trim().trim_matches(['(', ')'])))
    };
    !expression.is_empty()
        && (expression.split(" AND ").all(part_allowed)
            || expression
                .split(" OR ")
                .any(|choice| allowed.contains(choice.trim())))
}

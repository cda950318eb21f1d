//! Whether what the runbook names is there: panels, figures, routes, commands, files, keys, words and lines of the log.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

/// What is not ours: a tool's command, an expression for Prometheus.
const OF_OTHERS: [&str; 2] = ["promtool check config", "up == 0"];
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// All that stands between two `mark`s on one line.
pub fn between(text: &str, mark: char) -> BTreeSet<&str> {
    let lines = text.lines();
    lines
        .flat_map(|line| line.split(mark).skip(1).step_by(2))
        .collect()
}

/// The text of every source file.
pub fn source(dir: &Path) -> String {
    let mut text = String::new();
    let entries = fs::read_dir(dir).expect("a directory");
    for entry in entries {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            text += &source(&path);
        } else if path.extension().is_some_and(|end| end == "rs") {
            text += &fs::read_to_string(&path).expect("a file");
        }
    }
    text
}

/// Why something that stands in backticks is not there; none when it is.
pub fn missing(
    named: &str,
    source: &str,
    dashboards: &Path,
    is_family: impl Fn(&str) -> bool,
) -> Option<String> {
    if OF_OTHERS.contains(&named) || dashboards.join(named).exists() {
        return None;
    }
    if let Some(command) = named.strip_prefix("segue ") {
        return no_command(command);
    }
    if named.starts_with("segue_") {
        return (!is_family(named)).then(|| "no such figure".to_owned());
    }
    let (first, rest) = named.split_once(' ').unwrap_or((named, ""));
    let method = METHODS.iter().find(|one| **one == first);
    if method.is_some() || named.starts_with('/') || named.contains('?') {
        let path = if method.is_some() { rest } else { named };
        let path = path.split([' ', '?']).next().unwrap_or_default();
        return no_route(method.copied(), path, source);
    }
    // A key as it stands in its table; a line of the log whole, up to a number that it was filled with.
    let said = named.split(" = ").next().unwrap_or_default();
    let said = said.split(|c: char| c.is_ascii_digit()).next();
    let said = said.unwrap_or_default();
    let said = match said.contains(' ') {
        true => said,
        false => said.rsplit('.').next().unwrap_or_default(),
    };
    (!source.contains(said)).then(|| "it stands nowhere in the source".to_owned())
}

fn no_route(method: Option<&str>, path: &str, source: &str) -> Option<String> {
    let tail = path.trim_start_matches("/api/v1").trim_start_matches('/');
    let doors = source.split("Door::").skip(1).filter_map(|door| {
        let (method, rest) = door.split_once("(\"")?;
        let (path, _) = rest.split_once('"')?;
        Some((method, path))
    });
    let mut served = doors.chain(source.split(".route(\"").skip(1).filter_map(|route| {
        let (path, rest) = route.split_once('"')?;
        Some((rest.trim_start_matches(", ").split('(').next()?, path))
    }));
    let found = served.any(|(by, route)| {
        let ends = route
            .strip_suffix(tail)
            .is_some_and(|before| before.ends_with('/'));
        ends && method.is_none_or(|method| method.eq_ignore_ascii_case(by))
    });
    (!found).then(|| "no such route".to_owned())
}

fn no_command(command: &str) -> Option<String> {
    let words: Vec<&str> = command.split(' ').collect();
    let named = words.iter().take_while(|word| !word.starts_with('-'));
    let done = Command::new(env!("CARGO_BIN_EXE_segue"))
        .args(named)
        .arg("--help")
        .output()
        .expect("the binary is built");
    let help = String::from_utf8_lossy(&done.stdout);
    let mut options = words.iter().filter(|word| word.starts_with('-'));
    if !done.status.success() {
        return Some("no such command".to_owned());
    }
    let unknown = options.find(|option| !help.contains(**option))?;
    Some(format!("it has no {unknown}"))
}

#[test]
fn what_is_not_there_is_noticed() {
    let dashboards = Path::new(env!("CARGO_MANIFEST_DIR")).join("dashboards");
    let source = "Door::get(\"/api/v1/queues\", queues) warn!(\"the disk is full\") .route(\"/readyz\", get(ready))";
    let check = |named: &str, there: bool| {
        let fault = missing(named, source, &dashboards, |name| name == "segue_ready");
        assert_eq!(fault.is_none(), there, "{named}: {fault:?}");
    };
    check("GET /api/v1/queues", true);
    check("PUT /api/v1/queues", false);
    check("GET /api/v1/cues", false);
    check("GET /readyz", true);
    check("segue_ready", true);
    check("segue_unready", false);
    check("the disk is full", true);
    check("the disc is full", false);
    check("rules/alerts.yaml", true);
    check("rules/nothing.yaml", false);
    check("segue check", true);
    check("segue replay --verify", true);
    check("segue replay --nonsense", false);
    check("segue conjure", false);
}

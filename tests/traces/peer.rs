//! The same spans as OpenTelemetry's own Python library reads them, from PyPI, pinned under `tests/peers/otlp/`.
//!
//! Where a tool or the registry is missing this says `SKIPPED: …` on standard error; with `SEGUE_PEERS=required` it
//! fails.

use std::fs;
use std::io::{BufRead, BufReader, Write, stderr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::seen::{Seen, read};

/// Compares what both make of `bodies`.
pub fn agrees(bodies: &[&[u8]]) {
    let python = match python() {
        Ok(python) => python,
        Err(why) => {
            let required = std::env::var_os("SEGUE_PEERS").is_some_and(|wish| wish == "required");
            assert!(!required, "otlp: {why}");
            writeln!(stderr(), "SKIPPED: otlp: {why}").expect("standard error is open");
            return;
        }
    };
    let mut peer = Command::new(python)
        .arg(ours("peer.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it was just installed");
    let mut asks = peer.stdin.take().expect("piped");
    let mut answers = BufReader::new(peer.stdout.take().expect("piped")).lines();
    for body in bodies {
        writeln!(asks, "{}", STANDARD.encode(body)).expect("the peer listens");
        let answer = answers.next().expect("the peer answers").expect("text");
        let theirs: Value = serde_json::from_str(&answer).expect("JSON");
        let ours: Vec<Value> = read(std::iter::once(*body)).0.iter().map(told).collect();
        assert_eq!(theirs, Value::Array(ours));
    }
    drop(asks);
    assert!(peer.wait().expect("it ends").success());
}

fn told(span: &Seen) -> Value {
    // Floats are written differently by each language.
    let mut says = span.says.clone();
    for (_, text) in says
        .iter_mut()
        .filter(|(name, _)| name.ends_with("time_to_first_chunk"))
    {
        "double".clone_into(text);
    }
    json!([span.name, span.trace, span.id, span.parent, span.kind, says])
}

fn ours(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/peers/otlp")
        .join(file)
}

/// The interpreter that has the library; installed once.
fn python() -> Result<PathBuf, String> {
    if std::env::var_os("SEGUE_PEERS").is_some_and(|wish| wish == "0") {
        return Err("SEGUE_PEERS=0".to_owned());
    }
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("peers/otlp");
    fs::create_dir_all(&place).map_err(|error| error.to_string())?;
    let python = place.join("bin/python");
    let pinned = fs::read(ours("requirements.txt")).expect("the pins");
    let stamp = place.join("installed");
    if !fs::read(&stamp).is_ok_and(|before| before == pinned) {
        run(Command::new("python3").args(["-m", "venv"]).arg(&place))?;
        let quiet = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "-r",
        ];
        run(Command::new(&python)
            .args(quiet)
            .arg(ours("requirements.txt")))?;
        fs::write(stamp, pinned).map_err(|error| error.to_string())?;
    }
    Ok(python)
}

fn run(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().last().unwrap_or_default();
    Err(format!("{program}: {}: {last}", output.status))
}

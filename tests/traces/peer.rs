//! The same spans as OpenTelemetry's own Python library reads them, from PyPI, pinned under `tests/peers/otlp/`.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::peers::install::ours;
use crate::peers::python;
use crate::peers::skip::skipped;
use crate::seen::{Seen, read};

/// Compares what both make of `bodies`.
pub fn agrees(bodies: &[&[u8]]) {
    let bin = match python::bin("otlp", "otlp") {
        Ok(bin) => bin,
        Err(why) => return skipped("otlp", &why),
    };
    let mut peer = Command::new(bin.join("python"))
        .arg(ours("otlp/peer.py"))
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

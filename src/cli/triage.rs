//! `segue triage`: what would be decided about messages before the model is asked. No server, no model.
//!
//! Reads lines: JSON (`{"text": "…", "language"?: "en", "history"?: ["…"], "deflections"?: 0}`) or plain text. Writes one line of
//! JSON for each, with the deciding rule, its reason, words and language, all findings, and how long it took.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::complain;
use crate::clock;
use crate::config::{self, Config, Environment};
use crate::triage::{Context, Finding, Gist, Phrases, Rules, Triage, spoken};

/// Wrong usage or configuration.
const EXIT_WRONG: u8 = 2;
/// The longest line read, in bytes; the rest of a longer one is passed over.
const LINE_BYTES_MAX: u64 = 1024 * 1024;

/// What to read, and by which rules.
#[derive(Args, Debug)]
pub struct TriageArguments {
    /// The configuration; `./segue.toml` if there is one.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The messages, one a line; `-` is standard input.
    #[arg(default_value = "-", value_name = "FILE")]
    file: PathBuf,
}

/// One line of input.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Line {
    text: Option<String>,
    language: Option<String>,
    history: Vec<String>,
    deflections: u8,
    /// What nobody knows: said in the answer, for it may be misspelt.
    #[serde(flatten)]
    others: BTreeMap<String, IgnoredAny>,
}

/// What a line may say.
const KEYS: [&str; 4] = ["text", "language", "history", "deflections"];

/// Reads the messages and says what would become of them. Exit 0, 1 when it cannot read, 2 for a wrong configuration.
pub fn run(arguments: &TriageArguments) -> ExitCode {
    let found = arguments.config.clone().or_else(config::default_path);
    let policy = match Config::load(found.as_deref(), &Environment::of_process()) {
        Ok(config) => config.policy(),
        Err(faults) => {
            complain(&faults.to_string(), "segue check names every fault");
            return ExitCode::from(EXIT_WRONG);
        }
    };
    let input: Box<dyn Read> = if arguments.file == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        match File::open(&arguments.file) {
            Ok(file) => Box::new(file),
            Err(error) => {
                let what = format!("{}: {error}", arguments.file.display());
                complain(
                    &what,
                    "name a file of messages, one a line, or - for standard input",
                );
                return ExitCode::FAILURE;
            }
        }
    };
    match copy(
        input,
        &mut std::io::stdout().lock(),
        &policy.phrases,
        policy.triage.rules(),
    ) {
        Ok(()) => ExitCode::SUCCESS,
        // whoever reads our output has seen enough
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error.to_string(), "");
            ExitCode::FAILURE
        }
    }
}

fn copy(
    input: Box<dyn Read>,
    output: &mut dyn Write,
    phrases: &Phrases,
    rules: &Rules,
) -> std::io::Result<()> {
    let mut input = BufReader::new(input);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        if (&mut input)
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut bytes)?
            == 0
        {
            return Ok(());
        }
        if !bytes.ends_with(b"\n") {
            input.skip_until(b'\n')?;
        }
        let written = String::from_utf8_lossy(&bytes);
        let written = written.trim_end_matches(['\n', '\r']);
        if !written.trim().is_empty() {
            writeln!(output, "{}", judge(&read(written), phrases, rules))?;
        }
    }
}

/// JSON with a text, or else the line itself; then, if it looks like JSON, why it is none.
fn read(written: &str) -> (Line, Option<String>) {
    let plain = || Line {
        text: Some(written.to_owned()),
        ..Line::default()
    };
    if !written.trim_start().starts_with('{') {
        return (plain(), None);
    }
    match serde_json::from_str(written) {
        Ok(line) => {
            let note = misread(&line);
            (line, note)
        }
        Err(fault) => (plain(), Some(format!("taken as plain text: {fault}"))),
    }
}

/// What a line of JSON says that is not read, or does not say.
fn misread(line: &Line) -> Option<String> {
    let mut notes = Vec::new();
    if line.text.is_none() {
        notes.push("there is no `text`: nothing was read".to_owned());
    }
    if !line.others.is_empty() {
        let others: Vec<&str> = line.others.keys().map(String::as_str).collect();
        let (others, keys) = (others.join("`, `"), KEYS.join("`, `"));
        notes.push(format!(
            "not known and not read: `{others}`; known are `{keys}`"
        ));
    }
    (!notes.is_empty()).then(|| notes.join("; "))
}

fn judge((line, note): &(Line, Option<String>), phrases: &Phrases, rules: &Rules) -> Value {
    let recent: Vec<Gist> = line.history.iter().map(|text| Gist::of(text)).collect();
    let text = line.text.as_deref().unwrap_or_default();
    // As in a conversation: its language is that of the first message that is long enough to tell.
    let language = line.language.as_deref().or_else(|| spoken(text));
    let context = Context {
        language,
        recent: &recent,
        deflections: line.deflections,
    };
    let began = clock::monotonic();
    let triage = rules
        .before_model(text, &context)
        .in_house(phrases, text, language);
    let micros = began.elapsed().as_nanos() as f64 / 1e3;
    let mut answer = shown(&triage);
    answer["text"] = json!(text);
    if let (None, Some(language)) = (answer.get("language"), language) {
        answer["language"] = json!(language);
    }
    if let Some(note) = note {
        answer["note"] = json!(note);
    }
    answer["us"] = json!((micros * 10.0).round() / 10.0);
    answer
}

fn shown(triage: &Triage) -> Value {
    let finding = |finding: &Finding| {
        json!({
            "action": finding.action.as_str(),
            "rule": finding.rule,
            "reason": finding.reason.as_str(),
            "matched": finding.matched,
            "language": finding.language,
            "queue": finding.queue,
            "priority": finding.priority.as_str(),
            "observe_only": finding.observe_only,
        })
    };
    let mut answer = triage.decision().map_or_else(
        || json!({ "action": "model" }),
        |decided| {
            let mut answer = finding(decided);
            if let Some(fields) = answer.as_object_mut() {
                fields.remove("observe_only");
            }
            answer
        },
    );
    let signals = &triage.signals;
    answer["findings"] = triage.findings.iter().map(finding).collect();
    answer["signals"] = json!({
        "sentiment": signals.sentiment,
        "displeasure": signals.displeasure,
        "caps": signals.caps,
        "repeated": signals.repeated,
        "urgent": signals.urgent,
        "sensitive": signals.sensitive,
        "amount": signals.amount.map(|hundredths| hundredths as f64 / 100.0),
        "quantity": signals.quantity,
    });
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::message::Body;
    use crate::conversation::policy::{PhraseRule, Policy};
    use crate::conversation::window::TriggerWindow;
    use crate::triage::BUNDLED;

    #[test]
    fn a_line_is_json_or_plain_and_gets_one_line() {
        let check = |written: &str, action: &str, reason: Option<&str>| {
            let answer = judge(&read(written), &Phrases::default(), &BUNDLED);
            assert_eq!(answer["action"], action, "{written}: {answer}");
            assert_eq!(answer["reason"].as_str(), reason, "{written}: {answer}");
            assert!(answer["us"].is_number());
        };
        check("let me talk to a person", "handoff", Some("user_request"));
        check(r#"{"text": "where is my order"}"#, "model", None);
        check(
            r#"{"text": "refund of $500 now", "language": "en"}"#,
            "handoff",
            Some("out_of_scope"),
        );
        let again = r#"{"text": "where is my parcel", "history": ["where is the parcel", "my parcel, where is it"]}"#;
        check(again, "offer", Some("repetition"));
        check("{ not json", "model", None);
    }

    #[test]
    fn a_misspelt_key_is_told() {
        let check = |written: &str, note: Option<&str>| {
            let answer = judge(&read(written), &Phrases::default(), &BUNDLED);
            let said = answer["note"].as_str().unwrap_or_default();
            match note {
                Some(note) => assert!(said.contains(note), "{written}: {said}"),
                None => assert_eq!(said, "", "{written}"),
            }
        };
        check(r#"{"text": "hello"}"#, None);
        check(r#"{"txt": "human please"}"#, Some("there is no `text`"));
        check(r#"{"text": "hi", "lang": "es"}"#, Some("not read: `lang`"));
        check(r#"{"text": 7}"#, Some("taken as plain text"));
    }

    #[test]
    fn a_line_without_a_language_is_settled_by_its_words() {
        let answer = judge(
            &read("hola, dónde está mi pedido?"),
            &Phrases::default(),
            &BUNDLED,
        );
        assert_eq!(
            (&answer["action"], &answer["language"]),
            (&json!("model"), &json!("es"))
        );
    }

    #[test]
    fn lines_come_out_as_they_went_in() {
        let mut out = Vec::new();
        let input = "hello\n\nhuman please\r\nlast line without an end";
        copy(
            Box::new(input.as_bytes()),
            &mut out,
            &Phrases::default(),
            &BUNDLED,
        )
        .expect("memory");
        let out = String::from_utf8(out).expect("JSON is text");
        assert_eq!(out.lines().count(), 3, "{out}");
    }

    #[test]
    fn what_the_house_says_decides_here_as_it_does_in_a_conversation() {
        let mut policy = Policy::default();
        policy.phrases.wants_person.push(PhraseRule {
            language: "en".to_owned(),
            phrase: "front desk".to_owned(),
        });
        policy.phrases.not_wants.push(PhraseRule {
            language: "en".to_owned(),
            phrase: "person of the year".to_owned(),
        });
        policy.phrases.recompile();
        let check = |text: &str, rule: Option<&str>| {
            let shown = judge(&read(text), &policy.phrases, policy.triage.rules());
            let heard = policy.hear(
                &Body::Text(text.to_owned()),
                None,
                &TriggerWindow::default(),
            );
            let decided = heard.person(&policy).map(|(trigger, _)| trigger.rule);
            assert_eq!(shown["rule"].as_str(), rule, "{shown}");
            assert_eq!(decided.as_deref(), rule, "{text}");
        };
        check("the front desk please", Some("en:front desk"));
        check("let me talk to a person", Some("en:ask.talk"));
        check("let me talk to a person of the year", None);
        check("my lawyer wants to talk to a person", Some("scope.legal"));
        check("where is my order", None);
    }

    #[test]
    fn a_line_that_is_nearly_json_says_what_is_wrong_with_it() {
        let judged = |written| judge(&read(written), &Phrases::default(), &BUNDLED);
        let wrong = judged(r#"{"text": 5}"#);
        let note = wrong["note"].as_str().unwrap_or_default();
        assert!(note.contains("plain text"), "{wrong}");
        assert!(judged(r#"{"text": "hello"}"#)["note"].is_null());
        assert!(judged("hello")["note"].is_null());
    }
}

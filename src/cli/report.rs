//! `segue report`: the handoff review, as a text for people, as JSON, or as the whole log in CSV.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::records::{self, Bar, Complaint, Which};
use super::review;
use crate::clock::Timestamp;
use crate::learning::report::Adding;
use crate::learning::shown::Shown;
use crate::learning::{Record, Source, fold, source};

/// The handoff review.
#[derive(Args, Debug)]
pub struct ReportArguments {
    #[command(flatten)]
    which: Which,
    /// `text` and `json` add up; `csv` is the log itself, one handoff a line.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    Text,
    Json,
    Csv,
}

/// Does what the arguments say. Exit 0; 1 when the conversations cannot be read, 2 for a configuration that cannot.
pub fn run(arguments: &ReportArguments) -> ExitCode {
    let data = match arguments.which.place.find() {
        Ok(data) => data,
        Err(code) => return code,
    };
    let done = records::open(&data).and_then(|from| told(arguments, &*from));
    records::exit(done.map(|()| ExitCode::SUCCESS))
}

fn told(arguments: &ReportArguments, from: &dyn Source) -> Result<(), Complaint> {
    let (since, now) = arguments.which.times();
    let mut adding = Adding::since(since);
    let mut log = match arguments.format {
        Format::Csv => Some(Log::begin()?),
        Format::Text | Format::Json => None,
    };
    let bar = Bar::begin();
    let read = source::each(
        from,
        None,
        since,
        |told| {
            let record = fold(told.facts, &told.entries, since, now);
            match &mut log {
                Some(log) => log.take(&record, since),
                None => {
                    adding.take(&record);
                    Ok(())
                }
            }
        },
        |progress| bar.step(progress),
    );
    bar.end();
    let read = read.map_err(records::unread)?;
    match (log, arguments.format) {
        (Some(log), _) => log.end(),
        (None, Format::Json) => {
            let report = adding.report(now, read);
            let mut text = serde_json::to_string_pretty(&report).expect("a report is plain data");
            text.push('\n');
            records::print(&text)
        }
        (None, Format::Text | Format::Csv) => {
            records::print(&review::text(&adding.report(now, read)))
        }
    }
}

/// The log as CSV, written as it is read.
struct Log(csv::Writer<std::io::Stdout>);

/// The columns: the members of a handoff as the API shows it.
const COLUMNS: [&str; 28] = [
    "id",
    "conversation",
    "handoff",
    "channel",
    "language",
    "requested_at",
    "reason",
    "rule",
    "matched",
    "queue",
    "passed_on",
    "claimed_by",
    "claimed_after_ms",
    "replied_after_ms",
    "replies",
    "settlement",
    "ended",
    "ended_at",
    "held_ms",
    "note",
    "ghost",
    "late",
    "silent",
    "back_after_ms",
    "verdict",
    "reviewed_by",
    "reviewed_at",
    "said",
];

impl Log {
    fn begin() -> Result<Self, Complaint> {
        let mut writer = csv::Writer::from_writer(std::io::stdout());
        written(writer.write_record(COLUMNS))?;
        Ok(Self(writer))
    }

    fn take(&mut self, record: &Record, since: Timestamp) -> Result<(), String> {
        let recent = record
            .handoffs
            .iter()
            .filter(|one| one.requested_at >= since);
        for handoff in recent {
            let shown = Shown::of(&record.facts, handoff);
            let shown = serde_json::to_value(shown).expect("a handoff is plain data");
            let row = COLUMNS.map(|column| cell(&shown[column]));
            written(self.0.write_record(row)).map_err(|(what, _)| what)?;
        }
        Ok(())
    }

    fn end(mut self) -> Result<(), Complaint> {
        records::written(self.0.flush())
    }
}

fn written(done: csv::Result<()>) -> Result<(), Complaint> {
    records::written(done.map_err(std::io::Error::from))
}

/// A value as a cell. What customers and people wrote must not be taken for a formula by whoever opens the table.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r']) => {
            format!("'{text}")
        }
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn no_cell_is_a_formula() {
        let check = |value: Value, expected: &str| assert_eq!(cell(&value), expected);
        check(json!("=1+1"), "'=1+1");
        check(json!("@sum"), "'@sum");
        check(json!("a=b"), "a=b");
        check(json!(-3), "-3");
        check(Value::Null, "");
    }
}

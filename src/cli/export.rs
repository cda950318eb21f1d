//! `segue export`: conversations as lines of JSON, for training. One line each, written as they are read.

use std::io::{BufWriter, Write as _};
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::records::{self, Bar, Complaint, Which};
use crate::ids::ConversationId;
use crate::learning::export::line;
use crate::learning::{Source, source};

/// Conversations, out.
#[derive(Args, Debug)]
pub struct ExportArguments {
    #[command(flatten)]
    which: Which,
    /// Only this conversation.
    #[arg(long, value_name = "ID", value_parser = records::conversation)]
    conversation: Option<ConversationId>,
    /// How: one JSON object a line.
    #[arg(long, value_enum, default_value = "jsonl")]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    Jsonl,
}

/// Does what the arguments say. Exit 0; 1 when something cannot be read or written, or there is no such conversation; 2 for a
/// configuration that cannot be read.
pub fn run(arguments: &ExportArguments) -> ExitCode {
    let Format::Jsonl = arguments.format;
    let data = match arguments.which.place.find() {
        Ok(data) => data,
        Err(code) => return code,
    };
    let done = records::open(&data).and_then(|from| write(arguments, &*from));
    records::exit(done.map(|()| ExitCode::SUCCESS))
}

#[expect(
    clippy::print_stderr,
    reason = "what was written, beside what is written"
)]
fn write(arguments: &ExportArguments, from: &dyn Source) -> Result<(), Complaint> {
    let (since, now) = arguments.which.times();
    let mut out = BufWriter::new(std::io::stdout().lock());
    let (mut conversations, mut turns) = (0_u64, 0);
    let bar = Bar::begin();
    let read = source::each(
        from,
        arguments.conversation,
        since,
        |told| {
            let line = line(told, now);
            (conversations, turns) = (conversations + 1, turns + line.turns.len());
            let mut text = serde_json::to_vec(&line).map_err(|fault| fault.to_string())?;
            text.push(b'\n');
            out.write_all(&text)
                .map_err(|fault| format!("cannot be written: {fault}"))
        },
        |progress| bar.step(progress),
    );
    bar.end();
    let read = read.map_err(records::unread)?;
    records::written(out.flush())?;
    if let (Some(id), 0) = (arguments.conversation, conversations) {
        let what = format!("there is no conversation `{id}`");
        return Err((what, "segue report --format csv lists ids".to_owned()));
    }
    eprintln!("wrote {conversations} conversations with {turns} turns");
    if read.unreadable > 0 {
        eprintln!(
            "{} conversations cannot be read and were left out",
            read.unreadable
        );
    }
    Ok(())
}

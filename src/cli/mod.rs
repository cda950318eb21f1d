//! The commands: arguments in, lines out. The only room that prints.
//!
//! Exit codes: 0 fine, 1 failed, 2 wrong usage or configuration. Errors go to stderr: a line what, a line how to mend it.

pub mod agent;
pub mod chat;
pub mod check;
pub mod export;
pub mod init;
pub mod load;
pub mod place;
pub mod records;
pub mod replay;
pub mod report;
pub mod review;
pub mod screen;
pub mod serve;
pub mod starter;
pub mod talk;
pub mod triage;

use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A conversation runtime: an AI answers, a person takes over in the same thread, and hands back.
#[derive(Parser, Debug)]
#[command(name = "segue", version, about, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Run Segue. Without a configuration: a complete demonstration, with no key and no server.
    Serve(serve::ServeArguments),
    /// Read the whole configuration and report every fault in it. Binds nothing.
    Check {
        /// The configuration; `./segue.toml` if there is one.
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Write a commented starter configuration and a sample knowledge base. Never overwrites.
    Init {
        /// Where to.
        #[arg(default_value = ".", value_name = "DIR")]
        dir: PathBuf,
    },
    /// Talk to a running Segue as a customer, in the terminal.
    Chat(chat::ChatArguments),
    /// Put a server under load and measure it; without a target, one of its own.
    #[command(long_about = load::ABOUT)]
    Load(Box<load::LoadArguments>),
    /// Say what would be decided about messages before the model is asked. No server, no model.
    Triage(triage::TriageArguments),
    /// The people who answer, and their tokens.
    Agent(agent::AgentArguments),
    /// The handoff review: rates, reasons, response times, verdicts, ghosts, recurring topics.
    Report(report::ReportArguments),
    /// What-if: run stored conversations through other rules.
    Replay(replay::ReplayArguments),
    /// Conversations as lines of JSON, for training.
    Export(export::ExportArguments),
}

/// Reads the arguments and does what they say.
pub fn run() -> ExitCode {
    match Arguments::parse().command {
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Check { config } => {
            check::run(config.or_else(crate::config::default_path).as_deref())
        }
        Command::Init { dir } => init::run(&dir),
        Command::Chat(arguments) => chat::run(&arguments),
        Command::Load(arguments) => load::run(&arguments),
        Command::Triage(arguments) => triage::run(&arguments),
        Command::Agent(arguments) => agent::run(&arguments),
        Command::Report(arguments) => report::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Export(arguments) => export::run(&arguments),
    }
}

/// Prints what a command answers: the one place that writes to stdout for a command that then ends. Whoever closed the
/// pipe has read enough, so that is no failure; anything else is said on stderr.
///
/// # Errors
/// The exit code with which the command ends.
pub(crate) fn say(text: &str) -> Result<(), ExitCode> {
    say_to(&mut std::io::stdout().lock(), text)
}

fn say_to(out: &mut impl Write, text: &str) -> Result<(), ExitCode> {
    let said = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    said.map_err(|fault| {
        if fault.kind() == ErrorKind::BrokenPipe {
            return ExitCode::SUCCESS;
        }
        complain(
            &format!("the output cannot be written: {fault}"),
            "make room, or send it elsewhere",
        );
        ExitCode::FAILURE
    })
}

/// How a command ends whose last word was `said`.
pub(crate) fn ended(said: Result<(), ExitCode>) -> ExitCode {
    said.err().unwrap_or(ExitCode::SUCCESS)
}

/// Says on stderr what is wrong and how to mend it.
pub(crate) fn complain(what: &str, mend: &str) {
    remark(&format!("segue: {what}"));
    if !mend.is_empty() {
        remark(&format!("  hint: {mend}"));
    }
}

/// A line on stderr. If that cannot be written either, nobody is there to be told.
pub(crate) fn remark(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fails(ErrorKind);

    impl Write for Fails {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_closed_pipe_is_no_failure_and_a_full_disk_is_one() {
        let check = |kind, expected| {
            let ended = ended(say_to(&mut Fails(kind), "words"));
            assert_eq!(format!("{ended:?}"), format!("{expected:?}"), "{kind}");
        };
        check(ErrorKind::BrokenPipe, ExitCode::SUCCESS);
        check(ErrorKind::StorageFull, ExitCode::FAILURE);
        assert!(say_to(&mut Vec::new(), "words").is_ok());
    }
}

//! The commands: arguments in, lines out. The only room that prints.
//!
//! Exit codes: 0 fine, 1 failed, 2 wrong usage or configuration. Errors go to stderr: a line what, a line how to mend it.

pub mod agent;
pub mod chat;
pub mod check;
pub mod export;
pub mod init;
pub mod load;
pub mod records;
pub mod replay;
pub mod report;
pub mod review;
pub mod screen;
pub mod serve;
pub mod starter;
pub mod talk;
pub mod triage;

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

/// Says on stderr what is wrong and how to mend it.
#[expect(clippy::print_stderr, reason = "this is where commands complain")]
pub(crate) fn complain(what: &str, mend: &str) {
    eprintln!("segue: {what}");
    if !mend.is_empty() {
        eprintln!("  hint: {mend}");
    }
}

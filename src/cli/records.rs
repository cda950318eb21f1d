//! Where commands that look back read conversations from: the running process if there is one, else the files.
//!
//! What a command reads it never changes: without a running process the store is opened as it stands, and what the
//! journal holds beyond the state is read from the journal.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::complain;
use super::place::{Data, Place};
use crate::clock::{Clock as _, SystemClock, Timestamp};
use crate::control::{self, Reply, Request};
use crate::ids::ConversationId;
use crate::learning::source::Progress;
use crate::learning::{Ask, Found, Source};
use crate::store::{Observer, OpenError, Options, Position, Store, Turn};

/// Memory for the files' caches while a command reads, in MiB.
const CACHE_MB: usize = 64;

/// What went wrong, and how to mend it.
pub type Complaint = (String, String);

/// Which conversations a command looks at.
#[derive(clap::Args, Debug)]
pub struct Which {
    /// Where they are kept.
    #[command(flatten)]
    pub place: Place,
    /// Only what happened in so long until now: `7d`, `12h`.
    #[arg(long, value_name = "TIME", value_parser = since)]
    pub since: Option<std::time::Duration>,
}

fn since(text: &str) -> Result<std::time::Duration, String> {
    crate::config::duration(text).map_err(str::to_owned)
}

/// A conversation's id, as an argument.
pub fn conversation(text: &str) -> Result<ConversationId, String> {
    text.parse()
        .map_err(|fault: crate::ids::NotAnId| fault.to_string())
}

impl Which {
    /// From when on, and now.
    pub fn times(&self) -> (Timestamp, Timestamp) {
        let now = SystemClock::start().now();
        let since = self.since.map_or(Timestamp::ZERO, |long| now - long);
        (since.max(Timestamp::ZERO), now)
    }
}

/// The process that runs on a data directory.
struct Running(PathBuf);

impl Source for Running {
    fn ask(&self, ask: Ask) -> Result<Found, String> {
        match control::ask(&self.0, &Request::Read { ask }) {
            Ok(Some(Reply::Read { found })) => Ok(*found),
            Ok(Some(Reply::Failed { what, .. })) => Err(what),
            Ok(Some(
                Reply::Token { .. }
                | Reply::Done
                | Reply::Agents { .. }
                | Reply::Status { .. }
                | Reply::Ai { .. },
            )) => Err("the running process answered something else".to_owned()),
            Ok(None) => Err("the running process has ended meanwhile".to_owned()),
            Err(fault) => Err(fault.to_string()),
        }
    }
}

/// Nothing is committed while a command has the store, so nobody has to watch.
struct Nobody;

impl Observer for Nobody {
    fn committed(&self, _: Position, _: &[Arc<Turn>]) {}
}

/// Finds the conversations of `data`.
///
/// # Errors
/// [`Complaint`].
pub fn open(data: &Data) -> Result<Box<dyn Source>, Complaint> {
    let dir = data.dir.as_path();
    match control::ask(dir, &Request::Status) {
        Ok(Some(_)) => return Ok(Box::new(Running(dir.to_owned()))),
        Ok(None) => {}
        Err(fault) => {
            let mend = "run the command as the user that runs Segue, or restart Segue";
            return Err((fault.to_string(), mend.to_owned()));
        }
    }
    if !data.is_there() {
        return Err(data.missing());
    }
    let options = Options {
        cache_mb: CACHE_MB,
        free_bytes_min: 0,
        apply: false,
        ..Options::default()
    };
    match Store::open(dir, options, Arc::new(Nobody)) {
        Ok((store, _)) => Ok(Box::new(store)),
        Err(fault) => {
            let mend = match &fault {
                OpenError::InUse => {
                    "its control socket does not answer: wait until it has started, or stop it"
                }
                OpenError::NewerVersion { .. }
                | OpenError::ForeignStore
                | OpenError::JournalGap { .. }
                | OpenError::Full { .. }
                | OpenError::Io(_)
                | OpenError::Corrupt(_) => "",
            };
            let what = format!("`{}` cannot be opened: {fault}", dir.display());
            Err((what, mend.to_owned()))
        }
    }
}

/// A bar on a terminal; nothing where nobody looks.
pub struct Bar(ProgressBar);

impl Bar {
    /// Begins.
    pub fn begin() -> Self {
        let target = if io::stderr().is_terminal() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        let style =
            ProgressStyle::with_template("{wide_bar} {pos}/{len} conversations, {eta} left");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// So far.
    pub fn step(&self, progress: Progress) {
        self.0.set_length(progress.total);
        self.0.set_position(progress.passed);
    }

    /// Takes it off the screen.
    pub fn end(&self) {
        self.0.finish_and_clear();
    }
}

/// Writes to stdout. Whoever closed the other end has seen enough.
///
/// # Errors
/// [`Complaint`] when it cannot be written.
pub fn print(text: &str) -> Result<(), Complaint> {
    let mut out = io::stdout().lock();
    written(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// The same for what was written elsewhere.
///
/// # Errors
/// [`Complaint`] when it could not be.
pub fn written(done: io::Result<()>) -> Result<(), Complaint> {
    match done {
        Err(fault) if fault.kind() != io::ErrorKind::BrokenPipe => {
            Err((format!("cannot be written: {fault}"), String::new()))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// What could not be read, as a complaint.
pub fn unread(what: String) -> Complaint {
    (what, String::new())
}

/// The exit code; complains where there is something to complain of.
pub fn exit(done: Result<ExitCode, Complaint>) -> ExitCode {
    match done {
        Ok(code) => code,
        Err((what, mend)) => {
            complain(&what, &mend);
            ExitCode::FAILURE
        }
    }
}

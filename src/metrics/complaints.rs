//! The last lines that were logged as errors and warnings, for people who look at the status page.
//!
//! A layer beside whatever else writes the log; one for the process, as the log itself is. Bounded in number and in
//! length. Customers' text is never logged above TRACE, so none of it is here.

use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::values::LogLevel;
use crate::clock::{Clock, SystemClock};

/// How many lines are kept.
pub const KEPT: usize = 50;
/// The longest line, in bytes.
const LINE_BYTES_MAX: usize = 400;

/// One logged line.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Complaint {
    /// When, as RFC 3339.
    pub at: String,
    /// `error` or `warn`.
    pub level: &'static str,
    /// Where in the code.
    pub target: String,
    /// What was said, with its fields.
    pub text: String,
}

/// See the head of this file. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Complaints(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    counts: [AtomicU64; LogLevel::ALL.len()],
    last: Mutex<VecDeque<Complaint>>,
    clock: SystemClock,
}

impl Default for Complaints {
    fn default() -> Self {
        Self(Arc::new(Inner {
            counts: Default::default(),
            last: Mutex::default(),
            clock: SystemClock::start(),
        }))
    }
}

impl Complaints {
    /// The one of this process. It sees nothing until somebody installs it as a layer of the log.
    pub fn of_process() -> Self {
        static ONE: OnceLock<Complaints> = OnceLock::new();
        ONE.get_or_init(Self::default).clone()
    }

    /// The last lines, the newest first.
    pub fn last(&self) -> Vec<Complaint> {
        let last = self.0.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.iter().rev().cloned().collect()
    }

    /// How many lines there have been of each level.
    pub fn counts(&self) -> [u64; LogLevel::ALL.len()] {
        [0, 1].map(|n: usize| self.0.counts[n].load(Ordering::Relaxed))
    }

    fn take(&self, level: LogLevel, target: &str, text: String) {
        self.0.counts[level as usize].fetch_add(1, Ordering::Relaxed);
        let complaint = Complaint {
            at: self.0.clock.now().rfc3339(),
            level: level.as_str(),
            target: target.to_owned(),
            text,
        };
        let mut last = self.0.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() == KEPT {
            last.pop_front();
        }
        last.push_back(complaint);
    }
}

impl<S: Subscriber> Layer<S> for Complaints {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        let level = if *metadata.level() == Level::ERROR {
            LogLevel::Error
        } else if *metadata.level() == Level::WARN {
            LogLevel::Warn
        } else {
            return;
        };
        let mut line = Line::default();
        event.record(&mut line);
        self.take(level, metadata.target(), line.0);
    }
}

/// The message first, then `field=value`.
#[derive(Default)]
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut part = String::new();
        let written = if field.name() == "message" {
            write!(part, "{value:?}")
        } else {
            write!(part, "{}={value:?}", field.name())
        };
        written.expect("a string takes any text");
        if field.name() == "message" && !self.0.is_empty() {
            part.push(' ');
            self.0.insert_str(0, &part);
        } else {
            if !self.0.is_empty() {
                self.0.push(' ');
            }
            self.0.push_str(&part);
        }
        if self.0.len() > LINE_BYTES_MAX {
            let mut end = LINE_BYTES_MAX;
            while !self.0.is_char_boundary(end) {
                end -= 1;
            }
            self.0.truncate(end);
            self.0.push('…');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing_subscriber::layer::SubscriberExt as _;

    #[test]
    fn errors_and_warnings_are_kept_newest_first_and_within_bounds() {
        let complaints = Complaints::default();
        let subscriber = tracing_subscriber::registry().with(complaints.clone());
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!("nothing to see");
            tracing::warn!(conversation = "c1", "slow");
            for n in 0..60 {
                tracing::error!(n, long = "é".repeat(1_000), "broken");
            }
        });
        assert_eq!(complaints.counts(), [60, 1]);
        let last = complaints.last();
        assert_eq!(last.len(), KEPT);
        assert!(last[0].text.starts_with("broken n=59 long="), "{last:?}");
        assert!(last[0].text.len() <= LINE_BYTES_MAX + '…'.len_utf8());
        assert_eq!(last[0].level, "error");
    }

    #[test]
    fn a_line_has_its_message_first() {
        let complaints = Complaints::default();
        let subscriber = tracing_subscriber::registry().with(complaints.clone());
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(conversation = "c1", took = 5, "slow");
        });
        assert_eq!(complaints.last()[0].text, "slow conversation=\"c1\" took=5");
        assert_eq!(complaints.last()[0].level, "warn");
    }
}

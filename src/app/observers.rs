//! Who is told of every commit, in commit order, before anybody gets an answer: deadlines, figures, the desk.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::ledger::Ledger;
use crate::conversation::words::ModeName;
use crate::desk::Feed;
use crate::metrics::{CommitFault, Metrics};
use crate::runtime::Wheel;
use crate::store::disk::Fault;
use crate::store::{Observer, Position, Turn};

/// See the head of this file.
pub struct Observers {
    wheel: Wheel,
    metrics: Arc<Metrics>,
    desk: OnceLock<Feed>,
    with_ai: AtomicI64,
    ledger: Ledger,
}

impl Observers {
    /// Without a desk yet: it is opened from the store, and nothing is committed before that.
    pub fn new(wheel: Wheel, metrics: Arc<Metrics>) -> Self {
        Self {
            wheel,
            metrics,
            desk: OnceLock::new(),
            with_ai: AtomicI64::new(0),
            ledger: Ledger::default(),
        }
    }

    /// How many open conversations the AI holds: `found` at the start, then as they come and go.
    pub fn begin_with(&self, found: usize) {
        self.with_ai
            .store(i64::try_from(found).unwrap_or(i64::MAX), Ordering::Relaxed);
    }

    /// How many open conversations the AI holds.
    pub fn with_ai(&self) -> u64 {
        u64::try_from(self.with_ai.load(Ordering::Relaxed)).unwrap_or(0)
    }

    /// The ledger of handoffs.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    fn count(&self, was: ModeName, is: ModeName) {
        let change = i64::from(is == ModeName::Ai) - i64::from(was == ModeName::Ai);
        if change != 0 {
            self.with_ai.fetch_add(change, Ordering::Relaxed);
        }
    }

    /// The desk is told from now on.
    pub fn watch(&self, desk: Feed) {
        // Set once, by the one who opened it.
        let _ = self.desk.set(desk);
    }
}

impl Observer for Observers {
    fn committed(&self, position: Position, turns: &[Arc<Turn>]) {
        for turn in turns {
            self.wheel.set(turn.conversation, turn.due);
            self.metrics
                .committed(turn.conversation, turn.medium, &turn.entries);
            self.count(turn.was, turn.listing.mode);
        }
        self.ledger.committed(turns, || {
            if let Some(desk) = self.desk.get() {
                desk.committed(position, turns);
            }
        });
    }

    fn written(&self, took: Duration, turns: usize) {
        self.metrics.commit(took, turns);
    }

    fn not_written(&self, fault: &Fault) {
        self.metrics.commit_error(match fault {
            Fault::Full => CommitFault::Full,
            Fault::Broken(_) | Fault::Spent(_) => CommitFault::Io,
            Fault::Corrupt(_) | Fault::Newer { .. } => CommitFault::Corrupt,
        });
    }
}

//! Where conversations are kept: the words the runtime uses with a store, and the embedded engine behind them.
//!
//! The runtime hands in [`Turn`]s and is told when they are durable; it never sees a table or a transaction.
//!
//! | room | holds |
//! |---|---|
//! | `embedded` | [`Store`]: the doors |
//! | `format` | the bytes on disk, pure |
//! | `identity` | which store a file belongs to |
//! | `journal` | the commit log's file: append, trim, reopen |
//! | `writer` | the one thread that commits |
//! | `tail` | what is committed and not yet applied, in memory |
//! | `apply` | the thread that applies the tail to the state |
//! | `slice` | one slice, written into the tables |
//! | `retention` | forgetting what closed long ago |
//! | `state` | the state file and its tables |
//! | `recovery` | opening: do the files belong together, what is unapplied |
//! | `stored` | one conversation as the state file has it |
//! | `read` | reading a conversation: tail first, then state |
//! | `pages` | reading an index: who is due, who stands in a mode |
//! | `newest` | a list from its other end |
//! | `shared` | what doors and threads share: phase, generation |
//! | `small` | settings, agents, parked things, policies |
//! | `media` | files of customers, beside the data files |
//! | `creation` | a file that was cut off while being made |
//! | `disk` | files, failures and free space |
//!
//! Not here yet: the two-file backup.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::conversation::message::Medium;
use crate::conversation::trail::Entry;
use crate::conversation::words::ModeName;
use crate::ids::{ConversationId, IdHash};

pub mod apply;
pub mod creation;
pub mod disk;
pub mod embedded;
pub mod format;
pub mod identity;
pub mod journal;
#[cfg(test)]
mod meanwhile_tests;
pub mod media;
mod newest;
pub mod pages;
pub mod read;
pub mod recovery;
pub mod retention;
pub mod shared;
pub mod slice;
pub mod small;
pub mod state;
pub mod stored;
pub mod tail;
pub mod writer;

pub use embedded::{Options, Pressure, Store, TailFigures};
pub use recovery::{OpenError, Recovered};
pub use small::Parked;

/// What one decision changed, to be made durable as one. Several turns can be committed atomically.
#[derive(Clone, PartialEq, Debug)]
pub struct Turn {
    /// Whose.
    pub conversation: ConversationId,
    /// The medium, for the figures; not stored.
    pub medium: Medium,
    /// The mode before this turn, for the figures; not stored.
    pub was: ModeName,
    /// The head's revision: one more than the one before. 1 is a new conversation's first.
    pub rev: u64,
    /// The head, encoded.
    pub head: Vec<u8>,
    /// The new entries of the trail, numbered on from the last.
    pub entries: Vec<Entry>,
    /// When the conversation next wants waking; none: never by itself.
    pub due: Option<Timestamp>,
    /// What lists show of it.
    pub listing: Listing,
    /// Inbound ids that left the head's memory with this turn: remembered for eight days.
    pub evicted: Vec<IdHash>,
}

/// What lists are ordered and filtered by. Changes only with the mode, so that a message does not rewrite an index.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Listing {
    /// The mode.
    pub mode: ModeName,
    /// Since when.
    pub since: Timestamp,
}

/// A conversation as it was last committed.
#[derive(Clone, PartialEq, Debug)]
pub struct Loaded {
    /// The revision.
    pub rev: u64,
    /// The head, encoded.
    pub head: Vec<u8>,
    /// The last entries of the trail, oldest first, without gaps. Entries further back: [`Store::entries`].
    pub recent: Vec<Entry>,
    /// When it wants waking.
    pub due: Option<Timestamp>,
    /// What lists show of it.
    pub listing: Listing,
}

/// Where a commit stands in the order of all commits. Opaque: compare and print, nothing else.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Position(pub u64);

/// Why a commit was not made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CommitError {
    /// Nothing was written; the same turn may be tried again from what is on disk.
    #[error("the store did not take the commit; nothing was written")]
    Retry,
    /// It may or may not have been written: reload before anything else.
    #[error("the store failed during the commit; its outcome is unknown")]
    Unknown,
    /// The conversation was reloaded since this turn was decided.
    #[error("the turn rests on a state that was given up")]
    Fenced,
    /// The disk or the tail is full.
    #[error("the store is full")]
    Full,
    /// What is on disk cannot be read.
    #[error("the store is damaged")]
    Corrupt,
}

/// Why something could not be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LoadError {
    /// Try again soon.
    #[error("the store cannot be read just now: {0}")]
    Retry(String),
    /// The bytes are there and make no sense.
    #[error("unreadable: {0}")]
    Corrupt(String),
}

/// Whoever reads and writes in one go needs one error.
impl From<CommitError> for LoadError {
    fn from(error: CommitError) -> Self {
        Self::Retry(error.to_string())
    }
}

/// Called by the writer, in commit order, once a group is durable and before anybody is told: feeds the board, the
/// event stream, the alarms and the metrics. Must be quick and must not wait.
pub trait Observer: Send + Sync + 'static {
    /// These turns, at this position, are durable.
    fn committed(&self, position: Position, turns: &[Arc<Turn>]);

    /// A group of so many turns was written and synced in this time. For figures.
    fn written(&self, _took: Duration, _turns: usize) {}

    /// A group could not be committed. For figures.
    fn not_written(&self, _fault: &disk::Fault) {}
}

/// Told what became of a commit; called on the writer's thread (or on the submitter's, when the commit was refused at
/// the door), so it must only pass the word on.
pub type OnCommit = Box<dyn FnOnce(Result<Position, CommitError>) + Send + 'static>;

//! The state file: its tables, and the two ways in (a read, a write). What is written into it is decided elsewhere.
//!
//! | table | key | value |
//! |---|---|---|
//! | `heads` | conversation | head row: rev, due, listing, head, open trail block |
//! | `trail` | conversation, number of the first entry | sealed trail block |
//! | `due` | due time, conversation | mode code |
//! | `listing` | mode code, since, conversation | – |
//! | `seen` | day, conversation, hash | – |
//! | `settings`, `agents` | name | the caller's bytes |
//! | `policies` | hash | the caller's bytes |
//! | `parked` | number | [`super::Parked`] |
//! | `meta` | name | store id, layout, key, applied position, counters |
//!
//! Keys are fixed byte strings in big endian, so that the order of bytes is the order of things. Every commit has
//! quick repair on: it is the last commit before a crash that decides how long the next start takes. A handle that
//! failed is spent for good; [`State::reopen`] replaces it once every reader has let go.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use redb::{Database, ReadTransaction, ReadableDatabase, TableDefinition, WriteTransaction};

use super::disk::{DataFile, Disk, Fault, NotOpened, Trouble, open_database};
use super::format::FormatError;
use super::identity::META;
use crate::clock::Timestamp;
use crate::ids::{ConversationId, IdHash};

/// Heads by conversation.
pub const HEADS: TableDefinition<&[u8; 16], &[u8]> = TableDefinition::new("heads");
/// Sealed trail blocks by [`block_key`].
pub const TRAIL: TableDefinition<&[u8; 24], &[u8]> = TableDefinition::new("trail");
/// The due index by [`due_key`].
pub const DUE: TableDefinition<&[u8; 24], u8> = TableDefinition::new("due");
/// The list index by [`listing_key`].
pub const LISTING: TableDefinition<&[u8; 25], ()> = TableDefinition::new("listing");
/// Evicted inbound ids by [`seen_key`].
pub const SEEN: TableDefinition<&[u8; 28], ()> = TableDefinition::new("seen");
/// Settings by name.
pub const SETTINGS: TableDefinition<&str, &[u8]> = TableDefinition::new("settings");
/// Agents by name.
pub const AGENTS: TableDefinition<&str, &[u8]> = TableDefinition::new("agents");
/// Policies by hash.
pub const POLICIES: TableDefinition<u64, &[u8]> = TableDefinition::new("policies");
/// Parked things by number.
pub const PARKED: TableDefinition<u64, &[u8]> = TableDefinition::new("parked");

/// Under this name `meta` keeps the position up to which the journal is applied (u64, little endian).
pub const APPLIED: &str = "applied";
/// Under this name `meta` keeps the store's secret key.
pub const KEY: &str = "key";

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// What went wrong between us and a file.
#[derive(Debug)]
pub enum Failure {
    /// redb says so.
    Redb(redb::Error),
    /// A value cannot be read.
    Format(FormatError),
    /// We were asked for something that does not fit.
    Full,
}

impl Failure {
    /// What it means on a file with this `trouble`.
    pub fn explain(self, trouble: &Trouble) -> Fault {
        match self {
            Self::Redb(error) => trouble.explain(error),
            Self::Format(FormatError::Newer { found }) => Fault::Newer { found },
            Self::Format(error @ (FormatError::Damaged(_) | FormatError::Nonsense(_))) => {
                Fault::Corrupt(error.to_string())
            }
            Self::Full => Fault::Full,
        }
    }
}

impl From<FormatError> for Failure {
    fn from(error: FormatError) -> Self {
        Self::Format(error)
    }
}

macro_rules! from_redb {
    ($($error:ty),+) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::Redb(error.into())
            }
        })+
    };
}

from_redb!(
    redb::StorageError,
    redb::TableError,
    redb::TransactionError,
    redb::CommitError,
    redb::SetDurabilityError
);

struct Handle {
    database: Database,
    trouble: Arc<Trouble>,
}

/// The state file.
pub struct State {
    disk: Arc<dyn Disk>,
    cache_bytes: usize,
    handle: RwLock<Option<Handle>>,
    spent: AtomicBool,
}

impl State {
    /// Opens the file, and makes its tables where they are not there yet.
    ///
    /// # Errors
    /// [`NotOpened`].
    pub fn open(disk: Arc<dyn Disk>, cache_bytes: usize) -> Result<Self, NotOpened> {
        let state = Self {
            disk,
            cache_bytes,
            handle: RwLock::new(None),
            spent: AtomicBool::new(true),
        };
        state.reopen()?;
        Ok(state)
    }

    /// Gives up the handle, if there is one, and opens the file anew. Waits for readers.
    ///
    /// # Errors
    /// [`NotOpened`]; the file then stays closed until the next call.
    pub fn reopen(&self) -> Result<(), NotOpened> {
        let mut slot = self.handle.write().unwrap_or_else(PoisonError::into_inner);
        self.spent.store(true, Ordering::Release);
        // The old handle holds the file's lock: it must be gone before the new one asks for it.
        drop(slot.take());
        let (database, trouble) =
            open_database(self.disk.as_ref(), DataFile::State, self.cache_bytes)?;
        *slot = Some(Handle { database, trouble });
        self.spent.store(false, Ordering::Release);
        Ok(())
    }

    /// Closes the file cleanly. Everything asked of it from then on is [`Fault::Spent`].
    pub fn close(&self) {
        let mut slot = self.handle.write().unwrap_or_else(PoisonError::into_inner);
        self.spent.store(true, Ordering::Release);
        drop(slot.take());
    }

    /// Whether the handle must be replaced before anything else is asked of it.
    pub fn is_spent(&self) -> bool {
        self.spent.load(Ordering::Acquire)
    }

    fn with<T>(&self, work: impl FnOnce(&Database) -> Result<T, Failure>) -> Result<T, Fault> {
        let slot = self.handle.read().unwrap_or_else(PoisonError::into_inner);
        let handle = slot
            .as_ref()
            .ok_or_else(|| Fault::Spent("the state file is closed".to_owned()))?;
        work(&handle.database).map_err(|failure| {
            let ours = matches!(failure, Failure::Full | Failure::Format(_));
            let fault = failure.explain(&handle.trouble);
            if !ours && !matches!(fault, Fault::Corrupt(_)) {
                self.spent.store(true, Ordering::Release);
            }
            fault
        })
    }

    /// Reads in one transaction. Never wait inside: a long read keeps freed pages from being used again.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn read<T>(
        &self,
        work: impl FnOnce(&ReadTransaction) -> Result<T, Failure>,
    ) -> Result<T, Fault> {
        self.with(|database| work(&database.begin_read()?))
    }

    /// Writes in one transaction, durable when this returns. Blocks behind the applier's slice.
    ///
    /// # Errors
    /// [`Fault`]; nothing was written, unless it is `Broken` or `Spent`: then nobody knows.
    pub fn write<T>(
        &self,
        work: impl FnOnce(&WriteTransaction) -> Result<T, Failure>,
    ) -> Result<T, Fault> {
        self.with(|database| {
            let mut txn = database.begin_write()?;
            txn.set_quick_repair(true);
            let value = work(&txn)?;
            txn.commit()?;
            Ok(value)
        })
    }

    /// The database itself, for what happens before anybody else may see it.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn inspect<T>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, Failure>,
    ) -> Result<T, Fault> {
        self.with(work)
    }
}

/// Makes every table, so that a read never finds one missing.
pub fn create_tables(txn: &WriteTransaction) -> Result<(), Failure> {
    txn.open_table(META)?;
    txn.open_table(HEADS)?;
    txn.open_table(TRAIL)?;
    txn.open_table(DUE)?;
    txn.open_table(LISTING)?;
    txn.open_table(SEEN)?;
    txn.open_table(SETTINGS)?;
    txn.open_table(AGENTS)?;
    txn.open_table(POLICIES)?;
    txn.open_table(PARKED)?;
    Ok(())
}

/// Up to where the journal is applied in what `txn` sees.
pub fn applied(txn: &ReadTransaction) -> Result<u64, Failure> {
    let meta = txn.open_table(META)?;
    let value = meta.get(APPLIED)?.and_then(|v| v.value().try_into().ok());
    Ok(value.map_or(0, u64::from_le_bytes))
}

/// A time as bytes whose order is the order of times.
pub const fn time_bytes(at: Timestamp) -> [u8; 8] {
    (at.as_millis() ^ i64::MIN).to_be_bytes()
}

/// The time of [`time_bytes`].
pub const fn time_of(bytes: [u8; 8]) -> Timestamp {
    Timestamp::from_millis(i64::from_be_bytes(bytes) ^ i64::MIN)
}

/// Due time, conversation.
pub fn due_key(due: Timestamp, id: ConversationId) -> [u8; 24] {
    join(&[&time_bytes(due), id.as_bytes()])
}

/// Conversation, number of the block's first entry.
pub fn block_key(id: ConversationId, first: u64) -> [u8; 24] {
    join(&[id.as_bytes(), &first.to_be_bytes()])
}

/// Mode, since, conversation.
pub fn listing_key(mode: u8, since: Timestamp, id: ConversationId) -> [u8; 25] {
    join(&[&[mode], &time_bytes(since), id.as_bytes()])
}

/// The day, conversation and hash of an evicted inbound id. By day first: what has expired then stands at the front,
/// so sweeping is a walk from there, and needs no second index.
pub fn seen_key(day: u32, id: ConversationId, hash: IdHash) -> [u8; 28] {
    join(&[&day.to_be_bytes(), id.as_bytes(), &hash.0.to_be_bytes()])
}

/// The day of a time.
pub fn day_of(at: Timestamp) -> u32 {
    u32::try_from(at.as_millis().max(0) / DAY_MS).unwrap_or(u32::MAX)
}

/// The first bytes of a due key or a listing key's rest: time and conversation.
pub fn time_and_id(key: &[u8; 24]) -> (Timestamp, ConversationId) {
    (
        time_of(cut(key, 0)),
        ConversationId::from_bytes(cut(key, 8)),
    )
}

/// `N` bytes of `key` from `at`.
pub fn cut<const N: usize>(key: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&key[at..at + N]);
    out
}

fn join<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
    let mut out = [0; N];
    let mut at = 0;
    for part in parts {
        out[at..at + part.len()].copy_from_slice(part);
        at += part.len();
    }
    debug_assert_eq!(at, N, "a key is filled to the last byte");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_times_are_ordered_as_times() {
        let times = [i64::MIN, -5, 0, 7, i64::MAX].map(Timestamp::from_millis);
        assert!(
            times
                .windows(2)
                .all(|two| time_bytes(two[0]) < time_bytes(two[1]))
        );
        assert!(times.iter().all(|&at| time_of(time_bytes(at)) == at));
    }

    #[test]
    fn a_due_key_is_taken_apart_again() {
        let id = ConversationId::from_bytes([3; 16]);
        let at = Timestamp::from_millis(1_795_000_000_123);
        assert_eq!(time_and_id(&due_key(at, id)), (at, id));
    }
}

//! The commit log's file: one packed row per group, under an ascending key.
//!
//! Dirty pages, not the sync, are what a commit of redb costs, and ascending keys dirty only the right edge of the
//! tree. Rows that the state has applied are removed from the left edge inside a later commit, at most
//! [`TRIM_ROWS`] each, so the file stays as large as the tail is and trimming never costs a commit of its own
//! while there is traffic.
//!
//! Every commit is *two-phase*. One-phase commits save a sync and trust a fast, non-cryptographic checksum to tell a
//! torn commit from a whole one, over content that customers write: somebody who can guess the pages could make a
//! torn commit look whole. Measured (`benches/commit.rs`, medians on a busy two-core machine with a quick disk): a
//! row of 1, 64 or 512 turns takes 0.21, 0.28 and 0.43 ms in one phase and 0.31, 0.36 and 0.52 ms in two; a tenth of
//! a millisecond that a whole group shares. Quick repair would cost as much again and is off: the file is small, and
//! a start reads what is in it anyway.
//!
//! It knows nothing of threads, callers or the tail.

use std::sync::Arc;

use redb::{
    Database, Durability, ReadableDatabase, ReadableTable, TableDefinition, TableError,
    WriteTransaction,
};

use super::Turn;
use super::disk::{DataFile, Disk, Fault, NotOpened, Trouble, open_database};
use super::format;
use super::identity::{Identity, META};
use super::state::Failure;
use crate::clock::Timestamp;

/// Groups of turns by position: journal rows as [`mod@super::format`] lays them out.
pub const GROUPS: TableDefinition<u64, &[u8]> = TableDefinition::new("groups");
/// Rows removed with one commit at most: enough to catch up (a commit adds one), too few to be felt.
pub const TRIM_ROWS: u64 = 64;
/// Rows removed at once when nobody is waiting.
pub const TRIM_ROWS_IDLE: u64 = 1_024;

struct Handle {
    database: Database,
    trouble: Arc<Trouble>,
}

/// The commit log.
pub struct Journal {
    disk: Arc<dyn Disk>,
    cache_bytes: usize,
    handle: Option<Handle>,
    /// The oldest row, or one above the newest when there is none.
    first: u64,
}

/// A row as read at the start.
pub struct Row {
    /// Its key.
    pub seq: u64,
    /// When it was committed.
    pub at: Timestamp,
    /// Its turns, with their length in bytes.
    pub turns: Vec<(Turn, usize)>,
}

impl Journal {
    /// Opens the file.
    ///
    /// # Errors
    /// [`NotOpened`].
    pub fn open(disk: Arc<dyn Disk>, cache_bytes: usize) -> Result<Self, NotOpened> {
        let mut journal = Self {
            disk,
            cache_bytes,
            handle: None,
            first: 0,
        };
        journal.reopen()?;
        Ok(journal)
    }

    /// Gives up the handle, if there is one, and opens the file anew. Answers with the newest row's key.
    ///
    /// # Errors
    /// [`NotOpened`]; the file then stays closed until the next call.
    pub fn reopen(&mut self) -> Result<Option<u64>, NotOpened> {
        // The old handle holds the file's lock: it must be gone before the new one asks for it.
        self.handle = None;
        let (database, trouble) =
            open_database(self.disk.as_ref(), DataFile::Journal, self.cache_bytes)?;
        self.handle = Some(Handle { database, trouble });
        let (first, last) = self.ends().map_err(NotOpened::Fault)?;
        self.first = first.unwrap_or(u64::MAX);
        Ok(last)
    }

    fn with<T>(&mut self, work: impl FnOnce(&Database) -> Result<T, Failure>) -> Result<T, Fault> {
        let handle = self
            .handle
            .as_ref()
            .ok_or_else(|| Fault::Spent("the journal is closed".to_owned()))?;
        work(&handle.database).map_err(|failure| failure.explain(&handle.trouble))
    }

    /// Whose journal it is; none if it is new.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn identity(&mut self) -> Result<Option<Identity>, Fault> {
        self.with(Identity::read)
    }

    /// Makes a new file the journal of this store.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn adopt(&mut self, identity: Identity) -> Result<(), Fault> {
        self.write(|txn| {
            txn.open_table(GROUPS)?;
            identity.write(txn)
        })
    }

    fn write<T>(
        &mut self,
        work: impl FnOnce(&WriteTransaction) -> Result<T, Failure>,
    ) -> Result<T, Fault> {
        self.with(|database| {
            let mut txn = database.begin_write()?;
            txn.set_durability(Durability::Immediate)?;
            txn.set_two_phase_commit(true);
            let value = work(&txn)?;
            txn.commit()?;
            Ok(value)
        })
    }

    /// The keys of the oldest and of the newest row.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn ends(&mut self) -> Result<(Option<u64>, Option<u64>), Fault> {
        self.with(|database| {
            let groups = match database.begin_read()?.open_table(GROUPS) {
                Ok(groups) => groups,
                Err(TableError::TableDoesNotExist(_)) => return Ok((None, None)),
                Err(error) => return Err(error.into()),
            };
            let first = groups.first()?.map(|(key, _)| key.value());
            let last = groups.last()?.map(|(key, _)| key.value());
            Ok((first, last))
        })
    }

    /// Hands every row above `applied` to `take`, in order.
    ///
    /// # Errors
    /// [`Fault`]; `Corrupt` when a row cannot be read.
    pub fn replay(&mut self, applied: u64, mut take: impl FnMut(Row)) -> Result<(), Fault> {
        self.with(|database| {
            let groups = database.begin_read()?.open_table(GROUPS)?;
            for row in groups.range(applied.saturating_add(1)..)? {
                let (seq, value) = row?;
                let (at, turns) = format::read_row(value.value())?;
                take(Row {
                    seq: seq.value(),
                    at,
                    turns,
                });
            }
            Ok(())
        })
    }

    /// Commits `records` as row `seq`, and removes some of the rows up to `applied` on the way. Durable when it returns.
    ///
    /// # Errors
    /// [`Fault`]: whether the row landed is known only after [`Self::reopen`].
    pub fn append(
        &mut self,
        seq: u64,
        at: Timestamp,
        records: &[Vec<u8>],
        applied: u64,
    ) -> Result<(), Fault> {
        let oldest = self.first.min(seq);
        let trimmed = self.write(|txn| {
            let mut groups = txn.open_table(GROUPS)?;
            {
                let mut row = groups.insert_reserve(seq, format::row_len(records))?;
                format::write_row(row.as_mut(), at, records);
            }
            trim(&mut groups, oldest, applied.min(seq - 1), TRIM_ROWS)
        })?;
        self.first = trimmed;
        Ok(())
    }

    /// How many rows up to `applied` are still there.
    pub fn behind(&self, applied: u64) -> u64 {
        applied.saturating_add(1).saturating_sub(self.first)
    }

    /// Removes some of the rows up to `applied`, in a commit of its own.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn trim(&mut self, applied: u64) -> Result<(), Fault> {
        let oldest = self.first;
        let trimmed = self.write(|txn| {
            let mut groups = txn.open_table(GROUPS)?;
            trim(&mut groups, oldest, applied, TRIM_ROWS_IDLE)
        })?;
        self.first = trimmed;
        Ok(())
    }

    /// Makes a commit that changes nothing of worth, to learn whether the disk takes one again.
    ///
    /// # Errors
    /// [`Fault`]: it does not.
    pub fn probe(&mut self) -> Result<(), Fault> {
        self.write(|txn| {
            let mut meta = txn.open_table(META)?;
            // As much as a large group: a disk with room for a few bytes only is still full.
            let mut value = meta.insert_reserve("probe", PROBE_BYTES)?;
            value.as_mut().fill(0);
            Ok(())
        })?;
        self.write(|txn| {
            txn.open_table(META)?.remove("probe")?;
            Ok(())
        })
    }
}

/// See [`Journal::probe`].
const PROBE_BYTES: usize = 256 * 1024;

fn trim(
    groups: &mut redb::Table<'_, u64, &[u8]>,
    first: u64,
    applied: u64,
    rows_max: u64,
) -> Result<u64, Failure> {
    if first > applied {
        return Ok(first);
    }
    let end = applied.min(first.saturating_add(rows_max - 1)) + 1;
    for seq in first..end {
        groups.remove(seq)?;
    }
    Ok(end)
}

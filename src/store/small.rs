//! What is written seldom: settings, agents, policies, and what was parked for people.
//!
//! These go straight into the state file, one durable transaction each, from a thread that may block: a write waits
//! behind the applier's slice (up to a second under full load). Never on the path of a message, except for parking.

use redb::{ReadableTable, ReadableTableMetadata, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};

use super::disk::Fault;
use super::embedded::Store;
use super::format;
use super::identity::META;
use super::state::{AGENTS, Failure, PARKED, POLICIES, SETTINGS};
use super::{CommitError, LoadError};
use crate::clock::Timestamp;

/// Most parked things; above that parking answers `Full`: somebody must look at them first.
pub const PARKED_MAX: u64 = 100_000;
const PARKED_NEXT: &str = "parked_next";

/// Something that could not be handled, kept as it came for people to retry or discard.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Parked {
    /// Its number; never used twice.
    pub id: u64,
    /// What kind of thing (`inbound`, `event`, `deadline`, `damaged_head`, …).
    pub kind: String,
    /// Where it came from: a channel, a conversation.
    pub origin: String,
    /// The bytes as they came.
    pub raw: Vec<u8>,
    /// Why it could not be handled.
    pub why: String,
    /// When.
    pub at: Timestamp,
}

/// Parks within a transaction; answers the number.
pub(super) fn park_in(
    txn: &WriteTransaction,
    kind: &str,
    origin: &str,
    raw: &[u8],
    why: &str,
    at: Timestamp,
) -> Result<u64, Failure> {
    let mut parked = txn.open_table(PARKED)?;
    if parked.len()? >= PARKED_MAX {
        return Err(Failure::Full);
    }
    let mut meta = txn.open_table(META)?;
    let next = meta
        .get(PARKED_NEXT)?
        .and_then(|value| value.value().try_into().ok())
        .map_or(1, u64::from_le_bytes);
    let row = Parked {
        id: next,
        kind: kind.to_owned(),
        origin: origin.to_owned(),
        raw: raw.to_owned(),
        why: why.to_owned(),
        at,
    };
    parked.insert(next, format::seal_as(&row).as_slice())?;
    meta.insert(PARKED_NEXT, (next + 1).to_le_bytes().as_slice())?;
    Ok(next)
}

type Names = TableDefinition<'static, &'static str, &'static [u8]>;

impl Store {
    /// Keeps `bytes` under the name `key`, replacing what was there.
    ///
    /// # Errors
    /// As all writes of this room: `Full`, or `Unknown` when the disk failed; read again before anything else.
    pub fn put_setting(&self, key: &str, bytes: &[u8]) -> Result<(), CommitError> {
        self.put(SETTINGS, key, bytes)
    }

    /// The same for several names, in one transaction: all of them or none.
    ///
    /// # Errors
    /// As [`Self::put_setting`].
    pub fn put_settings(&self, settings: &[(&str, &[u8])]) -> Result<(), CommitError> {
        self.change(|txn| {
            let mut table = txn.open_table(SETTINGS)?;
            for (key, bytes) in settings {
                table.insert(*key, format::seal(bytes).as_slice())?;
            }
            Ok(())
        })
    }

    /// What is kept under the name `key`.
    ///
    /// # Errors
    /// As all reads of this room: [`LoadError`].
    pub fn setting(&self, key: &str) -> Result<Option<Vec<u8>>, LoadError> {
        self.look(|txn| {
            let table = txn.open_table(SETTINGS)?;
            let value = table.get(key)?;
            Ok(value
                .map(|value| format::open("setting", value.value()).map(<[u8]>::to_vec))
                .transpose()?)
        })
    }

    /// Keeps an agent's `bytes` under their name.
    ///
    /// # Errors
    /// As [`Self::put_setting`].
    pub fn put_agent(&self, name: &str, bytes: &[u8]) -> Result<(), CommitError> {
        self.put(AGENTS, name, bytes)
    }

    /// All agents: name and bytes, by name.
    ///
    /// # Errors
    /// As [`Self::setting`].
    pub fn agents(&self) -> Result<Vec<(String, Vec<u8>)>, LoadError> {
        self.look(|txn| {
            let mut agents = Vec::new();
            for row in txn.open_table(AGENTS)?.iter()? {
                let (name, value) = row?;
                let bytes = format::open("agent", value.value())?.to_vec();
                agents.push((name.value().to_owned(), bytes));
            }
            Ok(agents)
        })
    }

    /// Forgets an agent. Answers whether they were known.
    ///
    /// # Errors
    /// As [`Self::put_setting`].
    pub fn remove_agent(&self, name: &str) -> Result<bool, CommitError> {
        self.change(|txn| Ok(txn.open_table(AGENTS)?.remove(name)?.is_some()))
    }

    /// Keeps a policy's `bytes` under its hash. The same hash is the same policy: it is written once.
    ///
    /// # Errors
    /// As [`Self::put_setting`].
    pub fn put_policy(&self, hash: u64, bytes: &[u8]) -> Result<(), CommitError> {
        if matches!(self.policy(hash), Ok(Some(_))) {
            return Ok(());
        }
        self.change(|txn| {
            txn.open_table(POLICIES)?
                .insert(hash, format::seal(bytes).as_slice())?;
            Ok(())
        })
    }

    /// The policy of a hash.
    ///
    /// # Errors
    /// As [`Self::setting`].
    pub fn policy(&self, hash: u64) -> Result<Option<Vec<u8>>, LoadError> {
        self.look(|txn| {
            let table = txn.open_table(POLICIES)?;
            let value = table.get(hash)?;
            Ok(value
                .map(|value| format::open("policy", value.value()).map(<[u8]>::to_vec))
                .transpose()?)
        })
    }

    /// Keeps something that could not be handled; answers its number. Durable when it returns.
    ///
    /// # Errors
    /// As [`Self::put_setting`]; `Full` also when [`PARKED_MAX`] things are parked.
    pub fn park(
        &self,
        kind: &str,
        origin: &str,
        raw: &[u8],
        why: &str,
        at: Timestamp,
    ) -> Result<u64, CommitError> {
        self.change(|txn| park_in(txn, kind, origin, raw, why, at))
    }

    /// Up to `limit` parked things with numbers above `after`, oldest first.
    ///
    /// # Errors
    /// As [`Self::setting`].
    pub fn parked(&self, after: u64, limit: usize) -> Result<Vec<Parked>, LoadError> {
        self.look(|txn| {
            let table = txn.open_table(PARKED)?;
            let mut found = Vec::new();
            for row in table.range(after.saturating_add(1)..)?.take(limit) {
                let (_, value) = row?;
                found.push(format::open_as("parked thing", value.value())?);
            }
            Ok(found)
        })
    }

    /// How many things are parked.
    ///
    /// # Errors
    /// As [`Self::setting`].
    pub fn parked_count(&self) -> Result<u64, LoadError> {
        self.look(|txn| Ok(txn.open_table(PARKED)?.len()?))
    }

    /// A parked thing was taken up again and failed again, for this reason. Answers whether it is parked.
    ///
    /// # Errors
    /// As [`Self::put_setting`].
    pub fn parked_again(&self, id: u64, why: &str) -> Result<bool, CommitError> {
        self.change(|txn| {
            let mut table = txn.open_table(PARKED)?;
            let found = table
                .get(id)?
                .map(|value| format::open_as::<Parked>("parked thing", value.value()))
                .transpose()?;
            let Some(mut row) = found else {
                return Ok(false);
            };
            why.clone_into(&mut row.why);
            table.insert(id, format::seal_as(&row).as_slice())?;
            Ok(true)
        })
    }

    /// Takes a parked thing out; none if it was taken before.
    ///
    /// # Errors
    /// As [`Self::put_setting`].
    pub fn parked_take(&self, id: u64) -> Result<Option<Parked>, CommitError> {
        self.change(|txn| {
            let mut table = txn.open_table(PARKED)?;
            let taken = table.remove(id)?;
            Ok(taken
                .map(|value| format::open_as("parked thing", value.value()))
                .transpose()?)
        })
    }

    fn put(&self, table: Names, key: &str, bytes: &[u8]) -> Result<(), CommitError> {
        self.change(|txn| {
            txn.open_table(table)?
                .insert(key, format::seal(bytes).as_slice())?;
            Ok(())
        })
    }

    fn look<T>(
        &self,
        work: impl FnOnce(&redb::ReadTransaction) -> Result<T, Failure>,
    ) -> Result<T, LoadError> {
        let shared = self.shared();
        shared
            .state
            .read(work)
            .map_err(|fault| shared.unread(fault))
    }

    fn change<T>(
        &self,
        work: impl FnOnce(&WriteTransaction) -> Result<T, Failure>,
    ) -> Result<T, CommitError> {
        let shared = self.shared();
        shared.state.write(work).map_err(|fault| {
            let error = match fault {
                Fault::Full => CommitError::Full,
                Fault::Broken(_) | Fault::Spent(_) => CommitError::Unknown,
                Fault::Corrupt(_) | Fault::Newer { .. } => CommitError::Corrupt,
            };
            // The applier opens the file again; a broken disk ends the store.
            let _ = shared.unread(fault);
            error
        })
    }
}

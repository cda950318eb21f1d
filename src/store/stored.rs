//! One conversation as the state file has it: its head row, and the sealed blocks of its trail.
//!
//! Everything here reads within a transaction that somebody else opened; the tail is merged in by `read`. A block
//! that cannot be read is an error of its own conversation, never of the file.

use std::sync::Arc;

use redb::ReadTransaction;

use super::format::{self, FormatError, mode_of};
use super::state::{Failure, HEADS, TRAIL, block_key};
use super::{Listing, Turn};
use crate::clock::Timestamp;
use crate::conversation::trail::Entry;
use crate::ids::ConversationId;

/// One conversation as the state file has it.
pub(super) struct Stored {
    pub(super) rev: u64,
    pub(super) due: Option<Timestamp>,
    pub(super) listing: Listing,
    pub(super) head: Vec<u8>,
    /// The entries that are not sealed yet, oldest first.
    pub(super) open: Vec<Entry>,
}

impl Stored {
    /// `unapplied` is what the tail has of it. A row that cannot be read is passed over if the tail holds a newer
    /// head: the applier replaces it in a moment, and parks what stood there.
    pub(super) fn read(
        txn: &ReadTransaction,
        id: ConversationId,
        unapplied: &[Arc<Turn>],
    ) -> Result<Option<Self>, Failure> {
        let heads = txn.open_table(HEADS)?;
        let Some(value) = heads.get(id.as_bytes())? else {
            return Ok(None);
        };
        let row = match format::read_head(value.value()) {
            Ok(row) => row,
            Err(FormatError::Damaged(_) | FormatError::Nonsense(_)) if !unapplied.is_empty() => {
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let mode = mode_of(row.meta.mode).ok_or(FormatError::Nonsense("head"))?;
        Ok(Some(Self {
            rev: row.meta.rev,
            due: row.meta.due,
            listing: Listing {
                mode,
                since: row.meta.since,
            },
            head: row.head.to_vec(),
            open: format::read_block(row.open)?,
        }))
    }
}

/// The entries of sealed blocks from the one that holds `from` on, oldest first, at most `limit`.
pub(super) fn sealed_from(
    txn: &ReadTransaction,
    id: ConversationId,
    from: u64,
    limit: usize,
) -> Result<Vec<Entry>, Failure> {
    let trail = txn.open_table(TRAIL)?;
    let lowest = trail
        .range::<&[u8; 24]>(&block_key(id, 0)..=&block_key(id, from))?
        .next_back()
        .transpose()?
        .map_or_else(|| block_key(id, from), |(key, _)| *key.value());
    let mut entries = Vec::new();
    for row in trail.range::<&[u8; 24]>(&lowest..=&block_key(id, u64::MAX))? {
        if entries.len() >= limit {
            break;
        }
        let (_, value) = row?;
        let block = format::read_block(format::open("trail block", value.value())?)?;
        entries.extend(block.into_iter().filter(|entry| entry.n >= from));
    }
    entries.truncate(limit);
    Ok(entries)
}

/// The last sealed entries, at least `wanted` of them if there are as many; oldest first.
pub(super) fn sealed_before_open(
    txn: &ReadTransaction,
    id: ConversationId,
    wanted: usize,
) -> Result<Vec<Entry>, Failure> {
    let trail = txn.open_table(TRAIL)?;
    let mut blocks: Vec<Vec<Entry>> = Vec::new();
    let mut count = 0;
    for row in trail
        .range::<&[u8; 24]>(&block_key(id, 0)..=&block_key(id, u64::MAX))?
        .rev()
    {
        if count >= wanted {
            break;
        }
        let (_, value) = row?;
        let block = format::read_block(format::open("trail block", value.value())?)?;
        count += block.len();
        blocks.push(block);
    }
    Ok(blocks.into_iter().rev().flatten().collect())
}

/// The sealed block that holds entry `n`, if one does.
pub(super) fn block_of(
    txn: &ReadTransaction,
    id: ConversationId,
    n: u64,
) -> Result<Vec<Entry>, Failure> {
    let trail = txn.open_table(TRAIL)?;
    let row = trail
        .range::<&[u8; 24]>(&block_key(id, 0)..=&block_key(id, n))?
        .next_back()
        .transpose()?;
    match row {
        None => Ok(Vec::new()),
        Some((_, value)) => Ok(format::read_block(format::open(
            "trail block",
            value.value(),
        )?)?),
    }
}

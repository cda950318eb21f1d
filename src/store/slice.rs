//! One slice of the journal, written into the state's tables as one transaction.
//!
//! Table by table and in the order of keys, so that neighbours share a dirty page. The old head row is read once; it
//! names the index rows that must go. Entries gather in the open block beside the head and are sealed into the trail
//! table when the block has grown past [`BLOCK_BYTES`]: writing a turn so touches one page of heads, and the trail
//! only every dozen turns.
//!
//! A head that cannot be read is replaced, not trusted: its bytes are parked for people, and its rows in the indexes
//! are looked for, because nobody knows any more under which key they stand.

use std::collections::HashSet;
use std::sync::Arc;

use redb::{ReadableTable, Table, WriteTransaction};

use super::Turn;
use super::format::{self, HeadMeta, VERSION, mode_code};
use super::identity::META;
use super::small;
use super::state::{
    APPLIED, DUE, Failure, HEADS, LISTING, SEEN, TRAIL, block_key, cut, day_of, due_key,
    listing_key, seen_key,
};
use crate::clock::Timestamp;
use crate::conversation::trail::Entry;
use crate::ids::ConversationId;

/// An open trail block is sealed when it is larger than this: it keeps a head row below one page, mostly.
pub const BLOCK_BYTES: usize = 2_560;
/// How many days an evicted id is remembered: Meta redelivers for seven.
pub const SEEN_DAYS: u32 = 8;
/// Expired ids swept with one slice at most. A slice evicts far fewer than that.
const SWEEP_MAX: usize = 4_096;

/// What a slice does to one conversation.
pub struct Change {
    /// Whose.
    pub conversation: ConversationId,
    /// Its turns, oldest first; at least one.
    pub turns: Vec<Arc<Turn>>,
    /// When the last of them was committed.
    pub at: Timestamp,
}

impl Change {
    /// Nothing yet.
    pub fn of(conversation: ConversationId) -> Self {
        Self {
            conversation,
            turns: Vec::new(),
            at: Timestamp::ZERO,
        }
    }
}

/// Keys to remove and to insert in an index.
struct Moves<const N: usize, V> {
    gone: Vec<[u8; N]>,
    new: Vec<([u8; N], V)>,
}

impl<const N: usize, V> Default for Moves<N, V> {
    fn default() -> Self {
        Self {
            gone: Vec::new(),
            new: Vec::new(),
        }
    }
}

/// What the heads table was found and left to say, for the other tables.
#[derive(Default)]
struct Effects {
    due: Moves<24, u8>,
    listing: Moves<25, ()>,
    sealed: Vec<([u8; 24], Vec<u8>)>,
    damaged: Vec<(ConversationId, String, Vec<u8>)>,
}

/// Writes `changes` and the position they reach. Answers which heads were unreadable, and why.
///
/// # Errors
/// [`Failure`]: nothing was written.
pub fn write(
    txn: &WriteTransaction,
    changes: &[Change],
    upto: u64,
    now: Timestamp,
) -> Result<Vec<(ConversationId, String)>, Failure> {
    let mut effects = Effects::default();
    {
        let mut heads = txn.open_table(HEADS)?;
        for change in changes {
            write_head(&mut heads, change, &mut effects)?;
        }
    }
    {
        let mut trail = txn.open_table(TRAIL)?;
        for (key, block) in &effects.sealed {
            trail.insert(key, format::seal(block).as_slice())?;
        }
    }
    if !effects.damaged.is_empty() {
        forget_damaged(txn, &effects, now)?;
    }
    move_keys(&mut txn.open_table(DUE)?, effects.due)?;
    move_keys(&mut txn.open_table(LISTING)?, effects.listing)?;
    remember_evicted(txn, changes, day_of(now))?;
    txn.open_table(META)?
        .insert(APPLIED, upto.to_le_bytes().as_slice())?;
    Ok(effects
        .damaged
        .into_iter()
        .map(|(id, why, _)| (id, why))
        .collect())
}

/// What of the old row goes on.
#[derive(Default)]
struct Before {
    rev: u64,
    due: Option<Timestamp>,
    listing: Option<(u8, Timestamp)>,
    open: Vec<u8>,
}

fn write_head(
    heads: &mut Table<'_, &'static [u8; 16], &'static [u8]>,
    change: &Change,
    effects: &mut Effects,
) -> Result<(), Failure> {
    let id = change.conversation;
    let before = read_before(heads, id, effects)?;
    let Some(last) = change.turns.last().filter(|last| last.rev > before.rev) else {
        tracing::error!(conversation = %id, stored = before.rev, "a turn did not follow the one before");
        return Ok(());
    };
    note_keys(id, &before, last, effects);
    let new = change.turns.iter().filter(|turn| turn.rev > before.rev);
    let entries = new.flat_map(|turn| &turn.entries);
    let open = fill_block(id, before.open, entries, effects);
    let meta = HeadMeta {
        rev: last.rev,
        due: last.due,
        mode: mode_code(last.listing.mode),
        since: last.listing.since,
        head_len: last.head.len() as u64,
    };
    let row = format::write_head(&meta, &last.head, &open);
    heads.insert(id.as_bytes(), row.as_slice())?;
    Ok(())
}

fn read_before(
    heads: &Table<'_, &'static [u8; 16], &'static [u8]>,
    id: ConversationId,
    effects: &mut Effects,
) -> Result<Before, Failure> {
    let Some(value) = heads.get(id.as_bytes())? else {
        return Ok(Before::default());
    };
    match format::read_head(value.value()) {
        Ok(row) => Ok(Before {
            rev: row.meta.rev,
            due: row.meta.due,
            listing: Some((row.meta.mode, row.meta.since)),
            open: row.open.to_vec(),
        }),
        Err(error) => {
            let bytes = value.value().to_vec();
            effects.damaged.push((id, error.to_string(), bytes));
            Ok(Before::default())
        }
    }
}

/// Notes which index rows go and which come.
fn note_keys(id: ConversationId, before: &Before, last: &Turn, effects: &mut Effects) {
    let mode = mode_code(last.listing.mode);
    let listing = (mode, last.listing.since);
    if before.due != last.due {
        let gone = before.due.map(|due| due_key(due, id));
        effects.due.gone.extend(gone);
    }
    // Also when only the mode changed: it is the value of the due row.
    if before.due != last.due || before.listing.is_none_or(|(old, _)| old != mode) {
        let new = last.due.map(|due| (due_key(due, id), mode));
        effects.due.new.extend(new);
    }
    if before.listing != Some(listing) {
        let gone = before.listing.map(|(m, since)| listing_key(m, since, id));
        effects.listing.gone.extend(gone);
        let new = (listing_key(listing.0, listing.1, id), ());
        effects.listing.new.push(new);
    }
}

/// Appends `entries` to the open block, sealing it whenever it is large enough; answers what stays open.
fn fill_block<'a>(
    id: ConversationId,
    mut open: Vec<u8>,
    entries: impl Iterator<Item = &'a Entry>,
    effects: &mut Effects,
) -> Vec<u8> {
    for entry in entries {
        open = format::append_entry(open, entry);
        if open.len() > BLOCK_BYTES
            && let Some(first) = format::first_of_block(&open)
        {
            let key = block_key(id, first);
            effects.sealed.push((key, std::mem::take(&mut open)));
        }
    }
    open
}

fn move_keys<const N: usize, V>(
    table: &mut Table<'_, &'static [u8; N], V>,
    mut moves: Moves<N, V>,
) -> Result<(), Failure>
where
    V: for<'a> redb::Value<SelfType<'a> = V> + 'static,
{
    moves.gone.sort_unstable();
    for key in &moves.gone {
        table.remove(key)?;
    }
    moves.new.sort_unstable_by_key(|(key, _)| *key);
    for (key, value) in moves.new {
        table.insert(&key, value)?;
    }
    Ok(())
}

/// Parks the bytes of heads that could not be read, and takes their rows out of the indexes.
fn forget_damaged(
    txn: &WriteTransaction,
    effects: &Effects,
    now: Timestamp,
) -> Result<(), Failure> {
    let ids: HashSet<[u8; 16]> = effects
        .damaged
        .iter()
        .map(|(id, _, _)| *id.as_bytes())
        .collect();
    txn.open_table(DUE)?
        .retain(|key, _| !ids.contains(&cut::<16>(key, 8)))?;
    txn.open_table(LISTING)?
        .retain(|key, ()| !ids.contains(&cut::<16>(key, 9)))?;
    for (id, why, bytes) in &effects.damaged {
        match small::park_in(txn, "damaged_head", &id.to_string(), bytes, why, now) {
            // Too many parked things must not stop the applier: the new head is whole.
            Ok(_) | Err(Failure::Full) => {}
            Err(failure @ (Failure::Redb(_) | Failure::Format(_))) => return Err(failure),
        }
    }
    Ok(())
}

fn remember_evicted(txn: &WriteTransaction, changes: &[Change], today: u32) -> Result<(), Failure> {
    let mut seen = txn.open_table(SEEN)?;
    for change in changes {
        let day = day_of(change.at);
        for hash in change.turns.iter().flat_map(|turn| &turn.evicted) {
            seen.insert(&seen_key(day, change.conversation, *hash), ())?;
        }
    }
    let kept_from = today.saturating_sub(SEEN_DAYS);
    let expired = seen_key(
        kept_from,
        ConversationId::from_bytes([0; 16]),
        crate::ids::IdHash(0),
    );
    for row in seen
        .extract_from_if::<&[u8; 28], _>(..&expired, |_, ()| true)?
        .take(SWEEP_MAX)
    {
        row?;
    }
    Ok(())
}

const _: () = assert!(
    VERSION == 1,
    "a new version needs its reader beside the old one"
);

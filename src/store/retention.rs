//! Retention: conversations that closed longer ago than the operator wants to keep them are forgotten.
//!
//! A pass walks the list index of closed conversations from the oldest to the limit, in slices: one transaction each,
//! bounded in conversations and in trail blocks. A conversation goes with all it has here: sealed blocks, remembered
//! ids, list row, and its head (with the open block) last, so that one whose trail is longer than a slice is whole
//! from some entry on until it is gone. It stays while the tail has anything of it, and while its head is due: then it
//! still owes somebody something.
//!
//! Somebody may have it in memory and commit right after it was forgotten. That turn makes a new row: revisions and
//! entries go on being numbered, and its trail begins with that turn's first entry.
//!
//! What stays: parked things (people discard them), and policies by hash, although no kept trail may name them any
//! more: they are few, hold nothing of a customer, and finding out would mean reading every trail. The file does not
//! shrink: its pages are used again. The bytes of what was forgotten are physically gone only when that has happened.

use std::collections::HashSet;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use redb::{ReadTransaction, ReadableTable, ReadableTableMetadata, Table, WriteTransaction};

use super::disk::Fault;
use super::format::{self, FormatError, mode_code};
use super::shared::{Phase, Shared};
use super::slice::SEEN_DAYS;
use super::state::{
    DUE, Failure, HEADS, LISTING, SEEN, TRAIL, block_key, cut, day_of, listing_key, seen_key,
    time_and_id,
};
use crate::clock::{Timestamp, monotonic};
use crate::conversation::words::ModeName;
use crate::ids::{ConversationId, IdHash};

/// Conversations in one slice: as long as a small slice of the journal takes.
const SLICE_MAX: usize = 256;
/// Trail blocks removed in one slice: about 10 MiB of pages.
const BLOCKS_MAX: usize = 4_096;
/// How long a pass that found nothing more to do lasts.
const EVERY: Duration = Duration::from_secs(60);

const FIRST_ID: ConversationId = ConversationId::from_bytes([0; 16]);

/// A row of the list of closed conversations: since when, who.
type Place = (Timestamp, ConversationId);

/// The applier's part of it: when the next slice is due, and where the pass has come to.
pub(super) struct Sweeper {
    next: Instant,
    after: Option<Place>,
}

impl Sweeper {
    /// The first pass is due at once.
    pub(super) fn new() -> Self {
        Self {
            next: monotonic(),
            after: None,
        }
    }

    /// Forgets one slice, if it is time for one. Answers whether there is more to do at once.
    pub(super) fn step(&mut self, shared: &Shared) -> bool {
        if shared.retention.is_none() || monotonic() < self.next || shared.phase() != Phase::Open {
            return false;
        }
        self.after = match sweep(shared, self.after) {
            Ok(swept) => {
                if swept.forgotten > 0 {
                    tracing::info!(
                        conversations = swept.forgotten,
                        "closed conversations were forgotten"
                    );
                }
                swept.next
            }
            Err(Fault::Broken(why)) => {
                shared.fatal(&format!("the state file failed: {why}"));
                None
            }
            Err(
                fault @ (Fault::Full | Fault::Spent(_) | Fault::Corrupt(_) | Fault::Newer { .. }),
            ) => {
                tracing::error!(%fault, "closed conversations cannot be forgotten for now");
                None
            }
        };
        if self.after.is_none() {
            self.next = monotonic() + EVERY;
        }
        self.after.is_some()
    }
}

/// What one slice did.
struct Swept {
    forgotten: u64,
    /// Where the next slice of this pass begins; none: the pass is over.
    next: Option<Place>,
}

/// A whole pass, in this thread. Answers how many conversations were forgotten.
pub(super) fn sweep_all(shared: &Shared) -> Result<u64, Fault> {
    let (mut forgotten, mut after) = (0, None);
    loop {
        let swept = sweep(shared, after)?;
        forgotten += swept.forgotten;
        after = swept.next;
        if after.is_none() {
            return Ok(forgotten);
        }
    }
}

/// Forgets one slice of what stands in the list behind `after`.
fn sweep(shared: &Shared, after: Option<Place>) -> Result<Swept, Fault> {
    let over = Swept {
        forgotten: 0,
        next: None,
    };
    let Some(keep) = shared.retention else {
        return Ok(over);
    };
    // Nothing is applied meanwhile: what is not in the tail now stands in the state with its newest head.
    let _one = shared
        .applying
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    if shared.state.is_spent() {
        return Ok(over);
    }
    let now = shared.clock.now();
    let mut places = shared
        .state
        .read(|txn| closed_before(txn, after, now - keep))?;
    let reached = places.last().copied();
    let more = places.len() == SLICE_MAX;
    {
        let tail = shared.tail();
        places.retain(|(_, id)| !tail.contains(*id));
    }
    if places.is_empty() {
        let next = reached.filter(|_| more);
        return Ok(Swept { next, ..over });
    }
    let (forgotten, stopped) = shared
        .state
        .write(|txn| forget(txn, &places, day_of(now)))?;
    let next = match stopped {
        // From the one that is half gone on, which is found by the one before it.
        Some(0) => after.or(Some((Timestamp::from_millis(i64::MIN), FIRST_ID))),
        Some(at) => Some(places[at - 1]),
        None => reached.filter(|_| more),
    };
    Ok(Swept { forgotten, next })
}

/// The next closed conversations that closed before `limit`, the oldest first.
fn closed_before(
    txn: &ReadTransaction,
    after: Option<Place>,
    limit: Timestamp,
) -> Result<Vec<Place>, Failure> {
    let closed = mode_code(ModeName::Closed);
    let (since, id) = after.unwrap_or((Timestamp::from_millis(i64::MIN), FIRST_ID));
    let (from, upto) = (
        listing_key(closed, since, id),
        listing_key(closed, limit, FIRST_ID),
    );
    if from >= upto {
        return Ok(Vec::new());
    }
    let table = txn.open_table(LISTING)?;
    let mut places = Vec::new();
    for row in table.range::<&[u8; 25]>(&from..&upto)? {
        let place = time_and_id(&cut(row?.0.value(), 1));
        if Some(place) != after {
            places.push(place);
        }
        if places.len() == SLICE_MAX {
            break;
        }
    }
    Ok(places)
}

/// The tables that hold anything of a conversation.
struct Tables<'t> {
    heads: Table<'t, &'static [u8; 16], &'static [u8]>,
    trail: Table<'t, &'static [u8; 24], &'static [u8]>,
    listing: Table<'t, &'static [u8; 25], ()>,
    seen: Table<'t, &'static [u8; 28], ()>,
    blocks_left: usize,
    today: u32,
}

/// What becomes of one conversation.
enum Lot {
    Gone,
    Kept,
    /// Its trail is longer than what is left of the slice.
    Begun,
}

/// Forgets `places`. Answers how many are gone, and at which the slice was full.
fn forget(
    txn: &WriteTransaction,
    places: &[Place],
    today: u32,
) -> Result<(u64, Option<usize>), Failure> {
    let mut tables = Tables {
        heads: txn.open_table(HEADS)?,
        trail: txn.open_table(TRAIL)?,
        listing: txn.open_table(LISTING)?,
        seen: txn.open_table(SEEN)?,
        blocks_left: BLOCKS_MAX,
        today,
    };
    let mut damaged = HashSet::new();
    let (mut forgotten, mut stopped) = (0, None);
    for (at, place) in places.iter().enumerate() {
        match tables.forget(*place, &mut damaged)? {
            Lot::Gone => forgotten += 1,
            Lot::Kept => {}
            Lot::Begun => {
                stopped = Some(at);
                break;
            }
        }
    }
    if !damaged.is_empty() {
        txn.open_table(DUE)?
            .retain(|key, _| !damaged.contains(&cut::<16>(key, 8)))?;
    }
    Ok((forgotten, stopped))
}

impl Tables<'_> {
    fn forget(
        &mut self,
        (since, id): Place,
        damaged: &mut HashSet<[u8; 16]>,
    ) -> Result<Lot, Failure> {
        let row = listing_key(mode_code(ModeName::Closed), since, id);
        match self.heads.get(id.as_bytes())? {
            None => {}
            Some(value) => match format::read_head(value.value()) {
                Ok(head) if (head.meta.mode, head.meta.since) != (row[0], since) => {
                    // The row is left over from something that went wrong: it alone goes.
                    drop(value);
                    self.listing.remove(&row)?;
                    return Ok(Lot::Kept);
                }
                Ok(head) if head.meta.due.is_some() => return Ok(Lot::Kept),
                Ok(_) => {}
                // Nobody can read it any more; under which key it is due nobody knows.
                Err(FormatError::Damaged(_) | FormatError::Nonsense(_)) => {
                    damaged.insert(*id.as_bytes());
                }
                Err(FormatError::Newer { .. }) => return Ok(Lot::Kept),
            },
        }
        let blocks = block_key(id, 0)..=block_key(id, u64::MAX);
        let rows = self
            .trail
            .extract_from_if::<&[u8; 24], _>(blocks.start()..=blocks.end(), |_, _| true)?;
        for row in rows.take(self.blocks_left) {
            row?;
            self.blocks_left -= 1;
        }
        if self.blocks_left == 0 {
            return Ok(Lot::Begun);
        }
        self.forget_seen(id)?;
        self.listing.remove(&row)?;
        self.heads.remove(id.as_bytes())?;
        Ok(Lot::Gone)
    }

    /// Older ids than those of the days that are read are swept with the slices of the journal.
    fn forget_seen(&mut self, id: ConversationId) -> Result<(), Failure> {
        if self.seen.is_empty()? {
            return Ok(());
        }
        for day in self.today.saturating_sub(SEEN_DAYS)..=self.today.saturating_add(1) {
            let from = seen_key(day, id, IdHash(0));
            let upto = seen_key(day, id, IdHash(u64::MAX));
            self.seen
                .retain_in::<&[u8; 28], _>(&from..=&upto, |_, ()| false)?;
        }
        Ok(())
    }
}

//! Reading: the tail first, then a state transaction opened after it, merged by revision.
//!
//! A turn that leaves the tail while we read is in the state by then, so looking in this order misses nothing; a turn
//! that is in both is recognised by its revision. Pages of an index are exact: a row of the state is shown only if
//! the tail says nothing newer of that conversation, and if nothing was applied between the transaction and that
//! question; else the page is read again. All of it blocks for as long as a page takes to come from the disk.

use std::sync::Arc;

use redb::{ReadTransaction, ReadableTableMetadata as _};

use super::embedded::Store;
use super::format::{FormatError, mode_code, mode_of};
use super::slice::SEEN_DAYS;
use super::state::{
    DUE, Failure, HEADS, LISTING, SEEN, applied, cut, day_of, due_key, listing_key, seen_key,
    time_and_id,
};
use super::stored::{Stored, block_of, sealed_before_open, sealed_from};
use super::tail::Tail;
use super::{LoadError, Loaded, Turn};
use crate::clock::Timestamp;
use crate::conversation::trail::Entry;
use crate::conversation::words::ModeName;
use crate::ids::{ConversationId, IdHash};

/// Most rows of one page of an index.
pub const PAGE_MAX: usize = 4_096;
/// Rows read between two looks at the tail.
const CHUNK: usize = 256;
/// How often a page is read again before it is given up. A slice takes longer than a page by far.
const ATTEMPTS: usize = 16;

const FIRST_ID: ConversationId = ConversationId::from_bytes([0; 16]);
const LAST_ID: ConversationId = ConversationId::from_bytes([0xff; 16]);
const EARLIEST: Timestamp = Timestamp::from_millis(i64::MIN);

fn newer(turns: &[Arc<Turn>], rev: u64) -> impl Iterator<Item = &Arc<Turn>> {
    turns.iter().filter(move |turn| turn.rev > rev)
}

impl Store {
    fn state_read<T>(
        &self,
        work: impl FnOnce(&ReadTransaction) -> Result<T, Failure>,
    ) -> Result<T, LoadError> {
        let shared = self.shared();
        shared
            .state
            .read(work)
            .map_err(|fault| shared.unread(fault))
    }

    /// Reads one conversation: `work` is given what the state has of it, and what the tail had before.
    fn read_one<T>(
        &self,
        id: ConversationId,
        work: impl Fn(&ReadTransaction, Option<Stored>, &[Arc<Turn>]) -> Result<T, Failure>,
    ) -> Result<T, LoadError> {
        for _ in 0..ATTEMPTS {
            self.shared().readable()?;
            let turns = self.shared().tail().of(id);
            let (value, nothing_at) = self.state_read(|txn| {
                let stored = Stored::read(txn, id, &turns)?;
                let nothing = stored.is_none() && turns.is_empty();
                let nothing_at = nothing.then(|| applied(txn)).transpose()?;
                Ok((work(txn, stored, &turns)?, nothing_at))
            })?;
            // It may have been woken and forgotten in one moment: its new turn came after we looked into the tail, and
            // its old row was gone before we looked into the state. Then the new turn is in one of the two by now.
            let missed = nothing_at.is_some_and(|applied| {
                let tail = self.shared().tail();
                tail.contains(id) || tail.applied() > applied
            });
            if !missed {
                return Ok(value);
            }
        }
        Err(LoadError::Retry(
            "the store moves on faster than it can be read".to_owned(),
        ))
    }

    /// The conversation as it was last committed, with the last `recent` entries of its trail; none if there never
    /// was one, or if it is forgotten. Read the [generation](Store::generation) *before* this, and hand it in with
    /// every turn decided on it.
    ///
    /// # Errors
    /// [`LoadError`]. `Corrupt` concerns this conversation alone.
    pub fn load(&self, id: ConversationId, recent: usize) -> Result<Option<Loaded>, LoadError> {
        self.read_one(id, |txn, stored, turns| {
            let rev = stored.as_ref().map_or(0, |stored| stored.rev);
            let have = stored.as_ref().map_or(0, |stored| stored.open.len())
                + newer(turns, rev)
                    .map(|turn| turn.entries.len())
                    .sum::<usize>();
            let sealed = if stored.is_some() && have < recent {
                sealed_before_open(txn, id, recent - have)?
            } else {
                Vec::new()
            };
            Ok(merged(stored, sealed, turns, recent))
        })
    }

    /// Those of the entries numbered `wanted` that exist, in the order of their numbers.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn entries(&self, id: ConversationId, wanted: &[u64]) -> Result<Vec<Entry>, LoadError> {
        let mut wanted = wanted.to_vec();
        wanted.sort_unstable();
        wanted.dedup();
        self.read_one(id, |txn, stored, turns| {
            let rev = stored.as_ref().map_or(0, |stored| stored.rev);
            let mut near = stored.map_or_else(Vec::new, |stored| stored.open);
            near.extend(newer(turns, rev).flat_map(|turn| turn.entries.iter().cloned()));
            let mut block: Vec<Entry> = Vec::new();
            let mut found = Vec::with_capacity(wanted.len());
            for &n in &wanted {
                if near.first().is_none_or(|first| n < first.n)
                    && !block.iter().any(|entry| entry.n == n)
                {
                    block = block_of(txn, id, n)?;
                }
                let entry = block.iter().chain(&near).find(|entry| entry.n == n);
                found.extend(entry.cloned());
            }
            Ok(found)
        })
    }

    /// Up to `limit` entries of the trail from number `from` on, in order and without gaps. They begin later where the
    /// trail does: once it was [forgotten](super::Options::retention), it goes on under the next number.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn trail(
        &self,
        id: ConversationId,
        from: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, LoadError> {
        self.read_one(id, |txn, stored, turns| {
            let mut entries = sealed_from(txn, id, from, limit)?;
            let rev = stored.as_ref().map_or(0, |stored| stored.rev);
            let open = stored.map_or_else(Vec::new, |stored| stored.open);
            let unapplied = newer(turns, rev).flat_map(|turn| turn.entries.iter().cloned());
            entries.extend(
                open.into_iter()
                    .chain(unapplied)
                    .filter(|entry| entry.n >= from)
                    .take(limit - entries.len()),
            );
            Ok(entries)
        })
    }

    /// Whether `hash` was evicted from this conversation's memory within the last eight days.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn seen(&self, id: ConversationId, hash: IdHash) -> Result<bool, LoadError> {
        self.shared().readable()?;
        if self.shared().tail().evicted(id, hash) {
            return Ok(true);
        }
        let today = day_of(self.shared().clock.now());
        self.state_read(|txn| {
            let seen = txn.open_table(SEEN)?;
            for day in today.saturating_sub(SEEN_DAYS)..=today.saturating_add(1) {
                if seen.get(&seen_key(day, id, hash))?.is_some() {
                    return Ok(true);
                }
            }
            Ok(false)
        })
    }

    /// Every evicted id of `id` that is still remembered; none if there are more than `most`.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn seen_of(
        &self,
        id: ConversationId,
        most: usize,
    ) -> Result<Option<Vec<IdHash>>, LoadError> {
        self.shared().readable()?;
        let unapplied = self.shared().tail().of(id);
        let mut ids: Vec<IdHash> = unapplied
            .iter()
            .flat_map(|turn| &turn.evicted)
            .copied()
            .collect();
        let today = day_of(self.shared().clock.now());
        self.state_read(|txn| {
            let seen = txn.open_table(SEEN)?;
            for day in today.saturating_sub(SEEN_DAYS)..=today.saturating_add(1) {
                let (from, upto) = (
                    seen_key(day, id, IdHash(0)),
                    seen_key(day, id, IdHash(u64::MAX)),
                );
                for row in seen.range::<&[u8; 28]>(&from..=&upto)? {
                    if ids.len() >= most {
                        return Ok(None);
                    }
                    let (key, ()) = row.map(|(key, value)| (key, value.value()))?;
                    ids.push(IdHash(u64::from_be_bytes(cut::<8>(key.value(), 20))));
                }
            }
            Ok(Some(ids))
        })
    }

    /// Who wants waking at `at` or earlier, earliest first: up to `limit` (at most [`PAGE_MAX`]) after `after`.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn due_before(
        &self,
        at: Timestamp,
        after: Option<(Timestamp, ConversationId)>,
        limit: usize,
    ) -> Result<Vec<(Timestamp, ConversationId, ModeName)>, LoadError> {
        let (time, id) = after.unwrap_or((EARLIEST, FIRST_ID));
        let (from, upto) = (due_key(time, id), due_key(at, LAST_ID));
        if from > upto {
            return Ok(Vec::new());
        }
        self.page(
            limit,
            |txn| {
                let rows = txn.open_table(DUE)?.range::<&[u8; 24]>(&from..=&upto)?;
                Ok(rows.filter_map(move |row| {
                    row.map_err(Failure::from)
                        .and_then(|(key, mode)| {
                            let mode =
                                mode_of(mode.value()).ok_or(FormatError::Nonsense("due row"))?;
                            let (due, id) = time_and_id(key.value());
                            Ok(((due, id, mode), (due, id)))
                        })
                        .map(|(row, place)| (Some(place) != after).then_some(row))
                        .transpose()
                }))
            },
            |row| row.1,
            |tail, limit| tail.due_within(after, at, limit),
        )
    }

    /// Conversations in `mode`, those longest in it first: up to `limit` (at most [`PAGE_MAX`]) after `after`.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn list(
        &self,
        mode: ModeName,
        after: Option<(Timestamp, ConversationId)>,
        limit: usize,
    ) -> Result<Vec<(Timestamp, ConversationId)>, LoadError> {
        let (time, id) = after.unwrap_or((EARLIEST, FIRST_ID));
        let code = mode_code(mode);
        let from = listing_key(code, time, id);
        let upto = listing_key(code, Timestamp::MAX, LAST_ID);
        self.page(
            limit,
            |txn| {
                let rows = txn.open_table(LISTING)?.range::<&[u8; 25]>(&from..=&upto)?;
                Ok(rows.filter_map(move |row| {
                    row.map_err(Failure::from)
                        .map(|(key, _)| time_and_id(&cut(key.value(), 1)))
                        .map(|row| (Some(row) != after).then_some(row))
                        .transpose()
                }))
            },
            |row| row.1,
            |tail, limit| tail.listed(mode, after, limit),
        )
    }

    /// Every conversation there is, in the order of their ids: up to `limit` (at most [`PAGE_MAX`]) after `after`.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn conversations(
        &self,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<ConversationId>, LoadError> {
        let from = after.unwrap_or(FIRST_ID);
        self.page(
            limit,
            |txn| {
                let rows = txn
                    .open_table(HEADS)?
                    .range::<&[u8; 16]>(from.as_bytes()..)?;
                Ok(rows.filter_map(move |row| {
                    row.map_err(Failure::from)
                        .map(|(key, _)| ConversationId::from_bytes(*key.value()))
                        .map(|id| (Some(id) != after).then_some(id))
                        .transpose()
                }))
            },
            |id| *id,
            |tail, limit| tail.ids(after, limit),
        )
    }

    /// About how many conversations there are: those that are not applied yet are not counted.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn conversation_count(&self) -> Result<u64, LoadError> {
        self.shared().readable()?;
        self.state_read(|txn| Ok(txn.open_table(HEADS)?.len()?))
    }

    /// A page of an index: `rows` of the state in order, less those of whom the tail knows better, merged with what
    /// `of_tail` says.
    pub(super) fn page<R: Ord, I: Iterator<Item = Result<R, Failure>>>(
        &self,
        limit: usize,
        rows: impl Fn(&ReadTransaction) -> Result<I, Failure>,
        id_of: impl Fn(&R) -> ConversationId,
        of_tail: impl Fn(&Tail, usize) -> Vec<R>,
    ) -> Result<Vec<R>, LoadError> {
        let limit = limit.min(PAGE_MAX);
        for _ in 0..ATTEMPTS {
            self.shared().readable()?;
            let page = self.state_read(|txn| {
                let applied = applied(txn)?;
                let mut rows = rows(txn)?;
                let mut page = Vec::new();
                loop {
                    let before = page.len();
                    for row in rows.by_ref().take(CHUNK) {
                        page.push(row?);
                    }
                    let ended = page.len() - before < CHUNK;
                    let tail = self.shared().tail();
                    if tail.applied() > applied {
                        return Ok(None);
                    }
                    page.retain(|row| !tail.contains(id_of(row)));
                    if ended || page.len() >= limit {
                        page.extend(of_tail(&tail, limit));
                        return Ok(Some(page));
                    }
                }
            })?;
            if let Some(mut page) = page {
                page.sort_unstable();
                page.truncate(limit);
                return Ok(page);
            }
        }
        Err(LoadError::Retry(
            "the index moves on faster than it can be read".to_owned(),
        ))
    }
}

/// What the state has of a conversation, brought up to date by its turns in the tail.
fn merged(
    stored: Option<Stored>,
    sealed: Vec<Entry>,
    turns: &[Arc<Turn>],
    recent: usize,
) -> Option<Loaded> {
    let rev = stored.as_ref().map_or(0, |stored| stored.rev);
    let mut entries = sealed;
    let mut loaded = stored.map(|stored| {
        entries.extend(stored.open);
        Loaded {
            rev: stored.rev,
            head: stored.head,
            recent: Vec::new(),
            due: stored.due,
            listing: stored.listing,
        }
    });
    for turn in newer(turns, rev) {
        entries.extend(turn.entries.iter().cloned());
        loaded = Some(Loaded {
            rev: turn.rev,
            head: Vec::new(),
            recent: Vec::new(),
            due: turn.due,
            listing: turn.listing,
        });
    }
    let mut loaded = loaded?;
    if let Some(last) = turns.last().filter(|last| last.rev > rev) {
        loaded.head.clone_from(&last.head);
    }
    loaded.recent = entries.split_off(entries.len().saturating_sub(recent));
    Some(loaded)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::mpsc::sync_channel;

    use super::*;
    use crate::store::{Listing, Observer, Options, Position};

    struct Nobody;

    impl Observer for Nobody {
        fn committed(&self, _: Position, _: &[Arc<Turn>]) {}
    }

    fn commit(store: &Store, rev: u64, due: i64) {
        let turn = Turn {
            conversation: FIRST_ID,
            medium: crate::conversation::message::Medium::Other,
            was: ModeName::Closed,
            rev,
            head: Vec::new(),
            entries: Vec::new(),
            due: Some(Timestamp::from_millis(due)),
            listing: Listing {
                mode: ModeName::Ai,
                since: Timestamp::ZERO,
            },
            evicted: Vec::new(),
        };
        let (tell, told) = sync_channel(1);
        let done = move |answer| tell.send(answer).expect("the test listens");
        store.submit(vec![turn], store.generation(), Box::new(done));
        told.recv().expect("an answer").expect("a commit");
    }

    #[test]
    fn a_page_is_read_again_when_something_is_applied_meanwhile() {
        let dir = tempfile::tempdir().expect("a directory");
        let options = Options {
            apply: false,
            free_bytes_min: 0,
            ..Options::default()
        };
        let (store, _) = Store::open(dir.path(), options, Arc::new(Nobody)).expect("it opens");
        commit(&store, 1, 100);
        store.settle().expect("applied");
        commit(&store, 2, 200);
        let times = Cell::new(0);
        let page = store.page(
            9,
            |txn| {
                let rows: Vec<_> = txn
                    .open_table(DUE)?
                    .range::<&[u8; 24]>(..)?
                    .map(|row| Ok(row.map(|(key, _)| time_and_id(key.value()))?))
                    .collect();
                if times.replace(times.get() + 1) == 0 {
                    store.settle().expect("applied");
                }
                Ok(rows.into_iter())
            },
            |row| row.1,
            |tail, limit| {
                let due = tail.due_within(None, Timestamp::MAX, limit);
                due.into_iter().map(|(due, id, _)| (due, id)).collect()
            },
        );
        assert_eq!(page, Ok(vec![(Timestamp::from_millis(200), FIRST_ID)]));
        assert_eq!(times.get(), 2);
    }

    fn check_meanwhile(applied: bool) {
        let dir = tempfile::tempdir().expect("a directory");
        let options = Options {
            apply: false,
            free_bytes_min: 0,
            ..Options::default()
        };
        let (store, _) = Store::open(dir.path(), options, Arc::new(Nobody)).expect("it opens");
        let times = Cell::new(0);
        let rev = store.read_one(FIRST_ID, |_, stored, turns| {
            if times.replace(times.get() + 1) == 0 {
                commit(&store, 8, 100);
                if applied {
                    store.settle().expect("applied");
                }
            }
            let applied = stored.map(|stored| stored.rev);
            Ok(applied.or(turns.last().map(|turn| turn.rev)))
        });
        assert_eq!((rev, times.get()), (Ok(Some(8)), 2));
    }

    #[test]
    fn a_conversation_that_comes_back_meanwhile_is_read_again() {
        check_meanwhile(false);
        check_meanwhile(true);
    }
}

//! Reading one conversation: the tail first, then a state transaction opened after it, merged by revision.
//!
//! A turn that leaves the tail while we read is in the state by then, so looking in this order misses nothing; a turn
//! that is in both is recognised by its revision. All of it blocks for as long as a few rows take to come from the disk.
//! Pages of an index are the matter of [`pages`](super::pages).

use std::sync::Arc;

use redb::ReadTransaction;

use super::embedded::Store;
use super::slice::SEEN_DAYS;
use super::state::{Failure, SEEN, applied, cut, day_of, seen_key};
use super::stored::{Stored, block_of, sealed_before_open, sealed_from};
use super::{LoadError, Loaded, Turn};
use crate::conversation::trail::Entry;
use crate::ids::{ConversationId, IdHash};

/// How often something is read again before it is given up. A slice takes longer than a page by far.
pub(super) const ATTEMPTS: usize = 16;

fn newer(turns: &[Arc<Turn>], rev: u64) -> impl Iterator<Item = &Arc<Turn>> {
    turns.iter().filter(move |turn| turn.rev > rev)
}

impl Store {
    /// Reads the state file.
    pub(super) fn state_read<T>(
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
    pub(super) fn read_one<T>(
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

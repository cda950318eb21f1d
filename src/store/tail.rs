//! The unapplied tail: everything that is durable in the journal and not yet in the state file, in memory.
//!
//! Every read looks here first and in the state second, so a turn may stand in both for a moment but never in
//! neither: the writer inserts before anybody is told of the commit, and the applier releases only after the state
//! commit that holds the turns. The tail also keeps what its conversations' due times and listings are *now*, because
//! the indexes in the state file lag behind by exactly this much. It does no I/O and never waits.

use std::collections::{BTreeSet, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use super::format::mode_code;
use super::{Listing, Turn};
use crate::clock::Timestamp;
use crate::conversation::words::ModeName;
use crate::ids::{ByConversation, ConversationId, IdHash};

/// What is added to a turn's bytes on disk for what it costs in memory besides.
pub const TURN_BYTES: u64 = 160;

/// One journal row: turns that were committed together.
#[derive(Debug)]
pub struct Group {
    /// The row's key.
    pub seq: u64,
    /// When it was committed.
    pub at: Timestamp,
    /// What was committed, in order.
    pub turns: Vec<Arc<Turn>>,
    /// What it counts against the limit of the tail.
    pub bytes: u64,
}

#[derive(Debug)]
struct Pending {
    turns: VecDeque<Arc<Turn>>,
    due: Option<Timestamp>,
    listing: Listing,
}

/// See the head of this file.
#[derive(Default, Debug)]
pub struct Tail {
    groups: VecDeque<Arc<Group>>,
    conversations: ByConversation<Pending>,
    due: BTreeSet<(Timestamp, ConversationId)>,
    listing: BTreeSet<(u8, Timestamp, ConversationId)>,
    bytes: u64,
    records: u64,
    applied: u64,
    last: u64,
}

impl Tail {
    /// An empty tail of a store whose state holds everything up to `applied` and whose last commit is `last`.
    pub fn new(applied: u64, last: u64) -> Self {
        Self {
            applied,
            last,
            ..Self::default()
        }
    }

    /// Takes in a group that is durable.
    pub fn insert(&mut self, group: Arc<Group>) {
        self.last = group.seq;
        self.bytes += group.bytes;
        self.records += group.turns.len() as u64;
        for turn in &group.turns {
            self.insert_turn(turn);
        }
        self.groups.push_back(group);
    }

    fn insert_turn(&mut self, turn: &Arc<Turn>) {
        let id = turn.conversation;
        let pending = self.conversations.entry(id).or_insert_with(|| {
            self.due.extend(turn.due.map(|due| (due, id)));
            self.listing.insert(listing_key(turn.listing, id));
            Pending {
                turns: VecDeque::with_capacity(1),
                due: turn.due,
                listing: turn.listing,
            }
        });
        if pending.due != turn.due {
            if let Some(due) = pending.due {
                self.due.remove(&(due, id));
            }
            self.due.extend(turn.due.map(|due| (due, id)));
            pending.due = turn.due;
        }
        if pending.listing != turn.listing {
            self.listing.remove(&listing_key(pending.listing, id));
            self.listing.insert(listing_key(turn.listing, id));
            pending.listing = turn.listing;
        }
        pending.turns.push_back(Arc::clone(turn));
    }

    /// The oldest groups, until they hold `records_max` turns (at least one group, if there is one).
    pub fn prefix(&self, records_max: usize) -> Vec<Arc<Group>> {
        let mut records = 0;
        self.groups
            .iter()
            .take_while(|group| {
                let wanted = records < records_max;
                records += group.turns.len();
                wanted
            })
            .map(Arc::clone)
            .collect()
    }

    /// Notes that the state holds everything up to `seq`. Comes before [`Self::release`].
    pub fn mark_applied(&mut self, seq: u64) {
        self.applied = self.applied.max(seq);
    }

    /// Lets go of the oldest group if it is applied. One at a time, so that the lock is never held for long.
    pub fn release(&mut self) -> Option<Arc<Group>> {
        let group = self
            .groups
            .pop_front_if(|group| group.seq <= self.applied)?;
        self.bytes -= group.bytes;
        self.records -= group.turns.len() as u64;
        for turn in &group.turns {
            let id = turn.conversation;
            let Some(pending) = self.conversations.get_mut(&id) else {
                continue;
            };
            pending.turns.pop_front();
            if pending.turns.is_empty() {
                if let Some(due) = pending.due {
                    self.due.remove(&(due, id));
                }
                self.listing.remove(&listing_key(pending.listing, id));
                self.conversations.remove(&id);
            }
        }
        Some(group)
    }

    /// Everything the tail has of `id`, oldest first.
    pub fn of(&self, id: ConversationId) -> Vec<Arc<Turn>> {
        self.conversations
            .get(&id)
            .map_or_else(Vec::new, |pending| {
                pending.turns.iter().map(Arc::clone).collect()
            })
    }

    /// The newest revision of `id` in the tail.
    pub fn rev(&self, id: ConversationId) -> Option<u64> {
        self.conversations
            .get(&id)
            .and_then(|pending| pending.turns.back())
            .map(|turn| turn.rev)
    }

    /// Whether the tail has anything of `id`: what an index in the state says of it is then out of date.
    pub fn contains(&self, id: ConversationId) -> bool {
        self.conversations.contains_key(&id)
    }

    /// Due times after `after` and not later than `at`, earliest first.
    pub fn due_within(
        &self,
        after: Option<(Timestamp, ConversationId)>,
        at: Timestamp,
        limit: usize,
    ) -> Vec<(Timestamp, ConversationId, ModeName)> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.due
            .range((from, Bound::Unbounded))
            .take_while(|(due, _)| *due <= at)
            .take(limit)
            .map(|&(due, id)| (due, id, self.conversations[&id].listing.mode))
            .collect()
    }

    /// Conversations in `mode` after `after`, those longest in it first.
    pub fn listed(
        &self,
        mode: ModeName,
        after: Option<(Timestamp, ConversationId)>,
        limit: usize,
    ) -> Vec<(Timestamp, ConversationId)> {
        let mode = mode_code(mode);
        let from = after.map_or_else(
            || {
                let first = ConversationId::from_bytes([0; 16]);
                Bound::Included((mode, Timestamp::from_millis(i64::MIN), first))
            },
            |(since, id)| Bound::Excluded((mode, since, id)),
        );
        self.listing
            .range((from, Bound::Unbounded))
            .take_while(|(m, _, _)| *m == mode)
            .take(limit)
            .map(|&(_, since, id)| (since, id))
            .collect()
    }

    /// Conversations in `mode` before `before`, those shortest in it first.
    pub fn listed_back(
        &self,
        mode: ModeName,
        before: (Timestamp, ConversationId),
        limit: usize,
    ) -> Vec<(Timestamp, ConversationId)> {
        let mode = mode_code(mode);
        self.listing
            .range(..(mode, before.0, before.1))
            .rev()
            .take_while(|(m, _, _)| *m == mode)
            .take(limit)
            .map(|&(_, since, id)| (since, id))
            .collect()
    }

    /// The first `limit` conversations after `after`, in the order of their ids. Looks at all that the tail holds.
    pub fn ids(&self, after: Option<ConversationId>, limit: usize) -> Vec<ConversationId> {
        let later = |id: &&ConversationId| after.is_none_or(|after| **id > after);
        let mut ids: Vec<_> = self.conversations.keys().filter(later).copied().collect();
        ids.sort_unstable();
        ids.truncate(limit);
        ids
    }

    /// Whether a turn in the tail evicted `hash` from the memory of `id`.
    pub fn evicted(&self, id: ConversationId, hash: IdHash) -> bool {
        self.conversations.get(&id).is_some_and(|pending| {
            pending
                .turns
                .iter()
                .any(|turn| turn.evicted.contains(&hash))
        })
    }

    /// When the oldest group was committed.
    pub fn oldest(&self) -> Option<Timestamp> {
        self.groups.front().map(|group| group.at)
    }

    /// Bytes counted against the limit.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Turns.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Conversations.
    pub fn conversations(&self) -> u64 {
        self.conversations.len() as u64
    }

    /// Everything up to this is in the state.
    pub fn applied(&self) -> u64 {
        self.applied
    }

    /// The newest commit.
    pub fn last(&self) -> u64 {
        self.last
    }
}

fn listing_key(listing: Listing, id: ConversationId) -> (u8, Timestamp, ConversationId) {
    (mode_code(listing.mode), listing.since, id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u8) -> ConversationId {
        ConversationId::from_bytes([n; 16])
    }

    fn turn(n: u8, rev: u64, due: i64, mode: ModeName) -> Arc<Turn> {
        Arc::new(Turn {
            conversation: id(n),
            medium: crate::conversation::message::Medium::Other,
            was: ModeName::Closed,
            rev,
            head: Vec::new(),
            entries: Vec::new(),
            due: (due > 0).then(|| Timestamp::from_millis(due)),
            listing: Listing {
                mode,
                since: Timestamp::from_millis(5),
            },
            evicted: vec![IdHash(rev)],
        })
    }

    fn group(seq: u64, turns: Vec<Arc<Turn>>) -> Arc<Group> {
        Arc::new(Group {
            seq,
            at: Timestamp::ZERO,
            turns,
            bytes: 10,
        })
    }

    fn filled() -> Tail {
        let mut tail = Tail::new(0, 0);
        tail.insert(group(
            1,
            vec![turn(1, 1, 50, ModeName::Ai), turn(2, 1, 40, ModeName::Ai)],
        ));
        tail.insert(group(2, vec![turn(1, 2, 0, ModeName::Human)]));
        tail
    }

    #[test]
    fn only_the_newest_due_and_listing_count() {
        let tail = filled();
        let due = tail.due_within(None, Timestamp::from_millis(100), 9);
        assert_eq!(due, vec![(Timestamp::from_millis(40), id(2), ModeName::Ai)]);
        assert_eq!(tail.listed(ModeName::Ai, None, 9).len(), 1);
        assert_eq!(tail.listed(ModeName::Human, None, 9).len(), 1);
        assert_eq!(tail.rev(id(1)), Some(2));
    }

    #[test]
    fn nothing_leaves_before_it_is_applied() {
        let mut tail = filled();
        assert!(tail.release().is_none());
        tail.mark_applied(1);
        assert_eq!(tail.release().map(|group| group.seq), Some(1));
        assert!(tail.release().is_none());
        assert!(!tail.contains(id(2)));
        assert!(!tail.evicted(id(1), IdHash(1)));
        assert!(tail.evicted(id(1), IdHash(2)));
    }

    #[test]
    fn an_emptied_tail_holds_nothing_at_all() {
        let mut tail = filled();
        tail.mark_applied(2);
        while tail.release().is_some() {}
        assert_eq!(
            (tail.bytes(), tail.records(), tail.conversations()),
            (0, 0, 0)
        );
        assert!(tail.due.is_empty() && tail.listing.is_empty());
    }

    #[test]
    fn a_page_begins_after_the_last() {
        let tail = filled();
        let first = tail.listed(ModeName::Human, None, 1)[0];
        assert_eq!(tail.listed(ModeName::Human, Some(first), 1), vec![]);
    }
}

//! The handoff log of many conversations: from the one that came into its mode last on, without an index of its own.
//!
//! A handoff changes the mode, so none was requested after its conversation came into the mode that it has now. The
//! lists of the four modes, read together from their newest end, therefore bring what is new first; a page stands in the
//! order of time in itself, and the next one goes on where it ended. A conversation that changes its mode meanwhile
//! moves to the front: who begins anew sees it there. Nothing is read of what is older than `since`.

use std::collections::{BTreeSet, VecDeque};

use super::handoffs::{Filter, Log, head, record};
use crate::clock::Timestamp;
use crate::conversation::Conversation;
use crate::conversation::words::ModeName;
use crate::ids::ConversationId;
use crate::learning::shown::Shown;
use crate::store::{LoadError, Store};

/// Conversations that one request looks at.
const LOOKED_AT_MAX: usize = 1_000;
/// Entries that one request reads, up to the end of the conversation in which it has read so many.
const ENTRIES_MAX: usize = 20_000;
/// Rows of one list read at once.
const ROWS: usize = 256;
/// What a place in this order begins with, so that no other order's is taken for it.
const MARK: &str = "w.";

/// When a conversation came into its mode, and which it is.
pub(super) type Place = (Timestamp, ConversationId);

/// A place as [`print`] writes it.
pub(super) fn parse(text: &str) -> Option<Place> {
    let (at, id) = text.strip_prefix(MARK)?.split_once('.')?;
    Some((Timestamp::from_millis(at.parse().ok()?), id.parse().ok()?))
}

fn print((at, id): Place) -> String {
    format!("{MARK}{}.{id}", at.as_millis())
}

/// Looks at conversations until a page is full or enough was looked at.
pub(super) fn look(
    store: &Store,
    filter: &Filter,
    (before, limit): (Option<Place>, usize),
    now: Timestamp,
    sees: impl Fn(&Conversation) -> bool,
) -> Result<Log, LoadError> {
    let (mut log, mut read) = (Log::default(), 0);
    let (mut lists, mut known) = (Lists::before(before), BTreeSet::new());
    let mut last = before;
    while let Some(place) = lists.next(store)? {
        if place.0 < filter.since {
            break;
        }
        if log.items.len() >= limit || known.len() >= LOOKED_AT_MAX || read >= ENTRIES_MAX {
            log.next = last.map(print);
            break;
        }
        last = Some(place);
        if !known.insert(place.1) {
            continue;
        }
        // One that is damaged must not keep all the others from being listed.
        let found = match of_one(store, place.1, now, &sees) {
            Ok(found) => found,
            Err(LoadError::Corrupt(_)) => continue,
            Err(fault @ LoadError::Retry(_)) => return Err(fault),
        };
        let Some((shown, entries)) = found else {
            continue;
        };
        read += entries;
        let taken = shown.handoffs.iter().filter(|one| filter.takes(one));
        log.items
            .extend(taken.map(|handoff| Shown::of(&shown.facts, handoff)));
    }
    log.items
        .sort_by(|a, b| b.requested_at.cmp(&a.requested_at));
    Ok(log)
}

/// The conversation's record, and how many entries were read for it; none: it is not the caller's business, or nobody
/// was ever asked for.
fn of_one(
    store: &Store,
    id: ConversationId,
    now: Timestamp,
    sees: impl Fn(&Conversation) -> bool,
) -> Result<Option<(crate::learning::Record, usize)>, LoadError> {
    let asked_for = |one: &Conversation| one.had_handoffs() && sees(one);
    match head(store, id)?.filter(asked_for) {
        Some(conversation) => record(store, &conversation, now).map(Some),
        None => Ok(None),
    }
}

/// The lists of all modes, from their newest ends on.
struct Lists(Vec<List>);

struct List {
    mode: ModeName,
    /// What was read of it last; none: nothing yet.
    from: Option<Place>,
    rows: VecDeque<Place>,
    ended: bool,
}

impl Lists {
    fn before(place: Option<Place>) -> Self {
        let list = |mode: &ModeName| List {
            mode: *mode,
            from: place,
            rows: VecDeque::new(),
            ended: false,
        };
        Self(ModeName::ALL.iter().map(list).collect())
    }

    fn next(&mut self, store: &Store) -> Result<Option<Place>, LoadError> {
        for list in &mut self.0 {
            list.fill(store)?;
        }
        let newest = self
            .0
            .iter_mut()
            .max_by_key(|list| list.rows.front().copied());
        Ok(newest.and_then(|list| list.rows.pop_front()))
    }
}

impl List {
    fn fill(&mut self, store: &Store) -> Result<(), LoadError> {
        if !self.rows.is_empty() || self.ended {
            return Ok(());
        }
        self.rows = store.newest(self.mode, self.from, ROWS)?.into();
        self.ended = self.rows.len() < ROWS;
        self.from = self.rows.back().copied().or(self.from);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_being_printed_and_other_places_are_none() {
        let place = (
            Timestamp::from_millis(1_767_603_600_000),
            ConversationId::from_bytes([9; 16]),
        );
        assert_eq!(parse(&print(place)), Some(place));
        let id = place.1.to_string();
        for text in [
            "",
            "w.",
            "w.1",
            "w.1.c",
            &id,
            &format!("1.{id}.2"),
            &format!("w.x.{id}"),
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}

//! The handoff log in the order of time, newest first, without an index of it.
//!
//! Every head is looked at: a few microseconds each, so only while there are few. A handoff was requested no later than its
//! conversation last changed: trails are read from the one that changed last on, until what is left can hold nothing newer
//! than what was found.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::handoffs::{Filter, Log, head, record};
use crate::clock::Timestamp;
use crate::conversation::Conversation;
use crate::ids::{ConversationId, HandoffId};
use crate::learning::shown::Shown;
use crate::store::{LoadError, Store};

/// With more conversations than this, looking at each head takes too long for one page.
pub(super) const CONVERSATIONS_MAX: u64 = 5_000;
/// Ids read at once.
const IDS_PAGE: usize = 1_000;

/// Where a handoff stands in the log.
pub(super) type Place = (Timestamp, ConversationId, HandoffId);

/// A place as [`print`] writes it.
pub(super) fn parse(text: &str) -> Option<Place> {
    let mut parts = text.splitn(3, '.');
    let at = parts.next()?.parse().ok()?;
    let id = parts.next()?.parse().ok()?;
    let handoff = parts.next()?.parse().ok()?;
    Some((Timestamp::from_millis(at), id, HandoffId(handoff)))
}

fn print((at, id, handoff): Place) -> String {
    format!("{}.{id}.{handoff}", at.as_millis())
}

/// The newest `limit` handoffs that `filter` takes, from before a place on.
pub(super) fn look(
    store: &Store,
    filter: &Filter,
    (before, limit): (Option<Place>, usize),
    now: Timestamp,
    sees: impl Fn(&Conversation) -> bool,
) -> Result<Log, LoadError> {
    let mut found: BTreeMap<Reverse<Place>, Shown> = BTreeMap::new();
    for (changed, id) in changed(store, filter, sees)? {
        let last = found.keys().nth(limit);
        if last.is_some_and(|Reverse((at, ..))| *at > changed) {
            break;
        }
        // One that is damaged must not keep all the others from being listed.
        let read = |store: &Store| -> Result<_, LoadError> {
            let Some(conversation) = head(store, id)? else {
                return Ok(None);
            };
            Ok(Some(record(store, &conversation, now)?.0))
        };
        let record = match read(store) {
            Ok(Some(record)) => record,
            Ok(None) | Err(LoadError::Corrupt(_)) => continue,
            Err(fault @ LoadError::Retry(_)) => return Err(fault),
        };
        for handoff in record.handoffs.iter().filter(|one| filter.takes(one)) {
            let place = (handoff.requested_at, id, handoff.id);
            if before.is_none_or(|before| place < before) {
                found.insert(Reverse(place), Shown::of(&record.facts, handoff));
            }
        }
        // One more than the page says whether there is another.
        while found.len() > limit + 1 {
            found.pop_last();
        }
    }
    let more = found.len() > limit;
    if more {
        found.pop_last();
    }
    let last = found.keys().next_back().map(|Reverse(place)| *place);
    Ok(Log {
        items: found.into_values().collect(),
        next: last.filter(|_| more).map(print),
    })
}

/// The conversations that had a handoff, the one that changed last first.
fn changed(
    store: &Store,
    filter: &Filter,
    sees: impl Fn(&Conversation) -> bool,
) -> Result<Vec<(Timestamp, ConversationId)>, LoadError> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let ids = store.conversations(after, IDS_PAGE)?;
        let whole = ids.len() == IDS_PAGE;
        for id in &ids {
            let conversation = match head(store, *id) {
                Ok(Some(conversation)) => conversation,
                Ok(None) | Err(LoadError::Corrupt(_)) => continue,
                Err(fault @ LoadError::Retry(_)) => return Err(fault),
            };
            let changed = conversation.common().updated_at;
            if changed >= filter.since && conversation.had_handoffs() && sees(&conversation) {
                all.push((changed, *id));
            }
        }
        after = ids.last().copied();
        if !whole || after.is_none() {
            all.sort_unstable_by(|a, b| b.cmp(a));
            return Ok(all);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_being_printed_and_nonsense_is_none() {
        let place = (
            Timestamp::from_millis(1_767_603_600_000),
            ConversationId::from_bytes([9; 16]),
            HandoffId(2),
        );
        assert_eq!(parse(&print(place)), Some(place));
        for text in [
            "",
            "1",
            "1.c",
            "x.c09090909090909090909090909090909.1",
            "c09090909090909090909090909090909",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}

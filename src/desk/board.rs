//! The conversations that wait for a person or have one, in memory, so that agents see their own claim at once.
//!
//! Fed by the writer's thread after each commit: a conversation is looked up, replaced, and moved only when its mode
//! changed. Readers copy at most [`PAGE_MAX`] pointers at a time, so they hold the writer up for microseconds.

use std::collections::BTreeSet;
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use super::on_board;
use super::sighting::{self, Change, EventId, Sighting};
use crate::clock::Timestamp;
use crate::conversation::Mode;
use crate::conversation::words::ModeName;
use crate::ids::{AgentName, ByConversation, ConversationId};
use crate::store::{Listing, LoadError, Position, Store, Turn};

/// The most conversations copied from the board in one go.
pub const PAGE_MAX: usize = 256;
/// How many at once are read from the store when the board is filled.
const FILL_PAGE: usize = 1_024;
/// Entries read with a head at the start, so that a list can show the last words.
const RECENT: usize = 8;

/// Where a conversation stands in its list: since when, and which.
pub type Place = (Timestamp, ConversationId);

/// See the head of this file.
#[derive(Debug, Default)]
pub struct Board {
    inner: Mutex<Inner>,
    unreadable: AtomicU64,
}

#[derive(Debug, Default)]
struct Inner {
    by_id: ByConversation<Stand>,
    /// The order of each list; what stands there is in `by_id`, so that a message moves nothing here.
    waiting: BTreeSet<Place>,
    human: BTreeSet<Place>,
}

#[derive(Debug)]
struct Stand {
    listing: Listing,
    place: Place,
    seen: Arc<Sighting>,
}

impl Board {
    /// Reads the open conversations from the store. Before anything is committed.
    pub(super) fn fill(&self, store: &Store) -> Result<(), LoadError> {
        for mode in [ModeName::Waiting, ModeName::Human] {
            let mut after = None;
            loop {
                let page = store.list(mode, after, FILL_PAGE)?;
                let Some(last) = page.last().copied() else {
                    break;
                };
                for (_, id) in page {
                    match store.load(id, RECENT) {
                        Ok(Some(mut loaded)) => {
                            sighting::keep_last_words(&mut loaded.recent);
                            let turn = Arc::new(turn_of(id, loaded));
                            self.lock().put(EventId::default(), &turn);
                        }
                        Ok(None) => {}
                        // One that is damaged must not keep all the others from being served.
                        Err(LoadError::Corrupt(why)) => {
                            self.unreadable.fetch_add(1, Ordering::Relaxed);
                            tracing::error!(conversation = %id, why, "an open conversation is unreadable; it is on no list");
                        }
                        Err(fault @ LoadError::Retry(_)) => return Err(fault),
                    }
                }
                after = Some(last);
            }
        }
        Ok(())
    }

    /// Takes committed turns in; says of each whether it concerns people: it stands on the board, or just left it.
    pub(super) fn committed(&self, position: Position, turns: &[Arc<Turn>]) -> Vec<(Change, bool)> {
        let mut inner = self.lock();
        let number = |n| Sighting::number(position, n);
        turns
            .iter()
            .enumerate()
            .map(|(n, turn)| inner.put(number(n), turn))
            .collect()
    }

    /// The conversation, if it waits for a person or has one.
    pub fn get(&self, id: ConversationId) -> Option<Arc<Sighting>> {
        self.lock()
            .by_id
            .get(&id)
            .map(|stand| Arc::clone(&stand.seen))
    }

    /// Up to `limit` (at most [`PAGE_MAX`]) conversations in `mode` after `after`, longest in it first.
    pub fn page(
        &self,
        mode: ModeName,
        after: Option<Place>,
        limit: usize,
    ) -> Vec<(Place, Arc<Sighting>)> {
        let from = match after {
            Some(place) => std::ops::Bound::Excluded(place),
            None => std::ops::Bound::Unbounded,
        };
        let inner = self.lock();
        let Some(list) = inner.list(mode) else {
            return Vec::new();
        };
        let rows = list.range((from, std::ops::Bound::Unbounded));
        rows.take(limit.min(PAGE_MAX))
            .filter_map(|place| Some((*place, Arc::clone(&inner.by_id.get(&place.1)?.seen))))
            .collect()
    }

    /// Every conversation in `mode`, read page by page.
    pub fn all(&self, mode: ModeName) -> impl Iterator<Item = Arc<Sighting>> {
        let mut page: std::vec::IntoIter<(Place, Arc<Sighting>)> = Vec::new().into_iter();
        let mut after = None;
        std::iter::from_fn(move || {
            if let Some((place, seen)) = page.next() {
                after = Some(place);
                return Some(seen);
            }
            page = self.page(mode, after, PAGE_MAX).into_iter();
            let (place, seen) = page.next()?;
            after = Some(place);
            Some(seen)
        })
    }

    /// What `name` holds or is offered.
    pub fn of_agent(&self, name: &AgentName) -> Vec<ConversationId> {
        let theirs = |seen: &Arc<Sighting>| {
            seen.conversation().is_some_and(|one| match one.mode() {
                Mode::Human(human) => human.agent() == name,
                Mode::Waiting(waiting) => waiting.offered_to() == Some(name),
                Mode::Ai(_) | Mode::Closed(_) => false,
            })
        };
        [ModeName::Human, ModeName::Waiting]
            .into_iter()
            .flat_map(|mode| self.all(mode))
            .filter(theirs)
            .map(|seen| seen.conversation_id())
            .collect()
    }

    /// How many conversations are in `mode`; none for a mode that is not kept here.
    pub fn count(&self, mode: ModeName) -> usize {
        self.lock().list(mode).map_or(0, BTreeSet::len)
    }

    /// How many open conversations could not be read when the board was filled.
    pub fn unreadable(&self) -> u64 {
        self.unreadable.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner
            .lock()
            .expect("nobody panics while holding the board")
    }
}

impl Inner {
    fn list(&self, mode: ModeName) -> Option<&BTreeSet<Place>> {
        match mode {
            ModeName::Waiting => Some(&self.waiting),
            ModeName::Human => Some(&self.human),
            ModeName::Ai | ModeName::Closed => None,
        }
    }

    fn list_mut(&mut self, mode: ModeName) -> Option<&mut BTreeSet<Place>> {
        match mode {
            ModeName::Waiting => Some(&mut self.waiting),
            ModeName::Human => Some(&mut self.human),
            ModeName::Ai | ModeName::Closed => None,
        }
    }

    fn put(&mut self, id: EventId, turn: &Arc<Turn>) -> (Change, bool) {
        if let Some(stand) = self.by_id.get_mut(&turn.conversation)
            && stand.listing == turn.listing
        {
            let now = Arc::new(Sighting::new(id, turn, Some(&*stand.seen)));
            let before = Some(mem::replace(&mut stand.seen, Arc::clone(&now)));
            return (Change { now, before }, true);
        }
        let last = self.by_id.get(&turn.conversation);
        let before = last.map(|stand| Arc::clone(&stand.seen));
        let now = Arc::new(Sighting::new(id, turn, before.as_deref()));
        let stood = last.map(|stand| (stand.listing, stand.place));
        let change = Change { now, before };
        if !on_board(turn.listing.mode) {
            if let Some((listing, place)) = stood {
                self.by_id.remove(&turn.conversation);
                self.list_mut(listing.mode).map(|list| list.remove(&place));
            }
            return (change, stood.is_some());
        }
        if let Some((listing, old)) = stood {
            self.list_mut(listing.mode).map(|list| list.remove(&old));
        }
        let place = place_of(&change.now);
        if let Some(list) = self.list_mut(turn.listing.mode) {
            list.insert(place);
        }
        let stand = Stand {
            listing: turn.listing,
            place,
            seen: Arc::clone(&change.now),
        };
        self.by_id.insert(turn.conversation, stand);
        (change, true)
    }
}

/// By the customer's waiting clock: whoever returns to the queue keeps it, and with it the front. It moves only with
/// the mode, so that a head is decoded here once per change of mode; it is not kept, for nobody may ever look.
fn place_of(seen: &Sighting) -> Place {
    let listed = seen.turn().listing.since;
    let since = seen
        .decoded()
        .map_or(listed, |conversation| match conversation.mode() {
            Mode::Waiting(waiting) => waiting.since(),
            Mode::Human(human) => human.since(),
            Mode::Ai(_) | Mode::Closed(_) => listed,
        });
    (since, seen.conversation_id())
}

/// The last commit of a conversation, as far as lists need it.
pub fn turn_of(id: ConversationId, loaded: crate::store::Loaded) -> Turn {
    Turn {
        conversation: id,
        medium: crate::conversation::message::Medium::Other,
        was: loaded.listing.mode,
        rev: loaded.rev,
        head: loaded.head,
        entries: loaded.recent,
        due: loaded.due,
        listing: loaded.listing,
        evicted: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::Conversation;
    use crate::conversation::event::{Act, Event};
    use crate::conversation::message::{Body, Customer, Inbound, Medium};
    use crate::conversation::policy::Policy;
    use crate::conversation::words::Role;

    /// A conversation, and its turns as the store would hand them on.
    struct Talk {
        conversation: Conversation,
        policy: Policy,
    }

    impl Talk {
        fn new(n: u8) -> Self {
            let policy = Policy::default();
            let conversation = Conversation::for_inbound(
                ConversationId::from_bytes([n; 16]),
                &said("hi", 0),
                &policy,
            );
            Self {
                conversation,
                policy,
            }
        }

        fn turn(&mut self, event: Event, at: i64) -> Arc<Turn> {
            let was = self.conversation.mode().name();
            let now = Timestamp::from_millis(at);
            let decision = self.conversation.decide(event, now, &self.policy);
            let common = self.conversation.common();
            Arc::new(Turn {
                conversation: common.id,
                medium: Medium::Webchat,
                was,
                rev: self.conversation.rev(),
                head: self.conversation.encode(),
                entries: decision.entries,
                due: None,
                listing: Listing {
                    mode: self.conversation.mode().name(),
                    since: common.mode_since,
                },
                evicted: Vec::new(),
            })
        }

        fn writes(&mut self, text: &str, at: i64) -> Arc<Turn> {
            let inbound = said(text, at);
            self.turn(
                Event::CustomerWrote {
                    inbound,
                    seen_before: false,
                },
                at,
            )
        }

        fn acts(&mut self, act: Act, at: i64) -> Arc<Turn> {
            let event = Event::Acted {
                agent: "Ana".into(),
                role: Role::Agent,
                act,
                key: None,
            };
            self.turn(event, at)
        }
    }

    fn said(text: &str, at: i64) -> Inbound {
        Inbound {
            channel: "web".into(),
            medium: Medium::Webchat,
            from: Customer {
                address: "visitor".into(),
                name: None,
                language: Some("en".into()),
            },
            to: String::new(),
            id: format!("m{at}"),
            sent_at: None,
            body: Body::Text(text.into()),
        }
    }

    fn ids(board: &Board, mode: ModeName) -> Vec<u8> {
        board
            .all(mode)
            .map(|seen| seen.conversation_id().as_bytes()[0])
            .collect()
    }

    #[test]
    fn a_conversation_stands_in_one_list_and_returns_to_the_front() {
        let board = Board::default();
        let put = |turn: Arc<Turn>| board.committed(Position(1), &[turn])[0].1;
        let (mut early, mut late) = (Talk::new(1), Talk::new(2));
        assert!(
            !put(early.writes("What are your hours?", 1_000)),
            "with the AI"
        );
        assert!(put(early.writes("I want to talk to a human", 2_000)));
        assert!(put(late.writes("I want to talk to a human", 3_000)));
        assert_eq!(ids(&board, ModeName::Waiting), [1, 2]);
        assert!(put(early.acts(Act::Claim { force: false }, 4_000)));
        assert_eq!(
            (ids(&board, ModeName::Waiting), ids(&board, ModeName::Human)),
            (vec![2], vec![1])
        );
        let resolve = Act::Resolve {
            outcome: None,
            note: "done".into(),
        };
        assert!(
            put(early.acts(resolve, 5_000)),
            "people are told that it left"
        );
        assert_eq!(ids(&board, ModeName::Human), [0_u8; 0]);
        assert!(board.get(ConversationId::from_bytes([1; 16])).is_none());
        assert_eq!(board.count(ModeName::Waiting), 1);
    }

    #[test]
    fn the_last_words_stay_when_nothing_more_is_said() {
        let board = Board::default();
        let mut talk = Talk::new(1);
        board.committed(
            Position(1),
            &[talk.writes("I want to talk to a human", 1_000)],
        );
        let noted = talk.acts(Act::Note { text: "vip".into() }, 2_000);
        let changes = board.committed(Position(2), &[noted]);
        let seen = board
            .get(ConversationId::from_bytes([1; 16]))
            .expect("waits");
        assert_eq!(seen.id().position, 2);
        assert!(seen.last_words().is_some());
        let before = changes[0].0.before.as_ref().expect("it stood there");
        assert_eq!(before.turn().rev + 1, seen.turn().rev);
    }
}

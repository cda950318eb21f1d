//! The last commits, in order, for event streams that resume where they were cut.
//!
//! A [`Ring`] is bounded in number and bytes. A [`Subscription`] is handed what came after the last event it has seen,
//! in order, nothing twice and nothing left out; when that is not in the ring any more (too old, from another opening
//! of the store, or the reader is too slow) it is told to read everything again and goes on from the newest.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::watch;

use super::sighting::{Change, EventId};

/// Events kept.
pub const EVENTS_MAX: usize = 4_096;
/// Bytes kept, about: far above what [`EVENTS_MAX`] ordinary events take, far below what as many huge ones would.
pub const BYTES_MAX: usize = 64 * 1024 * 1024;
/// Events handed over in one go.
const BATCH_MAX: usize = 64;

/// See the head of this file.
#[derive(Debug)]
pub struct Ring {
    kept: Mutex<Kept>,
    grew: watch::Sender<u64>,
    events_max: usize,
}

#[derive(Debug, Default)]
struct Kept {
    events: VecDeque<Change>,
    bytes: usize,
    /// The last event that was dropped; before the first drop, a place before every event.
    floor: EventId,
}

impl Default for Ring {
    fn default() -> Self {
        Self::of(EVENTS_MAX)
    }
}

impl Ring {
    /// A ring of `events_max` events.
    pub fn of(events_max: usize) -> Self {
        Self {
            kept: Mutex::default(),
            grew: watch::channel(0).0,
            events_max,
        }
    }

    /// Adds events, in the order of commits.
    pub fn push(&self, events: Vec<Change>) {
        if events.is_empty() {
            return;
        }
        {
            let mut kept = self.lock();
            for event in events {
                kept.bytes += event.now.bytes();
                kept.events.push_back(event);
                while kept.events.len() > self.events_max || kept.bytes > BYTES_MAX {
                    let Some(gone) = kept.events.pop_front() else {
                        break;
                    };
                    kept.bytes -= gone.now.bytes();
                    kept.floor = gone.id();
                }
            }
        }
        self.grew.send_modify(|times| *times += 1);
    }

    /// Listens from after `from`; none: from now on.
    pub fn subscribe(self: &Arc<Self>, from: Option<EventId>) -> Subscription {
        let at = from.unwrap_or_else(|| self.lock().newest());
        Subscription {
            ring: Arc::clone(self),
            at,
            grew: self.grew.subscribe(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept
            .lock()
            .expect("nobody panics while holding the ring")
    }
}

impl Kept {
    fn newest(&self) -> EventId {
        self.events.back().map_or(self.floor, Change::id)
    }

    /// What came after `at`; none if `at` is not known here.
    fn after(&self, at: EventId) -> Option<Vec<Change>> {
        let next = self.events.partition_point(|event| event.id() <= at);
        let known = if next == 0 {
            at == self.floor
        } else {
            self.events[next - 1].id() == at
        };
        known.then(|| self.events.range(next..).take(BATCH_MAX).cloned().collect())
    }
}

/// What a subscription brings.
#[derive(Debug)]
pub enum Next {
    /// The next events, at least one.
    Events(Vec<Change>),
    /// Something was missed: read everything again; the stream goes on after [`Subscription::at`].
    Reset,
}

/// One reader of a [`Ring`].
#[derive(Debug)]
pub struct Subscription {
    ring: Arc<Ring>,
    at: EventId,
    grew: watch::Receiver<u64>,
}

impl Subscription {
    /// The last event handed over, or the place where the reader began.
    pub fn at(&self) -> EventId {
        self.at
    }

    /// Waits for what comes next. May be dropped and called again without losing anything.
    pub async fn next(&mut self) -> Next {
        loop {
            self.grew.mark_unchanged();
            if let Some(next) = self.take() {
                return next;
            }
            if self.grew.changed().await.is_err() {
                // The ring is held by this very subscription, so its sender cannot be gone.
                std::future::pending::<()>().await;
            }
        }
    }

    fn take(&mut self) -> Option<Next> {
        let kept = self.ring.lock();
        match kept.after(self.at) {
            Some(events) => {
                self.at = events.last()?.id();
                Some(Next::Events(events))
            }
            None => {
                self.at = kept.newest();
                Some(Next::Reset)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::conversation::words::ModeName;
    use crate::desk::Sighting;
    use crate::ids::ConversationId;
    use crate::store::{Listing, Turn};

    fn event(position: u64, n: u32) -> Change {
        let turn = Turn {
            conversation: ConversationId::from_bytes([1; 16]),
            medium: crate::conversation::message::Medium::Other,
            was: ModeName::Closed,
            rev: position,
            head: Vec::new(),
            entries: Vec::new(),
            due: None,
            listing: Listing {
                mode: ModeName::Waiting,
                since: Timestamp::ZERO,
            },
            evicted: Vec::new(),
        };
        let now = Sighting::new(EventId { position, n }, &Arc::new(turn), None);
        Change {
            now: Arc::new(now),
            before: None,
        }
    }

    fn ids(next: Next) -> Vec<(u64, u32)> {
        match next {
            Next::Events(events) => events
                .iter()
                .map(|event| (event.id().position, event.id().n))
                .collect(),
            Next::Reset => vec![(u64::MAX, 0)],
        }
    }

    fn resumed(ring: &Arc<Ring>, position: u64, n: u32) -> Option<Vec<(u64, u32)>> {
        let mut subscription = ring.subscribe(Some(EventId { position, n }));
        subscription.take().map(ids)
    }

    #[test]
    fn a_reader_gets_what_came_after_its_id() {
        let ring = Arc::new(Ring::of(8));
        ring.push(vec![event(3, 0), event(3, 2)]);
        ring.push(vec![event(9, 1)]);
        let check = |position, n, expected: Option<Vec<(u64, u32)>>| {
            assert_eq!(
                resumed(&ring, position, n),
                expected,
                "after {position}-{n}"
            );
        };
        check(3, 0, Some(vec![(3, 2), (9, 1)]));
        check(3, 2, Some(vec![(9, 1)]));
        check(9, 1, None);
        check(0, 0, Some(vec![(3, 0), (3, 2), (9, 1)]));
    }

    #[test]
    fn an_id_the_ring_does_not_know_leads_to_a_reset() {
        let ring = Arc::new(Ring::of(2));
        ring.push(vec![event(1, 0), event(2, 0), event(3, 0), event(4, 0)]);
        let reset = Some(vec![(u64::MAX, 0)]);
        let check = |position, n, expected: &Option<Vec<(u64, u32)>>| {
            assert_eq!(
                &resumed(&ring, position, n),
                expected,
                "after {position}-{n}"
            );
        };
        check(1, 0, &reset);
        check(3, 1, &reset);
        check(99, 0, &reset);
        check(2, 0, &Some(vec![(3, 0), (4, 0)]));
    }

    #[test]
    fn after_a_reset_the_stream_goes_on_from_the_newest() {
        let ring = Arc::new(Ring::of(2));
        ring.push(vec![event(1, 0), event(2, 0), event(3, 0)]);
        let mut slow = ring.subscribe(Some(EventId { position: 1, n: 7 }));
        assert!(matches!(slow.take(), Some(Next::Reset)));
        assert_eq!(slow.at(), EventId { position: 3, n: 0 });
        ring.push(vec![event(4, 0)]);
        assert_eq!(slow.take().map(ids), Some(vec![(4, 0)]));
    }

    #[tokio::test]
    async fn nothing_is_lost_or_doubled_while_commits_go_on() {
        // Together fewer than the ring holds: the reader can never be too slow, so every event must come.
        const COMMITS: u64 = 1_500;
        let ring = Arc::new(Ring::default());
        let writer = Arc::clone(&ring);
        let writing = std::thread::spawn(move || {
            for position in 1..=COMMITS {
                writer.push(vec![event(position, 0), event(position, 1)]);
            }
        });
        let expected: Vec<_> = (1..=COMMITS)
            .flat_map(|position| [(position, 0), (position, 1)])
            .collect();
        let mut seen = Vec::new();
        let mut reader = ring.subscribe(Some(EventId::default()));
        while seen.len() < expected.len() {
            seen.extend(ids(reader.next().await));
            if seen.len() % 5 == 0 {
                // Cut and resumed.
                reader = ring.subscribe(Some(reader.at()));
            }
        }
        writing.join().expect("the writer ends");
        assert_eq!(seen, expected);
    }

    #[test]
    fn an_id_of_another_opening_is_no_id() {
        let id = EventId { position: 12, n: 3 };
        let text = id.text(0xbeef);
        assert_eq!(text, "beef-12-3");
        let check = |text: &str, incarnation, expected| {
            assert_eq!(EventId::read(text, incarnation), expected, "{text}");
        };
        check(&text, 0xbeef, Some(id));
        check(&text, 0xbeee, None);
        check("beef-12", 0xbeef, None);
        check("beef-12-3-4", 0xbeef, None);
        check("beef--1-3", 0xbeef, None);
        check("", 0xbeef, None);
    }
}

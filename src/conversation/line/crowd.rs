//! The lines in front of the queues, as they stand at this moment: what a decision asks when it tells a place.
//!
//! The shell counts the lines now and then ([`Lines::see`]) and says at once who came or went by a decision
//! ([`Lines::stands`]). Between two counts a decision that tells a place takes it in the same step
//! ([`Lines::enter`]), so that no two customers are told the same one, also where they ask in the same moment on two
//! threads. Asking twice gives the same answer. Nothing here is stored, decides who is served first, or reads a clock; a
//! queue that was never counted has no line, and replay sees none.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::conversation::{Conversation, Mode};
use crate::ids::{ConversationId, QueueName};

/// How long a decision counts for more than what was counted: by then it is committed and seen, or has failed.
const FRESH: Duration = Duration::from_secs(3);

/// Somebody in a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Waiter {
    /// Which conversation.
    pub id: ConversationId,
    /// Greater is served first.
    pub priority: u8,
    /// Since when they wait for a person.
    pub since: Timestamp,
}

impl Waiter {
    /// Whoever waits in `conversation`, and in which queue.
    pub fn of(conversation: &Conversation) -> Option<(QueueName, Self)> {
        let Mode::Waiting(waiting) = conversation.mode() else {
            return None;
        };
        let common = conversation.common();
        let waiter = Self {
            id: common.id,
            priority: common.priority,
            since: waiting.since(),
        };
        Some((common.queue.clone(), waiter))
    }

    /// Sorts the line: who is served first comes first.
    pub fn order(&self) -> (Reverse<u8>, Timestamp, ConversationId) {
        (Reverse(self.priority), self.since, self.id)
    }
}

/// How full a queue is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Crowd {
    /// Who waits, in no order.
    pub waiting: BTreeMap<ConversationId, Waiter>,
    /// How long it lately took from one claim to the next while somebody waited; none: there were too few.
    pub pace: Option<Duration>,
}

/// Where somebody stands in a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ahead {
    /// So many are served before.
    pub before: u64,
    /// The queue's pace.
    pub pace: Option<Duration>,
}

/// All lines. Clones share them.
#[derive(Clone, Default)]
pub struct Lines(Arc<RwLock<Book>>);

#[derive(Default)]
struct Book {
    lines: BTreeMap<QueueName, Line>,
    /// In which line each stands.
    standing: BTreeMap<ConversationId, (QueueName, Waiter)>,
    /// Who came, moved or went by a decision that no count may know of yet: when, and where they stand since.
    moved: BTreeMap<ConversationId, (Timestamp, Option<(QueueName, Waiter)>)>,
}

/// One line, whoever is served first in front: every open chat asks for its place again and again, which must not cost
/// the length of the line.
#[derive(Default)]
struct Line {
    waiting: Vec<Waiter>,
    pace: Option<Duration>,
}

impl Lines {
    /// The lines were counted at `now`. What was decided just before stays as it was decided.
    pub fn see(&self, crowds: BTreeMap<QueueName, Crowd>, now: Timestamp) {
        let mut book = self.change();
        let mut moved = std::mem::take(&mut book.moved);
        moved.retain(|_, (at, _)| *at + FRESH > now);
        *book = Book::of(crowds);
        for (id, (_, place)) in &moved {
            book.put(*id, place.clone());
        }
        book.moved = moved;
    }

    /// Whether any line has been counted.
    pub fn are_counted(&self) -> bool {
        !self.book().lines.is_empty()
    }

    /// By a decision at `now` the conversation `id` stands here; none: in no line.
    pub fn stands(&self, id: ConversationId, place: Option<(QueueName, Waiter)>, now: Timestamp) {
        // Where nothing is told nothing is counted, nothing is kept, and nobody waits for anybody here.
        if self.are_counted() {
            self.change().stands(id, place, now);
        }
    }

    /// Where `waiter` stands in the line of `queue`. Whoever is in it already stands where they are served; whoever
    /// begins to wait at `now` joins it behind all who have their priority. None: nobody has counted this line.
    pub fn enter(&self, queue: &QueueName, waiter: Waiter, now: Timestamp) -> Option<Ahead> {
        let mut book = self.change();
        let joins = waiter.since >= now && !book.standing.contains_key(&waiter.id);
        let ahead = book.ahead(queue, &waiter, joins)?;
        book.stands(waiter.id, Some((queue.clone(), waiter)), now);
        Some(ahead)
    }

    /// The same without joining it.
    pub fn place(&self, queue: &QueueName, waiter: Waiter) -> Option<Ahead> {
        self.book().ahead(queue, &waiter, false)
    }

    fn book(&self) -> RwLockReadGuard<'_, Book> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing panics while it changes; if anything did, the next count would put it right.
    fn change(&self) -> RwLockWriteGuard<'_, Book> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    /// What was counted.
    fn of(crowds: BTreeMap<QueueName, Crowd>) -> Self {
        let mut book = Self::default();
        for (queue, crowd) in crowds {
            let mut waiting: Vec<Waiter> = crowd.waiting.into_values().collect();
            waiting.sort_unstable_by_key(Waiter::order);
            let stands = |one: &Waiter| (one.id, (queue.clone(), *one));
            book.standing.extend(waiting.iter().map(stands));
            let pace = crowd.pace;
            book.lines.insert(queue, Line { waiting, pace });
        }
        book
    }

    fn stands(&mut self, id: ConversationId, place: Option<(QueueName, Waiter)>, now: Timestamp) {
        self.put(id, place.clone());
        self.moved.insert(id, (now, place));
    }

    fn put(&mut self, id: ConversationId, place: Option<(QueueName, Waiter)>) {
        if let Some((queue, waiter)) = self.standing.remove(&id)
            && let Some(line) = self.lines.get_mut(&queue)
            && let Ok(at) = line.place_of(&waiter)
        {
            line.waiting.remove(at);
        }
        if let Some((queue, waiter)) = place
            && let Some(line) = self.lines.get_mut(&queue)
            && let Err(at) = line.place_of(&waiter)
        {
            line.waiting.insert(at, waiter);
            self.standing.insert(id, (queue, waiter));
        }
    }

    /// Where `waiter` stands in the line of `queue`, or would stand if it `joins`.
    fn ahead(&self, queue: &QueueName, waiter: &Waiter, joins: bool) -> Option<Ahead> {
        let line = self.lines.get(queue)?;
        let before = line.waiting.partition_point(|one| match joins {
            true => one.priority >= waiter.priority,
            false => one.order() < waiter.order(),
        });
        // Whoever has become more or less urgent since they were counted is not before themselves.
        let known = self.standing.get(&waiter.id);
        let counted = known.is_some_and(|(of, one)| of == queue && one.order() < waiter.order());
        Some(Ahead {
            before: (before - usize::from(counted && !joins)) as u64,
            pace: line.pace,
        })
    }
}

impl Line {
    /// Where `waiter` stands, or else would stand.
    fn place_of(&self, waiter: &Waiter) -> Result<usize, usize> {
        self.waiting
            .binary_search_by_key(&waiter.order(), Waiter::order)
    }
}

/// They are a look at the moment and no rule of the house: two policies are the same whatever their lines hold.
impl PartialEq for Lines {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Lines({} queues)", self.book().lines.len())
    }
}

impl From<BTreeMap<QueueName, Crowd>> for Lines {
    fn from(crowds: BTreeMap<QueueName, Crowd>) -> Self {
        Self(Arc::new(RwLock::new(Book::of(crowds))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiter(n: u8, priority: u8, since: i64) -> Waiter {
        Waiter {
            id: ConversationId::from_bytes([n; 16]),
            priority,
            since: Timestamp::from_millis(since),
        }
    }

    fn counted() -> (Lines, QueueName) {
        let queue = QueueName::from("support");
        (
            BTreeMap::from([(queue.clone(), Crowd::default())]).into(),
            queue,
        )
    }

    fn before(ahead: Option<Ahead>) -> Option<u64> {
        ahead.map(|ahead| ahead.before)
    }

    #[test]
    fn nobody_is_told_a_place_that_somebody_has() {
        let (lines, queue) = counted();
        let now = Timestamp::from_millis(1_000);
        let threads: Vec<_> = (1..=8)
            .map(|n| {
                let (lines, queue) = (lines.clone(), queue.clone());
                // All in the same moment.
                std::thread::spawn(move || before(lines.enter(&queue, waiter(n, 0, 1_000), now)))
            })
            .collect();
        let places = threads.into_iter().map(|one| one.join().expect("no panic"));
        let mut places: Vec<_> = places.flatten().collect();
        places.sort_unstable();
        assert_eq!(places, (0..8).collect::<Vec<u64>>());
    }

    #[test]
    fn who_came_since_the_last_count_counts_until_a_count_knows_them() {
        let (lines, queue) = counted();
        let at = Timestamp::from_millis;
        assert_eq!(
            before(lines.enter(&queue, waiter(1, 0, 10), at(10))),
            Some(0)
        );
        let empty = BTreeMap::from([(queue.clone(), Crowd::default())]);
        lines.see(empty.clone(), at(1_000));
        assert_eq!(
            before(lines.enter(&queue, waiter(2, 0, 1_010), at(1_010))),
            Some(1)
        );
        // What no count confirms was never committed.
        lines.see(empty, at(3_500));
        assert_eq!(before(lines.place(&queue, waiter(3, 0, 3_600))), Some(1));
    }

    #[test]
    fn who_left_counts_no_more_and_asking_twice_changes_nothing() {
        let (lines, queue) = counted();
        let at = Timestamp::from_millis;
        lines.enter(&queue, waiter(1, 0, 10), at(10));
        for _ in 0..2 {
            let ahead = lines.enter(&queue, waiter(2, 0, 20), at(20));
            assert_eq!(before(ahead), Some(1));
        }
        lines.stands(waiter(1, 0, 10).id, None, at(30));
        assert_eq!(
            before(lines.enter(&queue, waiter(2, 0, 20), at(40))),
            Some(0)
        );
        // A transfer: out of one line, and into another that nobody counts.
        let elsewhere = Some((QueueName::from("sales"), waiter(2, 0, 20)));
        lines.stands(waiter(2, 0, 20).id, elsewhere, at(50));
        assert_eq!(before(lines.place(&queue, waiter(3, 0, 60))), Some(0));
    }

    #[test]
    fn priority_and_a_wait_that_began_earlier_come_first() {
        let (lines, queue) = counted();
        let at = Timestamp::from_millis;
        lines.enter(&queue, waiter(1, 0, 10), at(10));
        lines.enter(&queue, waiter(2, 0, 20), at(20));
        assert_eq!(
            before(lines.enter(&queue, waiter(3, 9, 30), at(30))),
            Some(0)
        );
        // Requeued with the clock it had: before the second, behind the urgent one and the first.
        assert_eq!(
            before(lines.enter(&queue, waiter(4, 0, 15), at(40))),
            Some(2)
        );
        // The second becomes the most urgent, and then less urgent than all: never one behind itself.
        assert_eq!(
            before(lines.enter(&queue, waiter(2, 99, 20), at(50))),
            Some(0)
        );
        assert_eq!(before(lines.place(&queue, waiter(2, 0, 20))), Some(3));
    }

    #[test]
    fn a_line_that_nobody_counted_is_told_to_nobody() {
        let lines = Lines::default();
        let (queue, now) = (QueueName::from("support"), Timestamp::from_millis(5));
        assert_eq!(lines.enter(&queue, waiter(1, 0, 5), now), None);
        assert!(!lines.are_counted());
    }
}

//! The lines in front of the queues, as they stand at this moment: what a decision asks when it tells a place.
//!
//! The shell counts the lines now and then ([`Lines::see`]) and says at once who came or went by a decision
//! ([`Lines::stands`]). Between two counts a decision that tells a place takes it in the same step
//! ([`Lines::enter`]), so that no two customers are told the same one, also where they ask in the same moment on two
//! threads. Asking twice gives the same answer. Nothing here is stored, decides who is served first, or reads a clock; a
//! queue that was never counted has no line, and replay sees none.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
pub struct Lines(Arc<Mutex<Book>>);

#[derive(Default)]
struct Book {
    crowds: BTreeMap<QueueName, Crowd>,
    /// Who came, moved or went by a decision that no count may know of yet: when, and where they stand since.
    moved: BTreeMap<ConversationId, (Timestamp, Option<(QueueName, Waiter)>)>,
}

impl Lines {
    /// The lines were counted at `now`. What was decided just before stays as it was decided.
    pub fn see(&self, crowds: BTreeMap<QueueName, Crowd>, now: Timestamp) {
        let mut book = self.book();
        book.crowds = crowds;
        let mut moved = std::mem::take(&mut book.moved);
        moved.retain(|_, (at, _)| *at + FRESH > now);
        for (id, (_, place)) in &moved {
            book.put(*id, place.clone());
        }
        book.moved = moved;
    }

    /// Whether any line has been counted.
    pub fn are_counted(&self) -> bool {
        !self.book().crowds.is_empty()
    }

    /// By a decision at `now` the conversation `id` stands here; none: in no line.
    pub fn stands(&self, id: ConversationId, place: Option<(QueueName, Waiter)>, now: Timestamp) {
        self.book().stands(id, place, now);
    }

    /// Where `waiter` stands in the line of `queue`. Whoever is in it already stands where they are served; whoever
    /// begins to wait at `now` joins it behind all who have their priority. None: nobody has counted this line.
    pub fn enter(&self, queue: &QueueName, waiter: Waiter, now: Timestamp) -> Option<Ahead> {
        let mut book = self.book();
        let crowd = book.crowds.get(queue)?;
        let joins = waiter.since >= now && !crowd.waiting.contains_key(&waiter.id);
        let before = crowd.before(&waiter, joins);
        let pace = crowd.pace;
        book.stands(waiter.id, Some((queue.clone(), waiter)), now);
        Some(Ahead { before, pace })
    }

    /// The same without joining it.
    pub fn place(&self, queue: &QueueName, waiter: Waiter) -> Option<Ahead> {
        let book = self.book();
        let crowd = book.crowds.get(queue)?;
        Some(Ahead {
            before: crowd.before(&waiter, false),
            pace: crowd.pace,
        })
    }

    /// Whoever left this half done left it whole all the same: every change is one step.
    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    fn stands(&mut self, id: ConversationId, place: Option<(QueueName, Waiter)>, now: Timestamp) {
        // Where nothing is told nothing is counted, and nothing is kept.
        if self.crowds.is_empty() {
            return;
        }
        self.put(id, place.clone());
        self.moved.insert(id, (now, place));
    }

    fn put(&mut self, id: ConversationId, place: Option<(QueueName, Waiter)>) {
        for crowd in self.crowds.values_mut() {
            crowd.waiting.remove(&id);
        }
        if let Some((queue, waiter)) = place
            && let Some(crowd) = self.crowds.get_mut(&queue)
        {
            crowd.waiting.insert(id, waiter);
        }
    }
}

impl Crowd {
    /// How many are served before `waiter`, or were there before it `joins`.
    fn before(&self, waiter: &Waiter, joins: bool) -> u64 {
        let ahead = |one: &&Waiter| match joins {
            true => one.priority >= waiter.priority,
            false => one.order() < waiter.order(),
        };
        let others = self.waiting.values().filter(|one| one.id != waiter.id);
        others.filter(ahead).count() as u64
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
        write!(f, "Lines({} queues)", self.book().crowds.len())
    }
}

impl From<BTreeMap<QueueName, Crowd>> for Lines {
    fn from(crowds: BTreeMap<QueueName, Crowd>) -> Self {
        let book = Book {
            crowds,
            moved: BTreeMap::new(),
        };
        Self(Arc::new(Mutex::new(book)))
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
    }

    #[test]
    fn a_line_that_nobody_counted_is_told_to_nobody() {
        let lines = Lines::default();
        let (queue, now) = (QueueName::from("support"), Timestamp::from_millis(5));
        assert_eq!(lines.enter(&queue, waiter(1, 0, 5), now), None);
        assert!(!lines.are_counted());
    }
}

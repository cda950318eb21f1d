//! The one wheel of deadlines of this process.
//!
//! Each commit tells it the conversation's new due time; it holds what is due within the next minutes and is refilled
//! from the store's due index. An alarm that comes early or stale finds nothing due and does no harm.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Notify;

use crate::clock::{Clock, Timestamp};
use crate::ids::{ByConversation, ConversationId};

/// How far ahead the wheel looks.
pub const HORIZON: Duration = Duration::from_secs(600);

/// See the head of this file.
#[derive(Clone)]
pub struct Wheel {
    inner: Arc<Inner>,
}

struct Inner {
    spokes: Mutex<Spokes>,
    moved: Notify,
    clock: Arc<dyn Clock>,
}

#[derive(Default)]
struct Spokes {
    order: BTreeSet<(Timestamp, ConversationId)>,
    due: ByConversation<Timestamp>,
}

impl Wheel {
    /// An empty wheel.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let inner = Inner {
            spokes: Mutex::default(),
            moved: Notify::new(),
            clock,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// `id` wants waking at `due` (or not at all).
    pub fn set(&self, id: ConversationId, due: Option<Timestamp>) {
        let near = due.filter(|due| *due <= self.inner.clock.now() + HORIZON);
        self.put(&mut self.lock(), id, near);
    }

    fn put(&self, spokes: &mut Spokes, id: ConversationId, near: Option<Timestamp>) {
        let first = spokes.order.first().copied();
        let old = match near {
            Some(due) => spokes.due.insert(id, due),
            None => spokes.due.remove(&id),
        };
        if old == near {
            return;
        }
        if let Some(old) = old {
            spokes.order.remove(&(old, id));
        }
        if let Some(due) = near {
            spokes.order.insert((due, id));
            if first.is_none_or(|(at, _)| due < at) {
                self.inner.moved.notify_one();
            }
        }
    }

    /// `id` may want waking at `due`, as an index said that was read a while ago: an earlier time that is known stands.
    pub fn remind(&self, id: ConversationId, due: Timestamp) {
        let mut spokes = self.lock();
        if spokes.due.get(&id).is_none_or(|known| due < *known) {
            self.put(&mut spokes, id, Some(due));
        }
    }

    /// When `id` wants waking, if that is within the horizon.
    pub fn due_of(&self, id: ConversationId) -> Option<Timestamp> {
        self.lock().due.get(&id).copied()
    }

    /// Takes out what is due, at most `limit`; waits until something is.
    pub async fn due(&self, limit: usize) -> Vec<ConversationId> {
        loop {
            let now = self.inner.clock.now();
            let (taken, next) = self.take(now, limit);
            if !taken.is_empty() {
                return taken;
            }
            let wait = next.map_or(HORIZON, |next| next.since(now));
            // Whole milliseconds are compared: sleeping one more spares a wake-up that is just too early.
            let wait = wait + Duration::from_millis(1);
            let _either = tokio::time::timeout(wait, self.inner.moved.notified()).await;
        }
    }

    fn take(&self, now: Timestamp, limit: usize) -> (Vec<ConversationId>, Option<Timestamp>) {
        let mut spokes = self.lock();
        let mut taken = Vec::new();
        while taken.len() < limit {
            match spokes.order.first().copied() {
                Some((due, id)) if due <= now => {
                    spokes.order.remove(&(due, id));
                    spokes.due.remove(&id);
                    taken.push(id);
                }
                Some((due, _)) => return (taken, Some(due)),
                None => return (taken, None),
            }
        }
        (taken, Some(now))
    }

    /// How many deadlines it holds.
    pub fn len(&self) -> usize {
        self.lock().order.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Spokes> {
        self.inner
            .spokes
            .lock()
            .expect("nobody panics while holding the wheel")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    fn id(n: u8) -> ConversationId {
        ConversationId::from_bytes([n; 16])
    }

    #[tokio::test]
    async fn gives_out_what_is_due_earliest_first_and_each_once() {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_000)));
        let wheel = Wheel::new(Arc::clone(&clock) as Arc<dyn Clock>);
        wheel.set(id(1), Some(Timestamp::from_millis(900)));
        wheel.set(id(2), Some(Timestamp::from_millis(500)));
        wheel.set(id(2), Some(Timestamp::from_millis(800)));
        wheel.set(id(3), Some(Timestamp::from_millis(700)));
        wheel.set(id(3), None);
        assert_eq!(wheel.due(10).await, [id(2), id(1)]);
        assert!(wheel.is_empty());
    }

    #[test]
    fn an_old_index_does_not_put_off_a_new_deadline() {
        let wheel = Wheel::new(Arc::new(ManualClock::at(Timestamp::from_millis(1_000))));
        wheel.set(id(1), Some(Timestamp::from_millis(3_000)));
        wheel.remind(id(1), Timestamp::from_millis(60_000));
        assert_eq!(wheel.due_of(id(1)), Some(Timestamp::from_millis(3_000)));
        wheel.remind(id(1), Timestamp::from_millis(2_000));
        assert_eq!(wheel.due_of(id(1)), Some(Timestamp::from_millis(2_000)));
        wheel.remind(id(2), Timestamp::from_millis(5_000));
        assert_eq!(wheel.len(), 2);
    }

    #[test]
    fn leaves_what_is_far_ahead_to_the_index() {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_000)));
        let wheel = Wheel::new(clock);
        wheel.set(id(1), Some(Timestamp::from_millis(1_001) + HORIZON));
        assert!(wheel.is_empty());
        wheel.set(id(1), Some(Timestamp::from_millis(1_000) + HORIZON));
        assert_eq!(wheel.len(), 1);
    }
}

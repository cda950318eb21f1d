//! What is due: follows the wheel, refills it from the store's index, and takes up what fell due while nobody ran.
//!
//! Nothing is decided here: whoever is due is told that a deadline may have passed.

use std::time::Duration;

use super::wheel::HORIZON;
use super::{Router, blocking};
use crate::clock::Timestamp;
use crate::conversation::event::Event;
use crate::conversation::words::ModeName;
use crate::conversation::{DOUBT, OVERDUE};
use crate::ids::ConversationId;

/// How many due conversations are woken in one go before others get their turn.
const DUE_AT_ONCE: usize = 256;
/// How often the wheel is refilled from the due index: well inside its horizon.
const REFILL_EVERY: Duration = Duration::from_secs(240);
/// How many rows of the due index are read at once.
const REFILL_PAGE: usize = 1_000;
/// After how long a conversation is woken whose keeper had to give up: the store needs a moment to open again.
const WAKE_AFTER: Duration = Duration::from_secs(1);
/// Whatever has a message open is due within the time after which it is repeated, or in doubt for good.
const OPEN_FOR: Duration = OVERDUE.saturating_add(DOUBT);
/// What is due within this time has been put on the wheel by the last refill, at the latest.
const NEAR: Duration = HORIZON.saturating_sub(REFILL_EVERY.saturating_add(Duration::from_secs(30)));
/// The pause between two groups of overdue conversations at the start.
const PACE: Duration = Duration::from_millis(5);

impl Router {
    /// Tells whoever is due, as long as the process runs.
    pub(super) async fn follow_wheel(self) {
        while !self.is_stopping() {
            for id in self.wheel().due(DUE_AT_ONCE).await {
                self.tell(id, Event::DeadlinePassed);
            }
            tokio::task::yield_now().await;
        }
    }

    /// Keeps the wheel filled from the due index. The first look also takes up what fell due while nobody was running,
    /// and whoever may have something open: a message whose outcome, or a question whose answer, died with the process
    /// must not wait for the deadline of an attempt that nobody makes any more.
    pub(super) async fn refill_wheel(self) {
        let mut overdue = self.fill_wheel(OPEN_FOR).await;
        self.wheel_is_filled();
        // Somebody waits for a person: that comes first.
        overdue.sort_by_key(|(at, _, mode)| (*mode != ModeName::Waiting, *at));
        for together in overdue.chunks(DUE_AT_ONCE) {
            together
                .iter()
                .for_each(|(_, id, _)| self.tell(*id, Event::DeadlinePassed));
            tokio::time::sleep(PACE).await;
        }
        while !self.is_stopping() {
            tokio::time::sleep(REFILL_EVERY).await;
            for (at, id, _) in self.fill_wheel(Duration::ZERO).await {
                self.wheel().remind(id, at);
            }
        }
    }

    /// Wakes `id` in a moment, whatever it wants: it may be owed something that nobody has on the wheel any more.
    pub(super) fn wake_soon(&self, id: ConversationId) {
        self.wheel().remind(id, self.clock().now() + WAKE_AFTER);
    }

    /// Whether something will wake `id`, which wants it at `due`: the wheel, or the due index that refills it.
    pub fn is_watched(&self, id: ConversationId, due: Option<Timestamp>) -> bool {
        let far = self.clock().now() + NEAR;
        due.is_some_and(|due| {
            due > far || self.wheel().due_of(id).is_some_and(|known| known <= due)
        })
    }

    /// Sees to it that `id` is woken at `due`; at once, if it has no time of its own.
    pub fn watch(&self, id: ConversationId, due: Option<Timestamp>) {
        let at = due.unwrap_or_else(|| self.clock().now());
        self.wheel().remind(id, at);
    }

    /// Whether `id` wants waking so soon that something may be open in it. Before the first look: perhaps.
    pub(super) fn is_due_soon(&self, id: ConversationId) -> bool {
        let soon = self.clock().now() + OPEN_FOR;
        !self.has_looked() || self.wheel().due_of(id).is_some_and(|due| due <= soon)
    }

    /// Puts what is due within the horizon on the wheel; returns what is due `early` from now, or is overdue.
    async fn fill_wheel(&self, early: Duration) -> Vec<(Timestamp, ConversationId, ModeName)> {
        let (now, mut after, mut overdue) = (self.clock().now(), None, Vec::new());
        loop {
            let store = self.store().clone();
            let page = blocking(move || store.due_before(now + HORIZON, after, REFILL_PAGE)).await;
            let page = match page {
                Ok(page) => page,
                Err(fault) => {
                    tracing::error!(%fault, "the due index cannot be read");
                    return overdue;
                }
            };
            let Some((at, id, _)) = page.last() else {
                return overdue;
            };
            after = Some((*at, *id));
            for row in page {
                if row.0 > now {
                    self.wheel().remind(row.1, row.0);
                }
                if row.0 <= now + early {
                    overdue.push(row);
                }
            }
        }
    }
}

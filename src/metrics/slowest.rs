//! The slowest of the last minutes: which conversations took longest from their mailbox to the disk.
//!
//! A few for each minute, for people who look at the status page; never a label. Nearly every event is faster than
//! those, and costs one comparison and no lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::clock::{Timestamp, monotonic};
use crate::ids::ConversationId;

/// How many are kept for each minute.
pub const KEPT: usize = 10;
/// How many minutes are kept.
pub const MINUTES: usize = 5;

/// One event that took long.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Slow {
    /// Whose. Tells nothing about the customer.
    pub conversation: String,
    /// What kind of event.
    pub event: &'static str,
    /// When it was done, as RFC 3339.
    pub at: String,
    /// From its mailbox to durable, in milliseconds.
    pub total_ms: u64,
    /// Of that, in the mailbox.
    pub waited_ms: u64,
    /// Of that, deciding.
    pub decided_ms: u64,
}

/// How long an event took.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Took {
    /// What kind of event.
    pub event: &'static str,
    /// In the mailbox.
    pub waited: Duration,
    /// Deciding.
    pub decided: Duration,
    /// From the mailbox to durable.
    pub total: Duration,
}

#[derive(Debug)]
struct Seen {
    id: ConversationId,
    ended: Instant,
    took: Took,
}

/// See the head of this file.
#[derive(Debug)]
pub(super) struct Slowest {
    began: Instant,
    /// What is faster than this, in microseconds, is not among the slowest of the current minute.
    floor: AtomicU64,
    /// The minute that the floor is of.
    minute: AtomicU64,
    minutes: Mutex<Vec<(u64, Vec<Seen>)>>,
}

fn micros(long: Duration) -> u64 {
    u64::try_from(long.as_micros()).unwrap_or(u64::MAX)
}

impl Default for Slowest {
    fn default() -> Self {
        Self {
            began: monotonic(),
            floor: AtomicU64::new(0),
            minute: AtomicU64::new(0),
            minutes: Mutex::default(),
        }
    }
}

impl Slowest {
    /// Minutes since the process began, from 1.
    fn minute_of(&self, at: Instant) -> u64 {
        at.saturating_duration_since(self.began).as_secs() / 60 + 1
    }

    /// An event ended that took this long.
    pub(super) fn took(&self, id: ConversationId, ended: Instant, took: Took) {
        let minute = self.minute_of(ended);
        let current = self.minute.load(Ordering::Relaxed) == minute;
        if current && micros(took.total) <= self.floor.load(Ordering::Relaxed) {
            return;
        }
        let mut minutes = self.minutes.lock().unwrap_or_else(PoisonError::into_inner);
        if minutes.last().is_none_or(|(last, _)| *last < minute) {
            minutes.push((minute, Vec::with_capacity(KEPT + 1)));
            if minutes.len() > MINUTES {
                minutes.remove(0);
            }
        }
        let Some((last, seen)) = minutes.last_mut() else {
            return;
        };
        seen.push(Seen { id, ended, took });
        seen.sort_by_key(|one| std::cmp::Reverse(one.took.total));
        seen.truncate(KEPT);
        let floor = match seen.last() {
            Some(least) if seen.len() == KEPT => micros(least.took.total),
            Some(_) | None => 0,
        };
        self.floor.store(floor, Ordering::Relaxed);
        self.minute.store(*last, Ordering::Relaxed);
    }

    /// The slowest of the last minutes, one line for each conversation, the slowest first. `now` is the same moment on
    /// the wall and on the monotonic clock.
    pub(super) fn list(&self, now: (Timestamp, Instant)) -> Vec<Slow> {
        let since = self.minute_of(now.1).saturating_sub(MINUTES as u64);
        let minutes = self.minutes.lock().unwrap_or_else(PoisonError::into_inner);
        let mut seen: Vec<&Seen> = minutes
            .iter()
            .filter(|(minute, _)| *minute > since)
            .flat_map(|(_, seen)| seen)
            .collect();
        seen.sort_by_key(|one| std::cmp::Reverse(one.took.total));
        let mut told: Vec<ConversationId> = Vec::new();
        seen.retain(|one| {
            let new = !told.contains(&one.id);
            told.push(one.id);
            new
        });
        seen.into_iter()
            .take(KEPT)
            .map(|one| one.told(now))
            .collect()
    }
}

impl Seen {
    fn told(&self, now: (Timestamp, Instant)) -> Slow {
        let ago = now.1.saturating_duration_since(self.ended);
        let millis = |long: Duration| u64::try_from(long.as_millis()).unwrap_or(u64::MAX);
        Slow {
            conversation: self.id.to_string(),
            event: self.took.event,
            at: (now.0 - ago).rfc3339(),
            total_ms: millis(self.took.total),
            waited_ms: millis(self.took.waited),
            decided_ms: millis(self.took.decided),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(slowest: &Slowest, minute: u64) -> Instant {
        slowest.began + Duration::from_secs(minute * 60)
    }

    fn took(slowest: &Slowest, n: u8, minute: u64, millis: u64) {
        let took = Took {
            event: "customer_wrote",
            waited: Duration::ZERO,
            decided: Duration::ZERO,
            total: Duration::from_millis(millis),
        };
        let id = ConversationId::from_bytes([n; 16]);
        slowest.took(id, at(slowest, minute), took);
    }

    fn check(slowest: &Slowest, minute: u64, wanted: &[u64]) {
        let now = (Timestamp::from_millis(9_000_000), at(slowest, minute));
        let told: Vec<u64> = slowest.list(now).iter().map(|one| one.total_ms).collect();
        assert_eq!(told, wanted);
    }

    #[test]
    fn the_slowest_stay_and_each_conversation_is_told_once() {
        let slowest = Slowest::default();
        for n in 0..30 {
            took(&slowest, n, 100, 10 + u64::from(n));
        }
        took(&slowest, 29, 100, 500);
        took(&slowest, 1, 100, 1);
        let wanted: Vec<u64> = [500].into_iter().chain((31..=38).rev()).collect();
        check(&slowest, 100, &wanted);
    }

    #[test]
    fn what_was_slow_long_ago_is_not_told() {
        let slowest = Slowest::default();
        took(&slowest, 1, 100, 900);
        took(&slowest, 2, 103, 5);
        check(&slowest, 103, &[900, 5]);
        check(&slowest, 106, &[5]);
        check(&slowest, 200, &[]);
    }
}

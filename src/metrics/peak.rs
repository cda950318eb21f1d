//! The busiest second: how many messages of customers were accepted in one second, as the trail dates them.
//!
//! A rate over a scrape or a minute flattens a short load; this keeps the count of each of the last seconds and tells
//! the largest. No lock: a slot holds its second and its count in one word. It never counts reports or what our own
//! side says.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::Timestamp;

/// So many seconds are looked back upon; scrapes must come at least this often to miss no peak.
const SECONDS: usize = 60;
/// Slots: more than the seconds looked back upon, so that a late commit does not fall on a newer second.
const SLOTS: usize = 64;
/// The low bits of a slot count; a million messages in a second are far beyond one process.
const COUNT_BITS: u32 = 20;
const COUNT_MAX: u64 = (1 << COUNT_BITS) - 1;

/// See the head of this file.
#[derive(Debug)]
pub(super) struct Peak([AtomicU64; SLOTS]);

impl Default for Peak {
    fn default() -> Self {
        Self([const { AtomicU64::new(0) }; SLOTS])
    }
}

impl Peak {
    /// A message of a customer was accepted at this time.
    pub(super) fn wrote(&self, at: Timestamp) {
        let second = second(at);
        let slot = &self.0[slot(second)];
        let count = |held: u64| match (held >> COUNT_BITS).cmp(&second) {
            std::cmp::Ordering::Less => Some((second << COUNT_BITS) | 1),
            std::cmp::Ordering::Equal => {
                Some(held.saturating_add(u64::from(held & COUNT_MAX < COUNT_MAX)))
            }
            // Of a minute ago or more: nobody looks at it any more.
            std::cmp::Ordering::Greater => None,
        };
        // Refused only where there is nothing to count.
        let _ = slot.fetch_update(Ordering::Relaxed, Ordering::Relaxed, count);
    }

    /// The most of one second, over the last minute before `now`.
    pub(super) fn of_last_minute(&self, now: Timestamp) -> u64 {
        let now = second(now);
        let held = self.0.iter().map(|slot| slot.load(Ordering::Relaxed));
        held.filter(|held| now.saturating_sub(held >> COUNT_BITS) < SECONDS as u64)
            .map(|held| held & COUNT_MAX)
            .max()
            .unwrap_or(0)
    }
}

fn second(at: Timestamp) -> u64 {
    u64::try_from(at.as_millis() / 1_000).unwrap_or(0)
}

fn slot(second: u64) -> usize {
    usize::try_from(second % SLOTS as u64).expect("less than the number of slots")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000 + millis)
    }

    #[test]
    fn the_busiest_second_of_the_last_minute_is_told() {
        let peak = Peak::default();
        assert_eq!(peak.of_last_minute(at(0)), 0);
        for (millis, times) in [(0, 3), (999, 2), (1_000, 4), (30_500, 1)] {
            (0..times).for_each(|_| peak.wrote(at(millis)));
        }
        let check = |now, expected| assert_eq!(peak.of_last_minute(at(now)), expected, "{now}");
        check(1_500, 5);
        check(59_999, 5);
        // The first second is out of sight, then the next, then all of them.
        check(60_000, 4);
        check(61_000, 1);
        check(89_999, 1);
        check(90_000, 0);
    }

    #[test]
    fn a_second_takes_the_place_of_one_long_ago_and_never_the_other_way_round() {
        let peak = Peak::default();
        let later = 1_000 * i64::try_from(SLOTS).expect("small");
        peak.wrote(at(0));
        peak.wrote(at(0));
        peak.wrote(at(later));
        assert_eq!(peak.of_last_minute(at(later)), 1);
        peak.wrote(at(0));
        assert_eq!(peak.of_last_minute(at(later)), 1);
    }
}

//! For a trouble that comes with every message: the log is told of it at once, then at most once a minute with how
//! often it has happened since. Whatever is down would fill the log otherwise, and push the rest off the status page.
//!
//! It reads no clock and writes no line: whoever holds it does.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Whoever reads the log needs to know it once in a while.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// One trouble. See the head of this file.
#[derive(Debug, Default)]
pub struct Seldom(Mutex<Lately>);

#[derive(Debug, Default)]
struct Lately {
    told: Option<Instant>,
    times: u64,
}

impl Seldom {
    /// It happened again; how often since the last line, where another line is due.
    pub fn happened(&self, now: Instant) -> Option<u64> {
        let mut lately = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lately.times += 1;
        let due = |told: Instant| now.saturating_duration_since(told) >= TELL_EVERY;
        if !lately.told.is_none_or(due) {
            return None;
        }
        lately.told = Some(now);
        Some(std::mem::take(&mut lately.times))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::monotonic;

    #[test]
    fn what_goes_on_is_told_once_a_minute_with_how_often_it_happened() {
        let (seldom, began) = (Seldom::default(), monotonic());
        let told = (0..150).filter_map(|s| seldom.happened(began + Duration::from_secs(s)));
        assert_eq!(told.collect::<Vec<_>>(), [1, 60, 60]);
    }
}

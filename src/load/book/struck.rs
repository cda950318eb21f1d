//! What was made to go wrong during a run, and what that excuses.
//!
//! A server that is killed does not know whether a provider took what it was just being told; it may tell it once more.
//! Nothing else is excused.

use std::time::{Duration, Instant};

use super::super::faults::Fault;
use super::Book;

/// Whatever a provider heard so long before a kill may not have been written down yet: the provider's own time to
/// answer, and a commit in a busy house.
const UNWRITTEN: Duration = Duration::from_secs(5);
/// What was on its way at a kill may still be heard so long after it.
const ON_ITS_WAY: Duration = Duration::from_secs(1);

/// Something that was made to go wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Struck {
    /// What.
    pub fault: Fault,
    /// When.
    pub at: Instant,
    /// How long the server was away, if it was killed and came back.
    pub away: Option<Duration>,
}

impl Book {
    /// This goes wrong from now on.
    pub fn spell(&mut self, fault: Fault, now: Instant) {
        let away = None;
        let at = now;
        self.spells.push(Struck { fault, at, away });
    }

    /// The server that was killed last is back.
    pub fn came_back(&mut self, away: Duration) {
        let mut kills = self.spells.iter_mut().rev();
        if let Some(kill) = kills.find(|struck| struck.fault == Fault::Kill) {
            kill.away = Some(away);
        }
    }

    /// A provider heard again what it had heard at `first`.
    pub(super) fn repeated(&mut self, first: Instant) {
        let excused = self.spells.iter().any(|struck| {
            struck.fault == Fault::Kill
                && first + UNWRITTEN >= struck.at
                && first <= struck.at + ON_ITS_WAY
        });
        match excused {
            true => self.checks.repeated_after_kill += 1,
            false => self.checks.duplicates += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::monotonic;

    #[test]
    fn only_what_was_on_its_way_at_a_kill_may_be_repeated() {
        let begun = monotonic();
        let check = |fault: Fault, heard: u64, duplicates: u64| {
            let after = |seconds| begun + Duration::from_secs(seconds);
            let mut book = Book::new(begun, Duration::from_secs(60), true, false);
            book.spell(fault, after(20));
            book.repeated(after(heard));
            assert_eq!(book.checks().duplicates, duplicates, "{fault:?} {heard}");
        };
        check(Fault::Kill, 18, 0);
        check(Fault::Kill, 20, 0);
        check(Fault::Kill, 10, 1);
        check(Fault::Kill, 25, 1);
        check(Fault::ProviderSlow, 20, 1);
    }
}

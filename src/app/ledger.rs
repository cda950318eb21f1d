//! The ledger of handoffs: what was requested less what ended must be what waits.
//!
//! Two ways that know nothing of each other: facts of the trail, added up as they are committed, and the board, which
//! is kept from the heads. A difference means that a promise was lost. It counts from the start of the process, from
//! what waited then.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use crate::conversation::trail::Fact;
use crate::store::Turn;

/// How often a look is repeated that met a commit half told.
const LOOKS: usize = 100;

/// See the head of this file.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Odd while a commit is being told.
    telling: AtomicU64,
    /// Promises that should be open.
    open: AtomicI64,
    /// What the last undisturbed look found.
    found: AtomicI64,
}

impl Ledger {
    /// So many waited when the process started.
    pub fn begin_with(&self, waiting: usize) {
        let waiting = i64::try_from(waiting).unwrap_or(i64::MAX);
        self.open.store(waiting, Ordering::Relaxed);
    }

    /// These turns are committed; `tell` tells whoever keeps the board.
    pub fn committed(&self, turns: &[Arc<Turn>], tell: impl FnOnce()) {
        self.telling.fetch_add(1, Ordering::AcqRel);
        let change: i64 = turns.iter().map(|turn| change(turn)).sum();
        if change != 0 {
            self.open.fetch_add(change, Ordering::Relaxed);
        }
        tell();
        self.telling.fetch_add(1, Ordering::AcqRel);
    }

    /// Promises that should be open less those that are, as `waiting` counts them on the board.
    pub fn imbalance(&self, waiting: impl Fn() -> usize) -> i64 {
        for _ in 0..LOOKS {
            let before = self.telling.load(Ordering::Acquire);
            let open = self.open.load(Ordering::Relaxed);
            let waiting = i64::try_from(waiting()).unwrap_or(i64::MAX);
            let after = self.telling.load(Ordering::Acquire);
            if before == after && before.is_multiple_of(2) {
                self.found.store(open - waiting, Ordering::Relaxed);
                break;
            }
            std::hint::spin_loop();
        }
        self.found.load(Ordering::Relaxed)
    }
}

fn change(turn: &Turn) -> i64 {
    let one = |fact: &Fact| {
        if let Fact::HandoffRequested { .. } = fact {
            1
        } else if let Fact::HandoffSettled { .. } = fact {
            -1
        } else {
            0
        }
    };
    turn.entries.iter().map(|entry| one(&entry.fact)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::conversation::message::Medium;
    use crate::conversation::trail::Entry;
    use crate::conversation::words::{ModeName, Settlement};
    use crate::ids::{ConversationId, HandoffId};
    use crate::store::Listing;

    fn turn(facts: Vec<Fact>) -> Arc<Turn> {
        let entry = |fact| Entry {
            n: 0,
            at: Timestamp::ZERO,
            policy: 0,
            rules: 1,
            fact,
        };
        Arc::new(Turn {
            conversation: ConversationId::from_bytes([1; 16]),
            medium: Medium::Http,
            was: ModeName::Waiting,
            rev: 1,
            head: Vec::new(),
            entries: facts.into_iter().map(entry).collect(),
            due: None,
            listing: Listing {
                mode: ModeName::Waiting,
                since: Timestamp::ZERO,
            },
            evicted: Vec::new(),
        })
    }

    #[test]
    fn a_promise_that_left_the_board_unsettled_is_missed() {
        let ledger = Ledger::default();
        ledger.begin_with(2);
        assert_eq!(ledger.imbalance(|| 2), 0);
        let settled = Fact::HandoffSettled {
            handoff: HandoffId(1),
            outcome: Settlement::Claimed,
            waited_ms: 1,
        };
        ledger.committed(&[turn(vec![settled])], || {});
        assert_eq!(ledger.imbalance(|| 1), 0);
        assert_eq!(ledger.imbalance(|| 0), 1);
    }

    #[test]
    fn a_look_into_the_middle_of_a_commit_finds_what_was_found_before() {
        let ledger = Ledger::default();
        ledger.committed(&[], || assert_eq!(ledger.imbalance(|| 7), 0));
        assert_eq!(ledger.imbalance(|| 7), -7);
    }
}

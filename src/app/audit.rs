//! The audit: does a clock watch everybody who waits for a person, and what is parked.
//!
//! "No ghost" rests on deadlines, so they are looked at from outside, again and again: whoever waits must have a time
//! at which something happens, and something that wakes them then. One who has not, twice in a row, is counted,
//! alarmed, and put on the wheel again. It decides nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::conversation::words::ModeName;
use crate::http::Doors;
use crate::ids::ConversationId;
use crate::metrics::ParkedFigure;
use crate::runtime::blocking;
use crate::store::Store;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(15);
/// Stands for "nothing is parked".
const NONE: i64 = i64::MAX;

/// What the last audit found.
#[derive(Debug)]
pub struct Audit {
    unwatched: AtomicU64,
    parked: AtomicU64,
    /// When the oldest parked thing was parked, in milliseconds.
    parked_at: AtomicI64,
}

impl Default for Audit {
    fn default() -> Self {
        Self {
            unwatched: AtomicU64::new(0),
            parked: AtomicU64::new(0),
            parked_at: AtomicI64::new(NONE),
        }
    }
}

impl Audit {
    /// Waiting handoffs that no clock watches.
    pub fn unwatched(&self) -> u64 {
        self.unwatched.load(Ordering::Relaxed)
    }

    /// What is parked, as of `now` in milliseconds.
    pub fn parked(&self, now: i64) -> ParkedFigure {
        let at = self.parked_at.load(Ordering::Relaxed);
        let millis = u64::try_from(now.saturating_sub(at)).unwrap_or(0);
        ParkedFigure {
            count: self.parked.load(Ordering::Relaxed),
            oldest: Duration::from_millis(if at == NONE { 0 } else { millis }),
        }
    }
}

/// Those that seemed to be watched by nobody, with their revision.
type Suspects = BTreeMap<ConversationId, u64>;

/// Looks until `stop`.
pub async fn run(doors: Doors, audit: Arc<Audit>, stop: CancellationToken) {
    let mut suspects = Suspects::new();
    loop {
        suspects = look(&doors, &audit, &suspects);
        count_parked(&doors, &audit).await;
        if tokio::time::timeout(EVERY, stop.cancelled()).await.is_ok() {
            return;
        }
    }
}

/// One that is being handled at this moment is on no wheel either: only who is met twice in the same state counts.
fn look(doors: &Doors, audit: &Audit, before: &Suspects) -> Suspects {
    let router = doors.runtime.router();
    let (mut suspects, mut unwatched) = (Suspects::new(), 0);
    for seen in doors.desk.board().all(ModeName::Waiting) {
        let (id, turn) = (seen.conversation_id(), seen.turn());
        if router.is_watched(id, turn.due) {
            continue;
        }
        if before.get(&id) == Some(&turn.rev) {
            unwatched += 1;
            tracing::error!(conversation = %id, due = ?turn.due, "no clock watches a waiting handoff; it is taken up");
            router.watch(id, turn.due);
        }
        suspects.insert(id, turn.rev);
    }
    audit.unwatched.store(unwatched, Ordering::Relaxed);
    suspects
}

async fn count_parked(doors: &Doors, audit: &Audit) {
    let store: Store = doors.runtime.store().clone();
    let read = blocking(move || Ok((store.parked_count()?, store.parked(0, 1)?))).await;
    match read {
        Ok((count, first)) => {
            let at = first.first().map_or(NONE, |oldest| oldest.at.as_millis());
            audit.parked.store(count, Ordering::Relaxed);
            audit.parked_at.store(at, Ordering::Relaxed);
        }
        Err(fault) => tracing::warn!(%fault, "what is parked cannot be counted just now"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_of_what_is_parked_is_that_of_the_oldest() {
        let audit = Audit::default();
        assert_eq!(audit.parked(5_000), ParkedFigure::default());
        audit.parked.store(3, Ordering::Relaxed);
        audit.parked_at.store(2_000, Ordering::Relaxed);
        let wanted = ParkedFigure {
            count: 3,
            oldest: Duration::from_secs(3),
        };
        assert_eq!(audit.parked(5_000), wanted);
    }
}

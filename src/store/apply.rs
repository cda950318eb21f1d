//! The applier: takes the tail, oldest first, into the state file, off the path of acknowledgements.
//!
//! A slice is a prefix of the tail in commit order: per conversation the latest head wins and all entries are kept, and
//! the position it reaches is written in the same transaction. Only after that commit does anything leave the tail.
//! A slice is all that has gathered, because a conversation that occurs often then costs once, and neighbours share a page.
//!
//! Pacing: a burst belongs to those who wait for an acknowledgement. While there is traffic, what is committed gathers
//! until the tail is [half full](CALM) or a turn has waited for [`LINGER`]: a slice then costs less a turn, too. Beyond
//! that the applier rests the less the fuller the tail is, so the two find a balance by themselves. With nobody
//! committing it works until nothing is left, and then forgets what [retention](super::retention) wants forgotten: a slice of that also follows a
//! slice of the journal while the tail is small, and counts as work. A full disk stops it, and so in time (the tail is bounded) new inbound; it does not stop reading.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::Turn;
use super::disk::{Fault, NotOpened};
use super::retention::Sweeper;
use super::shared::{Phase, Shared};
use super::slice::{self, Change};
use super::tail::Group;
use super::writer::Message;
use crate::clock::monotonic;

/// Turns in one slice at most. Neighbours and repetitions share pages: the larger a slice, the less a turn costs; but
/// its dirty pages stay in memory until its commit.
const SLICE_MAX: usize = 32 * 1_024;
/// Below this fill (thousandths) the applier holds back for the sake of acknowledgements.
const CALM: u64 = 500;
/// From this fill (thousandths) on it never rests: just before new inbound is slowed.
const PRESSED: u64 = 700;
/// No commit for so long means that nobody is waiting for the disk.
const IDLE: Duration = Duration::from_millis(200);
/// The longest that a turn waits in a calm tail for others to share its slice. Reads look into the tail first, so
/// nobody sees the difference.
const LINGER: Duration = Duration::from_secs(10);
/// The longest rest after a slice.
const REST_MOST: Duration = Duration::from_secs(1);
/// How often a resting applier looks up.
const LOOK: Duration = Duration::from_millis(50);
/// How long to wait before a failed state file is tried again, at first and at most.
const RETRY_FIRST: Duration = Duration::from_millis(100);
const RETRY_MOST: Duration = Duration::from_secs(5);

/// The applier's thread: works until it is told to stop. What is unapplied then stays in the journal.
pub fn run(shared: &Arc<Shared>) {
    if catch_unwind(AssertUnwindSafe(|| serve(shared))).is_err() {
        shared.fatal("the applier panicked");
    }
}

fn serve(shared: &Shared) {
    let mut waiting: Option<Instant> = None;
    let mut retry = RETRY_FIRST;
    let mut sweeper = Sweeper::new();
    while !shared.applier_stop.load(Ordering::Acquire) && shared.phase() != Phase::Broken {
        let records = shared.tail().records();
        if records == 0 && !shared.state.is_spent() {
            waiting = None;
            if !sweeper.step(shared) {
                sleep_until_commit(shared);
            }
            continue;
        }
        let since = *waiting.get_or_insert_with(monotonic);
        let urgent = shared.fill() >= CALM
            || shared.quiet_for() >= IDLE
            || since.elapsed() >= LINGER
            || shared.state.is_spent();
        if !urgent {
            thread::park_timeout(LOOK);
            continue;
        }
        let started = monotonic();
        match apply_slice(shared) {
            Ok(_) => {
                waiting = None;
                retry = RETRY_FIRST;
                // Where traffic never ceases the tail is never empty, and yet there is time for it.
                if shared.fill() < CALM {
                    sweeper.step(shared);
                }
                rest(shared, started.elapsed());
            }
            Err(Fault::Broken(why)) => shared.fatal(&format!("the state file failed: {why}")),
            Err(fault) => {
                tracing::error!(%fault, "the journal cannot be applied for now");
                thread::park_timeout(retry);
                retry = (retry * 2).min(RETRY_MOST);
            }
        }
    }
}

fn sleep_until_commit(shared: &Shared) {
    shared.applier_asleep.store(true, Ordering::Release);
    // A commit between the look and the flag would go unnoticed: look once more under the flag.
    if shared.tail().records() == 0 && !shared.applier_stop.load(Ordering::Acquire) {
        thread::park_timeout(Duration::from_secs(1));
    }
    shared.applier_asleep.store(false, Ordering::Release);
}

/// Leaves the disk and the processor to acknowledgements for a while, in proportion to the work just done.
fn rest(shared: &Shared, worked: Duration) {
    let fill = shared.fill();
    let quiet = shared.quiet_for() >= IDLE;
    if fill >= PRESSED || quiet {
        return;
    }
    let times = if fill < CALM {
        4
    } else {
        // From three times down to none between CALM and PRESSED.
        u32::try_from(3 * (PRESSED - fill) / (PRESSED - CALM)).unwrap_or(0)
    };
    let until = monotonic() + (worked * times).min(REST_MOST);
    while shared.quiet_for() < IDLE && !shared.applier_stop.load(Ordering::Acquire) {
        let left = until.saturating_duration_since(monotonic());
        if left.is_zero() {
            return;
        }
        thread::park_timeout(left.min(LOOK));
    }
}

/// Applies everything that is committed when it is called, or until `deadline`. Answers whether all of it is applied.
pub(super) fn apply_all(shared: &Shared, deadline: Option<Instant>) -> Result<bool, Fault> {
    let last = shared.tail().last();
    while shared.tail().applied() < last {
        if deadline.is_some_and(|deadline| monotonic() >= deadline) {
            return Ok(false);
        }
        if !apply_slice(shared)? {
            break;
        }
    }
    Ok(true)
}

/// Applies one slice. Answers whether there was one.
pub(super) fn apply_slice(shared: &Shared) -> Result<bool, Fault> {
    let _one = shared
        .applying
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    if shared.state.is_spent() {
        shared.state.reopen().map_err(|error| match error {
            NotOpened::InUse => Fault::Spent("another process holds the state file".to_owned()),
            NotOpened::Fault(fault) => fault,
        })?;
    }
    // The disk may hold more than we know of: a commit whose outcome was unknown.
    let applied = shared.state.read(super::state::applied)?;
    release(shared, applied);
    let groups = shared.tail().prefix(SLICE_MAX);
    let Some(upto) = groups.last().map(|group| group.seq) else {
        return Ok(false);
    };
    let changes = coalesce(&groups);
    drop(groups);
    let now = shared.clock.now();
    let damaged = shared
        .state
        .write(|txn| slice::write(txn, &changes, upto, now))?;
    for (id, why) in damaged {
        tracing::error!(conversation = %id, why, "a head was unreadable and was replaced by a newer one; what stood there is parked");
    }
    release(shared, upto);
    Ok(true)
}

/// Lets what is applied leave the tail, group by group, so that nobody waits long for its lock.
fn release(shared: &Shared, upto: u64) {
    if upto <= shared.applied() {
        return;
    }
    shared.change_tail(|tail| tail.mark_applied(upto));
    while let Some(group) = shared.change_tail(super::tail::Tail::release) {
        // Freed here, outside the lock.
        drop(group);
    }
    shared.set_applied(upto);
    // If the queue is full the writer is busy, and trims by itself.
    let _ = shared.queue.try_send(Message::Applied);
}

/// The changes of `groups` by conversation, in the order of their keys.
fn coalesce(groups: &[Arc<Group>]) -> Vec<Change> {
    let mut changes: HashMap<_, Change> = HashMap::new();
    for group in groups {
        for turn in &group.turns {
            let change = changes
                .entry(turn.conversation)
                .or_insert_with(|| Change::of(turn.conversation));
            take(change, turn);
            change.at = group.at;
        }
    }
    let mut changes: Vec<Change> = changes.into_values().collect();
    changes.sort_unstable_by_key(|change| change.conversation);
    changes
}

fn take(change: &mut Change, turn: &Arc<Turn>) {
    change.turns.push(Arc::clone(turn));
}

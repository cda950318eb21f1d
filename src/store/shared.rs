//! What the doors, the writer and the applier share. Only this room touches the atomics' meaning.
//!
//! The *generation* fences: an actor reads it before it loads, and hands it in with every turn. It grows whenever a
//! commit failed or was refused, so nothing that was decided upon a lost turn can be committed after it. It grows
//! once more when the store recovers, because what was loaded in between may have been decided upon refused turns.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::thread::Thread;
use std::time::{Duration, Instant};

use super::disk::{Disk, Fault, Space};
use super::state::State;
use super::tail::Tail;
use super::writer::Message;
use super::{CommitError, LoadError, Observer};
use crate::clock::{Clock, monotonic};

/// Whether commits are taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Phase {
    /// Yes.
    Open = 0,
    /// A commit failed, and whether it landed is not known yet: nothing is read either.
    Unknown = 1,
    /// There is no room for commits; everything can be read.
    Full = 2,
    /// The store was shut down.
    Closed = 3,
    /// The disk failed: the process must end.
    Broken = 4,
}

/// See the head of this file.
pub struct Shared {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) state: State,
    pub(super) space: Space,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) observer: Arc<dyn Observer>,
    pub(super) on_fatal: Arc<dyn Fn(String) + Send + Sync>,
    pub(super) queue: SyncSender<Message>,
    pub(super) queued: AtomicUsize,
    pub(super) tail_bytes_max: u64,
    pub(super) free_bytes_min: u64,
    pub(super) retention: Option<Duration>,
    pub(super) key: [u8; 32],
    pub(super) incarnation: u64,
    pub(super) applier: OnceLock<Thread>,
    pub(super) applier_asleep: AtomicBool,
    pub(super) applier_stop: AtomicBool,
    /// Held while a slice is applied: there is one applier at a time.
    pub(super) applying: Mutex<()>,
    tail: Mutex<Tail>,
    tail_bytes: AtomicU64,
    generation: AtomicU64,
    phase: AtomicU8,
    applied: AtomicU64,
    started: Instant,
    committed_ms: AtomicI64,
}

/// What `Shared::new` is made of.
pub struct Parts {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) state: State,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) observer: Arc<dyn Observer>,
    pub(super) on_fatal: Arc<dyn Fn(String) + Send + Sync>,
    pub(super) queue: SyncSender<Message>,
    pub(super) tail_bytes_max: u64,
    pub(super) free_bytes_min: u64,
    pub(super) retention: Option<Duration>,
    pub(super) key: [u8; 32],
    pub(super) incarnation: u64,
    pub(super) tail: Tail,
}

impl Shared {
    pub(super) fn new(parts: Parts) -> Self {
        Self {
            space: Space::on(Arc::clone(&parts.disk)),
            disk: parts.disk,
            state: parts.state,
            clock: parts.clock,
            observer: parts.observer,
            on_fatal: parts.on_fatal,
            queue: parts.queue,
            queued: AtomicUsize::new(0),
            tail_bytes_max: parts.tail_bytes_max.max(1),
            free_bytes_min: parts.free_bytes_min,
            retention: parts.retention,
            key: parts.key,
            incarnation: parts.incarnation,
            applier: OnceLock::new(),
            applier_asleep: AtomicBool::new(false),
            applier_stop: AtomicBool::new(false),
            applying: Mutex::new(()),
            tail_bytes: AtomicU64::new(parts.tail.bytes()),
            applied: AtomicU64::new(parts.tail.applied()),
            tail: Mutex::new(parts.tail),
            generation: AtomicU64::new(1),
            phase: AtomicU8::new(Phase::Open as u8),
            started: monotonic(),
            committed_ms: AtomicI64::new(0),
        }
    }

    /// The tail. Never held across I/O or a call to somebody else.
    pub(super) fn tail(&self) -> MutexGuard<'_, Tail> {
        self.tail
            .lock()
            .expect("nothing that can panic happens under the tail's lock")
    }

    /// Changes the tail and keeps the figure that is read without its lock.
    pub(super) fn change_tail<T>(&self, change: impl FnOnce(&mut Tail) -> T) -> T {
        let mut tail = self.tail();
        let value = change(&mut tail);
        self.tail_bytes.store(tail.bytes(), Ordering::Relaxed);
        value
    }

    /// How full the tail is, in thousandths of its limit. May be above 1,000: results and deadlines still pass.
    pub(super) fn fill(&self) -> u64 {
        self.tail_bytes
            .load(Ordering::Relaxed)
            .saturating_mul(1_000)
            / self.tail_bytes_max
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Fences everything that was decided until now.
    pub(super) fn fence(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Open,
            1 => Phase::Unknown,
            2 => Phase::Full,
            3 => Phase::Closed,
            _ => Phase::Broken,
        }
    }

    /// Enters `phase`, unless the store is past everything already: a broken or closed store stays so.
    pub(super) fn enter(&self, phase: Phase) {
        let _ = self
            .phase
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |now| {
                let over = now == Phase::Broken as u8
                    || (now == Phase::Closed as u8 && phase != Phase::Broken);
                (!over).then_some(phase as u8)
            });
    }

    /// Everything fails from now on, and the process is told to end. Once.
    pub(super) fn fatal(&self, why: &str) {
        if self.phase() != Phase::Broken {
            self.enter(Phase::Broken);
            self.fence();
            tracing::error!(why, "the store cannot go on");
            (self.on_fatal)(why.to_owned());
        }
    }

    /// What is answered to a turn of `generation` while no commits are taken.
    pub(super) fn refusal(&self, generation: u64) -> CommitError {
        match self.phase() {
            Phase::Open | Phase::Unknown | Phase::Full if generation != self.generation() => {
                CommitError::Fenced
            }
            Phase::Open | Phase::Unknown | Phase::Full => CommitError::Full,
            Phase::Closed | Phase::Broken => CommitError::Retry,
        }
    }

    pub(super) fn applied(&self) -> u64 {
        self.applied.load(Ordering::Acquire)
    }

    pub(super) fn set_applied(&self, seq: u64) {
        self.applied.store(seq, Ordering::Release);
    }

    /// Notes that a commit was just made, and wakes the applier if it sleeps.
    pub(super) fn note_commit(&self) {
        self.committed_ms
            .store(self.since_start(), Ordering::Relaxed);
        if self.applier_asleep.swap(false, Ordering::AcqRel) {
            self.wake_applier();
        }
    }

    pub(super) fn wake_applier(&self) {
        if let Some(thread) = self.applier.get() {
            thread.unpark();
        }
    }

    /// How long ago the last commit was made.
    pub(super) fn quiet_for(&self) -> Duration {
        let ms = self.since_start() - self.committed_ms.load(Ordering::Relaxed);
        Duration::from_millis(u64::try_from(ms).unwrap_or(0))
    }

    fn since_start(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    /// Refuses reading while nobody knows what is committed.
    pub(super) fn readable(&self) -> Result<(), LoadError> {
        match self.phase() {
            Phase::Open | Phase::Full => Ok(()),
            Phase::Unknown => Err(LoadError::Retry("the journal is being reopened".to_owned())),
            Phase::Closed => Err(LoadError::Retry("the store is shut down".to_owned())),
            Phase::Broken => Err(LoadError::Retry("the disk failed".to_owned())),
        }
    }

    /// What a fault of the state file means to a reader; the applier is told if the handle must be replaced.
    pub(super) fn unread(&self, fault: Fault) -> LoadError {
        self.applier_asleep.store(false, Ordering::Release);
        self.wake_applier();
        match fault {
            Fault::Corrupt(_) | Fault::Newer { .. } => LoadError::Corrupt(fault.to_string()),
            Fault::Full | Fault::Spent(_) => LoadError::Retry(fault.to_string()),
            Fault::Broken(ref why) => {
                self.fatal(why);
                LoadError::Retry(fault.to_string())
            }
        }
    }
}

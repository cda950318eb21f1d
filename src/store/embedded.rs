//! [`Store`]: the embedded engine's doors.
//!
//! Opening checks that the two files belong together, reads the unapplied tail into memory and starts two threads.
//! Submitting never waits; reading blocks for as long as the disk takes, so it is called from a blocking-safe place.
//! A store is cheap to clone; the last clone to go closes it, without applying the tail (it stays in the journal).

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::disk::{DataFile, Directory, Disk, Fault};
use super::recovery::{self, OpenError, Recovered, random};
use super::shared::{Parts, Phase, Shared};
use super::writer::{Message, Submission, Writer};
use super::{CommitError, Observer, OnCommit, Turn, apply, retention};
use crate::clock::{Clock, SystemClock, Timestamp, monotonic};

/// Submissions that can be queued. Admission permits bound what comes from outside far below that, so it is never
/// reached; if it is, the submission is refused and everything decided so far is fenced.
pub const QUEUE_MAX: usize = 65_536;
/// How the store is set up.
#[derive(Clone)]
pub struct Options {
    /// Memory for both files' caches together, in MiB.
    pub cache_mb: usize,
    /// The unapplied tail: above three quarters new inbound is slowed, at this many bytes refused.
    pub tail_bytes_max: u64,
    /// Below so much free space new inbound is refused. 0: never.
    pub free_bytes_min: u64,
    /// Conversations that have been closed for longer than this are forgotten; none: they are kept.
    pub retention: Option<Duration>,
    /// Whether the tail is applied by a thread of its own. Tests say no, and call [`Store::settle`].
    pub apply: bool,
    /// The time that is written down.
    pub clock: Arc<dyn Clock>,
    /// Told once, when the disk has failed and the process must end.
    pub on_fatal: Arc<dyn Fn(String) + Send + Sync>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cache_mb: 256,
            tail_bytes_max: 128 * 1024 * 1024,
            free_bytes_min: 256 * 1024 * 1024,
            retention: None,
            apply: true,
            clock: Arc::new(SystemClock::start()),
            on_fatal: Arc::new(|_| {}),
        }
    }
}

/// How hard the tail presses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pressure {
    /// Not at all.
    Open,
    /// Above three quarters: slow new inbound down.
    Slow,
    /// At the limit: refuse new inbound. Results, agents and deadlines still pass.
    Refuse,
}

/// Figures for gauges.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TailFigures {
    /// Bytes of the unapplied tail.
    pub bytes: u64,
    /// Turns in it.
    pub records: u64,
    /// Conversations in it.
    pub conversations: u64,
    /// The state holds everything up to this position.
    pub applied_seq: u64,
    /// The newest commit.
    pub last_seq: u64,
    /// Submissions waiting for the writer.
    pub pending_submits: u64,
    /// When the oldest turn in the tail was committed.
    pub oldest: Option<Timestamp>,
    /// Size of `journal.redb`.
    pub journal_file_bytes: u64,
    /// Size of `state.redb`.
    pub state_file_bytes: u64,
}

/// See the head of this file.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    threads: Mutex<Threads>,
}

#[derive(Default)]
struct Threads {
    writer: Option<JoinHandle<()>>,
    applier: Option<JoinHandle<()>>,
}

impl Store {
    /// Opens the store in `dir`, which is made if it is absent.
    ///
    /// # Errors
    /// [`OpenError`]; its text says how to mend it.
    pub fn open(
        dir: &Path,
        options: Options,
        observer: Arc<dyn Observer>,
    ) -> Result<(Self, Recovered), OpenError> {
        let disk = Directory::at(dir).map_err(|error| OpenError::Io(error.to_string()))?;
        Self::open_on(Arc::new(disk), options, observer)
    }

    /// Opens the store on any [`Disk`].
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_on(
        disk: Arc<dyn Disk>,
        options: Options,
        observer: Arc<dyn Observer>,
    ) -> Result<(Self, Recovered), OpenError> {
        let found = recovery::open(&disk, options.cache_mb, options.free_bytes_min)?;
        let next = found.tail.last() + 1;
        let (queue, queued) = sync_channel(QUEUE_MAX);
        let shared = Arc::new(Shared::new(Parts {
            disk,
            state: found.state,
            clock: options.clock,
            observer,
            on_fatal: options.on_fatal,
            queue,
            tail_bytes_max: options.tail_bytes_max,
            free_bytes_min: options.free_bytes_min,
            retention: options.retention,
            key: found.key,
            incarnation: u64::from_le_bytes(random().map_err(OpenError::Io)?),
            tail: found.tail,
        }));
        let writer = Writer::new(Arc::clone(&shared), found.journal, queued, next);
        let mut threads = Threads {
            writer: Some(spawn("store-writer", move || writer.run())?),
            applier: None,
        };
        if options.apply {
            let applier = Arc::clone(&shared);
            let handle = spawn("store-applier", move || apply::run(&applier))?;
            // The thread looks before it sleeps, so a commit in between is not missed for longer than a second.
            let _ = shared.applier.set(handle.thread().clone());
            threads.applier = Some(handle);
        }
        let inner = Inner {
            shared,
            threads: Mutex::new(threads),
        };
        Ok((
            Self {
                inner: Arc::new(inner),
            },
            found.recovered,
        ))
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.inner.shared
    }

    /// The store's secret: what [`crate::ids::ConversationId::derive`] wants. Drawn once, when the store is made.
    pub fn key(&self) -> &[u8; 32] {
        &self.shared().key
    }

    /// A number drawn at random with every opening: event ids carry it.
    pub fn incarnation(&self) -> u64 {
        self.shared().incarnation
    }

    /// The generation to submit under. Read it *before* loading what the turns are decided on.
    pub fn generation(&self) -> u64 {
        self.shared().generation()
    }

    /// Hands in turns to be committed atomically; `done` hears of it. Never waits. No turns: a barrier, which
    /// completes once everything submitted before is durable.
    ///
    /// Whoever hears an error must give up the state that the turns were decided on, and load again under the newest
    /// generation.
    pub fn submit(&self, turns: Vec<Turn>, generation: u64, done: OnCommit) {
        let shared = self.shared();
        if shared.phase() != Phase::Open {
            return done(Err(shared.refusal(generation)));
        }
        let submission = Submission::new(turns, generation, done);
        shared.queued.fetch_add(1, Ordering::Relaxed);
        if let Err(error) = shared.queue.try_send(Message::Submit(submission)) {
            shared.queued.fetch_sub(1, Ordering::Relaxed);
            let (message, why) = match error {
                TrySendError::Full(message) => {
                    // What was decided upon this turn may be on its way already: it must not be taken without it.
                    shared.fence();
                    (message, CommitError::Full)
                }
                TrySendError::Disconnected(message) => (message, CommitError::Retry),
            };
            if let Message::Submit(submission) = message {
                submission.complete(Err(why));
            }
        }
    }

    /// Whether new inbound is taken: false below the free-space watermark.
    pub fn accepting(&self) -> bool {
        self.shared().space.free_bytes() >= self.shared().free_bytes_min
    }

    /// Room left on the disk, not older than a second; none where the system does not tell.
    pub fn free_bytes(&self) -> Option<u64> {
        Some(self.shared().space.free_bytes()).filter(|free| *free != u64::MAX)
    }

    /// Whether commits are taken and conversations can be read.
    pub fn healthy(&self) -> bool {
        self.shared().phase() == Phase::Open && !self.shared().state.is_spent()
    }

    /// How hard the unapplied tail presses.
    pub fn pressure(&self) -> Pressure {
        match self.shared().fill() {
            0..=750 => Pressure::Open,
            751..1_000 => Pressure::Slow,
            1_000.. => Pressure::Refuse,
        }
    }

    /// Figures for gauges. Asks the file system for two sizes.
    pub fn tail(&self) -> TailFigures {
        let shared = self.shared();
        let mut figures = {
            let tail = shared.tail();
            TailFigures {
                bytes: tail.bytes(),
                records: tail.records(),
                conversations: tail.conversations(),
                applied_seq: tail.applied(),
                last_seq: tail.last(),
                oldest: tail.oldest(),
                ..TailFigures::default()
            }
        };
        figures.pending_submits = shared.queued.load(Ordering::Relaxed) as u64;
        figures.journal_file_bytes = shared.disk.size(DataFile::Journal);
        figures.state_file_bytes = shared.disk.size(DataFile::State);
        figures
    }

    /// Applies everything that is committed by now, in this thread. For tests, and before the files are copied.
    ///
    /// # Errors
    /// [`Fault`]; what is not applied stays in the tail.
    pub fn settle(&self) -> Result<(), Fault> {
        apply::apply_all(self.shared(), None).map(|_| ())
    }

    /// Forgets, in this thread, every conversation that has been closed for longer than [`Options::retention`] and is
    /// applied; answers how many. The applier does the same by itself when there is time. For tests and commands.
    ///
    /// # Errors
    /// [`Fault`]; what is not forgotten yet is whole, apart from the beginning of at most one trail.
    pub fn forget_expired(&self) -> Result<u64, Fault> {
        retention::sweep_all(self.shared())
    }

    /// Ends in order: takes nothing new, answers what was submitted, applies the tail for at most `within`, closes the
    /// files. Answers how many turns stayed in the journal; they are applied after the next start.
    pub fn shutdown(&self, within: Duration) -> u64 {
        let deadline = monotonic() + within;
        self.stop_threads();
        let shared = self.shared();
        if let Err(fault) = apply::apply_all(shared, Some(deadline)) {
            tracing::warn!(%fault, "the tail could not be applied before closing");
        }
        shared.state.close();
        shared.tail().records()
    }

    fn stop_threads(&self) {
        self.inner.stop_threads();
    }
}

impl Inner {
    fn stop_threads(&self) {
        let shared = &self.shared;
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        shared.enter(Phase::Closed);
        shared.applier_stop.store(true, Ordering::Release);
        shared.wake_applier();
        stop_writer(&shared.queue);
        // The last clone may be dropped by what the writer calls: a thread does not wait for itself.
        let me = thread::current().id();
        for handle in [threads.writer.take(), threads.applier.take()]
            .into_iter()
            .flatten()
        {
            if handle.thread().id() != me {
                // A thread that panicked has reported it already.
                let _ = handle.join();
            }
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop_threads();
    }
}

/// The queue may be full for a moment; the writer empties it.
fn stop_writer(queue: &SyncSender<Message>) {
    // An error says that the writer is gone already.
    let _ = queue.send(Message::Stop);
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, OpenError> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(|error| OpenError::Io(error.to_string()))
}

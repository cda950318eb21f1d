//! The one thread that commits.
//!
//! It takes what is queued, up to [`GROUP_RECORDS_MAX`] or [`GROUP_BYTES_MAX`], and makes it durable as one row. There
//! is no time window: while one group is being written the next one gathers by itself, and waiting longer only makes
//! everybody wait. After the commit, in this order: the tail, the observer, those who asked.
//!
//! A commit that fails answers `Unknown` to its group and fences everything decided before. No room on the disk is
//! survived: the journal is opened again, the newest row tells whether the group landed, and the disk is tried until
//! it takes a commit; meanwhile everything is answered `Full`. Any other failure of the disk ends the store.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::disk::{Fault, NotOpened};
use super::journal::Journal;
use super::shared::{Phase, Shared};
use super::tail::{Group, TURN_BYTES};
use super::{CommitError, OnCommit, Position, Turn};
use crate::clock::monotonic;
use crate::ids::ByConversation;

/// Most turns in a group: above this a larger group no longer costs less per turn.
pub const GROUP_RECORDS_MAX: usize = 512;
/// Most bytes in a group, so that a run of large heads does not make one slow commit.
pub const GROUP_BYTES_MAX: usize = 1024 * 1024;
/// How long nobody must have asked for a commit before the journal is trimmed in a commit of its own.
const IDLE: Duration = Duration::from_millis(200);
/// How long to wait before the disk is tried again, at first and at most.
const RETRY_FIRST: Duration = Duration::from_millis(50);
const RETRY_MOST: Duration = Duration::from_secs(2);

/// What the writer is told.
pub enum Message {
    /// Commit this.
    Submit(Submission),
    /// The state has applied more: rows can be trimmed.
    Applied,
    /// Answer everything that came before, then end.
    Stop,
}

/// What somebody wants committed. It is answered exactly once, even if the writer dies.
pub struct Submission {
    /// The turns; none: a barrier.
    pub turns: Vec<Arc<Turn>>,
    /// The same as bytes.
    pub records: Vec<Vec<u8>>,
    /// The generation they were decided under.
    pub generation: u64,
    done: Option<OnCommit>,
    /// The answer if it is dropped.
    fate: CommitError,
}

impl Submission {
    /// A submission that tells `done`.
    pub fn new(turns: Vec<Turn>, generation: u64, done: OnCommit) -> Self {
        let records = turns.iter().map(super::format::encode_record).collect();
        Self {
            turns: turns.into_iter().map(Arc::new).collect(),
            records,
            generation,
            done: Some(done),
            fate: CommitError::Retry,
        }
    }

    /// Tells what became of it.
    pub fn complete(mut self, result: Result<Position, CommitError>) {
        self.tell(result);
    }

    fn tell(&mut self, result: Result<Position, CommitError>) {
        if let Some(done) = self.done.take() {
            // Somebody else's code: its panic must cost neither the writer nor the others of the group.
            if catch_unwind(AssertUnwindSafe(|| done(result))).is_err() {
                tracing::error!("being told of a commit panicked");
            }
        }
    }

    fn bytes(&self) -> usize {
        self.records.iter().map(Vec::len).sum()
    }
}

impl Drop for Submission {
    fn drop(&mut self) {
        self.tell(Err(self.fate));
    }
}

/// The writer's thread.
pub struct Writer {
    shared: Arc<Shared>,
    journal: Journal,
    queue: Receiver<Message>,
    next: u64,
    stopping: bool,
    trim_wanted: bool,
}

impl Writer {
    /// A writer whose next row is `next`.
    pub fn new(shared: Arc<Shared>, journal: Journal, queue: Receiver<Message>, next: u64) -> Self {
        Self {
            shared,
            journal,
            queue,
            next,
            stopping: false,
            trim_wanted: true,
        }
    }

    /// Commits until told to stop.
    pub fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        if catch_unwind(AssertUnwindSafe(|| self.serve())).is_err() {
            shared.fatal("the writer panicked");
        }
        // What is still queued is dropped with the queue, and so answered.
    }

    fn serve(&mut self) {
        while !self.stopping && self.shared.phase() != Phase::Broken {
            match self.next_message() {
                Some(Message::Submit(first)) => {
                    let group = self.gather(first);
                    self.commit(group);
                }
                Some(Message::Applied) => self.trim_wanted = true,
                Some(Message::Stop) => self.stopping = true,
                None => self.trim(),
            }
        }
    }

    /// The next message, or none when nobody has asked for anything for a while and there is something to trim.
    fn next_message(&mut self) -> Option<Message> {
        let message = if self.trim_wanted && self.journal.behind(self.shared.applied()) > 0 {
            match self.queue.recv_timeout(IDLE) {
                Ok(message) => message,
                Err(RecvTimeoutError::Timeout) => return None,
                Err(RecvTimeoutError::Disconnected) => Message::Stop,
            }
        } else {
            self.trim_wanted = false;
            self.queue.recv().unwrap_or(Message::Stop)
        };
        Some(self.counted(message))
    }

    fn counted(&self, message: Message) -> Message {
        if matches!(message, Message::Submit(_)) {
            self.shared.queued.fetch_sub(1, Ordering::Relaxed);
        }
        message
    }

    /// Takes what is queued behind `first`, without waiting.
    fn gather(&mut self, first: Submission) -> Vec<Submission> {
        let (mut records, mut bytes) = (first.turns.len(), first.bytes());
        let mut group = vec![first];
        // Where processors are scarce, whoever is about to submit comes first and shares the sync: twice as many do.
        // Where they are not, this returns at once. It is no window: nothing is waited for.
        std::thread::yield_now();
        // Barriers count too: a flood of them must not keep the others waiting.
        while records + group.len() < 2 * GROUP_RECORDS_MAX
            && records < GROUP_RECORDS_MAX
            && bytes < GROUP_BYTES_MAX
        {
            let Ok(message) = self.queue.try_recv() else {
                break;
            };
            match self.counted(message) {
                Message::Submit(submission) => {
                    records += submission.turns.len();
                    bytes += submission.bytes();
                    group.push(submission);
                }
                Message::Applied => self.trim_wanted = true,
                Message::Stop => {
                    self.stopping = true;
                    break;
                }
            }
        }
        group
    }

    /// Takes out, and answers, what rests on something that was given up.
    fn fence(&self, group: Vec<Submission>) -> Vec<Submission> {
        let generation = self.shared.generation();
        let mut revs: ByConversation<u64> = ByConversation::default();
        let mut kept = Vec::with_capacity(group.len());
        let mut fenced = Vec::new();
        {
            let tail = self.shared.tail();
            for submission in group {
                // Two actors of one conversation, or a turn that was lost on the way, show as a revision that does
                // not follow. Only what the tail knows can be compared: it is the last few seconds at least.
                // Several turns of one conversation in a submission follow each other; nearly always there is one.
                let mut own = Vec::with_capacity(submission.turns.len());
                let follows = submission.turns.iter().all(|turn| {
                    let id = turn.conversation;
                    let newest = own.iter().rev().find(|(of, _)| *of == id);
                    let earlier = newest
                        .map(|(_, rev)| *rev)
                        .or_else(|| revs.get(&id).copied());
                    own.push((id, turn.rev));
                    let before = earlier.or_else(|| tail.rev(id));
                    before.is_none_or(|before| turn.rev == before + 1)
                });
                if submission.generation == generation && follows {
                    revs.extend(own);
                    kept.push(submission);
                } else {
                    fenced.push(submission);
                }
            }
        }
        for submission in fenced {
            submission.complete(Err(CommitError::Fenced));
        }
        kept
    }

    fn commit(&mut self, group: Vec<Submission>) {
        let mut group = self.fence(group);
        let records: Vec<Vec<u8>> = group
            .iter_mut()
            .flat_map(|submission| std::mem::take(&mut submission.records))
            .collect();
        if records.is_empty() {
            // Only barriers: everything that came before them is durable already.
            return self.answer(group);
        }
        let (seq, at) = (self.next, self.shared.clock.now());
        for submission in &mut group {
            submission.fate = CommitError::Unknown;
        }
        let began = monotonic();
        let appended = self
            .journal
            .append(seq, at, &records, self.shared.applied());
        let took = began.elapsed();
        let row = Arc::new(Group {
            seq,
            at,
            turns: group
                .iter()
                .flat_map(|submission| submission.turns.iter().map(Arc::clone))
                .collect(),
            bytes: records
                .iter()
                .map(|record| record.len() as u64 + TURN_BYTES)
                .sum(),
        });
        match appended {
            Ok(()) => {
                self.shared.observer.written(took, row.turns.len());
                self.publish(row);
                self.answer(group);
            }
            Err(fault) => self.failed(group, &row, fault),
        }
    }

    /// Lets everybody see what is durable now.
    fn publish(&mut self, row: Arc<Group>) {
        self.next = row.seq + 1;
        self.shared
            .change_tail(|tail| tail.insert(Arc::clone(&row)));
        self.shared.note_commit();
        let position = Position(row.seq);
        let observer = &self.shared.observer;
        if catch_unwind(AssertUnwindSafe(|| {
            observer.committed(position, &row.turns)
        }))
        .is_err()
        {
            tracing::error!(position = row.seq, "the observer of commits panicked");
        }
    }

    fn answer(&self, group: Vec<Submission>) {
        let position = Position(self.next - 1);
        for submission in group {
            submission.complete(Ok(position));
        }
    }

    fn failed(&mut self, group: Vec<Submission>, row: &Arc<Group>, fault: Fault) {
        // In this order: whoever hears of the failure must find the new generation and must not be able to load yet.
        self.shared.enter(Phase::Unknown);
        self.shared.fence();
        tracing::error!(%fault, turns = row.turns.len(), "a commit failed");
        self.shared.observer.not_written(&fault);
        for submission in group {
            submission.complete(Err(CommitError::Unknown));
        }
        match fault {
            Fault::Full | Fault::Spent(_) => self.recover(row),
            Fault::Broken(_) | Fault::Corrupt(_) | Fault::Newer { .. } => {
                self.shared.fatal(&format!("the journal failed: {fault}"));
            }
        }
    }

    /// Opens the journal again, learns whether `row` landed, and tries the disk until it takes a commit.
    fn recover(&mut self, row: &Arc<Group>) {
        let mut known = false;
        let mut pause = RETRY_FIRST;
        while !self.stopping {
            match self.reopened(row, &mut known) {
                Ok(()) => {
                    // Whatever was decided upon refused turns must not be taken now. In this order: nobody who
                    // reads the new generation can have been refused under it.
                    self.shared.enter(Phase::Open);
                    self.shared.fence();
                    tracing::warn!("the journal takes commits again");
                    return;
                }
                Err(Fault::Full | Fault::Spent(_)) => self.refuse_for(pause),
                Err(fault @ (Fault::Broken(_) | Fault::Corrupt(_) | Fault::Newer { .. })) => {
                    return self.shared.fatal(&format!("the journal failed: {fault}"));
                }
            }
            pause = (pause * 2).min(RETRY_MOST);
        }
    }

    fn reopened(&mut self, row: &Arc<Group>, known: &mut bool) -> Result<(), Fault> {
        let newest = self.journal.reopen().map_err(|error| match error {
            // Somebody else took the file while it was closed; the state file is still ours, so they will let go.
            NotOpened::InUse => Fault::Spent("another process holds the journal".to_owned()),
            NotOpened::Fault(fault) => fault,
        })?;
        if !*known {
            match newest {
                Some(newest) if newest == row.seq => self.publish(Arc::clone(row)),
                Some(newest) if newest + 1 != row.seq => {
                    return Err(Fault::Corrupt(format!(
                        "the journal ends at {newest} instead of {}",
                        row.seq
                    )));
                }
                Some(_) | None => {}
            }
            *known = true;
            self.shared.enter(Phase::Full);
        }
        self.journal.probe()
    }

    /// Answers everything that comes in during `pause`.
    fn refuse_for(&mut self, pause: Duration) {
        let until = monotonic() + pause;
        while !self.stopping {
            let left = until.saturating_duration_since(monotonic());
            match self.queue.recv_timeout(left) {
                Ok(message) => match self.counted(message) {
                    Message::Submit(submission) => {
                        let error = self.shared.refusal(submission.generation);
                        submission.complete(Err(error));
                    }
                    Message::Applied => self.trim_wanted = true,
                    Message::Stop => self.stopping = true,
                },
                Err(RecvTimeoutError::Timeout) => return,
                Err(RecvTimeoutError::Disconnected) => self.stopping = true,
            }
        }
    }

    fn trim(&mut self) {
        self.trim_wanted = false;
        let applied = self.shared.applied();
        match self.journal.trim(applied) {
            Ok(()) => self.trim_wanted = self.journal.behind(applied) > 0,
            Err(fault) => {
                // Nobody's turn is in it; otherwise it is a commit that failed like any other.
                let nothing = Arc::new(Group {
                    seq: self.next,
                    at: self.shared.clock.now(),
                    turns: Vec::new(),
                    bytes: 0,
                });
                self.failed(Vec::new(), &nothing, fault);
            }
        }
    }
}

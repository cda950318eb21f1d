//! Who signed in to the inbox, who was refused and who signed out: kept beyond the log and a restart, for leads to read.
//!
//! What people of ours did is kept apart from what strangers tried, so that no stranger can push it out; of each kind
//! the last [`KEPT_MAX`] lines are kept. Tries of one network that follow each other within a minute are one line with
//! a count: a guesser costs one line a minute, and one write in [`WRITE_EVERY`]. What was refused in the last moment
//! before the process was killed may be missing; a sign-in is on disk before it is answered.
//!
//! Neither tokens nor any part of them are kept, nor anything of customers.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::sessions::network;
use crate::clock::{Clock, Timestamp};
use crate::ids::AgentName;
use crate::store::{CommitError, LoadError, Store};

/// Lines kept of each kind: months of a team, or a night of guessing.
pub const KEPT_MAX: usize = 500;
/// How often refused tries are written at most.
pub const WRITE_EVERY: Duration = Duration::from_secs(5);
/// Tries of one network that follow each other within this are one line.
const TOGETHER: Duration = Duration::from_mins(1);
/// How far back the line is looked for.
const LOOK_BACK: usize = 64;
const OURS: &str = "sign_ins";
const STRANGERS: &str = "sign_ins.refused";

/// What happened at the door.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignInKind {
    /// Somebody of ours signed in.
    SignedIn,
    /// Somebody of ours signed out.
    SignedOut,
    /// The token was nobody's.
    Refused,
    /// Too many had failed from there, or with that token.
    Barred,
}

/// A line. The stored form: new fields may be added.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SignIn {
    /// Its number; grows, over both kinds.
    pub n: u64,
    /// When; for several the first.
    pub at: Timestamp,
    /// When the last was.
    pub last_at: Timestamp,
    /// What.
    pub kind: SignInKind,
    /// Whose, if they are known.
    pub agent: Option<AgentName>,
    /// From where, if the listener says so; for several the last.
    pub from: Option<IpAddr>,
    /// How many.
    pub times: u32,
}

/// What is to be done about a try that failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Noted {
    /// It began a line: it is worth a word in the log, and those that follow it are not.
    pub first: bool,
    /// After how long [`SignIns::write`] is to be called; none: somebody else does.
    pub write_after: Option<Duration>,
}

impl SignInKind {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignedIn => "signed_in",
            Self::SignedOut => "signed_out",
            Self::Refused => "refused",
            Self::Barred => "barred",
        }
    }
}

/// See the head of this file.
pub struct SignIns {
    store: Store,
    clock: Arc<dyn Clock>,
    book: Mutex<Book>,
    writing: Mutex<()>,
}

#[derive(Default)]
struct Book {
    ours: VecDeque<SignIn>,
    strangers: VecDeque<SignIn>,
    next: u64,
    /// Strangers' lines that are not on disk, and whether somebody is about to write them.
    dirty: bool,
    awaited: bool,
    written_at: Timestamp,
}

impl SignIns {
    pub(super) fn open(store: Store, clock: Arc<dyn Clock>) -> Result<Self, LoadError> {
        let read = |setting: &str| -> Result<VecDeque<SignIn>, LoadError> {
            let Some(bytes) = store.setting(setting)? else {
                return Ok(VecDeque::new());
            };
            serde_json::from_slice(&bytes)
                .map_err(|fault| LoadError::Corrupt(format!("sign-ins: {fault}")))
        };
        let (ours, strangers) = (read(OURS)?, read(STRANGERS)?);
        let last = |lines: &VecDeque<SignIn>| lines.back().map_or(0, |line| line.n);
        let next = last(&ours).max(last(&strangers)) + 1;
        let book = Book {
            ours,
            strangers,
            next,
            ..Book::default()
        };
        Ok(Self {
            store,
            clock,
            book: Mutex::new(book),
            writing: Mutex::default(),
        })
    }

    /// Somebody of ours signed in or out. Durable before it returns. Blocks.
    ///
    /// # Errors
    /// [`CommitError`]: it is known until the process ends, and written with the next line.
    pub fn done(
        &self,
        kind: SignInKind,
        agent: AgentName,
        from: Option<IpAddr>,
    ) -> Result<(), CommitError> {
        let now = self.clock.now();
        {
            let mut book = self.lock();
            let line = book.line(now, kind, from);
            push(
                &mut book.ours,
                SignIn {
                    agent: Some(agent),
                    ..line
                },
            );
        }
        self.write()
    }

    /// A try failed. It is on disk once [`Self::write`] was called.
    pub fn failed(&self, kind: SignInKind, from: Option<IpAddr>) -> Noted {
        let now = self.clock.now();
        let mut book = self.lock();
        let known = book
            .strangers
            .iter_mut()
            .rev()
            .take(LOOK_BACK)
            .find(|line| {
                line.kind == kind
                    && network(line.from) == network(from)
                    && line.last_at + TOGETHER > now
            });
        let first = known.is_none();
        match known {
            Some(line) => {
                line.times = line.times.saturating_add(1);
                (line.last_at, line.from) = (now, from);
            }
            None => {
                let line = book.line(now, kind, from);
                push(&mut book.strangers, line);
            }
        }
        book.dirty = true;
        let awaited = std::mem::replace(&mut book.awaited, true);
        let due = book.written_at + WRITE_EVERY;
        let wait = if due > now {
            due.since(now)
        } else {
            Duration::ZERO
        };
        Noted {
            first,
            write_after: (!awaited).then_some(wait),
        }
    }

    /// Writes what is not on disk. Blocks.
    ///
    /// # Errors
    /// [`CommitError`]: it is written with the next line.
    pub fn write(&self) -> Result<(), CommitError> {
        let _alone = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let json =
            |lines: &VecDeque<SignIn>| serde_json::to_vec(lines).expect("lines are plain data");
        let (ours, strangers) = {
            let mut book = self.lock();
            (book.awaited, book.written_at) = (false, self.clock.now());
            let strangers = std::mem::take(&mut book.dirty).then(|| json(&book.strangers));
            (json(&book.ours), strangers)
        };
        let mut settings = vec![(OURS, &ours[..])];
        settings.extend(strangers.as_deref().map(|bytes| (STRANGERS, bytes)));
        let written = self.store.put_settings(&settings);
        if written.is_err() {
            self.lock().dirty |= strangers.is_some();
        }
        written
    }

    /// At most `limit` lines of both kinds, the newest first, older than number `before`.
    pub fn list(&self, before: u64, limit: usize) -> Vec<SignIn> {
        let book = self.lock();
        let both = book.ours.iter().chain(&book.strangers);
        let mut lines: Vec<_> = both.filter(|line| line.n < before).cloned().collect();
        lines.sort_by_key(|line| std::cmp::Reverse(line.n));
        lines.truncate(limit);
        lines
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    fn line(&mut self, now: Timestamp, kind: SignInKind, from: Option<IpAddr>) -> SignIn {
        let n = self.next;
        self.next += 1;
        SignIn {
            n,
            at: now,
            last_at: now,
            kind,
            agent: None,
            from,
            times: 1,
        }
    }
}

fn push(lines: &mut VecDeque<SignIn>, line: SignIn) {
    if lines.len() >= KEPT_MAX {
        lines.pop_front();
    }
    lines.push_back(line);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use crate::store::{Observer, Options, Position, Turn};

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().expect("an address"))
    }

    struct Nobody;

    impl Observer for Nobody {
        fn committed(&self, _: Position, _: &[Arc<Turn>]) {}
    }

    /// A store, and a clock.
    fn bed() -> (tempfile::TempDir, Store, Arc<ManualClock>) {
        let dir = tempfile::tempdir().expect("a folder");
        let opened = Store::open(dir.path(), Options::default(), Arc::new(Nobody));
        let (store, _) = opened.expect("opens");
        let clock = ManualClock::at(Timestamp::from_millis(1_000_000));
        (dir, store, Arc::new(clock))
    }

    fn open(store: &Store, clock: &Arc<ManualClock>) -> SignIns {
        let lines = SignIns::open(store.clone(), Arc::<ManualClock>::clone(clock));
        lines.expect("readable")
    }

    fn told(lines: &SignIns) -> Vec<(SignInKind, u32)> {
        let all = lines.list(u64::MAX, 1_000);
        all.iter().map(|line| (line.kind, line.times)).collect()
    }

    #[test]
    fn tries_that_follow_each_other_are_one_line_and_strangers_push_nobody_out() {
        use SignInKind::{Barred, Refused, SignedIn};
        let (_dir, store, clock) = bed();
        let lines = open(&store, &clock);
        lines
            .done(SignedIn, "Ana".into(), address("192.0.2.1"))
            .expect("stored");
        let first = lines.failed(Refused, address("2001:db8::1"));
        assert!(first.first && first.write_after.is_some());
        for _ in 0..4 {
            // Who writes is about to write these too.
            let more = lines.failed(Refused, address("2001:db8::2"));
            assert!(!more.first && more.write_after.is_none());
        }
        lines.failed(Barred, address("2001:db8::2"));
        assert_eq!(told(&lines), [(Barred, 1), (Refused, 5), (SignedIn, 1)]);
        clock.advance(TOGETHER);
        lines.failed(Refused, address("2001:db8::2"));
        assert_eq!(told(&lines)[0], (Refused, 1));
        for n in 0..KEPT_MAX {
            let from = format!("198.51.{}.{}", n / 250, n % 250);
            lines.failed(Refused, address(&from));
        }
        let all = lines.list(u64::MAX, usize::MAX);
        assert_eq!(all.len(), KEPT_MAX + 1);
        assert_eq!(all.last().map(|line| line.kind), Some(SignedIn));
        assert_eq!(
            lines.list(all[9].n, 5)[0].n,
            all[10].n,
            "pages follow each other"
        );
    }

    #[test]
    fn what_was_written_is_there_after_a_restart() {
        use SignInKind::{Refused, SignedIn, SignedOut};
        let (_dir, store, clock) = bed();
        let lines = open(&store, &clock);
        assert_eq!(
            lines.failed(Refused, None).write_after,
            Some(Duration::ZERO)
        );
        lines.write().expect("stored");
        clock.advance(Duration::from_secs(2));
        let more = lines.failed(Refused, None);
        assert_eq!(more.write_after, Some(Duration::from_secs(3)));
        lines.done(SignedIn, "Ana".into(), None).expect("stored");
        lines.done(SignedOut, "Ana".into(), None).expect("stored");
        let before = lines.list(u64::MAX, 10);
        let lines = open(&store, &clock);
        assert_eq!(lines.list(u64::MAX, 10), before);
        lines.done(SignedIn, "Ben".into(), None).expect("stored");
        assert!(lines.list(u64::MAX, 1)[0].n > before[0].n);
    }
}

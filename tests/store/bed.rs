//! What the tests of the store share: a disk to fail, conversations that can be checked, and waiting for an answer.
//!
//! Everything about a turn follows from its conversation and revision, so whatever is found can be checked alone.

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use segue::clock::{ManualClock, Timestamp};
use segue::conversation::trail::{Entry, Fact};
use segue::conversation::words::ModeName;
use segue::ids::{ConversationId, IdHash};
use segue::store::{CommitError, Listing, Observer, Options, Position, Store, Turn};

pub use crate::faulty::FaultyDisk;

/// Keeps what was committed, in order.
#[derive(Default)]
pub struct Witness(pub Mutex<Vec<(Position, ConversationId, u64)>>);

impl Observer for Witness {
    fn committed(&self, position: Position, turns: &[Arc<Turn>]) {
        let mut seen = self.0.lock().unwrap();
        seen.extend(
            turns
                .iter()
                .map(|turn| (position, turn.conversation, turn.rev)),
        );
    }
}

pub fn id(n: u16) -> ConversationId {
    let mut bytes = [0x5a; 16];
    // Spread like the real ids, so that they are not in the order of `n`.
    bytes[0] = (n as u8).wrapping_mul(151);
    bytes[1..3].copy_from_slice(&n.to_be_bytes());
    ConversationId::from_bytes(bytes)
}

pub fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

pub fn due(n: u16, rev: u64) -> Option<Timestamp> {
    (!rev.is_multiple_of(3)).then(|| at(10_000 + (i64::from(n) * 37 + rev as i64 * 101) % 5_000))
}

pub fn listing(n: u16, rev: u64) -> Listing {
    let episode = rev / 4;
    Listing {
        mode: ModeName::ALL[(usize::from(n) + episode as usize) % 4],
        since: at(i64::from(n) + episode as i64 * 1_000),
    }
}

pub fn entry(n: u16, number: u64) -> Entry {
    Entry {
        n: number,
        at: at(number as i64),
        policy: 7,
        rules: 1,
        fact: Fact::NoteWritten {
            agent: "ana".into(),
            text: format!("{n}/{number} {}", "x".repeat(number as usize * 37 % 400)),
        },
    }
}

/// How many entries the turns up to `rev` wrote together.
pub fn entries_until(rev: u64) -> u64 {
    (1..=rev).map(|rev| rev % 3).sum()
}

pub fn hash(n: u16, rev: u64) -> IdHash {
    IdHash(u64::from(n) << 32 | rev)
}

pub fn turn(n: u16, rev: u64) -> Turn {
    let first = entries_until(rev - 1);
    Turn {
        conversation: id(n),
        medium: segue::conversation::message::Medium::Other,
        was: segue::conversation::words::ModeName::Closed,
        rev,
        head: format!("head of {n} at {rev}").into_bytes(),
        entries: (first..entries_until(rev))
            .map(|number| entry(n, number))
            .collect(),
        due: due(n, rev),
        listing: listing(n, rev),
        evicted: vec![hash(n, rev)],
    }
}

pub fn options() -> Options {
    Options {
        cache_mb: 32,
        free_bytes_min: 0,
        clock: Arc::new(ManualClock::at(at(1_795_000_000_000))),
        ..Options::default()
    }
}

/// Options under which nothing is applied unless the test says so.
pub fn held() -> Options {
    Options {
        apply: false,
        ..options()
    }
}

pub fn open(disk: &FaultyDisk, options: Options) -> Store {
    Store::open_on(
        Arc::new(disk.clone()),
        options,
        Arc::new(Witness::default()),
    )
    .expect("the store opens")
    .0
}

pub type Answer = Result<Position, CommitError>;

pub fn submit(store: &Store, turns: Vec<Turn>) -> Receiver<Answer> {
    submit_under(store, turns, store.generation())
}

pub fn submit_under(store: &Store, turns: Vec<Turn>, generation: u64) -> Receiver<Answer> {
    let (tell, told) = channel();
    store.submit(
        turns,
        generation,
        Box::new(move |answer| {
            // A test that no longer listens is not an error here.
            let _ = tell.send(answer);
        }),
    );
    told
}

pub fn answer(told: &Receiver<Answer>) -> Answer {
    told.recv_timeout(Duration::from_secs(20))
        .expect("every submission is answered")
}

pub fn commit(store: &Store, turns: Vec<Turn>) -> Position {
    answer(&submit(store, turns)).expect("the commit is made")
}

/// Commits the turns `from..=to` of a conversation, one by one.
pub fn commit_revs(store: &Store, n: u16, revs: std::ops::RangeInclusive<u64>) {
    for rev in revs {
        commit(store, vec![turn(n, rev)]);
    }
}

/// Checks that conversation `n` is whole and stands at some revision; answers which (0: unknown). While it moves on
/// between the two looks, its trail may be longer than its head says.
pub fn check_whole(store: &Store, n: u16) -> u64 {
    let loaded = store.load(id(n), 5).expect("it loads");
    let trail = store.trail(id(n), 0, usize::MAX).expect("readable");
    let all: Vec<Entry> = (0..trail.len() as u64)
        .map(|number| entry(n, number))
        .collect();
    assert!(trail == all, "the trail of {n} is whole");
    let Some(loaded) = loaded else {
        return 0;
    };
    let rev = loaded.rev;
    assert_eq!(loaded.head, turn(n, rev).head, "the head is the revision's");
    assert_eq!((loaded.due, loaded.listing), (due(n, rev), listing(n, rev)));
    let count = entries_until(rev) as usize;
    assert!(all.len() >= count, "{} entries of {count}", all.len());
    assert!(loaded.recent == all[count.saturating_sub(5)..count]);
    assert!(store.seen(id(n), hash(n, rev)).expect("readable"));
    rev
}

/// The same of a conversation that stands still.
pub fn check_still(store: &Store, n: u16) -> u64 {
    let rev = check_whole(store, n);
    let count = store.trail(id(n), 0, usize::MAX).expect("readable").len();
    assert_eq!(count as u64, entries_until(rev), "no entry too many");
    rev
}

/// Checks both indexes against the revisions that the conversations `0..count` stand at.
pub fn check_indexes(store: &Store, revs: &[u64]) {
    let known = || (0u16..).zip(revs).filter(|(_, rev)| **rev > 0);
    let mut wanted: Vec<_> = known()
        .filter_map(|(n, &rev)| due(n, rev).map(|due| (due, id(n), listing(n, rev).mode)))
        .collect();
    wanted.sort_unstable();
    let mut found = Vec::new();
    loop {
        let after = found.last().map(|&(due, id, _)| (due, id));
        let page = store.due_before(at(i64::MAX), after, 7).expect("readable");
        if page.is_empty() {
            break;
        }
        found.extend(page);
    }
    assert_eq!(found, wanted, "the due index is exact");
    for &mode in ModeName::ALL {
        let mut wanted: Vec<_> = known()
            .map(|(n, &rev)| (listing(n, rev), id(n)))
            .filter(|(listing, _)| listing.mode == mode)
            .map(|(listing, id)| (listing.since, id))
            .collect();
        wanted.sort_unstable();
        let mut found: Vec<(Timestamp, ConversationId)> = Vec::new();
        loop {
            let page = store
                .list(mode, found.last().copied(), 5)
                .expect("readable");
            if page.is_empty() {
                break;
            }
            found.extend(page);
        }
        assert_eq!(found, wanted, "the list of {mode} is exact");
    }
}

//! Forgetting what closed long ago: what goes, what stays, and what becomes of a conversation that wakes meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use redb::{ReadableDatabase as _, ReadableTableMetadata as _};
use segue::clock::{Clock as _, ManualClock, Timestamp};
use segue::conversation::trail::{Entry, Fact};
use segue::conversation::words::ModeName;
use segue::store::disk::{DataFile, open_database};
use segue::store::state::{DUE, HEADS, LISTING, SEEN, TRAIL};
use segue::store::{Listing, Options, Store, Turn};

use crate::bed::*;

const DAY: Duration = Duration::from_hours(24);
const KEEP: Duration = Duration::from_hours(24 * 20);
const NOW: i64 = 1_795_000_000_000;

fn keeping() -> Options {
    Options {
        retention: Some(KEEP),
        ..held()
    }
}

fn in_mode(mode: ModeName, since: Timestamp, turn: Turn) -> Turn {
    Turn {
        due: None,
        listing: Listing { mode, since },
        ..turn
    }
}

/// A turn after which the conversation has been closed since `since`.
fn closed(n: u16, rev: u64, since: Timestamp) -> Turn {
    in_mode(ModeName::Closed, since, turn(n, rev))
}

/// Long enough to have sealed blocks, and then closed.
fn commit_closed(store: &Store, n: u16, revs: u64, since: Timestamp) {
    commit_revs(store, n, 1..=revs - 1);
    commit(store, vec![closed(n, revs, since)]);
}

fn numbers(store: &Store, n: u16, from: u64) -> Vec<u64> {
    let trail = store.trail(id(n), from, usize::MAX).unwrap();
    assert!(
        trail.iter().all(|found| *found == entry(n, found.n)),
        "the entries of {n}"
    );
    trail.iter().map(|entry| entry.n).collect()
}

/// The rows of heads, trail, due, listing and seen.
fn rows(disk: &FaultyDisk) -> [u64; 5] {
    let (database, _) = open_database(disk, DataFile::State, 8 << 20).expect("nobody holds it");
    let txn = database.begin_read().unwrap();
    [
        txn.open_table(HEADS).unwrap().len().unwrap(),
        txn.open_table(TRAIL).unwrap().len().unwrap(),
        txn.open_table(DUE).unwrap().len().unwrap(),
        txn.open_table(LISTING).unwrap().len().unwrap(),
        txn.open_table(SEEN).unwrap().len().unwrap(),
    ]
}

#[test]
fn of_a_thousand_closed_conversations_the_old_ones_go() {
    let disk = FaultyDisk::new();
    let store = open(&disk, keeping());
    // `n` hours ago, so that 480 hours is the first that is not kept too long.
    let since = |n: u16| at(NOW - i64::from(n) * 3_600_000);
    for n in 0..1_000 {
        commit(&store, vec![closed(n, 1, since(n))]);
    }
    assert_eq!(store.forget_expired(), Ok(0), "all of them are in the tail");
    store.settle().unwrap();
    assert_eq!(store.forget_expired(), Ok(519));
    assert_eq!(store.forget_expired(), Ok(0));
    let listed = store.list(ModeName::Closed, None, 4_096).unwrap();
    let wanted: Vec<_> = (0..=480).rev().map(|n| (since(n), id(n))).collect();
    assert_eq!(listed, wanted);
    for n in 0..1_000 {
        let kept = n <= 480;
        assert_eq!(store.load(id(n), 9).unwrap().is_some(), kept, "{n}");
        assert_eq!(numbers(&store, n, 0).is_empty(), !kept, "{n}");
        assert_eq!(store.seen(id(n), hash(n, 1)).unwrap(), kept, "{n}");
    }
}

#[test]
fn nothing_is_left_of_a_forgotten_conversation() {
    let disk = FaultyDisk::new();
    let store = open(&disk, keeping());
    for n in 0..3 {
        commit_closed(&store, n, 60, at(5));
    }
    store.settle().unwrap();
    assert_eq!(store.forget_expired(), Ok(3));
    drop(store);
    assert_eq!(rows(&disk), [0; 5]);
}

#[test]
fn only_the_closed_are_forgotten_and_none_that_still_owes() {
    let store = open(&FaultyDisk::new(), keeping());
    for (n, mode) in (0..).zip([ModeName::Ai, ModeName::Waiting, ModeName::Human]) {
        commit(&store, vec![in_mode(mode, at(5), turn(n, 1))]);
    }
    let owing = Turn {
        due: Some(at(NOW + 1)),
        ..closed(3, 1, at(5))
    };
    commit(&store, vec![owing]);
    store.settle().unwrap();
    assert_eq!(store.forget_expired(), Ok(0));
    assert_eq!(store.due_before(at(NOW + 1), None, 9).unwrap().len(), 1);
    commit(&store, vec![closed(3, 2, at(5))]);
    store.settle().unwrap();
    assert_eq!(store.forget_expired(), Ok(1));
    assert!((0..3).all(|n| store.load(id(n), 1).unwrap().is_some()));
}

#[test]
fn one_that_was_opened_again_and_is_not_applied_keeps_all_it_had() {
    let store = open(&FaultyDisk::new(), keeping());
    commit_closed(&store, 1, 30, at(5));
    store.settle().unwrap();
    commit(&store, vec![in_mode(ModeName::Ai, at(NOW), turn(1, 31))]);
    assert_eq!(store.forget_expired(), Ok(0));
    let wanted: Vec<u64> = (0..entries_until(31)).collect();
    assert_eq!(numbers(&store, 1, 0), wanted);
    store.settle().unwrap();
    assert_eq!(store.forget_expired(), Ok(0));
    assert_eq!(numbers(&store, 1, 0), wanted);
}

#[test]
fn without_a_limit_nothing_is_forgotten() {
    let store = open(&FaultyDisk::new(), held());
    commit(&store, vec![closed(1, 1, at(5))]);
    store.settle().unwrap();
    assert_eq!(store.forget_expired(), Ok(0));
    assert!(store.load(id(1), 1).unwrap().is_some());
}

#[test]
fn whoever_wakes_right_after_it_was_forgotten_goes_on_numbering() {
    let disk = FaultyDisk::new();
    let store = open(&disk, keeping());
    commit_closed(&store, 1, 30, at(5));
    store.settle().unwrap();
    assert_eq!(store.load(id(1), 1).unwrap().unwrap().rev, 30);
    assert_eq!(store.forget_expired(), Ok(1));
    let first = entries_until(30);
    let check = |store: &Store, rev: u64| {
        let loaded = store.load(id(1), 500).unwrap().unwrap();
        assert_eq!((loaded.rev, &loaded.head), (rev, &turn(1, rev).head));
        let wanted: Vec<u64> = (first..entries_until(rev)).collect();
        assert_eq!(numbers(store, 1, 0), wanted);
        assert_eq!(numbers(store, 1, first + 1), wanted[1..]);
        assert_eq!(loaded.recent.len(), wanted.len());
        let found = store.entries(id(1), &[0, first - 1, first]).unwrap();
        assert_eq!(found, [entry(1, first)]);
        assert!(!store.seen(id(1), hash(1, 30)).unwrap());
    };
    commit_revs(&store, 1, 31..=32);
    check(&store, 32);
    store.settle().unwrap();
    check(&store, 32);
    commit_revs(&store, 1, 33..=80);
    check(&store, 80);
    store.settle().unwrap();
    drop(store);
    check(&open(&disk, keeping()), 80);
}

#[test]
fn whoever_begins_anew_after_it_was_forgotten_begins_at_nothing() {
    let store = open(&FaultyDisk::new(), keeping());
    commit_closed(&store, 1, 30, at(5));
    store.settle().unwrap();
    assert_eq!(store.forget_expired(), Ok(1));
    commit_revs(&store, 1, 1..=40);
    assert_eq!(check_still(&store, 1), 40);
    store.settle().unwrap();
    assert_eq!(check_still(&store, 1), 40);
}

#[test]
fn one_that_wakes_while_it_is_forgotten_is_never_missed() {
    const COUNT: u16 = 8;
    let store = open(&FaultyDisk::new(), keeping());
    let done = AtomicBool::new(false);
    let forgotten = AtomicU64::new(0);
    let drive = |n: u16| {
        for rev in 1..=150 {
            // Every turn leaves it closed long ago: it is forgotten as soon as it is applied.
            commit(&store, vec![closed(n, rev, at(5))]);
            match store.load(id(n), 3).unwrap() {
                Some(loaded) => assert_eq!(loaded.rev, rev),
                // Nobody but us writes to it: what is gone stays gone.
                None => assert_eq!(store.load(id(n), 3), Ok(None), "{n} at {rev}"),
            }
            let found = numbers(&store, n, 0);
            let last = entries_until(rev);
            let first = found.first().copied().unwrap_or(last);
            assert_eq!(found, (first..last).collect::<Vec<_>>(), "{n} at {rev}");
            if found.is_empty() {
                assert_eq!(numbers(&store, n, 0), [0; 0], "{n} at {rev}");
            }
            std::thread::sleep(Duration::from_micros(rev * 700 % 4_000));
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                store.settle().unwrap();
                forgotten.fetch_add(store.forget_expired().unwrap(), Ordering::SeqCst);
            }
        });
        std::thread::scope(|writers| {
            for n in 0..COUNT {
                let drive = &drive;
                writers.spawn(move || drive(n));
            }
        });
        done.store(true, Ordering::SeqCst);
    });
    assert!(forgotten.load(Ordering::SeqCst) > 0, "nothing met");
}

/// A store whose conversation 1 has a block for each of 4,500 entries: more than one slice removes.
fn with_a_long_trail(disk: &FaultyDisk) -> Store {
    let store = open(disk, keeping());
    for rev in 1..=9 {
        let note = |n| Entry {
            fact: Fact::NoteWritten {
                agent: "ana".into(),
                text: "x".repeat(2_600),
            },
            ..entry(1, n)
        };
        let entries = ((rev - 1) * 500..rev * 500).map(note).collect();
        let turn = Turn {
            entries,
            ..closed(1, rev, at(5))
        };
        commit(&store, vec![turn]);
    }
    store.settle().unwrap();
    store
}

#[test]
fn a_trail_longer_than_a_slice_goes_from_its_beginning() {
    let disk = FaultyDisk::new();
    let store = with_a_long_trail(&disk);
    commit(&store, vec![closed(2, 1, at(6))]);
    store.settle().unwrap();
    let before = disk.changes();
    assert_eq!(store.forget_expired(), Ok(2));
    let changes = disk.changes() - before;
    drop(store);
    assert_eq!(rows(&disk), [0; 5]);
    // The same again, with the power cut in between: what is left begins later and has no gap.
    let mut begun = 0;
    for cut in 1..=6 {
        let disk = FaultyDisk::new();
        let store = with_a_long_trail(&disk);
        disk.cut_at(disk.changes() + changes * cut / 7);
        let _ = store.forget_expired();
        drop(store);
        let disk = disk.after_power_cut(cut);
        let store = open(&disk, keeping());
        if let Some(loaded) = store.load(id(1), 10).unwrap() {
            let trail = store.trail(id(1), 0, usize::MAX).unwrap();
            let found: Vec<u64> = trail.iter().map(|entry| entry.n).collect();
            assert_eq!((loaded.rev, loaded.recent.len()), (9, 10));
            assert_eq!(found, (found[0]..4_500).collect::<Vec<_>>());
            begun += u64::from(found[0] > 0);
            assert_eq!(store.forget_expired(), Ok(1));
        }
        drop(store);
        assert_eq!(rows(&disk), [0; 5]);
    }
    assert!(
        begun > 0,
        "no cut of {changes} changes fell between two slices"
    );
}

#[test]
fn whenever_the_power_is_cut_each_is_there_or_gone() {
    const COUNT: u16 = 600;
    let fill = |disk: &FaultyDisk| {
        let store = open(disk, keeping());
        let told: Vec<_> = (0..COUNT)
            .map(|n| submit(&store, vec![closed(n, 1, at(i64::from(n)))]))
            .collect();
        for told in &told {
            answer(told).unwrap();
        }
        store.settle().unwrap();
        store
    };
    let disk = FaultyDisk::new();
    let store = fill(&disk);
    let before = disk.changes();
    assert_eq!(store.forget_expired(), Ok(u64::from(COUNT)));
    let changes = disk.changes() - before;
    let mut between = 0;
    for cut in 1..=24 {
        let disk = FaultyDisk::new();
        let store = fill(&disk);
        disk.cut_at(disk.changes() + changes * cut / 25);
        let _ = store.forget_expired();
        drop(store);
        let disk = disk.after_power_cut(cut.wrapping_mul(0x9e37_79b9));
        let store = open(&disk, keeping());
        let left = store.list(ModeName::Closed, None, 4_096).unwrap();
        let there = |n: u16| left.contains(&(at(i64::from(n)), id(n)));
        for n in 0..COUNT {
            assert_eq!(store.load(id(n), 9).unwrap().is_some(), there(n), "{n}");
            assert_eq!(numbers(&store, n, 0).is_empty(), !there(n), "{n}");
        }
        between += u64::from((1..usize::from(COUNT)).contains(&left.len()));
        assert_eq!(store.forget_expired(), Ok(left.len() as u64));
        drop(store);
        assert_eq!(rows(&disk), [0; 5]);
    }
    assert!(between > 0, "no cut fell between two slices");
}

#[test]
fn the_applier_forgets_by_itself_once_it_has_nothing_else_to_do() {
    let disk = FaultyDisk::new();
    let store = open(&disk, held());
    for n in 0..700 {
        commit(&store, vec![closed(n, 1, at(5))]);
    }
    store.settle().unwrap();
    drop(store);
    let store = open(
        &disk,
        Options {
            apply: true,
            ..keeping()
        },
    );
    let mut waited = 0;
    while !store.list(ModeName::Closed, None, 1).unwrap().is_empty() {
        assert!(waited < 400, "they are still there");
        waited += 1;
        std::thread::sleep(Duration::from_millis(25));
    }
    assert!((0..700).all(|n| store.load(id(n), 1).unwrap().is_none()));
}

#[test]
fn the_file_does_not_grow_over_many_rounds() {
    let clock = Arc::new(ManualClock::at(at(NOW)));
    let options = Options {
        clock: Arc::clone(&clock) as Arc<_>,
        ..keeping()
    };
    let store = open(&FaultyDisk::new(), options);
    let mut sizes = Vec::new();
    for round in 0..40u16 {
        let told: Vec<_> = (0..200u16)
            .flat_map(|i| {
                let n = round * 200 + i;
                let since = clock.now();
                [
                    submit(&store, vec![turn(n, 1)]),
                    submit(&store, vec![turn(n, 2)]),
                    submit(&store, vec![closed(n, 3, since)]),
                ]
            })
            .collect();
        for told in &told {
            answer(told).unwrap();
        }
        store.settle().unwrap();
        clock.advance(5 * DAY);
        let forgotten = store.forget_expired().unwrap();
        assert_eq!(forgotten, if round < 4 { 0 } else { 200 }, "round {round}");
        sizes.push(store.tail().state_file_bytes);
    }
    assert!(sizes[39] <= sizes[9], "{sizes:?}");
}

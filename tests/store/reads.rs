//! Reading what is in the tail, in the state, or half and half; opening again; pages of the indexes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use segue::clock::ManualClock;
use segue::conversation::words::ModeName;
use segue::store::disk::DataFile;
use segue::store::{CommitError, OpenError, Options, Pressure, Store};

use crate::bed::*;

#[test]
fn a_conversation_is_whole_in_the_tail_in_the_state_and_in_both() {
    let store = open(&FaultyDisk::new(), held());
    commit_revs(&store, 1, 1..=30);
    assert_eq!(check_still(&store, 1), 30);
    store.settle().unwrap();
    assert_eq!(store.tail().records, 0);
    assert_eq!(check_still(&store, 1), 30);
    commit_revs(&store, 1, 31..=50);
    assert_eq!(check_still(&store, 1), 50);
    assert_eq!(check_still(&store, 2), 0);
}

#[test]
fn entries_are_found_by_number_wherever_they_are() {
    let store = open(&FaultyDisk::new(), held());
    commit_revs(&store, 1, 1..=60);
    store.settle().unwrap();
    commit_revs(&store, 1, 61..=70);
    let last = entries_until(70) - 1;
    let found = store.entries(id(1), &[last, 0, 33, 9_999, 33]).unwrap();
    let numbers: Vec<u64> = found.iter().map(|entry| entry.n).collect();
    assert_eq!(numbers, [0, 33, last]);
    let part = store.trail(id(1), 33, 20).unwrap();
    assert_eq!(part.len(), 20);
    assert_eq!((part[0].n, part[19].n), (33, 52));
}

#[test]
fn a_load_answers_with_as_many_recent_entries_as_asked_for() {
    let store = open(&FaultyDisk::new(), held());
    commit_revs(&store, 1, 1..=90);
    store.settle().unwrap();
    let count = entries_until(90);
    for recent in [0, 1, 7, 40, 80, 500] {
        let loaded = store.load(id(1), recent).unwrap().unwrap();
        let numbers: Vec<u64> = loaded.recent.iter().map(|entry| entry.n).collect();
        let from = count.saturating_sub(recent as u64);
        assert_eq!(numbers, (from..count).collect::<Vec<_>>());
    }
}

#[test]
fn indexes_are_exact_while_half_is_applied() {
    let store = open(&FaultyDisk::new(), held());
    let mut revs = vec![0; 40];
    for round in 1..=9 {
        for n in 0..40 {
            if (n + round) % 3 != 0 {
                revs[usize::from(n)] += 1;
                commit(&store, vec![turn(n, revs[usize::from(n)])]);
            }
        }
        check_indexes(&store, &revs);
        if round % 2 == 0 {
            store.settle().unwrap();
            check_indexes(&store, &revs);
        }
    }
}

#[test]
fn indexes_stay_exact_while_the_applier_works() {
    let store = open(&FaultyDisk::new(), options());
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                store.settle().unwrap();
            }
        });
        // Many rows, so that reading a page takes long enough for a slice to be applied meanwhile.
        let mut revs = vec![0; 200];
        for _ in 0..40 {
            let told: Vec<_> = (0u16..)
                .zip(&mut revs)
                .map(|(n, rev)| {
                    *rev += 1;
                    submit(&store, vec![turn(n, *rev)])
                })
                .collect();
            for told in &told {
                answer(told).unwrap();
            }
            check_indexes(&store, &revs);
        }
        done.store(true, Ordering::SeqCst);
    });
}

#[test]
fn a_reader_never_sees_a_conversation_go_back() {
    let store = open(&FaultyDisk::new(), options());
    let done = AtomicBool::new(false);
    let acknowledged: [AtomicU64; 4] = Default::default();
    std::thread::scope(|scope| {
        for n in 0..4u16 {
            let (store, done, acknowledged) = (&store, &done, &acknowledged[usize::from(n)]);
            scope.spawn(move || {
                while !done.load(Ordering::SeqCst) {
                    let before = acknowledged.load(Ordering::SeqCst);
                    let rev = check_whole(store, n);
                    assert!(rev >= before, "{rev} after {before} was acknowledged");
                }
            });
        }
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                store.settle().unwrap();
            }
        });
        for rev in 1..=400 {
            for n in 0..4 {
                commit(&store, vec![turn(n, rev)]);
                acknowledged[usize::from(n)].store(rev, Ordering::SeqCst);
            }
        }
        done.store(true, Ordering::SeqCst);
    });
}

#[test]
fn a_page_never_shows_what_is_not_due_yet() {
    let store = open(&FaultyDisk::new(), held());
    for n in 0..20 {
        commit(&store, vec![turn(n, 1)]);
    }
    let page = store.due_before(at(10_300), None, 100).unwrap();
    assert!(!page.is_empty() && page.len() < 20);
    assert!(page.iter().all(|(due, _, _)| *due <= at(10_300)));
}

#[test]
fn turns_of_one_submission_land_together() {
    let disk = FaultyDisk::new();
    let store = open(&disk, held());
    let position = commit(&store, vec![turn(1, 1), turn(2, 1)]);
    assert_eq!(
        commit(&store, vec![]),
        position,
        "a barrier stands where the last commit does"
    );
    drop(store);
    let store = open(&disk, held());
    assert_eq!((check_still(&store, 1), check_still(&store, 2)), (1, 1));
}

#[test]
fn turns_of_one_conversation_may_stand_in_one_submission_if_they_follow_each_other() {
    let check = |turns: &[u64], expected: Result<(), CommitError>| {
        let store = open(&FaultyDisk::new(), held());
        commit_revs(&store, 1, 1..=2);
        let turns = turns.iter().map(|rev| turn(1, *rev)).collect();
        let answered = answer(&submit(&store, turns)).map(|_| ());
        assert_eq!(answered, expected);
        let stands_at = check_still(&store, 1);
        assert_eq!(stands_at, if expected.is_ok() { 4 } else { 2 });
    };
    check(&[3, 4], Ok(()));
    check(&[3, 5], Err(CommitError::Fenced));
    check(&[4, 5], Err(CommitError::Fenced));
    check(&[4, 3], Err(CommitError::Fenced));
}

#[test]
fn what_was_committed_is_there_after_reopening_applied_or_not() {
    let disk = FaultyDisk::new();
    let store = open(&disk, held());
    commit_revs(&store, 1, 1..=10);
    store.settle().unwrap();
    commit_revs(&store, 1, 11..=20);
    commit_revs(&store, 2, 1..=3);
    let (key, incarnation) = (*store.key(), store.incarnation());
    drop(store);
    let (store, recovered) =
        Store::open_on(Arc::new(disk.clone()), held(), Arc::new(Witness::default())).unwrap();
    assert_eq!(
        (recovered.records, recovered.conversations_in_tail),
        (13, 2)
    );
    assert_eq!((check_still(&store, 1), check_still(&store, 2)), (20, 3));
    check_indexes(&store, &[0, 20, 3]);
    assert_eq!(*store.key(), key);
    assert_ne!(store.incarnation(), incarnation);
    let before = store.tail().last_seq;
    assert_eq!(commit(&store, vec![turn(1, 21)]).0, before + 1);
}

#[test]
fn a_shut_down_store_has_applied_everything_and_takes_nothing_more() {
    let disk = FaultyDisk::new();
    let store = open(&disk, options());
    commit_revs(&store, 1, 1..=25);
    assert_eq!(store.shutdown(Duration::from_secs(10)), 0);
    assert!(answer(&submit(&store, vec![turn(1, 26)])).is_err());
    assert!(store.load(id(1), 1).is_err());
    drop(store);
    let (store, recovered) =
        Store::open_on(Arc::new(disk), held(), Arc::new(Witness::default())).unwrap();
    assert_eq!(recovered.records, 0);
    assert_eq!(check_still(&store, 1), 25);
}

#[test]
fn the_observer_hears_of_every_turn_once_and_in_order() {
    let witness = Arc::new(Witness::default());
    let (store, _) = Store::open_on(Arc::new(FaultyDisk::new()), held(), witness.clone()).unwrap();
    let told: Vec<_> = (1..=200)
        .flat_map(|rev| [1, 2].map(|n| submit(&store, vec![turn(n, rev)])))
        .collect();
    let answers: Vec<_> = told.iter().map(|told| answer(told).unwrap()).collect();
    assert!(answers.is_sorted());
    let seen = witness.0.lock().unwrap();
    assert_eq!(seen.len(), 400);
    assert!(seen.iter().map(|(position, _, _)| position).is_sorted());
    for n in [1, 2] {
        let revs = seen
            .iter()
            .filter(|(_, c, _)| *c == id(n))
            .map(|(_, _, rev)| *rev);
        assert!(revs.eq(1..=200));
    }
}

#[test]
fn evicted_ids_are_remembered_for_eight_days_and_then_swept() {
    let day = Duration::from_secs(24 * 60 * 60);
    let clock = Arc::new(ManualClock::at(at(1_795_000_000_000)));
    let options = Options {
        clock: clock.clone(),
        ..held()
    };
    let store = open(&FaultyDisk::new(), options);
    commit(&store, vec![turn(1, 1)]);
    assert!(store.seen(id(1), hash(1, 1)).unwrap());
    assert!(!store.seen(id(2), hash(1, 1)).unwrap());
    store.settle().unwrap();
    clock.advance(day * 8);
    assert!(store.seen(id(1), hash(1, 1)).unwrap());
    clock.advance(day);
    assert!(!store.seen(id(1), hash(1, 1)).unwrap());
    commit(&store, vec![turn(2, 1)]);
    store.settle().unwrap();
    assert!(store.seen(id(2), hash(2, 1)).unwrap());
}

#[test]
fn small_things_are_kept_by_name_and_number() {
    let disk = FaultyDisk::new();
    let store = open(&disk, held());
    store.put_setting("ai", b"off").unwrap();
    store.put_agent("ana", b"1").unwrap();
    store.put_agent("ben", b"2").unwrap();
    assert!(store.remove_agent("ana").unwrap());
    assert!(!store.remove_agent("ana").unwrap());
    store.put_policy(9, b"policy").unwrap();
    let first = store
        .park("inbound", "wa", b"raw", "no json", at(5))
        .unwrap();
    let second = store
        .park("inbound", "wa", b"raw2", "no json", at(6))
        .unwrap();
    assert!(second > first);
    assert_eq!(
        store.parked_take(second).unwrap().map(|p| p.raw),
        Some(b"raw2".to_vec())
    );
    assert_eq!(store.parked_take(second).unwrap(), None);
    drop(store);
    let store = open(&disk, held());
    assert_eq!(store.setting("ai").unwrap(), Some(b"off".to_vec()));
    assert_eq!(store.setting("none").unwrap(), None);
    assert_eq!(
        store.agents().unwrap(),
        vec![("ben".to_owned(), b"2".to_vec())]
    );
    assert_eq!(store.policy(9).unwrap(), Some(b"policy".to_vec()));
    let parked = store.parked(0, 10).unwrap();
    assert_eq!(parked.len(), 1);
    assert_eq!((parked[0].id, parked[0].why.as_str()), (first, "no json"));
    let third = store.park("x", "y", b"", "", at(7)).unwrap();
    assert!(third > second, "a number is never used twice");
}

#[test]
fn the_journal_is_trimmed_under_traffic_and_empty_when_idle() {
    let disk = FaultyDisk::new();
    let store = open(&disk, held());
    let mut largest = 0;
    for rev in 1..=1_500 {
        commit(
            &store,
            vec![turn((rev % 5) as u16, rev / 5 + u64::from(rev % 5 != 0))],
        );
        if rev % 50 == 0 {
            store.settle().unwrap();
            largest = largest.max(store.tail().journal_file_bytes);
        }
    }
    assert!(
        largest < 8 * 1024 * 1024,
        "the journal grew to {largest} bytes"
    );
    assert_eq!(store.pressure(), Pressure::Open);
    std::thread::sleep(Duration::from_millis(600));
    drop(store);
    // With everything trimmed, a journal that is gone altogether would not even be missed by its rows.
    let store = open(&disk, held());
    assert_eq!(store.tail().records, 0);
    assert_eq!(store.tail().last_seq, 1_500);
}

#[test]
fn pressure_rises_with_the_tail() {
    let options = Options {
        tail_bytes_max: 20_000,
        ..held()
    };
    let store = open(&FaultyDisk::new(), options);
    assert_eq!(store.pressure(), Pressure::Open);
    let mut pressures = Vec::new();
    for rev in 1..=60 {
        commit(&store, vec![turn(1, rev)]);
        pressures.push(store.pressure());
    }
    pressures.dedup();
    assert_eq!(
        pressures,
        [Pressure::Open, Pressure::Slow, Pressure::Refuse]
    );
    store.settle().unwrap();
    assert_eq!(store.pressure(), Pressure::Open);
}

fn refusal(disk: &FaultyDisk) -> OpenError {
    let opened = Store::open_on(Arc::new(disk.clone()), held(), Arc::new(Witness::default()));
    opened.map(|_| ()).expect_err("it must not open")
}

/// A disk whose state has applied `applied` revisions, with `more` only in the journal.
fn used(applied: u64, more: u64) -> FaultyDisk {
    let disk = FaultyDisk::new();
    let store = open(&disk, held());
    commit_revs(&store, 1, 1..=applied);
    store.settle().unwrap();
    commit_revs(&store, 1, applied + 1..=applied + more);
    drop(store);
    disk
}

#[test]
fn a_second_opener_is_refused() {
    let disk = FaultyDisk::new();
    let _first = open(&disk, held());
    assert!(matches!(refusal(&disk), OpenError::InUse));
    let dir = tempfile::tempdir().unwrap();
    let (_store, _) = Store::open(dir.path(), held(), Arc::new(Witness::default())).unwrap();
    let second = Store::open(dir.path(), held(), Arc::new(Witness::default()));
    assert!(matches!(second.map(|_| ()), Err(OpenError::InUse)));
}

#[test]
fn files_of_two_stores_are_refused() {
    let (one, other) = (used(3, 2), used(3, 2));
    assert!(matches!(
        refusal(&one.with_file_of(DataFile::State, &other)),
        OpenError::ForeignStore
    ));
    let missing = refusal(&one.without(DataFile::State)).to_string();
    assert!(missing.contains("is missing or empty"), "{missing}");
}

#[test]
fn a_journal_that_is_gone_is_missed() {
    assert!(matches!(
        refusal(&used(3, 0).without(DataFile::Journal)),
        OpenError::JournalGap {
            applied: 3,
            found: None
        }
    ));
}

#[test]
fn a_state_from_an_older_backup_is_refused_once_the_journal_was_trimmed() {
    let disk = FaultyDisk::new();
    let store = open(&disk, held());
    commit_revs(&store, 1, 1..=3);
    store.settle().unwrap();
    let old = disk.after_kill();
    commit_revs(&store, 1, 4..=6);
    store.settle().unwrap();
    // The next commit trims what was applied.
    commit_revs(&store, 1, 7..=8);
    drop(store);
    assert!(matches!(
        refusal(&disk.with_file_of(DataFile::State, &old)),
        OpenError::JournalGap {
            applied: 3,
            found: Some(7)
        }
    ));
}

#[test]
fn a_directory_is_made_for_this_user_alone() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("a/b");
    let (store, _) = Store::open(&data, held(), Arc::new(Witness::default())).unwrap();
    commit(&store, vec![turn(1, 1)]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode =
            |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&data), 0o700);
        assert_eq!(mode(&data.join("journal.redb")), 0o600);
    }
    assert_eq!(store.list(ModeName::Human, None, 9).unwrap(), vec![]);
    assert!(store.tail().journal_file_bytes > 0);
}

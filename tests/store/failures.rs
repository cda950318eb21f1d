//! A full disk, a failing disk, turns that rest on something that was given up, and bytes that make no sense.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use redb::ReadableTable as _;
use segue::clock::monotonic;
use segue::store::disk::{DataFile, open_database};
use segue::store::identity::META;
use segue::store::journal::GROUPS;
use segue::store::state::HEADS;
use segue::store::{CommitError, LoadError, OpenError, Options, Store, Turn};

use crate::bed::*;

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let mut waited = 0;
    while !holds() {
        assert!(waited < 400, "{what} did not come to pass");
        waited += 1;
        std::thread::sleep(Duration::from_millis(25));
    }
}

#[test]
fn a_full_disk_refuses_keeps_what_it_has_and_goes_on_when_there_is_room() {
    let disk = FaultyDisk::new();
    let store = open(&disk, held());
    commit_revs(&store, 1, 1..=5);
    let before = store.generation();
    disk.leave_room(3);
    let mut rev = 5;
    let error = loop {
        rev += 1;
        assert!(rev < 5_000, "the disk never filled up");
        if let Err(error) = answer(&submit_under(&store, vec![turn(1, rev)], before)) {
            break error;
        }
    };
    assert_eq!(error, CommitError::Unknown);
    assert!(!store.healthy());
    assert_eq!(
        answer(&submit_under(&store, vec![turn(1, rev + 1)], before)),
        Err(CommitError::Fenced)
    );
    assert_eq!(
        answer(&submit(&store, vec![turn(2, 1)])),
        Err(CommitError::Full)
    );
    assert_eq!(
        answer(&submit(&store, vec![])),
        Err(CommitError::Full),
        "nor is a barrier passed"
    );
    eventually("reading while full", || store.load(id(1), 3).is_ok());
    let landed = check_still(&store, 1);
    assert!(landed == rev || landed == rev - 1);
    let during = store.generation();
    disk.make_room();
    eventually("recovery", || store.healthy());
    assert_eq!(
        answer(&submit_under(&store, vec![turn(2, 1)], during)),
        Err(CommitError::Fenced)
    );
    commit(&store, vec![turn(1, landed + 1)]);
    assert_eq!(check_still(&store, 1), landed + 1);
    drop(store);
    let store = open(&disk, held());
    assert_eq!(check_still(&store, 1), landed + 1);
}

#[test]
fn a_commit_of_unknown_outcome_is_found_out() {
    let (mut landed, mut lost) = (0, 0);
    for (n, late) in (1..40).flat_map(|n| [(n, false), (n, true)]) {
        let disk = FaultyDisk::new();
        let store = open(&disk, held());
        commit_revs(&store, 1, 1..=3);
        store.settle().unwrap();
        commit_revs(&store, 1, 4..=4);
        disk.refuse_once(n, late);
        let answered = answer(&submit(&store, vec![turn(1, 5)]));
        disk.refuse_once(0, false);
        eventually("recovery", || store.healthy());
        let rev = check_still(&store, 1);
        match answered {
            Ok(_) => assert_eq!(rev, 5),
            Err(error) => {
                assert_eq!(error, CommitError::Unknown);
                assert!(rev == 4 || rev == 5);
                landed += u64::from(rev == 5);
                lost += u64::from(rev == 4);
            }
        }
        check_indexes(&store, &[0, rev]);
        commit(&store, vec![turn(1, rev + 1)]);
        drop(store);
        assert_eq!(
            check_still(&open(&disk, held()), 1),
            rev + 1,
            "as it was shown"
        );
    }
    assert!(landed > 0 && lost > 0, "{landed} landed, {lost} did not");
}

#[test]
fn a_full_disk_stops_the_applier_and_reading_goes_on() {
    let disk = FaultyDisk::new();
    let store = open(&disk, options());
    commit_revs(&store, 1, 1..=5);
    store.settle().unwrap();
    disk.leave_room(0);
    let mut failed = false;
    for n in 2..400 {
        failed |= answer(&submit(&store, vec![turn(n, 1)])).is_err();
    }
    let applied = store.settle();
    assert!(failed || applied.is_err(), "the disk was never full");
    eventually("reading while full", || store.load(id(1), 3).is_ok());
    assert_eq!(check_still(&store, 1), 5);
    disk.make_room();
    eventually("recovery", || store.healthy() && store.settle().is_ok());
    assert_eq!(store.tail().records, 0);
    commit_revs(&store, 1, 6..=7);
    assert_eq!(check_still(&store, 1), 7);
}

#[test]
fn a_failed_sync_ends_the_store() {
    let disk = FaultyDisk::new();
    let told = Arc::new(AtomicU64::new(0));
    let options = Options {
        on_fatal: Arc::new({
            let told = Arc::clone(&told);
            move |_| {
                told.fetch_add(1, Ordering::SeqCst);
            }
        }),
        ..held()
    };
    let store = open(&disk, options);
    commit_revs(&store, 1, 1..=3);
    // Even if it says that there is no room: what was taken by the cache before is lost with it.
    disk.fail_syncs(true);
    assert_eq!(
        answer(&submit(&store, vec![turn(1, 4)])),
        Err(CommitError::Unknown)
    );
    disk.fail_syncs(false);
    eventually("the end", || told.load(Ordering::SeqCst) == 1);
    assert_eq!(
        answer(&submit(&store, vec![turn(1, 4)])),
        Err(CommitError::Retry)
    );
    assert!(!store.healthy());
    assert!(store.load(id(1), 1).is_err());
}

#[test]
fn a_failed_read_is_retried_on_a_new_handle() {
    let disk = FaultyDisk::new();
    let store = open(&disk, options());
    // More than the cache holds: reads must reach the disk.
    let large = |n| Turn {
        head: vec![7; 48 * 1024],
        ..turn(n, 1)
    };
    for n in 0..900 {
        commit(&store, vec![large(n)]);
    }
    store.shutdown(Duration::from_secs(10));
    drop(store);
    let store = open(&disk, options());
    disk.fail_reads(true);
    let unread = (0..900).map(|n| store.load(id(n), 1)).find(Result::is_err);
    assert!(matches!(unread, Some(Err(LoadError::Retry(_)))));
    disk.fail_reads(false);
    eventually("reading again", || {
        store.load(id(5), 1).is_ok() && store.healthy()
    });
    assert_eq!(store.load(id(5), 1).unwrap().unwrap().head, large(5).head);
}

/// Changes one row of one table behind the store's back.
fn tamper<K: redb::Key + 'static>(
    disk: &FaultyDisk,
    file: DataFile,
    table: redb::TableDefinition<'_, K, &'static [u8]>,
    key: K::SelfType<'_>,
    change: impl FnOnce(&mut Vec<u8>),
) {
    let (database, _) = open_database(disk, file, 8 << 20).expect("nobody holds it");
    let txn = database.begin_write().unwrap();
    {
        let mut table = txn.open_table(table).unwrap();
        let mut bytes = table
            .get(&key)
            .unwrap()
            .expect("the row is there")
            .value()
            .to_vec();
        change(&mut bytes);
        table.insert(&key, bytes.as_slice()).unwrap();
    }
    txn.commit().unwrap();
}

#[test]
fn an_unreadable_head_stops_its_own_conversation_only() {
    let disk = FaultyDisk::new();
    let store = open(&disk, held());
    for n in 1..=3 {
        commit_revs(&store, n, 1..=4);
    }
    store.settle().unwrap();
    drop(store);
    tamper(&disk, DataFile::State, HEADS, id(2).as_bytes(), |bytes| {
        bytes[9] ^= 4
    });
    let store = open(&disk, held());
    assert!(matches!(store.load(id(2), 5), Err(LoadError::Corrupt(_))));
    assert_eq!((check_still(&store, 1), check_still(&store, 3)), (4, 4));
    check_indexes(&store, &[0, 4, 4, 4]);
    assert!(store.healthy());
    // People decided to begin it anew: the new head replaces the old, whose bytes are kept for them.
    commit(
        &store,
        vec![Turn {
            rev: 1,
            entries: vec![],
            ..turn(2, 7)
        }],
    );
    commit_revs(&store, 1, 5..=5);
    store.settle().unwrap();
    assert_eq!(store.load(id(2), 5).unwrap().unwrap().head, turn(2, 7).head);
    let parked = store.parked(0, 9).unwrap();
    assert_eq!(parked.len(), 1);
    assert_eq!(
        (parked[0].kind.as_str(), parked[0].origin.as_str()),
        ("damaged_head", &*id(2).to_string())
    );
    check_indexes(&store, &[0, 5, 7, 4]);
}

#[test]
fn what_a_newer_release_wrote_is_refused_by_name() {
    let used = || {
        let disk = FaultyDisk::new();
        let store = open(&disk, held());
        commit_revs(&store, 1, 1..=4);
        store.settle().unwrap();
        commit_revs(&store, 1, 5..=6);
        drop(store);
        disk
    };
    let refusal = |disk: &FaultyDisk| {
        Store::open_on(Arc::new(disk.clone()), held(), Arc::new(Witness::default()))
            .map(|_| ())
            .expect_err("it must not open")
    };
    for file in [DataFile::State, DataFile::Journal] {
        let disk = used();
        tamper(&disk, file, META, "layout", |bytes| bytes[0] += 1);
        assert!(matches!(
            refusal(&disk),
            OpenError::NewerVersion { found: 2, known: 1 }
        ));
    }
    let disk = used();
    tamper(&disk, DataFile::Journal, GROUPS, 6, |bytes| bytes[0] = 9);
    assert!(matches!(
        refusal(&disk),
        OpenError::NewerVersion { found: 9, known: 1 }
    ));
    let disk = used();
    tamper(&disk, DataFile::Journal, GROUPS, 6, |bytes| bytes[20] ^= 1);
    assert!(matches!(refusal(&disk), OpenError::Corrupt(_)));
    let disk = used();
    tamper(&disk, DataFile::State, HEADS, id(1).as_bytes(), |bytes| {
        bytes[0] = 9
    });
    let unread = open(&disk, held())
        .load(id(1), 1)
        .expect_err("it cannot be read");
    assert!(unread.to_string().contains("version 9"), "{unread}");
}

#[test]
fn a_turn_of_an_older_generation_or_a_wrong_revision_is_fenced() {
    let store = open(&FaultyDisk::new(), held());
    let generation = store.generation();
    commit_revs(&store, 1, 1..=2);
    assert_eq!(
        answer(&submit_under(&store, vec![turn(1, 3)], generation - 1)),
        Err(CommitError::Fenced)
    );
    // A second actor of the same conversation, and one that lost a turn on the way.
    for wrong in [1, 2, 4] {
        assert_eq!(
            answer(&submit(&store, vec![turn(1, wrong)])),
            Err(CommitError::Fenced)
        );
    }
    // One bad turn takes the whole submission with it.
    assert_eq!(
        answer(&submit(&store, vec![turn(2, 1), turn(1, 9)])),
        Err(CommitError::Fenced)
    );
    assert_eq!((check_still(&store, 1), check_still(&store, 2)), (2, 0));
    commit(&store, vec![turn(1, 3)]);
}

#[test]
fn a_panic_of_those_who_are_told_costs_nobody_else() {
    let store = open(&FaultyDisk::new(), held());
    store.submit(
        vec![turn(1, 1)],
        store.generation(),
        Box::new(|_| panic!("told")),
    );
    commit(&store, vec![turn(2, 1)]);
    assert_eq!(check_still(&store, 1), 1);
}

#[test]
fn every_submission_is_answered_when_the_store_goes_away() {
    let store = open(&FaultyDisk::new(), held());
    let told: Vec<_> = (1..=2_000)
        .map(|rev| submit(&store, vec![turn(1, rev)]))
        .collect();
    drop(store);
    let answers: Vec<_> = told.iter().map(answer).collect();
    let made = answers.iter().filter(|answer| answer.is_ok()).count();
    assert!(
        answers[..made].iter().all(Result::is_ok),
        "a prefix was made"
    );
}

#[test]
fn below_the_watermark_nothing_new_is_accepted() {
    let disk = FaultyDisk::new();
    let options = || Options {
        free_bytes_min: 1024 * 1024,
        ..held()
    };
    let store = open(&disk, options());
    assert!(store.accepting());
    disk.leave_room(10);
    eventually("the watermark", || !store.accepting());
    drop(store);
    // What exists opens all the same; a new store is not begun on a full disk.
    let store = open(&disk, options());
    assert!(!store.accepting());
    let new = FaultyDisk::new();
    new.leave_room(10);
    let refused = Store::open_on(Arc::new(new), options(), Arc::new(Witness::default()));
    assert!(matches!(
        refused.map(|_| ()),
        Err(segue::store::OpenError::Full { .. })
    ));
}

/// Runs at full speed for a while: the tail must stay bounded, so the applier must keep up.
#[test]
fn a_long_run_keeps_the_tail_and_the_journal_bounded() {
    let disk = FaultyDisk::new();
    let options = Options {
        tail_bytes_max: 1024 * 1024,
        ..options()
    };
    let store = open(&disk, options);
    let until = monotonic() + Duration::from_secs(3);
    let (mut rev, mut most) = (0, 0);
    while monotonic() < until {
        rev += 1;
        let told: Vec<_> = (0..64)
            .map(|n| submit(&store, vec![turn(n, rev)]))
            .collect();
        for told in &told {
            answer(told).unwrap();
        }
        while store.pressure() == segue::store::Pressure::Refuse {
            std::thread::sleep(Duration::from_millis(1));
        }
        most = most.max(store.tail().bytes);
    }
    assert!(most < 2 * 1024 * 1024, "the tail grew to {most} bytes");
    eventually("applying everything", || store.tail().records == 0);
    assert!(store.tail().journal_file_bytes < 16 * 1024 * 1024);
    assert_eq!(check_still(&store, 7), rev);
}

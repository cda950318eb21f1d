//! Power cuts and kills at every n-th change of the disk: nothing that was acknowledged is lost, nothing is half there.

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use segue::store::Store;

use crate::bed::*;

const CONVERSATIONS: u16 = 6;
const ROUNDS: u64 = 14;

/// Commits rounds of turns until the disk gives out; answers which revision of each conversation was acknowledged.
fn drive(disk: &FaultyDisk) -> Vec<u64> {
    let mut acknowledged = vec![0; usize::from(CONVERSATIONS)];
    let Ok((store, _)) = Store::open_on(
        Arc::new(disk.clone()),
        options(),
        Arc::new(Witness::default()),
    ) else {
        return acknowledged;
    };
    for rev in 1..=ROUNDS {
        let told: Vec<(u16, Receiver<Answer>)> = (0..CONVERSATIONS)
            .map(|n| (n, submit(&store, vec![turn(n, rev)])))
            .collect();
        for (n, told) in told {
            if answer(&told).is_ok() {
                acknowledged[usize::from(n)] = rev;
            }
        }
        if rev % 5 == 0 {
            // A disk that is gone is what this test is about.
            let _ = store.settle();
        }
    }
    acknowledged
}

fn check(disk: &FaultyDisk, acknowledged: &[u64], what: &str) {
    let store = open(disk, held());
    let revs: Vec<u64> = (0..CONVERSATIONS).map(|n| check_still(&store, n)).collect();
    for (n, (rev, acknowledged)) in revs.iter().zip(acknowledged).enumerate() {
        assert!(
            rev >= acknowledged,
            "{what}: {n} stands at {rev}, {acknowledged} was acknowledged"
        );
    }
    check_indexes(&store, &revs);
    store.settle().expect("the tail can be applied");
    check_indexes(&store, &revs);
    // And it goes on from there.
    for (n, rev) in (0..).zip(&revs) {
        commit(&store, vec![turn(n, rev + 1)]);
        assert_eq!(check_still(&store, n), rev + 1);
    }
}

#[test]
fn nothing_acknowledged_is_lost_whenever_the_power_is_cut() {
    let whole = FaultyDisk::new();
    assert_eq!(drive(&whole), vec![ROUNDS; usize::from(CONVERSATIONS)]);
    let changes = whole.changes();
    let cuts: u64 = std::env::var("SEGUE_CUTS").map_or(300, |n| n.parse().expect("a number"));
    let mut lost_something = 0;
    for cut in 0..cuts {
        let disk = FaultyDisk::new();
        disk.cut_at(1 + cut * changes / cuts);
        let acknowledged = drive(&disk);
        lost_something += u64::from(acknowledged.iter().any(|rev| *rev < ROUNDS));
        for seed in [1, 2 + cut] {
            check(
                &disk.after_power_cut(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
                &acknowledged,
                &format!("cut {cut} of {cuts}, seed {seed}"),
            );
        }
    }
    assert!(lost_something > cuts / 2, "the cuts did hit the run");
}

#[test]
fn nothing_acknowledged_is_lost_between_a_commit_and_its_applying() {
    let disk = FaultyDisk::new();
    let store = open(&disk, held());
    for rev in 1..=20 {
        for n in 0..CONVERSATIONS {
            commit(&store, vec![turn(n, rev)]);
        }
        if rev % 7 == 0 {
            store.settle().unwrap();
        }
        check(
            &disk.after_kill(),
            &vec![rev; usize::from(CONVERSATIONS)],
            "kill",
        );
        check(
            &disk.after_power_cut(rev),
            &vec![rev; usize::from(CONVERSATIONS)],
            "cut",
        );
    }
}

//! Files that were cut off while being made are finished; files that were damaged, or are not ours, are left alone.

use std::sync::Arc;

use segue::store::disk::{DataFile, open_database};
use segue::store::{OpenError, Store};

use crate::bed::*;

const BOTH: [DataFile; 2] = [DataFile::State, DataFile::Journal];

fn used() -> FaultyDisk {
    let disk = FaultyDisk::new();
    let store = open(&disk, held());
    commit_revs(&store, 1, 1..=4);
    store.settle().unwrap();
    commit_revs(&store, 1, 5..=6);
    drop(store);
    disk
}

/// The disk with the first `count` bytes of `file` zeroed.
fn zeroed(disk: &FaultyDisk, file: DataFile, count: usize) -> FaultyDisk {
    let mut bytes = disk.bytes(file);
    bytes[..count].fill(0);
    disk.with_bytes(file, bytes)
}

/// Checks that nothing opens on `disk`, that `file` is blamed, and that not a byte changes.
fn refused(disk: &FaultyDisk, file: DataFile) {
    let before = BOTH.map(|file| disk.bytes(file));
    let error = Store::open_on(Arc::new(disk.clone()), held(), Arc::new(Witness::default()))
        .map(|_| ())
        .expect_err("it must not open");
    assert!(
        matches!(&error, OpenError::Corrupt(why) if why.contains(file.name())),
        "{error}"
    );
    assert!(
        BOTH.map(|file| disk.bytes(file)) == before,
        "{error}: the files are as they were"
    );
}

/// What `file` is like after each change that making it takes, up to its mark.
fn cut_off_while_made(file: DataFile) -> Vec<Vec<u8>> {
    (2..)
        .map(|cut| {
            let disk = FaultyDisk::new();
            disk.cut_at(cut);
            assert!(open_database(&disk, file, 8 << 20).is_err(), "it was cut");
            disk.bytes(file)
        })
        .take_while(|bytes| !bytes.starts_with(b"redb"))
        .collect()
}

#[test]
fn a_damaged_beginning_is_refused_and_nothing_is_emptied() {
    let disk = used();
    for file in BOTH {
        for count in [9, 16, 320, 4_096] {
            refused(&zeroed(&disk, file, count), file);
        }
    }
    let both = zeroed(&zeroed(&disk, DataFile::State, 16), DataFile::Journal, 16);
    refused(&both, DataFile::State);
    // Put back, everything is there.
    let whole = both
        .with_file_of(DataFile::State, &disk)
        .with_file_of(DataFile::Journal, &disk);
    assert_eq!(check_still(&open(&whole, held()), 1), 6);
}

#[test]
fn a_foreign_file_is_refused_before_anything_is_made() {
    for file in BOTH {
        for foreign in [
            &b"hello"[..],
            b"hello, I am not yours",
            b"\0\0\0\0\0\0\0\0\0\0\0x",
        ] {
            refused(&FaultyDisk::new().with_bytes(file, foreign.to_vec()), file);
        }
    }
    // Zeros, but more of them than a file begins with.
    let long = FaultyDisk::new().with_bytes(DataFile::State, vec![0; 16 << 20]);
    refused(&long, DataFile::State);
}

#[test]
fn a_file_that_was_cut_off_while_being_made_is_finished() {
    for file in BOTH {
        let stages = cut_off_while_made(file);
        let size = stages.last().expect("some").len();
        let blank = |bytes: &&Vec<u8>| bytes.len() == size && bytes.iter().all(|b| *b == 0);
        assert!(stages.iter().any(|bytes| blank(&bytes)), "grown, and blank");
        assert!(!stages.iter().all(|bytes| blank(&bytes)), "with a head");
        // The head can reach the disk before the size does.
        let head = stages.last().expect("some")[..512].to_vec();
        for bytes in stages.into_iter().chain([head]) {
            let disk = match file {
                DataFile::State => FaultyDisk::new(),
                // The state is there before the journal is begun.
                DataFile::Journal => {
                    let disk = FaultyDisk::new();
                    drop(open(&disk, held()));
                    disk
                }
            };
            let disk = disk.with_bytes(file, bytes);
            let store = open(&disk, held());
            commit_revs(&store, 1, 1..=3);
            drop(store);
            assert_eq!(check_still(&open(&disk, held()), 1), 3);
        }
    }
}

#[test]
fn a_blank_state_beside_a_journal_is_refused() {
    let disk = used();
    for bytes in cut_off_while_made(DataFile::State) {
        refused(&disk.with_bytes(DataFile::State, bytes), DataFile::State);
    }
}

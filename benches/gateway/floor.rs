//! What the disk and redb alone can do with the same bytes: the floor under every figure above it.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use redb::{Database, TableDefinition};
use segue::clock::monotonic;

use crate::load;

const ROWS: TableDefinition<u64, &[u8]> = TableDefinition::new("rows");
/// Rows kept behind the newest, as the unapplied tail keeps them.
const KEPT: u64 = 256;

/// How often per second something was made durable, and how long it took, in microseconds.
pub struct Durable {
    /// Per second.
    pub rate: f64,
    /// The median.
    pub p50: u32,
    /// 99 % took no longer.
    pub p99: u32,
}

fn repeat(long: Duration, mut once: impl FnMut(u64)) -> Durable {
    let (began, mut took) = (monotonic(), Vec::new());
    while began.elapsed() < long {
        let start = monotonic();
        once(took.len() as u64);
        took.push(u32::try_from(start.elapsed().as_micros()).unwrap_or(u32::MAX));
    }
    let rate = took.len() as f64 / began.elapsed().as_secs_f64();
    took.sort_unstable();
    Durable {
        rate,
        p50: load::at(&took, 0.5),
        p99: load::at(&took, 0.99),
    }
}

/// Appending 4 KiB and `fdatasync`.
pub fn sync_alone(dir: &Path, long: Duration) -> Durable {
    let path = dir.join("floor.bin");
    let mut file = File::create(&path).expect("a file");
    let page = [0x5a; 4_096];
    let durable = repeat(long, |_| {
        file.write_all(&page).expect("room on the disk");
        file.sync_data().expect("a sync");
    });
    std::fs::remove_file(path).expect("our own file");
    durable
}

/// One row of `bytes` per commit in redb, committed as the journal commits.
pub fn redb_alone(dir: &Path, bytes: usize, long: Duration) -> Durable {
    let path = dir.join("floor.redb");
    let database = Database::create(&path).expect("a database");
    let row = vec![0x5a; bytes];
    let durable = repeat(long, |n| {
        let mut txn = database.begin_write().expect("a transaction");
        txn.set_two_phase_commit(true);
        {
            let mut rows = txn.open_table(ROWS).expect("a table");
            rows.insert(n, row.as_slice()).expect("a row");
            if let Some(old) = n.checked_sub(KEPT) {
                rows.remove(old).expect("a row");
            }
        }
        txn.commit().expect("a commit");
    });
    drop(database);
    std::fs::remove_file(path).expect("our own file");
    durable
}

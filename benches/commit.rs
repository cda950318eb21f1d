//! What a commit costs: one packed row of n turns, under the three ways redb can commit; and the whole store with so
//! many turns in flight. Run with `cargo bench --bench commit`; compare only runs made side by side.
#![expect(clippy::unwrap_used, reason = "a benchmark")]

use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use redb::{Database, TableDefinition};
use segue::clock::Timestamp;
use segue::conversation::trail::{Entry, Fact};
use segue::conversation::words::ModeName;
use segue::ids::ConversationId;
use segue::store::format::{encode_record, row_len, write_row};
use segue::store::{Listing, Observer, Options, Position, Store, Turn};

const GROUPS: TableDefinition<u64, &[u8]> = TableDefinition::new("groups");
/// Rows kept behind the newest, as the tail keeps them.
const KEPT: u64 = 256;

struct Nobody;

impl Observer for Nobody {
    fn committed(&self, _: Position, turns: &[Arc<Turn>]) {
        black_box(turns);
    }
}

fn turn(n: u64, rev: u64) -> Turn {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    let entry = |n| Entry {
        n,
        at: Timestamp::from_millis(1_795_000_000_000),
        policy: 7,
        rules: 1,
        fact: Fact::NoteWritten {
            agent: "ana".into(),
            text: "Where is my parcel? It should have been here on Monday.".to_owned(),
        },
    };
    Turn {
        conversation: ConversationId::from_bytes(id),
        medium: segue::conversation::message::Medium::Other,
        was: ModeName::Human,
        rev,
        head: vec![n as u8; 600],
        entries: vec![entry(2 * rev - 2), entry(2 * rev - 1)],
        due: Some(Timestamp::from_millis(1_795_000_000_000 + rev as i64)),
        listing: Listing {
            mode: ModeName::Ai,
            since: Timestamp::ZERO,
        },
        evicted: Vec::new(),
    }
}

#[derive(Clone, Copy, Debug)]
enum Phases {
    One,
    Two,
    TwoAndQuickRepair,
}

fn rows(c: &mut Criterion) {
    let mut group = c.benchmark_group("row");
    for turns in [1u64, 64, 512] {
        for phases in [Phases::One, Phases::Two, Phases::TwoAndQuickRepair] {
            let dir = tempfile::tempdir_in(".").unwrap();
            let database = Database::create(dir.path().join("journal.redb")).unwrap();
            let records: Vec<Vec<u8>> = (0..turns).map(|n| encode_record(&turn(n, 1))).collect();
            let mut seq = 0;
            group.throughput(Throughput::Elements(turns));
            group.bench_function(BenchmarkId::new(format!("{phases:?}"), turns), |b| {
                b.iter(|| {
                    seq += 1;
                    let mut txn = database.begin_write().unwrap();
                    match phases {
                        Phases::One => {}
                        Phases::Two => txn.set_two_phase_commit(true),
                        Phases::TwoAndQuickRepair => txn.set_quick_repair(true),
                    }
                    {
                        let mut table = txn.open_table(GROUPS).unwrap();
                        let mut row = table.insert_reserve(seq, row_len(&records)).unwrap();
                        write_row(row.as_mut(), Timestamp::ZERO, &records);
                        drop(row);
                        table.remove(seq.saturating_sub(KEPT)).unwrap();
                    }
                    txn.commit().unwrap();
                });
            });
        }
    }
    group.finish();
}

fn store(c: &mut Criterion) {
    let mut group = c.benchmark_group("store");
    for in_flight in [1usize, 64, 512] {
        let dir = tempfile::tempdir_in(".").unwrap();
        let options = Options {
            free_bytes_min: 0,
            ..Options::default()
        };
        let (store, _) = Store::open(dir.path(), options, Arc::new(Nobody)).unwrap();
        let mut revs = vec![0; 100_000];
        let mut random = 88_172_645_463_325_252u64;
        let mut told: VecDeque<Receiver<_>> = VecDeque::new();
        group.throughput(Throughput::Elements(1));
        group.bench_function(BenchmarkId::new("in_flight", in_flight), |b| {
            b.iter(|| {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                let n = (random % 100_000) as usize;
                revs[n] += 1;
                let (tell, hear) = sync_channel(1);
                store.submit(
                    vec![turn(n as u64, revs[n])],
                    store.generation(),
                    Box::new(move |answer| tell.send(answer).unwrap()),
                );
                told.push_back(hear);
                if told.len() >= in_flight {
                    told.pop_front().unwrap().recv().unwrap().unwrap();
                }
            });
        });
        for hear in told {
            hear.recv().unwrap().unwrap();
        }
    }
    group.finish();
}

criterion_group!(benches, rows, store);
criterion_main!(benches);

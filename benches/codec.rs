//! What it costs to write a head and a turn as bytes, and to read them again: `cargo bench --bench codec`.
//!
//! The conversations are made by the core, as those of the gateway bench are: ten messages and a thousand, held by a
//! person. A record is what one more message of the customer adds to the journal; a row is a group of 64 of them.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use segue::conversation::Conversation;
use segue::conversation::policy::Policy;
use segue::store::format::{encode_record, read_row, row_len, write_row};

#[path = "gateway/people.rs"]
#[expect(
    dead_code,
    reason = "only its stories are told here, and nothing is filled"
)]
mod people;

use people::{NOW, Story};

/// Records of a row: a group under many connections.
const GROUP: usize = 64;

fn codec(bench: &mut Criterion) {
    let policy = Policy::default();
    for messages in [10, 1_000] {
        let mut story = Story::with_a_person(&"line".into(), &policy, messages);
        let head = story.conversation.encode();
        let mut group = bench.benchmark_group(format!("after {messages} messages"));
        group.throughput(Throughput::Bytes(head.len() as u64));
        group.bench_function("encode a head", |timer| {
            timer.iter(|| black_box(&story.conversation).encode());
        });
        group.bench_function("decode a head", |timer| {
            timer.iter(|| Conversation::decode(black_box(&head)));
        });
        let _before = story.turn();
        story.customer();
        let turn = story.turn();
        let record = encode_record(&turn);
        group.throughput(Throughput::Bytes(record.len() as u64));
        group.bench_function("encode a record", |timer| {
            timer.iter(|| encode_record(black_box(&turn)));
        });
        let records = vec![record; GROUP];
        let mut row = vec![0; row_len(&records)];
        group.throughput(Throughput::Bytes(row.len() as u64));
        group.bench_function("write a row of 64", |timer| {
            timer.iter(|| write_row(black_box(&mut row), NOW, black_box(&records)));
        });
        group.bench_function("read a row of 64", |timer| {
            timer.iter(|| read_row(black_box(&row)));
        });
        assert_eq!(
            read_row(&row).map(|(_, turns)| turns.len()),
            Ok(GROUP),
            "what is read is what was written"
        );
        group.finish();
    }
}

criterion_group!(benches, codec);
criterion_main!(benches);

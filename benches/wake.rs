//! What it costs to bring a conversation back from the disk: `cargo bench --bench wake`.
//!
//! The store is read and the head decoded, as the shell does when somebody writes who is not in memory; for a
//! conversation of the AI, with the last entries of its trail besides. A thousand conversations in an arbitrary order, with
//! their pages in memory; no actor, no commit. How it is over HTTP, `--bench gateway -- --only wake` tells.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use segue::conversation::Conversation;
use segue::conversation::policy::{Policy, WINDOW_ENTRIES};
use segue::ids::ConversationId;
use segue::store::{Options, Store};

#[path = "gateway/people.rs"]
#[expect(dead_code, reason = "whoever is filled in here is not heard of again")]
mod people;

use people::{Crowd, Holder, Nobody};

const CHANNEL: &str = "line";
/// Conversations of each length.
const COUNT: u64 = 1_000;
/// Lengths, in messages of both sides.
const LENGTHS: [u32; 2] = [10, 200];
/// A step that meets every number below [`COUNT`] once, far from the last one.
const STRIDE: u64 = 617;

fn filled(dir: &Path) -> Store {
    let crowds = LENGTHS.into_iter().zip(0..).map(|(messages, n)| Crowd {
        first: n * COUNT,
        count: COUNT,
        messages,
        holder: Holder::Ai,
    });
    let crowds: Vec<Crowd> = crowds.collect();
    people::fill(dir, &CHANNEL.into(), &Policy::default(), &crowds);
    let options = Options {
        apply: false,
        free_bytes_min: 0,
        ..Options::default()
    };
    let (store, _) = Store::open(dir, options, Arc::new(Nobody)).expect("it opens");
    store
}

/// Reads `id` with its last `recent` entries; the revision of the head.
fn wake(store: &Store, id: ConversationId, recent: usize) -> u64 {
    let loaded = store.load(id, recent).expect("it can be read");
    let loaded = loaded.expect("it is known");
    let conversation = Conversation::decode(&loaded.head).expect("it was written by us");
    black_box(&loaded.recent);
    assert_eq!(conversation.rev(), loaded.rev, "the head is the row's");
    loaded.rev
}

fn waking(bench: &mut Criterion) {
    let dir = tempfile::tempdir_in(".").expect("a directory");
    let store = filled(dir.path());
    for (messages, at) in LENGTHS.into_iter().zip(0..) {
        let ids: Vec<ConversationId> = (0..COUNT)
            .map(|n| at * COUNT + n * STRIDE % COUNT)
            .map(|n| ConversationId::derive(store.key(), CHANNEL, &people::address(n)))
            .collect();
        let mut group = bench.benchmark_group(format!("of {messages} messages"));
        for (name, recent) in [("head alone", 0), ("head and window", WINDOW_ENTRIES)] {
            let mut next = ids.iter().cycle();
            group.bench_function(name, |timer| {
                timer.iter(|| wake(&store, *next.next().expect("it never ends"), recent));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, waking);
criterion_main!(benches);

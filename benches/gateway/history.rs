//! What one message costs, by the length of the history behind it: in the core alone, and served.

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use segue::clock::monotonic;
use segue::conversation::event::Event;
use segue::conversation::policy::Policy;
use segue::store::format::encode_record;
use serde_json::{Value, json};

use crate::people::{Crowd, Holder, NOW, Story, address, inbound};
use crate::target::Target;
use crate::{CHANNEL, load, people, spread, target, watch};

/// Messages that each customer sends in a round: few enough that a short history stays short.
const EACH: u64 = 15;

/// Bytes of an ordinary turn in the journal: a message of a customer to a person, ten messages into the conversation.
pub fn record_bytes() -> usize {
    let policy = Policy::default();
    let mut story = Story::with_a_person(&CHANNEL.into(), &policy, 10);
    let _before = story.turn();
    story.customer();
    encode_record(&story.turn()).len()
}

/// The core alone, single-threaded: nothing is stored and nobody is told.
pub fn in_process(long: u32) -> Value {
    println!(
        "\none message in the core alone      decide   head encoded   record encoded   head bytes"
    );
    let rows = [10, long].map(|messages| {
        let policy = Policy::default();
        let mut conversation = Story::with_a_person(&CHANNEL.into(), &policy, messages).conversation;
        let (channel, address) = (CHANNEL.into(), address(1));
        let events: Vec<Event> = (0..20_000)
            .map(|n| Event::CustomerWrote { inbound: inbound(&channel, &address, format!("SMx{n:031x}")), seen_before: false })
            .collect();
        let count = events.len() as f64;
        let began = monotonic();
        for event in events {
            black_box(conversation.decide(event, NOW, &policy));
        }
        let decide = began.elapsed().as_secs_f64() * 1e6 / count;
        let mut story = Story::with_a_person(&CHANNEL.into(), &policy, messages);
        let began = monotonic();
        for _ in 0..20_000 {
            black_box(story.conversation.encode());
        }
        let encode = began.elapsed().as_secs_f64() * 1e6 / 20_000.0;
        let _before = story.turn();
        story.customer();
        let turn = story.turn();
        let began = monotonic();
        for _ in 0..20_000 {
            black_box(encode_record(&turn));
        }
        let record = began.elapsed().as_secs_f64() * 1e6 / 20_000.0;
        let bytes = turn.head.len();
        println!("  after {messages:>6} messages          {decide:>6.2} µs {encode:>11.2} µs {record:>13.2} µs {bytes:>12}");
        json!({ "messages": messages, "decide_us": decide, "encode_us": encode, "record_us": record, "head_bytes": bytes })
    });
    Value::from(rows.to_vec())
}

/// Served: the same webhooks to customers with short and with long histories, by turns.
pub fn served((customers, long): (u64, u32), rounds: usize, dir: &Path) -> Value {
    let data = dir.join("history");
    let policy = target::config(&data).policy();
    let crowd = |first, messages| Crowd {
        first,
        count: customers,
        messages,
        holder: Holder::Person,
    };
    people::fill(
        &data,
        &CHANNEL.into(),
        &policy,
        &[crowd(0, 10), crowd(customers, long)],
    );
    let mut segue = Target::segue("history", &data);
    let (mut message, mut micros) = (1 << 40, [Vec::new(), Vec::new()]);
    for round in 0..=rounds.min(3) {
        for (which, first) in [(0, 0), (1, customers)] {
            let count = customers * EACH;
            let signed = (0..count)
                .map(|n| load::signed(first + n % customers, message + n))
                .collect();
            message += count;
            let before = watch::cpu(segue.pid());
            let run = load::post(segue.address, 32, signed, Duration::from_secs(60));
            assert_eq!(
                (run.answered, run.refused),
                (count, 0),
                "everybody is answered"
            );
            segue.settle();
            let used = watch::total(&watch::between(&before, &watch::cpu(segue.pid())));
            // The first round wakes them.
            if round > 0 {
                micros[which].push(used.all as f64 / count as f64);
            }
        }
    }
    println!("\none message served (all threads, applying included)");
    let rows = [10, long].into_iter().zip(micros).map(|(messages, micros)| {
        let [median, least, most] = spread(micros.into_iter());
        println!("  after {messages:>6} messages          {median:>6.1} µs CPU [{least:.1}..{most:.1}]");
        json!({ "messages": messages, "cpu_us": median })
    });
    rows.collect()
}

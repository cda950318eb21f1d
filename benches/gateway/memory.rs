//! What a conversation costs in memory while its actor is there, and when it has left.
//!
//! Resident memory of the whole process, before and after so many conversations of ten messages came into it. The
//! caches of the two files are set to their least, so that they are full before it begins; a first crowd has come
//! and gone by then, so that threads and tables are there. The allocator is never told to give memory back: what a
//! crowd that left keeps is told too, and that the next crowd does not need more.

use std::path::Path;
use std::time::Duration;

use segue::load::process;
use serde_json::{Value, json};

use crate::people::{Crowd, Holder};
use crate::target::Target;
use crate::{CHANNEL, load, people, target};

/// Messages of both sides.
const MESSAGES: u32 = 10;

/// Of these, a crowd takes a third to come, and is counted then.
fn idle_after(count: u64) -> Duration {
    Duration::from_millis(if count < 1_000 { 1_500 } else { 30_000 })
}

/// Measures crowds of `count`.
pub fn measure(count: u64, dir: &Path) -> Value {
    let data = dir.join("memory");
    let policy = target::config(&data).policy();
    let crowd = |first, holder| Crowd {
        first,
        count,
        messages: MESSAGES,
        holder,
    };
    people::fill(
        &data,
        &CHANNEL.into(),
        &policy,
        &[
            crowd(0, Holder::Ai),
            crowd(count, Holder::Ai),
            crowd(2 * count, Holder::Person),
        ],
    );
    let idle = idle_after(count);
    let idle_ms = idle.as_millis().to_string();
    let variables = [
        ("SEGUE_IDLE_AFTER_MS", idle_ms.as_str()),
        ("SEGUE__STORAGE__CACHE_MB", "4"),
    ];
    let mut segue = Target::segue_with("memory", &data, &variables);
    let rss = |segue: &Target| process::memory(segue.pid()).map_or(0, |(now, _)| now / 1_024);
    let each = |kib: u64| kib as f64 / count as f64;
    println!(
        "\nmemory of {count} conversations of {MESSAGES} messages (resident set of the process)"
    );
    segue.look(0, count / 10);
    segue.fall_asleep();
    let empty = rss(&segue);
    println!("  nobody in memory           {:>9} KiB", empty);
    let mut crowds = Vec::new();
    for (round, first) in [(1, 0), (2, count), (3, 0)] {
        segue.look(first, count);
        std::thread::sleep(idle / 3);
        let full = rss(&segue);
        segue.fall_asleep();
        let left = rss(&segue);
        let cost = each(full.saturating_sub(empty));
        println!(
            "  crowd {round} in memory          {full:>9} KiB = {cost:.2} KiB each; after it left {left} KiB"
        );
        crowds.push(json!({ "in_memory_kib": full, "kib_each": cost, "after_it_left_kib": left }));
    }
    // In fresh memory: what the crowds before left behind would be taken first.
    drop(segue);
    let mut segue = Target::segue_with("memory", &data, &[("SEGUE__STORAGE__CACHE_MB", "4")]);
    segue.look(0, count / 10);
    std::thread::sleep(idle / 3);
    let before = rss(&segue);
    let signed = (0..count).map(|n| load::signed(2 * count + n, n)).collect();
    let run = load::post(segue.address, 32, signed, Duration::from_secs(600));
    assert_eq!(run.refused, 0, "everybody is answered");
    segue.settle();
    std::thread::sleep(idle / 10);
    let after = rss(&segue);
    let cost = each(after.saturating_sub(before));
    println!(
        "  held by a person and just written to: {cost:.2} KiB each, the agents' board and event rings included"
    );
    json!({ "conversations": count, "empty_kib": empty, "crowds": crowds, "written_to_kib_each": cost })
}

//! Bytes on the disk for each conversation and each message, and how many bytes are written for them in all.
//!
//! Every conversation begins with one message; the others come one at a time over HTTP, to conversations in a random
//! order, as in life. Sizes are those of the files after everything is applied. What is written is what the kernel
//! counts for the process, journal and state together; it is divided by the bytes of the records, and by those of what
//! was said.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::people::{self, Crowd, Holder};
use crate::plan::Plan;
use crate::target::{self, Target};
use crate::{CHANNEL, history, load, scatter, watch};

/// Messages of each conversation.
const MESSAGES: u64 = 10;
/// How many write at once.
const CONNECTIONS: usize = 64;
/// It never takes longer.
const LONG: Duration = Duration::from_secs(600);

/// Fills the disk with `plan.disk` conversations; prints and answers what they take.
pub fn measure(plan: &Plan, dir: &Path) -> Value {
    let (count, data) = (plan.disk, dir.join("disk"));
    let policy = target::config(&data).policy();
    let crowd = Crowd {
        first: 0,
        count,
        messages: 1,
        holder: Holder::Person,
    };
    people::fill(&data, &CHANNEL.into(), &policy, &[crowd]);
    let mut segue = Target::segue("disk", &data);
    segue.settle();
    let (before, io) = (sizes(&data), watch::io(segue.pid()));
    let messages = count * (MESSAGES - 1);
    // Each of them as often as every other, and in no order.
    let mut order: Vec<u64> = (0..messages).collect();
    order.sort_by_key(|n| scatter(*n));
    let signed = order.iter().map(|n| load::signed(n % count, *n)).collect();
    let run = load::post(segue.address, CONNECTIONS, signed, LONG);
    assert_eq!(
        (run.answered, run.refused),
        (messages, 0),
        "everybody is answered"
    );
    segue.settle();
    let written = watch::io(segue.pid()).written - io.written;
    drop(segue);
    told(count, messages, before, sizes(&data), written)
}

/// Bytes of the state and of the journal.
fn sizes(data: &Path) -> [u64; 2] {
    let size = |name| std::fs::metadata(data.join(name)).map_or(0, |meta| meta.len());
    ["state.redb", "journal.redb"].map(size)
}

fn told(count: u64, messages: u64, before: [u64; 2], after: [u64; 2], written: u64) -> Value {
    let [state, journal] = after.map(|bytes| bytes as f64);
    let grown = after[0].saturating_sub(before[0]) as f64 / messages as f64;
    let record = history::record_bytes() as f64;
    let each = written as f64 / messages as f64;
    let (of_record, of_words) = (each / record, each / people::WORDS.len() as f64);
    println!(
        "\non disk: {count} conversations of {MESSAGES} messages, written one at a time and applied"
    );
    println!(
        "  state {:.1} MiB: {:.0} bytes per conversation, {:.0} per message (grew by {grown:.0} for each of the last {})",
        state / f64::from(1 << 20),
        state / count as f64,
        state / (count * MESSAGES) as f64,
        MESSAGES - 1
    );
    println!(
        "  journal {:.1} MiB: {:.0} bytes per conversation",
        journal / f64::from(1 << 20),
        journal / count as f64
    );
    println!(
        "  written {each:.0} bytes per message: {of_record:.1} times its record ({record:.0} bytes), \
         {of_words:.0} times its words ({} bytes)",
        people::WORDS.len()
    );
    json!({
        "conversations": count, "messages_each": MESSAGES, "state_bytes": after[0], "journal_bytes": after[1],
        "state_bytes_per_conversation": state / count as f64, "state_bytes_grown_per_message": grown,
        "written_bytes_per_message": each, "record_bytes": record, "write_amplification": of_record,
    })
}

//! Ready again after `kill -9`: with a full tail, and after a burst that was cut short.
//!
//! The full tail is made by a child that commits ordinary messages and applies nothing, as if the applier had never
//! had a moment, and is killed. Warm: what it wrote is in the page cache. Cold: the pages of both files were given up
//! before (`posix_fadvise`, which needs no rights; the program itself stays warm); how much the new process read from
//! the disk says whether that is so. Ready is told in three steps: it listens; `/readyz` says so (above the limit of
//! the tail it says no until a part is applied); a message of a customer is acknowledged.

use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use segue::clock::{Clock, SystemClock, monotonic};
use segue::conversation::Conversation;
use segue::conversation::policy::Policy;
use segue::ids::ConversationId;
use segue::store::{Options, Store};
use serde_json::{Value, json};

use crate::people::{self, Crowd, Holder, Story, address};
use crate::plan::Plan;
use crate::target::{self, Figures, Target};
use crate::{CHANNEL, load, scatter, scrape, spread, watch};

/// Turns handed in at once.
const TOGETHER: usize = 512;
/// How many write before the kill in the middle of a burst.
const CONNECTIONS: usize = 512;
/// How often it is asked whether it is ready.
const ASK_EVERY: Duration = Duration::from_millis(2);
/// It never takes longer.
const READY_MAX: Duration = Duration::from_secs(120);

/// How a start went.
struct Started {
    /// Milliseconds from the start of the process: it listens, it is ready, it has acknowledged.
    steps: [f64; 3],
    /// Bytes of the tail that it found.
    tail: f64,
    /// What it read from the disk until then, in MiB.
    read: f64,
    /// Milliseconds of these that the store took to open.
    opening: f64,
}

/// Kills and starts by turns; prints and answers how long it took.
pub fn measure(plan: &Plan, dir: &Path) -> Value {
    let data = dir.join("start");
    let policy = target::config(&data).policy();
    let known = plan.known.iter().copied().max().unwrap_or(0);
    let crowd = |first, count, holder| Crowd {
        first,
        count,
        messages: 10,
        holder,
    };
    let closed = known.saturating_sub(plan.active);
    let crowds = [
        crowd(0, plan.active, Holder::Person),
        crowd(plan.active, closed, Holder::Nobody),
    ];
    people::fill(&data, &CHANNEL.into(), &policy, &crowds);
    println!(
        "\nfrom the start of the process after kill -9, {} conversations open and {closed} closed (medians, most)",
        plan.active
    );
    let mut rows = Vec::new();
    for (name, cold) in [("full tail, warm", false), ("full tail, cold", true)] {
        let starts: Vec<Started> = (0..plan.rounds.min(3))
            .map(|_| {
                let mut tail = Target::tail(&data, [plan.active, plan.tail]);
                let filled = tail.figures().tail_bytes;
                tail.kill();
                start(&data, filled, cold)
            })
            .collect();
        rows.push(row(name, &starts));
    }
    let starts: Vec<Started> = (0..plan.rounds.min(3) as u64)
        .map(|round| {
            let filled = burst(plan, &data, round);
            start(&data, filled, false)
        })
        .collect();
    rows.push(row("killed in a burst, warm", &starts));
    Value::from(rows)
}

/// The part of a child: commits messages of the first customers, so many, until the tail holds so many bytes.
pub async fn tail(dir: &Path, numbers: &[u64]) {
    let &[count, bytes] = numbers else {
        panic!("count and bytes, not {numbers:?}");
    };
    let policy = target::config(dir).policy();
    let options = Options {
        apply: false,
        free_bytes_min: 0,
        ..Options::default()
    };
    let (store, _) = Store::open(dir, options, Arc::new(people::Nobody)).expect("it opens");
    // What the last process left behind goes first.
    store.settle().expect("the disk has room");
    let mut stories: Vec<Story<'_>> = (0..count).map(|n| resumed(&store, n, &policy)).collect();
    'full: loop {
        for together in stories.chunks_mut(TOGETHER) {
            if store.tail().bytes >= bytes {
                break 'full;
            }
            let written = together.iter_mut().map(|story| {
                story.customer();
                story.turn()
            });
            people::submit(&store, written.collect());
        }
    }
    let figures = Figures {
        tail_bytes: store.tail().bytes,
        ..Figures::default()
    };
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
    target::converse((nowhere, None), move |_| figures).await;
}

fn resumed<'a>(store: &Store, n: u64, policy: &'a Policy) -> Story<'a> {
    let id = ConversationId::derive(store.key(), CHANNEL, &address(n));
    let loaded = store.load(id, 0).expect("it can be read");
    let head = loaded.expect("it is known").head;
    let conversation = Conversation::decode(&head).expect("it was written by us");
    let now = SystemClock::start().now();
    Story::resumed(conversation, policy, now, now.as_millis().unsigned_abs())
}

/// Kills a running Segue in the middle of a burst; answers how many bytes of the tail it had left to apply.
fn burst(plan: &Plan, data: &Path, round: u64) -> u64 {
    let mut segue = Target::segue("burst", data);
    segue.settle();
    let count = (crate::RATE_MAX as f64 * plan.seconds) as u64;
    let first = (1 << 44) + round * count;
    let signed = (0..count)
        .map(|n| load::signed(scatter(first + n) % plan.active, first + n))
        .collect();
    let long = Duration::from_secs_f64(plan.seconds);
    let run = load::post(segue.address, CONNECTIONS, signed, long);
    let left = segue.figures().tail_bytes;
    segue.kill();
    assert_eq!(run.refused, 0, "everybody was answered before the kill");
    left
}

/// Starts Segue over what was left.
fn start(data: &Path, tail: u64, cold: bool) -> Started {
    if cold {
        give_up_pages(data);
    }
    let began = monotonic();
    let passed = || began.elapsed().as_secs_f64() * 1_000.0;
    let mut segue = Target::segue("start", data);
    let listens = passed();
    let wait = |done: &mut dyn FnMut() -> bool| {
        while !done() {
            assert!(began.elapsed() < READY_MAX, "it does not become ready");
            std::thread::sleep(ASK_EVERY);
        }
        passed()
    };
    let ready = wait(&mut || matches!(scrape::get(segue.ops(), "/readyz"), Some((200, _))));
    // The same message until it is taken: a repeat changes nothing.
    let number = (1 << 45) + SystemClock::start().now().as_millis().unsigned_abs();
    let acknowledged = wait(&mut || {
        let once = vec![load::signed(0, number)];
        load::post(segue.address, 1, once, READY_MAX).answered == 1
    });
    let read = watch::io(segue.pid()).read;
    let opening = 1_000.0 * scrape::sum(segue.ops(), "segue_recovery_seconds", "");
    segue.settle();
    Started {
        steps: [listens, ready, acknowledged],
        tail: tail as f64,
        read: read as f64 / f64::from(1 << 20),
        opening,
    }
}

/// The next one to read the two files has to fetch them from the disk.
fn give_up_pages(data: &Path) {
    for name in ["journal.redb", "state.redb"] {
        let file = File::open(data.join(name)).expect("the file is there");
        // Only clean pages can be given up.
        file.sync_all().expect("a sync");
        #[cfg(target_os = "linux")]
        rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).expect("our own file");
    }
}

fn row(name: &str, starts: &[Started]) -> Value {
    let step = |n: usize| spread(starts.iter().map(|start| start.steps[n]));
    let [listens, ready, acknowledged] = [step(0), step(1), step(2)];
    let tail = spread(starts.iter().map(|start| start.tail));
    let read = spread(starts.iter().map(|start| start.read));
    let opening = spread(starts.iter().map(|start| start.opening));
    println!(
        "  {name:<24} store open after {:.0}; listens {:.0} ({:.0}), ready {:.0} ({:.0}), acknowledges {:.0} ({:.0}) ms; \
         tail {:.1} MiB, read from disk {:.1} MiB",
        opening[0],
        listens[0],
        listens[2],
        ready[0],
        ready[2],
        acknowledged[0],
        acknowledged[2],
        tail[0] / f64::from(1 << 20),
        read[0]
    );
    json!({
        "name": name, "listens_ms": listens, "ready_ms": ready, "acknowledges_ms": acknowledged,
        "tail_bytes": tail, "read_mib": read, "store_open_ms": opening,
    })
}

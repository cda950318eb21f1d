//! Deadlines that all pass within one second: conversations with the AI that close because nobody wrote for a day.
//!
//! Their heads were made a day ago, so to speak, and their deadlines are spread evenly over the thousand milliseconds
//! of one second soon after the start. By then nobody is in memory: each is woken, decided and made durable. How late
//! each one was is read from the trail afterwards; meanwhile other customers write as on any day. The full size is
//! `--due 100000`.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use segue::clock::{Clock, SystemClock, Timestamp, monotonic};
use segue::conversation::policy::Policy;
use segue::conversation::trail::Fact;
use segue::ids::ConversationId;
use segue::store::{Options, Store};
use serde_json::{Value, json};

use crate::people::{self, Crowd, Holder, Story, address};
use crate::plan::Plan;
use crate::steady::{self, ORDINARY, Schedule, Steady};
use crate::target::{self, Target};
use crate::{CHANNEL, load, scrape};

/// Nobody stays in memory longer without a message: after the start those with a deadline soon are looked after once.
const IDLE_MS: &str = "1500";
/// The store must be filled, the server started and everybody asleep again within this and a little for each.
const LEAD: Duration = Duration::from_secs(12);
/// A little for each: filling and looking after.
const LEAD_EACH: Duration = Duration::from_micros(500);
/// How often more time is tried, doubled.
const TRIES: u32 = 4;
/// The others write from so long before the first deadline on, less what it takes to wake them.
const BEFORE: Duration = Duration::from_millis(1_200);
/// How often it is looked how many are done.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// It never takes longer.
const DONE_MAX: Duration = Duration::from_secs(120);
/// Entries among which the last closing is.
const RECENT: usize = 8;

/// Lets `plan.due` deadlines pass; prints and answers how they were kept.
pub fn measure(plan: &Plan, dir: &Path) -> Value {
    let count = plan.due;
    let mut lead = LEAD + LEAD_EACH * u32::try_from(count).unwrap_or(u32::MAX);
    if plan.small {
        lead = Duration::from_secs(8);
    }
    for attempt in 0..TRIES {
        let data = dir.join(format!("due-{attempt}"));
        match ready(count, lead, &data) {
            Some((segue, first)) => return pass(plan, segue, first, &data),
            None => lead *= 2,
        }
    }
    panic!("{count} conversations are not ready within {lead:?}");
}

/// A server in which nobody is in memory, well before the first deadline; and when that is.
fn ready(count: u64, lead: Duration, data: &Path) -> Option<(Target, Timestamp)> {
    let clock = SystemClock::start();
    let policy = target::config(data).policy();
    let first = clock.now() + lead;
    let after = due_after(&policy);
    // The ordinary customers come first, as everywhere; then those who fell silent, spread over the second.
    let began = |n: u64| match n.checked_sub(ORDINARY) {
        None => clock.now() - Duration::from_secs(600),
        Some(n) => first + within(n, count) - after,
    };
    people::fill_from(data, &CHANNEL.into(), &policy, &crowds(count), began);
    let variables = [("SEGUE_IDLE_AFTER_MS", IDLE_MS)];
    let mut segue = Target::segue_with("due", data, &variables);
    // Whoever is due soon is looked after at the start; a moment later everybody sleeps.
    std::thread::sleep(Duration::from_millis(500));
    segue.fall_asleep();
    (clock.now() + Duration::from_secs(4) < first).then_some((segue, first))
}

/// How far into the second the deadline of number `n` is.
fn within(n: u64, count: u64) -> Duration {
    Duration::from_millis(n * 1_000 / count)
}

fn crowds(count: u64) -> [Crowd; 2] {
    let crowd = |first, count, holder| Crowd {
        first,
        count,
        messages: 10,
        holder,
    };
    [
        crowd(0, ORDINARY, Holder::Person),
        crowd(ORDINARY, count, Holder::Ai),
    ]
}

/// How long after its beginning a story of the AI's wants waking.
fn due_after(policy: &Policy) -> Duration {
    let began = Timestamp::from_millis(1_795_000_000_000);
    let mut story = Story::new(&[7; 32], &CHANNEL.into(), 1, policy, began);
    story.tell(crowds(1)[1]);
    let due = story.conversation.due().expect("it closes one day");
    due.since(began)
}

fn pass(plan: &Plan, mut segue: Target, first: Timestamp, data: &Path) -> Value {
    let (count, to) = (plan.due, segue.address);
    let clock = SystemClock::start();
    steady::wake(to, 1 << 40);
    let seconds = if plan.small { 0.3 } else { 2.0 };
    let alone = steady::post(to, Schedule::ordinary(seconds, 2 << 40));
    let long = if plan.small {
        2.5
    } else {
        4.0 + count as f64 / 8_000.0
    };
    let ordinary = Schedule::ordinary(long, 3 << 40);
    let wait = first.since(clock.now());
    let opens = monotonic() + wait;
    std::thread::sleep(wait.saturating_sub(BEFORE));
    let resident = segue.figures().resident;
    assert!(
        resident <= ORDINARY,
        "{resident} are in memory before their deadline"
    );
    // They fell asleep while we waited, and it is not their waking that is measured.
    steady::wake(to, 4 << 40);
    let (others, handled) = std::thread::scope(|scope| {
        let others = scope.spawn(|| steady::post(to, ordinary));
        let handled = all_closed(&segue, count, opens);
        (others.join().expect("a client does not panic"), handled)
    });
    segue.settle();
    drop(segue);
    let late = lateness(data, first, count);
    told(count, handled, &late, [&alone, &others])
}

/// Waits until all are closed; how long after the first deadline that was.
fn all_closed(segue: &Target, count: u64, opens: Instant) -> Duration {
    loop {
        let closed = scrape::sum(segue.ops(), "segue_conversations_closed_total", "");
        let passed = monotonic().saturating_duration_since(opens);
        if closed >= count as f64 {
            return passed;
        }
        assert!(
            passed < DONE_MAX,
            "only {closed} of {count} deadlines were kept"
        );
        std::thread::sleep(LOOK_EVERY);
    }
}

/// By how many microseconds each was decided after its deadline, least first, as the trail has it.
fn lateness(data: &Path, first: Timestamp, count: u64) -> Vec<u32> {
    let options = Options {
        apply: false,
        free_bytes_min: 0,
        ..Options::default()
    };
    let (store, _) = Store::open(data, options, Arc::new(people::Nobody)).expect("it opens");
    let late = |n: u64| {
        let id = ConversationId::derive(store.key(), CHANNEL, &address(ORDINARY + n));
        let loaded = store.load(id, RECENT).expect("it can be read");
        let recent = loaded.expect("it is known").recent;
        let closed = recent
            .iter()
            .rev()
            .find(|entry| matches!(entry.fact, Fact::Closed { .. }));
        let at = closed.expect("it was closed").at;
        let due = first + within(n, count);
        assert!(at >= due, "closed before its deadline");
        u32::try_from(at.since(due).as_micros()).unwrap_or(u32::MAX)
    };
    let mut all: Vec<u32> = (0..count).map(late).collect();
    all.sort_unstable();
    all
}

fn told(count: u64, handled: Duration, late: &[u32], [alone, others]: [&Steady; 2]) -> Value {
    let ms = |share| f64::from(load::at(late, share)) / 1_000.0;
    let [p50, p99, most] = [0.5, 0.99, 1.0].map(ms);
    println!(
        "\n{count} deadlines within one second, nobody of them in memory; beside 1,000/s of {ORDINARY} others"
    );
    println!(
        "  all handled {:.2} s after the first; late by p50 {p50:.0}, p99 {p99:.0}, max {most:.0} ms",
        handled.as_secs_f64()
    );
    println!("  others, before     {alone}");
    println!("  others, meanwhile  {others}");
    json!({
        "deadlines": count, "handled_s": handled.as_secs_f64(), "late_p50_ms": p50, "late_p99_ms": p99,
        "late_max_ms": most, "others_before": alone.json(), "others_meanwhile": others.json(),
    })
}

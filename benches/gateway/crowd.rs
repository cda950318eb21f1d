//! What ten and a hundred thousand conversations in memory need in all, and writers out of everybody who is known.
//!
//! `memory` tells what one conversation costs; here the process is as it is configured by default, caches included, and
//! the figure is all that the system has given it. Those whom people hold have all just written, and stand on the
//! agents' board; those whom the AI has answered are merely there. Then customers who are drawn at random out of all that are known,
//! of whom nobody is in memory: each message wakes somebody, as long as the crowd is large enough.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::people::{self, Crowd, Holder};
use crate::plan::Plan;
use crate::target::{self, Target};
use crate::{CHANNEL, RATE_MAX, held, load, scatter, watch};

/// How many write at once when everybody in memory writes: each connection holds memory too.
const FEW: usize = 64;
/// How many of the randomly drawn write at once.
const CONNECTIONS: usize = 512;
/// No crowd takes longer to write once.
const ONCE_MAX: Duration = Duration::from_secs(600);
/// After this those who have fallen silent have laid aside what only the next moments need.
const RESTED: Duration = Duration::from_secs(20);
/// So many are known unless `--known` says otherwise.
const KNOWN: u64 = 100_000;

/// Measures every crowd, and the writers; prints and answers the figures.
pub fn measure(plan: &Plan, dir: &Path) -> Value {
    let crowds: Vec<Value> = plan.crowds.iter().map(|n| crowd(*n, plan, dir)).collect();
    let known = plan.known.iter().copied().max().unwrap_or(0);
    let known = match (known, plan.small) {
        (0, true) => 1_000,
        (0, false) => KNOWN,
        (known, _) => known,
    };
    json!({ "in_memory": crowds, "random_writers": writers(known, plan, dir) })
}

fn crowd(count: u64, plan: &Plan, dir: &Path) -> Value {
    let mut segue = held(&format!("crowd-{count}"), dir, count, &[]);
    let began = segue.rss();
    segue.look(0, count);
    let looked = segue.rss();
    let signed = (0..count).map(|n| load::signed(n, n)).collect();
    let run = load::post(segue.address, FEW, signed, ONCE_MAX);
    assert_eq!(run.refused, 0, "everybody is answered");
    segue.settle();
    let written = segue.rss();
    rest(plan);
    let (rested, resident) = (segue.rss(), segue.figures().resident);
    drop(segue);
    let [ai_began, ai_looked, ai_rested] = with_ai(count, plan, dir);
    println!("\n{count} conversations in memory (resident set, caches as configured by default)");
    println!(
        "  people's: at the start {began:.0} MiB; looked after {looked:.0}; each has written {written:.0}; at rest {rested:.0} \
         (of it since the start {:.0}) MiB; {resident} in memory",
        rested - began
    );
    println!(
        "  the AI's: at the start {ai_began:.0} MiB; looked after {ai_looked:.0}; at rest {ai_rested:.0} (of it since \
         the start {:.0}) MiB",
        ai_rested - ai_began
    );
    json!({
        "ai_start_mib": ai_began, "ai_looked_after_mib": ai_looked, "ai_rested_mib": ai_rested,
        "conversations": count, "start_mib": began, "looked_after_mib": looked, "written_mib": written,
        "rested_mib": rested, "resident": resident,
    })
}

/// The same of conversations that the AI has answered: at the start, looked after, at rest.
fn with_ai(count: u64, plan: &Plan, dir: &Path) -> [f64; 3] {
    let data = dir.join(format!("crowd-ai-{count}"));
    let crowd = Crowd {
        first: 0,
        count,
        messages: 10,
        holder: Holder::Ai,
    };
    let policy = target::config(&data).policy();
    people::fill(&data, &CHANNEL.into(), &policy, &[crowd]);
    let mut segue = Target::segue("crowd", &data);
    let began = segue.rss();
    segue.look(0, count);
    let looked = segue.rss();
    rest(plan);
    [began, looked, segue.rss()]
}

fn rest(plan: &Plan) {
    if !plan.small {
        std::thread::sleep(RESTED);
    }
}

/// Rounds of messages from anybody. Nobody is put to sleep in between: later rounds meet some who are in memory.
fn writers(known: u64, plan: &Plan, dir: &Path) -> Value {
    let mut segue = held(&format!("random-{known}"), dir, known, &[]);
    println!(
        "\nwriters drawn at random out of {known} known conversations, {CONNECTIONS} connections, in rounds"
    );
    let rounds =
        (0..plan.rounds.min(5) as u64).map(|round| round_of(&mut segue, known, plan, round));
    let rounds: Vec<Value> = rounds.collect();
    json!({ "known": known, "rounds": rounds })
}

fn round_of(segue: &mut Target, known: u64, plan: &Plan, round: u64) -> Value {
    let count = (RATE_MAX as f64 * plan.seconds) as u64;
    let first = (1 << 42) + round * count;
    let signed = (first..first + count)
        .map(|n| load::signed(scatter(n) % known, n))
        .collect();
    let (pid, before) = (segue.pid(), segue.figures().resident);
    let cpu = watch::cpu(pid);
    let long = Duration::from_secs_f64(plan.seconds);
    let run = load::post(segue.address, CONNECTIONS, signed, long);
    let figures = segue.figures();
    let settling = segue::clock::monotonic();
    segue.settle();
    let applied = run.took + settling.elapsed();
    let used = watch::total(&watch::between(&cpu, &watch::cpu(pid))).all as f64;
    let per = used / run.answered.max(1) as f64;
    let (rate, woken) = (run.rate(), figures.resident.saturating_sub(before));
    let in_all = run.answered as f64 / applied.as_secs_f64();
    let (p50, p99, rss) = (
        f64::from(run.p50) / 1e3,
        f64::from(run.p99) / 1e3,
        segue.rss(),
    );
    println!(
        "  {rate:>7.0}/s (with applying to the end {in_all:.0}/s), p50 {p50:.1}, p99 {p99:.1} ms, {per:.1} µs CPU, \
         {woken} woken, {} in memory, {rss:.0} MiB, tail {:.0} %, {} refused",
        figures.resident,
        100.0 * figures.fill(),
        run.refused
    );
    json!({
        "rate": rate, "rate_with_apply": in_all, "p50_ms": p50, "p99_ms": p99, "cpu_us": per, "woken": woken,
        "resident": figures.resident, "rss_mib": rss, "tail": figures.fill(), "refused": run.refused,
    })
}

//! Durably acknowledged, signed Twilio webhooks per second, beside a bare handler on the same machine in the same run.
//!
//! `cargo bench --bench gateway [-- --known 1000 --known 1000000 --seconds 5 --rounds 3 --json FILE]`; `-- --test` runs
//! everything once, small. The client is this process; each server is a child. Every conversation is held by a
//! person, so that no turn of an AI shares the processors; every message is new. Rounds of all servers interleave, and
//! before a server's turn everybody has applied what they committed. Figures are medians, with the least and the most.
//!
//! Two regimes: a round in which the tail stays below its half is a *burst* (the applier has held back until then);
//! `--only sustained` is one long run of Segue, of which only the part behind the first filling of the tail counts.
//!
//! | part | holds |
//! |---|---|
//! | `load` | the client |
//! | `target` | the servers |
//! | `bare` | the handler that forgets |
//! | `people` | what is known before |
//! | `floor` | the disk and redb alone |
//! | `turns` | whole turns of the AI |
//! | `history` | one message, by length of history |
//! | `sustained` | as long as the applier has to keep up |
//! | `memory` | what a conversation costs while it is in memory, and when it is not |
//! | `crowd` | what ten and a hundred thousand in memory need, and writers out of all that are known |
//! | `wake` | the first message to whoever is not in memory |
//! | `start` | ready again after `kill -9` |
//! | `half` | latency at half the most it can take |
//! | `growth` | throughput and memory as conversations, histories, connections and messages grow |
//! | `disk` | bytes on disk, and bytes written for them |
//! | `hot`, `herd`, `slow`, `due` | what strains it, and who else feels that |
//! | `plan` | what is measured, and how large |
//! | `steady` | the client at a constant rate |
//! | `scrape` | what the server says of itself |
//! | `watch` | processor time and memory |
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod bare;
mod crowd;
mod disk;
mod due;
mod floor;
mod growth;
mod half;
mod herd;
mod history;
mod hot;
mod load;
mod memory;
mod people;
mod plan;
mod scrape;
mod slow;
mod start;
mod steady;
mod sustained;
mod target;
mod turns;
mod wake;
mod watch;

use std::path::Path;
use std::time::Duration;

use segue::load::process;
use serde_json::{Value, json};

use self::people::{Crowd, Holder};
use self::plan::Plan;
use self::target::Target;

/// As in the `segue` command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The channel instance that is written to.
pub const CHANNEL: &str = "line";
/// How the provider sees us.
pub const PUBLIC_URL: &str = "https://gateway.example.com";
/// What the provider signs with.
pub const TOKEN: &str = "0123456789abcdef0123456789abcdef";
/// More requests per second than any server here answers: what is signed beforehand lasts for a run.
const RATE_MAX: usize = 90_000;
/// The same of a long run, which must fit into memory.
const SUSTAINED_MAX: usize = 45_000;

/// One run of one server.
struct Sample {
    rate: f64,
    p50: f64,
    p99: f64,
    /// Processor microseconds per request while requests came in; of these in user space; and with what was applied after.
    cpu: f64,
    user: f64,
    cpu_in_all: f64,
    /// Turns per commit.
    group: f64,
    /// How full the tail was at the end.
    fill: f64,
    /// Microseconds per request by thread, applying afterwards included.
    threads: Vec<(String, f64)>,
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if target::play(&arguments) {
        return;
    }
    let plan = Plan::of(&arguments);
    // On the disk that holds the repository: a file system in memory would acknowledge for nothing.
    let beside = std::env::current_exe().expect("our own program");
    let dir = tempfile::tempdir_in(beside.parent().expect("a directory")).expect("a directory");
    println!(
        "data on {}, {} processors",
        process::file_system(dir.path()).unwrap_or_else(|| "an unknown file system".to_owned()),
        processors()
    );
    let sync = floor::sync_alone(dir.path(), Duration::from_secs_f64(plan.seconds / 2.0));
    println!("fdatasync alone: {:.0}/s, p50 {} µs", sync.rate, sync.p50);
    let mut report = json!({ "fdatasync_per_second": sync.rate, "runs": [] });
    if plan.wants("bare") || plan.wants("segue") {
        let (samples, names) = measure(&plan, dir.path());
        for (c, connections) in plan.connections.iter().enumerate() {
            let rows = table(*connections, &names, &samples[c], dir.path(), plan.seconds);
            report["runs"].as_array_mut().expect("an array").push(rows);
        }
    }
    if plan.wants("sustained") {
        report["sustained"] = sustained::measure(plan.long, plan.active, dir.path());
    }
    if plan.wants("turns") {
        report["turns"] = turns::measure(plan.turns, plan.rounds, dir.path());
    }
    if plan.wants("history") {
        report["in_process"] = history::in_process(plan.history.1);
        report["history"] = history::served(plan.history, plan.rounds, dir.path());
    }
    if plan.wants("memory") {
        report["memory"] = memory::measure(plan.crowd, dir.path());
    }
    parts(&plan, dir.path(), &mut report);
    if let Some(path) = &plan.json {
        std::fs::write(path, report.to_string()).expect("the file can be written");
    }
    println!("{report}");
}

/// Measures, prints and answers its figures.
type Part = fn(&Plan, &Path) -> Value;

/// What is measured one by one, each over a data directory of its own.
fn parts(plan: &Plan, dir: &Path, report: &mut Value) {
    let parts: [(&str, Part); 10] = [
        ("crowd", crowd::measure),
        ("wake", wake::measure),
        ("start", start::measure),
        ("half", half::measure),
        ("growth", growth::measure),
        ("disk", disk::measure),
        ("hot", hot::measure),
        ("herd", herd::measure),
        ("slow", slow::measure),
        ("due", due::measure),
    ];
    for (name, measure) in parts {
        if plan.wants(name) {
            report[name] = measure(plan, dir);
        }
    }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Samples by number of connections, server and round; and the servers' names.
fn measure(plan: &Plan, dir: &Path) -> (Vec<Vec<Vec<Sample>>>, Vec<String>) {
    let mut targets = Vec::new();
    if plan.wants("bare") {
        targets.push(Target::bare());
    }
    if plan.wants("segue") {
        for known in &plan.known {
            targets.push(segue(plan.active, *known, dir));
        }
    }
    for target in &targets {
        eprintln!("{}: process {}", target.name, target.pid());
    }
    let mut message = 0;
    for target in &mut targets {
        // Everybody who will write does so once: from then on they are in memory.
        let first: Vec<_> = (0..plan.active)
            .map(|customer| load::signed(customer, message + customer))
            .collect();
        let run = load::post(target.address, 32, first, Duration::from_secs(600));
        assert_eq!(run.refused, 0, "{} refused somebody", target.name);
        target.settle();
    }
    message += plan.active;
    let mut samples: Vec<Vec<Vec<Sample>>> = Vec::new();
    for connections in &plan.connections {
        let mut by_target: Vec<Vec<Sample>> = targets.iter().map(|_| Vec::new()).collect();
        for round in 0..plan.rounds {
            for turn in 0..targets.len() {
                // Who comes first changes from round to round.
                let which = (turn + round) % targets.len();
                let sample = run(&mut targets[which], *connections, plan, &mut message);
                by_target[which].push(sample);
            }
        }
        samples.push(by_target);
    }
    let names = targets.iter().map(|target| target.name.clone()).collect();
    (samples, names)
}

fn segue(active: u64, known: u64, dir: &Path) -> Target {
    let data = dir.join(format!("known-{known}"));
    let policy = target::config(&data).policy();
    let held = Crowd {
        first: 0,
        count: active,
        messages: 10,
        holder: Holder::Person,
    };
    let others = known.saturating_sub(active);
    let past = Crowd {
        first: active,
        count: others,
        messages: 10,
        holder: Holder::Nobody,
    };
    people::fill(&data, &CHANNEL.into(), &policy, &[held, past]);
    let name = if known == 0 {
        "segue".to_owned()
    } else {
        format!("segue, {known} known")
    };
    Target::segue(&name, &data)
}

/// Segue under `variables`, with `count` conversations of ten messages that a person holds and that are not in memory.
fn held(name: &str, dir: &Path, count: u64, variables: &[(&str, &str)]) -> Target {
    let data = dir.join(format!("held-{name}"));
    let policy = target::config(&data).policy();
    let crowd = Crowd {
        first: 0,
        count,
        messages: 10,
        holder: Holder::Person,
    };
    people::fill(&data, &CHANNEL.into(), &policy, &[crowd]);
    Target::segue_with(name, &data, variables)
}

fn run(target: &mut Target, connections: usize, plan: &Plan, message: &mut u64) -> Sample {
    let count = (RATE_MAX as f64 * plan.seconds) as u64;
    let signed: Vec<_> = (0..count)
        .map(|n| load::signed(scatter(*message + n) % plan.active, *message + n))
        .collect();
    *message += count;
    let (pid, before) = (target.pid(), target.figures());
    let cpu = watch::cpu(pid);
    let run = load::post(
        target.address,
        connections,
        signed,
        Duration::from_secs_f64(plan.seconds),
    );
    let during = watch::total(&watch::between(&cpu, &watch::cpu(pid)));
    let after = target.figures();
    assert_eq!(run.refused, 0, "{} refused somebody", target.name);
    target.settle();
    let threads = watch::between(&cpu, &watch::cpu(pid));
    let per = |micros: u64| micros as f64 / run.answered.max(1) as f64;
    Sample {
        rate: run.rate(),
        p50: f64::from(run.p50),
        p99: f64::from(run.p99),
        cpu: per(during.all),
        user: per(during.user),
        cpu_in_all: per(watch::total(&threads).all),
        group: run.answered as f64 / (after.commits - before.commits).max(1) as f64,
        fill: after.fill(),
        threads: threads
            .into_iter()
            .map(|(name, cpu)| (name, per(cpu.all)))
            .collect(),
    }
}

/// A number that looks random (the finaliser of SplitMix64).
fn scatter(n: u64) -> u64 {
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

/// The median, the least and the most.
fn spread(values: impl Iterator<Item = f64>) -> [f64; 3] {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    [
        values[values.len() / 2],
        values[0],
        values[values.len() - 1],
    ]
}

fn table(
    connections: usize,
    names: &[String],
    samples: &[Vec<Sample>],
    dir: &Path,
    seconds: f64,
) -> Value {
    println!("\n{connections} connections");
    println!(
        "{:<22} {:>24} {:>8} {:>9} {:>9} {:>9} {:>11} {:>6} {:>11} {:>13}",
        "",
        "requests/s [min..max]",
        "of bare",
        "p50 ms",
        "p99 ms",
        "µs CPU",
        "with apply",
        "user",
        "turns/sync",
        "tail at end"
    );
    let mut rows = Vec::new();
    for (name, of) in names.iter().zip(samples) {
        let rate = spread(of.iter().map(|sample| sample.rate));
        let pairs = of.iter().zip(&samples[0]);
        let share = spread(pairs.map(|(sample, bare)| sample.rate / bare.rate));
        let median = |what: fn(&Sample) -> f64| spread(of.iter().map(what))[0];
        let (p50, p99, cpu) = (median(|s| s.p50), median(|s| s.p99), median(|s| s.cpu));
        let (user, in_all) = (median(|s| s.user), median(|s| s.cpu_in_all));
        let (group, fill) = (median(|s| s.group), median(|s| s.fill));
        let rates = format!("{:.0} [{:.0}..{:.0}]", rate[0], rate[1], rate[2]);
        println!(
            "{name:<22} {rates:>24} {:>7.0}% {:>9.2} {:>9.2} {cpu:>9.1} {in_all:>11.1} {user:>6.1} {group:>11.1} {:>12.0}%",
            100.0 * share[0],
            p50 / 1_000.0,
            p99 / 1_000.0,
            100.0 * fill
        );
        let threads = of
            .last()
            .map(|sample| sample.threads.clone())
            .unwrap_or_default();
        for (thread, micros) in threads.iter().filter(|(_, micros)| *micros > 0.05) {
            println!("    {thread:<18} {micros:>6.1} µs per request");
        }
        rows.push(json!({
            "name": name, "rate": rate, "share_of_bare": share, "p50_us": p50, "p99_us": p99, "cpu_us": cpu,
            "user_us": user, "cpu_us_with_apply": in_all, "turns_per_commit": group, "tail_at_end": fill, "threads_us": threads,
        }));
    }
    let group = rows
        .last()
        .and_then(|row| row["turns_per_commit"].as_f64())
        .unwrap_or(1.0)
        .max(1.0);
    let bytes = (group * history::record_bytes() as f64) as usize;
    let alone = floor::redb_alone(dir, bytes, Duration::from_secs_f64(seconds / 2.0));
    println!(
        "redb alone, rows of {bytes} bytes: {:.0} turns/s, a commit p50 {} µs",
        alone.rate * group,
        alone.p50
    );
    json!({ "connections": connections, "rows": rows, "redb_alone_turns_per_second": alone.rate * group })
}

//! The first message to whoever is not in memory, beside the same to whoever is: what waking costs the customer.
//!
//! Half of the customers were looked after before, the other half has not been heard of since the start; their pages
//! are in the page cache. Both are written to by turns, so that both meet the same disk.
//!
//! The waking itself is told apart from the disk in two ways. The server counts it, from finding nobody in memory to
//! the actor that takes the message. And others of both halves are asked, inside the server and one after another, for
//! something that is refused, so that nothing is stored: the difference is the waking.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::plan::Plan;
use crate::target::Target;
use crate::{held, load, scrape};

/// How many write at once: one, to see the waking alone, and many.
const CONNECTIONS: [usize; 2] = [1, 64];
/// Each kind writes in so many goes.
const GOES: u64 = 20;
/// No go takes longer.
const GO_MAX: Duration = Duration::from_secs(60);
/// The edges, in seconds, between which the server counts how long waking took.
const EDGES: [&str; 4] = ["0.001", "0.0025", "0.005", "0.01"];

/// Wakes `plan.wakes` conversations over each number of connections; prints and answers how long it took.
pub fn measure(plan: &Plan, dir: &Path) -> Value {
    let (count, kinds) = (plan.wakes, CONNECTIONS.len() as u64);
    // The first half of those who write is looked after, the second sleeps; behind them are those who are asked.
    let mut segue = held("wake", dir, (2 * kinds + 1) * count, &[]);
    assert_eq!(segue.figures().resident, 0, "nobody is in memory yet");
    segue.look(0, kinds * count);
    println!(
        "\nthe first message to {count} conversations that are not in memory, beside {count} that are"
    );
    let rows: Vec<Value> = CONNECTIONS
        .into_iter()
        .zip(0..)
        .map(|(connections, which)| {
            let firsts = [which * count, (kinds + which) * count];
            let before = woken(segue.ops());
            let [resident, asleep] = by_turns(segue.address, connections, firsts, count);
            let after = woken(segue.ops());
            segue.settle();
            row(connections, &resident, &asleep, &before, &after)
        })
        .collect();
    json!({ "webhooks": rows, "asked": asked(&mut segue, 2 * kinds * count, count) })
}

/// Asks `count` from `first` on who sleep, and again now that they do not.
fn asked(segue: &mut Target, first: u64, count: u64) -> Value {
    let commits = segue.figures().commits;
    let asleep = segue.ask(first, count);
    let resident = segue.ask(first, count);
    assert_eq!(segue.figures().commits, commits, "nothing is stored");
    let [a50, a99] = asleep.map(|micros| f64::from(micros) / 1_000.0);
    let [r50, r99] = resident.map(|micros| f64::from(micros) / 1_000.0);
    println!(
        "  asked inside the server, one after another: asleep p50 {a50:.3}, p99 {a99:.3} ms; in memory p50 {r50:.3}, \
         p99 {r99:.3} ms"
    );
    json!({ "asleep_p50_ms": a50, "asleep_p99_ms": a99, "resident_p50_ms": r50, "resident_p99_ms": r99 })
}

/// Latencies of the two crowds that begin with `firsts`, least first.
fn by_turns(to: SocketAddr, connections: usize, firsts: [u64; 2], count: u64) -> [Vec<u32>; 2] {
    let mut latencies = [Vec::new(), Vec::new()];
    for go in 0..GOES {
        for (latencies, first) in latencies.iter_mut().zip(firsts) {
            let of_go = (go * count / GOES)..((go + 1) * count / GOES);
            let signed = of_go.map(|n| load::signed(first + n, n)).collect();
            let run = load::post(to, connections, signed, GO_MAX);
            assert_eq!(run.refused, 0, "everybody is answered");
            latencies.extend(run.latencies);
        }
    }
    latencies.iter_mut().for_each(|all| all.sort_unstable());
    latencies
}

/// How many were woken from the store within each edge, and at all.
fn woken(ops: SocketAddr) -> Vec<f64> {
    let family = "segue_actor_activation_seconds";
    let within = EDGES.map(|edge| {
        let with = format!("le=\"{edge}\"");
        scrape::sum(ops, &format!("{family}_bucket"), &with)
    });
    let all = scrape::sum(ops, &format!("{family}_count"), "");
    within.into_iter().chain([all]).collect()
}

fn row(
    connections: usize,
    resident: &[u32],
    asleep: &[u32],
    before: &[f64],
    after: &[f64],
) -> Value {
    let ms = |of: &[u32], share| f64::from(load::at(of, share)) / 1_000.0;
    let [r50, r99] = [0.5, 0.99].map(|share| ms(resident, share));
    let [a50, a99] = [0.5, 0.99].map(|share| ms(asleep, share));
    let counted: Vec<f64> = after.iter().zip(before).map(|(a, b)| a - b).collect();
    let all = counted.last().copied().unwrap_or(0.0).max(1.0);
    println!(
        "  {connections:>3} connections: asleep p50 {a50:.2}, p99 {a99:.2} ms; in memory p50 {r50:.2}, p99 {r99:.2} ms; \
         difference p50 {:.2}, p99 {:.2} ms",
        a50 - r50,
        a99 - r99
    );
    let shares: Vec<f64> = counted.iter().take(EDGES.len()).map(|n| n / all).collect();
    let told = EDGES.iter().zip(&shares);
    let told: Vec<String> = told
        .map(|(edge, share)| format!("{:.2} % within {edge} s", 100.0 * share))
        .collect();
    println!("      the waking itself: {}", told.join(", "));
    json!({
        "connections": connections, "asleep_p50_ms": a50, "asleep_p99_ms": a99, "resident_p50_ms": r50,
        "resident_p99_ms": r99, "waking_within_s": EDGES, "waking_shares": shares,
    })
}

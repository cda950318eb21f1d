//! Latency at half the most that Segue can take: what customers see on an ordinary day.
//!
//! The most is found first, by a closed loop. Then both servers are posted to at half of it, open loop, by turns; the
//! latency counts from the moment at which a message should have left. Beside it stands what the disk needs for one
//! sync in the same minute: the target is the bare handler's p99 and ten syncs' p99 on top.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::load::Signed;
use crate::plan::Plan;
use crate::steady::{self, Schedule};
use crate::target::Target;
use crate::{RATE_MAX, floor, held, load, scatter, spread};

/// Rounds in which the most is looked for.
const LOOKS: u64 = 3;
/// Syncs that an acknowledgement may cost on top.
const SYNCS: f64 = 10.0;
/// How many can be under way in the open loop: enough never to be waited for.
const CONNECTIONS: usize = 512;

/// Measures both servers at half of the most; prints and answers the figures.
pub fn measure(plan: &Plan, dir: &Path) -> Value {
    let mut targets = [Target::bare(), held("segue", dir, plan.active, &[])];
    // Message numbers go on: every message is new.
    let mut next = 0..;
    let mut letters = |count: u64| -> Vec<Signed> {
        next.by_ref()
            .take(count as usize)
            .map(|n| load::signed(scatter(n) % plan.active, n))
            .collect()
    };
    let everybody = (0..plan.active).map(|n| load::signed(n, (1 << 43) + n));
    let woken = load::post(
        targets[1].address,
        64,
        everybody.collect(),
        Duration::from_secs(600),
    );
    assert_eq!(woken.refused, 0, "everybody is answered");
    let most = plan.connections.iter().map(|connections| {
        let rates = (0..LOOKS).map(|_| {
            targets[1].settle();
            let signed = letters((RATE_MAX as f64 * plan.seconds) as u64);
            let long = Duration::from_secs_f64(plan.seconds);
            let run = load::post(targets[1].address, *connections, signed, long);
            assert_eq!(run.refused, 0, "everybody is answered");
            run.rate()
        });
        spread(rates)[0]
    });
    let most: Vec<(usize, f64)> = plan
        .connections
        .iter()
        .copied()
        .zip(most.collect::<Vec<_>>())
        .collect();
    let rows = most.into_iter().map(|(connections, most)| {
        let rate = most / 2.0;
        let (mut of, mut syncs, mut fills) = ([Vec::new(), Vec::new()], Vec::new(), Vec::new());
        for _ in 0..plan.rounds {
            let sync = floor::sync_alone(dir, Duration::from_secs_f64(plan.seconds / 2.0));
            syncs.push(f64::from(sync.p99));
            for (target, of) in targets.iter_mut().zip(&mut of) {
                target.settle();
                let signed = letters((rate * plan.seconds) as u64);
                let schedule = Schedule {
                    signed,
                    rate,
                    connections: CONNECTIONS,
                    again: false,
                };
                of.push(steady::post(target.address, schedule));
            }
            fills.push(targets[1].figures().fill());
        }
        row((connections, most), &of, &syncs, &fills)
    });
    Value::from(rows.collect::<Vec<_>>())
}

fn row(
    (connections, most): (usize, f64),
    of: &[Vec<steady::Steady>; 2],
    syncs: &[f64],
    fills: &[f64],
) -> Value {
    let median = |of: &[steady::Steady], share| {
        spread(of.iter().map(|one| f64::from(one.within(share))))[0] / 1_000.0
    };
    let [bare, segue] =
        [&of[0], &of[1]].map(|of| [0.5, 0.99, 0.999].map(|share| median(of, share)));
    let (sync, fill) = (
        spread(syncs.iter().copied())[0] / 1_000.0,
        spread(fills.iter().copied()),
    );
    let refused: u64 = of[1].iter().map(|one| one.refused + one.lost).sum();
    let allowed = bare[1] + SYNCS * sync;
    println!(
        "\nat {:.0}/s, half of the most over {connections} connections ({most:.0}/s); ms",
        most / 2.0
    );
    println!(
        "  bare handler  p50 {:.2}, p99 {:.2}, p99.9 {:.2}",
        bare[0], bare[1], bare[2]
    );
    println!(
        "  segue         p50 {:.2}, p99 {:.2}, p99.9 {:.2}; {refused} refused; tail at the end {:.0} %",
        segue[0],
        segue[1],
        segue[2],
        100.0 * fill[0]
    );
    println!("  fdatasync p99 {sync:.2}; the bare p99 and {SYNCS:.0} of these: {allowed:.2}");
    json!({
        "connections": connections, "most": most, "rate": most / 2.0, "bare_ms": bare, "segue_ms": segue,
        "fdatasync_p99_ms": sync, "allowed_p99_ms": allowed, "refused": refused, "tail_at_end": fill,
    })
}

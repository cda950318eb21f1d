//! As long as the applier has to keep up: what one machine takes in hour after hour, not for a moment.
//!
//! The run is a row of slices without a pause between them, and counts from the slice in which the tail first reached
//! its half. It is flat if the two halves of what counts took in about as much.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::load::Signed;
use crate::{SUSTAINED_MAX, load, scatter, segue, spread, watch};

/// How many customers write at once.
const CONNECTIONS: usize = 512;
/// Seconds of a slice.
const SLICE: u64 = 5;

/// A run of `seconds`; prints and answers its figures.
pub fn measure(seconds: u64, active: u64, dir: &Path) -> Value {
    let mut target = segue(active, 0, dir);
    let (slice, slices) = (seconds.min(SLICE), (seconds / SLICE).max(1));
    let count = slice * SUSTAINED_MAX as u64;
    let sign = |n: u64| load::signed(scatter(n) % active, n);
    // Beforehand: the applier would catch up during a pause.
    let signed: Vec<Vec<Signed>> = (0..slices)
        .map(|at| (at * count..(at + 1) * count).map(sign).collect())
        .collect();
    let cpu = watch::cpu(target.pid());
    let (mut runs, mut answered) = (Vec::new(), 0);
    for signed in signed {
        let run = load::post(
            target.address,
            CONNECTIONS,
            signed,
            Duration::from_secs(slice),
        );
        answered += run.answered;
        runs.push((run, target.figures().fill()));
    }
    let threads = watch::between(&cpu, &watch::cpu(target.pid()));
    let per = watch::total(&threads).all as f64 / answered.max(1) as f64;
    let half = runs.iter().position(|(_, fill)| *fill >= 0.5);
    let counted = &runs[half.unwrap_or(0)..];
    let rate = spread(counted.iter().map(|(run, _)| run.rate()));
    let (first, second) = counted.split_at(counted.len() / 2);
    let median = |of: &[(load::Run, f64)]| match of {
        [] => 0.0,
        of => spread(of.iter().map(|(run, _)| run.rate()))[0],
    };
    let halves = [median(first), median(second)];
    let p99 = spread(counted.iter().map(|(run, _)| f64::from(run.p99)));
    let refused: u64 = counted.iter().map(|(run, _)| run.refused).sum();
    let fill = spread(counted.iter().map(|(_, fill)| *fill));
    println!(
        "\nsustained, {CONNECTIONS} connections, {} slices of {slice} s: {:.0}/s [{:.0}..{:.0}], halves {:.0} and {:.0}/s, \
         p99 {:.1} ms, {per:.1} µs CPU, tail {:.0} % [{:.0}..{:.0}], {refused} refused",
        counted.len(),
        rate[0],
        rate[1],
        rate[2],
        halves[0],
        halves[1],
        p99[0] / 1_000.0,
        100.0 * fill[0],
        100.0 * fill[1],
        100.0 * fill[2],
    );
    if half.is_none() {
        println!("    the tail never reached its half: this is a burst");
    }
    json!({
        "rate": rate, "halves": halves, "slices": counted.len(), "p99_us": p99, "cpu_us": per,
        "tail": fill, "refused": refused, "reached_half": half.is_some(),
    })
}

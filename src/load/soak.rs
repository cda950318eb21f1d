//! A soak: a long time at one rate with faults sprinkled over it, and what it did to memory and latency by the minute. Pure.
//!
//! A server that leaks shows in the slope of its memory; one that falls behind, in the tail and in the later minutes'
//! latencies. The first half is left out of the slope: until then caches fill, and every conversation comes to remember as
//! much as one may. A server that was killed begins anew, so only its last life counts, again without the first half.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::Serialize;

use super::book::Book;
use super::faults::Fault;
use super::report::mib;
use super::tally::{Row, coarse};

/// The share of a found highest rate that is kept up, unless said otherwise.
pub const SHARE: f64 = 0.7;
/// Left out of the slope at the beginning: one half.
const SETTLING: u32 = 2;
/// A life shorter than this says nothing of a slope: idle conversations leave memory after five minutes.
const JUDGED_FROM: Duration = Duration::from_mins(10);
/// Memory that grows by more than this part of itself per minute, over half of such a run, is a leak: a leak that
/// doubles it in less than an hour and a half.
const GROWS_BY: f64 = 0.01;

/// What a soak is to be.
#[derive(Clone, PartialEq, Debug)]
pub struct SoakPlan {
    /// How long.
    pub long: Duration,
    /// Of a found highest rate.
    pub share: f64,
    /// What goes wrong meanwhile.
    pub faults: Vec<Fault>,
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Soak {
    /// Messages per second.
    pub rate: f64,
    /// Seconds.
    pub seconds: f64,
    /// MiB per minute by which the server's memory grew after the first half of its last life; none: it was not
    /// watched.
    pub memory_slope: Option<f64>,
    /// The same of the load's own process.
    pub load_memory_slope: Option<f64>,
    /// The most that was not applied yet, MiB.
    pub tail_max_mib: Option<f64>,
    /// What was made to go wrong.
    pub spells: Vec<Happened>,
    /// Minute by minute.
    pub minutes: Vec<Minute>,
    /// Whether memory grows as it should not; none: too short to tell.
    pub leaks: Option<bool>,
}

/// Something that was made to go wrong.
#[derive(Clone, Debug, Serialize)]
pub struct Happened {
    /// Seconds since the beginning of the soak.
    pub at: f64,
    /// What.
    pub fault: &'static str,
    /// Seconds for which a killed server was away.
    pub away: Option<f64>,
}

/// One minute of a soak. Latencies are milliseconds, of what was intended in it.
#[derive(Clone, Debug, Serialize)]
pub struct Minute {
    /// From 0.
    pub minute: u64,
    /// Acknowledged.
    pub acknowledged: u64,
    /// Refused, failed or not sent.
    pub bad: u64,
    /// Acknowledgement: half took at most so long.
    pub p50: f64,
    /// 99 % did.
    pub p99: f64,
    /// The longest.
    pub max: f64,
    /// The AI's answer at the provider: half took at most so long.
    pub ai_p50: f64,
    /// 99 % did.
    pub ai_p99: f64,
    /// Memory of the server at its end, MiB.
    pub memory_mib: Option<f64>,
    /// Durable and not yet applied, at its end, MiB.
    pub tail_mib: Option<f64>,
    /// Conversations in the server's memory at its end.
    pub resident: Option<u64>,
}

/// What came of a soak at `rate` that went on from `from` for `long`, counted from the beginning of the run at `begun`.
pub fn figures(book: &Book, begun: Instant, (rate, from, long): (f64, Duration, Duration)) -> Soak {
    let stretch = book.tally.stretch();
    let rows: Vec<(Duration, &Row)> = (0..)
        .map(|n: u32| stretch * n)
        .zip(&book.tally.rows)
        .filter(|(at, _)| *at >= from && *at < from + long)
        .map(|(at, row)| (at - from, row))
        .collect();
    let spells: Vec<Happened> = book
        .spells
        .iter()
        .map(|struck| Happened {
            at: struck
                .at
                .saturating_duration_since(begun + from)
                .as_secs_f64(),
            fault: struck.fault.as_str(),
            away: struck.away.map(|away| away.as_secs_f64()),
        })
        .collect();
    let killed = spells.iter().filter(|one| one.away.is_some());
    let began = killed.map(|one| one.at).fold(0.0, f64::max);
    let life = long.saturating_sub(Duration::from_secs_f64(began));
    let settled = |of: fn(&Row) -> Option<u64>| -> Vec<(f64, f64)> {
        rows.iter()
            .filter(|(at, _)| *at + life >= long + life / SETTLING)
            .filter_map(|(at, row)| Some((at.as_secs_f64() / 60.0, mib(of(row)?))))
            .collect()
    };
    let memory = settled(|row| row.held.map(|held| held.memory));
    let load = settled(|row| row.held.map(|held| held.load_memory));
    let tails = rows.iter().filter_map(|(_, row)| row.held);
    let memory_slope = slope(&memory);
    let mean = memory.iter().map(|(_, mib)| mib).sum::<f64>() / memory.len().max(1) as f64;
    Soak {
        rate,
        seconds: long.as_secs_f64(),
        memory_slope,
        load_memory_slope: slope(&load),
        tail_max_mib: tails.map(|held| mib(held.tail)).reduce(f64::max),
        spells,
        minutes: minutes(&rows),
        leaks: memory_slope
            .filter(|_| life >= JUDGED_FROM)
            .map(|slope| slope > mean * GROWS_BY),
    }
}

fn minutes(rows: &[(Duration, &Row)]) -> Vec<Minute> {
    let mut minutes = Vec::new();
    for of_one in rows.chunk_by(|(one, _), (other, _)| one.as_secs() / 60 == other.as_secs() / 60) {
        let (mut acknowledged, mut ai) = (coarse(), coarse());
        for (_, row) in of_one {
            acknowledged
                .add(&row.acknowledged)
                .expect("both have the same range");
            ai.add(&row.ai_took).expect("both have the same range");
        }
        let at = |of: &Histogram<u32>, percent| of.value_at_percentile(percent) as f64 / 1_000.0;
        let held = of_one.iter().rev().find_map(|(_, row)| row.held);
        minutes.push(Minute {
            minute: of_one[0].0.as_secs() / 60,
            acknowledged: of_one.iter().map(|(_, row)| row.counts.acknowledged).sum(),
            bad: of_one.iter().map(|(_, row)| row.counts.bad()).sum(),
            p50: at(&acknowledged, 50.0),
            p99: at(&acknowledged, 99.0),
            max: acknowledged.max() as f64 / 1_000.0,
            ai_p50: at(&ai, 50.0),
            ai_p99: at(&ai, 99.0),
            memory_mib: held.map(|held| mib(held.memory)),
            tail_mib: held.map(|held| mib(held.tail)),
            resident: held.map(|held| held.resident),
        });
    }
    minutes
}

/// The slope of the line that is closest to all points (least squares); none for less than three.
fn slope(points: &[(f64, f64)]) -> Option<f64> {
    if points.len() < 3 {
        return None;
    }
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let both: f64 = points
        .iter()
        .map(|point| (point.0 - x) * (point.1 - y))
        .sum();
    let width: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
    (width > 0.0).then(|| both / width)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::monotonic;
    use crate::load::book::struck::Struck;
    use crate::load::watch::Held;

    const LONG: Duration = Duration::from_secs(1_200);

    /// A soak whose memory is `mib` at each second.
    fn soak(mib: impl Fn(u64) -> u64) -> Soak {
        soak_killed(mib, None)
    }

    /// The same, killed at this second.
    fn soak_killed(mib: impl Fn(u64) -> u64, killed: Option<u64>) -> Soak {
        let begun = monotonic();
        let mut book = Book::new(begun, LONG, true, true);
        book.spells.extend(killed.map(|at| Struck {
            fault: Fault::Kill,
            at: begun + Duration::from_secs(at),
            away: Some(Duration::from_secs(1)),
        }));
        for second in 0..LONG.as_secs() {
            let row = book.tally.row(Duration::from_secs(second));
            row.counts.acknowledged += 10;
            row.acknowledged
                .saturating_record(1_000 * (1 + second / 60));
            row.held = Some(Held {
                memory: mib(second) * 1024 * 1024,
                ..Held::default()
            });
        }
        figures(&book, begun, (10.0, Duration::ZERO, LONG))
    }

    #[test]
    fn a_leak_is_told_from_memory_that_fills_and_stays() {
        let check = |mib: &dyn Fn(u64) -> u64, leaks: bool| {
            let soak = soak(mib);
            assert_eq!(soak.leaks, Some(leaks), "{:?} MiB/min", soak.memory_slope);
        };
        check(&|_| 100, false);
        check(&|second| 100 + second.min(300), false);
        check(&|second| 100 + second / 20, true);
        // Memory falls with a kill and fills anew.
        let refilled = |second: u64| 100 + second.checked_sub(400).unwrap_or(second).min(100);
        assert_eq!(soak_killed(refilled, Some(400)).leaks, Some(false));
        assert_eq!(soak_killed(|_| 100, Some(900)).leaks, None, "too short");
        let soak = soak(|second| 100 + second / 20);
        let slope = soak.memory_slope.expect("watched");
        assert!((slope - 3.0).abs() < 0.1, "3 MiB a minute: {slope}");
    }

    #[test]
    fn every_minute_has_its_own_latencies() {
        let soak = soak(|_| 1);
        assert_eq!(soak.minutes.len(), 20);
        assert!(soak.minutes.iter().all(|minute| minute.acknowledged == 600));
        let (first, last) = (&soak.minutes[0], &soak.minutes[19]);
        assert!(first.p99 < 1.1 && last.p50 > 19.0, "{first:?} {last:?}");
    }
}

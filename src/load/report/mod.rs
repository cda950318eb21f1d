//! The result of a run: plain data, made from the book when everything has come to rest. Times are milliseconds.
//!
//! As JSON it is a contract with whoever compares runs: fields are added, never renamed.

pub mod course;
pub mod html;
pub mod plot;
#[cfg(test)]
pub mod sample;
pub mod text;

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::book::{Book, Checks, People};
use super::inquiry::Told;
use super::soak::Soak;
use super::tally::{Counts, Latencies, Phase, Stage};

/// Everything that is known of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The version of `segue` that ran the load.
    pub version: &'static str,
    /// When it began, RFC 3339.
    pub began: String,
    /// Whether it was ended before its time.
    pub ended_early: bool,
    /// Whether nothing is wrong.
    pub passed: bool,
    /// What is wrong, each a sentence.
    pub problems: Vec<String>,
    /// What has to be known to read the figures.
    pub notes: Vec<String>,
    /// What was asked for, as names and values.
    pub settings: BTreeMap<&'static str, String>,
    /// Each step of the course, warming up included.
    pub steps: Vec<Step>,
    /// What became of all messages that were measured.
    pub counts: Counts,
    /// How long things took, over all steps that were measured.
    pub stages: Vec<Figures>,
    /// What was found out about correctness.
    pub checks: Checks,
    /// Messages that nobody answered, and what the server's trail says of them; the first twenty.
    pub unanswered: Vec<Told>,
    /// What people did.
    pub people: People,
    /// What else went wrong, and how often.
    pub faults: BTreeMap<String, u64>,
    /// The course of time.
    pub series: Vec<Point>,
    /// The highest rate that kept the objective, where that was asked for.
    pub found: Option<Found>,
    /// What came of the soak, where there was one.
    pub soak: Option<Soak>,
    /// What the server cost, where it was started for this.
    pub server: Option<Cost>,
}

/// One stretch with one rate.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// Messages per second asked for.
    pub rate: f64,
    /// Seconds.
    pub seconds: f64,
    /// Not measured.
    pub warm_up: bool,
    /// What became of its messages.
    pub counts: Counts,
    /// Messages acknowledged per second, while the step went on.
    pub achieved: f64,
    /// How long things took.
    pub stages: Vec<Figures>,
    /// Whether it kept the objective, where there is one.
    pub kept: Option<bool>,
}

/// How long one thing took.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// Which.
    pub stage: &'static str,
    /// For people.
    pub title: &'static str,
    /// How often.
    pub count: u64,
    /// The average, milliseconds.
    pub mean: f64,
    /// Half took at most so long.
    pub p50: f64,
    /// 90 % did.
    pub p90: f64,
    /// 95 % did.
    pub p95: f64,
    /// 99 % did.
    pub p99: f64,
    /// 99.9 % did.
    pub p999: f64,
    /// The longest.
    pub max: f64,
    /// Percent, and how long at most: for plots.
    pub curve: Vec<(f64, f64)>,
}

/// One row of the course of time.
#[derive(Clone, Debug, Serialize)]
pub struct Point {
    /// Seconds since the beginning.
    pub at: f64,
    /// Messages per second that the schedule asked for.
    pub offered: f64,
    /// Of these, acknowledged.
    pub acknowledged: f64,
    /// Of these, refused, failed or not sent.
    pub bad: f64,
    /// Of these, answered by the AI.
    pub ai_replies: f64,
    /// Acknowledgement, milliseconds; none: there was none.
    pub p50: Option<f64>,
    /// 99 %.
    pub p99: Option<f64>,
    /// The longest.
    pub max: Option<f64>,
    /// Memory of the server, MiB; none: it was not watched.
    pub memory_mib: Option<f64>,
    /// Memory of the load's own process, MiB.
    pub load_memory_mib: Option<f64>,
    /// Durable and not yet applied, MiB.
    pub tail_mib: Option<f64>,
    /// Conversations that the server kept in memory.
    pub resident: Option<u64>,
}

/// What the search found.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Found {
    /// The objective: 99 % of acknowledgements within so many milliseconds.
    pub p99: f64,
    /// The highest rate that kept it; none: not even the lowest did.
    pub rate: Option<f64>,
}

/// What the server cost.
#[derive(Clone, Debug, Serialize)]
pub struct Cost {
    /// Seconds of processor time.
    pub cpu_seconds: f64,
    /// Of it per message that was acknowledged, in microseconds: the whole conversation, answer included.
    pub cpu_us_per_message: f64,
    /// Memory at the end, MiB.
    pub memory_mib: f64,
    /// The most memory, MiB.
    pub memory_max_mib: f64,
    /// What its data lay on.
    pub file_system: Option<String>,
}

/// Percents at which curves are drawn: evenly in nines.
const CURVE: [f64; 15] = [
    0.0, 10.0, 25.0, 50.0, 75.0, 80.0, 90.0, 95.0, 97.5, 99.0, 99.5, 99.9, 99.95, 99.99, 100.0,
];

fn millis(micros: u64) -> f64 {
    micros as f64 / 1_000.0
}

/// The figures of a stage.
pub fn figures(stage: Stage, histogram: &Histogram<u64>) -> Figures {
    let at = |percent: f64| millis(histogram.value_at_percentile(percent));
    Figures {
        stage: stage.as_str(),
        title: stage.title(),
        count: histogram.len(),
        mean: histogram.mean() / 1_000.0,
        p50: at(50.0),
        p90: at(90.0),
        p95: at(95.0),
        p99: at(99.0),
        p999: at(99.9),
        max: millis(histogram.max()),
        curve: match histogram.is_empty() {
            true => Vec::new(),
            false => CURVE.map(|percent| (percent, at(percent))).to_vec(),
        },
    }
}

/// The figures of all stages.
pub fn stages(latencies: &Latencies) -> Vec<Figures> {
    Stage::ALL
        .map(|stage| figures(stage, latencies.of(stage)))
        .to_vec()
}

/// A phase as a step.
pub fn step(phase: &Phase, kept: Option<bool>) -> Step {
    let seconds = phase.long.as_secs_f64();
    Step {
        rate: phase.rate,
        seconds,
        warm_up: phase.warm_up,
        counts: phase.counts,
        achieved: phase.in_time as f64 / seconds.max(1e-9),
        stages: stages(&phase.latencies),
        kept,
    }
}

/// The course of time.
pub fn series(book: &Book) -> Vec<Point> {
    let stretch = book.tally.stretch().as_secs_f64();
    let rows = book.tally.rows.iter().enumerate();
    rows.map(|(n, row)| {
        let per_second = |count: u64| count as f64 / stretch;
        let some = !row.acknowledged.is_empty();
        let at = |percent| some.then(|| millis(row.acknowledged.value_at_percentile(percent)));
        Point {
            at: n as f64 * stretch,
            offered: per_second(row.counts.offered),
            acknowledged: per_second(row.counts.acknowledged),
            bad: per_second(row.counts.bad()),
            ai_replies: per_second(row.ai_replies),
            p50: at(50.0),
            p99: at(99.0),
            max: some.then(|| millis(row.acknowledged.max())),
            memory_mib: row.held.map(|held| mib(held.memory)),
            load_memory_mib: row.held.map(|held| mib(held.load_memory)),
            tail_mib: row.held.map(|held| mib(held.tail)),
            resident: row.held.map(|held| held.resident),
        }
    })
    .collect()
}

/// Bytes as MiB.
pub fn mib(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}

/// A number of milliseconds as people read it.
pub fn show_millis(millis: f64) -> String {
    match millis {
        ms if ms < 10.0 => format!("{ms:.2} ms"),
        ms if ms < 100.0 => format!("{ms:.1} ms"),
        ms if ms < 10_000.0 => format!("{ms:.0} ms"),
        ms => format!("{:.1} s", ms / 1_000.0),
    }
}

/// A rate as people read it.
pub fn show_rate(rate: f64) -> String {
    match rate {
        rate if rate < 100.0 => format!("{rate:.1}"),
        rate => format!("{rate:.0}"),
    }
}

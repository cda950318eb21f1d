//! What was measured: counts and histograms by phase, and a row for each stretch of time.
//!
//! Everything is credited to the phase and the stretch in which it was *intended*, never to when it came about.
//! Histograms hold microseconds with three digits, up to [`LATENCY_MAX`]; whatever is longer counts as that.

use std::time::Duration;

use hdrhistogram::Histogram;

use super::watch::Held;

/// The longest latency told apart: ten minutes.
pub const LATENCY_MAX: Duration = Duration::from_secs(600);
/// Rows of the course of time: as many as a plot has room for.
pub const ROWS_MAX: usize = 240;

/// What is waited for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// A webhook is answered 2xx: it is on disk.
    Acknowledged,
    /// The AI's answer to a message reaches the provider.
    AiReply,
    /// A request for a person stands on the agents' list.
    Ticket,
    /// A person's reply reaches the provider.
    HumanReply,
}

impl Stage {
    /// All of them, in the order of a conversation.
    pub const ALL: [Self; 4] = [
        Self::Acknowledged,
        Self::AiReply,
        Self::Ticket,
        Self::HumanReply,
    ];

    /// Its name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledged => "acknowledged",
            Self::AiReply => "ai_reply",
            Self::Ticket => "handoff_to_ticket",
            Self::HumanReply => "human_reply",
        }
    }

    /// Its name for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Acknowledged => "acknowledgement",
            Self::AiReply => "AI reply at the provider",
            Self::Ticket => "handoff → ticket",
            Self::HumanReply => "human reply → provider",
        }
    }
}

/// Latencies, one histogram for each stage.
#[derive(Clone, Debug)]
pub struct Latencies([Histogram<u64>; 4]);

impl Default for Latencies {
    fn default() -> Self {
        let one = || {
            let most = u64::try_from(LATENCY_MAX.as_micros()).unwrap_or(u64::MAX);
            Histogram::new_with_max(most, 3)
                .expect("three digits up to ten minutes is a valid range")
        };
        Self([one(), one(), one(), one()])
    }
}

impl Latencies {
    /// It took so long.
    pub fn record(&mut self, stage: Stage, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.0[stage as usize].saturating_record(micros);
    }

    /// The histogram of a stage, in microseconds.
    pub fn of(&self, stage: Stage) -> &Histogram<u64> {
        &self.0[stage as usize]
    }

    /// Takes in what `other` holds.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            mine.add(theirs).expect("both have the same range");
        }
    }
}

/// What became of messages.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, serde::Serialize)]
pub struct Counts {
    /// The schedule asked for.
    pub offered: u64,
    /// Answered 2xx.
    pub acknowledged: u64,
    /// Answered otherwise.
    pub refused: u64,
    /// Not answered: the connection broke, or nothing came in time.
    pub failed: u64,
    /// Never sent: everything was busy and the backlog full.
    pub not_sent: u64,
}

impl Counts {
    /// Everything that went wrong.
    pub fn bad(&self) -> u64 {
        self.refused + self.failed + self.not_sent
    }

    /// Everything that is decided, well or badly.
    pub fn done(&self) -> u64 {
        self.acknowledged + self.bad()
    }

    /// Takes in what `other` holds.
    pub fn add(&mut self, other: &Self) {
        self.offered += other.offered;
        self.acknowledged += other.acknowledged;
        self.refused += other.refused;
        self.failed += other.failed;
        self.not_sent += other.not_sent;
    }
}

/// A stretch with one rate.
#[derive(Clone, Default, Debug)]
pub struct Phase {
    /// Messages per second that were asked for.
    pub rate: f64,
    /// How long it was to last.
    pub long: Duration,
    /// Whether it is warming up only.
    pub warm_up: bool,
    /// What became of its messages.
    pub counts: Counts,
    /// Acknowledged before the phase was over.
    pub in_time: u64,
    /// How long things took.
    pub latencies: Latencies,
}

/// A row of the course of time.
#[derive(Clone, Debug)]
pub struct Row {
    /// What became of the messages intended in it.
    pub counts: Counts,
    /// AI replies to them.
    pub ai_replies: u64,
    /// People's replies that were intended in it.
    pub human_replies: u64,
    /// How long acknowledgements took, in microseconds, with two digits.
    pub acknowledged: Histogram<u32>,
    /// How long the AI's answers took, likewise.
    pub ai_took: Histogram<u32>,
    /// What the server held at its end; none: it was not watched.
    pub held: Option<Held>,
}

impl Default for Row {
    fn default() -> Self {
        Self {
            counts: Counts::default(),
            ai_replies: 0,
            human_replies: 0,
            acknowledged: coarse(),
            ai_took: coarse(),
            held: None,
        }
    }
}

/// Microseconds up to ten minutes, with two digits.
pub fn coarse() -> Histogram<u32> {
    let most = u64::try_from(LATENCY_MAX.as_micros()).unwrap_or(u64::MAX);
    Histogram::new_with_max(most, 2).expect("two digits up to ten minutes is a valid range")
}

/// All that a run measures.
#[derive(Debug)]
pub struct Tally {
    /// The phases, in the order in which they were.
    pub phases: Vec<Phase>,
    /// The rows, each [`Tally::stretch`] long, from the beginning.
    pub rows: Vec<Row>,
    stretch: Duration,
}

impl Tally {
    /// For a run that takes `at_most` so long.
    pub fn new(at_most: Duration) -> Self {
        let seconds = at_most.as_secs().div_ceil(ROWS_MAX as u64).max(1);
        Self {
            phases: Vec::new(),
            rows: Vec::new(),
            stretch: Duration::from_secs(seconds),
        }
    }

    /// How long a row is: whole seconds.
    pub fn stretch(&self) -> Duration {
        self.stretch
    }

    /// The row of what was intended `at` so long after the beginning. What is later than foreseen is in the last one.
    pub fn row(&mut self, at: Duration) -> &mut Row {
        let n = (at.as_secs() / self.stretch.as_secs()) as usize;
        let n = n.min(ROWS_MAX);
        if self.rows.len() <= n {
            self.rows.resize_with(n + 1, Row::default);
        }
        &mut self.rows[n]
    }

    /// The sums over all phases that are measured.
    pub fn measured(&self) -> (Counts, Latencies) {
        let (mut counts, mut latencies) = (Counts::default(), Latencies::default());
        for phase in self.phases.iter().filter(|phase| !phase.warm_up) {
            counts.add(&phase.counts);
            latencies.add(&phase.latencies);
        }
        (counts, latencies)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_run_has_no_more_rows_than_a_plot() {
        let check = |seconds: u64, stretch: u64| {
            let mut tally = Tally::new(Duration::from_secs(seconds));
            assert_eq!(tally.stretch(), Duration::from_secs(stretch), "{seconds}");
            tally.row(Duration::from_secs(seconds * 2)).ai_replies += 1;
            assert!(tally.rows.len() <= ROWS_MAX + 1);
        };
        check(1, 1);
        check(240, 1);
        check(241, 2);
        check(86_400, 360);
    }

    #[test]
    fn warming_up_is_not_in_the_sums() {
        let mut tally = Tally::new(Duration::from_secs(10));
        for warm_up in [true, false, false] {
            let mut phase = Phase {
                warm_up,
                ..Phase::default()
            };
            phase.counts.acknowledged = 5;
            phase
                .latencies
                .record(Stage::Acknowledged, Duration::from_millis(3));
            tally.phases.push(phase);
        }
        let (counts, latencies) = tally.measured();
        assert_eq!(
            (counts.acknowledged, latencies.of(Stage::Acknowledged).len()),
            (10, 2)
        );
    }

    #[test]
    fn what_is_longer_than_the_longest_counts_as_that() {
        let mut latencies = Latencies::default();
        latencies.record(Stage::Ticket, LATENCY_MAX * 3);
        assert!(latencies.of(Stage::Ticket).max() >= 599_000_000);
    }
}

//! The pulse of the async runtime: how busy its threads were since the last beat.
//!
//! Only what tokio counts in its stable builds. Measured by one beat every few seconds and read by anybody, so that two
//! who scrape do not halve each other's figures.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use crate::clock::monotonic;
use crate::metrics::TokioFigure;

/// See the head of this file.
#[derive(Debug)]
pub struct Pulse {
    runtime: Handle,
    last: Mutex<Beat>,
}

#[derive(Clone, Copy, Debug)]
struct Beat {
    at: Instant,
    /// What all workers together were busy for since the runtime began.
    busy: Duration,
    ratio: f64,
}

impl Pulse {
    /// Of the runtime that this is called on.
    pub fn of_this_runtime() -> Self {
        let runtime = Handle::current();
        let last = Beat {
            at: monotonic(),
            busy: busy(&runtime),
            ratio: 0.0,
        };
        Self {
            runtime,
            last: Mutex::new(last),
        }
    }

    /// Measures since the last beat.
    pub fn beat(&self) {
        let (at, busy) = (monotonic(), busy(&self.runtime));
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = at.saturating_duration_since(last.at);
        let workers = self.runtime.metrics().num_workers();
        let spent = busy.saturating_sub(last.busy);
        let ratio = share(spent, passed, workers);
        *last = Beat { at, busy, ratio };
    }

    /// How it stands.
    pub fn figure(&self) -> TokioFigure {
        let metrics = self.runtime.metrics();
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        TokioFigure {
            workers: metrics.num_workers() as u64,
            tasks: metrics.num_alive_tasks() as u64,
            queued: metrics.global_queue_depth() as u64,
            busy: last.ratio,
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a machine has a few hundred cores"
)]
fn share(spent: Duration, passed: Duration, workers: usize) -> f64 {
    let all = passed.as_secs_f64() * workers.max(1) as f64;
    if all > 0.0 {
        (spent.as_secs_f64() / all).min(1.0)
    } else {
        0.0
    }
}

fn busy(runtime: &Handle) -> Duration {
    let metrics = runtime.metrics();
    (0..metrics.num_workers())
        .map(|worker| metrics.worker_total_busy_duration(worker))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_of_all_workers_and_never_above_one() {
        let second = Duration::from_secs(1);
        assert!((share(second, second, 2) - 0.5).abs() < 1e-9);
        assert!((share(3 * second, second, 2) - 1.0).abs() < 1e-9);
        assert!(share(second, Duration::ZERO, 2).abs() < 1e-9);
    }

    #[tokio::test]
    async fn the_runtime_it_runs_on_has_a_worker() {
        let pulse = Pulse::of_this_runtime();
        pulse.beat();
        let figure = pulse.figure();
        assert!(figure.workers >= 1, "{figure:?}");
        assert!((0.0..=1.0).contains(&figure.busy), "{figure:?}");
    }
}

//! A run from beginning to end: the server, the people, the steps or the search, coming to rest, the report.
//!
//! Blocks its thread, which is the one that keeps to the schedule; providers and people live on a runtime of their own.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::LoadError;
use super::book::Book;
use super::find::Search;
use super::pace::{Pacer, open};
use super::plan::{Plan, Shape};
use super::report::{Found, Report};
use super::setup::set;
use super::tally::Stage;
use super::verdict::tell;
use super::view::View;
use crate::clock::monotonic;

/// What of a step may go wrong and the rate still be kept: one in a thousand.
const KEPT_BAD_MAX: f64 = 0.001;
/// What of a step has to be acknowledged before it is over for the rate to be kept.
const KEPT_DONE_MIN: f64 = 0.98;
/// How long answers are waited for after the run was ended by hand.
const HASTE: Duration = Duration::from_secs(3);
/// The longest rest between two trials of a search.
const REST_MAX: Duration = Duration::from_secs(10);

/// Runs `plan`. `stop` ends it early.
///
/// # Errors
/// What kept it from beginning. What goes wrong later is in the report.
pub fn run(plan: &Plan, stop: &CancellationToken) -> Result<Report, LoadError> {
    plan.check()?;
    let mut scene = set(plan, stop)?;
    let view = View::start(Arc::clone(&scene.pacer.book), scene.begun, plan.at_most());
    let (kept, found) = match &plan.shape {
        Shape::Steps(rates) => {
            steps(plan, rates, &mut scene.pacer);
            (Vec::new(), None)
        }
        Shape::Find { first, p99 } => find(plan, *first, *p99, &mut scene.pacer),
    };
    let long = if stop.is_cancelled() {
        HASTE
    } else {
        plan.drain
    };
    rest(&scene.pacer, long, true);
    drop(view);
    let report = tell(plan, &mut scene, &kept, found);
    scene.over.cancel();
    drop(scene.hired.take());
    drop(scene.own.take());
    scene.runtime.shutdown_timeout(Duration::from_secs(2));
    Ok(report)
}

fn steps(plan: &Plan, rates: &[f64], pacer: &mut Pacer) {
    for rate in rates {
        if !one(plan, *rate, pacer) {
            return;
        }
    }
}

/// Warms up, then measures. False: ended early.
fn one(plan: &Plan, rate: f64, pacer: &mut Pacer) -> bool {
    for (long, warm_up) in [(plan.warm_up, true), (plan.step, false)] {
        if long.is_zero() {
            continue;
        }
        let phase = open(&pacer.book).begin(rate, long, warm_up);
        let begin = monotonic();
        if !pacer.drive(rate, long, phase) {
            open(&pacer.book).tally.phases[phase].long = begin.elapsed();
            return false;
        }
    }
    true
}

/// Phases by number, and whether each kept the objective.
pub type Kept = Vec<(usize, bool)>;

fn find(plan: &Plan, first: f64, p99: Duration, pacer: &mut Pacer) -> (Kept, Option<Found>) {
    let mut search = Search::new(first, plan.rate_max());
    let mut all = Vec::new();
    while let Some(rate) = search.next() {
        let whole = one(plan, rate, pacer);
        rest(pacer, plan.drain.min(REST_MAX), false);
        if !whole {
            break;
        }
        let (phase, kept) = {
            let book = open(&pacer.book);
            (book.phase(), keeps(&book, p99))
        };
        all.push((phase, kept));
        search.told(rate, kept);
    }
    let found = Found {
        p99: p99.as_secs_f64() * 1_000.0,
        rate: search.found(),
    };
    (all, Some(found))
}

/// Whether the last phase kept the objective.
fn keeps(book: &Book, p99: Duration) -> bool {
    let Some(phase) = book.tally.phases.last() else {
        return false;
    };
    let offered = phase.counts.offered as f64;
    let took = phase
        .latencies
        .of(Stage::Acknowledged)
        .value_at_percentile(99.0);
    let most = u64::try_from(p99.as_micros()).unwrap_or(u64::MAX);
    // Messages still under way at the end are as many as the objective itself allows, however short the step.
    let under_way = phase.rate * p99.as_secs_f64();
    took <= most
        && phase.counts.bad() as f64 <= offered * KEPT_BAD_MAX
        && phase.in_time as f64 + under_way >= offered * KEPT_DONE_MIN
}

/// Waits until nothing is on its way any more, for at most `long`; with `people` until they are done as well.
fn rest(pacer: &Pacer, long: Duration, people: bool) {
    let until = monotonic() + long;
    while monotonic() < until {
        let (busy, waiting) = pacer.sender.under_way();
        if busy == 0 && waiting == 0 && open(&pacer.book).at_rest(people) {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

//! A run from beginning to end: the server, the people, the steps or the search, coming to rest, the report.
//!
//! Blocks its thread, which is the one that keeps to the schedule; providers and people live on a runtime of their own.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::LoadError;
use super::book::Book;
use super::faults::{self, Storm};
use super::find::Search;
use super::hired::Hired;
use super::inquiry::{ASKED_MAX, Inquiry, Told};
use super::local::lock;
use super::pace::{Pacer, open};
use super::plan::{Plan, Shape};
use super::report::{Found, Report};
use super::setup::{Scene, set};
use super::soak::{self, SoakPlan};
use super::tally::Stage;
use super::verdict::{judge_soak, tell};
use super::view::View;
use super::watch::Watch;
use crate::clock::monotonic;
use crate::conversation::words::Role;

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
    let watch = scene.own.as_ref().map(|own| {
        let seat = Arc::clone(&lock(own).seat);
        let book = Arc::clone(&scene.pacer.book);
        Watch::start(seat, book, scene.begun)
    });
    let view = View::start(Arc::clone(&scene.pacer.book), scene.begun, plan.at_most());
    let (kept, found) = match &plan.shape {
        Shape::Steps(_) if plan.soak.is_some() => (Vec::new(), None),
        Shape::Steps(rates) => {
            steps(plan, rates, &mut scene.pacer);
            (Vec::new(), None)
        }
        Shape::Find { first, p99 } => find(plan, *first, *p99, &mut scene.pacer),
    };
    let soaked = match (&plan.soak, rate_of_soak(plan, found)) {
        (Some(soak), Some(rate)) if !stop.is_cancelled() => {
            Some((rate, soaking(plan, soak, rate, &mut scene)?))
        }
        (Some(_) | None, _) => None,
    };
    let long = if stop.is_cancelled() {
        HASTE
    } else {
        plan.rest()
    };
    rest(&scene.pacer, long, true);
    drop((view, watch));
    let told = inquire(&mut scene, stop.is_cancelled());
    let mut report = tell(plan, &mut scene, &kept, found);
    report.unanswered = told;
    report.soak = soaked.map(|(rate, (from, long))| {
        let book = open(&scene.pacer.book);
        soak::figures(&book, scene.begun, (rate, from, long))
    });
    let searched = matches!(plan.shape, Shape::Find { .. });
    judge_soak(searched.then_some(plan.errors_max), &mut report);
    if let Some(own) = scene.own.as_ref().filter(|_| report.checks.broken()) {
        let left = lock(own).leave();
        let note = format!(
            "the server's log and data are left in {}: remove them once they are understood",
            left.display()
        );
        report.notes.push(note);
    }
    scene.over.cancel();
    drop(scene.hired.take());
    drop(scene.own.take());
    scene.runtime.shutdown_timeout(Duration::from_secs(2));
    Ok(report)
}

/// Asks the server what became of messages that nobody answered. Who ended a run by hand does not wait for that.
fn inquire(scene: &mut Scene, hasty: bool) -> Vec<Told> {
    let (all, rates): (Vec<_>, Vec<f64>) = {
        let book = open(&scene.pacer.book);
        let rates = book.tally.phases.iter().map(|phase| phase.rate).collect();
        (book.unanswered(ASKED_MAX), rates)
    };
    if all.is_empty() || hasty {
        return Vec::new();
    }
    // Where there are no agents, somebody is let in to look.
    let (observer, why) = match &scene.hired {
        Some(_) => (None, String::new()),
        None => match Hired::hire(&scene.data, Role::Observer, 1, scene.run) {
            Ok(observer) => (Some(observer), String::new()),
            Err(fault) => (None, fault.what),
        },
    };
    let somebody = scene.hired.as_ref().or(observer.as_ref());
    let Some(token) = somebody.and_then(|hired| hired.tokens.first()) else {
        let note =
            format!("nobody could ask the server what became of what was not answered: {why}");
        scene.notes.push(note);
        return Vec::new();
    };
    let inquiry = Inquiry {
        target: &scene.pacer.target,
        token,
        begun: scene.begun,
    };
    let rate_of = |phase: usize| rates.get(phase).copied().unwrap_or_default();
    let told = scene.runtime.block_on(inquiry.ask(&all, rate_of));
    told.unwrap_or_else(|fault| {
        scene.notes.push(fault.what);
        Vec::new()
    })
}

fn steps(plan: &Plan, rates: &[f64], pacer: &mut Pacer) {
    for rate in rates {
        if !one(plan, *rate, pacer) {
            return;
        }
    }
}

/// The rate of the soak; none: the search found nothing to go by.
fn rate_of_soak(plan: &Plan, found: Option<Found>) -> Option<f64> {
    let share = plan.soak.as_ref()?.share;
    match &plan.shape {
        Shape::Steps(rates) => rates.first().copied(),
        Shape::Find { .. } => found?.rate.map(|rate| rate * share),
    }
}

/// Warms up, then keeps to the rate while things go wrong; from when on, and how long.
fn soaking(
    plan: &Plan,
    soak: &SoakPlan,
    rate: f64,
    scene: &mut Scene,
) -> Result<(Duration, Duration), LoadError> {
    drive(plan.warm_up, true, rate, &mut scene.pacer);
    let from = scene.begun.elapsed();
    let spells = faults::spells(&soak.faults, soak.long, &mut scene.pacer.chance.fork());
    let both = (Arc::clone(&scene.weather), Arc::clone(&scene.pacer.book));
    let storm = Storm::start(spells, both, scene.own.clone())?;
    drive(soak.long, false, rate, &mut scene.pacer);
    drop(storm);
    Ok((from, scene.begun.elapsed().saturating_sub(from)))
}

/// Warms up, then measures. False: ended early.
fn one(plan: &Plan, rate: f64, pacer: &mut Pacer) -> bool {
    for (long, warm_up) in [(plan.warm_up, true), (plan.step, false)] {
        if !drive(long, warm_up, rate, pacer) {
            return false;
        }
    }
    true
}

/// One phase. False: ended early.
fn drive(long: Duration, warm_up: bool, rate: f64, pacer: &mut Pacer) -> bool {
    if long.is_zero() {
        return true;
    }
    let phase = open(&pacer.book).begin(rate, long, warm_up);
    let begin = monotonic();
    let whole = pacer.drive(rate, long, phase);
    if !whole {
        open(&pacer.book).tally.phases[phase].long = begin.elapsed();
    }
    whole
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

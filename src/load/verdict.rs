//! What is to be said of a run that has come to rest: the report, and what is wrong.

use std::collections::BTreeMap;
use std::time::Duration;

use super::book::Book;
use super::course::Kept;
use super::local::{Own, lock};
use super::pace::open;
use super::plan::{Behaviour, Place, Plan, Shape};
use super::process;
use super::report::{self, Cost, Found, Report};
use super::setup::Scene;
use super::soak::SoakPlan;
use super::tally::Counts;
use super::target::Target;

/// The load's own lateness that is worth a word: more than a sleep is usually late by.
const BEHIND: Duration = Duration::from_millis(20);

/// The report.
pub fn tell(plan: &Plan, scene: &mut Scene, kept: &Kept, found: Option<Found>) -> Report {
    let mut book = open(&scene.pacer.book);
    book.give_up();
    let best = found.and_then(|found| found.rate);
    let mut measured = book.tally.phases.iter().filter(|phase| !phase.warm_up);
    let best = match plan.soak {
        Some(_) => measured.next_back(),
        None => measured.find(|phase| Some(phase.rate) == best),
    };
    let (counts, latencies) = match best {
        // Beyond the highest rate lines grow: those figures say nothing of the server.
        Some(phase) => (phase.counts, phase.latencies.clone()),
        None => book.tally.measured(),
    };
    let verdicts: BTreeMap<usize, bool> = kept.iter().copied().collect();
    let phases = book.tally.phases.iter().enumerate();
    let mut report = Report {
        version: env!("CARGO_PKG_VERSION"),
        began: scene.began.clone(),
        ended_early: scene.pacer.stop.is_cancelled(),
        passed: true,
        problems: Vec::new(),
        notes: std::mem::take(&mut scene.notes),
        settings: settings(
            plan,
            &scene.pacer.target,
            scene.hired.as_ref().map_or(0, |hired| hired.tokens.len()),
        ),
        steps: phases
            .map(|(n, phase)| report::step(phase, verdicts.get(&n).copied()))
            .collect(),
        counts,
        stages: report::stages(&latencies),
        checks: book.checks(),
        unanswered: Vec::new(),
        soak: None,
        people: book.people,
        faults: book.faults.clone(),
        series: report::series(&book),
        found,
        server: scene.own.as_ref().and_then(|own| cost(&lock(own), &book)),
    };
    if found.is_some_and(|found| found.rate.is_some()) && plan.soak.is_none() {
        report
            .notes
            .push("the figures in all are those of the highest rate that was kept".to_owned());
    }
    drop(book);
    if scene.pacer.behind > BEHIND {
        report.notes.push(format!(
            "the load itself was behind its schedule by up to {}: latencies count that",
            report::show_millis(scene.pacer.behind.as_secs_f64() * 1_000.0)
        ));
    }
    if let Some(providers) = &scene.providers {
        let (asked, heard) = providers.counted();
        let calls = [("calls to the model", asked), ("calls to providers", heard)];
        report
            .settings
            .extend(calls.map(|(what, count)| (what, count.to_string())));
    }
    report.problems = problems(plan, &report);
    report.passed = report.problems.is_empty();
    report
}

/// Adds what is wrong with a soak. After a search (`bad_max`: the share that may go wrong) the counts are those of the soak
/// alone, and a rate below the highest one has to be carried; without one that is among the problems already.
pub fn judge_soak(bad_max: Option<f64>, report: &mut Report) {
    let Some(soak) = &report.soak else { return };
    let bad = bad_max.and_then(|most| too_many_bad(most, &report.counts));
    if let Some(bad) = bad {
        report.problems.push(bad);
        report.passed = false;
    }
    if let (Some(true), Some(slope)) = (soak.leaks, soak.memory_slope) {
        report.problems.push(format!(
            "the server's memory grows by {slope:.1} MiB a minute after it has settled"
        ));
        report.passed = false;
    }
}

fn cost(own: &Own, book: &Book) -> Option<Cost> {
    let (cpu, memory) = (own.cpu()?, process::memory(own.pid())?);
    let held = book.tally.rows.iter().filter_map(|row| row.held);
    let most = held.map(|held| held.memory).fold(memory.1, u64::max);
    let all: u64 = book
        .tally
        .phases
        .iter()
        .map(|phase| phase.counts.acknowledged)
        .sum();
    Some(Cost {
        cpu_seconds: cpu.as_secs_f64(),
        cpu_us_per_message: cpu.as_secs_f64() * 1e6 / all.max(1) as f64,
        memory_mib: report::mib(memory.0),
        memory_max_mib: report::mib(most),
        file_system: process::file_system(&own.data),
    })
}

fn problems(plan: &Plan, report: &Report) -> Vec<String> {
    let mut problems = Vec::new();
    let checks = &report.checks;
    let mut broken = |count: u64, what: &str| {
        if count > 0 {
            problems.push(format!("{count} {what}"));
        }
    };
    broken(checks.duplicates, "messages reached a provider twice");
    broken(
        checks.ai_after_claim,
        "messages of the AI came after a person had claimed the conversation",
    );
    // Who ended it by hand did not let it come to rest.
    if !report.ended_early {
        broken(checks.lost, "messages were acknowledged and never answered");
        broken(
            checks.lost_handoffs,
            "requests for a person were acknowledged and never seen by the agents",
        );
    }
    match (&plan.shape, &report.found) {
        // Beyond the highest rate things have to go wrong.
        (Shape::Find { .. }, Some(Found { rate: None, .. })) if !report.ended_early => {
            problems.push("not even the lowest rate kept the objective".to_owned());
        }
        (Shape::Find { .. }, _) => {}
        (Shape::Steps(_), _) => problems.extend(too_many_bad(plan.errors_max, &report.counts)),
    }
    if report.counts.acknowledged == 0 {
        problems.push("nothing was acknowledged".to_owned());
    }
    problems
}

/// What is said when more went wrong than may.
fn too_many_bad(most: f64, counts: &Counts) -> Option<String> {
    let share = counts.bad() as f64 / counts.offered.max(1) as f64;
    (share > most).then(|| {
        format!(
            "{:.2} % of the messages were refused, failed or not sent, more than {:.2} %",
            share * 100.0,
            most * 100.0
        )
    })
}

type Settings = BTreeMap<&'static str, String>;

/// What was asked for, in words.
fn settings(plan: &Plan, target: &Target, agents: usize) -> Settings {
    let show = crate::config::show;
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    let behaviour = |of: Behaviour| {
        format!(
            "{} on average, {} fail",
            show(of.latency),
            percent(of.errors)
        )
    };
    let mut settings = shape(plan, target);
    settings.extend([
        (
            "customers",
            format!(
                "{}, of them {} at a time",
                plan.mix.conversations, plan.mix.active
            ),
        ),
        (
            "messages per conversation",
            format!("{:.1} on average", plan.mix.messages),
        ),
        (
            "conversations that ask for a person",
            percent(plan.mix.handoffs),
        ),
        (
            "bursts",
            format!(
                "{} of the messages begin one of {}",
                percent(plan.mix.bursts),
                plan.mix.burst_size
            ),
        ),
        (
            "agents",
            format!("{agents}, thinking {} on average", show(plan.staff.think)),
        ),
        ("connections", plan.connections.to_string()),
        ("built-in model", behaviour(plan.model)),
        (
            "built-in providers",
            format!(
                "{}; of {} they report the delivery",
                behaviour(plan.providers),
                percent(plan.receipts)
            ),
        ),
        ("seed", plan.seed.to_string()),
    ]);
    settings
}

fn shape(plan: &Plan, target: &Target) -> Settings {
    let show = crate::config::show;
    let line =
        |line: &std::sync::Arc<dyn super::wire::Wire>| format!("{} ({})", line.name(), line.kind());
    let lines: Vec<String> = target.lines.iter().map(line).collect();
    let rate = match &plan.shape {
        Shape::Steps(rates) => {
            let rates: Vec<String> = rates.iter().map(|rate| report::show_rate(*rate)).collect();
            format!("{} messages/s", rates.join(", "))
        }
        Shape::Find { first, p99 } => {
            format!(
                "the highest with p99 ≤ {}, from {}/s",
                show(*p99),
                report::show_rate(*first)
            )
        }
    };
    let place = match &plan.place {
        Place::Own { .. } => "a server of its own, on this machine".to_owned(),
        Place::Running { .. } => target.base.url.clone(),
    };
    BTreeMap::from([
        ("target", place),
        ("channels", lines.join(", ")),
        ("rate", rate),
        (
            "soak",
            plan.soak.as_ref().map_or_else(|| "none".to_owned(), soak),
        ),
        (
            "step",
            format!(
                "{} after {} of warming up",
                show(plan.step),
                show(plan.warm_up)
            ),
        ),
    ])
}

fn soak(plan: &SoakPlan) -> String {
    let faults: Vec<&str> = plan.faults.iter().map(|fault| fault.as_str()).collect();
    let faults = match faults.is_empty() {
        true => "nothing goes wrong".to_owned(),
        false => faults.join(", "),
    };
    format!("{}: {faults}", crate::config::show(plan.long))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::report::sample;

    #[test]
    fn a_soak_after_a_search_may_not_refuse_more_than_any_other_run() {
        let check = |bad_max: Option<f64>, refused: u64, problems: usize| {
            let mut report = sample::report();
            (report.passed, report.problems) = (true, Vec::new());
            report.counts = Counts {
                offered: 100,
                acknowledged: 100 - refused,
                refused,
                ..Counts::default()
            };
            report.soak = Some(sample::soak());
            judge_soak(bad_max, &mut report);
            assert_eq!(report.problems.len(), problems, "{:?}", report.problems);
            assert_eq!(report.passed, problems == 0);
        };
        check(Some(0.01), 1, 0);
        check(Some(0.01), 2, 1);
        check(None, 2, 0);
    }
}

//! The result for a terminal.

use std::fmt::Write as _;

use super::super::inquiry::Told;
use super::super::soak::Soak;
use super::{Figures, Report, Step, show_millis, show_rate};

/// The most minutes of a soak that are listed; of longer ones every second, third, …
const MINUTES_MAX: usize = 30;

/// All of it, in lines.
pub fn write(report: &Report) -> String {
    let mut out = String::new();
    // Writing into a text cannot fail.
    let _ok = lines(&mut out, report);
    out
}

fn lines(out: &mut String, report: &Report) -> std::fmt::Result {
    if report.ended_early {
        writeln!(out, "Ended early: this is what was measured so far.\n")?;
    }
    writeln!(
        out,
        "{:<10} {:>9} {:>9} {:>8} {:>10} {:>10} {:>10}",
        "rate /s", "offered", "ack /s", "bad", "ack p50", "ack p99", "ack max"
    )?;
    for step in report.steps.iter().filter(|step| !step.warm_up) {
        row(out, step)?;
    }
    writeln!(
        out,
        "\n{:<26} {:>9} {:>10} {:>10} {:>10} {:>10} {:>10}",
        "from the intended moment", "count", "p50", "p90", "p99", "p99.9", "max"
    )?;
    for figures in &report.stages {
        stage(out, figures)?;
    }
    checked(out, report)?;
    if let Some(cost) = &report.server {
        writeln!(
            out,
            "server: {:.0} µs of processor time per message, {:.0} MiB at the end, {:.0} MiB at most, data on {}",
            cost.cpu_us_per_message,
            cost.memory_mib,
            cost.memory_max_mib,
            cost.file_system.as_deref().unwrap_or("an unknown disk")
        )?;
    }
    if let Some(of) = &report.soak {
        soak(out, of)?;
    }
    for (what, count) in &report.faults {
        writeln!(out, "fault: {what}, {count} times")?;
    }
    for note in &report.notes {
        writeln!(out, "note: {note}")?;
    }
    if let Some(found) = &report.found {
        let objective = show_millis(found.p99);
        match found.rate {
            Some(rate) => writeln!(
                out,
                "\nThe highest rate with p99 ≤ {objective}: {} messages/s",
                show_rate(rate)
            )?,
            None => writeln!(out, "\nNo rate kept p99 ≤ {objective}.")?,
        }
    }
    for told in &report.unanswered {
        unanswered(out, told)?;
    }
    match report.problems.as_slice() {
        [] => writeln!(out, "\nNothing is wrong."),
        problems => problems
            .iter()
            .try_for_each(|problem| writeln!(out, "WRONG: {problem}")),
    }
}

fn checked(out: &mut String, report: &Report) -> std::fmt::Result {
    let (checks, people) = (&report.checks, &report.people);
    writeln!(
        out,
        "\nlost {}  lost handoffs {}  duplicates {} (and {} after a kill)  AI after a claim {}",
        checks.lost,
        checks.lost_handoffs,
        checks.duplicates,
        checks.repeated_after_kill,
        checks.ai_after_claim
    )?;
    writeln!(
        out,
        "people: {} asked for, {} tickets, {} claimed ({} conflicts), {} replies, {} handed back, {} resolved, {} vanished, {} unanswered",
        people.asked_for,
        people.tickets,
        people.claimed,
        people.conflicts,
        people.replies,
        people.handed_back,
        people.resolved,
        people.vanished,
        checks.left_to_people
    )
}

/// By the minute; a long soak in as many lines as a screen has.
fn soak(out: &mut String, soak: &Soak) -> std::fmt::Result {
    let known =
        |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |mib| format!("{mib:.1}"));
    writeln!(
        out,
        "\nsoak at {}/s for {:.0} s: memory {} MiB/min once settled (the load's own {}), tail at most {} MiB",
        show_rate(soak.rate),
        soak.seconds,
        known(soak.memory_slope),
        known(soak.load_memory_slope),
        known(soak.tail_max_mib)
    )?;
    for spell in &soak.spells {
        let away = spell.away.map(|away| format!(", away {away:.2} s"));
        writeln!(
            out,
            "  {:>6.0} s  {}{}",
            spell.at,
            spell.fault,
            away.unwrap_or_default()
        )?;
    }
    writeln!(
        out,
        "{:<8} {:>8} {:>6} {:>9} {:>9} {:>9} {:>9} {:>9} {:>8} {:>7} {:>9}",
        "minute",
        "acked",
        "bad",
        "ack p50",
        "ack p99",
        "ack max",
        "AI p50",
        "AI p99",
        "MiB",
        "tail",
        "resident"
    )?;
    for minute in soak
        .minutes
        .iter()
        .step_by(soak.minutes.len().div_ceil(MINUTES_MAX).max(1))
    {
        writeln!(
            out,
            "{:<8} {:>8} {:>6} {:>9} {:>9} {:>9} {:>9} {:>9} {:>8} {:>7} {:>9}",
            minute.minute,
            minute.acknowledged,
            minute.bad,
            show_millis(minute.p50),
            show_millis(minute.p99),
            show_millis(minute.max),
            show_millis(minute.ai_p50),
            show_millis(minute.ai_p99),
            known(minute.memory_mib),
            known(minute.tail_mib),
            minute.resident.unwrap_or_default()
        )?;
    }
    Ok(())
}

fn unanswered(out: &mut String, told: &Told) -> std::fmt::Result {
    writeln!(
        out,
        "\nnot answered: {} of {}, at {:.1} s ({}/s), conversation {} (mode {})\n  {}",
        told.message_id,
        told.address,
        told.at,
        show_rate(told.rate),
        told.conversation.as_deref().unwrap_or("unknown"),
        told.mode.as_deref().unwrap_or("unknown"),
        told.finding
    )?;
    told.trail
        .iter()
        .try_for_each(|line| writeln!(out, "    {line}"))
}

fn row(out: &mut String, step: &Step) -> std::fmt::Result {
    let ack = &step.stages[0];
    let kept = match step.kept {
        Some(true) => "  kept",
        Some(false) => "  missed",
        None => "",
    };
    writeln!(
        out,
        "{:<10} {:>9} {:>9} {:>8} {:>10} {:>10} {:>10}{kept}",
        show_rate(step.rate),
        step.counts.offered,
        show_rate(step.achieved),
        step.counts.bad(),
        show_millis(ack.p50),
        show_millis(ack.p99),
        show_millis(ack.max)
    )
}

fn stage(out: &mut String, figures: &Figures) -> std::fmt::Result {
    if figures.count == 0 {
        return writeln!(out, "{:<26} {:>9}", figures.title, "none");
    }
    writeln!(
        out,
        "{:<26} {:>9} {:>10} {:>10} {:>10} {:>10} {:>10}",
        figures.title,
        figures.count,
        show_millis(figures.p50),
        show_millis(figures.p90),
        show_millis(figures.p99),
        show_millis(figures.p999),
        show_millis(figures.max)
    )
}

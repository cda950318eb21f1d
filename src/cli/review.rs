//! The handoff review as a text: for the person who leads the support team.

use std::fmt::Write as _;

use crate::learning::report::{Example, Group, Named, Report, Spread, percent};

/// The widest name in a table; longer ones are cut.
const NAME_CHARS_MAX: usize = 40;

/// The review. By queue, what was passed on or lapsed counts once more: it waited there.
pub fn text(report: &Report) -> String {
    let mut out = String::new();
    let from = report
        .since
        .as_deref()
        .map_or_else(|| "the beginning".to_owned(), day_and_time);
    line(
        &mut out,
        format!(
            "Handoff review, from {from} to {} UTC",
            day_and_time(&report.until)
        ),
    );
    if report.unreadable > 0 {
        let n = report.unreadable;
        line(
            &mut out,
            format!("{n} conversations cannot be read and are in none of these figures."),
        );
    }
    line(&mut out, String::new());
    if report.conversations == 0 {
        line(&mut out, "No customer wrote in this time.".to_owned());
        return out;
    }
    conversations(&mut out, report);
    if report.all.handoffs == 0 {
        line(&mut out, "\nNobody asked for a person.".to_owned());
    } else {
        handoffs(&mut out, report);
        table(&mut out, "By reason", &report.reasons);
        table(&mut out, "By queue", &report.queues);
        table(&mut out, "By rule", &report.rules);
    }
    if !report.topics.is_empty() {
        let topics = report
            .topics
            .iter()
            .map(|(word, times)| format!("{word} ({times})"));
        let topics: Vec<_> = topics.collect();
        line(
            &mut out,
            format!(
                "\nWords that come back before handoffs: {}",
                topics.join(", ")
            ),
        );
    }
    examples(
        &mut out,
        "Promised, and nobody came",
        &report.ghost_examples,
        report.all.ghosts,
    );
    examples(
        &mut out,
        "Missed perhaps: fell silent after an answer that was none",
        &report.fell_silent_examples,
        report.fell_silent,
    );
    out
}

fn line(out: &mut String, text: String) {
    out.push_str(&text);
    out.push('\n');
}

fn conversations(out: &mut String, report: &Report) {
    let mut figure = |name: &str, n: u64, beside: String| {
        let line = format!("{name:<40} {n:>7}  {beside}");
        let _ = writeln!(out, "{}", line.trim_end());
    };
    let of = |part, whole, what: &str| match percent(part, whole) {
        Some(share) => format!("{share:.1} % of {whole} {what}"),
        None => String::new(),
    };
    let all = report.conversations;
    figure("conversations", all, String::new());
    figure(
        "  the AI was asked in",
        report.with_ai,
        of(report.with_ai, all, "conversations"),
    );
    figure(
        "  a person was asked for in",
        report.handed_off,
        of(report.handed_off, all, "conversations"),
    );
    let after = (report.handed_off_after_ai, report.with_ai);
    figure(
        "  after the AI had answered",
        after.0,
        of(after.0, after.1, "with the AI"),
    );
    figure("  taken over unasked", report.taken_over, String::new());
    figure(
        "  fell silent after no real answer",
        report.fell_silent,
        of(report.fell_silent, after.1, "with the AI"),
    );
    figure(
        "  marked as missed by a reviewer",
        report.missed,
        String::new(),
    );
    let offers = report.offers;
    figure("a person was offered", offers, String::new());
    for (name, answered) in [
        ("  accepted", report.offers_accepted),
        ("  refused", report.offers_refused),
    ] {
        figure(name, answered, of(answered, offers, "offers"));
    }
    let answers = (report.deflections, report.ai_answers);
    figure(
        "answers of the AI that were none",
        answers.0,
        of(answers.0, answers.1, "answers"),
    );
}

fn handoffs(out: &mut String, report: &Report) {
    let all = &report.all;
    let n = all.handoffs;
    let _ = writeln!(out, "\n{:<40} {n:>7}", "handoffs requested");
    let mut figure = |name: &str, part: u64| {
        let share =
            percent(part, n).map_or_else(String::new, |share| format!("{share:.1} % of {n}"));
        let _ = writeln!(out, "  {name:<38} {part:>7}  {share}");
    };
    figure("claimed by a person", all.claimed);
    figure("left by the customer while waiting", all.abandoned);
    figure("ghosts: promised, and nobody came", all.ghosts);
    figure("claimed, and nothing said in time", all.silent);
    figure("asked again within 30 min of handback", all.back_soon);
    figure("not ended yet", all.open);
    figure("judged: justified", all.justified);
    figure("judged: unnecessary", all.unnecessary);
    figure("not judged yet", all.unreviewed);
    let _ = writeln!(
        out,
        "{:<40} {:>7}",
        "passed on or lapsed: waited once more", report.passed_on
    );
    if let Some(share) = all.false_percent {
        let judged = all.justified + all.unnecessary;
        let _ = writeln!(out, "false handoffs: {share:.1} % of the {judged} judged");
    }
    let _ = writeln!(
        out,
        "\n{:<26} {:>9} {:>9} {:>9} {:>9}",
        "how long it took", "measured", "half", "9 of 10", "longest"
    );
    for (name, spread) in [
        ("until a person claimed", all.claim),
        ("until a person's first word", all.first_reply),
    ] {
        let Spread {
            n,
            p50_ms,
            p90_ms,
            max_ms,
        } = spread;
        let _ = writeln!(
            out,
            "{name:<27} {n:>8} {:>9} {:>9} {:>9}",
            time(p50_ms),
            time(p90_ms),
            time(max_ms)
        );
    }
}

fn table(out: &mut String, title: &str, rows: &[Named]) {
    if rows.is_empty() {
        return;
    }
    let width = rows
        .iter()
        .map(|row| row.name.chars().count())
        .max()
        .unwrap_or(0);
    let width = width.clamp(title.chars().count().min(NAME_CHARS_MAX), NAME_CHARS_MAX);
    let columns = [
        "handoffs",
        "claimed",
        "ghosts",
        "half",
        "9 of 10",
        "justified",
        "unnec.",
        "open",
    ];
    let _ = write!(out, "\n{:<width$}", short(title, width));
    let _ = writeln!(
        out,
        "{}",
        columns.map(|column| format!(" {column:>9}")).concat()
    );
    for Named { name, group } in rows {
        let Group {
            handoffs,
            claimed,
            ghosts,
            justified,
            unnecessary,
            open,
            claim,
            ..
        } = group;
        let cells = [
            handoffs.to_string(),
            claimed.to_string(),
            ghosts.to_string(),
            time(claim.p50_ms),
            time(claim.p90_ms),
            justified.to_string(),
            unnecessary.to_string(),
            open.to_string(),
        ];
        let _ = write!(out, "{:<width$}", short(name, width));
        let _ = writeln!(out, "{}", cells.map(|cell| format!(" {cell:>9}")).concat());
    }
}

fn examples(out: &mut String, title: &str, examples: &[Example], all: u64) {
    if examples.is_empty() {
        return;
    }
    let shown = examples.len() as u64;
    let newest = if shown < all {
        format!(", the newest {shown}")
    } else {
        String::new()
    };
    let _ = writeln!(out, "\n{title}{newest}:");
    for Example {
        id,
        at,
        what,
        words,
    } in examples
    {
        let _ = writeln!(out, "  {}  {id}  {what}: \"{words}\"", day_and_time(at));
    }
}

/// A time of RFC 3339, as people read it.
pub fn day_and_time(at: &str) -> String {
    at.get(..16).unwrap_or(at).replace('T', " ")
}

fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let cut: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{cut}…")
}

/// A duration, as coarse as it is long.
pub fn time(millis: Option<u64>) -> String {
    let Some(millis) = millis else {
        return "–".to_owned();
    };
    let seconds = millis / 1_000;
    match seconds {
        0 => format!("{millis} ms"),
        1..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        7_200.. => format!("{} h", seconds / 3_600),
    }
}

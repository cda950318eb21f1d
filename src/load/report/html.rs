//! The result as one page: tables and plots, light and dark, nothing to be loaded from anywhere.

use super::course;
use super::plot::{Axis, Line, nines, plot};
use super::{Figures, Point, Report, show_millis, show_rate};

const STYLE: &str = include_str!("page.css");

/// Text as it stands in HTML and in attributes.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// A page with `body` in it, which is HTML.
pub fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\">\
         <title>{}</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>\n",
        escape(title)
    )
}

/// The page of a load's report.
pub fn write(report: &Report) -> String {
    let mut page = format!(
        "<h1>Segue under load</h1><p class=\"when\">{0} · segue {1}{2}</p>",
        escape(&report.began),
        report.version,
        if report.ended_early {
            " · ended early"
        } else {
            ""
        }
    );
    page.push_str(&verdict(report));
    page.push_str(&tiles(report));
    page.push_str("<h2>How long things took</h2><p>From the moment at which each was intended, so that waiting in line counts.</p>");
    page.push_str(&stages(&report.stages));
    page.push_str(&percentiles(&report.stages));
    page.push_str("<h2>The course of time</h2><h3>Messages per second</h3>");
    page.push_str(&throughput(&report.series));
    page.push_str("<h3>Acknowledgement</h3>");
    page.push_str(&acknowledgements(&report.series));
    if report.series.iter().any(|point| point.memory_mib.is_some()) {
        page.push_str("<h3>Memory, MiB</h3>");
        page.push_str(&memory(&report.series));
        page.push_str("<h3>Conversations in memory</h3>");
        page.push_str(&resident(&report.series));
    }
    if let Some(of) = &report.soak {
        page.push_str(&course::soak(of));
    }
    page.push_str("<h2>Steps</h2>");
    page.push_str(&steps(report));
    page.push_str("<h2>People and promises</h2>");
    page.push_str(&promises(report));
    page.push_str(&course::unanswered(report));
    page.push_str("<h2>What was asked for</h2><table class=\"words\">");
    for (name, value) in &report.settings {
        page.push_str(&format!(
            "<tr><th>{name}</th><td>{}</td></tr>",
            escape(value)
        ));
    }
    page.push_str("</table>");
    self::page(&format!("Segue under load, {}", report.began), &page)
}

fn verdict(report: &Report) -> String {
    let list = |class: &str, items: &[String]| {
        let items: String = items
            .iter()
            .map(|item| format!("<li>{}</li>", escape(item)))
            .collect();
        match items.is_empty() {
            true => String::new(),
            false => format!("<ul class=\"{class}\">{items}</ul>"),
        }
    };
    let good = match report.passed {
        true => "<p class=\"good\">Nothing is wrong.</p>",
        false => "",
    };
    format!(
        "{good}{}{}",
        list("bad", &report.problems),
        list("notes", &report.notes)
    )
}

fn tiles(report: &Report) -> String {
    let tile = |value: String, what: &str| format!("<div><b>{value}</b><span>{what}</span></div>");
    let mut tiles = String::from("<div class=\"tiles\">");
    if let Some(found) = &report.found {
        let rate = found.rate.map_or_else(
            || "none".to_owned(),
            |rate| format!("{}/s", show_rate(rate)),
        );
        tiles += &tile(
            rate,
            &format!("highest rate with p99 ≤ {}", show_millis(found.p99)),
        );
    }
    tiles += &tile(
        report.counts.acknowledged.to_string(),
        "messages acknowledged",
    );
    tiles += &tile(
        report.counts.bad().to_string(),
        "refused, failed or not sent",
    );
    let ack = &report.stages[0];
    if ack.count > 0 {
        tiles += &tile(show_millis(ack.p50), "acknowledgement, p50");
        tiles += &tile(show_millis(ack.p99), "acknowledgement, p99");
    }
    tiles += &tile(report.checks.lost.to_string(), "lost");
    if let Some(cost) = &report.server {
        tiles += &tile(
            format!("{:.0} µs", cost.cpu_us_per_message),
            "processor time per message",
        );
        tiles += &tile(format!("{:.0} MiB", cost.memory_max_mib), "memory at most");
    }
    tiles + "</div>"
}

fn stages(stages: &[Figures]) -> String {
    let mut table = String::from(
        "<div class=\"wide\"><table><tr><th></th><th>count</th><th>mean</th><th>p50</th><th>p90</th><th>p95</th><th>p99</th><th>p99.9</th><th>max</th></tr>",
    );
    for one in stages {
        let times = [
            one.mean, one.p50, one.p90, one.p95, one.p99, one.p999, one.max,
        ];
        let cells: String = match one.count {
            0 => "<td colspan=\"7\">none</td>".to_owned(),
            _ => times
                .iter()
                .map(|ms| format!("<td>{}</td>", show_millis(*ms)))
                .collect(),
        };
        table.push_str(&format!(
            "<tr><th>{}</th><td>{}</td>{cells}</tr>",
            one.title, one.count
        ));
    }
    table + "</table></div>"
}

fn percentiles(stages: &[Figures]) -> String {
    let curves = || {
        stages
            .iter()
            .flat_map(|stage| &stage.curve)
            .map(|(_, ms)| *ms)
    };
    let least = curves().fold(f64::INFINITY, f64::min);
    let most = curves().fold(0.0, f64::max);
    let lines: Vec<Line<'_>> = stages
        .iter()
        .map(|stage| Line {
            name: stage.title,
            points: stage
                .curve
                .iter()
                .map(|(percent, ms)| (nines(*percent), Some(*ms)))
                .collect(),
        })
        .collect();
    plot(
        "Latency by percentile",
        &Axis::percentiles(),
        &Axis::times(least, most),
        &lines,
    )
}

type Pick = fn(&Point) -> Option<f64>;

fn lines<'a>(series: &[Point], picks: &[(&'a str, Pick)]) -> Vec<Line<'a>> {
    let line = |(name, pick): &(&'a str, Pick)| Line {
        name,
        points: series.iter().map(|point| (point.at, pick(point))).collect(),
    };
    picks.iter().map(line).collect()
}

fn end(series: &[Point]) -> Axis {
    Axis::even(series.last().map_or(1.0, |point| point.at.max(1.0)), " s")
}

fn throughput(series: &[Point]) -> String {
    let most = series
        .iter()
        .map(|point| point.offered.max(point.ai_replies))
        .fold(1.0, f64::max);
    let picks: [(&str, Pick); 4] = [
        ("offered", |point| Some(point.offered)),
        ("acknowledged", |point| Some(point.acknowledged)),
        ("answered by the AI", |point| Some(point.ai_replies)),
        ("refused, failed or not sent", |point| Some(point.bad)),
    ];
    plot(
        "Messages per second over time",
        &end(series),
        &Axis::even(most, ""),
        &lines(series, &picks),
    )
}

fn acknowledgements(series: &[Point]) -> String {
    let most = series
        .iter()
        .filter_map(|point| point.max)
        .fold(1.0, f64::max);
    let least = series
        .iter()
        .filter_map(|point| point.p50)
        .fold(f64::INFINITY, f64::min);
    let picks: [(&str, Pick); 3] = [
        ("p50", |point| point.p50),
        ("p99", |point| point.p99),
        ("max", |point| point.max),
    ];
    plot(
        "Acknowledgement over time",
        &end(series),
        &Axis::times(least.min(most), most),
        &lines(series, &picks),
    )
}

fn memory(series: &[Point]) -> String {
    let picks: [(&str, Pick); 3] = [
        ("server", |point| point.memory_mib),
        ("of it not yet applied (tail)", |point| point.tail_mib),
        ("the load itself", |point| point.load_memory_mib),
    ];
    held("Memory over time", series, &picks)
}

fn resident(series: &[Point]) -> String {
    let picks: [(&str, Pick); 1] = [("conversations", |point| {
        point.resident.map(|count| count as f64)
    })];
    held("Conversations in memory over time", series, &picks)
}

fn held(title: &str, series: &[Point], picks: &[(&str, Pick)]) -> String {
    let all = series
        .iter()
        .flat_map(|point| picks.iter().filter_map(|(_, pick)| pick(point)));
    let most = all.fold(1.0, f64::max);
    let (x, y) = (end(series), Axis::even(most, ""));
    plot(title, &x, &y, &lines(series, picks))
}

fn steps(report: &Report) -> String {
    let mut table = String::from(
        "<div class=\"wide\"><table><tr><th>rate</th><th></th><th>seconds</th><th>offered</th><th>acked</th><th>per s</th>\
         <th>refused</th><th>failed</th><th>not sent</th><th>p50</th><th>p99</th><th>p99.9</th><th>max</th></tr>",
    );
    for step in &report.steps {
        let (counts, ack) = (&step.counts, &step.stages[0]);
        let word = match (step.warm_up, step.kept) {
            (true, _) => "warm-up",
            (false, Some(true)) => "kept",
            (false, Some(false)) => "missed",
            (false, None) => "",
        };
        let class = if step.warm_up { " class=\"pale\"" } else { "" };
        let mut cells = vec![
            show_rate(step.rate),
            word.to_owned(),
            format!("{:.0}", step.seconds),
        ];
        cells.extend([counts.offered, counts.acknowledged].map(|count| count.to_string()));
        cells.push(show_rate(step.achieved));
        cells.extend(
            [counts.refused, counts.failed, counts.not_sent].map(|count| count.to_string()),
        );
        cells.extend([ack.p50, ack.p99, ack.p999, ack.max].map(show_millis));
        let cells: String = cells
            .iter()
            .map(|cell| format!("<td>{cell}</td>"))
            .collect();
        table.push_str(&format!("<tr{class}>{cells}</tr>"));
    }
    table + "</table></div>"
}

fn promises(report: &Report) -> String {
    let (checks, people) = (&report.checks, &report.people);
    let mut rows = vec![
        (
            "lost: acknowledged and never answered".to_owned(),
            checks.lost,
        ),
        (
            "requests for a person that nobody saw".to_owned(),
            checks.lost_handoffs,
        ),
        ("duplicates at a provider".to_owned(), checks.duplicates),
        (
            "repeated because the server was killed meanwhile".to_owned(),
            checks.repeated_after_kill,
        ),
        (
            "messages of the AI after a claim".to_owned(),
            checks.ai_after_claim,
        ),
        ("asked for a person".to_owned(), people.asked_for),
        ("tickets".to_owned(), people.tickets),
        ("claimed".to_owned(), people.claimed),
        ("claims refused".to_owned(), people.conflicts),
        ("replies of people".to_owned(), people.replies),
        ("handed back".to_owned(), people.handed_back),
        ("resolved".to_owned(), people.resolved),
        (
            "claimed and left without a word, as told".to_owned(),
            people.vanished,
        ),
        (
            "left to people at the end".to_owned(),
            checks.left_to_people,
        ),
    ];
    rows.extend(
        report
            .faults
            .iter()
            .map(|(what, count)| (format!("fault: {what}"), *count)),
    );
    let rows: String = rows
        .iter()
        .map(|(what, count)| format!("<tr><th>{}</th><td>{count}</td></tr>", escape(what)))
        .collect();
    format!("<table class=\"words\">{rows}</table>")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::report::sample::{report, soak};

    #[test]
    fn the_page_loads_nothing_and_runs_nothing() {
        let page = write(&report());
        for outside in [
            "http:",
            "https:",
            "//",
            "src=",
            "href=",
            "url(",
            "@import",
            "<script",
            "<link",
            "<img",
            "<b>messages",
        ] {
            assert!(!page.contains(outside), "{outside} stands in the page");
        }
        assert_eq!(page.matches("<svg").count(), 5);
        for text in [
            "3 &lt;b&gt;messages",
            "status 503",
            "acknowledgement",
            "kept",
            "prefers-color-scheme:dark",
        ] {
            assert!(page.contains(text), "{text} is missing");
        }
    }

    #[test]
    fn the_page_says_of_which_part_of_a_soak_the_slope_is() {
        let mut soaked = report();
        soaked.soak = Some(soak());
        let page = write(&soaked);
        let said =
            "After the first half of its last life the server's memory grew by 1.5 MiB a minute";
        assert!(page.contains(said), "{page}");
    }

    #[test]
    fn a_run_that_measured_nothing_is_a_page_too() {
        let mut empty = report();
        (empty.series, empty.steps) = (Vec::new(), Vec::new());
        empty.stages = super::super::stages(&crate::load::tally::Latencies::default());
        let page = write(&empty);
        assert_eq!(page.matches("Nothing was measured").count(), 3);
        assert!(!page.contains("NaN") && !page.contains("inf"));
    }
}

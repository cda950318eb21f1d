//! Two parts of the page that few runs have: a soak by the minute, and what the trail says of what was not answered.

use super::super::soak::Soak;
use super::html::escape;
use super::{Report, show_millis, show_rate};

/// A soak by the minute, and what was made to go wrong in it.
pub fn soak(soak: &Soak) -> String {
    let known =
        |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |mib| format!("{mib:.1}"));
    let spells: Vec<String> = soak
        .spells
        .iter()
        .map(|spell| {
            let away = spell.away.map(|away| format!(", away {away:.2} s"));
            let away = away.unwrap_or_default();
            format!("{} at {:.0} s{away}", spell.fault, spell.at)
        })
        .collect();
    let mut out = format!(
        "<h2>Soak</h2><p>{}/s for {:.0} s. After the first half of its last life the server's memory grew by {} MiB a minute, the load's own by {}. \
         Not applied yet: at most {} MiB. Made to go wrong: {}.</p>\
         <div class=\"wide\"><table><tr><th>minute</th><th>acked</th><th>bad</th><th>ack p50</th><th>p99</th><th>max</th>\
         <th>AI p50</th><th>p99</th><th>memory MiB</th><th>tail MiB</th><th>resident</th></tr>",
        show_rate(soak.rate),
        soak.seconds,
        known(soak.memory_slope),
        known(soak.load_memory_slope),
        known(soak.tail_max_mib),
        spells.join("; ")
    );
    for one in &soak.minutes {
        let times = [one.p50, one.p99, one.max, one.ai_p50, one.ai_p99].map(show_millis);
        out += &format!(
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            one.minute,
            one.acknowledged,
            one.bad,
            times.join("</td><td>"),
            known(one.memory_mib),
            known(one.tail_mib),
            one.resident.unwrap_or_default()
        );
    }
    out + "</table></div>"
}

/// What the server's trail says of messages that nobody answered.
pub fn unanswered(report: &Report) -> String {
    if report.unanswered.is_empty() {
        return String::new();
    }
    let mut out = String::from("<h3>Not answered: what the trail says</h3>");
    for told in &report.unanswered {
        let trail: Vec<String> = told.trail.iter().map(|line| escape(line)).collect();
        out += &format!(
            "<p>{} of {} at {:.1} s ({}/s): {}</p><pre>{}</pre>",
            escape(&told.message_id),
            escape(&told.address),
            told.at,
            show_rate(told.rate),
            escape(&told.finding),
            trail.join("\n")
        );
    }
    out
}

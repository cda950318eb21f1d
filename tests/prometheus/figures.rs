//! The figures that people read first, reckoned once more: from the trails by their definitions, and from the process.

use std::fs;

use serde_json::Value;

use crate::asked::{dashboard, filled, panels};
use crate::outside::{Outside, TOKENS};
use crate::server::Prometheus;
use crate::truth::Told;

/// All entries of a kind, whose field has this value, over all trails.
fn all<'a>(
    told: &'a [Told],
    kind: &'a str,
    field: &'a str,
    values: &'a [&'a str],
) -> impl Iterator<Item = &'a Value> {
    let entries = told.iter().flat_map(|one| &one.trail);
    entries.filter(move |entry| {
        let is = entry[field].as_str().unwrap_or_default();
        entry["kind"] == kind && (values.is_empty() || values.contains(&is))
    })
}

#[expect(clippy::cast_precision_loss, reason = "a few hundred")]
fn count(told: &[Told], kind: &str, field: &str, values: &[&str]) -> f64 {
    all(told, kind, field, values).count() as f64
}

/// What a panel shows in the line of this legend; one value.
async fn shown(prometheus: &Prometheus, board: &str, title: &str, legend: &str, at: f64) -> f64 {
    let dashboard = dashboard(board);
    let panel = panels(&dashboard)
        .into_iter()
        .find(|panel| panel["title"] == title)
        .cloned();
    let panel = panel.unwrap_or_else(|| panic!("no panel {title}"));
    let targets = panel["targets"].as_array().expect("targets");
    let target = targets
        .iter()
        .find(|target| target["legendFormat"] == legend)
        .unwrap_or_else(|| panic!("{title}: no {legend}"));
    let samples = prometheus
        .query(
            &filled(target["expr"].as_str().expect("an expression"), "segue"),
            Some(at),
        )
        .await;
    assert_eq!(samples.len(), 1, "{title}: {samples:?}");
    samples.into_values().next().expect("one")
}

/// The panels of the support lead against the definitions in their descriptions.
pub async fn check(prometheus: &Prometheus, told: &[Told], at: f64) {
    let settled = count(told, "handoff_settled", "", &[]);
    let ended_as =
        |outcomes: &'static [&'static str]| count(told, "handoff_settled", "outcome", outcomes);
    let closed = count(told, "closed", "", &[]);
    let closed_as = |outcomes: &'static [&'static str]| count(told, "closed", "outcome", outcomes);
    let clocks: Vec<&Value> = all(told, "sla_evaluated", "clock", &["first_response"]).collect();
    #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
    let met =
        clocks.iter().filter(|entry| entry["met"] == true).count() as f64 / clocks.len() as f64;
    let first = all(told, "handoff_requested", "", &[]).filter(|entry| entry["repeat"] == false);
    #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
    let first = first.count() as f64;
    let waiting = told.iter().filter(|one| one.view["mode"] == "waiting");
    // Those of the closed queue have no deadline that could have passed.
    #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
    let (waiting, ghosts) = (
        waiting.clone().count() as f64,
        waiting.filter(|one| one.view["queue"] == "support").count() as f64,
    );
    let (answered, broke) = (
        count(told, "model_answered", "", &[]),
        count(told, "model_failed", "", &[]),
    );
    for (board, title, legend, wanted) in [
        (
            "handoffs",
            "Handoff rate",
            "handed off",
            first / (first + contained(told)),
        ),
        (
            "capacity",
            "Busiest second",
            "busiest second",
            busiest_second(told),
        ),
        ("handoffs", "Human response inside target", "met", met),
        ("handoffs", "Waiting now", "waiting", waiting),
        ("handoffs", "Ghosts now", "ghosts", ghosts),
        (
            "handoffs",
            "Waiting without a deadline",
            "without deadline",
            0.0,
        ),
        (
            "handoffs",
            "Resolved by people",
            "resolved ÷ claimed",
            closed_as(&["human_resolved"]) / ended_as(&["claimed"]),
        ),
        (
            "handoffs",
            "Resolved by the AI alone",
            "ai_resolved",
            closed_as(&["ai_resolved"]) / closed,
        ),
        (
            "handoffs",
            "Handoffs lost, last hour",
            "lost",
            ended_as(&["abandoned", "timed_out", "failed"]) / settled,
        ),
        (
            "handoffs",
            "Abandoned",
            "abandoned",
            ended_as(&["abandoned"]) / settled,
        ),
        (
            "handoffs",
            "After-hours contacts",
            "told",
            count(told, "system_wrote", "class", &["after_hours"]),
        ),
        (
            "gateway",
            "Messages given up now",
            "given up",
            worst_given_up(told),
        ),
        (
            "gateway",
            "Model errors now",
            "failed",
            broke / (broke + answered),
        ),
    ] {
        let is = shown(prometheus, board, title, legend, at).await;
        assert!(
            (is - wanted).abs() < 1e-6,
            "{title}: {is} is shown, {wanted} follows from the trails"
        );
    }
    check_oldest(prometheus, told, at).await;
    check_reasons(prometheus, told, at).await;
    check_median(prometheus, told, at).await;
}

/// Episodes in which the AI was asked and nobody ever asked for a person, until they ended.
fn contained(told: &[Told]) -> f64 {
    let mut ended = 0.0;
    for one in told {
        let (mut asked, mut requested) = (false, false);
        for entry in &one.trail {
            match entry["kind"].as_str().expect("a kind") {
                "opened" => (asked, requested) = (false, false),
                "model_asked" => asked = true,
                "handoff_requested" => requested = true,
                "closed" if asked && !requested => ended += 1.0,
                _something_else => {}
            }
        }
    }
    ended
}

/// The most that customers wrote within one second of the clock.
fn busiest_second(told: &[Told]) -> f64 {
    let mut seconds = std::collections::BTreeMap::<i64, f64>::new();
    for entry in all(told, "customer_wrote", "", &[]) {
        let at: jiff::Timestamp = entry["at"]
            .as_str()
            .expect("a time")
            .parse()
            .expect("RFC 3339");
        *seconds.entry(at.as_second()).or_default() += 1.0;
    }
    let most = seconds.into_values().fold(0.0, f64::max);
    assert!(most > 1.0, "many write at once, or nothing is proved");
    most
}

/// The share of given-up messages of the channel that has most of them.
fn worst_given_up(told: &[Told]) -> f64 {
    let of = |medium: &str, state: &'static str| {
        let theirs = told.iter().filter(|one| one.view["medium"] == medium);
        let entries = theirs.flat_map(|one| &one.trail);
        #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
        let n = entries
            .filter(|entry| entry["kind"] == "settled" && entry["state"] == state)
            .count() as f64;
        n
    };
    let share = |medium| of(medium, "failed") / (of(medium, "failed") + of(medium, "sent"));
    ["sms", "whatsapp", "http", "webchat"]
        .map(share)
        .into_iter()
        .fold(0.0, f64::max)
}

/// The age of the oldest wait, to two seconds.
async fn check_oldest(prometheus: &Prometheus, told: &[Told], at: f64) {
    let waiting = told.iter().filter(|one| one.view["mode"] == "waiting");
    let since = |one: &Told| {
        let since = one.view["waiting_since"].as_str().expect("it waits");
        let since: jiff::Timestamp = since.parse().expect("RFC 3339");
        at - since.as_duration().as_secs_f64()
    };
    let oldest = waiting.map(since).fold(0.0, f64::max);
    let is = shown(prometheus, "handoffs", "Oldest wait now", "oldest", at).await;
    assert!(
        (is - oldest).abs() < 2.0,
        "{is} s is shown, {oldest} s is true"
    );
}

/// Requests by reason: the shares of the reasons, each.
async fn check_reasons(prometheus: &Prometheus, told: &[Told], at: f64) {
    let expr = "sum by (reason) (increase(segue_handoffs_requested_total{job=\"segue\"}[240s]))";
    for (labels, is) in prometheus.query(expr, Some(at)).await {
        let wanted = count(
            told,
            "handoff_requested",
            "reason",
            &[labels["reason"].as_str()],
        );
        assert!((is - wanted).abs() < 1e-6, "{labels:?}: {is}, not {wanted}");
    }
}

/// Half of the first responses took no longer than the bucket that the median falls into.
async fn check_median(prometheus: &Prometheus, told: &[Told], at: f64) {
    const EDGES: [f64; 8] = [0.0, 1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0];
    let mut took: Vec<f64> = all(told, "human_wrote", "", &[])
        .filter_map(|entry| Some(entry["first_response_ms"].as_f64()? / 1e3))
        .collect();
    took.sort_by(f64::total_cmp);
    let median = took[(took.len() - 1) / 2];
    let is = shown(prometheus, "handoffs", "First human response", "half", at).await;
    let above = EDGES
        .iter()
        .position(|edge| median <= *edge)
        .expect("a short run");
    let bucket = EDGES[above - 1]..=EDGES[above];
    assert!(
        bucket.contains(&is),
        "{is} s is shown; the median is {median} s, within {bucket:?}"
    );
}

/// The machine, looked at from outside: the kernel's figures of the process, the files, and the model's own count.
pub async fn check_machine(prometheus: &Prometheus, at: f64, outside: &Outside, pid: u32) {
    let one = async |expr: &str| {
        let samples = prometheus.query(expr, Some(at)).await;
        samples
            .into_values()
            .next()
            .unwrap_or_else(|| panic!("nothing: {expr}"))
    };
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let resident = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .expect("Linux tells");
    let resident: f64 = resident
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .expect("a number");
    let shown = one("process_resident_memory_bytes{job=\"segue\"}").await / 1024.0;
    assert!(
        (shown / resident - 1.0).abs() < 0.25,
        "{shown} kB is shown, the kernel says {resident} kB"
    );
    #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
    let asked = outside.seen(|seen| seen.asked) as f64;
    let counted = one("sum(increase(segue_ai_request_seconds_count{job=\"segue\"}[240s]))").await;
    assert!(
        counted <= asked + 1e-6 && counted > 0.0,
        "{counted} questions, the model counts {asked}"
    );
    let input =
        one("sum(increase(segue_ai_tokens_total{job=\"segue\",kind=\"input\"}[240s]))").await;
    #[expect(clippy::cast_precision_loss, reason = "120")]
    let each = TOKENS.0 as f64;
    assert!(
        (input / each).fract().abs() < 1e-6,
        "{input} is no multiple of {each}"
    );
    for medium in ["sms", "whatsapp", "http"] {
        #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
        let reached = outside
            .seen(|seen| seen.attempts.get(medium).copied())
            .unwrap_or(0) as f64;
        let expr = format!(
            "sum(increase(segue_delivery_seconds_count{{job=\"segue\",channel=\"{medium}\"}}[240s]))"
        );
        let counted = one(&expr).await;
        assert!(
            (counted - reached).abs() < 1e-6,
            "{medium}: {counted} attempts, the provider counts {reached}"
        );
    }
}

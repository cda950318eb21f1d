//! Do the figures agree with what happened? A mixed run through a whole Segue, and every counter rebuilt from the trails
//! by other means; the same against `segue report`; and nothing in the catalogue that nothing moves.

#[path = "watching/fault.rs"]
mod fault;
#[path = "watching/run.rs"]
mod run;
#[path = "watching/scrape.rs"]
mod scrape;
#[path = "watching/truth.rs"]
mod truth;

use std::collections::BTreeSet;
use std::process::Command;

use segue::metrics::{FAMILIES, Figures, Kind, ON_SIGHT, PROCESS};
use serde_json::Value;

use self::run::Run;
use self::scrape::Scrape;
use self::truth::Truth;

/// What no trail tells, or not alone: these families are held by other tests.
const NOT_ON_THE_TRAIL: &[&str] = &[
    "segue_inbound_duplicates_total",
    "segue_webhooks_rejected_total",
    "segue_rate_limited_total",
    "segue_ingress_seconds",
    "segue_delivery_seconds",
    "segue_delivery_retries_total",
    "segue_circuit_opens_total",
    "segue_actors_activated_total",
    "segue_actors_passivated_total",
    "segue_actor_activation_seconds",
    "segue_actor_turn_seconds",
    "segue_actor_panics_total",
    "segue_mailbox_wait_seconds",
    "segue_mailbox_rejected_total",
    "segue_deadline_lateness_seconds",
    "segue_events_parked_total",
    "segue_commit_seconds",
    "segue_commit_batch_events",
    "segue_commit_errors_total",
    "segue_reloads_total",
    "segue_clock_steps_total",
    "segue_log_lines_total",
    "segue_spans_exported_total",
    "segue_spans_lost_total",
    "segue_label_overflows_total",
    "segue_ai_first_chunk_seconds",
    "segue_dual_replies_total",
];

/// Of those on the trail, what a run of a few seconds does not bring about.
const NOT_IN_THIS_RUN: &[&str] = &[
    "segue_ai_replies_suppressed_total",
    "segue_contacts_while_closed_total",
    "segue_agent_offers_made_total",
    "segue_agent_offers_settled_total",
    "segue_ai_cached_tokens_total",
    "segue_ai_cost_usd_micros_total",
    "segue_ai_fallbacks_total",
    "segue_ai_tokens_total",
    "segue_conversations_reopened_total",
    "segue_messages_delivered_total",
    "segue_messages_read_total",
    "segue_messages_suppressed_total",
    "segue_offers_answered_total",
    "segue_offers_made_total",
    "segue_sends_in_doubt_total",
];

/// The names of the series that a family's events are counted in.
fn counted(name: &str, kind: Kind) -> Vec<String> {
    match kind {
        Kind::Counter => vec![name.to_owned()],
        Kind::Histogram(_) => vec![format!("{name}_count"), format!("{name}_sum")],
        Kind::Gauge => Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counters_rebuilt_from_the_trail_are_the_counters() {
    let run = Run::mixed().await;
    let live = run.scrape().await;
    check_whole(&live);
    check_balanced(&live);
    run.check_explained().await;
    run.check_status().await;
    let (metrics, dir) = run.stop().await;
    // What the stop itself committed is in the counters too.
    let seen = Scrape::of(&metrics.render(&Figures::default()));
    let truth = Truth::of(&dir.path().join("data"));
    let mut faults = Vec::new();
    for family in FAMILIES {
        if NOT_ON_THE_TRAIL.contains(&family.name) {
            continue;
        }
        let mut moved = 0.0;
        for name in counted(family.name, family.kind) {
            for (key, value) in seen.of_name(&name) {
                let wanted = truth.get(key);
                moved += wanted;
                if (value - wanted).abs() > 1e-6 * wanted.abs().max(1.0) {
                    faults.push(format!("{key}: counted {value}, on the trail {wanted}"));
                }
            }
        }
        let expected = family.kind != Kind::Gauge && !NOT_IN_THIS_RUN.contains(&family.name);
        if expected && moved == 0.0 {
            faults.push(format!("{}: the run never moved it", family.name));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    check_report(&dir.path().join("data"), &seen);
}

/// Everything that the catalogue names is exported by a real process.
fn check_whole(live: &Scrape) {
    let process = PROCESS.iter().filter(|_| cfg!(target_os = "linux"));
    let missing: Vec<&str> = FAMILIES
        .iter()
        .chain(ON_SIGHT)
        .chain(process)
        .map(|family| family.name)
        .filter(|name| !live.has_family(name))
        .collect();
    assert!(missing.is_empty(), "not exported: {missing:?}");
}

/// What must hold at any moment.
fn check_balanced(live: &Scrape) {
    assert_eq!(live.sum("segue_handoff_ledger_imbalance", &[]), 0.0);
    assert_eq!(live.sum("segue_waiting_without_deadline", &[]), 0.0);
    assert_eq!(live.sum("segue_dual_replies_total", &[]), 0.0);
    let (requested, settled) = (
        live.sum("segue_handoffs_requested_total", &[]),
        live.sum("segue_handoffs_settled_total", &[]),
    );
    let waiting = live.sum("segue_conversations", &["mode=\"waiting\""]);
    assert_eq!(requested, settled + waiting);
    let by_queue = live.sum("segue_queue_handoffs_requested_total", &[]);
    assert_eq!(requested, by_queue);
}

/// `segue report` over the same data and the same time says the same.
fn check_report(data: &std::path::Path, seen: &Scrape) {
    let output = Command::new(env!("CARGO_BIN_EXE_segue"))
        .args(["report", "--format", "json", "--data"])
        .arg(data)
        .output()
        .expect("the binary is built");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let told = |path: &str| {
        let value = report.pointer(path).and_then(Value::as_f64);
        value.unwrap_or_else(|| panic!("no {path} in {report}"))
    };
    let sum = |name: &str, labels: &[&str]| seen.sum(name, labels);
    let requested = sum("segue_handoffs_requested_total", &[]);
    let passed_on = sum("segue_handoffs_passed_on_total", &[]);
    let queue_claims: f64 = report["queues"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|queue| queue["claimed"].as_f64().expect("a number"))
        .sum();
    for (what, told, seen) in [
        ("handoffs", told("/all/handoffs"), requested - passed_on),
        ("passed on", told("/passed_on"), passed_on),
        (
            "with the AI",
            told("/with_ai"),
            sum("segue_conversations_ai_involved_total", &[]),
        ),
        (
            "claimed",
            queue_claims,
            sum("segue_handoffs_settled_total", &["outcome=\"claimed\""]),
        ),
        (
            "abandoned",
            told("/all/abandoned"),
            sum("segue_handoffs_settled_total", &["outcome=\"abandoned\""]),
        ),
        (
            "back soon",
            told("/all/back_soon"),
            sum("segue_handoffs_reescalated_total", &[]),
        ),
        (
            "justified",
            told("/all/justified"),
            sum("segue_handoff_reviews_total", &["verdict=\"justified\""]),
        ),
        (
            "unnecessary",
            told("/all/unnecessary"),
            sum("segue_handoff_reviews_total", &["verdict=\"unnecessary\""]),
        ),
    ] {
        assert_eq!(
            told, seen,
            "{what}: the report says {told}, Prometheus {seen}"
        );
    }
    for reason in report["reasons"].as_array().expect("a list") {
        let name = reason["name"].as_str().expect("a word");
        let label = format!("reason=\"{name}\"");
        let seen = sum("segue_handoffs_requested_total", &[&label]);
        let told = reason["handoffs"].as_f64().expect("a number");
        // What was passed on keeps its first reason, and the report counts it apart.
        assert!(
            told <= seen && seen <= told + passed_on,
            "{name}: {told}, {seen}"
        );
    }
}

/// Methods of the figures that nobody calls move nothing; fields that nobody fills show nothing.
#[test]
fn every_figure_is_told_by_somebody() {
    let source = |path: &str| {
        let root = env!("CARGO_MANIFEST_DIR");
        std::fs::read_to_string(format!("{root}/src/{path}")).expect("readable")
    };
    let outside = run::sources_outside("src/metrics/");
    let methods = ["metrics/mod.rs", "metrics/committed.rs"]
        .map(source)
        .concat();
    let mut uncalled = BTreeSet::new();
    for line in methods.lines() {
        let Some(rest) = line.trim().strip_prefix("pub fn ") else {
            continue;
        };
        let name: String = rest
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect();
        if rest.contains("(&self") || rest.ends_with('(') {
            let call = format!(".{name}(");
            if !outside.contains(&call) {
                uncalled.insert(name);
            }
        }
    }
    assert!(uncalled.is_empty(), "nobody calls {uncalled:?}");
    let figures = source("metrics/figures.rs");
    let fields = figures
        .split("pub struct Figures {")
        .nth(1)
        .and_then(|rest| rest.split("\n}").next())
        .expect("the struct is there");
    let filled = [source("app/insight.rs"), source("http/ops.rs")].concat();
    let unfilled: Vec<&str> = fields
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub ")?.split(':').next())
        .filter(|field| {
            let ways = [
                format!("figures.{field} = "),
                format!("figures.{field},"),
                format!("figures.{field})"),
                format!("            {field}: "),
                format!("            {field},"),
            ];
            !ways.iter().any(|way| filled.contains(way.as_str()))
        })
        .collect();
    assert!(unfilled.is_empty(), "nobody fills {unfilled:?}");
}

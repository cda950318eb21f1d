//! What a scrape says against the catalogue: every family with every combination of its labels, no other, and never more
//! of them than the bounds allow.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use segue::conversation::message::Medium;
use segue::metrics::{
    FAMILIES, Family, Figures, Kind, Metrics, ModelLabel, Names, ON_SIGHT, OutboxFigure, PROCESS,
    SlotState, TokioFigure,
};

use crate::{fresh, series, sorted};

fn types(text: &str) -> BTreeMap<&str, &str> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    lines
        .map(|line| line.split_once(' ').expect("a TYPE line names a type"))
        .collect()
}

fn helps(text: &str) -> BTreeMap<&str, &str> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("# HELP "));
    lines
        .map(|line| line.split_once(' ').expect("a HELP line says something"))
        .collect()
}

/// The values a label may have, as dashboards and alerts spell them.
#[expect(
    clippy::too_many_lines,
    reason = "every value of every label, spelled out: a table"
)]
fn values(family: &Family, label: &str) -> &'static [&'static str] {
    match (label, family.name) {
        ("channel", _) => &[
            "whatsapp", "sms", "telegram", "webchat", "voice", "http", "other",
        ],
        ("mode", _) => &["ai", "waiting", "human"],
        ("reason", _) => &[
            "user_request",
            "keyword",
            "out_of_scope",
            "sensitive",
            "urgent",
            "sentiment",
            "repetition",
            "deflection",
            "high_value",
            "low_confidence",
            "no_answer",
            "guardrail",
            "tool_call",
            "model_timeout",
            "model_failure",
            "operator",
            "policy",
            "external",
        ],
        ("attempt", _) => &["first", "repeat"],
        ("outcome", "segue_conversations_closed_total") => &[
            "ai_resolved",
            "human_resolved",
            "abandoned_ai",
            "abandoned_queue",
            "expired",
            "failed",
        ],
        ("outcome", "segue_handoffs_settled_total" | "segue_queue_handoffs_settled_total") => {
            &["claimed", "abandoned", "timed_out", "cancelled", "failed"]
        }
        ("outcome", "segue_agent_offers_settled_total") => &["accepted", "taken", "lapsed", "void"],
        ("outcome", "segue_sends_in_doubt_total") => &["repeated", "given_up", "stream_lost"],
        ("kind", "segue_conversations_taken_over_total") => &["unasked", "forced"],
        ("action", _) => &["notify", "transfer", "reassign", "lead", "wait_on", "other"],
        ("answer", _) => &["accepted", "refused"],
        ("class", _) => &[
            "ai",
            "human",
            "ack",
            "progress",
            "reminder",
            "survey",
            "error",
            "after_hours",
            "system",
        ],
        ("scope", _) => &["all", "channel", "queue"],
        ("level", _) => &["error", "warn"],
        ("state", "segue_circuits") => &["open", "half_open"],
        ("cause", "segue_spans_lost_total") => &["failed", "full"],
        ("cause", "segue_events_parked_total") => {
            &["unparsed", "unreadable", "panicked", "too_large"]
        }
        ("outcome", "segue_ai_request_seconds") => &[
            "ok",
            "timeout",
            "rate_limited",
            "auth",
            "bad_request",
            "server_error",
            "cancelled",
            "filtered",
        ],
        ("by", _) => &["agent", "customer", "timeout", "desk", "policy", "ai"],
        ("verdict", _) => &["justified", "unnecessary", "missed"],
        ("clock", _) => &["claim", "first_response", "next_response", "resolution"],
        ("what", _) => &["config", "knowledge"],
        ("result", "segue_reloads_total") => &["applied", "refused"],
        ("result", _) => &["met", "breached"],
        ("queue", _) => &["general", "sales", "other"],
        ("state", "segue_agents") => &["available", "busy", "away"],
        ("state", "segue_agent_slots" | "segue_admission_permits") => &["used", "free"],
        ("kind", "segue_ai_tokens_total") => &["input", "output"],
        ("kind", "segue_messages_inbound_total") => {
            &["text", "media", "interactive", "status", "other"]
        }
        ("sender", _) => &["ai", "human", "system"],
        ("source", _) => &["new", "rehydrated"],
        ("provider", "segue_ai_requests_inflight") => &["openai", "anthropic", "other"],
        ("cause", "segue_handoff_ghosts_total") => {
            &["never_claimed", "claimed_silent", "routing_failed"]
        }
        ("cause", "segue_ai_fallbacks_total") => &[
            "no_answer",
            "low_confidence",
            "guardrail",
            "timeout",
            "error",
        ],
        ("cause", "segue_ai_replies_suppressed_total") => {
            &["ownership", "stale_epoch", "superseded"]
        }
        ("cause", "segue_webhooks_rejected_total") => {
            &["signature", "malformed", "overload", "unknown"]
        }
        ("limit", _) => &["per_address", "per_customer", "per_token", "sign_in"],
        ("cause", "segue_delivery_failures_total") => &[
            "window_closed",
            "rate_limited",
            "invalid_recipient",
            "provider_error",
            "timeout",
            "blocked",
            "other",
        ],
        ("cause", "segue_actors_passivated_total") => &["idle", "memory", "shutdown"],
        ("cause", "segue_mailbox_rejected_total") => &["full", "closed", "deadline"],
        ("cause", "segue_commit_errors_total") => &["io", "full", "corrupt", "timeout"],
        (label, family) => panic!("no values known for {label} of {family}"),
    }
}

/// Every combination of labels that a family has, as the label part of its series.
fn combinations(family: &Family) -> Vec<String> {
    let both = |a: &str, b: &str| format!("model=\"{b}\",provider=\"{a}\"");
    let models = [
        both("openai", "gpt-x"),
        both("anthropic", "claude-x"),
        both("other", "other"),
    ];
    if family.name == "segue_build_info" {
        return vec![format!(
            "commit=\"{}\",version=\"{}\"",
            segue::metrics::COMMIT,
            segue::metrics::VERSION
        )];
    }
    let mut all = vec![String::new()];
    if family.labels.contains(&"model") {
        all = models.to_vec();
    }
    for label in family.labels {
        if *label == "model" || (*label == "provider" && family.labels.contains(&"model")) {
            continue;
        }
        all = all
            .iter()
            .flat_map(|so_far| {
                let more = values(family, label).iter();
                more.map(move |value| {
                    let comma = if so_far.is_empty() { "" } else { "," };
                    format!("{so_far}{comma}{label}=\"{value}\"")
                })
            })
            .collect();
    }
    all
}

/// The series a family must have, all of them.
fn expected(family: &Family) -> BTreeSet<String> {
    let name = family.name;
    let with = |name: &str, labels: &str| {
        if labels.is_empty() {
            name.to_owned()
        } else {
            sorted(&format!("{name}{{{labels}}}"))
        }
    };
    let mut all = BTreeSet::new();
    for labels in combinations(family) {
        match family.kind {
            Kind::Counter | Kind::Gauge => {
                all.insert(with(name, &labels));
            }
            Kind::Histogram(edges) => {
                all.insert(with(&format!("{name}_sum"), &labels));
                all.insert(with(&format!("{name}_count"), &labels));
                let edges = edges.iter().map(f64::to_string);
                for edge in edges.chain(["+Inf".to_owned()]) {
                    let comma = if labels.is_empty() { "" } else { "," };
                    let labels = format!("{labels}{comma}le=\"{edge}\"");
                    all.insert(with(&format!("{name}_bucket"), &labels));
                }
            }
        }
    }
    all
}

fn check_exported(text: &str, families: &[&Family]) {
    let (types, helps, series) = (types(text), helps(text), series(text));
    let mut wanted = BTreeSet::new();
    for family in families {
        assert_eq!(
            types.get(family.name),
            Some(&family.kind.as_str()),
            "{}",
            family.name
        );
        assert_eq!(
            helps.get(family.name),
            Some(&family.help),
            "{}",
            family.name
        );
        if !PROCESS.contains(family) {
            wanted.extend(expected(family));
        }
    }
    let known: BTreeSet<&str> = families.iter().map(|family| family.name).collect();
    assert_eq!(types.keys().copied().collect::<BTreeSet<_>>(), known);
    let exported: BTreeSet<String> = series
        .keys()
        .filter(|key| !key.starts_with("process_"))
        .cloned()
        .collect();
    let missing: Vec<_> = wanted.difference(&exported).collect();
    let extra: Vec<_> = exported.difference(&wanted).collect();
    assert!(
        missing.is_empty() && extra.is_empty(),
        "missing {missing:#?}, extra {extra:#?}"
    );
}

fn process() -> impl Iterator<Item = &'static Family> {
    PROCESS.iter().filter(|_| cfg!(target_os = "linux"))
}

#[test]
fn a_fresh_scrape_is_the_catalogue_and_nothing_else() {
    let text = fresh().render(&Figures::default());
    let families: Vec<&Family> = FAMILIES.iter().chain(process()).collect();
    check_exported(&text, &families);
    let moved: Vec<_> = series(&text)
        .into_iter()
        .filter(|(key, value)| *value != 0.0 && !key.starts_with("process_"))
        .map(|(key, _)| key)
        .collect();
    // What is 1 where nothing is known: this build, and queues that no calendar closes.
    assert_eq!(moved.len(), 4, "{moved:?}");
    assert!(moved[0].starts_with("segue_build_info{"), "{moved:?}");
    let open = |key: &String| key.starts_with("segue_queue_open{");
    assert!(moved[1..].iter().all(open), "{moved:?}");
}

#[test]
fn a_figure_that_nobody_gives_is_not_exported_and_one_that_is_given_is() {
    let metrics = fresh();
    let given = Figures {
        ledger_imbalance: Some(-2),
        slots: Some(vec![("sales".into(), SlotState::Free, 3)]),
        outbox: Some(vec![OutboxFigure {
            medium: Medium::Sms,
            depth: 4,
            in_doubt: 1,
            parked: 2,
            oldest: Duration::from_secs(5),
        }]),
        disk_free_bytes: Some(6),
        tokio: Some(TokioFigure {
            workers: 2,
            tasks: 9,
            queued: 3,
            busy: 0.25,
        }),
        ..Figures::default()
    };
    let text = metrics.render(&given);
    let families: Vec<&Family> = FAMILIES.iter().chain(ON_SIGHT).chain(process()).collect();
    check_exported(&text, &families);
    let series = series(&text);
    assert_eq!(series["segue_handoff_ledger_imbalance"], -2.0);
    assert_eq!(
        series["segue_agent_slots{queue=\"sales\",state=\"free\"}"],
        3.0
    );
    assert_eq!(series["segue_outbox_depth{channel=\"sms\"}"], 4.0);
    assert_eq!(
        series["segue_outbox_oldest_age_seconds{channel=\"sms\"}"],
        5.0
    );
    assert_eq!(series["segue_outbox_in_doubt{channel=\"sms\"}"], 1.0);
    assert_eq!(series["segue_outbox_parked{channel=\"sms\"}"], 2.0);
    assert_eq!(series["segue_disk_free_bytes"], 6.0);
    assert_eq!(series["tokio_busy_ratio"], 0.25);
}

#[test]
fn names_follow_the_rules_of_prometheus_and_none_stands_twice() {
    let mut seen = BTreeSet::new();
    for family in FAMILIES.iter().chain(ON_SIGHT).chain(PROCESS) {
        assert!(seen.insert(family.name), "{} twice", family.name);
        assert_eq!(
            family.name.ends_with("_total"),
            family.kind == Kind::Counter,
            "{}",
            family.name
        );
        assert!(family.help.ends_with('.'), "{}", family.name);
        if let Kind::Histogram(edges) = family.kind {
            assert!(edges.is_sorted_by(|a, b| a < b), "{}", family.name);
        }
    }
}

#[test]
fn a_configuration_larger_than_the_bounds_stays_within_them() {
    let model = |n: usize| ModelLabel {
        provider: format!("p{n}"),
        model: format!("m{n}"),
    };
    let names = Names {
        queues: (0..100).map(|n| format!("q{n}")).collect(),
        models: (0..100).map(model).collect(),
    };
    let series = series(&Metrics::new(&names).render(&Figures::default()));
    let count = |family: &str| series.keys().filter(|key| key.starts_with(family)).count();
    assert_eq!(count("segue_queue_waiting{"), 33);
    assert_eq!(count("segue_ai_requests_inflight{"), 9);
    assert_eq!(count("segue_ai_cached_tokens_total{"), 17);
    assert!(
        series.len() < 6_500,
        "{} samples are too many for one node",
        series.len()
    );
    // Models whose provider found no place share its label.
    assert_eq!(
        count("segue_ai_cached_tokens_total{model=\"m15\",provider=\"other\"}"),
        1
    );
}

#[test]
fn a_configuration_of_ordinary_size_stays_far_below_the_bound() {
    let names = Names {
        queues: (0..8).map(|n| format!("q{n}")).collect(),
        models: (0..4)
            .map(|n| ModelLabel {
                provider: "openai".to_owned(),
                model: format!("m{n}"),
            })
            .collect(),
    };
    let text = Metrics::new(&names).render(&Figures::default());
    let samples = series(&text).len();
    assert!(samples < 4_000, "{samples} samples, {} bytes", text.len());
}

//! The catalogue against what is really exported, and every fact against the figures it moves.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use segue::clock::Timestamp;
use segue::conversation::message::{Body, Customer, FailureCause, Medium, ReportState};
use segue::conversation::trail::{CancelCause, Entry, Fact, GhostCause, Usage};
use segue::conversation::words::{
    By, Class, MessageState, ModeName, ModelFault, Outcome, Reason, Settlement, SlaClock, Verdict,
};
use segue::ids::{AskId, ConversationId, EffectId, HandoffId, OwnerEpoch};
use segue::metrics::{
    AgentState, ByMode, CommitFault, FAMILIES, Family, Figures, Kind, MailboxRefusal, Metrics,
    ModelLabel, Names, ON_SIGHT, OutboxFigure, PROCESS, Passivation, QueueFigure, RateLimit,
    Reloaded, SlotState, Source, WebhookRefusal,
};

const ID: ConversationId = ConversationId::from_bytes([9; 16]);

/// Series, as `name{a="b"}` with the labels in order, and their values.
type Series = BTreeMap<String, f64>;

fn names() -> Names {
    let model = |provider: &str, model: &str| ModelLabel {
        provider: provider.to_owned(),
        model: model.to_owned(),
    };
    Names {
        queues: vec!["general".to_owned(), "sales".to_owned()],
        models: vec![model("openai", "gpt-x"), model("anthropic", "claude-x")],
    }
}

fn fresh() -> Metrics {
    Metrics::new(&names())
}

fn series(text: &str) -> Series {
    let lines = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (key, value) = line.rsplit_once(' ').expect("a series has a value");
            (sorted(key), value.parse().expect("a value is a number"))
        })
        .collect()
}

/// The key with its labels in alphabetical order. No label value in these tests holds a comma.
fn sorted(key: &str) -> String {
    let Some((name, labels)) = key.split_once('{') else {
        return key.to_owned();
    };
    let mut labels: Vec<&str> = labels.trim_end_matches('}').split(',').collect();
    labels.sort_unstable();
    format!("{name}{{{}}}", labels.join(","))
}

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
        ("outcome", "segue_handoffs_settled_total") => {
            &["claimed", "abandoned", "timed_out", "cancelled", "failed"]
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
        ("state", "segue_agent_slots") => &["used", "free"],
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
        ("limit", _) => &["per_address", "per_customer", "per_token"],
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
    assert_eq!(moved.len(), 1, "{moved:?}");
    assert!(moved[0].starts_with("segue_build_info{"), "{moved:?}");
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
            oldest: Duration::from_secs(5),
        }]),
        mailbox_depth_max: Some(6),
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
    assert_eq!(series["segue_mailbox_depth_max"], 6.0);
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

fn at(n: u64, fact: Fact) -> Entry {
    Entry {
        n,
        at: Timestamp::ZERO,
        policy: 0,
        rules: 1,
        fact,
    }
}

fn commit(metrics: &Metrics, facts: &[Fact]) {
    let entries: Vec<Entry> = (0..)
        .zip(facts.iter().cloned())
        .map(|(n, fact)| at(n, fact))
        .collect();
    metrics.committed(ID, Medium::Sms, &entries);
}

/// The series that `facts` move and by how much, buckets left out.
fn moved(commits: &[&[Fact]]) -> BTreeMap<String, f64> {
    let metrics = fresh();
    for facts in commits {
        commit(&metrics, facts);
    }
    let mut all = series(&metrics.render(&Figures::default()));
    all.retain(|key, value| {
        *value != 0.0
            && !key.contains("_bucket")
            && !key.starts_with("process_")
            && !key.starts_with("segue_build_info")
    });
    all
}

fn check_moves(facts: &[Fact], wanted: &[(&str, f64)]) {
    let wanted: BTreeMap<String, f64> = wanted.iter().map(|(k, v)| (sorted(k), *v)).collect();
    assert_eq!(moved(&[facts]), wanted, "{facts:?}");
}

fn requested(handoff: u64, reason: Reason, repeat: bool) -> Fact {
    Fact::HandoffRequested {
        handoff: HandoffId(handoff),
        reason,
        rule: "r".into(),
        matched: "m".into(),
        queue: "general".into(),
        repeat,
        deadline: Timestamp::ZERO,
        since_open_ms: 4_000,
    }
}

fn settled(class: Class, state: MessageState, code: &str, cause: Option<FailureCause>) -> Fact {
    Fact::Settled {
        effect: EffectId(1),
        class,
        state,
        provider_id: "p".into(),
        code: code.into(),
        cause,
        attempts: 1,
        after_ms: 500,
    }
}

fn handed_back(agent: bool) -> Fact {
    Fact::HandedBack {
        by: By::Timeout,
        agent: agent.then(|| "ana".into()),
        note: String::new(),
        epoch: OwnerEpoch(3),
        held_ms: 9_000,
    }
}

fn answered(model: &str) -> Fact {
    Fact::ModelAnswered {
        ask: AskId(1),
        model: model.into(),
        usage: USAGE,
        took_ms: 2_000,
        tools: Vec::new(),
        confidence: None,
    }
}

fn failed(fault: ModelFault) -> Fact {
    Fact::ModelFailed {
        usage: Usage::default(),
        ask: AskId(1),
        fault,
        took_ms: 8_000,
    }
}

fn opened(by: By, reopened: bool) -> Fact {
    Fact::Opened {
        episode: 1,
        by,
        reopened,
    }
}

fn claimed() -> Fact {
    Fact::Claimed {
        held_ms: 0,
        agent: "ana".into(),
        handoff: Some(HandoffId(1)),
        epoch: OwnerEpoch(2),
        from: None,
        in_flight: Vec::new(),
    }
}

fn lapsed() -> Fact {
    Fact::LeaseLapsed {
        agent: "ana".into(),
        held_ms: 9_000,
    }
}

fn transferred(handoff: u64) -> Fact {
    Fact::Transferred {
        held_ms: None,
        agent: None,
        queue: "sales".into(),
        to: None,
        handoff: HandoffId(handoff),
        epoch: OwnerEpoch(3),
    }
}

const USAGE: Usage = Usage {
    input: 100,
    cached: 40,
    output: 10,
    cost_micros: 77,
};

/// What one fact of each kind moves, by itself unless it counts only in company.
#[expect(
    clippy::too_many_lines,
    reason = "one line or two for each fact: a table"
)]
fn table() -> Vec<(Fact, Vec<&'static str>)> {
    let text = || "t".to_owned();
    vec![
        (
            opened(By::Customer, true),
            vec![
                "segue_conversations_opened_total",
                "segue_conversations_reopened_total",
            ],
        ),
        (
            Fact::CustomerWrote {
                id: text(),
                body: Body::Text(text()),
                owner: ModeName::Human,
            },
            vec!["segue_messages_inbound_total"],
        ),
        (
            Fact::AiWrote {
                effect: EffectId(1),
                ask: AskId(1),
                text: text(),
                sources: vec![],
                partial: false,
            },
            vec![],
        ),
        (
            Fact::HumanWrote {
                effect: EffectId(1),
                agent: "ana".into(),
                text: text(),
                first_response_ms: Some(1),
                reply_ms: Some(1),
            },
            vec![
                "segue_handoff_first_response_seconds",
                "segue_human_reply_seconds",
            ],
        ),
        (
            Fact::SystemWrote {
                effect: EffectId(1),
                class: Class::Ack,
                text: text(),
                choices: vec![],
            },
            vec![],
        ),
        (
            Fact::NoteWritten {
                agent: "ana".into(),
                text: text(),
            },
            vec![],
        ),
        (
            Fact::ModelAsked {
                ask: AskId(1),
                messages: 1,
            },
            vec![],
        ),
        (
            answered("gpt-x"),
            vec![
                "segue_ai_cached_tokens_total",
                "segue_ai_cost_usd_micros_total",
                "segue_ai_request_seconds",
                "segue_ai_tokens_total",
            ],
        ),
        (
            failed(ModelFault::Auth),
            vec!["segue_ai_fallbacks_total", "segue_ai_request_seconds"],
        ),
        (
            Fact::AskCancelled {
                ask: AskId(1),
                cause: CancelCause::Handoff,
            },
            vec!["segue_ai_replies_suppressed_total"],
        ),
        (
            Fact::DraftKept {
                ask: AskId(1),
                text: text(),
                usage: USAGE,
            },
            vec![
                "segue_ai_cached_tokens_total",
                "segue_ai_cost_usd_micros_total",
                "segue_ai_tokens_total",
            ],
        ),
        (
            requested(1, Reason::Keyword, false),
            vec![
                "segue_handoff_time_to_request_seconds",
                "segue_handoffs_requested_total",
            ],
        ),
        (
            Fact::HandoffSettled {
                handoff: HandoffId(1),
                outcome: Settlement::Claimed,
                waited_ms: 1,
            },
            vec![
                "segue_handoff_claim_seconds",
                "segue_handoffs_settled_total",
            ],
        ),
        (claimed(), vec![]),
        (transferred(1), vec![]), // alone it waited already; after a claim: see below
        (
            handed_back(true),
            vec![
                "segue_handoff_handle_seconds",
                "segue_handoffs_handed_back_total",
            ],
        ),
        (
            Fact::AskedIfDone {
                agent: "ana".into(),
                answer_by: Timestamp::ZERO,
            },
            vec![],
        ),
        (
            Fact::Kept {
                agent: "ana".into(),
            },
            vec![],
        ),
        (lapsed(), vec!["segue_handoff_handle_seconds"]),
        (
            Fact::LadderStepped {
                handoff: HandoffId(1),
                step: 1,
                action: text(),
                deadline: Timestamp::ZERO,
            },
            vec![],
        ),
        (
            Fact::GhostDeclared {
                handoff: HandoffId(1),
                cause: GhostCause::ClaimedSilent,
            },
            vec!["segue_handoff_ghosts_total"],
        ),
        (
            Fact::SlaEvaluated {
                clock: SlaClock::NextResponse,
                met: false,
            },
            vec!["segue_sla_evaluations_total"],
        ),
        (
            Fact::Closed {
                held_ms: None,
                outcome: Outcome::Expired,
                by: By::Timeout,
                note: text(),
            },
            vec!["segue_conversations_closed_total"],
        ),
        (
            settled(Class::Survey, MessageState::Sent, "", None),
            vec!["segue_messages_outbound_total"],
        ),
        (
            Fact::Reviewed {
                handoff: None,
                verdict: Verdict::Missed,
                agent: "ana".into(),
            },
            vec!["segue_handoff_reviews_total"],
        ),
        (
            Fact::Edited {
                agent: "ana".into(),
                change: text(),
            },
            vec![],
        ),
        (
            Fact::EventParked {
                event: text(),
                parked: 1,
            },
            vec![],
        ),
        (
            Fact::CustomerChanged {
                customer: Customer {
                    address: text(),
                    name: None,
                    language: None,
                },
            },
            vec![],
        ),
        (
            Fact::RuleFired {
                rule: text(),
                reason: Reason::Sentiment,
                matched: text(),
                language: text(),
                action: segue::triage::specs::Action::Signal,
                observed: false,
            },
            vec![],
        ),
        (
            Fact::OfferMade {
                rule: text(),
                reason: Reason::Repetition,
                matched: text(),
                language: text(),
                queue: None,
                priority: 0,
                effect: EffectId(1),
            },
            vec![],
        ),
        (
            Fact::OfferAnswered {
                accepted: false,
                rule: text(),
                matched: text(),
            },
            vec![],
        ),
    ]
}

/// The kind of a fact and, if it moves nothing by itself, why. A new fact does not compile until it is placed here.
fn silent(fact: &Fact) -> (u8, Option<&'static str>) {
    match fact {
        Fact::Opened { .. } => (0, None),
        Fact::CustomerWrote { .. } => (1, None),
        Fact::AiWrote { .. } => (
            2,
            Some("decided only; counted as outbound when the provider takes it"),
        ),
        Fact::HumanWrote { .. } => (3, None),
        Fact::SystemWrote { .. } => (
            4,
            Some("decided only; counted as outbound when the provider takes it"),
        ),
        Fact::NoteWritten { .. } => (5, Some("private: no message, no clock")),
        Fact::ModelAsked { .. } => (
            6,
            Some("counted when it ends; what is under way is a gauge of the carrier"),
        ),
        Fact::ModelAnswered { .. } => (7, None),
        Fact::ModelFailed { .. } => (8, None),
        Fact::AskCancelled { .. } => (9, None),
        Fact::DraftKept { .. } => (10, None),
        Fact::HandoffRequested { .. } => (11, None),
        Fact::HandoffSettled { .. } => (12, None),
        Fact::Claimed { .. } => (
            13,
            Some("counted by the settlement beside it; arms the watch over one voice"),
        ),
        Fact::Transferred { .. } => (
            14,
            Some("counts only after a claim, beside the handoff it asks for"),
        ),
        Fact::HandedBack { .. } => (15, None),
        Fact::AskedIfDone { .. } => (16, Some("a question to the agent; its upshot is counted")),
        Fact::Kept { .. } => (
            17,
            Some("the answer to that question; nothing changes hands"),
        ),
        Fact::LeaseLapsed { .. } => (18, None),
        Fact::LadderStepped { .. } => (
            19,
            Some("the catalogue has no family for steps; the breach counts"),
        ),
        Fact::GhostDeclared { .. } => (20, None),
        Fact::SlaEvaluated { .. } => (21, None),
        Fact::Closed { .. } => (22, None),
        Fact::Settled { .. } => (23, None),
        Fact::Reviewed { .. } => (24, None),
        Fact::Edited { .. } => (25, Some("attributes are nobody's figure")),
        Fact::EventParked { .. } => (
            26,
            Some("the runtime counts the panic itself, also when parking fails"),
        ),
        Fact::CustomerChanged { .. } => (27, Some("who a customer is must never become a figure")),
        Fact::RuleFired { .. } => (
            28,
            Some("what followed from it is counted; the rest is for `segue report`"),
        ),
        Fact::OfferMade { .. } => (
            29,
            Some("the catalogue has no family for offers; an accepted one is a handoff"),
        ),
        Fact::OfferAnswered { .. } => (
            30,
            Some("a handoff, or a question to the model: counted as that"),
        ),
    }
}

const FACTS: usize = 31;

#[test]
fn every_fact_moves_its_families_or_says_why_it_moves_none() {
    let mut seen = BTreeSet::new();
    for (fact, wanted) in table() {
        let (kind, why) = silent(&fact);
        seen.insert(kind);
        let mut families: Vec<String> = moved(&[std::slice::from_ref(&fact)])
            .into_keys()
            .map(|key| {
                let name = key.split('{').next().unwrap_or_default();
                name.trim_end_matches("_sum")
                    .trim_end_matches("_count")
                    .to_owned()
            })
            .collect();
        families.dedup();
        let families: BTreeSet<String> = families.into_iter().collect();
        let wanted: BTreeSet<String> = wanted.into_iter().map(str::to_owned).collect();
        assert_eq!(families, wanted, "{fact:?}");
        assert_eq!(families.is_empty(), why.is_some(), "{fact:?}");
    }
    assert_eq!(seen.len(), FACTS);
}

#[test]
fn an_episode_that_our_own_side_began_does_not_thin_out_the_rates() {
    check_moves(&[opened(By::Agent, true)], &[]);
    check_moves(
        &[opened(By::Customer, false)],
        &[("segue_conversations_opened_total{channel=\"sms\"}", 1.0)],
    );
}

#[test]
fn a_repeated_request_does_not_count_into_the_time_with_the_ai() {
    let labels = "{channel=\"sms\",reason=\"sentiment\",attempt=";
    let first = format!("segue_handoffs_requested_total{labels}\"first\"}}");
    let repeat = format!("segue_handoffs_requested_total{labels}\"repeat\"}}");
    check_moves(
        &[requested(1, Reason::Sentiment, false)],
        &[
            (&first, 1.0),
            (
                "segue_handoff_time_to_request_seconds_count{channel=\"sms\"}",
                1.0,
            ),
            (
                "segue_handoff_time_to_request_seconds_sum{channel=\"sms\"}",
                4.0,
            ),
        ],
    );
    check_moves(&[requested(2, Reason::Sentiment, true)], &[(&repeat, 1.0)]);
}

#[test]
fn only_a_person_passing_it_on_is_a_transfer() {
    let after_claim = [requested(2, Reason::Operator, true), transferred(2)];
    assert_eq!(
        moved(&[&after_claim])["segue_handoffs_transferred_total{channel=\"sms\"}"],
        1.0
    );
    let by_the_ladder = [transferred(1)];
    assert!(moved(&[&by_the_ladder]).is_empty());
}

#[test]
fn a_lapse_that_hands_back_is_one_stretch() {
    let count = "segue_handoff_handle_seconds_count{channel=\"sms\"}";
    let sum = "segue_handoff_handle_seconds_sum{channel=\"sms\"}";
    let back = "segue_handoffs_handed_back_total{channel=\"sms\",by=\"timeout\"}";
    check_moves(
        &[lapsed(), handed_back(true)],
        &[(count, 1.0), (sum, 9.0), (back, 1.0)],
    );
    check_moves(
        &[handed_back(true)],
        &[(count, 1.0), (sum, 9.0), (back, 1.0)],
    );
    check_moves(&[handed_back(false)], &[(back, 1.0)]);
}

#[test]
fn a_settlement_times_the_claim_or_the_leaving_and_nothing_else() {
    let settle = |outcome| {
        [Fact::HandoffSettled {
            handoff: HandoffId(1),
            outcome,
            waited_ms: 30_000,
        }]
    };
    let total =
        |outcome| format!("segue_handoffs_settled_total{{channel=\"sms\",outcome=\"{outcome}\"}}");
    check_moves(
        &settle(Settlement::Claimed),
        &[
            (&total("claimed"), 1.0),
            ("segue_handoff_claim_seconds_count{channel=\"sms\"}", 1.0),
            ("segue_handoff_claim_seconds_sum{channel=\"sms\"}", 30.0),
        ],
    );
    check_moves(
        &settle(Settlement::Abandoned),
        &[
            (&total("abandoned"), 1.0),
            ("segue_handoff_abandon_seconds_count{channel=\"sms\"}", 1.0),
            ("segue_handoff_abandon_seconds_sum{channel=\"sms\"}", 30.0),
        ],
    );
    check_moves(&settle(Settlement::TimedOut), &[(&total("timed_out"), 1.0)]);
}

#[test]
fn what_became_of_a_message_is_counted_by_its_class_and_state() {
    let out =
        |sender| format!("segue_messages_outbound_total{{channel=\"sms\",sender=\"{sender}\"}}");
    let fail =
        |cause| format!("segue_delivery_failures_total{{channel=\"sms\",cause=\"{cause}\"}}");
    let dropped = "segue_ai_replies_suppressed_total{cause=\"ownership\"}";
    let one = |class, state, code, cause| [settled(class, state, code, cause)];
    use MessageState::{Delivered, Failed, InDoubt, Read, Sent, Suppressed};
    check_moves(&one(Class::Ai, Sent, "", None), &[(&out("ai"), 1.0)]);
    check_moves(&one(Class::Human, Sent, "", None), &[(&out("human"), 1.0)]);
    check_moves(
        &one(Class::Ack, Sent, "", None),
        &[
            (&out("system"), 1.0),
            ("segue_handoff_ack_seconds_count{channel=\"sms\"}", 1.0),
            ("segue_handoff_ack_seconds_sum{channel=\"sms\"}", 0.5),
        ],
    );
    check_moves(
        &one(Class::Ai, Delivered, "", None),
        &[("segue_messages_delivered_total{channel=\"sms\"}", 1.0)],
    );
    check_moves(&one(Class::Ai, Read, "", None), &[]);
    check_moves(
        &one(Class::Human, Failed, "x", Some(FailureCause::Blocked)),
        &[(&fail("blocked"), 1.0)],
    );
    check_moves(
        &one(Class::Human, Failed, "x", None),
        &[(&fail("other"), 1.0)],
    );
    check_moves(
        &one(
            Class::Human,
            InDoubt,
            "unknown",
            Some(FailureCause::Timeout),
        ),
        &[(&fail("timeout"), 1.0)],
    );
    check_moves(&one(Class::Human, InDoubt, "repeated", None), &[]);
    check_moves(
        &one(Class::Ai, Suppressed, "ownership", None),
        &[(dropped, 1.0)],
    );
    check_moves(&one(Class::Progress, Suppressed, "ownership", None), &[]);
    check_moves(&one(Class::Ai, Suppressed, "late", None), &[]);
}

#[test]
fn a_model_is_labelled_from_the_list_or_folded_and_counted_as_folded() {
    let tokens = |p, m, kind| {
        format!("segue_ai_tokens_total{{provider=\"{p}\",model=\"{m}\",kind=\"{kind}\"}}")
    };
    let known = moved(&[&[answered("claude-x-20250929")]]);
    assert_eq!(
        known[&sorted(&tokens("anthropic", "claude-x", "input"))],
        100.0
    );
    assert!(!known.contains_key("segue_label_overflows_total"));
    let strange = moved(&[&[answered("mystery")]]);
    assert_eq!(strange[&sorted(&tokens("other", "other", "output"))], 10.0);
    assert_eq!(strange["segue_label_overflows_total"], 1.0);
}

#[test]
fn a_fallback_counts_once_and_not_again_when_its_handoff_is_passed_on() {
    let fallback = |cause| format!("segue_ai_fallbacks_total{{cause=\"{cause}\"}}");
    let count = |facts: &[Fact], cause| {
        moved(&[facts])
            .get(&fallback(cause))
            .copied()
            .unwrap_or(0.0)
    };
    let timed_out = [
        failed(ModelFault::Timeout),
        requested(1, Reason::ModelTimeout, false),
    ];
    assert_eq!(count(&timed_out, "timeout"), 1.0);
    let filtered = [
        failed(ModelFault::Filtered),
        requested(1, Reason::Guardrail, false),
    ];
    assert_eq!(count(&filtered, "guardrail"), 1.0);
    let unsure = [
        answered("gpt-x"),
        requested(1, Reason::LowConfidence, false),
    ];
    assert_eq!(count(&unsure, "low_confidence"), 1.0);
    let passed_on = [requested(2, Reason::LowConfidence, true), transferred(2)];
    assert_eq!(count(&passed_on, "low_confidence"), 0.0);
    let asked_for = [answered("gpt-x"), requested(1, Reason::ToolCall, false)];
    assert_eq!(
        moved(&[&asked_for])
            .keys()
            .filter(|key| key.starts_with("segue_ai_fallbacks"))
            .count(),
        0
    );
}

#[test]
fn an_answer_that_leaves_under_a_persons_ownership_is_a_duel() {
    let sent = [settled(Class::Ai, MessageState::Sent, "", None)];
    let duels = |commits: &[&[Fact]]| moved(commits).get("segue_dual_replies_total").copied();
    assert_eq!(duels(&[&[claimed()], &sent]), Some(1.0));
    assert_eq!(duels(&[&sent, &[claimed()]]), None);
}

#[test]
fn what_no_trail_tells_is_told_directly() {
    let metrics = fresh();
    let second = Duration::from_secs(1);
    metrics.webhook_rejected(Medium::Whatsapp, WebhookRefusal::Signature);
    metrics.rate_limited(RateLimit::PerCustomer);
    metrics.reloaded(Reloaded::Config, true);
    metrics.ingress(Medium::Whatsapp, second);
    metrics.inbound_duplicate(Medium::Telegram);
    metrics.report_accepted(Medium::Whatsapp);
    metrics.report_passed_over(Medium::Whatsapp, ReportState::Delivered);
    metrics.report_passed_over(Medium::Whatsapp, ReportState::Read);
    metrics.delivery_attempt(Medium::Voice, second, 1);
    metrics.delivery_attempt(Medium::Voice, second, 2);
    metrics.actor_activated(Source::Rehydrated, second);
    metrics.actor_passivated(Passivation::Idle);
    metrics.actor_panicked();
    metrics.actor_turn(second);
    metrics.mailbox_waited(second);
    metrics.mailbox_rejected(MailboxRefusal::Full);
    metrics.commit(second, 12);
    metrics.commit_error(CommitFault::Full);
    metrics.ai_first_chunk("gpt-x", second);
    let inflight = metrics.ai_inflight("anthropic");
    let series_now = series(&metrics.render(&Figures::default()));
    for (key, value) in [
        (
            "segue_webhooks_rejected_total{channel=\"whatsapp\",cause=\"signature\"}",
            1.0,
        ),
        ("segue_rate_limited_total{limit=\"per_customer\"}", 1.0),
        (
            "segue_reloads_total{what=\"config\",result=\"refused\"}",
            1.0,
        ),
        ("segue_ingress_seconds_count{channel=\"whatsapp\"}", 1.0),
        ("segue_inbound_duplicates_total{channel=\"telegram\"}", 1.0),
        (
            "segue_messages_inbound_total{channel=\"whatsapp\",kind=\"status\"}",
            1.0,
        ),
        ("segue_messages_delivered_total{channel=\"whatsapp\"}", 1.0),
        ("segue_delivery_seconds_sum{channel=\"voice\"}", 2.0),
        ("segue_delivery_retries_total{channel=\"voice\"}", 1.0),
        ("segue_actors_activated_total{source=\"rehydrated\"}", 1.0),
        (
            "segue_actor_activation_seconds_sum{source=\"rehydrated\"}",
            1.0,
        ),
        ("segue_actors_passivated_total{cause=\"idle\"}", 1.0),
        ("segue_actor_panics_total", 1.0),
        ("segue_actor_turn_seconds_count", 1.0),
        ("segue_mailbox_wait_seconds_count", 1.0),
        ("segue_mailbox_rejected_total{cause=\"full\"}", 1.0),
        ("segue_commit_batch_events_sum", 12.0),
        ("segue_commit_errors_total{cause=\"full\"}", 1.0),
        (
            "segue_ai_first_chunk_seconds_count{provider=\"openai\",model=\"gpt-x\"}",
            1.0,
        ),
        ("segue_ai_requests_inflight{provider=\"anthropic\"}", 1.0),
        ("segue_label_overflows_total", 0.0),
    ] {
        assert_eq!(series_now[&sorted(key)], value, "{key}");
    }
    drop(inflight);
    let after = series(&metrics.render(&Figures::default()));
    assert_eq!(
        after["segue_ai_requests_inflight{provider=\"anthropic\"}"],
        0.0
    );
}

#[test]
fn figures_are_set_at_every_scrape_and_what_is_gone_falls_to_zero() {
    let metrics = fresh();
    let queue = |queue: &str, waiting, secs| QueueFigure {
        queue: queue.into(),
        waiting,
        oldest: Duration::from_secs(secs),
    };
    let figures = Figures {
        conversations: ByMode {
            ai: 1,
            waiting: 2,
            human: 3,
        },
        ghosts_current: 4,
        queues: vec![
            queue("sales", 5, 6),
            queue("strange", 1, 9),
            queue("stranger", 2, 7),
        ],
        agents: vec![("sales".into(), AgentState::Busy, 8)],
        ready: true,
        ..Figures::default()
    };
    let now = series(&metrics.render(&figures));
    for (key, value) in [
        ("segue_conversations{mode=\"waiting\"}", 2.0),
        ("segue_handoff_ghosts_current", 4.0),
        ("segue_queue_waiting{queue=\"sales\"}", 5.0),
        ("segue_queue_waiting{queue=\"other\"}", 3.0),
        ("segue_queue_oldest_wait_seconds{queue=\"other\"}", 9.0),
        ("segue_agents{queue=\"sales\",state=\"busy\"}", 8.0),
        ("segue_ready", 1.0),
        ("segue_label_overflows_total", 2.0),
    ] {
        assert_eq!(now[&sorted(key)], value, "{key}");
    }
    let later = series(&metrics.render(&Figures::default()));
    assert_eq!(later["segue_queue_waiting{queue=\"sales\"}"], 0.0);
    assert_eq!(later["segue_agents{queue=\"sales\",state=\"busy\"}"], 0.0);
    assert_eq!(later["segue_ready"], 0.0);
}

#[test]
fn two_runtimes_in_one_process_do_not_see_each_other() {
    let (one, other) = (fresh(), fresh());
    commit(&one, &[opened(By::Customer, false)]);
    let key = "segue_conversations_opened_total{channel=\"sms\"}";
    assert_eq!(series(&one.render(&Figures::default()))[key], 1.0);
    assert_eq!(series(&other.render(&Figures::default()))[key], 0.0);
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
        series.len() < 5_000,
        "{} samples are too many for one node",
        series.len()
    );
    // Models whose provider found no place share its label.
    assert_eq!(
        count("segue_ai_cached_tokens_total{model=\"m15\",provider=\"other\"}"),
        1
    );
}

//! The catalogue against what is really exported, and every fact against the figures it moves.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use segue::clock::Timestamp;
use segue::conversation::Conversation;
use segue::conversation::event::{Act, Event};
use segue::conversation::message::{Body, Customer, FailureCause, Inbound, Medium, ReportState};
use segue::conversation::policy::Policy;
use segue::conversation::trail::{CancelCause, Entry, Fact, GhostCause, Usage};
use segue::conversation::words::{
    By, Class, MessageState, ModeName, ModelFault, Outcome, Reason, Role, Settlement, SlaClock,
    Verdict,
};
use segue::ids::{AskId, ConversationId, EffectId, HandoffId, OwnerEpoch};
use segue::metrics::{
    AdmissionFigure, AgentState, ByMode, CircuitsFigure, CommitFault, FAMILIES, Family, Figures,
    Kind, MailboxRefusal, Metrics, ModelLabel, Names, ON_SIGHT, OutboxFigure, PROCESS, ParkCause,
    ParkedFigure, Passivation, QueueFigure, RateLimit, RecoveryFigure, Reloaded, SlotState, Source,
    SpansFigure, Standing, TokioFigure, WebhookRefusal,
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
            && !key.starts_with("segue_queue_open")
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
                "segue_conversations_eligible_total",
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
                "segue_conversations_handed_off_total",
                "segue_handoff_time_to_request_seconds",
                "segue_handoffs_requested_total",
                "segue_queue_handoffs_requested_total",
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
        (
            lapsed(),
            vec!["segue_handoff_handle_seconds", "segue_lease_lapses_total"],
        ),
        (
            Fact::LadderStepped {
                handoff: HandoffId(1),
                step: 1,
                action: text(),
                deadline: Timestamp::ZERO,
            },
            vec!["segue_ladder_steps_total"],
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
            vec!["segue_offers_made_total"],
        ),
        (
            Fact::OfferAnswered {
                accepted: false,
                rule: text(),
                matched: text(),
            },
            vec!["segue_offers_answered_total"],
        ),
        (
            Fact::FilesAdded {
                effect: EffectId(1),
                files: vec![],
            },
            vec![],
        ),
        (
            Fact::ApprovalAsked {
                agent: "ana".into(),
                question: text(),
                amount: text(),
            },
            vec![],
        ),
        (
            Fact::ApprovalDecided {
                approval: 1,
                agent: "ana".into(),
                approved: true,
                note: text(),
                question: text(),
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
            Some(
                "decided only; counted when the provider takes it, after hours at once: see below",
            ),
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
            Some("counted by the settlement beside it; without one it is a takeover: see below"),
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
        Fact::LadderStepped { .. } => (19, None),
        Fact::GhostDeclared { .. } => (20, None),
        Fact::SlaEvaluated { .. } => (21, None),
        Fact::Closed { .. } => (22, None),
        Fact::Settled { .. } => (23, None),
        Fact::Reviewed { .. } => (24, None),
        Fact::Edited { .. } => (25, Some("attributes are nobody's figure")),
        Fact::EventParked { .. } => (
            26,
            Some("the runtime counts what it parks itself, by its cause"),
        ),
        Fact::CustomerChanged { .. } => (27, Some("who a customer is must never become a figure")),
        Fact::RuleFired { .. } => (
            28,
            Some("what followed from it is counted; the rest is for `segue report`"),
        ),
        Fact::OfferMade { .. } => (29, None),
        Fact::OfferAnswered { .. } => (30, None),
        Fact::FilesAdded { .. } => (31, Some("a part of the message that stands behind it")),
        Fact::ApprovalAsked { .. } => (32, Some("nobody waits: no clock, no handoff")),
        Fact::ApprovalDecided { .. } => (33, Some("nobody waited: no clock, no handoff")),
    }
}

const FACTS: usize = 34;

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
        &[
            ("segue_conversations_opened_total{channel=\"sms\"}", 1.0),
            ("segue_conversations_eligible_total{channel=\"sms\"}", 1.0),
        ],
    );
}

#[test]
fn a_repeated_request_does_not_count_into_the_time_with_the_ai() {
    let labels = "{channel=\"sms\",reason=\"sentiment\",attempt=";
    let queued = "segue_queue_handoffs_requested_total{queue=\"general\"}";
    let first = format!("segue_handoffs_requested_total{labels}\"first\"}}");
    let repeat = format!("segue_handoffs_requested_total{labels}\"repeat\"}}");
    check_moves(
        &[requested(1, Reason::Sentiment, false)],
        &[
            (&first, 1.0),
            ("segue_conversations_handed_off_total{channel=\"sms\"}", 1.0),
            (queued, 1.0),
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
    check_moves(
        &[requested(2, Reason::Sentiment, true)],
        &[(&repeat, 1.0), (queued, 1.0)],
    );
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
        &[
            (count, 1.0),
            (sum, 9.0),
            (back, 1.0),
            ("segue_lease_lapses_total{channel=\"sms\"}", 1.0),
        ],
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
    let doubt =
        |outcome| format!("segue_sends_in_doubt_total{{channel=\"sms\",outcome=\"{outcome}\"}}");
    let held = |class| format!("segue_messages_suppressed_total{{class=\"{class}\"}}");
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
    check_moves(
        &one(Class::Ai, Read, "", None),
        &[("segue_messages_read_total{channel=\"sms\"}", 1.0)],
    );
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
        &[(&fail("timeout"), 1.0), (&doubt("given_up"), 1.0)],
    );
    check_moves(
        &one(Class::Human, InDoubt, "repeated", None),
        &[(&doubt("repeated"), 1.0)],
    );
    check_moves(
        &one(Class::Ai, InDoubt, "stream_lost", None),
        &[(&doubt("stream_lost"), 1.0)],
    );
    check_moves(
        &one(Class::Ai, Suppressed, "ownership", None),
        &[(dropped, 1.0), (&held("ai"), 1.0)],
    );
    check_moves(
        &one(Class::Progress, Suppressed, "ownership", None),
        &[(&held("progress"), 1.0)],
    );
    check_moves(
        &one(Class::Ai, Suppressed, "late", None),
        &[(&held("ai"), 1.0)],
    );
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

/// What no trail tells, once each.
fn tell(metrics: &Metrics) {
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
    metrics.deadline_decided(second);
    metrics.parked(ParkCause::TooLarge);
    metrics.clock_stepped();
}

#[test]
fn what_no_trail_tells_is_told_directly() {
    let metrics = fresh();
    tell(&metrics);
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
        ("segue_messages_read_total{channel=\"whatsapp\"}", 1.0),
        ("segue_deadline_lateness_seconds_sum", 1.0),
        ("segue_events_parked_total{cause=\"too_large\"}", 1.0),
        ("segue_clock_steps_total", 1.0),
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
        open: queue == "stranger",
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
        ("segue_queue_open{queue=\"sales\"}", 0.0),
        // One of those put together is open; of another nothing is known that would close it.
        ("segue_queue_open{queue=\"other\"}", 1.0),
        ("segue_queue_open{queue=\"general\"}", 1.0),
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

#[test]
fn what_begins_while_the_ai_is_off_is_in_no_denominator() {
    let off = |repeat| Fact::HandoffRequested {
        handoff: HandoffId(1),
        reason: Reason::Policy,
        rule: "ai.off".into(),
        matched: String::new(),
        queue: "general".into(),
        repeat,
        deadline: Timestamp::ZERO,
        since_open_ms: 0,
    };
    let moved = moved(&[&[opened(By::Customer, false), off(false)]]);
    let has = |family: &str| moved.keys().any(|key| key.starts_with(family));
    assert!(has("segue_conversations_opened_total"));
    assert!(!has("segue_conversations_eligible_total"));
    assert!(!has("segue_conversations_handed_off_total"));
}

#[test]
fn taking_over_unasked_and_by_force_are_told_apart() {
    let kind =
        |kind| format!("segue_conversations_taken_over_total{{channel=\"sms\",kind=\"{kind}\"}}");
    let claim = |handoff: Option<u64>, from: Option<&str>| Fact::Claimed {
        held_ms: 5_000,
        agent: "ana".into(),
        handoff: handoff.map(HandoffId),
        epoch: OwnerEpoch(2),
        from: from.map(Into::into),
        in_flight: Vec::new(),
    };
    assert_eq!(moved(&[&[claim(None, None)]])[&kind("unasked")], 1.0);
    assert_eq!(
        moved(&[&[claim(Some(1), Some("bo"))]])[&kind("forced")],
        1.0
    );
    assert!(moved(&[&[claim(Some(1), None)]]).is_empty());
}

#[test]
fn being_told_that_it_is_closed_is_a_contact_after_hours() {
    let closed = Fact::SystemWrote {
        effect: EffectId(1),
        class: Class::AfterHours,
        text: "t".into(),
        choices: vec![],
    };
    check_moves(
        &[closed],
        &[("segue_contacts_while_closed_total{channel=\"sms\"}", 1.0)],
    );
}

fn offered(to: Option<&str>) -> Fact {
    Fact::Transferred {
        held_ms: None,
        agent: None,
        queue: "general".into(),
        to: to.map(Into::into),
        handoff: HandoffId(1),
        epoch: OwnerEpoch(1),
    }
}

fn ended(outcome: Settlement) -> Fact {
    Fact::HandoffSettled {
        handoff: HandoffId(1),
        outcome,
        waited_ms: 30_000,
    }
}

fn check_offers(then: &[Fact], made: f64, wanted: &[(&str, f64)]) {
    let request = [requested(1, Reason::Keyword, false)];
    let moved = moved(&[&request, then]);
    let family = "segue_agent_offers_settled_total";
    let settled: BTreeMap<String, f64> = moved
        .iter()
        .filter(|(key, _)| key.starts_with(family))
        .map(|(key, value)| (key.clone(), *value))
        .collect();
    let wanted = wanted.iter().map(|(how, n)| {
        (
            sorted(&format!("{family}{{queue=\"general\",outcome=\"{how}\"}}")),
            *n,
        )
    });
    assert_eq!(settled, wanted.collect(), "{then:?}");
    assert_eq!(
        moved["segue_agent_offers_made_total{queue=\"general\"}"], made,
        "{then:?}"
    );
}

#[test]
fn an_offer_to_one_person_ends_in_exactly_one_way() {
    check_offers(
        &[offered(Some("ana")), claimed()],
        1.0,
        &[("accepted", 1.0)],
    );
    check_offers(&[offered(Some("bo")), claimed()], 1.0, &[("taken", 1.0)]);
    check_offers(
        &[offered(Some("bo")), offered(None)],
        1.0,
        &[("lapsed", 1.0)],
    );
    check_offers(
        &[
            offered(Some("bo")),
            offered(None),
            offered(Some("ana")),
            claimed(),
        ],
        2.0,
        &[("lapsed", 1.0), ("accepted", 1.0)],
    );
    check_offers(
        &[
            offered(Some("bo")),
            ended(Settlement::Abandoned),
            handed_back(false),
        ],
        1.0,
        &[("void", 1.0)],
    );
}

#[test]
fn waits_and_service_levels_stand_by_queue_and_reason() {
    let evaluated = Fact::SlaEvaluated {
        clock: SlaClock::Claim,
        met: true,
    };
    let facts = [
        requested(1, Reason::Keyword, false),
        Fact::Transferred {
            held_ms: None,
            agent: None,
            queue: "sales".into(),
            to: None,
            handoff: HandoffId(1),
            epoch: OwnerEpoch(2),
        },
        evaluated,
        ended(Settlement::Claimed),
        claimed(),
    ];
    let moved = moved(&[&facts]);
    for (key, value) in [
        (
            "segue_queue_handoffs_requested_total{queue=\"general\"}",
            1.0,
        ),
        (
            "segue_queue_handoffs_settled_total{queue=\"sales\",outcome=\"claimed\"}",
            1.0,
        ),
        ("segue_queue_claim_seconds_sum{queue=\"sales\"}", 30.0),
        ("segue_reason_claim_seconds_count{reason=\"keyword\"}", 1.0),
        (
            "segue_queue_sla_evaluations_total{queue=\"sales\",clock=\"claim\",result=\"met\"}",
            1.0,
        ),
    ] {
        assert_eq!(moved[&sorted(key)], value, "{key}");
    }
}

#[test]
fn what_waited_before_the_start_is_counted_by_queue_when_it_ends() {
    let metrics = fresh();
    metrics.take_up(ID, &"sales".into(), Reason::Urgent);
    commit(&metrics, &[ended(Settlement::TimedOut)]);
    let series = series(&metrics.render(&Figures::default()));
    let key = sorted("segue_queue_handoffs_settled_total{queue=\"sales\",outcome=\"timed_out\"}");
    assert_eq!(series[&key], 1.0);
}

#[test]
fn a_request_soon_after_a_handback_is_a_reescalation_and_a_later_one_is_not() {
    let minute = 60_000;
    let check = |at: i64, agent, rule: &str, wanted: f64| {
        let metrics = fresh();
        let entry = |n, millis, fact| Entry {
            at: Timestamp::from_millis(millis),
            ..self::at(n, fact)
        };
        metrics.committed(ID, Medium::Sms, &[entry(0, 0, handed_back(agent))]);
        let mut again = requested(2, Reason::Keyword, true);
        if let Fact::HandoffRequested { rule: named, .. } = &mut again {
            rule.clone_into(named);
        }
        metrics.committed(ID, Medium::Sms, &[entry(1, at, again)]);
        let series = series(&metrics.render(&Figures::default()));
        let key = "segue_handoffs_reescalated_total{channel=\"sms\"}";
        assert_eq!(series[key], wanted, "{at} {agent} {rule}");
    };
    check(30 * minute, true, "r", 1.0);
    check(31 * minute, true, "r", 0.0);
    check(minute, false, "r", 0.0);
    check(minute, true, "lease.lapsed", 0.0);
}

fn customer_says(text: &str) -> Event {
    let inbound = Inbound {
        channel: "web".into(),
        medium: Medium::Webchat,
        from: Customer {
            address: "visitor".into(),
            name: None,
            language: Some("en".into()),
        },
        to: String::new(),
        id: text.to_owned(),
        sent_at: None,
        body: Body::Text(text.to_owned()),
    };
    Event::CustomerWrote {
        inbound,
        seen_before: false,
    }
}

/// How a conversation stands after each of two steps: the customer wrote `text`, and a minute passed.
fn standings(text: &str) -> [Standing; 2] {
    let (mut talk, policy) = (talk(), Policy::default());
    talk.decide(customer_says(text), after(0), &policy);
    let first = Standing::of(&talk);
    talk.decide(Event::DeadlinePassed, after(60), &policy);
    [first, Standing::of(&talk)]
}

/// The same a minute later, and once a person has resolved it.
fn resolved(text: &str) -> [Standing; 2] {
    let (mut talk, policy) = (talk(), Policy::default());
    talk.decide(customer_says(text), after(0), &policy);
    talk.decide(Event::DeadlinePassed, after(60), &policy);
    let open = Standing::of(&talk);
    let resolve = Event::Acted {
        agent: "ana".into(),
        role: Role::Lead,
        act: Act::Resolve {
            outcome: None,
            note: "done".into(),
        },
        key: None,
    };
    talk.decide(resolve, after(61), &policy);
    [open, Standing::of(&talk)]
}

fn after(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_000_000 + seconds * 1_000)
}

/// A conversation in which nobody has said anything yet.
fn talk() -> Conversation {
    let policy = Policy::default();
    let queue = policy.default_queue.clone();
    let customer = Customer {
        address: "visitor".into(),
        name: None,
        language: Some("en".into()),
    };
    Conversation::new(
        ID,
        "web".into(),
        Medium::Webchat,
        customer,
        String::new(),
        queue,
    )
}

#[test]
fn what_is_owed_is_shown_with_its_age_until_it_is_owed_no_more() {
    let metrics = fresh();
    let [owes, _] = standings("I want to talk to a human");
    assert!(owes.owes());
    metrics.stands(ID, Medium::Webchat, Standing::default(), owes);
    let now = Timestamp::from_millis(1_007_000);
    let wanted = OutboxFigure {
        medium: Medium::Webchat,
        depth: 1,
        in_doubt: 0,
        parked: 0,
        oldest: Duration::from_secs(7),
    };
    assert_eq!(metrics.outbox(now), [wanted]);
    metrics.stands(ID, Medium::Webchat, owes, Standing::default());
    assert_eq!(metrics.outbox(now), []);
}

#[test]
fn the_ai_gets_involved_once_in_an_episode() {
    let metrics = fresh();
    let [gathered, asked] = standings("What are your opening hours?");
    metrics.stands(ID, Medium::Webchat, Standing::default(), gathered);
    metrics.stands(ID, Medium::Webchat, gathered, asked);
    metrics.stands(ID, Medium::Webchat, asked, asked);
    let series = series(&metrics.render(&Figures::default()));
    let key = "segue_conversations_ai_involved_total{channel=\"webchat\"}";
    assert_eq!(series[key], 1.0);
}

#[test]
fn an_episode_of_the_ai_is_contained_once_and_only_without_a_handoff() {
    let check = |text: &str, expected: f64| {
        let metrics = fresh();
        let [open, over] = resolved(text);
        metrics.stands(ID, Medium::Webchat, Standing::default(), open);
        metrics.stands(ID, Medium::Webchat, open, over);
        metrics.stands(ID, Medium::Webchat, over, over);
        let series = series(&metrics.render(&Figures::default()));
        let key = "segue_conversations_contained_total{channel=\"webchat\"}";
        assert_eq!(series[key], expected, "{text}");
    };
    check("What are your opening hours?", 1.0);
    check("I want to talk to a human", 0.0);
}

#[test]
fn the_busiest_second_counts_what_customers_write_and_nothing_else() {
    let metrics = fresh();
    let wrote = |body: Body| Fact::CustomerWrote {
        id: "m".to_owned(),
        body,
        owner: ModeName::Ai,
    };
    let receipt = settled(Class::Ai, MessageState::Delivered, "", None);
    for n in 0..3 {
        let entry = Entry {
            at: after(7) + Duration::from_millis(300 * n),
            ..at(n, wrote(Body::Text("hello".to_owned())))
        };
        metrics.committed(ID, Medium::Sms, &[entry]);
        let entry = Entry {
            at: after(7),
            ..at(n, receipt.clone())
        };
        metrics.committed(ID, Medium::Sms, &[entry]);
    }
    assert_eq!(metrics.messages_peak(after(8)), 3);
    assert_eq!(metrics.messages_peak(after(66)), 3);
    assert_eq!(metrics.messages_peak(after(67)), 0);
}

/// What is owed on one medium, none of it zero.
fn full_outbox() -> OutboxFigure {
    OutboxFigure {
        medium: Medium::Sms,
        depth: 1,
        in_doubt: 1,
        parked: 1,
        oldest: Duration::from_secs(1),
    }
}

/// Figures of which none is zero.
fn full_figures() -> Figures {
    let second = Duration::from_secs(1);
    Figures {
        conversations: ByMode {
            ai: 1,
            waiting: 1,
            human: 1,
        },
        ghosts_current: 1,
        ledger_imbalance: Some(1),
        queues: vec![QueueFigure {
            queue: "sales".into(),
            waiting: 1,
            oldest: second,
            open: true,
        }],
        agents: vec![("sales".into(), AgentState::Busy, 1)],
        slots: Some(vec![("sales".into(), SlotState::Free, 1)]),
        actors_resident: 1,
        mailbox_queued: 1,
        mailbox_depth_max: 1,
        waiting_without_deadline: 1,
        admission: AdmissionFigure {
            used: 1,
            free: 1,
            waiting: 1,
        },
        parked: ParkedFigure {
            count: 1,
            oldest: second,
        },
        circuits: CircuitsFigure {
            open: 1,
            half_open: 1,
            opens: 1,
        },
        chat_sockets: 1,
        messages_peak: 1,
        ai_off: [1; 3],
        log_lines: [1; 2],
        spans: SpansFigure {
            exported: 1,
            lost: [1; 2],
        },
        journal_pending_events: 1,
        journal_bytes: 1,
        tail_bytes: 1,
        state_lag_turns: 1,
        state_lag: second,
        state_bytes: 1,
        disk_free_bytes: Some(1),
        tokio: Some(TokioFigure {
            workers: 1,
            tasks: 1,
            queued: 1,
            busy: 0.5,
        }),
        outbox: Some(vec![full_outbox()]),
        recovery: RecoveryFigure {
            took: second,
            events: 1,
            conversations: 1,
            parked: 1,
        },
        ready: true,
    }
}

/// What moves a family only in a certain state or company.
fn in_company() -> Vec<Vec<Fact>> {
    let ack = settled(Class::Ack, MessageState::Sent, "", None);
    let left = ended(Settlement::Abandoned);
    let request = requested(2, Reason::Keyword, true);
    let after_hours = Fact::SystemWrote {
        effect: EffectId(1),
        class: Class::AfterHours,
        text: "t".into(),
        choices: vec![],
    };
    let state = |state, code| settled(Class::Ai, state, code, None);
    vec![
        vec![ack, left, after_hours],
        vec![handed_back(true)],
        vec![request.clone(), transferred(2)],
        vec![requested(3, Reason::Keyword, true)],
        vec![offered(Some("ana")), ended(Settlement::Claimed), claimed()],
        vec![state(MessageState::Sent, "")],
        vec![
            state(MessageState::Delivered, ""),
            state(MessageState::Read, ""),
        ],
        vec![
            state(MessageState::Failed, "x"),
            state(MessageState::InDoubt, "unknown"),
        ],
        vec![state(MessageState::Suppressed, "ownership")],
        vec![Fact::SlaEvaluated {
            clock: SlaClock::FirstResponse,
            met: true,
        }],
        vec![Fact::Claimed {
            held_ms: 1,
            agent: "bo".into(),
            handoff: None,
            epoch: OwnerEpoch(4),
            from: Some("ana".into()),
            in_flight: Vec::new(),
        }],
        vec![Fact::HandoffRequested {
            handoff: HandoffId(9),
            reason: Reason::Keyword,
            rule: "lease.lapsed".into(),
            matched: String::new(),
            queue: "general".into(),
            repeat: true,
            deadline: Timestamp::ZERO,
            since_open_ms: 1,
        }],
        vec![answered("mystery")],
    ]
}

#[test]
fn every_family_is_moved_by_something() {
    let metrics = fresh();
    for (fact, _) in table() {
        commit(&metrics, &[fact]);
    }
    for facts in in_company() {
        commit(&metrics, &facts);
    }
    tell(&metrics);
    let _under_way = metrics.ai_inflight("openai");
    let [gathered, asked] = standings("What are your opening hours?");
    metrics.stands(ID, Medium::Webchat, gathered, asked);
    let [_, over] = resolved("What are your opening hours?");
    metrics.stands(ID, Medium::Webchat, asked, over);
    let text = metrics.render(&full_figures());
    let moved: BTreeSet<String> = series(&text)
        .into_iter()
        .filter(|(key, value)| *value != 0.0 && !key.contains("_bucket"))
        .map(|(key, _)| key.split('{').next().unwrap_or_default().to_owned())
        .collect();
    let still: Vec<&str> = FAMILIES
        .iter()
        .chain(ON_SIGHT)
        .filter(|family| match family.kind {
            Kind::Counter | Kind::Gauge => !moved.contains(family.name),
            Kind::Histogram(_) => !moved.contains(&format!("{}_count", family.name)),
        })
        .map(|family| family.name)
        .collect();
    assert!(still.is_empty(), "nothing moves {still:?}");
}

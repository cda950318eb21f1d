//! What no trail tells, the figures set at every scrape, and whether every family is moved by something.

use std::collections::BTreeSet;
use std::time::Duration;

use segue::clock::Timestamp;
use segue::conversation::message::{Medium, ReportState};
use segue::conversation::trail::Fact;
use segue::conversation::words::{Class, MessageState, Reason, Settlement, SlaClock};
use segue::ids::{EffectId, HandoffId, OwnerEpoch};
use segue::metrics::{
    AdmissionFigure, AgentState, ByMode, CircuitsFigure, CommitFault, FAMILIES, Figures, Kind,
    MailboxRefusal, Metrics, ON_SIGHT, OutboxFigure, ParkCause, ParkedFigure, Passivation,
    QueueFigure, RateLimit, RecoveryFigure, Reloaded, SlotState, Source, SpansFigure, TokioFigure,
    WebhookRefusal,
};

use crate::facts::table;
use crate::says::{
    answered, claimed, ended, handed_back, offered, requested, settled, transferred,
};
use crate::standing::{resolved, standings};
use crate::{ID, commit, fresh, series, sorted};

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

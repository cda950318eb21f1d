//! Every fact against the families it moves alone; a new fact does not compile until it is placed here.

use std::collections::BTreeSet;

use segue::clock::Timestamp;
use segue::conversation::message::{Body, Customer};
use segue::conversation::trail::{CancelCause, Fact, GhostCause};
use segue::conversation::words::{
    By, Class, MessageState, ModeName, ModelFault, Outcome, Reason, Settlement, SlaClock, Verdict,
};
use segue::ids::{AskId, EffectId, HandoffId};

use crate::moved;
use crate::says::{
    USAGE, answered, claimed, failed, handed_back, lapsed, opened, requested, settled, transferred,
};

/// What one fact of each kind moves, by itself unless it counts only in company.
#[expect(
    clippy::too_many_lines,
    reason = "one line or two for each fact: a table"
)]
pub fn table() -> Vec<(Fact, Vec<&'static str>)> {
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
        (transferred(1), vec![]), // alone it waited already; after a claim: see `handoffs`
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
                "decided only; counted when the provider takes it, after hours at once: see `messages`",
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
            Some(
                "counted by the settlement beside it; without one it is a takeover: see `handoffs`",
            ),
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

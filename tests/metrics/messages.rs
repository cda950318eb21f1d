//! Messages and the AI's share in figures: what became of each message, which model, which fallback, which denominator.

use segue::clock::Timestamp;
use segue::conversation::message::FailureCause;
use segue::conversation::trail::Fact;
use segue::conversation::words::{By, Class, MessageState, ModelFault, Reason};
use segue::ids::{EffectId, HandoffId};

use crate::says::{answered, claimed, failed, opened, requested, settled, transferred};
use crate::{check_moves, moved, sorted};

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

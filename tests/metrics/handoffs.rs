//! Handoffs in figures: requests and repeats, offers, claims, transfers, lapses, and how long each took.

use std::collections::BTreeMap;

use segue::clock::Timestamp;
use segue::conversation::message::Medium;
use segue::conversation::trail::{Entry, Fact};
use segue::conversation::words::{Reason, Settlement, SlaClock};
use segue::ids::{HandoffId, OwnerEpoch};
use segue::metrics::Figures;

use crate::says::{claimed, ended, handed_back, lapsed, offered, requested, transferred};
use crate::{ID, at, check_moves, commit, fresh, moved, series, sorted};

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

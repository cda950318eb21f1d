//! A trail entry as the API shows it: `n`, `at`, `kind`, and what belongs to the kind.
//!
//! Kinds are the facts' names in snake_case. They are a contract: they are added to, never renamed.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::causes::{cancel_cause, failure_cause, ghost_cause};
use super::pieces::{self, attachments, edit};
use crate::conversation::Conversation;
use crate::conversation::trail::{Entry, Fact};
use crate::conversation::words::MessageState;
use crate::ids::EffectId;

/// Where messages stand, as far as is known: from the head, and from what the trail says of them.
#[derive(Default)]
pub struct States(BTreeMap<EffectId, Standing>);

struct Standing {
    state: MessageState,
    code: String,
}

impl States {
    /// Learns from entries, the later ones last; the head knows best.
    pub fn of<'a>(
        entries: impl IntoIterator<Item = &'a Entry>,
        head: Option<&Conversation>,
    ) -> Self {
        let mut states = BTreeMap::new();
        for entry in entries {
            if let Fact::Settled {
                effect,
                state,
                code,
                ..
            } = &entry.fact
            {
                states.insert(
                    *effect,
                    Standing {
                        state: *state,
                        code: code.clone(),
                    },
                );
            } else if let (Some(effect), Some(head)) = (effect_of(&entry.fact), head)
                && let Some(state) = head.common().outbox.state_of(effect)
            {
                states.entry(effect).or_insert(Standing {
                    state,
                    code: String::new(),
                });
            }
        }
        Self(states)
    }
}

/// The message an entry is the text of.
pub fn effect_of(fact: &Fact) -> Option<EffectId> {
    if let Fact::AiWrote { effect, .. }
    | Fact::HumanWrote { effect, .. }
    | Fact::SystemWrote { effect, .. } = fact
    {
        Some(*effect)
    } else {
        None
    }
}

/// The entry as JSON.
pub fn show(entry: &Entry, states: &States) -> Value {
    let (kind, said) = fact(&entry.fact);
    debug_assert_eq!(kind, entry.fact.name(), "one name for the same thing");
    let mut shown = Map::new();
    shown.insert("n".into(), json!(entry.n));
    shown.insert("at".into(), json!(entry.at.rfc3339()));
    shown.insert("kind".into(), json!(kind));
    if let Value::Object(said) = said {
        shown.extend(said);
    }
    if let Some(standing) = effect_of(&entry.fact).and_then(|effect| states.0.get(&effect)) {
        shown.insert("state".into(), json!(standing.state));
        if !standing.code.is_empty() {
            shown.insert("code".into(), json!(standing.code));
        }
    }
    Value::Object(shown)
}

/// The word for a fact's kind.
pub fn kind(of: &Fact) -> &'static str {
    fact(of).0
}

#[expect(clippy::too_many_lines, reason = "a table: one arm for each fact")]
fn fact(fact: &Fact) -> (&'static str, Value) {
    match fact {
        Fact::Opened {
            episode,
            by,
            reopened,
        } => (
            "opened",
            json!({"episode": episode, "by": by, "reopened": reopened}),
        ),
        Fact::CustomerWrote { id, body, owner } => (
            "customer_wrote",
            json!({"message_id": id, "text": body.text(), "body": pieces::body(body), "owner": owner}),
        ),
        Fact::AiWrote {
            effect,
            ask,
            text,
            sources,
            partial,
        } => (
            "ai_wrote",
            json!({"message": text_id(*effect), "ask": ask.to_string(), "text": text,
                   "sources": pieces::sources(sources), "partial": partial}),
        ),
        Fact::HumanWrote {
            effect,
            agent,
            text,
            first_response_ms,
            reply_ms,
        } => (
            "human_wrote",
            json!({"message": text_id(*effect), "agent": agent, "text": text,
                   "first_response_ms": first_response_ms, "reply_ms": reply_ms}),
        ),
        Fact::SystemWrote {
            effect,
            class,
            text,
            choices,
        } => {
            let choices: Vec<_> = choices
                .iter()
                .map(|(id, title)| json!({"id": id, "title": title}))
                .collect();
            (
                "system_wrote",
                json!({"message": text_id(*effect), "class": class, "text": text, "choices": choices}),
            )
        }
        Fact::NoteWritten { agent, text } => {
            ("note_written", json!({"agent": agent, "text": text}))
        }
        Fact::ModelAsked { ask, messages } => (
            "model_asked",
            json!({"ask": ask.to_string(), "messages": messages}),
        ),
        Fact::ModelAnswered {
            ask,
            model,
            usage,
            took_ms,
            tools,
            confidence,
        } => {
            let tools: Vec<_> = tools
                .iter()
                .map(|(name, of)| json!({"name": name, "arguments": of}))
                .collect();
            (
                "model_answered",
                json!({"ask": ask.to_string(), "model": model, "usage": pieces::usage(*usage), "took_ms": took_ms,
                       "tools": tools, "confidence": confidence}),
            )
        }
        Fact::ModelFailed {
            ask,
            fault,
            took_ms,
            usage,
        } => (
            "model_failed",
            json!({"ask": ask.to_string(), "fault": fault, "took_ms": took_ms, "usage": pieces::usage(*usage)}),
        ),
        Fact::AskCancelled { ask, cause } => (
            "ask_cancelled",
            json!({"ask": ask.to_string(), "cause": cancel_cause(*cause)}),
        ),
        Fact::DraftKept { ask, text, usage } => (
            "draft_kept",
            json!({"ask": ask.to_string(), "text": text, "usage": pieces::usage(*usage)}),
        ),
        Fact::HandoffRequested {
            handoff,
            reason,
            rule,
            matched,
            queue,
            repeat,
            deadline,
            since_open_ms,
        } => (
            "handoff_requested",
            json!({"handoff": handoff.to_string(), "reason": reason, "rule": rule, "matched": matched, "queue": queue,
                   "repeat": repeat, "deadline": deadline.rfc3339(), "since_open_ms": since_open_ms}),
        ),
        Fact::HandoffSettled {
            handoff,
            outcome,
            waited_ms,
        } => (
            "handoff_settled",
            json!({"handoff": handoff.to_string(), "outcome": outcome, "waited_ms": waited_ms}),
        ),
        Fact::Claimed {
            agent,
            handoff,
            epoch,
            from,
            held_ms,
            in_flight,
        } => {
            let in_flight: Vec<_> = in_flight.iter().map(|effect| text_id(*effect)).collect();
            (
                "claimed",
                json!({"agent": agent, "handoff": handoff.map(|handoff| handoff.to_string()), "owner_epoch": epoch,
                       "from": from, "held_ms": held_ms, "in_flight": in_flight}),
            )
        }
        Fact::Transferred {
            agent,
            queue,
            to,
            handoff,
            epoch,
            held_ms,
        } => (
            "transferred",
            json!({"agent": agent, "queue": queue, "to": to, "handoff": handoff.to_string(), "owner_epoch": epoch,
                   "held_ms": held_ms}),
        ),
        Fact::HandedBack {
            by,
            agent,
            note,
            epoch,
            held_ms,
        } => (
            "handed_back",
            json!({"by": by, "agent": agent, "note": note, "owner_epoch": epoch, "held_ms": held_ms}),
        ),
        Fact::AskedIfDone { agent, answer_by } => (
            "asked_if_done",
            json!({"agent": agent, "answer_by": answer_by.rfc3339()}),
        ),
        Fact::Kept { agent } => ("kept", json!({"agent": agent})),
        Fact::LeaseLapsed { agent, held_ms } => {
            ("lease_lapsed", json!({"agent": agent, "held_ms": held_ms}))
        }
        Fact::LadderStepped {
            handoff,
            step,
            action,
            deadline,
        } => (
            "ladder_stepped",
            json!({"handoff": handoff.to_string(), "step": step, "action": action, "deadline": deadline.rfc3339()}),
        ),
        Fact::GhostDeclared { handoff, cause } => (
            "ghost_declared",
            json!({"handoff": handoff.to_string(), "cause": ghost_cause(*cause)}),
        ),
        Fact::SlaEvaluated { clock, met } => ("sla_evaluated", json!({"clock": clock, "met": met})),
        Fact::Closed {
            outcome,
            by,
            note,
            held_ms,
        } => (
            "closed",
            json!({"outcome": outcome, "by": by, "note": note, "held_ms": held_ms}),
        ),
        Fact::Settled {
            effect,
            class,
            state,
            provider_id,
            code,
            cause,
            attempts,
            after_ms,
        } => (
            "settled",
            json!({"message": text_id(*effect), "class": class, "state": state, "provider_id": provider_id,
                   "code": code, "cause": cause.map(failure_cause), "attempts": attempts, "after_ms": after_ms}),
        ),
        Fact::Reviewed {
            handoff,
            verdict,
            agent,
        } => (
            "reviewed",
            json!({"handoff": handoff.map(|handoff| handoff.to_string()), "verdict": verdict, "agent": agent}),
        ),
        Fact::Edited { agent, change } => {
            ("edited", json!({"agent": agent, "change": edit(change)}))
        }
        Fact::EventParked { event, parked } => (
            "event_parked",
            json!({"event": event, "parked": parked.to_string()}),
        ),
        Fact::CustomerChanged { customer } => (
            "customer_changed",
            json!({"address": customer.address, "name": customer.name, "language": customer.language}),
        ),
        Fact::RuleFired {
            rule,
            reason,
            matched,
            language,
            action,
            observed,
        } => (
            "rule_fired",
            json!({"rule": rule, "reason": reason, "matched": matched, "language": language,
                   "action": action, "observed": observed}),
        ),
        Fact::OfferMade {
            rule,
            reason,
            matched,
            language,
            queue,
            priority,
            effect,
        } => (
            "offer_made",
            json!({"rule": rule, "reason": reason, "matched": matched, "language": language,
                   "queue": queue, "priority": priority, "message": text_id(*effect)}),
        ),
        Fact::OfferAnswered {
            accepted,
            rule,
            matched,
        } => (
            "offer_answered",
            json!({"accepted": accepted, "rule": rule, "matched": matched}),
        ),
        Fact::FilesAdded { effect, files } => (
            "files_added",
            json!({"message": text_id(*effect), "attachments": attachments(files)}),
        ),
        Fact::ApprovalAsked {
            agent,
            question,
            amount,
        } => (
            "approval_asked",
            json!({"agent": agent, "question": question, "amount": amount}),
        ),
        Fact::ApprovalDecided {
            approval,
            agent,
            approved,
            note,
            question,
        } => (
            "approval_decided",
            json!({"approval": approval.to_string(), "agent": agent, "approved": approved, "note": note,
                   "question": question}),
        ),
    }
}

fn text_id(effect: EffectId) -> String {
    effect.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::conversation::words::Class;

    fn entry(n: u64, fact: Fact) -> Entry {
        Entry {
            n,
            at: Timestamp::from_millis(1_795_000_000_123),
            policy: 1,
            rules: 1,
            fact,
        }
    }

    #[test]
    fn a_message_shows_where_it_stands_now() {
        let wrote = Fact::HumanWrote {
            effect: EffectId(4),
            agent: "Ana".into(),
            text: "hello".into(),
            first_response_ms: Some(12),
            reply_ms: None,
        };
        let settled = |state, code: &str| Fact::Settled {
            effect: EffectId(4),
            class: Class::Human,
            state,
            provider_id: "SM1".into(),
            code: code.into(),
            cause: None,
            attempts: 1,
            after_ms: 5,
        };
        let wrote = entry(3, wrote);
        let later = [
            entry(4, settled(MessageState::Sent, "")),
            entry(5, settled(MessageState::Failed, "63016")),
        ];
        let shown = show(
            &wrote,
            &States::of(std::iter::once(&wrote).chain(&later), None),
        );
        assert_eq!(
            shown,
            json!({"n": 3, "at": "2026-11-18T11:06:40.123Z", "kind": "human_wrote", "message": "4", "agent": "Ana",
                   "text": "hello", "first_response_ms": 12, "reply_ms": null, "state": "failed", "code": "63016"})
        );
        assert!(show(&wrote, &States::default()).get("state").is_none());
    }
}

//! What the counters should say, counted from the trails alone and by other means: each conversation is read from its
//! first entry to its last, with whatever one has to remember of it. Knows nothing of how Segue counts.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use segue::clock::Timestamp;
use segue::conversation::Conversation;
use segue::conversation::message::{Body, FailureCause};
use segue::conversation::trail::{Entry, Fact};
use segue::conversation::words::{By, Class, MessageState, Settlement};
use segue::store::{Observer, Options, Position, Store, Turn};

use super::scrape::sorted;

/// Series and their values.
pub struct Truth(BTreeMap<String, f64>);

struct Nobody;

impl Observer for Nobody {
    fn committed(&self, _: Position, _: &[Arc<Turn>]) {}
}

impl Truth {
    /// Of everything in a data directory that nobody uses.
    pub fn of(data: &Path) -> Self {
        let options = Options {
            apply: false,
            free_bytes_min: 0,
            cache_mb: 32,
            ..Options::default()
        };
        let (store, _) = Store::open(data, options, Arc::new(Nobody)).expect("it opens");
        let mut truth = Self(BTreeMap::new());
        let mut after = None;
        loop {
            let ids = store.conversations(after, 1_000).expect("readable");
            let Some(last) = ids.last() else {
                return truth;
            };
            after = Some(*last);
            for id in ids {
                let loaded = store.load(id, 0).expect("readable").expect("it is there");
                let head = Conversation::decode(&loaded.head).expect("a head");
                let trail = store.trail(id, 0, usize::MAX).expect("readable");
                assert_eq!(
                    trail.last().map(|last| last.n + 1),
                    Some(trail.len() as u64)
                );
                let told = Told {
                    channel: head.common().medium.as_str(),
                    truth: &mut truth,
                    queue: String::new(),
                    reason: String::new(),
                    with_people: false,
                    asked: false,
                    handed_off: false,
                    came_back: None,
                };
                told.all(&trail);
            }
        }
    }

    /// What a series should say.
    pub fn get(&self, key: &str) -> f64 {
        self.0.get(key).copied().unwrap_or(0.0)
    }

    fn add(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let labels: Vec<String> = labels
            .iter()
            .map(|(label, value)| format!("{label}=\"{value}\""))
            .collect();
        let key = sorted(&format!("{name}{{{}}}", labels.join(",")));
        *self.0.entry(key).or_default() += value;
    }
}

/// One conversation, and what has to be remembered of it.
struct Told<'a> {
    channel: &'static str,
    truth: &'a mut Truth,
    queue: String,
    reason: String,
    with_people: bool,
    asked: bool,
    handed_off: bool,
    came_back: Option<Timestamp>,
}

impl Told<'_> {
    fn all(mut self, trail: &[Entry]) {
        for (at, entry) in trail.iter().enumerate() {
            let step: Vec<&Fact> = trail
                .iter()
                .filter(|other| other.at == entry.at)
                .map(|other| &other.fact)
                .collect();
            let before: Vec<&Fact> = trail[..at]
                .iter()
                .filter(|other| other.at == entry.at)
                .map(|other| &other.fact)
                .collect();
            self.talk(entry, &step);
            self.handoff(entry);
            self.deadline(entry);
            self.person(entry, &before);
            self.message(entry);
        }
    }

    fn one(&mut self, name: &str, labels: &[(&str, &str)]) {
        let labels = [&[("channel", self.channel)], labels].concat();
        self.truth.add(name, &labels, 1.0);
    }

    fn time(&mut self, name: &str, labels: &[(&str, &str)], millis: u64) {
        let seconds = std::time::Duration::from_millis(millis).as_secs_f64();
        self.truth.add(&format!("{name}_count"), labels, 1.0);
        self.truth.add(&format!("{name}_sum"), labels, seconds);
    }

    fn timed(&mut self, name: &str, millis: u64) {
        let channel = self.channel;
        self.time(name, &[("channel", channel)], millis);
    }

    fn talk(&mut self, entry: &Entry, step: &[&Fact]) {
        if let Fact::Opened { by, reopened, .. } = &entry.fact {
            (self.asked, self.handed_off) = (false, false);
            if *by == By::Agent {
                return;
            }
            self.one("segue_conversations_opened_total", &[]);
            let off = |fact: &&&Fact| matches!(fact, Fact::HandoffRequested { rule, .. } if rule == "ai.off");
            if step.iter().find(off).is_none() {
                self.one("segue_conversations_eligible_total", &[]);
            }
            if *reopened && *by == By::Customer {
                self.one("segue_conversations_reopened_total", &[]);
            }
        } else if let Fact::ModelAsked { .. } = &entry.fact {
            if !self.asked {
                self.one("segue_conversations_ai_involved_total", &[]);
            }
            self.asked = true;
        } else if let Fact::ModelAnswered {
            model,
            usage,
            took_ms,
            ..
        } = &entry.fact
        {
            let of = [("provider", "offline"), ("model", model.as_str())];
            let ok = [&of[..], &[("outcome", "ok")]].concat();
            self.time("segue_ai_request_seconds", &ok, *took_ms);
            for (kind, n) in [("input", usage.input), ("output", usage.output)] {
                let labels = [&of[..], &[("kind", kind)]].concat();
                self.truth.add("segue_ai_tokens_total", &labels, n as f64);
            }
        } else if let Fact::AskCancelled { cause, .. } = &entry.fact {
            use segue::conversation::trail::CancelCause;
            let cause = match cause {
                CancelCause::Superseded => "superseded",
                CancelCause::Ownership | CancelCause::Handoff => "ownership",
                CancelCause::Closed => "stale_epoch",
            };
            let labels = [("cause", cause)];
            self.truth
                .add("segue_ai_replies_suppressed_total", &labels, 1.0);
        } else if let Fact::OfferMade { .. } = &entry.fact {
            self.one("segue_offers_made_total", &[]);
        } else if let Fact::OfferAnswered { accepted, .. } = &entry.fact {
            let answer = if *accepted { "accepted" } else { "refused" };
            self.one("segue_offers_answered_total", &[("answer", answer)]);
        } else if let Fact::Closed {
            outcome, held_ms, ..
        } = &entry.fact
        {
            self.one(
                "segue_conversations_closed_total",
                &[("outcome", outcome.as_str())],
            );
            if self.asked && !self.handed_off {
                self.one("segue_conversations_contained_total", &[]);
            }
            if let Some(held) = held_ms {
                self.timed("segue_handoff_handle_seconds", *held);
            }
            self.with_people = false;
            self.came_back = None;
        }
    }

    fn handoff(&mut self, entry: &Entry) {
        if let Fact::HandoffRequested {
            reason,
            rule,
            queue,
            repeat,
            since_open_ms,
            ..
        } = &entry.fact
        {
            self.handed_off = true;
            let attempt = if *repeat { "repeat" } else { "first" };
            let labels = [("reason", reason.as_str()), ("attempt", attempt)];
            self.one("segue_handoffs_requested_total", &labels);
            if !repeat {
                self.timed("segue_handoff_time_to_request_seconds", *since_open_ms);
            }
            let goes_on = ["lease.lapsed", "agent.transfer", "agent.revoked"];
            if goes_on.contains(&rule.as_str()) {
                self.one("segue_handoffs_passed_on_total", &[]);
                if rule == "agent.transfer" {
                    self.one("segue_handoffs_transferred_total", &[]);
                }
            } else {
                if !repeat && rule != "ai.off" {
                    self.one("segue_conversations_handed_off_total", &[]);
                }
                let back = self.came_back.take();
                if back.is_some_and(|at| entry.at.since(at).as_secs() <= 1_800) {
                    self.one("segue_handoffs_reescalated_total", &[]);
                }
            }
            queue.as_str().clone_into(&mut self.queue);
            reason.as_str().clone_into(&mut self.reason);
            self.with_people = true;
            let queue = self.queue.clone();
            let labels = [("queue", queue.as_str())];
            self.truth
                .add("segue_queue_handoffs_requested_total", &labels, 1.0);
        } else if let Fact::HandoffSettled {
            outcome, waited_ms, ..
        } = &entry.fact
        {
            self.handoff_settled(*outcome, *waited_ms);
        }
    }

    fn handoff_settled(&mut self, outcome: Settlement, waited_ms: u64) {
        let (queue, reason) = (self.queue.clone(), self.reason.clone());
        let outcome_label = ("outcome", outcome.as_str());
        self.one("segue_handoffs_settled_total", &[outcome_label]);
        let labels = [("queue", queue.as_str()), outcome_label];
        self.truth
            .add("segue_queue_handoffs_settled_total", &labels, 1.0);
        if outcome == Settlement::Claimed {
            self.timed("segue_handoff_claim_seconds", waited_ms);
            let labels = [("queue", queue.as_str())];
            self.time("segue_queue_claim_seconds", &labels, waited_ms);
            let labels = [("reason", reason.as_str())];
            self.time("segue_reason_claim_seconds", &labels, waited_ms);
        } else if outcome == Settlement::Abandoned {
            self.timed("segue_handoff_abandon_seconds", waited_ms);
        }
    }

    fn deadline(&mut self, entry: &Entry) {
        if let Fact::LadderStepped { action, .. } = &entry.fact {
            self.one("segue_ladder_steps_total", &[("action", action.as_str())]);
        } else if let Fact::GhostDeclared { cause, .. } = &entry.fact {
            use segue::conversation::trail::GhostCause;
            let cause = match cause {
                GhostCause::NeverClaimed => "never_claimed",
                GhostCause::ClaimedSilent => "claimed_silent",
                GhostCause::RoutingFailed => "routing_failed",
            };
            self.one("segue_handoff_ghosts_total", &[("cause", cause)]);
        } else if let Fact::SlaEvaluated { clock, met } = &entry.fact {
            let result = if *met { "met" } else { "breached" };
            let labels = [("clock", clock.as_str()), ("result", result)];
            self.one("segue_sla_evaluations_total", &labels);
            if self.with_people {
                let queue = self.queue.clone();
                let labels = [&labels[..], &[("queue", queue.as_str())]].concat();
                self.truth
                    .add("segue_queue_sla_evaluations_total", &labels, 1.0);
            }
        }
    }

    fn person(&mut self, entry: &Entry, before: &[&Fact]) {
        if let Fact::Claimed {
            handoff,
            from,
            held_ms,
            ..
        } = &entry.fact
        {
            let taken = "segue_conversations_taken_over_total";
            match (from, handoff) {
                (Some(_), _) => {
                    self.one(taken, &[("kind", "forced")]);
                    self.timed("segue_handoff_handle_seconds", *held_ms);
                }
                (None, None) => self.one(taken, &[("kind", "unasked")]),
                (None, Some(_)) => {}
            }
        } else if let Fact::Transferred { queue, held_ms, .. } = &entry.fact {
            queue.as_str().clone_into(&mut self.queue);
            if let Some(held) = held_ms {
                self.timed("segue_handoff_handle_seconds", *held);
            }
        } else if let Fact::HandedBack {
            by, agent, held_ms, ..
        } = &entry.fact
        {
            self.one("segue_handoffs_handed_back_total", &[("by", by.as_str())]);
            let lapsed = before
                .iter()
                .any(|fact| matches!(fact, Fact::LeaseLapsed { .. }));
            if agent.is_some() {
                self.came_back = Some(entry.at);
                if !lapsed {
                    self.timed("segue_handoff_handle_seconds", *held_ms);
                }
            }
            self.with_people = false;
        } else if let Fact::LeaseLapsed { held_ms, .. } = &entry.fact {
            self.one("segue_lease_lapses_total", &[]);
            self.timed("segue_handoff_handle_seconds", *held_ms);
        } else if let Fact::HumanWrote {
            first_response_ms,
            reply_ms,
            ..
        } = &entry.fact
        {
            if let Some(first) = first_response_ms {
                self.timed("segue_handoff_first_response_seconds", *first);
            }
            if let Some(reply) = reply_ms {
                self.timed("segue_human_reply_seconds", *reply);
            }
        } else if let Fact::Reviewed { verdict, .. } = &entry.fact {
            let labels = [("verdict", verdict.as_str())];
            self.truth.add("segue_handoff_reviews_total", &labels, 1.0);
        }
    }

    fn message(&mut self, entry: &Entry) {
        if let Fact::CustomerWrote { body, .. } = &entry.fact {
            let kind = match body {
                Body::Text(_) => "text",
                Body::Media { .. } => "media",
                Body::Choice { .. } => "interactive",
                Body::Location { .. } | Body::Unknown(_) => "other",
            };
            self.one("segue_messages_inbound_total", &[("kind", kind)]);
        } else if let Fact::SystemWrote {
            class: Class::AfterHours,
            ..
        } = &entry.fact
        {
            self.one("segue_contacts_while_closed_total", &[]);
        } else if let Fact::Settled {
            class,
            state,
            cause,
            after_ms,
            code,
            ..
        } = &entry.fact
        {
            self.settled(*class, *state, (code, *cause), *after_ms);
        }
    }

    fn settled(
        &mut self,
        class: Class,
        state: MessageState,
        (code, cause): (&str, Option<FailureCause>),
        after_ms: u64,
    ) {
        match state {
            MessageState::Sent => {
                let sender = match class {
                    Class::Ai => "ai",
                    Class::Human => "human",
                    Class::Ack
                    | Class::Progress
                    | Class::Reminder
                    | Class::Survey
                    | Class::Error
                    | Class::AfterHours
                    | Class::System => "system",
                };
                self.one("segue_messages_outbound_total", &[("sender", sender)]);
                if class == Class::Ack {
                    self.timed("segue_handoff_ack_seconds", after_ms);
                }
            }
            MessageState::Failed => {
                let cause = cause.unwrap_or(FailureCause::Other);
                self.one(
                    "segue_delivery_failures_total",
                    &[("cause", cause.as_str())],
                );
            }
            MessageState::Suppressed => {
                let labels = [("class", class.as_str())];
                self.truth
                    .add("segue_messages_suppressed_total", &labels, 1.0);
                let known = ["ownership", "stale_epoch", "superseded"];
                if class == Class::Ai && known.contains(&code) {
                    let labels = [("cause", code)];
                    self.truth
                        .add("segue_ai_replies_suppressed_total", &labels, 1.0);
                }
            }
            MessageState::InDoubt => {
                let outcome = match code {
                    "repeated" | "stream_lost" => code,
                    _ => "given_up",
                };
                self.one("segue_sends_in_doubt_total", &[("outcome", outcome)]);
                if let Some(cause) = cause {
                    self.one(
                        "segue_delivery_failures_total",
                        &[("cause", cause.as_str())],
                    );
                }
            }
            MessageState::Delivered => self.one("segue_messages_delivered_total", &[]),
            MessageState::Read => self.one("segue_messages_read_total", &[]),
            MessageState::Pending | MessageState::InFlight | MessageState::Parked => {}
        }
    }
}

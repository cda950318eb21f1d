//! The question to the model: the burst it waits for, the call that is out, the answer that comes of it.
//!
//! Shared by the AI mode and by queues where the AI keeps the customer company while they wait. A question overtaken
//! by anything is withdrawn: its late answer is refused by its number and kept as a private draft.

use serde::{Deserialize, Serialize};

use super::common::Cx;
use super::decision::Perform;
use super::handoff::Trigger;
use super::hearing::Judged;
use super::outbox::{Owed, OwedState};
use super::question::{ModelAnswer, ModelFailure, ModelVerdict};
use super::streamed::{Written, close_stream};
use super::texts::{TextArgs, TextKey};
use super::trail::{CancelCause, Fact, Usage};
use super::words::{Class, ModeName, ModelFault, Reason};
use crate::clock::Timestamp;
use crate::ids::{AskId, EffectId, HandoffId};
use crate::triage::Assessment;

/// What is being asked, if anything.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Asking {
    burst: Option<Burst>,
    ask: Option<Ask>,
}

/// Customer messages in quick succession: answered once, after a short quiet.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Burst {
    since: Timestamp,
    ready_at: Timestamp,
    messages: u32,
}

/// A question that is out.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Ask {
    id: AskId,
    messages: u32,
    asked_at: Timestamp,
    /// When to tell the customer that it takes a while; none once told.
    soft_at: Option<Timestamp>,
    gives_up_at: Timestamp,
    /// The send it streams into.
    stream: Option<EffectId>,
}

/// What came of an answer.
pub(super) enum Upshot {
    /// Nothing that changes the mode.
    Settled,
    /// A person is needed.
    Person(Trigger),
    /// It was not about the question that is out.
    Stale,
}

impl Asking {
    /// The earliest moment something is due.
    pub(super) fn due(&self) -> Option<Timestamp> {
        let burst = self.burst.as_ref().map(|burst| burst.ready_at);
        let ask = self.ask.as_ref().map(|ask| {
            ask.soft_at
                .map_or(ask.gives_up_at, |soft| soft.min(ask.gives_up_at))
        });
        [burst, ask].into_iter().flatten().min()
    }

    /// The question that is out.
    pub(super) fn out(&self) -> Option<AskId> {
        self.ask.as_ref().map(|ask| ask.id)
    }

    /// Whether the question that is out is answered in a stream.
    pub(super) fn streams(&self) -> bool {
        self.ask.as_ref().is_some_and(|ask| ask.stream.is_some())
    }

    /// Whether somebody waits for an answer.
    pub(super) fn busy(&self) -> bool {
        self.burst.is_some() || self.ask.is_some()
    }

    /// The customer wrote: a question that is out has become stale; the burst grows or begins.
    pub(super) fn customer_wrote(&mut self, cx: &mut Cx<'_>) {
        let carried = self.ask.as_ref().map_or(0, |ask| ask.messages);
        self.withdraw(CancelCause::Superseded, cx);
        let limits = cx.channel().burst;
        let burst = self.burst.get_or_insert(Burst {
            since: cx.now,
            ready_at: cx.now,
            messages: carried,
        });
        burst.messages += 1;
        burst.ready_at = (cx.now + limits.quiet).min(burst.since + limits.max);
    }

    /// Withdraws whatever is out or gathering.
    pub(super) fn cancel(&mut self, cause: CancelCause, cx: &mut Cx<'_>) {
        self.burst = None;
        self.withdraw(cause, cx);
    }

    fn withdraw(&mut self, cause: CancelCause, cx: &mut Cx<'_>) {
        let Some(ask) = self.ask.take() else { return };
        cx.note(Fact::AskCancelled { ask: ask.id, cause });
        cx.remember_cancelled(ask.id);
    }

    /// The burst is quiet, the soft limit or the hard limit has passed: whichever is due.
    pub(super) fn deadline_passed(
        &mut self,
        handoff: Option<HandoffId>,
        cx: &mut Cx<'_>,
    ) -> Upshot {
        if self
            .burst
            .as_ref()
            .is_some_and(|burst| burst.ready_at <= cx.now)
        {
            if !cx.ai_on() {
                self.burst = None;
                cx.touch();
                return Upshot::Person(Trigger::ai_off());
            }
            self.ask(cx);
        }
        let Some(ask) = &mut self.ask else {
            return Upshot::Settled;
        };
        if ask.gives_up_at <= cx.now {
            let (id, took_ms) = (ask.id, millis(ask.asked_at, cx));
            self.ask = None;
            cx.remember_cancelled(id);
            cx.note(Fact::ModelFailed {
                ask: id,
                fault: ModelFault::Timeout,
                took_ms,
                usage: Usage::default(),
            });
            return Upshot::Person(Trigger::by_rule(Reason::ModelTimeout, "model.timeout"));
        }
        if ask.soft_at.is_some_and(|soft| soft <= cx.now) {
            ask.soft_at = None;
            let streaming = ask.stream.is_some();
            if !streaming {
                cx.say(
                    Class::Progress,
                    TextKey::StillWorking,
                    TextArgs::default(),
                    handoff,
                );
            }
            cx.touch();
        }
        Upshot::Settled
    }

    fn ask(&mut self, cx: &mut Cx<'_>) {
        let Some(burst) = self.burst.take() else {
            return;
        };
        self.put(burst.messages, cx);
    }

    /// Puts a question of `messages` customer messages to the model.
    fn put(&mut self, messages: u32, cx: &mut Cx<'_>) {
        let id = cx.common.next_ask;
        cx.common.next_ask = id.next();
        cx.common.episode.ai_involved = true;
        cx.note(Fact::ModelAsked { ask: id, messages });
        let stream = (cx.channel().streams && cx.common.outbox.is_clear()).then(|| cx.effect());
        if let Some(effect) = stream {
            cx.common.outbox.owed.push_back(Owed {
                effect,
                class: Class::Ai,
                entry: None,
                ask: Some(id),
                epoch: cx.common.epoch,
                handoff: None,
                decided_at: cx.now,
                // overdue only once the question itself has been given up
                state: OwedState::InFlight {
                    since: cx.now + cx.policy.model.timeout,
                },
                attempts: 1,
                in_doubt: false,
            });
        }
        let model = &cx.policy.model;
        self.ask = Some(Ask {
            id,
            messages,
            asked_at: cx.now,
            soft_at: (model.soft_timeout < model.timeout).then(|| cx.now + model.soft_timeout),
            gives_up_at: cx.now + model.timeout,
            stream,
        });
        cx.out.perform.push(Perform::Ask { ask: id, stream });
    }

    /// Woken from disk with a question out: nobody is working on it any more, so it is put anew.
    pub(super) fn revived(&mut self, cx: &mut Cx<'_>) {
        let Some(messages) = self.ask.as_ref().map(|ask| ask.messages) else {
            return;
        };
        self.withdraw(CancelCause::Superseded, cx);
        self.gather(messages, cx);
    }

    /// Takes up `messages` customer messages that nobody has answered.
    pub(super) fn gather(&mut self, messages: u32, cx: &Cx<'_>) {
        self.burst = Some(Burst {
            since: cx.now,
            ready_at: cx.now,
            messages,
        });
    }

    /// The stream into `effect` has ended before the answer did: the whole answer will be an ordinary message.
    pub(super) fn stream_gone(&mut self, effect: EffectId) {
        if let Some(ask) = &mut self.ask
            && ask.stream == Some(effect)
        {
            ask.stream = None;
        }
    }

    /// The model answered.
    pub(super) fn answered(
        &mut self,
        id: AskId,
        answer: ModelAnswer,
        handoff: Option<HandoffId>,
        cx: &mut Cx<'_>,
    ) -> Upshot {
        if self.out() != Some(id) {
            return Upshot::Stale;
        }
        let Some(ask) = self.ask.take() else {
            return Upshot::Stale;
        };
        let assessment = Assessment::of(&answer.tools);
        let judged = cx.judge(&answer, &assessment, handoff);
        cx.note(Fact::ModelAnswered {
            ask: id,
            model: answer.model.clone(),
            usage: answer.usage,
            took_ms: answer.took_ms,
            tools: answer.tools.clone(),
            confidence: answer.confidence.or(assessment.confidence),
        });
        judged.noted.iter().for_each(|finding| cx.fired(finding));
        let escalates = escalates(&ask, &answer, &judged, cx);
        let emitted = ask.stream.is_some() && !answer.text.is_empty();
        if let Some(effect) = ask.stream {
            let written = Written {
                ask: id,
                text: answer.text,
                sources: answer.sources,
                partial: escalates.is_some(),
            };
            close_stream(effect, emitted.then_some(written), cx);
        } else if escalates.is_none() {
            let effect = cx.effect();
            let n = cx.note(Fact::AiWrote {
                effect,
                ask: id,
                text: answer.text,
                sources: answer.sources,
                partial: false,
            });
            cx.owe(effect, Class::Ai, n, handoff);
        }
        match escalates {
            Some(trigger) => Upshot::Person(trigger),
            None => {
                // Company is no answer of the person who was promised: that clock goes on.
                if handoff.is_none() {
                    cx.common.episode.waiting_since = None;
                    judged.offer.iter().for_each(|finding| cx.offer(finding));
                }
                cx.common.episode.last_word = Some(ModeName::Ai);
                Upshot::Settled
            }
        }
    }

    /// The model gave no answer.
    pub(super) fn failed(&mut self, id: AskId, failure: ModelFailure, cx: &mut Cx<'_>) -> Upshot {
        if self.out() != Some(id) {
            return Upshot::Stale;
        }
        let Some(ask) = self.ask.take() else {
            return Upshot::Stale;
        };
        cx.note(Fact::ModelFailed {
            ask: id,
            fault: failure.fault,
            took_ms: failure.took_ms,
            usage: failure.usage,
        });
        if let Some(effect) = ask.stream {
            let written = Written {
                ask: id,
                text: failure.partial,
                sources: Vec::new(),
                partial: true,
            };
            close_stream(effect, (!written.text.is_empty()).then_some(written), cx);
        }
        Upshot::Person(match failure.fault {
            ModelFault::Timeout => Trigger::by_rule(Reason::ModelTimeout, "model.timeout"),
            ModelFault::Filtered => Trigger::by_rule(Reason::Guardrail, "model.filtered"),
            ModelFault::RateLimited
            | ModelFault::Auth
            | ModelFault::BadRequest
            | ModelFault::ServerError
            | ModelFault::Cancelled => {
                Trigger::by_rule(Reason::ModelFailure, failure.fault.as_str())
            }
        })
    }
}

/// Why an answer leads to a person, if it does; what of it was not shown is kept for them.
fn escalates(ask: &Ask, answer: &ModelAnswer, judged: &Judged, cx: &mut Cx<'_>) -> Option<Trigger> {
    let kept = |cx: &mut Cx<'_>| {
        if ask.stream.is_none() {
            cx.draft(ask.id, &answer.text);
        }
    };
    match &answer.verdict {
        // switched off while it was thinking: what it says is a draft for the person
        ModelVerdict::Reply if !cx.ai_on() => {
            kept(cx);
            Some(Trigger::ai_off())
        }
        ModelVerdict::Reply if !answer.text.trim().is_empty() => {
            let finding = judged.handoff.as_ref()?;
            cx.fired(finding);
            cx.common.priority = cx.common.priority.max(finding.priority.value());
            kept(cx);
            Some(cx.policy.trigger(finding))
        }
        ModelVerdict::Reply => Some(Trigger::by_rule(Reason::NoAnswer, "model.empty")),
        ModelVerdict::Escalate { reason, summary } => {
            // the guard held a sentence back: the rule that it broke is known
            judged.handoff.iter().for_each(|finding| cx.fired(finding));
            Some(Trigger {
                reason: *reason,
                rule: judged.rule().unwrap_or("model.escalate").to_owned(),
                matched: summary.clone(),
                queue: None,
            })
        }
    }
}

impl Cx<'_> {
    /// An answer that is not sent: a draft for the person.
    fn draft(&mut self, ask: AskId, text: &str) {
        self.note(Fact::DraftKept {
            ask,
            text: text.to_owned(),
            usage: Usage::default(),
        });
    }
}

/// Milliseconds since `at`.
pub(super) fn millis(at: Timestamp, cx: &Cx<'_>) -> u64 {
    u64::try_from(cx.now.since(at).as_millis()).unwrap_or(u64::MAX)
}

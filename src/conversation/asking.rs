//! The question to the model: the burst it waits for, the call that is out, the answer that comes of it.
//!
//! Shared by the AI mode and by queues where the AI keeps the customer company while they wait. A question overtaken
//! by anything is withdrawn: its late answer is refused by its number and kept as a private draft.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::common::Cx;
use super::decision::Perform;
use super::escalating::escalates;
use super::handoff::Trigger;
use super::outbox::{Owed, OwedState};
use super::question::{ModelAnswer, ModelFailure};
use super::streamed::{Written, close_stream};
use super::texts::{TextArgs, TextKey};
use super::trail::{CancelCause, Fact, Usage};
use super::words::{Class, ModeName, ModelFault, Reason};
use super::{Conversation, Mode, undo};
use crate::clock::Timestamp;
use crate::ids::{AskId, EffectId, HandoffId};
use crate::triage::Assessment;

/// So many questions in a row may be overtaken by further messages; the next one is let finish.
const OVERTAKEN_MAX: u8 = 3;
/// Whoever has waited for so long gets the answer that is on its way, whatever they add meanwhile.
const OVERTAKEN_FOR: Duration = Duration::from_secs(20);

/// What is being asked, if anything.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Asking {
    burst: Option<Burst>,
    ask: Option<Ask>,
    /// How many questions in a row were overtaken by what the customer wrote.
    overtaken: u8,
    /// Messages that a person was offered for, in place of an answer: a no asks them after all.
    held: u32,
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

impl Conversation {
    /// How many of the customer's messages the question that is out asks.
    pub fn messages_asked(&self) -> u32 {
        match &self.mode {
            Mode::Ai(ai) => ai.asking.messages(),
            Mode::Waiting(waiting) => waiting.asking.messages(),
            Mode::Human(_) | Mode::Closed(_) => 0,
        }
    }
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
        // What was written while an answer is let finish waits for that.
        let burst = self.burst.as_ref().filter(|_| self.ask.is_none());
        let burst = burst.map(|burst| burst.ready_at);
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

    /// How many of the customer's messages the question that is out asks.
    pub(super) fn messages(&self) -> u32 {
        self.ask.as_ref().map_or(0, |ask| ask.messages)
    }

    /// The customer wrote: a question that is out has become stale, unless too many have; the burst grows or begins.
    pub(super) fn customer_wrote(&mut self, cx: &mut Cx<'_>) {
        let mut carried = 0;
        if self.ask.is_some() && !self.is_let_finish(cx) {
            carried = self.messages();
            self.overtaken += 1;
            self.withdraw(CancelCause::Superseded, cx);
        }
        self.held = 0;
        let limits = cx.channel().burst;
        let burst = self.burst.get_or_insert(Burst {
            since: cx.now,
            ready_at: cx.now,
            messages: carried,
        });
        burst.messages += 1;
        burst.ready_at = (cx.now + limits.quiet).min(burst.since + limits.max);
    }

    /// Whether the question that is out goes on beside what the customer writes: who writes faster than the model thinks
    /// is to be answered all the same.
    fn is_let_finish(&self, cx: &Cx<'_>) -> bool {
        let waited = cx.common.episode.waiting_since;
        self.overtaken >= OVERTAKEN_MAX
            || waited.is_some_and(|since| cx.now.since(since) >= OVERTAKEN_FOR)
    }

    /// Withdraws whatever is out or gathering.
    pub(super) fn cancel(&mut self, cause: CancelCause, cx: &mut Cx<'_>) {
        self.burst = None;
        self.withdraw(cause, cx);
        self.overtaken = 0;
    }

    /// A person is offered in place of an answer to what gathers.
    pub(super) fn hold(&mut self, cx: &mut Cx<'_>) {
        let gathered = self.burst.as_ref().map_or(0, |burst| burst.messages);
        self.cancel(CancelCause::Superseded, cx);
        self.held = gathered;
    }

    /// The customer wrote that they want no person: what they were offered one for is asked with it.
    pub(super) fn take_up(&mut self, cx: &mut Cx<'_>) {
        let held = self.held;
        self.customer_wrote(cx);
        if let Some(burst) = &mut self.burst {
            burst.messages += held;
        }
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
        let ready = |burst: &Burst| burst.ready_at <= cx.now;
        if self.ask.is_none() && self.burst.as_ref().is_some_and(ready) {
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
                stopped: None,
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
        let gathered = self.burst.take().map_or(0, |burst| burst.messages);
        let messages = messages + gathered;
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
        self.overtaken = 0;
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
        let escalates = escalates((id, ask.stream), &answer, &judged, cx);
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
                    // What was written meanwhile still waits.
                    undo::answered_by_ai(self.burst.as_ref().map(|one| one.since), cx);
                    let offers = judged.offer.as_ref();
                    offers.into_iter().for_each(|finding| cx.offer(finding));
                    if offers.is_none() {
                        cx.mention_person();
                    }
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

/// Milliseconds since `at`.
pub(super) fn millis(at: Timestamp, cx: &Cx<'_>) -> u64 {
    u64::try_from(cx.now.since(at).as_millis()).unwrap_or(u64::MAX)
}

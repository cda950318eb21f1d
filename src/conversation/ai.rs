//! Mode `Ai`: the model, or the offline answerer, speaks next.
//!
//! Before a token is spent, the customer's words are held against the rules: an explicit request for a person is obeyed
//! at once. A person may take over at any moment; the question that is out is withdrawn then.

use serde::{Deserialize, Serialize};

use super::Mode;
use super::asking::{Asking, Upshot};
use super::closed::{self, Ending};
use super::common::Cx;
use super::decision::{Answer, Refusal};
use super::event::Act;
use super::handoff::{self, Trigger};
use super::hearing::Verdict;
use super::human::Human;
use super::message::Inbound;
use super::texts::{TextArgs, TextKey};
use super::trail::CancelCause;
use super::words::{By, Class, ModeName, Outcome, Reason};
use crate::clock::Timestamp;
use crate::ids::AgentName;

/// The facts and deadlines of this mode.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Ai {
    pub(super) asking: Asking,
    idle_at: Timestamp,
    /// When the customer is asked whether they are still there; none: not at all, or they were.
    remind_at: Option<Timestamp>,
}

impl Ai {
    /// Begins now.
    pub(super) fn begin(cx: &Cx<'_>) -> Self {
        Self {
            asking: Asking::default(),
            idle_at: cx.now + cx.queue().idle_close,
            remind_at: reminder(cx),
        }
    }

    pub(super) fn due(&self) -> Option<Timestamp> {
        // Whoever waits for an answer is not idle, however long we were away.
        let idle = self
            .remind_at
            .map_or(self.idle_at, |at| at.min(self.idle_at));
        self.asking.due().or(Some(idle))
    }

    /// The silence of the customer begins anew.
    fn quiet_from_now(&mut self, cx: &Cx<'_>) {
        self.idle_at = cx.now + cx.queue().idle_close;
        self.remind_at = reminder(cx);
    }

    /// The customer wrote.
    pub(super) fn customer_wrote(mut self, inbound: &Inbound, cx: &mut Cx<'_>) -> Mode {
        let waiting_since = cx.common.episode.waiting_since;
        cx.customer_wrote(inbound, ModeName::Ai);
        self.quiet_from_now(cx);
        let language = cx.language();
        let window = &cx.common.window;
        let heard = cx.policy.hear(&inbound.body, language.as_deref(), window);
        heard.observed.iter().for_each(|finding| cx.fired(finding));
        if let Verdict::Handoff(finding) = &heard.verdict {
            cx.fired(finding);
        }
        if let Verdict::Accepted(offer, said) = &heard.verdict {
            cx.offer_answered(true, offer.rule(), &said.matched);
        }
        if let Some((trigger, priority)) = heard.person(cx.policy) {
            cx.common.priority = cx.common.priority.max(priority);
            return handoff::request(trigger, self.asking, cx);
        }
        if !cx.ai_on() {
            return handoff::request(Trigger::ai_off(), self.asking, cx);
        }
        match heard.verdict {
            Verdict::Offer(finding) => {
                self.asking.customer_wrote(cx);
                self.asking.hold(cx);
                cx.offer(&finding);
            }
            Verdict::Dismissed(finding) => {
                // They answered a question of ours: nobody owes them anything more than before.
                cx.fired(&finding);
                cx.common.episode.waiting_since = waiting_since;
            }
            Verdict::Declined(said) => {
                self.asking.take_up(cx);
                let rule = cx
                    .common
                    .window
                    .offer()
                    .map(|offer| offer.rule().to_owned());
                cx.offer_answered(false, &rule.unwrap_or_default(), &said.matched);
            }
            Verdict::Handoff(_) | Verdict::Accepted(..) | Verdict::Model => {
                self.asking.customer_wrote(cx);
            }
        }
        self.deadline_passed(cx)
    }

    pub(super) fn deadline_passed(mut self, cx: &mut Cx<'_>) -> Mode {
        match self.asking.deadline_passed(None, cx) {
            Upshot::Person(trigger) => return handoff::request(trigger, self.asking, cx),
            Upshot::Settled | Upshot::Stale => {}
        }
        if self.asking.busy() {
            return Mode::Ai(self);
        }
        if self.idle_at > cx.now {
            self.remind(cx);
            return Mode::Ai(self);
        }
        let answered = cx.common.episode.last_word;
        let outcome = match (cx.common.episode.waiting_since, answered) {
            (None, Some(ModeName::Human)) => Outcome::HumanResolved,
            (None, Some(ModeName::Ai | ModeName::Waiting | ModeName::Closed)) => {
                Outcome::AiResolved
            }
            (Some(_), _) | (None, None) => Outcome::AbandonedAi,
        };
        self.asking.cancel(CancelCause::Closed, cx);
        closed::close(
            Ending {
                held_ms: None,
                outcome,
                by: By::Timeout,
                note: String::new(),
            },
            cx,
        )
    }

    /// Asks whether the customer is still there, once in each silence; not where it is us who owe an answer.
    fn remind(&mut self, cx: &mut Cx<'_>) {
        if self.remind_at.take_if(|at| *at <= cx.now).is_none() {
            return;
        }
        cx.touch();
        if cx.common.episode.waiting_since.is_none() {
            let (class, key) = (Class::Reminder, TextKey::IdleReminder);
            cx.say(class, key, TextArgs::default(), None);
        }
    }

    /// What came of an answer or a failure.
    pub(super) fn upshot(self, upshot: Upshot, cx: &mut Cx<'_>) -> Mode {
        match upshot {
            Upshot::Person(trigger) => handoff::request(trigger, self.asking, cx),
            Upshot::Settled => {
                let mut ai = self;
                ai.quiet_from_now(cx);
                Mode::Ai(ai)
            }
            Upshot::Stale => Mode::Ai(self),
        }
    }

    pub(super) fn acted(mut self, agent: &AgentName, act: &Act, cx: &mut Cx<'_>) -> (Mode, Answer) {
        match act {
            Act::TakeOver { .. } => {
                self.asking.cancel(CancelCause::Ownership, cx);
                Human::take(agent, cx)
            }
            Act::Escalate { queue } => {
                if queue
                    .as_ref()
                    .is_some_and(|queue| !cx.policy.queues.contains_key(queue))
                {
                    return (Mode::Ai(self), Answer::Refused(Refusal::UnknownQueue));
                }
                let trigger = Trigger {
                    reason: Reason::Operator,
                    rule: "agent.escalate".into(),
                    matched: agent.as_str().to_owned(),
                    queue: queue.clone(),
                };
                (handoff::request(trigger, self.asking, cx), Answer::Accepted)
            }
            Act::Resolve { outcome, note } => {
                self.asking.cancel(CancelCause::Closed, cx);
                let outcome = outcome.unwrap_or(Outcome::AiResolved);
                (
                    closed::close(
                        Ending {
                            held_ms: None,
                            outcome,
                            by: By::Agent,
                            note: note.clone(),
                        },
                        cx,
                    ),
                    Answer::Accepted,
                )
            }
            Act::Claim { .. } | Act::Transfer { .. } => {
                (Mode::Ai(self), Answer::Refused(Refusal::NotWaiting))
            }
            Act::Reply { .. } | Act::SendFiles { .. } | Act::Snooze { .. } => {
                (Mode::Ai(self), Answer::Refused(Refusal::HeldByAi))
            }
            Act::HandBack { .. } | Act::Keep | Act::Typing | Act::Viewing => {
                (Mode::Ai(self), Answer::Ignored)
            }
            Act::Note { .. }
            | Act::Review { .. }
            | Act::Edit(_)
            | Act::Undo { .. }
            | Act::AskApproval { .. }
            | Act::Decide { .. } => (Mode::Ai(self), Answer::Ignored),
        }
    }
}

/// When a customer who falls silent now is asked whether they are still there, where the queue wants it.
fn reminder(cx: &Cx<'_>) -> Option<Timestamp> {
    Some(cx.now + cx.queue().remind_after?)
}

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
use super::human::Human;
use super::message::Inbound;
use super::policy::Policy;
use super::trail::CancelCause;
use super::words::{By, ModeName, Outcome, Reason};
use crate::clock::Timestamp;
use crate::ids::{AgentName, QueueName};
use crate::triage::Context;
use crate::triage::specs::Action;

/// The facts and deadlines of this mode.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Ai {
    pub(super) asking: Asking,
    idle_at: Timestamp,
}

impl Ai {
    /// Begins now.
    pub(super) fn begin(cx: &Cx<'_>) -> Self {
        Self {
            asking: Asking::default(),
            idle_at: cx.now + cx.queue().idle_close,
        }
    }

    pub(super) fn due(&self) -> Option<Timestamp> {
        // Whoever waits for an answer is not idle, however long we were away.
        self.asking.due().or(Some(self.idle_at))
    }

    /// The customer wrote.
    pub(super) fn customer_wrote(mut self, inbound: &Inbound, cx: &mut Cx<'_>) -> Mode {
        cx.customer_wrote(inbound, ModeName::Ai);
        self.idle_at = cx.now + cx.queue().idle_close;
        if let Some((trigger, priority)) = before_the_model(inbound, cx) {
            cx.common.priority = cx.common.priority.max(priority);
            return handoff::request(trigger, self.asking, cx);
        }
        self.asking.customer_wrote(cx);
        self.deadline_passed(cx)
    }

    pub(super) fn deadline_passed(mut self, cx: &mut Cx<'_>) -> Mode {
        match self.asking.deadline_passed(None, cx) {
            Upshot::Person(trigger) => return handoff::request(trigger, self.asking, cx),
            Upshot::Settled | Upshot::Stale => {}
        }
        if self.asking.busy() || self.idle_at > cx.now {
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

    /// What came of an answer or a failure.
    pub(super) fn upshot(self, upshot: Upshot, cx: &mut Cx<'_>) -> Mode {
        match upshot {
            Upshot::Person(trigger) => handoff::request(trigger, self.asking, cx),
            Upshot::Settled => {
                let idle_at = cx.now + cx.queue().idle_close;
                Mode::Ai(Self { idle_at, ..self })
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
            Act::Reply { .. } => (Mode::Ai(self), Answer::Refused(Refusal::HeldByAi)),
            Act::HandBack { .. } | Act::Keep | Act::Typing | Act::Viewing => {
                (Mode::Ai(self), Answer::Ignored)
            }
            Act::Note { .. } | Act::Review { .. } | Act::Edit(_) | Act::Undo { .. } => {
                (Mode::Ai(self), Answer::Ignored)
            }
        }
    }
}

/// What asks for a person before the model is asked, and how urgently: what the rules say, then the kill switch.
fn before_the_model(inbound: &Inbound, cx: &Cx<'_>) -> Option<(Trigger, u8)> {
    let language = cx.common.customer.language.as_deref();
    cx.policy
        .asks_for_person(inbound.body.text(), language)
        .or_else(|| (!cx.ai_on()).then(|| (Trigger::ai_off(), 0)))
}

impl Policy {
    /// Which rule, if any, hands a customer with these words over before a model is asked, and how urgently: a topic out
    /// of scope, the customer's own request, the other rules. Nothing but the rules and the words counts, so that replay
    /// can ask the same of what was said long ago.
    pub fn asks_for_person(&self, text: &str, language: Option<&str>) -> Option<(Trigger, u8)> {
        let context = Context {
            language,
            ..Context::default()
        };
        let triage = self.triage.rules().before_model(text, &context);
        let triage = triage.in_house(&self.phrases, text, language);
        let finding = triage.decision()?;
        match finding.action {
            Action::Handoff => {}
            // What is only offered leads to nothing yet.
            Action::Offer | Action::Signal => return None,
        }
        let queue = finding.queue.as_deref().map(QueueName::from);
        let trigger = Trigger {
            reason: finding.reason,
            rule: finding.rule.clone(),
            matched: finding.matched.clone(),
            queue: queue.filter(|queue| self.queues.contains_key(queue)),
        };
        Some((trigger, finding.priority.value()))
    }
}

//! Mode `Human`: the agent who claimed it speaks, and nobody else.
//!
//! Ownership is a lease: viewing, typing and sending renew it. After a silence the agent is asked "are you done?"; any
//! activity takes the question back, and no answer lets the lease lapse: back to the front of the queue, to the AI, or
//! closed, as the queue says.

use serde::{Deserialize, Serialize};

use super::Mode;
use super::ai::Ai;
use super::asking::millis;
use super::assigning::remember_lapse;
use super::closed::{self, Ending};
use super::common::Cx;
use super::decision::Answer;
use super::handoff::{self, Handoff, introduce};
use super::message::Inbound;
use super::policy::OnLapse;
use super::snooze;
use super::texts::TextKey;
use super::trail::{Fact, GhostCause};
use super::undo;
use super::waiting::Waiting;
use super::words::{By, HandbackPolicy, ModeName, Outcome, Reason, SlaClock};
use crate::clock::Timestamp;
use crate::ids::AgentName;

/// The facts and deadlines of this mode.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Human {
    pub(super) agent: AgentName,
    /// The handoff they answered; none when they took over unasked.
    pub(super) handoff: Option<Handoff>,
    pub(super) since: Timestamp,
    /// When their silence has lasted too long.
    pub(super) quiet_at: Timestamp,
    /// Until when "are you done?" must be answered, once asked.
    pub(super) answer_by: Option<Timestamp>,
    pub(super) clocks: Clocks,
}

/// The service levels of a stretch; a forced change of person does not begin them again.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub(super) struct Clocks {
    /// The clock to the first human word of the handoff.
    pub(super) first_due: Option<Timestamp>,
    /// Whether a person has written yet.
    pub(super) spoke: bool,
    /// The clock from the customer's first unanswered message.
    pub(super) next_due: Option<Timestamp>,
}

impl Clocks {
    /// The clocks of a stretch whose first word is due then; none when it was counted as late while it waited.
    pub(super) fn until(first_due: Option<Timestamp>) -> Self {
        Self {
            first_due,
            ..Self::default()
        }
    }
}

impl Human {
    /// Who has it.
    pub fn agent(&self) -> &AgentName {
        &self.agent
    }

    /// Since when.
    pub fn since(&self) -> Timestamp {
        self.since
    }

    /// The handoff they answered.
    pub fn handoff(&self) -> Option<&Handoff> {
        self.handoff.as_ref()
    }

    /// Until when "are you done?" must be answered, if it was asked.
    pub fn asked_until(&self) -> Option<Timestamp> {
        self.answer_by
    }

    /// Whether it was handed to people, and the time for their first word passed without one.
    pub fn is_ghost(&self, now: Timestamp) -> bool {
        let late = self.clocks.first_due.is_none_or(|due| due <= now);
        self.handoff.is_some() && !self.clocks.spoke && late
    }

    pub(super) fn due(&self) -> Option<Timestamp> {
        let silence = self.answer_by.unwrap_or(self.quiet_at);
        [Some(silence), self.clocks.first_due, self.clocks.next_due]
            .into_iter()
            .flatten()
            .min()
    }

    /// `agent` takes a conversation that waits for nobody; the customer is told by name.
    pub(super) fn take(agent: &AgentName, cx: &mut Cx<'_>) -> (Mode, Answer) {
        Self::install(agent, None, None, (Clocks::default(), 0), cx)
    }

    /// `agent` takes the conversation with these clocks; `held_ms` is how long another person held it until now.
    pub(super) fn install(
        agent: &AgentName,
        handoff: Option<Handoff>,
        from: Option<AgentName>,
        (clocks, held_ms): (Clocks, u64),
        cx: &mut Cx<'_>,
    ) -> (Mode, Answer) {
        let in_flight = cx.ai_in_flight();
        let human = Self::hold(agent, handoff, from, (clocks, held_ms), cx);
        introduce(agent, TextKey::Joined, cx);
        let answer = Answer::Claimed {
            epoch: cx.common.epoch,
            handoff: human.handoff.as_ref().map(|handoff| handoff.id),
            in_flight,
        };
        (Mode::Human(human), answer)
    }

    /// `agent` holds the conversation from now on, and nobody is told.
    pub(super) fn hold(
        agent: &AgentName,
        handoff: Option<Handoff>,
        from: Option<AgentName>,
        (clocks, held_ms): (Clocks, u64),
        cx: &mut Cx<'_>,
    ) -> Self {
        let in_flight = cx.ai_in_flight();
        let epoch = cx.change_owner();
        cx.note(Fact::Claimed {
            agent: agent.clone(),
            handoff: handoff.as_ref().map(|handoff| handoff.id),
            epoch,
            from,
            held_ms,
            in_flight: in_flight.into_iter().map(|(effect, _)| effect).collect(),
        });
        cx.common.unread = 0;
        cx.common.routing.last_agent = Some(agent.clone());
        Self {
            agent: agent.clone(),
            since: cx.now,
            quiet_at: cx.now + cx.queue().agent_silence,
            answer_by: None,
            clocks,
            handoff,
        }
    }

    pub(super) fn customer_wrote(mut self, inbound: &Inbound, cx: &mut Cx<'_>) -> Mode {
        cx.customer_wrote(inbound, ModeName::Human);
        if handoff::customer_ends(inbound, cx) {
            cx.common.episode.waiting_since = None;
            undo::answered_otherwise(cx);
            return self.hand_back(By::Customer, String::new(), cx);
        }
        if self.clocks.spoke {
            self.clocks
                .next_due
                .get_or_insert(cx.after(cx.queue().next_response_within));
        }
        if snooze::end(cx) {
            self.quiet_at = cx.now + cx.queue().agent_silence;
        }
        // A message before the handback belongs to the person: it takes "are you done?" back.
        if self.answer_by.take().is_some() {
            self.quiet_at = cx.now + cx.queue().agent_silence;
            cx.note(Fact::Kept {
                agent: self.agent.clone(),
            });
        }
        Mode::Human(self)
    }

    pub(super) fn deadline_passed(mut self, cx: &mut Cx<'_>) -> Mode {
        if self.clocks.first_due.is_some_and(|due| due <= cx.now) {
            stop(&mut self.clocks.first_due, SlaClock::FirstResponse, cx);
            if let Some(handoff) = &self.handoff {
                cx.note(Fact::GhostDeclared {
                    handoff: handoff.id,
                    cause: GhostCause::ClaimedSilent,
                });
            }
        }
        if self.clocks.next_due.is_some_and(|due| due <= cx.now) {
            stop(&mut self.clocks.next_due, SlaClock::NextResponse, cx);
        }
        if self.answer_by.is_some_and(|by| by <= cx.now) {
            return self.lapse(cx);
        }
        if self.answer_by.is_none() && self.quiet_at <= cx.now {
            return self.fell_silent(cx);
        }
        Mode::Human(self)
    }

    /// The agent has been silent for too long: ask, or give back where the queue says that the clock decides.
    fn fell_silent(mut self, cx: &mut Cx<'_>) -> Mode {
        match cx.queue().handback_policy {
            HandbackPolicy::SignalOrTimer if !cx.stays_with_people() && cx.ai_on() => {
                self.hand_back(By::Timeout, String::new(), cx)
            }
            HandbackPolicy::SignalOrTimer
            | HandbackPolicy::Explicit
            | HandbackPolicy::DeskClose
            | HandbackPolicy::AskAfterSilence
            | HandbackPolicy::Never => {
                let queue = cx.queue();
                // Both must have passed: the time to answer, and the lease since the last sign of life.
                let lease_ends = self.quiet_at - queue.agent_silence + queue.lease;
                let answer_by = (cx.now + queue.answer_within).max(lease_ends);
                self.answer_by = Some(answer_by);
                cx.note(Fact::AskedIfDone {
                    agent: self.agent.clone(),
                    answer_by,
                });
                Mode::Human(self)
            }
        }
    }

    /// The owner is one of us no more: as after a lapse, but people were promised, so it is people who take it up.
    pub(super) fn gone(self, cx: &mut Cx<'_>) -> Mode {
        self.note_lapse(cx);
        self.requeue(handoff::REVOKED, cx)
    }

    fn note_lapse(&self, cx: &mut Cx<'_>) {
        remember_lapse(self.agent.clone(), cx);
        let held_ms = millis(self.since, cx);
        cx.note(Fact::LeaseLapsed {
            agent: self.agent.clone(),
            held_ms,
        });
    }

    /// Back to the front of the queue because of `rule`.
    fn requeue(self, rule: &str, cx: &mut Cx<'_>) -> Mode {
        let of = self.handoff.unwrap_or_else(|| Handoff {
            id: cx.common.next_handoff,
            reason: Reason::Operator,
            rule: "takeover".into(),
            matched: String::new(),
            requested_at: self.since,
            since: self.since,
        });
        Waiting::requeue(&of, rule, cx)
    }

    fn lapse(self, cx: &mut Cx<'_>) -> Mode {
        self.note_lapse(cx);
        // An AI that is off is nobody to give it to.
        match (cx.queue().on_lapse, cx.stays_with_people() || !cx.ai_on()) {
            (OnLapse::HandBack, true) | (OnLapse::Requeue, _) => self.requeue(handoff::LAPSED, cx),
            (OnLapse::HandBack, false) => self.hand_back(By::Timeout, String::new(), cx),
            (OnLapse::Close, _) => closed::close(
                Ending {
                    held_ms: None,
                    outcome: Outcome::Expired,
                    by: By::Timeout,
                    note: String::new(),
                },
                cx,
            ),
        }
    }

    pub(super) fn hand_back(self, by: By, note: String, cx: &mut Cx<'_>) -> Mode {
        cx.common.routing.pinned = None;
        let epoch = cx.change_owner();
        let held_ms = millis(self.since, cx);
        cx.note(Fact::HandedBack {
            by,
            agent: Some(self.agent.clone()),
            note,
            epoch,
            held_ms,
        });
        let key = match by {
            By::Customer => TextKey::CustomerEnded,
            By::Timeout => TextKey::HandedBackByTimeout,
            By::Agent | By::Desk | By::Policy | By::Ai => TextKey::HandedBack,
        };
        introduce(&self.agent, key, cx);
        let mut ai = Ai::begin(cx);
        let unanswered = by == By::Timeout
            || (by != By::Customer && (cx.common.unread > 0 || self.clocks.next_due.is_some()));
        if unanswered && cx.common.episode.waiting_since.is_some() {
            // Nobody has answered what the customer wrote last: the AI must not leave it lying.
            ai.asking.gather(1, cx);
        }
        Mode::Ai(ai)
    }
}

/// Stops a clock that runs: met if its time has not come yet.
pub(super) fn stop(due: &mut Option<Timestamp>, clock: SlaClock, cx: &mut Cx<'_>) {
    if let Some(due) = due.take() {
        let met = due > cx.now;
        cx.note(Fact::SlaEvaluated { clock, met });
    }
}

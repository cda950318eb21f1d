//! What people do with a conversation that waits: take it, pass it on, give it back, end it.
//!
//! Whoever claims first has it. A transfer keeps the customer's clocks; the other queue's ladder begins.

use super::Mode;
use super::closed::{self, Ending};
use super::common::Cx;
use super::decision::{Answer, Refusal};
use super::event::Act;
use super::handoff;
use super::human::{Clocks, Human};
use super::texts::TextKey;
use super::trail::CancelCause;
use super::waiting::Waiting;
use super::words::{By, Outcome, Settlement};
use crate::ids::AgentName;

impl Waiting {
    pub(super) fn acted(mut self, agent: &AgentName, act: &Act, cx: &mut Cx<'_>) -> (Mode, Answer) {
        match act {
            Act::Claim { .. } | Act::TakeOver { .. } => {
                self.asking.cancel(CancelCause::Ownership, cx);
                self.stop_claim_clock(true, cx);
                handoff::settle(&self.handoff, Settlement::Claimed, cx);
                let clocks = Clocks::until(self.first_due);
                Human::install(agent, Some(self.handoff), None, (clocks, 0), cx)
            }
            Act::Transfer { queue, to } => {
                let queue = queue.clone().unwrap_or_else(|| cx.common.queue.clone());
                if !cx.policy.queues.contains_key(&queue) {
                    return (Mode::Waiting(self), Answer::Refused(Refusal::UnknownQueue));
                }
                self.move_to(queue, to.clone(), Some(agent.clone()), cx);
                let moved = self.restarted(to.clone(), cx);
                if let Some(gap) = cx.gap() {
                    let company = cx.has_company(&moved);
                    cx.say_closed(gap, company, moved.handoff.id);
                }
                (Mode::Waiting(moved), Answer::Accepted)
            }
            Act::HandBack { note, seen } => {
                if let Some(refusal) = handoff::refuse_handback(note, *seen, cx) {
                    return (Mode::Waiting(self), Answer::Refused(refusal));
                }
                handoff::settle(&self.handoff, Settlement::Cancelled, cx);
                (
                    self.back_to_ai(By::Agent, note.clone(), TextKey::CustomerEnded, cx),
                    Answer::Accepted,
                )
            }
            Act::Resolve { outcome, note } => {
                self.asking.cancel(CancelCause::Closed, cx);
                handoff::settle(&self.handoff, Settlement::Cancelled, cx);
                let outcome = outcome.unwrap_or(Outcome::HumanResolved);
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
            Act::Reply { .. } | Act::SendFiles { .. } | Act::Snooze { .. } => {
                (Mode::Waiting(self), Answer::Refused(Refusal::NotClaimed))
            }
            Act::Escalate { .. } | Act::Keep | Act::Typing | Act::Viewing => {
                (Mode::Waiting(self), Answer::Ignored)
            }
            Act::Note { .. }
            | Act::Review { .. }
            | Act::Edit(_)
            | Act::Undo { .. }
            | Act::AskApproval { .. }
            | Act::Decide { .. } => (Mode::Waiting(self), Answer::Ignored),
        }
    }
}

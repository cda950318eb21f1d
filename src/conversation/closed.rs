//! Mode `Closed`: the episode is over, nobody speaks next.
//!
//! A new message of the customer opens the next episode, as a continuation if it comes inside the queue's reopen window.
//! A conversation that never began is closed too: its first message opens it.

use serde::{Deserialize, Serialize};

use super::Mode;
use super::ai::Ai;
use super::common::Cx;
use super::decision::{Answer, Refusal};
use super::event::Act;
use super::human::Human;
use super::message::Inbound;
use super::offer;
use super::survey;
use super::texts::{TextArgs, TextKey};
use super::trail::Fact;
use super::undo;
use super::words::{By, Class, Outcome, SlaClock};
use crate::clock::Timestamp;
use crate::ids::AgentName;

/// The facts of this mode.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Closed {
    /// How the last episode ended; none before the first.
    pub(super) outcome: Option<Outcome>,
    /// Until when a message continues it.
    reopen_until: Timestamp,
}

/// How an episode ends.
pub(super) struct Ending {
    pub(super) outcome: Outcome,
    pub(super) by: By,
    pub(super) note: String,
    /// Milliseconds a person held it until now, unless that is on the trail already.
    pub(super) held_ms: Option<u64>,
}

/// Ends the episode.
pub(super) fn close(ending: Ending, cx: &mut Cx<'_>) -> Mode {
    if let Some(within) = cx.queue().resolve_within {
        let met = cx.now <= cx.after_from(cx.common.episode.opened_at, within);
        cx.note(Fact::SlaEvaluated {
            clock: SlaClock::Resolution,
            met,
        });
    }
    cx.change_owner();
    let told = match ending.by {
        By::Timeout => Some(TextKey::ClosedByIdle),
        By::Agent | By::Customer | By::Desk | By::Policy | By::Ai => None,
    };
    cx.note(Fact::Closed {
        outcome: ending.outcome,
        by: ending.by,
        note: ending.note,
        held_ms: ending.held_ms,
    });
    // Whoever fell silent with the AI is not written to again; whoever a person left hears that it is over.
    if let (Some(key), Outcome::Expired) = (told, ending.outcome) {
        cx.say(Class::System, key, TextArgs::default(), None);
    }
    survey::ask(ending.outcome, cx);
    cx.common.episode.waiting_since = None;
    undo::answered_otherwise(cx);
    cx.common.unread = 0;
    let reopen_until = cx.now + cx.queue().reopen_within;
    cx.common.routing.pinned = None;
    Mode::Closed(Closed {
        outcome: Some(ending.outcome),
        reopen_until,
    })
}

impl Closed {
    /// How the last episode ended; none before the first.
    pub fn outcome(&self) -> Option<Outcome> {
        self.outcome
    }

    pub(super) fn customer_wrote(self, inbound: &Inbound, cx: &mut Cx<'_>) -> Mode {
        if survey::answered(inbound, cx) || offer::dismissed(inbound, cx) {
            return Mode::Closed(self);
        }
        let reopened = self.outcome.is_some() && cx.now < self.reopen_until;
        cx.change_owner();
        cx.open_episode(By::Customer, reopened);
        Ai::begin(cx).customer_wrote(inbound, cx)
    }

    pub(super) fn acted(self, agent: &AgentName, act: &Act, cx: &mut Cx<'_>) -> (Mode, Answer) {
        match act {
            Act::TakeOver { .. } => {
                let reopened = self.outcome.is_some() && cx.now < self.reopen_until;
                cx.open_episode(By::Agent, reopened);
                Human::take(agent, cx)
            }
            Act::Typing | Act::Viewing => (Mode::Closed(self), Answer::Ignored),
            Act::Claim { .. }
            | Act::Reply { .. }
            | Act::Transfer { .. }
            | Act::HandBack { .. }
            | Act::Keep
            | Act::Resolve { .. }
            | Act::Escalate { .. }
            | Act::Snooze { .. }
            | Act::SendFiles { .. } => {
                (Mode::Closed(self), Answer::Refused(Refusal::AlreadyClosed))
            }
            Act::Note { .. }
            | Act::Review { .. }
            | Act::Edit(_)
            | Act::Undo { .. }
            | Act::AskApproval { .. }
            | Act::Decide { .. } => (Mode::Closed(self), Answer::Ignored),
        }
    }
}

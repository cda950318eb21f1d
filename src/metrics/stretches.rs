//! What one fact alone does not tell: in which queue a handoff waits and why, to whom it is offered, when it came back.
//!
//! Follows committed facts, one small note for each conversation that waits for a person or has one, and one for each
//! handed back within the last half hour. Bounded; what finds no room is not counted by queue. Whoever starts a
//! process tells what waits already ([`Stretches::take_up`]); what was offered or handed back before the start is not known.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::queues::{Place, Queues};
use super::steps::Steps;
use super::values::AgentOffer;
use crate::clock::Timestamp;
use crate::conversation::PASSED_ON;
use crate::conversation::message::Medium;
use crate::conversation::trail::{Entry, Fact};
use crate::conversation::words::Reason;
use crate::ids::{AgentName, ByConversation, ConversationId, QueueName};

/// The most conversations noted at once. About 8 MB.
const NOTED_MAX: usize = 65_536;
/// A request so soon after a handback means that the handback was too early; the same as in `segue report`.
const BACK_WITHIN: Duration = Duration::from_secs(30 * 60);

/// See the head of this file.
#[derive(Debug, Default)]
pub(super) struct Stretches(Mutex<Notes>);

#[derive(Debug, Default)]
struct Notes {
    with_people: ByConversation<Stretch>,
    handed_back: ByConversation<Timestamp>,
    /// The same in order of time; what is out of date here is gone from the map, or newer there.
    order: VecDeque<(Timestamp, ConversationId)>,
}

/// A conversation that waits for a person or has one.
#[derive(Debug)]
struct Stretch {
    place: Place,
    reason: Reason,
    offered_to: Option<AgentName>,
}

/// Where it is counted.
#[derive(Clone, Copy)]
pub(super) struct Counts<'a> {
    pub(super) queues: &'a Queues,
    pub(super) steps: &'a Steps,
    pub(super) medium: Medium,
}

impl Stretches {
    /// A conversation that was with people before the process started.
    pub(super) fn take_up(
        &self,
        id: ConversationId,
        queue: &QueueName,
        reason: Reason,
        queues: &Queues,
    ) {
        let stretch = Stretch {
            place: queues.place(queue),
            reason,
            offered_to: None,
        };
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        notes.put(id, stretch);
    }

    /// Follows one commit of a conversation.
    pub(super) fn committed(&self, id: ConversationId, entries: &[Entry], counts: Counts<'_>) {
        if !entries.iter().any(|entry| concerns(&entry.fact)) {
            return;
        }
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for entry in entries {
            notes.follow(id, entry, counts);
        }
    }
}

impl Notes {
    fn put(&mut self, id: ConversationId, stretch: Stretch) {
        if self.with_people.len() < NOTED_MAX || self.with_people.contains_key(&id) {
            self.with_people.insert(id, stretch);
        }
    }

    fn follow(&mut self, id: ConversationId, entry: &Entry, counts: Counts<'_>) {
        let queues = counts.queues;
        if let Fact::HandoffRequested {
            reason,
            rule,
            queue,
            ..
        } = &entry.fact
        {
            let back_at = self.handed_back.remove(&id);
            let soon = back_at.is_some_and(|at| entry.at.since(at) <= BACK_WITHIN);
            if soon && !PASSED_ON.contains(&rule.as_str()) {
                counts.steps.reescalated(counts.medium);
            }
            let place = queues.place(queue);
            queues.requested(place);
            let (reason, offered_to) = (*reason, None);
            self.put(
                id,
                Stretch {
                    place,
                    reason,
                    offered_to,
                },
            );
        } else if let Fact::HandedBack { agent, .. } = &entry.fact {
            self.end(id, queues);
            if agent.is_some() {
                self.came_back(id, entry.at);
            }
        } else if let Fact::Closed { .. } = &entry.fact {
            self.end(id, queues);
            self.handed_back.remove(&id);
        } else if let Some(stretch) = self.with_people.get_mut(&id) {
            stretch.follow(&entry.fact, queues);
        }
    }

    fn end(&mut self, id: ConversationId, queues: &Queues) {
        if let Some(mut stretch) = self.with_people.remove(&id) {
            stretch.end_offer(AgentOffer::Void, queues);
        }
    }

    fn came_back(&mut self, id: ConversationId, at: Timestamp) {
        while let Some((old, gone)) = self.order.front().copied() {
            if at.since(old) <= BACK_WITHIN && self.order.len() < NOTED_MAX {
                break;
            }
            self.order.pop_front();
            if self.handed_back.get(&gone) == Some(&old) {
                self.handed_back.remove(&gone);
            }
        }
        self.handed_back.insert(id, at);
        self.order.push_back((at, id));
    }
}

impl Stretch {
    fn follow(&mut self, fact: &Fact, queues: &Queues) {
        if let Fact::Transferred {
            agent, queue, to, ..
        } = fact
        {
            let moved = agent.is_some();
            self.end_offer(
                if moved {
                    AgentOffer::Void
                } else {
                    AgentOffer::Lapsed
                },
                queues,
            );
            self.place = queues.place(queue);
            // What a person passes on to one person is no offer of ours: it does not lapse.
            if let (false, Some(to)) = (moved, to) {
                queues.offered(self.place);
                self.offered_to = Some(to.clone());
            }
        } else if let Fact::Claimed { agent, .. } = fact {
            let theirs = self.offered_to.as_ref() == Some(agent);
            self.end_offer(
                if theirs {
                    AgentOffer::Accepted
                } else {
                    AgentOffer::Taken
                },
                queues,
            );
        } else if let Fact::HandoffSettled {
            outcome, waited_ms, ..
        } = fact
        {
            queues.settled(self.place, self.reason, *outcome, *waited_ms);
        } else if let Fact::SlaEvaluated { clock, met } = fact {
            queues.sla(self.place, *clock, *met);
        }
    }

    fn end_offer(&mut self, how: AgentOffer, queues: &Queues) {
        if self.offered_to.take().is_some() {
            queues.offer_settled(self.place, how);
        }
    }
}

/// Whether a fact has a part in a stretch.
fn concerns(fact: &Fact) -> bool {
    match fact {
        Fact::HandoffRequested { .. }
        | Fact::HandoffSettled { .. }
        | Fact::Claimed { .. }
        | Fact::Transferred { .. }
        | Fact::HandedBack { .. }
        | Fact::SlaEvaluated { .. }
        | Fact::Closed { .. } => true,
        Fact::Opened { .. }
        | Fact::CustomerWrote { .. }
        | Fact::AiWrote { .. }
        | Fact::HumanWrote { .. }
        | Fact::SystemWrote { .. }
        | Fact::NoteWritten { .. }
        | Fact::ModelAsked { .. }
        | Fact::ModelAnswered { .. }
        | Fact::ModelFailed { .. }
        | Fact::AskCancelled { .. }
        | Fact::DraftKept { .. }
        | Fact::AskedIfDone { .. }
        | Fact::Kept { .. }
        | Fact::LeaseLapsed { .. }
        | Fact::LadderStepped { .. }
        | Fact::GhostDeclared { .. }
        | Fact::Settled { .. }
        | Fact::Reviewed { .. }
        | Fact::Edited { .. }
        | Fact::EventParked { .. }
        | Fact::CustomerChanged { .. }
        | Fact::RuleFired { .. }
        | Fact::OfferMade { .. }
        | Fact::OfferAnswered { .. }
        | Fact::FilesAdded { .. }
        | Fact::ApprovalAsked { .. }
        | Fact::ApprovalDecided { .. } => false,
    }
}

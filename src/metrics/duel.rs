//! The watch over "one voice": did an answer of the AI leave while a person owned the conversation?
//!
//! It follows committed facts alone and knows nothing of the release gate, so that a fault there cannot hide itself. A
//! claim names the AI messages that were under way; those may still arrive. Any other AI message that the provider
//! takes before the person lets go is a duel. Late reports on messages long settled carry no attempt and count for
//! nothing. Stretches claimed before the process started are not judged: their claim was not seen.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::conversation::trail::{Entry, Fact};
use crate::conversation::words::{Class, MessageState};
use crate::ids::{ConversationId, EffectId};

/// The most conversations watched at once; beyond them, new claims go unwatched. About 4 MB.
const WATCHED_MAX: usize = 65_536;

/// The conversations that people own, each with the AI messages that were under way at the claim.
#[derive(Debug, Default)]
pub(super) struct DuelWatch(Mutex<HashMap<ConversationId, Vec<EffectId>>>);

impl DuelWatch {
    /// Follows one commit of a conversation; returns how many duels it shows.
    pub(super) fn committed(&self, id: ConversationId, entries: &[Entry]) -> u64 {
        if !entries.iter().any(|entry| concerns(&entry.fact)) {
            return 0;
        }
        let mut owned = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut duels = 0;
        for entry in entries {
            if let Fact::Claimed { in_flight, .. } = &entry.fact {
                if owned.len() < WATCHED_MAX || owned.contains_key(&id) {
                    owned.insert(id, in_flight.clone());
                }
            } else if let Fact::Settled { effect, .. } = &entry.fact {
                let spoke = ai_spoke(&entry.fact);
                let foreign = owned.get(&id).is_some_and(|known| !known.contains(effect));
                duels += u64::from(spoke && foreign);
            } else if concerns(&entry.fact) {
                owned.remove(&id);
            }
        }
        duels
    }
}

/// Whether a fact begins or ends a person's stretch, or is an AI message leaving.
fn concerns(fact: &Fact) -> bool {
    match fact {
        Fact::Claimed { .. }
        | Fact::HandedBack { .. }
        | Fact::LeaseLapsed { .. }
        | Fact::Transferred { .. }
        | Fact::Opened { .. }
        | Fact::Closed { .. } => true,
        Fact::Settled { .. } => ai_spoke(fact),
        Fact::CustomerWrote { .. }
        | Fact::AiWrote { .. }
        | Fact::HumanWrote { .. }
        | Fact::SystemWrote { .. }
        | Fact::NoteWritten { .. }
        | Fact::ModelAsked { .. }
        | Fact::ModelAnswered { .. }
        | Fact::ModelFailed { .. }
        | Fact::AskCancelled { .. }
        | Fact::DraftKept { .. }
        | Fact::HandoffRequested { .. }
        | Fact::HandoffSettled { .. }
        | Fact::AskedIfDone { .. }
        | Fact::Kept { .. }
        | Fact::LadderStepped { .. }
        | Fact::GhostDeclared { .. }
        | Fact::SlaEvaluated { .. }
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

/// Whether an AI message was taken by the provider on an attempt of ours.
fn ai_spoke(fact: &Fact) -> bool {
    matches!(fact, Fact::Settled { class: Class::Ai, state: MessageState::Sent, attempts, .. } if *attempts > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::conversation::words::By;
    use crate::ids::{OwnerEpoch, QueueName};

    fn claimed(in_flight: &[u64]) -> Fact {
        Fact::Claimed {
            agent: "ana".into(),
            handoff: None,
            epoch: OwnerEpoch(2),
            from: None,
            held_ms: 0,
            in_flight: in_flight.iter().copied().map(EffectId).collect(),
        }
    }

    fn sent(effect: u64, class: Class, attempts: u16) -> Fact {
        Fact::Settled {
            effect: EffectId(effect),
            class,
            state: MessageState::Sent,
            provider_id: String::new(),
            code: String::new(),
            cause: None,
            attempts,
            after_ms: 5,
        }
    }

    fn handed_back() -> Fact {
        Fact::HandedBack {
            by: By::Agent,
            agent: Some("ana".into()),
            note: "done".into(),
            epoch: OwnerEpoch(3),
            held_ms: 1,
        }
    }

    fn check(facts: Vec<Fact>, duels: u64) {
        let watch = DuelWatch::default();
        let id = ConversationId::from_bytes([1; 16]);
        let mut seen = 0;
        for (n, fact) in (0..).zip(facts) {
            let entry = Entry {
                n,
                at: Timestamp::ZERO,
                policy: 0,
                rules: 1,
                fact,
            };
            seen += watch.committed(id, &[entry]);
        }
        assert_eq!(seen, duels);
    }

    #[test]
    fn an_ai_message_that_leaves_after_the_claim_is_a_duel() {
        check(vec![claimed(&[]), sent(7, Class::Ai, 1)], 1);
    }

    #[test]
    fn a_message_that_the_claim_named_is_not() {
        check(vec![claimed(&[7]), sent(7, Class::Ai, 1)], 0);
    }

    #[test]
    fn neither_is_the_person_nor_a_late_report_nor_another_conversations_stretch() {
        check(vec![claimed(&[]), sent(7, Class::Human, 1)], 0);
        check(vec![claimed(&[]), sent(7, Class::Ai, 0)], 0);
        check(vec![sent(7, Class::Ai, 1)], 0);
    }

    #[test]
    fn the_ai_may_speak_again_once_the_person_let_go() {
        check(vec![claimed(&[]), handed_back(), sent(7, Class::Ai, 1)], 0);
        let transferred = Fact::Transferred {
            held_ms: None,
            agent: None,
            queue: QueueName::from("sales"),
            to: None,
            handoff: crate::ids::HandoffId(1),
            epoch: OwnerEpoch(3),
        };
        check(vec![claimed(&[]), transferred, sent(7, Class::Ai, 1)], 0);
    }
}

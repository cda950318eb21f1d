//! What a head tells that no single fact does: what is owed, and what part the AI has had in the episode.
//!
//! Told by the conversation's keeper after each commit that changed it, and when it wakes with something owed. Only
//! conversations that owe something are kept, so memory follows what is on its way and not how many there are.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::figures::OutboxFigure;
use crate::clock::Timestamp;
use crate::conversation::message::Medium;
use crate::conversation::words::ModeName;
use crate::conversation::{Conversation, Owed, OwedState};
use crate::ids::{ByConversation, ConversationId};

/// See the head of this file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Standing {
    /// Messages owed.
    owed: u16,
    /// Of those, the ones that may or may not have arrived.
    in_doubt: u16,
    /// Replies that wait for a shut window to open.
    parked: u16,
    /// When the oldest owed was decided.
    oldest: Timestamp,
    /// The episode.
    episode: u32,
    /// Whether the AI was asked in it.
    ai_involved: bool,
    /// Whether a handoff was requested in it.
    handed_off: bool,
    /// Whether it is over.
    closed: bool,
}

impl Standing {
    /// How `conversation` stands.
    pub fn of(conversation: &Conversation) -> Self {
        let common = conversation.common();
        let mut standing = Self {
            episode: common.episode.number,
            ai_involved: common.episode.ai_involved,
            handed_off: !common.episode.handoffs.is_empty(),
            closed: conversation.mode().name() == ModeName::Closed,
            parked: u16::try_from(common.outbox.parked().count()).unwrap_or(u16::MAX),
            ..Self::default()
        };
        for owed in common.outbox.owed() {
            let oldest = standing.oldest.min(owed.decided_at);
            standing.oldest = if standing.owed == 0 {
                owed.decided_at
            } else {
                oldest
            };
            // The line holds at most a few dozen.
            standing.owed = standing.owed.saturating_add(1);
            standing.in_doubt += u16::from(is_in_doubt(owed));
        }
        standing
    }

    /// Whether anything is owed, or parked until it may leave.
    pub fn owes(&self) -> bool {
        self.owed > 0 || self.parked > 0
    }

    /// Whether the AI was asked for the first time in an episode since `before`.
    pub(super) fn ai_got_involved(&self, before: &Self) -> bool {
        self.ai_involved && !(before.ai_involved && before.episode == self.episode)
    }

    /// Whether an episode in which the AI was asked has ended since `before`, and nobody ever asked for a person.
    pub(super) fn ended_with_the_ai(&self, before: &Self) -> bool {
        let over_before = before.closed && before.episode == self.episode;
        self.closed && !over_before && self.ai_involved && !self.handed_off
    }
}

fn is_in_doubt(owed: &Owed) -> bool {
    match owed.state {
        OwedState::Doubt { .. } => true,
        OwedState::Pending { .. } | OwedState::InFlight { .. } => owed.in_doubt,
    }
}

/// The conversations that owe something.
#[derive(Debug, Default)]
pub(super) struct Owing(Mutex<ByConversation<(Medium, Standing)>>);

impl Owing {
    /// How a conversation stands now.
    pub(super) fn stands(&self, id: ConversationId, medium: Medium, standing: Standing) {
        let mut owing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if standing.owes() {
            owing.insert(id, (medium, standing));
        } else {
            owing.remove(&id);
        }
    }

    /// What is owed and parked by medium, at `now`.
    pub(super) fn figures(&self, now: Timestamp) -> Vec<OutboxFigure> {
        let mut sums: HashMap<Medium, OutboxFigure> = HashMap::new();
        let owing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (medium, standing) in owing.values() {
            let sum = sums.entry(*medium).or_insert(OutboxFigure {
                medium: *medium,
                depth: 0,
                in_doubt: 0,
                parked: 0,
                oldest: std::time::Duration::ZERO,
            });
            sum.depth += u64::from(standing.owed);
            sum.in_doubt += u64::from(standing.in_doubt);
            sum.parked += u64::from(standing.parked);
            if standing.owed > 0 {
                sum.oldest = sum.oldest.max(now.since(standing.oldest));
            }
        }
        drop(owing);
        let mut figures: Vec<_> = sums.into_values().collect();
        figures.sort_by_key(|figure| figure.medium as usize);
        figures
    }
}

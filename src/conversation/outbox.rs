//! What a conversation owes its customer, in the order in which it was decided.
//!
//! An owed message stays here until its outcome is committed. Texts are not copied: an owed message names its trail
//! entry. Only the first in the line is ever released; the line itself is advanced in `release.rs`.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::parked::Parked;
use super::undo::Stopped;
use super::words::{Class, MessageState};
use crate::clock::Timestamp;
use crate::ids::{AskId, EffectId, HandoffId, OwnerEpoch};

/// The most messages that may wait in one conversation; a person's next one is refused.
pub const OWED_MAX: usize = 64;
/// The most messages that may wait at all: beyond it one of Segue's own is settled as suppressed at once.
pub const LINE_MAX: usize = 96;
/// The most times one message is tried: with the back-off this lasts longer than a person's patience.
pub const ATTEMPTS_MAX: u16 = 20;
/// The longest a provider's "try again later" may hold the line.
pub const HOLD_MAX: Duration = Duration::from_secs(600);
/// How many settled messages are remembered for late reports.
pub const SENT_MAX: usize = 16;
/// A released message without an outcome after this long is in doubt. Longer than any attempt lasts: ten seconds for a
/// free line, and ten for each of the ten parts that a long text may have.
pub const OVERDUE: Duration = Duration::from_secs(150);
/// A stream whose end nobody has told after this long is lost: the model has given up by then.
const STREAM_OVERDUE: Duration = Duration::from_secs(30);
/// How long a message of unknown outcome holds the line, waiting for a report.
pub const DOUBT: Duration = Duration::from_secs(30);
/// How long an answer of the AI is worth sending.
pub const PATIENCE_AI: Duration = Duration::from_secs(60);
/// How long a person's message is tried before it fails and the person is told.
pub const PATIENCE_HUMAN: Duration = Duration::from_secs(600);

/// The line of owed messages, and the last settled ones.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Outbox {
    pub(super) owed: VecDeque<Owed>,
    pub(super) sent: VecDeque<Sent>,
    /// Out of the line until the customer writes.
    pub(super) parked: VecDeque<Parked>,
}

/// One message owed to the customer.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Owed {
    /// Its number; it travels to the provider.
    pub effect: EffectId,
    /// What kind of message.
    pub class: Class,
    /// The entry that holds its text; none while a stream is still being written.
    pub entry: Option<u64>,
    /// The question it answers, for a stream.
    pub ask: Option<AskId>,
    /// The owner epoch it was decided under.
    pub epoch: OwnerEpoch,
    /// The handoff it belongs to: it dies with the claim.
    pub handoff: Option<HandoffId>,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// Where it stands.
    pub state: OwedState,
    /// Attempts begun.
    pub attempts: u16,
    /// Whether it may arrive twice.
    pub in_doubt: bool,
    /// For a person's words and answers of the AI: what they stopped, as long as nothing else has.
    pub(super) stopped: Option<Stopped>,
}

/// Where an owed message stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum OwedState {
    /// Not released before this time.
    Pending {
        /// The earliest release.
        not_before: Timestamp,
    },
    /// Released; its outcome is awaited.
    InFlight {
        /// Since when.
        since: Timestamp,
    },
    /// Its outcome is unknown; a report may still tell.
    Doubt {
        /// Repeated after this.
        until: Timestamp,
    },
}

/// A message that left the line, remembered so that a late report finds it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Sent {
    /// Which.
    pub effect: EffectId,
    /// What kind.
    pub class: Class,
    /// How far it got.
    pub state: MessageState,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// The handoff it belonged to.
    pub handoff: Option<HandoffId>,
    /// For a person's words: the entry with their text, while they may still have to be parked.
    pub(super) entry: Option<u64>,
    /// For a person's words and answers of the AI: what they stopped, while they may still fail.
    pub(super) stopped: Option<Stopped>,
}

impl Owed {
    /// How long it is worth sending; none: until what it rests on changes.
    pub fn patience(&self) -> Option<Duration> {
        match self.class {
            Class::Ai => Some(PATIENCE_AI),
            Class::Progress if self.handoff.is_none() => Some(PATIENCE_AI),
            Class::Human => Some(PATIENCE_HUMAN),
            Class::Ack
            | Class::Progress
            | Class::Reminder
            | Class::Survey
            | Class::Error
            | Class::AfterHours
            | Class::System => None,
        }
    }

    /// Whether it is a stream that is still being written.
    pub(super) fn streams(&self) -> bool {
        self.entry.is_none()
    }

    /// How long after its release it is in doubt.
    pub(super) fn overdue_after(&self) -> Duration {
        if self.streams() {
            STREAM_OVERDUE
        } else {
            OVERDUE
        }
    }

    /// Whether it is released again and again until this moment, and given up then.
    fn expires_at(&self) -> Option<Timestamp> {
        match self.state {
            OwedState::Pending { .. } => self.patience().map(|long| self.decided_at + long),
            OwedState::InFlight { .. } | OwedState::Doubt { .. } => None,
        }
    }

    /// What is remembered of it once it has left the line.
    pub(super) fn left(&self, state: MessageState) -> Sent {
        Sent {
            effect: self.effect,
            class: self.class,
            state,
            decided_at: self.decided_at,
            handoff: self.handoff,
            entry: None,
            stopped: None,
        }
    }
}

impl Outbox {
    /// What is owed, first in line first.
    pub fn owed(&self) -> impl Iterator<Item = &Owed> {
        self.owed.iter()
    }

    /// What is kept until the customer writes, the oldest first.
    pub fn parked(&self) -> impl Iterator<Item = &Parked> {
        self.parked.iter()
    }

    /// All that has not left: the line, and what is kept.
    pub(super) fn all(&self) -> impl Iterator<Item = &Owed> {
        let parked = self.parked.iter().map(|parked| &parked.owed);
        self.owed.iter().chain(parked)
    }

    /// The same, to be changed.
    pub(super) fn all_mut(&mut self) -> impl Iterator<Item = &mut Owed> {
        let parked = self.parked.iter_mut().map(|parked| &mut parked.owed);
        self.owed.iter_mut().chain(parked)
    }

    /// Whether another message of a person fits.
    pub fn has_room(&self) -> bool {
        self.owed.len() < OWED_MAX
    }

    /// Whether nothing is ahead of the next message.
    pub fn is_clear(&self) -> bool {
        self.owed.is_empty()
    }

    /// The owed message of this number.
    pub fn find(&self, effect: EffectId) -> Option<&Owed> {
        self.owed.iter().find(|owed| owed.effect == effect)
    }

    /// When the line next wants attention.
    pub fn due(&self) -> Option<Timestamp> {
        let first = self.owed.front().map(|owed| match owed.state {
            OwedState::Pending { not_before } => not_before,
            OwedState::InFlight { since } => since + owed.overdue_after(),
            OwedState::Doubt { until } => until,
        });
        // Also behind a stuck first one, a message that nobody waits for any more is given up in time.
        let expiry = self.owed.iter().filter_map(Owed::expires_at).min();
        let parked = self.parked.iter().map(|parked| parked.until).min();
        [first, expiry, parked].into_iter().flatten().min()
    }

    /// Whether something has been released and its outcome is not known.
    pub fn in_flight(&self) -> bool {
        self.owed.iter().any(|owed| match owed.state {
            OwedState::InFlight { .. } | OwedState::Doubt { .. } => true,
            OwedState::Pending { .. } => false,
        })
    }

    /// Where a message stands, if it is still known here.
    pub fn state_of(&self, effect: EffectId) -> Option<MessageState> {
        if let Some(owed) = self.find(effect) {
            return Some(match owed.state {
                OwedState::Pending { .. } => MessageState::Pending,
                OwedState::InFlight { .. } => MessageState::InFlight,
                OwedState::Doubt { .. } => MessageState::InDoubt,
            });
        }
        if self.parked.iter().any(|one| one.owed.effect == effect) {
            return Some(MessageState::Parked);
        }
        self.sent
            .iter()
            .find(|sent| sent.effect == effect)
            .map(|sent| sent.state)
    }
}

/// How long to wait before the next attempt: 1 s, 2 s, 4 s … at most a minute.
pub fn back_off(attempts: u16) -> Duration {
    Duration::from_secs(1 << attempts.saturating_sub(1).min(6)).min(Duration::from_secs(60))
}

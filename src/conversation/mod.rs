//! THE CORE. What a conversation is, and what becomes of it when something happens.
//!
//! ```text
//!                  wants a person, model fails, escalate
//!        ┌────────┐ ───────────────────────────────────▶ ┌─────────┐
//!  ────▶ │   Ai   │ ◀─────────────────────────────────── │ Waiting │
//!        └────────┘    apologised, handed back           └─────────┘
//!          │  ▲  ╲                                        claim │ ▲ lapsed,
//!     idle │  │   ╲ take over (unasked)                         │ │ transferred
//!          ▼  │    ╲──────────────────────────────────▶         ▼ │
//!        ┌────────┐      handed back  ◀────────────────── ┌─────────┐
//!        │ Closed │ ◀──────────────────────────────────── │  Human  │
//!        └────────┘            resolved                   └─────────┘
//! ```
//!
//! Pure: no async, no clock, no randomness, no logging, no I/O. Time and policy are arguments. A mode's deadlines are
//! its fields, so leaving a mode drops them. Every change of owner increments the owner epoch; an AI message leaves
//! only under the epoch it was decided in. [`Conversation::decide`] is the one way in.

pub mod approval;
pub mod calendar;
pub mod decision;
pub mod event;
pub mod hearing;
pub mod line;
pub mod message;
pub mod packed;
pub mod policy;
pub mod question;
pub mod routes;
pub mod texts;
pub mod trail;
pub mod window;
pub mod windows;
pub mod words;

mod ai;
mod asking;
mod assigning;
mod causes;
mod closed;
mod common;
mod cost;
mod decide;
mod elsewhere;
mod escalating;
mod everywhere;
mod gate;
mod handoff;
mod hours;
mod human;
mod human_acts;
mod late;
mod looping;
mod named;
mod offer;
mod outbox;
mod parked;
mod placeholders;
mod release;
mod reports;
mod routing;
mod rules;
mod saying;
mod seen;
pub mod snooze;
mod streamed;
pub mod survey;
mod switches;
mod tongue;
mod undo;
mod waiting;
mod waiting_acts;
mod wording;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::ai::Ai;
pub use self::assigning::Present;
pub use self::closed::Closed;
pub use self::common::{Common, Episode};
pub use self::gate::Gate;
pub use self::handoff::{AI_OFF, Handoff, PASSED_ON, Trigger};
pub use self::human::Human;
pub use self::outbox::{DOUBT, LINE_MAX, OVERDUE, OWED_MAX, Outbox, Owed, OwedState, SENT_MAX};
pub use self::parked::{PARKED_MAX, Parked};
pub use self::seen::SEEN_MAX;
pub use self::tongue::{LanguageFrom, language_tag};
pub use self::waiting::Waiting;

use self::message::{Customer, Inbound, Medium};
use self::outbox::Outbox as Line;
use self::policy::Policy;
use self::trail::{Entry, Fact};
use self::words::{Class, ModeName};
use crate::clock::Timestamp;
use crate::ids::{AgentName, ChannelName, ConversationId, EffectId, IdHash, QueueName};

/// The version of the head's bytes.
pub const HEAD_VERSION: u8 = 1;
/// A head larger than this is alarmed.
pub const HEAD_BYTES_ALARM: usize = 32 * 1024;
/// What customers say to a conversation with a head larger than this is parked for people.
pub const HEAD_BYTES_MAX: usize = 256 * 1024;

/// One conversation, as far as deciding needs it: the head. The trail is elsewhere.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Conversation {
    common: Common,
    mode: Mode,
    mode_name: ModeName,
    /// The entries that hold the texts of what is owed; restored from the trail, never part of the head.
    #[serde(skip)]
    texts: BTreeMap<u64, Entry>,
}

/// Who speaks next. Each mode carries its own facts and deadlines.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Mode {
    /// The model.
    Ai(Ai),
    /// Nobody: a person is promised.
    Waiting(Waiting),
    /// The agent who claimed it.
    Human(Human),
    /// Nobody: the episode is over.
    Closed(Closed),
}

impl Default for Mode {
    fn default() -> Self {
        Self::Closed(Closed::default())
    }
}

impl Mode {
    /// Its word.
    pub const fn name(&self) -> ModeName {
        match self {
            Self::Ai(_) => ModeName::Ai,
            Self::Waiting(_) => ModeName::Waiting,
            Self::Human(_) => ModeName::Human,
            Self::Closed(_) => ModeName::Closed,
        }
    }

    fn due(&self, common: &Common) -> Option<Timestamp> {
        match self {
            Self::Ai(ai) => ai.due(),
            Self::Waiting(waiting) => waiting.due(common),
            Self::Human(human) => human.due(),
            Self::Closed(_) => None,
        }
    }
}

/// A message that may leave now, with everything a channel needs.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Outgoing<'a> {
    /// Which.
    pub effect: EffectId,
    /// What kind.
    pub class: Class,
    /// What it says.
    pub text: &'a str,
    /// The person who says it, if one does.
    pub agent: Option<&'a AgentName>,
    /// Buttons under it.
    pub choices: &'a [(String, String)],
    /// The trail entry it stands in.
    pub entry: u64,
    /// Whether it is a repetition that may arrive twice.
    pub in_doubt: bool,
    /// Which attempt this is, from 1.
    pub attempts: u16,
}

/// The head's bytes cannot be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum UnreadableHead {
    /// Written by a newer Segue.
    #[error("written by a newer version (format {0}, this one knows {HEAD_VERSION})")]
    Newer(u8),
    /// Not a head.
    #[error("not a conversation: {0}")]
    Malformed(String),
}

impl Conversation {
    /// A conversation that has not begun: the first message, or a person, opens it.
    pub fn new(
        id: ConversationId,
        channel: ChannelName,
        medium: Medium,
        customer: Customer,
        ours: String,
        queue: QueueName,
    ) -> Self {
        let language_from = match customer.language {
            Some(_) => LanguageFrom::Channel,
            None => LanguageFrom::Nobody,
        };
        let common = Common {
            id,
            channel,
            medium,
            customer,
            ours,
            rev: 0,
            epoch: crate::ids::OwnerEpoch(0),
            mode_since: Timestamp::ZERO,
            updated_at: Timestamp::ZERO,
            episode: Episode::default(),
            queue,
            priority: 0,
            unread: 0,
            last_inbound_at: None,
            last_customer_entry: None,
            unreachable: false,
            tags: std::collections::BTreeSet::new(),
            attributes: BTreeMap::new(),
            outbox: Line::default(),
            seen: seen::Seen::default(),
            keys: seen::Keys::default(),
            next_entry: 0,
            next_effect: EffectId(1),
            next_ask: crate::ids::AskId(1),
            next_handoff: crate::ids::HandoffId(1),
            cancelled: std::collections::VecDeque::new(),
            window: window::TriggerWindow::default(),
            routing: routing::Routing::default(),
            language_from,
        };
        Self {
            common,
            mode: Mode::default(),
            mode_name: ModeName::Closed,
            texts: BTreeMap::new(),
        }
    }

    /// A conversation begun by `inbound`.
    pub fn for_inbound(id: ConversationId, inbound: &Inbound, policy: &Policy) -> Self {
        let queue = policy.queue_of(&inbound.channel).clone();
        let (channel, customer) = (inbound.channel.clone(), inbound.from.clone());
        Self::new(
            id,
            channel,
            inbound.medium,
            customer,
            inbound.to.clone(),
            queue,
        )
    }

    /// Everything that every mode shares.
    pub fn common(&self) -> &Common {
        &self.common
    }

    /// Who speaks next, with that mode's facts.
    pub fn mode(&self) -> &Mode {
        &self.mode
    }

    /// The revision: how often it was committed.
    pub fn rev(&self) -> u64 {
        self.common.rev
    }

    /// Who has it, if a person has.
    pub fn assignee(&self) -> Option<&AgentName> {
        match &self.mode {
            Mode::Human(human) => Some(human.agent()),
            Mode::Ai(_) | Mode::Waiting(_) | Mode::Closed(_) => None,
        }
    }

    /// The hash of the policy that its handoff began under and goes on by, if it has one.
    pub fn pinned(&self) -> Option<u64> {
        self.common.routing.pinned
    }

    /// The earliest moment it wants waking; none: only by an event.
    pub fn due(&self) -> Option<Timestamp> {
        [self.mode.due(&self.common), self.common.outbox.due()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Whether something is under way whose outcome must come back to this very actor.
    pub fn in_flight(&self) -> bool {
        let asked = match &self.mode {
            Mode::Ai(ai) => ai.asking.out().is_some(),
            Mode::Waiting(waiting) => waiting.asking.out().is_some(),
            Mode::Human(_) | Mode::Closed(_) => false,
        };
        asked || !self.common.outbox.is_clear()
    }

    /// What the head may have forgotten of a message while the store still knows it: the hash of its id.
    pub fn store_may_know(&self, inbound: &Inbound, now: Timestamp) -> Option<IdHash> {
        let seen = &self.common.seen;
        seen.ask_store(now)
            .then(|| inbound.hash())
            .filter(|id| !seen.contains(*id))
    }

    /// The trail entries whose texts are owed, or may have to be owed again: what has to be loaded with the head.
    pub fn owed_entries(&self) -> Vec<u64> {
        self.common
            .outbox
            .all()
            .filter_map(|owed| owed.entry)
            .chain(self.common.outbox.sent.iter().filter_map(|sent| sent.entry))
            .collect()
    }

    /// Gives the texts of what is owed back, after waking.
    pub fn restore_texts(&mut self, entries: impl IntoIterator<Item = Entry>) {
        self.texts
            .extend(entries.into_iter().map(|entry| (entry.n, entry)));
    }

    /// The message `effect`, if it is released and the gate is still open for it: asked right before performing.
    pub fn outgoing(
        &self,
        effect: EffectId,
        now: Timestamp,
        policy: &Policy,
    ) -> Option<Outgoing<'_>> {
        let owed = self.common.outbox.find(effect)?;
        let released = match owed.state {
            OwedState::InFlight { .. } => true,
            OwedState::Pending { .. } | OwedState::Doubt { .. } => false,
        };
        if !released || gate::gate(owed, &self.common, &self.mode, policy, now) != Gate::Open {
            return None;
        }
        let entry = self.texts.get(&owed.entry?)?;
        let (agent, choices): (_, &[(String, String)]) =
            if let Fact::HumanWrote { agent, .. } = &entry.fact {
                (Some(agent), &[])
            } else if let Fact::SystemWrote { choices, .. } = &entry.fact {
                (None, choices)
            } else {
                (None, &[])
            };
        let text = common::text(&entry.fact)?;
        let (in_doubt, attempts) = (owed.in_doubt, owed.attempts);
        Some(Outgoing {
            effect,
            class: owed.class,
            text,
            agent,
            choices,
            entry: entry.n,
            in_doubt,
            attempts,
        })
    }

    /// The number that the next entry of the trail will have.
    pub fn next_entry(&self) -> u64 {
        self.common.next_entry
    }

    /// Whether a stream of the question `ask` may go on: the model still speaks for this conversation.
    pub fn may_stream(&self, ask: crate::ids::AskId) -> bool {
        match &self.mode {
            Mode::Ai(ai) => ai.asking.out() == Some(ask),
            Mode::Waiting(waiting) => waiting.asking.out() == Some(ask),
            Mode::Human(_) | Mode::Closed(_) => false,
        }
    }

    /// The head's bytes: a version, then the head.
    pub fn encode(&self) -> Vec<u8> {
        // Grown once: most of a head is the ids it has seen, of eight bytes each.
        let mut head = Vec::with_capacity(384 + 8 * self.common.seen.len());
        head.push(HEAD_VERSION);
        packed::append(head, self)
    }

    /// Reads a head.
    ///
    /// # Errors
    /// [`UnreadableHead`] when the bytes are newer than this version or no head at all.
    pub fn decode(bytes: &[u8]) -> Result<Self, UnreadableHead> {
        match bytes {
            [HEAD_VERSION, head @ ..] => postcard::from_bytes(head)
                .map_err(|fault| UnreadableHead::Malformed(fault.to_string())),
            [newer, ..] if *newer > HEAD_VERSION => Err(UnreadableHead::Newer(*newer)),
            _ => Err(UnreadableHead::Malformed("empty or of unknown form".into())),
        }
    }
}

//! What every mode shares ([`Common`]) and what one step works with ([`Cx`]).
//!
//! The modes write to the trail and to the outbox only through [`Cx`], so that an entry is always numbered, dated and
//! kept with the message that needs its text.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::decision::{Perform, Signal};
use super::handoff::cut;
use super::message::{Customer, Inbound, Medium};
use super::outbox::{LINE_MAX, Outbox, Owed, OwedState};
use super::parked;
use super::policy::{ChannelPolicy, Policy, QueuePolicy};
use super::routing::Routing;
use super::seen::{Keys, Seen};
use super::tongue::LanguageFrom;
use super::trail::{Entry, Fact, RULES_VERSION};
use super::window::TriggerWindow;
use super::words::{By, Class, HandbackPolicy, MessageState, ModeName};
use crate::clock::Timestamp;
use crate::ids::{
    AgentName, AskId, ChannelName, ConversationId, EffectId, HandoffId, IdHash, OwnerEpoch,
    QueueName,
};

/// How many withdrawn questions are remembered, so that their late answers become drafts.
const CANCELLED_MAX: usize = 8;
/// How many handoffs of the last hours are remembered for the loop breaker; it can ask for no more.
pub const HANDOFFS_MAX: usize = 16;
/// The longest name or language taken over from a channel, in bytes: the head must stay small.
const NAME_BYTES_MAX: usize = 256;

/// The part of the head that does not change its shape with the mode.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Common {
    /// Which conversation.
    pub id: ConversationId,
    /// The channel instance it lives on.
    pub channel: ChannelName,
    /// The medium.
    pub medium: Medium,
    /// The customer.
    pub customer: Customer,
    /// Our own address that the customer wrote to.
    pub ours: String,
    /// Counts the commits of this head.
    pub rev: u64,
    /// Grows with every change of owner.
    pub epoch: OwnerEpoch,
    /// Since when the mode is what it is.
    pub mode_since: Timestamp,
    /// The last change of anything.
    pub updated_at: Timestamp,
    /// The current or last episode.
    pub episode: Episode,
    /// The queue it was last in.
    pub queue: QueueName,
    /// Urgency, 0 is ordinary.
    pub priority: u8,
    /// Customer messages no person has seen.
    pub unread: u32,
    /// When the customer last wrote: free text is allowed for a while after.
    pub last_inbound_at: Option<Timestamp>,
    /// The entry of the customer's last message.
    pub last_customer_entry: Option<u64>,
    /// The provider says that nothing can be delivered.
    pub unreachable: bool,
    /// What people filed it under.
    pub tags: BTreeSet<String>,
    /// What other systems know of it.
    pub attributes: BTreeMap<String, String>,
    /// What is owed.
    pub outbox: Outbox,
    /// Inbound ids seen.
    pub seen: Seen,
    /// Agents' idempotency keys.
    pub keys: Keys,
    pub(super) next_entry: u64,
    pub(super) next_effect: EffectId,
    pub(super) next_ask: AskId,
    pub(super) next_handoff: HandoffId,
    pub(super) cancelled: VecDeque<AskId>,
    /// What the rules remember.
    pub window: TriggerWindow,
    /// What is kept of opening hours and routing.
    pub(super) routing: Routing,
    /// Where the customer's language is known from.
    pub language_from: LanguageFrom,
}

/// From opening to closing. Clocks and outcomes belong to it.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Episode {
    /// Which one, from 1; 0: none yet.
    pub number: u32,
    /// When it began.
    pub opened_at: Timestamp,
    /// Since when the customer waits for an answer; acknowledgements, transfers and handbacks never reset it.
    pub waiting_since: Option<Timestamp>,
    /// Whether the AI was asked or has answered in it.
    pub ai_involved: bool,
    /// Who answered last, the AI or a person; none while nobody has.
    pub last_word: Option<ModeName>,
    /// When handoffs were requested, the last few: in it, and in those before it.
    pub handoffs: VecDeque<Timestamp>,
    /// How often the AI has answered in it.
    pub(super) answers: u8,
    /// The customer was told that a person can be had.
    pub(super) mentioned: bool,
}

impl Episode {
    /// Whether a person was asked for in it.
    pub fn asked_for_person(&self) -> bool {
        self.handoffs.iter().any(|at| *at >= self.opened_at)
    }
}

/// What one step works with.
pub struct Cx<'a> {
    pub(super) common: &'a mut Common,
    pub(super) texts: &'a mut BTreeMap<u64, Entry>,
    pub(super) now: Timestamp,
    pub(super) policy: &'a Policy,
    pub(super) out: Out,
}

/// What a step has brought about so far.
#[derive(Default)]
pub struct Out {
    pub(super) entries: Vec<Entry>,
    pub(super) perform: Vec<Perform>,
    pub(super) signals: Vec<Signal>,
    pub(super) evicted: Vec<IdHash>,
    pub(super) touched: bool,
}

impl Out {
    /// Whether there is anything to commit.
    pub(super) fn changed(&self) -> bool {
        self.touched || !self.entries.is_empty()
    }
}

impl Cx<'_> {
    /// Puts a fact on the trail; returns its number.
    pub(super) fn note(&mut self, fact: Fact) -> u64 {
        let n = self.common.next_entry;
        self.common.next_entry += 1;
        self.common.window.observe(&fact);
        self.out.entries.push(Entry {
            n,
            at: self.now,
            policy: self.policy.hash,
            rules: RULES_VERSION,
            fact,
        });
        n
    }

    /// Changed without a word on the trail: commit all the same.
    pub(super) fn touch(&mut self) {
        self.out.touched = true;
    }

    /// A new number for something sent.
    pub(super) fn effect(&mut self) -> EffectId {
        let effect = self.common.next_effect;
        self.common.next_effect = effect.next();
        effect
    }

    /// Puts a message in the line. Its text is the entry `n`, which must be among this step's. False when the line is
    /// full: it is settled as suppressed then.
    pub(super) fn owe(
        &mut self,
        effect: EffectId,
        class: Class,
        n: u64,
        handoff: Option<HandoffId>,
    ) -> bool {
        let state = OwedState::Pending {
            not_before: self.now,
        };
        let owed = Owed {
            effect,
            class,
            entry: Some(n),
            ask: None,
            epoch: self.common.epoch,
            handoff,
            decided_at: self.now,
            state,
            attempts: 0,
            in_doubt: false,
            stopped: None,
        };
        if self.common.outbox.owed.len() >= LINE_MAX {
            let state = MessageState::Suppressed;
            self.remember_sent(owed.left(state));
            self.note(Fact::Settled {
                effect,
                class,
                state,
                provider_id: String::new(),
                code: "line_full".to_owned(),
                cause: None,
                attempts: 0,
                after_ms: 0,
            });
            return false;
        }
        if let Some(entry) = self.out.entries.iter().find(|entry| entry.n == n) {
            self.texts.insert(n, entry.clone());
        }
        self.common.outbox.owed.push_back(owed);
        true
    }

    /// Whether the AI may speak in this conversation at all.
    pub(super) fn ai_on(&self) -> bool {
        self.policy
            .switches
            .ai_on(&self.common.channel, &self.common.queue)
    }

    /// Whether the queue never gives back to the AI, whoever asks.
    pub(super) fn never_back(&self) -> bool {
        self.queue().handback_policy == HandbackPolicy::Never
    }

    /// Whether a clock may not give back to the AI: the queue never does, or the loop breaker has tripped.
    pub(super) fn stays_with_people(&self) -> bool {
        super::looping::tripped(self) || self.never_back()
    }

    /// The rules of the channel.
    pub(super) fn channel(&self) -> &ChannelPolicy {
        self.policy.channel_rules(&self.common.channel)
    }

    /// The rules of the queue the conversation is in.
    pub(super) fn queue(&self) -> &QueuePolicy {
        self.policy.queue_rules_of(self.common)
    }

    /// Puts the customer's message on the trail; the clocks that it starts.
    pub(super) fn customer_wrote(&mut self, inbound: &Inbound, owner: ModeName) {
        let evicted = self.common.seen.remember(inbound.hash(), self.now);
        self.out.evicted.extend(evicted);
        self.common.last_inbound_at = Some(self.now);
        self.common.unreachable = false;
        self.common.unread = self.common.unread.saturating_add(1);
        self.common.episode.waiting_since.get_or_insert(self.now);
        if !inbound.to.is_empty() && inbound.to != self.common.ours {
            self.common.ours.clone_from(&inbound.to);
        }
        if inbound.from.name.is_some() && self.common.customer.name.is_none() {
            let name = inbound.from.name.clone();
            self.common.customer.name = name.map(|name| cut(name, NAME_BYTES_MAX));
        }
        if inbound.from.language.is_some() && self.common.customer.language.is_none() {
            let language = inbound.from.language.clone();
            self.common.customer.language = language.map(|one| cut(one, NAME_BYTES_MAX));
            self.common.language_from = LanguageFrom::Channel;
        }
        let n = self.note(Fact::CustomerWrote {
            id: inbound.id.clone(),
            body: inbound.body.clone(),
            owner,
        });
        self.common.last_customer_entry = Some(n);
        parked::window_opened(self);
        self.settle_language(&inbound.body);
    }

    /// The next owner, or nobody, under a new epoch.
    pub(super) fn change_owner(&mut self) -> OwnerEpoch {
        super::snooze::end(self);
        self.common.epoch = self.common.epoch.next();
        self.common.epoch
    }

    /// Remembers a withdrawn question.
    pub(super) fn remember_cancelled(&mut self, ask: AskId) {
        if self.common.cancelled.len() == CANCELLED_MAX {
            self.common.cancelled.pop_front();
        }
        self.common.cancelled.push_back(ask);
        // Put and overtaken in one step: it is never asked at all.
        let of_it = |perform: &Perform| match perform {
            Perform::Ask { ask: one, .. } => *one == ask,
            Perform::Send(_) => false,
        };
        self.out.perform.retain(|perform| !of_it(perform));
        self.out.signals.push(Signal::CancelAsk(ask));
    }

    /// A new handoff's number; counts it in the episode.
    pub(super) fn handoff(&mut self) -> (HandoffId, bool) {
        let handoff = self.common.next_handoff;
        self.common.next_handoff = handoff.next();
        let repeat = self.common.episode.asked_for_person();
        if self.common.episode.handoffs.len() == HANDOFFS_MAX {
            self.common.episode.handoffs.pop_front();
        }
        self.common.episode.handoffs.push_back(self.now);
        (handoff, repeat)
    }

    /// Begins an episode.
    pub(super) fn open_episode(&mut self, by: By, reopened: bool) {
        let number = self.common.episode.number + 1;
        let handoffs = std::mem::take(&mut self.common.episode.handoffs);
        self.common.episode = Episode {
            number,
            opened_at: self.now,
            handoffs,
            ..Episode::default()
        };
        self.common.queue = self.channel().queue.clone();
        self.common.priority = 0;
        self.note(Fact::Opened {
            episode: number,
            by,
            reopened,
        });
    }

    /// AI messages that were released and may still arrive: which, and what they say.
    pub(super) fn ai_in_flight(&self) -> Vec<(EffectId, String)> {
        let released =
            self.common
                .outbox
                .owed
                .iter()
                .filter(|owed| match (owed.class, owed.state) {
                    (Class::Ai, OwedState::InFlight { .. } | OwedState::Doubt { .. }) => true,
                    // refused at its second attempt: the first may have arrived all the same
                    (Class::Ai, OwedState::Pending { .. }) => owed.in_doubt,
                    (
                        Class::Human
                        | Class::Ack
                        | Class::Progress
                        | Class::Reminder
                        | Class::Survey
                        | Class::Error
                        | Class::AfterHours
                        | Class::System,
                        _,
                    ) => false,
                });
        released
            .map(|owed| (owed.effect, self.text_of(owed)))
            .collect()
    }

    fn text_of(&self, owed: &Owed) -> String {
        let entry = owed.entry.and_then(|n| self.texts.get(&n));
        entry
            .and_then(|entry| text(&entry.fact))
            .unwrap_or_default()
            .to_owned()
    }

    /// A person's name as customers see it.
    pub(super) fn display(agent: &AgentName) -> String {
        agent.as_str().to_owned()
    }
}

/// The text an outbound entry says to the customer.
pub(super) fn text(fact: &Fact) -> Option<&str> {
    if let Fact::AiWrote { text, .. }
    | Fact::HumanWrote { text, .. }
    | Fact::SystemWrote { text, .. } = fact
    {
        Some(text)
    } else {
        None
    }
}

//! A conversation as the API shows it.
//!
//! The names are a contract with dashboards and other programs: fields are added, never renamed.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::conversation::approval;
use crate::conversation::message::Medium;
use crate::conversation::policy::Policy;
use crate::conversation::trail::Fact;
use crate::conversation::words::{Class, MessageState, ModeName, Outcome, Reason};
use crate::conversation::{Conversation, Handoff, Mode};
use crate::desk::Sighting;
use crate::desk::presence::{Doing, Presence};
use crate::ids::AgentName;

/// The longest last words a list shows, in characters.
const LAST_WORDS_CHARS_MAX: usize = 200;

/// One conversation.
#[derive(Serialize, ToSchema)]
#[schema(as = Conversation)]
pub struct View {
    /// Its id.
    pub id: String,
    /// The channel instance it lives on.
    pub channel: String,
    /// The medium of that instance.
    pub medium: Medium,
    /// The customer.
    pub customer: CustomerView,
    /// Who speaks next.
    pub mode: ModeName,
    /// Since when the mode is what it is.
    pub mode_since: String,
    /// The queue it is or was last in.
    pub queue: String,
    /// Who has it.
    pub assignee: Option<String>,
    /// Since when they have it.
    pub assignee_since: Option<String>,
    /// Whom it is offered to, while it waits.
    pub offered_to: Option<String>,
    /// Urgency; 0 is ordinary.
    pub priority: u8,
    /// Why a person was asked for.
    pub reason: Option<Reason>,
    /// The handoff that waits or was answered.
    pub handoff: Option<HandoffView>,
    /// Grows with every change of owner; send it back with a reply.
    pub owner_epoch: u64,
    /// Since when the customer waits: for a person in `waiting`, else for an answer.
    pub waiting_since: Option<String>,
    /// When the next step is taken if nobody comes, or until when "are you done?" must be answered.
    pub deadline: Option<String>,
    /// Customer messages no person has seen.
    pub unread: u32,
    /// When the channel stops taking free text.
    pub window: Window,
    /// The words the handoff fired on, or the model's summary.
    pub summary: Option<String>,
    /// What people filed it under.
    pub tags: BTreeSet<String>,
    /// What of it waits for one decision of a person: the ids of approvals.
    pub approvals: Vec<String>,
    /// What other systems know of it.
    pub attributes: BTreeMap<String, String>,
    /// When the episode began.
    pub opened_at: Option<String>,
    /// The last change of anything.
    pub updated_at: String,
    /// Which episode this is, from 1.
    pub episode: u32,
    /// How the last episode ended, in `closed`.
    pub outcome: Option<Outcome>,
    /// Whether the provider says that nothing can be delivered.
    pub unreachable: bool,
    /// What is on its way or waits to be sent, first in line first; then what is parked.
    pub outbox: Vec<OwedView>,
    /// The last thing that somebody said (an automatic text only where nobody has), where it is in memory.
    pub last_message: Option<LastWords>,
    /// Who looks at it just now.
    pub viewing: Vec<String>,
    /// Who writes in it just now.
    pub typing: Vec<String>,
    /// Counts its commits.
    pub rev: u64,
    /// The customer's other conversations that the caller may see, the one that changed last first; only where one
    /// conversation is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub others: Option<Vec<OtherView>>,
}

/// Another conversation of the same customer.
#[derive(Serialize, ToSchema)]
#[schema(as = OtherConversation)]
pub struct OtherView {
    /// Its id.
    pub id: String,
    /// The channel.
    pub channel: String,
    /// The medium.
    pub medium: Medium,
    /// Who speaks next there.
    pub mode: ModeName,
    /// Who has it.
    pub assignee: Option<String>,
    /// Its last change.
    pub updated_at: String,
}

impl OtherView {
    /// Of one of them.
    pub fn of(other: &Conversation) -> Self {
        let common = other.common();
        Self {
            id: common.id.to_string(),
            channel: common.channel.to_string(),
            medium: common.medium,
            mode: other.mode().name(),
            assignee: other.assignee().map(AgentName::to_string),
            updated_at: common.updated_at.rfc3339(),
        }
    }
}

/// The customer.
#[derive(Serialize, ToSchema)]
#[schema(as = Customer)]
pub struct CustomerView {
    /// Where a reply goes.
    pub address: String,
    /// Their name, if known.
    pub name: Option<String>,
    /// Their language, if known.
    pub language: Option<String>,
}

/// A promise of a person.
#[derive(Serialize, ToSchema)]
#[schema(as = Handoff)]
pub struct HandoffView {
    /// Its id within the conversation.
    pub id: String,
    /// Why.
    pub reason: Reason,
    /// The rule that fired.
    pub rule: String,
    /// The words it fired on.
    pub matched: String,
    /// When it was requested.
    pub requested_at: String,
}

/// When the channel takes free text.
#[derive(Serialize, ToSchema)]
pub struct Window {
    /// Until when; none: always.
    pub closes_at: Option<String>,
}

/// A message that is owed.
#[derive(Serialize, ToSchema)]
#[schema(as = OwedMessage)]
pub struct OwedView {
    /// Its id within the conversation.
    pub message: String,
    /// What kind.
    pub class: Class,
    /// Where it stands.
    pub state: MessageState,
    /// The trail entry that holds its text; none while it is still being written.
    pub entry: Option<u64>,
    /// Whether it may arrive twice.
    pub in_doubt: bool,
    /// Attempts begun.
    pub attempts: u16,
    /// When it was decided.
    pub decided_at: String,
    /// `parked`: until when it is kept; it leaves when the customer writes again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// The last thing that was said.
#[derive(Serialize, ToSchema)]
pub struct LastWords {
    /// When.
    pub at: String,
    /// `customer`, `ai`, `human` or `system`.
    pub by: &'static str,
    /// What; cut after 200 characters.
    pub text: String,
}

/// What a view is made of besides the head.
pub struct Light<'a> {
    /// The rules in force.
    pub policy: &'a Policy,
    /// Who looks and writes.
    pub presence: &'a Presence,
}

impl View {
    /// The conversation as it stands in memory.
    pub fn of_sighting(seen: &Sighting, light: &Light<'_>) -> Option<Self> {
        let mut view = Self::of(seen.conversation()?, light);
        view.last_message = seen.last_words().map(|(entry, text)| LastWords {
            at: entry.at.rfc3339(),
            by: speaker(&entry.fact),
            text: text.chars().take(LAST_WORDS_CHARS_MAX).collect(),
        });
        Some(view)
    }

    /// The conversation as its head has it.
    pub fn of(conversation: &Conversation, light: &Light<'_>) -> Self {
        let common = conversation.common();
        let facts = Facts::of(conversation.mode());
        let marked = |doing| {
            light
                .presence
                .marked(common.id, doing)
                .iter()
                .map(AgentName::to_string)
                .collect()
        };
        let window = light.policy.channel_rules(&common.channel).reply_window;
        let closes_at = window.and_then(|open| Some((common.last_inbound_at? + open).rfc3339()));
        Self {
            id: common.id.to_string(),
            channel: common.channel.to_string(),
            medium: common.medium,
            customer: CustomerView {
                address: common.customer.address.clone(),
                name: common.customer.name.clone(),
                language: common.customer.language.clone(),
            },
            mode: conversation.mode().name(),
            mode_since: common.mode_since.rfc3339(),
            queue: common.queue.to_string(),
            assignee: conversation.assignee().map(AgentName::to_string),
            assignee_since: facts.assignee_since.map(Timestamp::rfc3339),
            offered_to: facts.offered_to.map(AgentName::to_string),
            priority: common.priority,
            reason: facts.handoff.map(|handoff| handoff.reason),
            handoff: facts.handoff.map(HandoffView::of),
            owner_epoch: common.epoch.0,
            waiting_since: facts
                .waiting_since
                .or(common.episode.waiting_since)
                .map(Timestamp::rfc3339),
            deadline: facts.deadline.map(Timestamp::rfc3339),
            unread: common.unread,
            window: Window { closes_at },
            summary: facts
                .handoff
                .map(|handoff| handoff.matched.clone())
                .filter(|matched| !matched.is_empty()),
            tags: common.tags.clone(),
            approvals: approval::open(common)
                .iter()
                .map(ToString::to_string)
                .collect(),
            attributes: common.attributes.clone(),
            opened_at: (common.episode.number > 0).then(|| common.episode.opened_at.rfc3339()),
            updated_at: common.updated_at.rfc3339(),
            episode: common.episode.number,
            outcome: facts.outcome,
            unreachable: common.unreachable,
            outbox: owed(conversation),
            last_message: None,
            viewing: marked(Doing::Viewing),
            typing: marked(Doing::Typing),
            rev: common.rev,
            others: None,
        }
    }
}

impl HandoffView {
    fn of(handoff: &Handoff) -> Self {
        Self {
            id: handoff.id.to_string(),
            reason: handoff.reason,
            rule: handoff.rule.clone(),
            matched: handoff.matched.clone(),
            requested_at: handoff.requested_at.rfc3339(),
        }
    }
}

/// What only some modes know.
#[derive(Default)]
struct Facts<'a> {
    handoff: Option<&'a Handoff>,
    assignee_since: Option<Timestamp>,
    offered_to: Option<&'a AgentName>,
    waiting_since: Option<Timestamp>,
    deadline: Option<Timestamp>,
    outcome: Option<Outcome>,
}

impl<'a> Facts<'a> {
    fn of(mode: &'a Mode) -> Self {
        match mode {
            Mode::Ai(_) => Self::default(),
            Mode::Waiting(waiting) => Self {
                handoff: Some(waiting.handoff()),
                offered_to: waiting.offered_to(),
                waiting_since: Some(waiting.since()),
                deadline: Some(waiting.deadline()),
                ..Self::default()
            },
            Mode::Human(human) => Self {
                handoff: human.handoff(),
                assignee_since: Some(human.since()),
                deadline: human.asked_until(),
                ..Self::default()
            },
            Mode::Closed(closed) => Self {
                outcome: closed.outcome(),
                ..Self::default()
            },
        }
    }
}

/// What has not left: the line, and behind it what is parked.
fn owed(conversation: &Conversation) -> Vec<OwedView> {
    let outbox = &conversation.common().outbox;
    let line = outbox.owed().map(|owed| (owed, None));
    let parked = outbox.parked().map(|one| (&one.owed, Some(one.until)));
    line.chain(parked)
        .map(|(owed, until)| OwedView {
            message: owed.effect.to_string(),
            class: owed.class,
            state: outbox
                .state_of(owed.effect)
                .unwrap_or(MessageState::Pending),
            entry: owed.entry,
            in_doubt: owed.in_doubt,
            attempts: owed.attempts,
            decided_at: owed.decided_at.rfc3339(),
            until: until.map(Timestamp::rfc3339),
        })
        .collect()
}

/// Who said what a fact says.
fn speaker(fact: &Fact) -> &'static str {
    if matches!(fact, Fact::CustomerWrote { .. }) {
        "customer"
    } else if matches!(fact, Fact::AiWrote { .. }) {
        "ai"
    } else if matches!(fact, Fact::HumanWrote { .. }) {
        "human"
    } else {
        "system"
    }
}

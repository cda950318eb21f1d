//! Everything that can happen to a conversation, in the past tense, and everything a person can ask of it.

use serde::{Deserialize, Serialize};

use super::assigning::Present;
use super::message::{Attachment, Attempt, Inbound, Report};
use super::question::{ModelAnswer, ModelFailure};
use super::words::{Outcome, Role, Verdict};
use crate::clock::Timestamp;
use crate::ids::{AgentName, AskId, EffectId, HandoffId, IdHash, OwnerEpoch, QueueName};

/// Something that happened.
#[derive(Clone, PartialEq, Debug)]
pub enum Event {
    /// The customer wrote.
    CustomerWrote {
        /// What.
        inbound: Inbound,
        /// Whether the store remembers its id from before the head forgot it.
        seen_before: bool,
    },
    /// A person on our side wrote to the customer past Segue (from the phone, say): that is a takeover.
    WrittenElsewhere {
        /// What; `from` is the customer whose thread it is.
        inbound: Inbound,
    },
    /// A provider reported on something that was sent.
    Reported(Report),
    /// The model answered.
    ModelAnswered {
        /// Which question.
        ask: AskId,
        /// What.
        answer: ModelAnswer,
    },
    /// The model gave no answer.
    ModelFailed {
        /// Which question.
        ask: AskId,
        /// Why.
        failure: ModelFailure,
    },
    /// A stream was cut; nothing more of it will be shown.
    StreamStopped {
        /// Which question it answered.
        ask: AskId,
        /// What the customer saw of it.
        emitted: String,
    },
    /// An attempt to send ended.
    SendSettled {
        /// Which send.
        effect: EffectId,
        /// How.
        attempt: Attempt,
    },
    /// A send was held back at its release: what it rested on had changed.
    SendSuppressed {
        /// Which send.
        effect: EffectId,
    },
    /// A deadline may have passed. Harmless when none has.
    DeadlinePassed,
    /// Somebody on our side is one of us no more: what they held, or were offered, is for everybody again.
    OwnerGone {
        /// Who.
        agent: AgentName,
    },
    /// These people are present and have room: a conversation that waits may be offered to one of them.
    PeoplePresent {
        /// Who; nobody who cannot see the queue.
        people: Vec<Present>,
    },
    /// A switch of the AI was turned: whatever rests on it is looked at again. Harmless when it is of no concern here.
    SwitchTurned,
    /// The conversation was woken from disk: what it owes has to be taken up again.
    Revived {
        /// When this process began: what was released before is carried by nobody any more.
        began_at: Timestamp,
    },
    /// A person on our side acted.
    Acted {
        /// Who.
        agent: AgentName,
        /// With which right.
        role: Role,
        /// What.
        act: Act,
        /// The key under which the act may be repeated without effect, and the digest of its body.
        key: Option<(IdHash, IdHash)>,
    },
    /// An event could not be decided because of a fault of ours: a person has to look.
    Faulted {
        /// What kind of event.
        event: String,
        /// Where it was parked.
        parked: u64,
    },
}

impl Event {
    /// A word for logs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::CustomerWrote { .. } => "customer_wrote",
            Self::WrittenElsewhere { .. } => "written_elsewhere",
            Self::Reported(_) => "reported",
            Self::ModelAnswered { .. } => "model_answered",
            Self::ModelFailed { .. } => "model_failed",
            Self::StreamStopped { .. } => "stream_stopped",
            Self::SendSettled { .. } => "send_settled",
            Self::SendSuppressed { .. } => "send_suppressed",
            Self::DeadlinePassed => "deadline_passed",
            Self::OwnerGone { .. } => "owner_gone",
            Self::PeoplePresent { .. } => "people_present",
            Self::SwitchTurned => "switch_turned",
            Self::Revived { .. } => "revived",
            Self::Acted { act, .. } => act.name(),
            Self::Faulted { .. } => "faulted",
        }
    }
}

/// What a person on our side can do.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Act {
    /// Take a waiting conversation.
    Claim {
        /// Also from another person who has it (leads and admins).
        force: bool,
    },
    /// Take a conversation that nobody offered.
    TakeOver {
        /// Also from another person who has it (leads and admins).
        force: bool,
    },
    /// Write to the customer.
    Reply {
        /// What.
        text: String,
        /// The owner epoch the writer saw; an older one is refused.
        epoch: Option<OwnerEpoch>,
    },
    /// Leave a private note.
    Note {
        /// What.
        text: String,
    },
    /// Being typed right now: renews the lease.
    Typing,
    /// Being looked at right now: renews the lease.
    Viewing,
    /// Send it on.
    Transfer {
        /// To this queue (none: the one it is in).
        queue: Option<QueueName>,
        /// To this person.
        to: Option<AgentName>,
    },
    /// Give it back to the AI.
    HandBack {
        /// What was resolved.
        note: String,
        /// The last entry the person had seen; a newer customer message refuses the handback.
        seen: Option<u64>,
    },
    /// "Not done yet."
    Keep,
    /// End the episode.
    Resolve {
        /// How; none: by who had it.
        outcome: Option<Outcome>,
        /// In words.
        note: String,
    },
    /// Ask for a person on the customer's behalf.
    Escalate {
        /// In which queue.
        queue: Option<QueueName>,
    },
    /// Judge a handoff.
    Review {
        /// Which; none: the last.
        handoff: Option<HandoffId>,
        /// The word.
        verdict: Verdict,
    },
    /// Change what is known.
    Edit(Edit),
    /// Take a message back that has not left yet.
    Undo {
        /// Which.
        effect: EffectId,
    },
    /// Leave it alone until then, without being asked "are you done?".
    Snooze {
        /// Until when; none, or a time that has passed: not any more.
        until: Option<Timestamp>,
    },
    /// Write to the customer, with files.
    SendFiles {
        /// What stands beside them; never empty.
        text: String,
        /// The files, kept by us, of this very conversation.
        files: Vec<Attachment>,
        /// The owner epoch the writer saw; an older one is refused.
        epoch: Option<OwnerEpoch>,
    },
    /// Have a person decide something while nobody waits.
    AskApproval {
        /// What.
        question: String,
        /// How much it is about, in words; may be empty.
        amount: String,
    },
    /// Decide an approval.
    Decide {
        /// The entry that asked.
        approval: u64,
        /// Yes, or no.
        approved: bool,
        /// What is said to it; may be empty.
        note: String,
        /// What was asked: the words of that entry.
        question: String,
    },
}

impl Act {
    /// A word for logs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Claim { .. } => "claim",
            Self::TakeOver { .. } => "takeover",
            Self::Reply { .. } => "reply",
            Self::Note { .. } => "note",
            Self::Typing => "typing",
            Self::Viewing => "viewing",
            Self::Transfer { .. } => "transfer",
            Self::HandBack { .. } => "handback",
            Self::Keep => "keep",
            Self::Resolve { .. } => "resolve",
            Self::Escalate { .. } => "escalate",
            Self::Review { .. } => "review",
            Self::Edit(_) => "edit",
            Self::Undo { .. } => "undo",
            Self::Snooze { .. } => "snooze",
            Self::SendFiles { .. } => "send_files",
            Self::AskApproval { .. } => "ask_approval",
            Self::Decide { .. } => "decide",
        }
    }
}

/// A change to what is known of a conversation. What is `None` stays.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Edit {
    /// The tags from here on.
    pub tags: Option<Vec<String>>,
    /// Attributes to set (`Some`) or to remove (`None`).
    pub attributes: Vec<(String, Option<String>)>,
    /// The priority from here on.
    pub priority: Option<u8>,
    /// The customer's language.
    pub language: Option<String>,
    /// The customer's name.
    pub name: Option<String>,
}

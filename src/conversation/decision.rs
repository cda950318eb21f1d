//! What one step of a conversation comes to: the answer, what is new on the trail, what is to be done.
//!
//! Nothing in here has been done yet. The shell commits the entries, then gives the answer, then performs.

use serde::{Deserialize, Serialize};

use super::trail::Entry;
use crate::clock::Timestamp;
use crate::ids::{AgentName, AskId, EffectId, HandoffId, IdHash, OwnerEpoch};

/// The outcome of one step.
#[derive(Clone, PartialEq, Debug)]
pub struct Decision {
    /// For whoever brought the event.
    pub answer: Answer,
    /// What is new on the trail.
    pub entries: Vec<Entry>,
    /// What is to be done once the entries are durable.
    pub perform: Vec<Perform>,
    /// What is to be done at once; harmless should the commit fail.
    pub signals: Vec<Signal>,
    /// Inbound ids that the head forgot.
    pub evicted: Vec<IdHash>,
    /// Whether there is anything to commit.
    pub changed: bool,
}

/// Something to be done after the commit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Perform {
    /// Send this. It is in flight as of this commit; the release gate is asked once more.
    Send(EffectId),
    /// Ask the model.
    Ask {
        /// Which question.
        ask: AskId,
        /// The send its answer streams into, on channels that can show it.
        stream: Option<EffectId>,
    },
}

/// Something to be done at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Signal {
    /// Cancel this question to the model; its stream, if it has one, stops before the next frame.
    CancelAsk(AskId),
}

/// The answer to whoever brought the event. Given only when what it rests on is durable.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Answer {
    /// Done.
    Accepted,
    /// Seen before: nothing changed.
    Duplicate,
    /// Nothing to do: the event came too late or had no effect.
    Ignored,
    /// The conversation is theirs.
    Claimed {
        /// Under this epoch.
        epoch: OwnerEpoch,
        /// The handoff, if there was one.
        handoff: Option<HandoffId>,
        /// AI messages that were on their way and may still arrive: which, and what they say.
        in_flight: Vec<(EffectId, String)>,
    },
    /// The message stands on the trail.
    Wrote {
        /// The send that carries it.
        effect: EffectId,
        /// Its entry.
        entry: u64,
    },
    /// Not done, nothing changed.
    Refused(Refusal),
    /// The message stands on the trail and leaves when the customer writes: the channel takes no free text now.
    Parked {
        /// The send that will carry it.
        effect: EffectId,
        /// Its entry.
        entry: u64,
        /// Until when it is kept.
        until: Timestamp,
    },
    /// An approval is open.
    Asked {
        /// The entry that asks.
        approval: u64,
    },
}

/// Why something was not done. Every refusal says what would have to be otherwise.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    /// Somebody else has it.
    #[error("{by} has this conversation since {}", since.rfc3339())]
    Taken {
        /// Who.
        by: AgentName,
        /// Since when.
        since: Timestamp,
    },
    /// The writer's epoch is old.
    #[error("the conversation changed hands since you loaded it")]
    StaleEpoch {
        /// Who has it now, if a person has.
        owner: Option<AgentName>,
        /// The epoch now.
        epoch: OwnerEpoch,
    },
    /// Nobody has claimed it: claim first.
    #[error("claim the conversation before you write in it")]
    NotClaimed,
    /// The AI has it: take over first.
    #[error("the AI holds this conversation; take it over first")]
    HeldByAi,
    /// It does not wait for anybody.
    #[error("this conversation is not waiting for a person")]
    NotWaiting,
    /// The episode is over.
    #[error("this conversation is closed")]
    AlreadyClosed,
    /// The role may not do this.
    #[error("your role does not allow this")]
    NotAllowed,
    /// A note is needed.
    #[error("a short note on what was resolved is required")]
    NoteRequired,
    /// There is no text.
    #[error("the text is empty")]
    Empty,
    /// The text is too long.
    #[error("the text is longer than {max} bytes")]
    TooLong {
        /// The most.
        max: usize,
    },
    /// The channel's window for free text is shut. Replies are parked instead; answers that were stored may hold it.
    #[error("the channel allows free text only until {}", closed_at.rfc3339())]
    WindowShut {
        /// Since when.
        closed_at: Timestamp,
    },
    /// The provider says that this customer cannot be reached on this channel.
    #[error("the customer cannot be reached on this channel")]
    Unreachable,
    /// Too much is waiting to be sent.
    #[error("too many messages are waiting to be sent")]
    OutboxFull,
    /// No such queue.
    #[error("no such queue")]
    UnknownQueue,
    /// No such message, or it has left already.
    #[error("no such message is waiting to be sent")]
    NotPending,
    /// The customer wrote something the person has not seen.
    #[error("the customer wrote since entry {seen}; read it first")]
    CustomerWroteMeanwhile {
        /// The last entry seen.
        seen: u64,
    },
    /// The idempotency key was used for another body.
    #[error("this Idempotency-Key was used for a different request")]
    KeyReused,
    /// Too many tags or attributes, or too long ones.
    #[error("too many or too long tags or attributes")]
    TooMuch,
    /// There is no handoff to speak of.
    #[error("no such handoff")]
    UnknownHandoff,
    /// There is no such conversation.
    #[error("no such conversation")]
    Unknown,
    /// The queue never gives a conversation back to the AI.
    #[error("this queue stays with people to the end; resolve the conversation instead")]
    StaysWithPeople,
    /// Somebody switched the AI off for this channel, this queue, or altogether.
    #[error("the AI is switched off here; there is nobody to hand back to")]
    AiOff,
    /// Too many approvals of this conversation are open.
    #[error("{max} approvals are the most that can be open in one conversation")]
    ApprovalsFull {
        /// The most.
        max: usize,
    },
    /// No such approval is open: it never was, or it is decided.
    #[error("no such approval is open")]
    NotOpen,
}

//! The trail: what happened, append-only and complete.
//!
//! A reviewer reads it from the first message, replay runs on it, audit exports it, and every counter is
//! derived from it. An [`Entry`] is numbered within its conversation and never changes. [`Fact`] names are in
//! the past tense. New facts are added at the end: the order of variants is the wire format on disk.

use serde::{Deserialize, Serialize};

pub use super::causes::{CancelCause, GhostCause};
pub use super::cost::{Source, Usage};
use super::message::{Attachment, Body, Customer, FailureCause};
use super::words::{
    By, Class, MessageState, ModeName, ModelFault, Outcome, Reason, Settlement, SlaClock, Verdict,
};
use crate::clock::Timestamp;
use crate::ids::{AgentName, AskId, EffectId, HandoffId, OwnerEpoch, QueueName};
use crate::triage::specs::Action;

/// The version of the deciding rules that wrote an entry. Replay compares only entries of its own version.
pub const RULES_VERSION: u16 = 9;

/// One line of the trail.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// Its number within the conversation, from 0, without gaps.
    pub n: u64,
    /// When it was decided.
    pub at: Timestamp,
    /// The policy it was decided under.
    pub policy: u64,
    /// The rules it was decided by.
    pub rules: u16,
    /// What happened.
    pub fact: Fact,
}

/// What happened.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Fact {
    /// An episode began.
    Opened {
        /// Which one, from 1.
        episode: u32,
        /// Who began it.
        by: By,
        /// Whether it continues a closed one.
        reopened: bool,
    },
    /// The customer wrote.
    CustomerWrote {
        /// The provider's id of the message.
        id: String,
        /// What it said.
        body: Body,
        /// Who was to answer when it came.
        owner: ModeName,
    },
    /// The AI's answer was decided; what became of it stands in a later [`Fact::Settled`].
    AiWrote {
        /// The send that carries it.
        effect: EffectId,
        /// The question it answers.
        ask: AskId,
        /// The answer. For a stream: what was really emitted.
        text: String,
        /// The retrieved chunks it rests on.
        sources: Vec<Source>,
        /// Whether it was cut off while streaming.
        partial: bool,
    },
    /// A person wrote.
    HumanWrote {
        /// The send that carries it.
        effect: EffectId,
        /// Who.
        agent: AgentName,
        /// What.
        text: String,
        /// Milliseconds from the request for a person, if this is the first human word since.
        first_response_ms: Option<u64>,
        /// Milliseconds from the oldest unanswered customer message, if there was one.
        reply_ms: Option<u64>,
    },
    /// Segue itself wrote to the customer.
    SystemWrote {
        /// The send that carries it.
        effect: EffectId,
        /// What kind of message.
        class: Class,
        /// What.
        text: String,
        /// The buttons under it, if any: id and title.
        choices: Vec<(String, String)>,
    },
    /// A private note: only people on our side see it, and the model as structure.
    NoteWritten {
        /// Who.
        agent: AgentName,
        /// What.
        text: String,
    },
    /// The model was asked.
    ModelAsked {
        /// Which question.
        ask: AskId,
        /// How many customer messages it answers at once.
        messages: u32,
    },
    /// The model answered, whatever came of it.
    ModelAnswered {
        /// Which question.
        ask: AskId,
        /// The model that answered.
        model: String,
        /// What it cost.
        usage: Usage,
        /// Milliseconds it took.
        took_ms: u64,
        /// The tools it called: name and arguments as JSON text.
        tools: Vec<(String, String)>,
        /// How sure it said it was, in percent.
        confidence: Option<u8>,
    },
    /// The model gave no answer.
    ModelFailed {
        /// Which question.
        ask: AskId,
        /// Why.
        fault: ModelFault,
        /// Milliseconds it took to fail.
        took_ms: u64,
        /// What it cost all the same.
        usage: Usage,
    },
    /// The question was withdrawn before its answer could be used.
    AskCancelled {
        /// Which question.
        ask: AskId,
        /// What overtook it.
        cause: CancelCause,
    },
    /// A withdrawn question was answered all the same (or had said part of it): kept for the person, never sent.
    DraftKept {
        /// Which question.
        ask: AskId,
        /// The text.
        text: String,
        /// What it cost.
        usage: Usage,
    },
    /// A person was promised. Its deadline and its acknowledgement are in the same commit.
    HandoffRequested {
        /// Which handoff.
        handoff: HandoffId,
        /// Why.
        reason: Reason,
        /// The rule that fired.
        rule: String,
        /// The words it fired on.
        matched: String,
        /// Where it waits.
        queue: QueueName,
        /// Whether an earlier handoff stands in the same episode.
        repeat: bool,
        /// When somebody must have claimed it.
        deadline: Timestamp,
        /// Milliseconds since the episode began.
        since_open_ms: u64,
    },
    /// A handoff ended.
    HandoffSettled {
        /// Which handoff.
        handoff: HandoffId,
        /// How.
        outcome: Settlement,
        /// Milliseconds since it was requested.
        waited_ms: u64,
    },
    /// A person took the conversation.
    Claimed {
        /// Who.
        agent: AgentName,
        /// The handoff, or none when taken over unasked.
        handoff: Option<HandoffId>,
        /// The owner epoch from here on.
        epoch: OwnerEpoch,
        /// Who had it before, when it was taken from a person by force.
        from: Option<AgentName>,
        /// Milliseconds that person held it; 0 when nobody did.
        held_ms: u64,
        /// The AI messages that were already on their way.
        in_flight: Vec<EffectId>,
    },
    /// The conversation went to another queue or person.
    Transferred {
        /// Who sent it on (none: a rule did).
        agent: Option<AgentName>,
        /// To which queue.
        queue: QueueName,
        /// To which person, if to one.
        to: Option<AgentName>,
        /// The handoff it waits under from here on.
        handoff: HandoffId,
        /// The owner epoch from here on.
        epoch: OwnerEpoch,
        /// Milliseconds the person who sent it on held it; none when nobody did.
        held_ms: Option<u64>,
    },
    /// The conversation went back to the AI.
    HandedBack {
        /// Who caused it.
        by: By,
        /// The person who had it, if one had.
        agent: Option<AgentName>,
        /// What was resolved, in their words.
        note: String,
        /// The owner epoch from here on.
        epoch: OwnerEpoch,
        /// Milliseconds the person held it.
        held_ms: u64,
    },
    /// The agent was asked "are you done?".
    AskedIfDone {
        /// Who.
        agent: AgentName,
        /// Until when.
        answer_by: Timestamp,
    },
    /// The agent said "not done yet", or showed it by acting.
    Kept {
        /// Who.
        agent: AgentName,
    },
    /// The agent did not answer: ownership lapsed.
    LeaseLapsed {
        /// Who.
        agent: AgentName,
        /// Milliseconds they held it.
        held_ms: u64,
    },
    /// Nobody claimed by the deadline: the ladder moved on.
    LadderStepped {
        /// Which handoff.
        handoff: HandoffId,
        /// Which step, from 1.
        step: u8,
        /// What was done, in one word of the configuration.
        action: String,
        /// The next deadline.
        deadline: Timestamp,
    },
    /// The deadline for a person passed without one.
    GhostDeclared {
        /// Which handoff.
        handoff: HandoffId,
        /// What was missing.
        cause: GhostCause,
    },
    /// A service level's clock was stopped, met or not.
    SlaEvaluated {
        /// Which clock.
        clock: SlaClock,
        /// Whether it was met.
        met: bool,
    },
    /// The episode ended.
    Closed {
        /// How.
        outcome: Outcome,
        /// Who ended it.
        by: By,
        /// The person's note, if one wrote it.
        note: String,
        /// Milliseconds a person held it until now; none when nobody did.
        held_ms: Option<u64>,
    },
    /// An outbound message moved on.
    Settled {
        /// Which message.
        effect: EffectId,
        /// What kind it was.
        class: Class,
        /// Where it stands.
        state: MessageState,
        /// The provider's id for it, once known.
        provider_id: String,
        /// The provider's error code or our word for why; empty when all is well.
        code: String,
        /// What kind of failure, on failure.
        cause: Option<FailureCause>,
        /// Attempts made so far.
        attempts: u16,
        /// Milliseconds since it was decided.
        after_ms: u64,
    },
    /// A reviewer judged a handoff.
    Reviewed {
        /// Which handoff, or the conversation as a whole.
        handoff: Option<HandoffId>,
        /// The word.
        verdict: Verdict,
        /// Who.
        agent: AgentName,
    },
    /// Tags, attributes, priority, name or language were changed.
    Edited {
        /// Who.
        agent: AgentName,
        /// What changed, as JSON text.
        change: String,
    },
    /// An event could not be decided (a bug): it was parked for people.
    EventParked {
        /// What kind of event.
        event: String,
        /// Where it can be found.
        parked: u64,
    },
    /// The customer became known under more or better facts.
    CustomerChanged {
        /// As known from here on.
        customer: Customer,
    },
    /// A rule fired, on the customer's words or on an answer of the model. What followed stands behind it.
    RuleFired {
        /// Its name.
        rule: String,
        /// The reason it gives.
        reason: Reason,
        /// The words it fired on, normalised.
        matched: String,
        /// Their language.
        language: String,
        /// What it leads to, by itself.
        action: Action,
        /// It only observes: nothing followed.
        observed: bool,
    },
    /// A person was offered; the offer waits for yes or no.
    OfferMade {
        /// The rule that led to it.
        rule: String,
        /// The reason of the handoff it may become.
        reason: Reason,
        /// The words it fired on, normalised.
        matched: String,
        /// Their language.
        language: String,
        /// The queue the rule names, if it names one.
        queue: Option<QueueName>,
        /// How urgent the handoff would be.
        priority: u8,
        /// The message that asks.
        effect: EffectId,
    },
    /// The customer answered the offer.
    OfferAnswered {
        /// Yes, or no.
        accepted: bool,
        /// The rule that had led to the offer.
        rule: String,
        /// The words that answered it, normalised.
        matched: String,
    },
    /// A message of ours got files. Stands right before the entry with its text.
    FilesAdded {
        /// The send that carries them.
        effect: EffectId,
        /// The files.
        files: Vec<Attachment>,
    },
    /// One of us was asked to decide something while nobody waits. Its number names the approval.
    ApprovalAsked {
        /// Who asks.
        agent: AgentName,
        /// What is to be decided.
        question: String,
        /// How much it is about, in words; empty: about none.
        amount: String,
    },
    /// An approval was decided.
    ApprovalDecided {
        /// The entry that asked.
        approval: u64,
        /// Who decided.
        agent: AgentName,
        /// Yes, or no.
        approved: bool,
        /// What they said to it; may be empty.
        note: String,
        /// What had been asked, so that this entry can be read alone.
        question: String,
    },
}

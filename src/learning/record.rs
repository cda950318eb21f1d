//! What a conversation's trail comes to: its handoffs, and whether somebody left unhelped.

use crate::clock::Timestamp;
use crate::conversation::words::{By, Outcome, Reason, Settlement, Verdict};
use crate::ids::{AgentName, HandoffId, QueueName};

use super::source::Facts;

/// One promise of a person, from the request to its end.
#[derive(Clone, PartialEq, Debug)]
pub struct Handoff {
    /// Its number within the conversation.
    pub id: HandoffId,
    /// The episode it belongs to.
    pub episode: u32,
    /// When it was requested.
    pub requested_at: Timestamp,
    /// Why.
    pub reason: Reason,
    /// The rule that fired.
    pub rule: String,
    /// The words it fired on.
    pub matched: String,
    /// The customer's last messages before it, at most [`super::fold::WORDS_KEPT`].
    pub words: Vec<String>,
    /// The queue that it was requested in.
    pub first_queue: QueueName,
    /// The queue it waited in last.
    pub queue: QueueName,
    /// Whether it goes on with an earlier one: a person passed it on, or let it lapse. Counted apart from requests.
    pub passed_on: bool,
    /// Whether the AI had answered in the episode before.
    pub after_ai: bool,
    /// Who claimed it first, and when.
    pub claimed: Option<(AgentName, Timestamp)>,
    /// How the wait ended, and how many milliseconds it was.
    pub settled: Option<(Settlement, u64)>,
    /// When the first human word came.
    pub replied_at: Option<Timestamp>,
    /// Messages of people under it.
    pub replies: u32,
    /// Their texts, the first [`super::fold::REPLIES_MAX`].
    pub said: Vec<String>,
    /// How it ended, and when.
    pub ended: Option<(Ended, Timestamp)>,
    /// What the person noted at its end.
    pub note: String,
    /// Nobody had claimed it by the deadline.
    pub late: bool,
    /// Somebody claimed it and had said nothing by the deadline.
    pub silent: bool,
    /// Milliseconds from its handback to the next request in the same conversation.
    pub back_after_ms: Option<u64>,
    /// The newest verdict.
    pub verdict: Option<Given>,
}

impl Handoff {
    /// A person was promised, the deadline passed, and nobody ever came.
    pub fn is_ghost(&self) -> bool {
        let apologised = matches!(self.settled, Some((Settlement::TimedOut, _)));
        self.claimed.is_none() && (self.late || apologised)
    }

    /// Milliseconds from the request to the claim.
    pub fn claimed_after_ms(&self) -> Option<u64> {
        self.claimed
            .as_ref()
            .map(|(_, at)| millis(*at, self.requested_at))
    }

    /// Milliseconds from the request to the first human word.
    pub fn replied_after_ms(&self) -> Option<u64> {
        self.replied_at.map(|at| millis(at, self.requested_at))
    }

    /// Milliseconds from the claim to its end.
    pub fn held_ms(&self) -> Option<u64> {
        let (_, from) = self.claimed.as_ref()?;
        let (_, to) = self.ended?;
        Some(millis(to, *from))
    }
}

/// How a handoff ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// Given back to the AI.
    HandedBack(By),
    /// The episode was closed.
    Closed(Outcome),
    /// The person's lease lapsed.
    Lapsed,
    /// A person passed it on.
    PassedOn,
    /// Nobody came, and the customer was told.
    Apologised,
    /// The customer left first.
    Abandoned,
    /// Handed back or resolved while nobody had it.
    Cancelled,
    /// It could not be carried out.
    Failed,
}

impl Ended {
    /// The one spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HandedBack(_) => "handed_back",
            Self::Closed(outcome) => outcome.as_str(),
            Self::Lapsed => "lapsed",
            Self::PassedOn => "passed_on",
            Self::Apologised => "apologised",
            Self::Abandoned => "abandoned",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }
}

/// A verdict that was given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Given {
    /// The word.
    pub verdict: Verdict,
    /// By whom.
    pub by: AgentName,
    /// When.
    pub at: Timestamp,
}

/// A customer who was not answered and never wrote again: somebody a person might have helped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Silence {
    /// When the last answer was given.
    pub since: Timestamp,
    /// Answers in the episode that were none.
    pub deflections: u32,
    /// The customer's last words.
    pub words: String,
}

/// One conversation, folded.
#[derive(Clone, PartialEq, Debug)]
pub struct Record {
    /// What its head says.
    pub facts: Facts,
    /// Every handoff of its trail, oldest first.
    pub handoffs: Vec<Handoff>,
    /// Messages of the customer in the time asked for.
    pub customer_messages: u32,
    /// Answers of the AI in the time asked for.
    pub ai_answers: u32,
    /// Answers in the time asked for that were none.
    pub deflections: u32,
    /// Times in the time asked for that a person took over unasked.
    pub takeovers: u32,
    /// Whether the AI was asked in the time asked for.
    pub with_ai: bool,
    /// Offers of a person in the time asked for, and what was said to them.
    pub offers: Offers,
    /// The newest time that the customer fell silent after an answer that was none, in the time asked for.
    pub silence: Option<Silence>,
    /// The newest verdict on the conversation as a whole.
    pub verdict: Option<Given>,
}

/// What became of offers of a person.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Offers {
    /// Made.
    pub made: u32,
    /// Answered with a yes: a handoff followed.
    pub accepted: u32,
    /// Answered with a no.
    pub refused: u32,
}

impl Offers {
    /// One was answered.
    pub(super) fn answered(&mut self, accepted: bool) {
        match accepted {
            true => self.accepted += 1,
            false => self.refused += 1,
        }
    }
}

/// Milliseconds from `from` to `to`.
pub(super) fn millis(to: Timestamp, from: Timestamp) -> u64 {
    u64::try_from(to.since(from).as_millis()).unwrap_or(u64::MAX)
}

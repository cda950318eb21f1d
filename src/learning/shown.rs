//! A handoff as it is shown outside: in the API, in exports, as a row of a table.
//!
//! The names are a contract: fields are added, never renamed. Times are RFC 3339, durations milliseconds.

use serde::Serialize;
use utoipa::ToSchema;

use super::record::{Given, Handoff};
use super::source::Facts;
use crate::conversation::words::{Reason, Verdict};
use crate::ids::{ConversationId, HandoffId};

/// What stands between a conversation's id and the number of its handoff.
const SEPARATOR: char = '.';

/// A handoff's id among all handoffs.
pub fn id(conversation: ConversationId, handoff: HandoffId) -> String {
    format!("{conversation}{SEPARATOR}{handoff}")
}

/// The handoff that an id names; none if it is not one.
pub fn parse_id(text: &str) -> Option<(ConversationId, HandoffId)> {
    let (conversation, handoff) = text.split_once(SEPARATOR)?;
    let digits = !handoff.is_empty() && handoff.bytes().all(|byte| byte.is_ascii_digit());
    let handoff = digits.then(|| handoff.parse().ok()).flatten()?;
    Some((conversation.parse().ok()?, HandoffId(handoff)))
}

/// One handoff of the log.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
#[schema(as = HandoffRecord)]
pub struct Shown {
    /// Its id among all handoffs.
    pub id: String,
    /// The conversation.
    pub conversation: String,
    /// Its number within the conversation, as the trail names it.
    pub handoff: String,
    /// The channel.
    pub channel: String,
    /// The customer's language, where it is known.
    pub language: Option<String>,
    /// When it was requested.
    pub requested_at: String,
    /// Why.
    pub reason: Reason,
    /// The rule that fired.
    pub rule: String,
    /// The words it fired on, or the model's summary.
    pub matched: String,
    /// The queue it waited in last.
    pub queue: String,
    /// Whether it goes on with an earlier one, which a person passed on or let lapse.
    pub passed_on: bool,
    /// Who claimed it; none: nobody.
    pub claimed_by: Option<String>,
    /// Milliseconds from the request to the claim.
    pub claimed_after_ms: Option<u64>,
    /// Milliseconds from the request to the first human word.
    pub replied_after_ms: Option<u64>,
    /// Messages of people under it.
    pub replies: u32,
    /// Their texts in the order in which they were written, the first 200: what was taken back or never arrived is not among them.
    pub said: Vec<String>,
    /// How the wait ended: `claimed`, `abandoned`, `timed_out`, `cancelled`, `failed`; none: it waits.
    pub settlement: Option<&'static str>,
    /// How it ended: `handed_back`, an outcome, `lapsed`, `passed_on`, `apologised`, `abandoned`, `cancelled`, `failed`;
    /// none: it has not.
    pub ended: Option<&'static str>,
    /// When it ended.
    pub ended_at: Option<String>,
    /// Milliseconds a person held it.
    pub held_ms: Option<u64>,
    /// What the person noted at its end.
    pub note: String,
    /// A person was promised and nobody ever came.
    pub ghost: bool,
    /// Nobody had claimed it by the deadline.
    pub late: bool,
    /// Somebody had claimed it and said nothing by the deadline.
    pub silent: bool,
    /// Milliseconds from its handback to the next request.
    pub back_after_ms: Option<u64>,
    /// The newest verdict of a reviewer.
    pub verdict: Option<Verdict>,
    /// Who gave it.
    pub reviewed_by: Option<String>,
    /// When.
    pub reviewed_at: Option<String>,
}

impl Shown {
    /// Of one handoff.
    pub fn of(facts: &Facts, handoff: &Handoff) -> Self {
        let given = handoff.verdict.as_ref();
        let by = |given: &Given| given.by.to_string();
        Self {
            id: id(facts.id, handoff.id),
            conversation: facts.id.to_string(),
            handoff: handoff.id.to_string(),
            channel: facts.channel.to_string(),
            language: facts.language.clone(),
            requested_at: handoff.requested_at.rfc3339(),
            reason: handoff.reason,
            rule: handoff.rule.clone(),
            matched: handoff.matched.clone(),
            queue: handoff.queue.to_string(),
            passed_on: handoff.passed_on,
            claimed_by: handoff.claimed.as_ref().map(|(agent, _)| agent.to_string()),
            claimed_after_ms: handoff.claimed_after_ms(),
            replied_after_ms: handoff.replied_after_ms(),
            replies: handoff.replies,
            said: handoff.said.clone(),
            settlement: handoff.settled.map(|(outcome, _)| outcome.as_str()),
            ended: handoff.ended.map(|(how, _)| how.as_str()),
            ended_at: handoff.ended.map(|(_, at)| at.rfc3339()),
            held_ms: handoff.held_ms(),
            note: handoff.note.clone(),
            ghost: handoff.is_ghost(),
            late: handoff.late,
            silent: handoff.silent,
            back_after_ms: handoff.back_after_ms,
            verdict: given.map(|given| given.verdict),
            reviewed_by: given.map(by),
            reviewed_at: given.map(|given| given.at.rfc3339()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_handoff_survives_being_printed_and_nonsense_is_none() {
        let conversation = ConversationId::from_bytes([9; 16]);
        let printed = id(conversation, HandoffId(12));
        assert_eq!(parse_id(&printed), Some((conversation, HandoffId(12))));
        let check = |text: &str| assert_eq!(parse_id(text), None, "{text}");
        check("");
        check("12");
        check("c0909");
        check(&conversation.to_string());
        check(&format!("{conversation}."));
        check(&format!("{conversation}.+1"));
        check(&format!("{conversation}.99999999999999999999"));
    }
}

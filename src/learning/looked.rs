//! What the rules looked at before a model was asked, and what stands on the trail of their decision.
//!
//! Only messages that came while the AI was to answer; their decision is what follows in the same step. Nothing is
//! decided here.

use crate::conversation::message::Body;
use crate::conversation::trail::{Entry, Fact};
use crate::conversation::words::{ModeName, Reason};
use crate::ids::{HandoffId, QueueName};

/// A message of the customer that the rules looked at, and what they decided.
pub(super) struct Looked<'a> {
    pub(super) entry: &'a Entry,
    pub(super) body: &'a Body,
    pub(super) decided: Option<Decided<'a>>,
    /// The rule of an offer made.
    pub(super) offered: Option<&'a str>,
}

/// A handoff that rules asked for before a model was asked.
#[derive(Clone, Copy)]
pub(super) struct Decided<'a> {
    pub(super) handoff: HandoffId,
    pub(super) reason: Reason,
    pub(super) rule: &'a str,
    pub(super) matched: &'a str,
    pub(super) queue: &'a QueueName,
}

/// What became of the message with number `at` in `entries`; none if the rules did not look at it.
pub(super) fn looked(entries: &[Entry], at: usize) -> Option<Looked<'_>> {
    let entry = &entries[at];
    let Fact::CustomerWrote {
        body,
        owner: ModeName::Ai,
        ..
    } = &entry.fact
    else {
        return None;
    };
    let step = || {
        entries[at + 1..]
            .iter()
            .take_while(|next| next.at == entry.at && next.policy == entry.policy)
            .take_while(|next| !begins_anew(&next.fact))
    };
    Some(Looked {
        entry,
        body,
        decided: step().find_map(|next| decided(&next.fact)),
        offered: step().find_map(|next| offered(&next.fact)),
    })
}

/// Whether something else came in, or a model was asked: what follows was not decided by rules over these words.
fn begins_anew(fact: &Fact) -> bool {
    matches!(
        fact,
        Fact::CustomerWrote { .. }
            | Fact::ModelAsked { .. }
            | Fact::ModelAnswered { .. }
            | Fact::ModelFailed { .. }
            | Fact::Claimed { .. }
            | Fact::EventParked { .. }
    )
}

fn offered(fact: &Fact) -> Option<&str> {
    if let Fact::OfferMade { rule, .. } = fact {
        Some(rule)
    } else {
        None
    }
}

fn decided(fact: &Fact) -> Option<Decided<'_>> {
    if let Fact::HandoffRequested {
        handoff,
        reason,
        rule,
        matched,
        queue,
        ..
    } = fact
        && *reason != Reason::Operator
    {
        Some(Decided {
            handoff: *handoff,
            reason: *reason,
            rule,
            matched,
            queue,
        })
    } else {
        None
    }
}

/// Whether the AI's switches decided, which are no part of the rules.
pub(super) fn by_switch(decided: &Decided<'_>) -> bool {
    decided.reason == Reason::Policy
}

//! A no to an offer, and for how long it is heard.
//!
//! Whoever declines a person declines the matter at hand, not the rule that led to the question: for the next
//! [`HEARD_FOR`] messages of the customer nothing is offered that is no graver than what was declined, whatever the rule,
//! and signs alone (displeasure, repetition, vague answers) force nothing. A graver cause is asked about at once; what the
//! customer asks for, a topic out of scope, and an answer that must not go out are never held back. That the very offer
//! that was declined is not made again in the whole window is for the window to see to. Pure.

use serde::{Deserialize, Serialize};

use super::rules::Finding;
use super::specs::{Action, Priority};
use crate::conversation::words::Reason;

/// The customer's messages during which a no counts for other offers too: longer than an offer stands, so that nobody is
/// asked twice about what is still one matter.
const HEARD_FOR: u8 = 5;

/// How much speaks for a person: a no to one cause is one to all that weigh no more.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Weight {
    /// Signs: the AI is of little help, or the customer sounds displeased.
    Sign,
    /// Words: what the customer is about.
    Word,
    /// Sensitive or urgent.
    Grave,
}

impl Weight {
    /// That of a cause; `priority`: on the scale of conversations.
    pub fn of(reason: Reason, priority: u8) -> Self {
        if priority >= Priority::Urgent.value() {
            return Self::Grave;
        }
        match reason {
            Reason::Sensitive | Reason::Urgent => Self::Grave,
            Reason::UserRequest
            | Reason::Keyword
            | Reason::OutOfScope
            | Reason::HighValue
            | Reason::ToolCall
            | Reason::Operator
            | Reason::Policy
            | Reason::External => Self::Word,
            Reason::Sentiment
            | Reason::Repetition
            | Reason::Deflection
            | Reason::LowConfidence
            | Reason::NoAnswer
            | Reason::Guardrail
            | Reason::ModelTimeout
            | Reason::ModelFailure => Self::Sign,
        }
    }
}

/// What became of an offer. The first two stand on disk as the `false` and `true` that older heads hold there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Answered {
    /// Not declined.
    #[default]
    Open,
    /// Declined a while ago.
    Declined,
    /// Declined just now.
    Firm {
        /// How much spoke for it.
        weight: Weight,
        /// For how many more messages of the customer the no counts for other offers.
        messages: u8,
    },
}

impl Answered {
    /// Declined; `cause`: reason and priority of the offer, where it still stood.
    pub fn no(cause: Option<(Reason, u8)>) -> Self {
        cause.map_or(Self::Declined, |(reason, priority)| Self::Firm {
            weight: Weight::of(reason, priority),
            messages: HEARD_FOR,
        })
    }

    /// The customer wrote.
    pub fn heard(&mut self) {
        *self = match *self {
            Self::Open => Self::Open,
            Self::Declined | Self::Firm { messages: 0, .. } => Self::Declined,
            Self::Firm { weight, messages } => Self::Firm {
                weight,
                messages: messages - 1,
            },
        };
    }

    /// Whether it was declined, however long ago.
    pub const fn declined(self) -> bool {
        match self {
            Self::Open => false,
            Self::Declined | Self::Firm { .. } => true,
        }
    }

    /// Whether the no counts against `finding` too.
    pub fn refuses(self, finding: &Finding) -> bool {
        let Self::Firm { weight, .. } = self else {
            return false;
        };
        let held = match finding.action {
            Action::Signal => false,
            Action::Offer => true,
            // what would hand over by signs alone; an answer that must not go out is no sign
            Action::Handoff => matches!(
                finding.reason,
                Reason::Sentiment | Reason::Repetition | Reason::Deflection
            ),
        };
        held && Weight::of(finding.reason, finding.priority.value()) <= weight
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_a_sign_a_word_or_grave() {
        let check = |reason: Reason, priority: Priority, weight: Weight| {
            assert_eq!(Weight::of(reason, priority.value()), weight, "{reason:?}");
        };
        check(Reason::Deflection, Priority::Normal, Weight::Sign);
        check(Reason::Keyword, Priority::High, Weight::Word);
        check(Reason::Keyword, Priority::Urgent, Weight::Grave);
        check(Reason::Sensitive, Priority::Normal, Weight::Grave);
        assert!(Weight::Sign < Weight::Word && Weight::Word < Weight::Grave);
    }

    #[test]
    fn a_no_runs_out_and_stays_a_no() {
        let mut no = Answered::no(Some((Reason::Keyword, 0)));
        for _ in 0..HEARD_FOR {
            no.heard();
            assert!(matches!(no, Answered::Firm { .. }), "{no:?}");
        }
        no.heard();
        assert_eq!(no, Answered::Declined);
        assert!(no.declined());
    }

    #[test]
    fn what_older_heads_hold_is_read() {
        let check = |old: bool, now: Answered| {
            let bytes = postcard::to_stdvec(&old).expect("plain data");
            assert_eq!(postcard::from_bytes(&bytes), Ok(now));
        };
        check(false, Answered::Open);
        check(true, Answered::Declined);
    }
}

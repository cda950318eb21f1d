//! A conversation that its owner leaves alone until some time, because nothing can be done before.
//!
//! It stays theirs; only "are you done?" waits until then. Whatever really happens ends it: the customer writes, the
//! owner writes, the conversation changes hands. It stands as the attribute `snoozed_until`, which everybody can read.

use std::time::Duration;

use super::Mode;
use super::common::Cx;
use super::decision::{Answer, Refusal};
use super::event::Edit;
use super::human::Human;
use super::trail::Fact;
use crate::clock::Timestamp;
use crate::ids::AgentName;

/// The attribute that says until when.
pub const SNOOZED_UNTIL: &str = "snoozed_until";
/// The longest snooze: what lies further away belongs into a calendar, not into somebody's hands.
pub const SNOOZE_MAX: Duration = Duration::from_hours(30 * 24);

/// Until when the conversation is left alone; now or earlier: it is not.
pub(super) fn quiet_until(cx: &Cx<'_>) -> Timestamp {
    let until = cx.common.attributes.get(SNOOZED_UNTIL);
    until
        .and_then(|until| Timestamp::parse(until))
        .unwrap_or(Timestamp::ZERO)
        .min(cx.now + SNOOZE_MAX)
}

/// Ends a snooze; says whether there was one.
pub(super) fn end(cx: &mut Cx<'_>) -> bool {
    cx.common.attributes.remove(SNOOZED_UNTIL).is_some()
}

impl Human {
    pub(super) fn snooze(
        mut self,
        agent: &AgentName,
        until: Option<Timestamp>,
        cx: &mut Cx<'_>,
    ) -> (Mode, Answer) {
        let until = until.filter(|until| *until > cx.now);
        if until.is_some_and(|until| until > cx.now + SNOOZE_MAX) {
            return (Mode::Human(self), Answer::Refused(Refusal::TooMuch));
        }
        let was = end(cx);
        if !was && until.is_none() {
            return (Mode::Human(self), Answer::Ignored);
        }
        let value = until.map(Timestamp::rfc3339);
        if let Some(value) = &value {
            let attributes = &mut cx.common.attributes;
            attributes.insert(SNOOZED_UNTIL.to_owned(), value.clone());
        }
        let edit = Edit {
            attributes: vec![(SNOOZED_UNTIL.to_owned(), value)],
            ..Edit::default()
        };
        cx.note(Fact::Edited {
            agent: agent.clone(),
            change: serde_json::to_string(&edit).expect("an edit is plain data"),
        });
        self.answer_by = None;
        self.quiet_at = until.unwrap_or(cx.now + cx.queue().agent_silence);
        (Mode::Human(self), Answer::Accepted)
    }
}

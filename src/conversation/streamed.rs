//! What is left of a stream once it has ended: what the customer really saw, on the trail.
//!
//! A stream is one send without a text of its own; its words are known only when it is over. It decides nothing.

use super::asking::millis;
use super::common::Cx;
use super::trail::Fact;
use super::words::{Class, MessageState};
use crate::ids::{AskId, EffectId};

/// What the customer saw of a stream.
pub(super) struct Written {
    pub(super) ask: AskId,
    pub(super) text: String,
    pub(super) sources: Vec<super::trail::Source>,
    pub(super) partial: bool,
}

/// A stream has ended: what was really shown stands on the trail, and the line is free again.
pub(super) fn close_stream(effect: EffectId, written: Option<Written>, cx: &mut Cx<'_>) {
    let Some(place) = cx
        .common
        .outbox
        .owed
        .iter()
        .position(|owed| owed.effect == effect && owed.entry.is_none())
    else {
        return;
    };
    let Some(owed) = cx.common.outbox.owed.remove(place) else {
        return;
    };
    cx.touch();
    let Some(written) = written else { return };
    cx.note(Fact::AiWrote {
        effect,
        ask: written.ask,
        text: written.text,
        sources: written.sources,
        partial: written.partial,
    });
    let state = MessageState::Sent;
    cx.note(Fact::Settled {
        effect,
        class: Class::Ai,
        state,
        provider_id: String::new(),
        code: String::new(),
        cause: None,
        attempts: 1,
        after_ms: millis(owed.decided_at, cx),
    });
    cx.remember_sent(owed.left(state));
}

//! The spans of a keeper: one for each event, from its decision until that is durable, and one for each handoff that
//! ends. Everything here comes to nothing where nobody looks.

use std::time::Duration;

use tracing::Span;

use super::keeper::Kept;
use crate::conversation::decision::{Answer, Decision};
use crate::conversation::event::Event;
use crate::conversation::message::Attempt;
use crate::conversation::trail::{Entry, Fact};
use crate::trace::{self, Cause, Promised, Settled};

/// Begins the span of an event that has `waited` in the mailbox.
pub(super) fn event(name: &'static str, waited: Duration, cause: &Cause, kept: &Kept) -> Span {
    let (common, mode) = (kept.conversation.common(), kept.conversation.mode().name());
    let channel = common.medium.as_str();
    trace::event(&common.id, channel, mode.as_str(), name, waited, cause)
}

/// Says what was decided.
pub(super) fn decided(span: &Span, decision: &Decision, kept: &mut Kept) {
    if span.is_disabled() {
        return;
    }
    let then = kept.conversation.mode().name().as_str();
    let facts = decision.entries.iter().map(|entry| entry.fact.name());
    trace::decided(span, kind(&decision.answer), then, facts);
    if trace::is_on() {
        for entry in &decision.entries {
            handoff(entry, &Cause::of(span), kept);
        }
    }
}

/// The event could not be decided, for whatever reason.
pub(super) fn parked(span: &Span, why: &'static str) {
    span.record("decision", "parked");
    trace::failed(span, why);
}

fn handoff(entry: &Entry, cause: &Cause, kept: &mut Kept) {
    if let Fact::HandoffRequested {
        handoff,
        reason,
        queue,
        ..
    } = &entry.fact
    {
        kept.promised = Some(Box::new(Promised {
            handoff: handoff.0,
            reason: reason.as_str(),
            queue: queue.as_str().to_owned(),
            cause: cause.clone(),
        }));
    } else if let Fact::HandoffSettled {
        handoff,
        outcome,
        waited_ms,
    } = &entry.fact
    {
        let promised = kept.promised.take_if(|one| one.handoff == handoff.0);
        let common = kept.conversation.common();
        let settled = Settled {
            conversation: &common.id,
            channel: common.medium.as_str(),
            handoff: handoff.0,
            outcome: outcome.as_str(),
            at: entry.at.as_millis(),
            waited: Duration::from_millis(*waited_ms),
        };
        settled.tell(promised.as_deref(), cause);
    }
}

/// Says what became of a send.
pub(super) fn sent(span: &Span, event: &Event) {
    if span.is_disabled() {
        return;
    }
    if let Event::SendSettled { attempt, .. } = event {
        match attempt {
            Attempt::Accepted { .. } => trace::ended(span, "accepted"),
            Attempt::Rejected { code, .. } => {
                trace::ended(span, "rejected");
                trace::failed(span, code);
            }
            Attempt::Unknown { .. } => {
                trace::ended(span, "unknown");
                trace::failed(span, "unknown");
            }
        }
    } else if let Event::SendSuppressed { .. } = event {
        trace::ended(span, "suppressed");
    }
}

/// Says what became of a question.
pub(super) fn answered(span: &Span, event: &Event) {
    if span.is_disabled() {
        return;
    }
    if let Event::ModelAnswered { answer, .. } = event {
        trace::ended(span, "answered");
        span.record("model", answer.model.as_str());
    } else if let Event::ModelFailed { failure, .. } = event {
        trace::ended(span, "failed");
        trace::failed(span, failure.fault.as_str());
    }
}

/// The word for an answer in logs and spans: never its text.
const fn kind(answer: &Answer) -> &'static str {
    match answer {
        Answer::Accepted => "accepted",
        Answer::Duplicate => "duplicate",
        Answer::Ignored => "ignored",
        Answer::Claimed { .. } => "claimed",
        Answer::Wrote { .. } => "wrote",
        Answer::Parked { .. } => "parked",
        Answer::Asked { .. } => "asked",
        Answer::Refused(_) => "refused",
    }
}

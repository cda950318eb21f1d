//! What a keeper does to the world outside: sends, asks, shows, and takes back what nobody wants any more.
//!
//! Everything here follows a decision and rests on its commit: nothing is sent, asked or shown that is not durable, but
//! for the end of a stream, which must not wait. What comes of it goes back to the conversation as a new event.

use std::sync::Arc;
use std::time::Duration;

use ractor::ActorRef;
use tokio_util::sync::CancellationToken;

use super::Frame;
use super::asks::OnRecord;
use super::keeper::{Kept, commit, decide};
use super::letter::{Letter, Post};
use super::perform::{Asking, Sending};
use super::streaming::StreamCell;
use super::traced;
use crate::conversation::decision::{Decision, Perform, Signal};
use crate::conversation::event::Event;
use crate::conversation::message::Medium;
use crate::conversation::trail::Fact;
use crate::conversation::words::Class;
use crate::ids::AskId;
use crate::store::Turn;
use crate::trace::Cause;

/// A call to the model that is out.
pub(super) struct Asked {
    pub(super) ask: AskId,
    pub(super) cancel: CancellationToken,
    stream: Option<Arc<StreamCell>>,
    _on_record: OnRecord,
}

/// What is to be done at once; a stream that is cut tells what the customer saw of it.
pub(super) fn obey(signal: Signal, kept: &mut Kept) -> Option<Decision> {
    let Signal::CancelAsk(ask) = signal;
    let place = kept.asks.iter().position(|asked| asked.ask == ask);
    let cut = place.and_then(|place| {
        let asked = &kept.asks[place];
        let emitted = asked.stream.as_ref().map(|stream| stream.stop());
        asked.cancel.cancel();
        emitted
    });
    // A stream whose question was decided but never performed has shown nothing.
    let emitted = cut.unwrap_or_default();
    let before = kept.conversation.clone();
    match decide(Event::StreamStopped { ask, emitted }, kept) {
        Ok(decision) => Some(decision).filter(|decision| decision.changed),
        Err(_panicked) => {
            tracing::error!(conversation = %kept.id(), "ending a stream panicked");
            kept.conversation = before;
            None
        }
    }
}

/// Ends every call to the model; what streams have shown so far is all that they ever show.
pub(super) fn hang_up(kept: &mut Kept) {
    for asked in kept.asks.drain(..) {
        if let Some(stream) = &asked.stream {
            stream.stop();
        }
        asked.cancel.cancel();
    }
}

/// What open browsers are told of these turns once they are durable: the end of a stream, and that the trail has grown.
pub(super) fn frames(turns: &[Turn], kept: &Kept) -> Vec<Frame> {
    if kept.conversation.common().medium != Medium::Webchat {
        return Vec::new();
    }
    let streamed = turns
        .iter()
        .flat_map(|turn| &turn.entries)
        .filter_map(|entry| {
            let Fact::AiWrote { effect, text, .. } = &entry.fact else {
                return None;
            };
            let ended = kept.conversation.common().outbox.find(*effect).is_none();
            ended.then(|| Frame::Message {
                entry: entry.n,
                effect: *effect,
                class: Class::Ai,
                agent: None,
                text: text.clone(),
                choices: Vec::new(),
            })
        });
    let newest = turns.iter().flat_map(|turn| &turn.entries).next_back();
    let moved = newest.map(|entry| Frame::Moved { last: entry.n });
    streamed.chain(moved).collect()
}

/// Does what a durable decision asks for, if the gate is still open for it.
pub(super) fn perform(me: &ActorRef<Letter>, perform: Perform, cause: &Cause, kept: &mut Kept) {
    match perform {
        Perform::Send(effect) => {
            let (now, policy) = (kept.router.clock().now(), kept.router.policy());
            let attempt = kept
                .conversation
                .outgoing(effect, now, &policy)
                .and_then(|outgoing| {
                    kept.router.performer().send(
                        &kept.router,
                        &kept.conversation,
                        outgoing,
                        &kept.epoch,
                        cause,
                    )
                });
            let event = match attempt {
                Some(Sending::Under) => return,
                Some(Sending::Done(attempt)) => Event::SendSettled { effect, attempt },
                None => Event::SendSuppressed { effect },
            };
            let span = traced::event(event.name(), Duration::ZERO, cause, kept);
            let _within = span.enter();
            match decide(event, kept) {
                Ok(decision) => {
                    traced::decided(&span, &decision, kept);
                    commit(me, decision, Post::of(Event::DeadlinePassed), kept);
                }
                Err(_panicked) => {
                    traced::parked(&span, "panicked");
                    tracing::error!(conversation = %kept.id(), "settling a send panicked; the keeper gives up");
                    kept.router.wake_soon(kept.id());
                    me.stop(Some("deciding panicked".to_owned()));
                }
            }
        }
        Perform::Ask { ask, stream } => {
            if !kept.conversation.may_stream(ask) {
                return;
            }
            let cancel = CancellationToken::new();
            let cell =
                stream.map(|effect| StreamCell::new(kept.id(), effect, kept.router.hub().clone()));
            kept.asks.push(Asked {
                ask,
                cancel: cancel.clone(),
                stream: cell.clone(),
                _on_record: kept.router.asks().enter(kept.id()),
            });
            let common = kept.conversation.common();
            let switches = &kept.router.policy().switches;
            if !switches.ai_on(&common.channel, &common.queue) {
                // Turned between the decision and now, perhaps before we stood on record: nobody else tells us.
                kept.router.tell(kept.id(), Event::SwitchTurned);
            }
            let question = Asking {
                ask,
                at_hand: kept.shown_for(ask),
                others: kept.others.clone(),
                stream: cell,
                cancel,
                cause: cause.clone(),
            };
            kept.router
                .performer()
                .ask(&kept.router, me, &kept.conversation, question);
        }
    }
}

/// The question whose call is over with this event.
pub(super) fn ended_ask(event: &Event) -> Option<AskId> {
    match event {
        Event::ModelAnswered { ask, .. } | Event::ModelFailed { ask, .. } => Some(*ask),
        Event::CustomerWrote { .. }
        | Event::WrittenElsewhere { .. }
        | Event::Reported(_)
        | Event::StreamStopped { .. }
        | Event::SendSettled { .. }
        | Event::SendSuppressed { .. }
        | Event::DeadlinePassed
        | Event::SwitchTurned
        | Event::OwnerGone { .. }
        | Event::PeoplePresent { .. }
        | Event::Revived { .. }
        | Event::Acted { .. }
        | Event::Faulted { .. } => None,
    }
}

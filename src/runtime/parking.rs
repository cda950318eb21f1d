//! What cannot go on: conversations that cannot be read, events that cannot be decided. Parked for people, never dropped.
//!
//! A passing fault is answered with "later". Damage, or a fault of ours, is kept with what the customer wrote, so that
//! the provider need not repeat and nothing is lost.

use std::collections::VecDeque;

use ractor::ActorRef;

use super::keeper::{Aside, Kept, answer, commit, decide};
use super::letter::Letter;
use super::retry::written;
use super::{Answered, Router, Unavailable, blocking};
use crate::conversation::Conversation;
use crate::conversation::decision::{Answer, Refusal};
use crate::conversation::event::Event;
use crate::ids::ConversationId;
use crate::metrics::ParkCause;
use crate::store::{LoadError, Store};

/// Why an event is parked and not decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Why {
    /// A fault of ours.
    Panicked,
    /// The conversation's head is larger than any may be.
    TooLarge,
}

impl Why {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Panicked => "deciding panicked",
            Self::TooLarge => "the conversation has grown too large; resolve it, then retry",
        }
    }

    const fn cause(self) -> ParkCause {
        match self {
            Self::Panicked => ParkCause::Panicked,
            Self::TooLarge => ParkCause::TooLarge,
        }
    }
}

impl Router {
    /// The conversation cannot be read. A passing fault is answered with "later"; damage is parked for people, with
    /// what the customer wrote, so that nothing is lost and the provider need not repeat.
    pub(super) fn give_up(&self, id: ConversationId, fault: &LoadError) {
        match fault {
            LoadError::Retry(why) => {
                tracing::warn!(conversation = %id, why, "a conversation cannot be read just now");
                self.answer_all(id, &|| Err(Unavailable::Unread));
                // A deadline may have been among what could not be told.
                self.wake_soon(id);
            }
            LoadError::Corrupt(why) => {
                tracing::error!(conversation = %id, why, "a conversation is unreadable; what comes for it is parked");
                let letters = self.take_all(id);
                let (router, why) = (self.clone(), why.clone());
                tokio::task::spawn_blocking(move || {
                    for letter in letters {
                        router.park(id, letter, &why);
                    }
                });
            }
        }
    }

    /// Keeps what a customer or one of ours said to the customer. A person of ours is told that nothing was done; what
    /// happens by itself (a deadline, a report) has nothing in it to be kept, and would come again and again.
    fn park(&self, id: ConversationId, letter: Letter, why: &str) {
        let Letter::Post(post) = letter else { return };
        if post.again {
            let why = "the conversation is unreadable";
            return self::answer(post.reply, Err(Unavailable::StillParked(why)));
        }
        let answer = match &post.event {
            event @ (Event::CustomerWrote { .. } | Event::WrittenElsewhere { .. }) => {
                let (raw, at) = (written(event).unwrap_or_default(), self.clock().now());
                let parked = self
                    .store()
                    .park(event.name(), &id.to_string(), &raw, why, at);
                parked
                    .map(|_| self.metrics().parked(ParkCause::Unreadable))
                    .map(|()| Answer::Accepted)
                    .map_err(|_| Unavailable::Unread)
            }
            Event::Acted { .. } => Err(Unavailable::Unread),
            Event::Reported(_)
            | Event::ModelAnswered { .. }
            | Event::ModelFailed { .. }
            | Event::StreamStopped { .. }
            | Event::SendSettled { .. }
            | Event::SendSuppressed { .. }
            | Event::DeadlinePassed
            | Event::SwitchTurned
            | Event::OwnerGone { .. }
            | Event::PeoplePresent { .. }
            | Event::Revived { .. }
            | Event::Faulted { .. } => Ok(Answer::Ignored),
        };
        self::answer(post.reply, answer);
    }

    /// Gives everybody who waits for `id` the same answer.
    pub(super) fn answer_all(&self, id: ConversationId, answer: &dyn Fn() -> Answered) {
        answer_each(self.take_all(id), answer);
    }
}

/// Nobody has heard of the conversation.
pub(super) fn refuse(letters: VecDeque<Letter>) {
    answer_each(letters, &|| Ok(Answer::Refused(Refusal::Unknown)));
}

fn answer_each(letters: VecDeque<Letter>, told: &dyn Fn() -> Answered) {
    for letter in letters {
        if let Letter::Post(post) = letter {
            answer(post.reply, told());
        }
    }
}

/// What has to be kept of an event in case deciding it panics. A deadline is simply struck.
pub(super) fn for_parking(event: &Event) -> Option<Event> {
    match event {
        Event::CustomerWrote { .. } | Event::WrittenElsewhere { .. } | Event::Acted { .. } => {
            Some(event.clone())
        }
        Event::Reported(_)
        | Event::ModelAnswered { .. }
        | Event::ModelFailed { .. }
        | Event::StreamStopped { .. }
        | Event::SendSettled { .. }
        | Event::SendSuppressed { .. }
        | Event::DeadlinePassed
        | Event::SwitchTurned
        | Event::OwnerGone { .. }
        | Event::PeoplePresent { .. }
        | Event::Revived { .. }
        | Event::Faulted { .. } => None,
    }
}

/// Back to the last commit, the event to people, and the conversation with it.
pub(super) async fn park(me: &ActorRef<Letter>, aside: Aside, kept: &mut Kept) {
    let Aside {
        why,
        name,
        rescue,
        post,
    } = aside;
    let reason = why.as_str();
    tracing::error!(conversation = %kept.id(), event = name, reason, "an event is parked for people");
    let raw = rescue.as_ref().and_then(written).unwrap_or_default();
    match why {
        Why::Panicked => kept.router.metrics().actor_panicked(),
        Why::TooLarge => {}
    }
    kept.router.barrier().await;
    let (id, again) = (kept.id(), post.again);
    let (store, at) = (kept.router.store().clone(), kept.router.clock().now());
    let reread = blocking(move || {
        let parked = match again {
            true => None,
            false => Some(store.park(name, &id.to_string(), &raw, reason, at)?),
        };
        Ok((parked, reread(&store, id)?))
    })
    .await;
    let (parked, conversation) = match reread {
        Ok(reread) => reread,
        Err(fault) => {
            tracing::error!(conversation = %id, %fault, "an event could not be parked");
            answer(post.reply, Err(Unavailable::Unread));
            me.stop(Some("cannot be read".to_owned()));
            return;
        }
    };
    let Some(parked) = parked else {
        answer(post.reply, Err(Unavailable::StillParked(reason)));
        if conversation.is_none() {
            // Nothing of it is on disk: whoever comes next begins it, or is told that there is none.
            let _ = me.drain();
        }
        kept.conversation = conversation.unwrap_or_else(|| anew(&kept.conversation, &kept.router));
        return;
    };
    kept.router.metrics().parked(why.cause());
    kept.conversation = conversation.unwrap_or_else(|| anew(&kept.conversation, &kept.router));
    match decide(
        Event::Faulted {
            event: name.to_owned(),
            parked,
        },
        kept,
    ) {
        Ok(decision) => commit(me, decision, post, kept),
        Err(_again) => {
            answer(post.reply, Err(Unavailable::Lost));
            me.stop(Some("deciding panics".to_owned()));
        }
    }
}

/// The conversation as it was committed last.
fn reread(store: &Store, id: ConversationId) -> Result<Option<Conversation>, LoadError> {
    let Some(loaded) = store.load(id, 0)? else {
        return Ok(None);
    };
    let mut conversation = Conversation::decode(&loaded.head)
        .map_err(|fault| LoadError::Corrupt(fault.to_string()))?;
    let owed = conversation.owed_entries();
    conversation.restore_texts(store.entries(id, &owed)?);
    Ok(Some(conversation))
}

/// The same conversation before its first commit.
fn anew(of: &Conversation, router: &Router) -> Conversation {
    let common = of.common();
    let queue = router.policy().queue_of(&common.channel).clone();
    let (channel, customer) = (common.channel.clone(), common.customer.clone());
    Conversation::new(
        common.id,
        channel,
        common.medium,
        customer,
        common.ours.clone(),
        queue,
    )
}

//! What the figures are told of a turn: how long it took, and how the conversation stands once it is durable.
//!
//! Facts of the trail are counted elsewhere, from the commit itself. Here is what no fact tells.

use std::time::{Duration, Instant};

use super::keeper::Kept;
use super::letter::{Place, Post};
use super::router::Router;
use crate::clock::monotonic;
use crate::conversation::Conversation;
use crate::conversation::event::Event;
use crate::conversation::message::Medium;
use crate::ids::ConversationId;
use crate::metrics::{Metrics, Standing, Took};

/// How a conversation stands that has just come into memory. What it owes may be news: it was decided by a process that
/// is gone.
pub(super) fn woken(conversation: &Conversation, router: &Router) -> Standing {
    let standing = Standing::of(conversation);
    if standing.owes() {
        let (id, medium) = (conversation.common().id, conversation.common().medium);
        router.metrics().stands(id, medium, standing, standing);
    }
    standing
}

/// An event is taken out of its mailbox; answers how long it was in it.
pub(super) fn taken_out(post: &mut Post, now: Instant, kept: &Kept) -> Duration {
    post.place.iter_mut().for_each(Place::taken_out);
    let metrics = kept.router.metrics();
    let waited = now.saturating_duration_since(post.at);
    metrics.mailbox_waited(waited);
    if let Some(late) = lateness(&post.event, kept) {
        metrics.deadline_decided(late);
    }
    waited
}

/// How late a deadline is that has come to be decided; none where nothing was due.
fn lateness(event: &Event, kept: &Kept) -> Option<Duration> {
    let due = matches!(event, Event::DeadlinePassed).then(|| kept.conversation.due())??;
    let now = kept.router.clock().now();
    (due <= now).then(|| now.since(due))
}

/// An event was decided; `began` is when it was taken out.
pub(super) fn decided(
    (event, waited): (&'static str, Duration),
    began: Instant,
    kept: &Kept,
) -> Took {
    let decided = began.elapsed();
    kept.router.metrics().actor_turn(decided);
    Took {
        event,
        waited,
        decided,
        total: waited + decided,
    }
}

/// What is to be told once a turn is durable.
pub(super) struct News {
    id: ConversationId,
    medium: Medium,
    /// How it stood before, and stands after, where that has changed.
    standing: Option<(Standing, Standing)>,
    took: Option<Took>,
    at: Instant,
}

impl News {
    /// Of the turn that `post` brought about.
    pub(super) fn of(post: &Post, kept: &mut Kept) -> Self {
        let now = Standing::of(&kept.conversation);
        let before = std::mem::replace(&mut kept.standing, now);
        let common = kept.conversation.common();
        Self {
            id: common.id,
            medium: common.medium,
            standing: (now != before).then_some((before, now)),
            took: post.took,
            at: post.at,
        }
    }

    /// It is.
    pub(super) fn durable(self, metrics: &Metrics) {
        if let Some((before, now)) = self.standing {
            metrics.stands(self.id, self.medium, before, now);
        }
        if let Some(took) = self.took {
            let ended = monotonic();
            let total = ended.saturating_duration_since(self.at);
            metrics.handled(self.id, ended, Took { total, ..took });
        }
    }
}

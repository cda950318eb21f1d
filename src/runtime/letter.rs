//! What keepers are sent, and what an event carries on its way: who waits, and its places among the events under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use tokio::sync::oneshot;

use super::window::Window;
use super::{Answered, Permit};
use crate::clock::monotonic;
use crate::conversation::decision::Perform;
use crate::conversation::event::Event;
use crate::metrics::Took;
use crate::store::CommitError;
use crate::trace::Cause;

/// What a keeper can be sent.
pub enum Letter {
    /// An event, perhaps with somebody waiting for the answer.
    Post(Box<Post>),
    /// A commit is durable: this is to be performed now. And the event it was decided on.
    Durable(Vec<Perform>, Cause),
    /// A commit was not made, or nobody knows: give up.
    CommitFailed(CommitError),
    /// What the AI is shown was read from the store, and what it is told of the customer's other conversations.
    WindowRead(Window, Option<Box<str>>),
    /// Nobody has written for a while: let go of what is only at hand for speed.
    Rest,
    /// Nobody has used the conversation for long: leave, if nothing is under way.
    Retire,
}

/// An event on its way.
pub struct Post {
    /// What happened.
    pub event: Event,
    /// Whoever waits.
    pub reply: Option<oneshot::Sender<Answered>>,
    /// Its place among the events under way; given back when the answer is.
    pub permit: Option<Permit>,
    /// The same within its conversation; none until it is sent.
    pub place: Option<Place>,
    /// It is parked and was taken up again.
    pub again: bool,
    /// When it was put into the mailbox.
    pub at: Instant,
    /// How long it took to be decided, once it was.
    pub took: Option<Took>,
    /// Where it comes from.
    pub cause: Cause,
}

impl Post {
    /// An event that nobody waits for.
    pub fn of(event: Event) -> Self {
        Self {
            event,
            reply: None,
            permit: None,
            place: None,
            again: false,
            at: monotonic(),
            took: None,
            cause: Cause::here(),
        }
    }
}

/// How busy a conversation is.
#[derive(Default)]
pub struct Counts {
    /// Events under way that somebody holds a permit for.
    under_way: AtomicU32,
    /// Events in the mailbox.
    queued: AtomicU32,
}

impl Counts {
    /// Events under way that somebody holds a permit for.
    pub fn under_way(&self) -> u32 {
        self.under_way.load(Ordering::Relaxed)
    }

    /// Events that nobody has looked at yet.
    pub fn queued(&self) -> u32 {
        self.queued.load(Ordering::Relaxed)
    }
}

/// An event's place among those of its conversation; given back when it is dropped.
pub struct Place {
    counts: Arc<Counts>,
    queued: bool,
    permitted: bool,
}

impl Place {
    /// A place in the mailbox; `permitted`: it is one of the events under way, too.
    pub fn take(counts: &Arc<Counts>, permitted: bool) -> Self {
        counts.queued.fetch_add(1, Ordering::Relaxed);
        if permitted {
            counts.under_way.fetch_add(1, Ordering::Relaxed);
        }
        Self {
            counts: Arc::clone(counts),
            queued: true,
            permitted,
        }
    }

    /// The event is taken out of the mailbox.
    pub fn taken_out(&mut self) {
        if std::mem::take(&mut self.queued) {
            self.counts.queued.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.taken_out();
        if self.permitted {
            self.counts.under_way.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

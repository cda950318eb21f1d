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
    /// What the AI is shown was read from the store.
    WindowRead(Window),
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
    /// The same within its conversation.
    pub load: Option<Load>,
    /// Its place in the mailbox; given back when it is taken out.
    pub queued: Option<Load>,
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
            load: None,
            queued: None,
            again: false,
            at: monotonic(),
            took: None,
            cause: Cause::here(),
        }
    }
}

/// One of the events under way, or in the mailbox, of a conversation.
pub struct Load(Arc<AtomicU32>);

impl Load {
    /// Counts one more.
    pub fn on(load: &Arc<AtomicU32>) -> Self {
        load.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(load))
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

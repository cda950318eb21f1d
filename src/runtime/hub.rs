//! Open browsers: who is connected to which conversation, and what they are shown live.
//!
//! The hub holds nothing that matters: whoever connects reads the trail first and then listens. A browser that is too
//! slow misses frames and is told so; it reads the trail again.

use std::sync::{Arc, Mutex};

use tokio::sync::broadcast;

use crate::conversation::words::Class;
use crate::ids::{ByConversation, ConversationId, EffectId};

/// Frames a slow browser may lag behind before it has to read the trail again.
const LAG_MAX: usize = 64;

/// Something a browser is shown.
#[derive(Clone, PartialEq, Debug)]
pub enum Frame {
    /// A whole message, released. Replaces what was streamed under the same effect.
    Message {
        /// Its place on the trail.
        entry: u64,
        /// Which send.
        effect: EffectId,
        /// What kind.
        class: Class,
        /// The person who says it, if one does.
        agent: Option<String>,
        /// What it says.
        text: String,
        /// Buttons under it.
        choices: Vec<(String, String)>,
    },
    /// More of an answer that is still being written.
    Streamed {
        /// Which send.
        effect: EffectId,
        /// Where the piece begins, in bytes of the answer: whoever missed one before it can tell.
        at: usize,
        /// The next piece.
        text: String,
    },
    /// A stream ended early: nothing more of it comes. The trail holds what was shown.
    StreamCut {
        /// Which send.
        effect: EffectId,
    },
    /// A person is typing; shown for a few seconds.
    Typing {
        /// Who.
        agent: String,
    },
    /// The trail has grown, and what is new is durable: whoever shows the trail reads on.
    Moved {
        /// The number of its newest entry.
        last: u64,
    },
    /// The customer's own message was stored (so that their other tabs show it).
    Echo {
        /// Its place on the trail, if known.
        id: String,
        /// What it said.
        text: String,
    },
}

/// All open browsers.
#[derive(Clone, Debug, Default)]
pub struct Hub {
    open: Arc<Mutex<ByConversation<broadcast::Sender<Frame>>>>,
}

impl Hub {
    /// Listens to one conversation from now on.
    pub fn subscribe(&self, id: ConversationId) -> broadcast::Receiver<Frame> {
        let mut open = self
            .open
            .lock()
            .expect("nobody panics while holding the hub");
        open.entry(id)
            .or_insert_with(|| broadcast::channel(LAG_MAX).0)
            .subscribe()
    }

    /// Shows a frame to whoever is connected; returns to how many.
    pub fn publish(&self, id: ConversationId, frame: Frame) -> usize {
        let mut open = self
            .open
            .lock()
            .expect("nobody panics while holding the hub");
        let Some(sender) = open.get(&id) else {
            return 0;
        };
        match sender.send(frame) {
            Ok(shown) => shown,
            Err(_nobody_listens) => {
                open.remove(&id);
                0
            }
        }
    }

    /// Forgets `id` if nobody listens to it any more: whoever subscribed calls it after dropping the receiver.
    pub fn leave(&self, id: ConversationId) {
        let mut open = self
            .open
            .lock()
            .expect("nobody panics while holding the hub");
        if open
            .get(&id)
            .is_some_and(|sender| sender.receiver_count() == 0)
        {
            open.remove(&id);
        }
    }

    /// Whether anybody listens to `id`.
    pub fn is_watched(&self, id: ConversationId) -> bool {
        let open = self
            .open
            .lock()
            .expect("nobody panics while holding the hub");
        open.get(&id)
            .is_some_and(|sender| sender.receiver_count() > 0)
    }
}

//! A stream to open browsers, and the tap by which a takeover shuts it.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::{Frame, Hub};
use crate::clock::monotonic;
use crate::ids::{ConversationId, EffectId};
use crate::model::Emit;

/// A stream to open browsers, with a tap that a takeover shuts.
///
/// Showing a piece and shutting the tap exclude each other: once [`StreamCell::stop`] has returned, nothing more of the
/// stream is ever shown, and what it returned is exactly what was.
pub struct StreamCell {
    conversation: ConversationId,
    effect: EffectId,
    hub: Hub,
    began: Instant,
    tap: Mutex<Tap>,
}

#[derive(Default)]
struct Tap {
    shut: bool,
    shown: String,
    /// How long after its beginning the first piece came.
    first_after: Option<Duration>,
}

impl StreamCell {
    pub(super) fn new(conversation: ConversationId, effect: EffectId, hub: Hub) -> Arc<Self> {
        Arc::new(Self {
            conversation,
            effect,
            hub,
            began: monotonic(),
            tap: Mutex::default(),
        })
    }

    /// How long after the question the first piece was shown, if one was.
    pub(super) fn first_after(&self) -> Option<Duration> {
        let tap = self.tap.lock();
        tap.expect("nobody panics while holding the tap")
            .first_after
    }

    /// Shuts the tap; returns what the customer saw.
    pub(super) fn stop(&self) -> String {
        let mut tap = self
            .tap
            .lock()
            .expect("nobody panics while holding the tap");
        if !tap.shut {
            tap.shut = true;
            self.hub.publish(
                self.conversation,
                Frame::StreamCut {
                    effect: self.effect,
                },
            );
        }
        tap.shown.clone()
    }
}

impl Emit for StreamCell {
    fn emit(&self, text: &str) -> bool {
        let mut tap = self
            .tap
            .lock()
            .expect("nobody panics while holding the tap");
        if tap.shut {
            return false;
        }
        let at = tap.shown.len();
        tap.first_after.get_or_insert_with(|| self.began.elapsed());
        tap.shown.push_str(text);
        self.hub.publish(
            self.conversation,
            Frame::Streamed {
                effect: self.effect,
                at,
                text: text.to_owned(),
            },
        );
        true
    }
}

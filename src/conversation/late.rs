//! What a provider may still say of words that have left: that they will not arrive, or that the window was shut.
//!
//! Some providers take a message at once and refuse it later, in a report. The same law holds then as for a refusal at
//! once: a person's words that came to a shut window are parked ([`super::parked`]), and what failed for good has answered
//! nobody ([`super::undo`]). For that a person's words are remembered with their entry and with the clocks that they
//! stopped, until they are known to have arrived, or for [`TOLD_WITHIN`]. Nothing is decided here of a message that is
//! still in the line.

use std::time::Duration;

use super::Mode;
use super::common::Cx;
use super::message::FailureCause;
use super::outbox::{Owed, OwedState, SENT_MAX, Sent};
use super::parked;
use super::undo;
use super::words::{Class, MessageState};
use crate::ids::EffectId;

/// A provider tells within seconds what it refuses; after so long nothing is taken back any more.
const TOLD_WITHIN: Duration = Duration::from_hours(1);

impl Cx<'_> {
    /// Remembers a message that has left the line; the oldest one is forgotten for it.
    pub(super) fn remember_sent(&mut self, sent: Sent) {
        let known = &mut self.common.outbox.sent;
        let gone = (known.len() >= SENT_MAX)
            .then(|| known.pop_front())
            .flatten();
        known.push_back(sent);
        if let Some(entry) = gone.and_then(|gone| gone.entry) {
            self.texts.remove(&entry);
        }
    }

    /// The provider took `owed`: of a person's words all is remembered that a late refusal would need.
    pub(super) fn remember_taken(&mut self, owed: &Owed) {
        self.forget_old();
        let theirs = owed.class == Class::Human;
        let kept = theirs && parked::may_park(owed) && self.channel().reply_window.is_some();
        let entry = owed.entry.filter(|_| kept);
        if let (Some(gone), None) = (owed.entry, entry) {
            self.texts.remove(&gone);
        }
        // What is in doubt may have arrived twice: no report takes both back.
        let stopped = owed.stopped.clone().filter(|_| !owed.in_doubt);
        self.remember_sent(Sent {
            entry,
            stopped,
            ..owed.left(MessageState::Sent)
        });
    }

    /// What was decided too long ago arrived, as far as anybody will tell.
    pub(super) fn forget_old(&mut self) {
        let now = self.now;
        for sent in &mut self.common.outbox.sent {
            if sent.decided_at + TOLD_WITHIN <= now {
                sent.stopped = None;
                if let Some(entry) = sent.entry.take() {
                    self.texts.remove(&entry);
                }
            }
        }
    }
}

/// The message `effect` has arrived. A person's words have answered for good, with those before them.
pub(super) fn arrived(effect: EffectId, cx: &mut Cx<'_>) {
    let theirs = |sent: &Sent| sent.effect == effect && sent.class == Class::Human;
    if !cx.common.outbox.sent.iter().any(theirs) {
        return;
    }
    for sent in &mut cx.common.outbox.sent {
        if sent.effect == effect
            && let Some(entry) = sent.entry.take()
        {
            cx.texts.remove(&entry);
        }
        if sent.effect <= effect {
            sent.stopped = None;
        }
    }
    undo::answered_by(effect, cx);
}

/// The words `effect` were taken, and the provider says now that the window was shut: as if it had said so at once.
/// False: they are not remembered any more, or no more can be kept.
pub(super) fn parked(effect: EffectId, cause: Option<FailureCause>, cx: &mut Cx<'_>) -> bool {
    let shut = cause == Some(FailureCause::WindowClosed) && !parked::keeps_most(cx);
    let of_it = |sent: &Sent| shut && sent.effect == effect && sent.entry.is_some();
    let Some(place) = cx.common.outbox.sent.iter().position(of_it) else {
        return false;
    };
    let Some(sent) = cx.common.outbox.sent.remove(place) else {
        return false;
    };
    let owed = Owed {
        effect,
        class: sent.class,
        entry: sent.entry,
        ask: None,
        epoch: cx.common.epoch,
        handoff: sent.handoff,
        decided_at: sent.decided_at,
        state: OwedState::Pending { not_before: cx.now },
        attempts: 0,
        in_doubt: false,
        stopped: sent.stopped,
    };
    parked::keep(owed, sent.decided_at, cx);
    true
}

/// The words `effect` were taken and will not arrive after all: the clocks that they stopped go on, unless the customer has
/// blocked us and so waits for nobody.
pub(super) fn failed(effect: EffectId, mode: &mut Mode, cx: &mut Cx<'_>) {
    let mut sent = cx.common.outbox.sent.iter_mut();
    let Some(sent) = sent.find(|sent| sent.effect == effect) else {
        return;
    };
    let stopped = sent.stopped.take();
    if let Some(entry) = sent.entry.take() {
        cx.texts.remove(&entry);
    }
    if !cx.common.unreachable {
        undo::answered_nobody(effect, stopped, mode, cx);
    }
}

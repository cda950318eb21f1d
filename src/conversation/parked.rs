//! Replies that the channel does not take now: a person's words, kept until the customer writes again.
//!
//! Some channels take free text only for a while after the customer's last message (WhatsApp: 24 hours). What a person
//! writes later, or what waits in the line when the window shuts, or what the provider refuses because it has shut, is
//! parked: out of the line, and on the trail as `parked`. The customer's next message opens the window, and what is
//! parked leaves before anything that is decided then. A person may take it back ([`super::undo`]); after the queue's
//! `parked_for` it is given up, which stands on the trail as failed. Nothing that the AI or Segue itself says is parked.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::common::{Common, Cx};
use super::gate::window_shut;
use super::message::FailureCause;
use super::outbox::{Owed, OwedState};
use super::release::{self, strike};
use super::words::{Class, MessageState};
use super::{Mode, undo};
use crate::clock::Timestamp;

/// The most replies that are kept for one customer; a person's next one is refused.
pub const PARKED_MAX: usize = 16;
/// Why a reply is parked.
const WINDOW_CLOSED: &str = "window_closed";
/// Why it has left its place: the customer wrote.
const WINDOW_OPEN: &str = "window_open";
/// Why it was given up: the customer did not write again.
const EXPIRED: &str = "parked_expired";

/// How long a reply is kept where the queue does not say: whoever has not written for three days asks anew.
pub(super) const fn usual() -> Duration {
    Duration::from_hours(72)
}

/// A reply that waits for the customer.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Parked {
    /// The reply, as it stands in the line again later.
    pub owed: Owed,
    /// Until when it is kept.
    pub until: Timestamp,
}

/// Until when words that a person writes now are parked; none: they leave.
pub(super) fn until(cx: &Cx<'_>) -> Option<Timestamp> {
    let shut = window_shut(cx.common, cx.policy, cx.now).is_some();
    let kept = shut || !cx.common.outbox.parked.is_empty();
    kept.then(|| cx.now + cx.queue().parked_for)
}

/// Whether something is parked that was written before `owed`: nothing overtakes it.
pub(super) fn stands_before(owed: &Owed, common: &Common) -> bool {
    let mut parked = common.outbox.parked.iter();
    !owed.in_doubt && parked.any(|one| one.owed.effect < owed.effect)
}

/// Whether no more can be parked.
pub(super) fn is_full(cx: &Cx<'_>) -> bool {
    cx.common.outbox.all().filter(|owed| may_park(owed)).count() >= PARKED_MAX
}

/// Whether the message may be parked: a person's words that have surely not arrived.
pub(super) fn may_park(owed: &Owed) -> bool {
    owed.class == Class::Human && !owed.in_doubt && owed.entry.is_some()
}

/// Takes the message at `place` out of the line until the customer writes; what cannot be kept is given up.
pub(super) fn park(place: usize, mode: &mut Mode, cx: &mut Cx<'_>) {
    let Some(owed) = cx.common.outbox.owed.get(place) else {
        return;
    };
    if !may_park(owed) || keeps_most(cx) {
        let given_up = owed.clone();
        let cause = Some(FailureCause::WindowClosed);
        strike(cx, place, MessageState::Failed, WINDOW_CLOSED, cause);
        undo::never_arrived(given_up, mode, cx);
        return;
    }
    let Some(owed) = cx.common.outbox.owed.remove(place) else {
        return;
    };
    let tried_at = match owed.state {
        OwedState::InFlight { since } => since,
        OwedState::Pending { .. } | OwedState::Doubt { .. } => cx.now,
    };
    keep(owed, tried_at, cx);
}

/// Whether no more is kept.
pub(super) fn keeps_most(cx: &Cx<'_>) -> bool {
    cx.common.outbox.parked.len() >= PARKED_MAX
}

/// Keeps `owed`, which is out of the line and was last tried at `tried_at`, until the customer writes.
pub(super) fn keep(mut owed: Owed, tried_at: Timestamp, cx: &mut Cx<'_>) {
    // Whatever became of an attempt: it waits now.
    owed.state = OwedState::Pending { not_before: cx.now };
    note(&owed, MessageState::Parked, WINDOW_CLOSED, cx);
    // They have written since it was tried: the window has opened, and nobody need wait for it.
    let open = window_shut(cx.common, cx.policy, cx.now).is_none();
    if open && cx.common.last_inbound_at > Some(tried_at) {
        return rejoin(owed, cx);
    }
    let until = cx.now + cx.queue().parked_for;
    let later = |one: &Parked| one.owed.effect > owed.effect;
    let parked = &mut cx.common.outbox.parked;
    let place = parked.iter().position(later).unwrap_or(parked.len());
    parked.insert(place, Parked { owed, until });
}

/// The customer has written: what was kept for them leaves, in the order in which it was written, before anything new.
pub(super) fn window_opened(cx: &mut Cx<'_>) {
    if window_shut(cx.common, cx.policy, cx.now).is_some() {
        return;
    }
    for Parked { owed, .. } in std::mem::take(&mut cx.common.outbox.parked) {
        rejoin(owed, cx);
    }
}

/// Puts what was kept into the line again, at its place by the order of writing.
fn rejoin(mut owed: Owed, cx: &mut Cx<'_>) {
    note(&owed, MessageState::Pending, WINDOW_OPEN, cx);
    owed.state = OwedState::Pending { not_before: cx.now };
    // Its patience begins now: it could not leave before. Nor has it been tried as yet, as far as reports go.
    owed.decided_at = cx.now;
    owed.attempts = 0;
    let later =
        |one: &Owed| one.effect > owed.effect && matches!(one.state, OwedState::Pending { .. });
    let line = &mut cx.common.outbox.owed;
    let place = line.iter().position(later).unwrap_or(line.len());
    line.insert(place, owed);
}

/// Gives up what the customer has not fetched in time.
pub(super) fn expire(mode: &mut Mode, cx: &mut Cx<'_>) {
    let now = cx.now;
    let over = |one: &Parked| one.until <= now;
    while let Some(place) = cx.common.outbox.parked.iter().position(over) {
        let Some(Parked { owed, .. }) = cx.common.outbox.parked.remove(place) else {
            return;
        };
        leave(&owed, MessageState::Failed, EXPIRED, cx);
        undo::answered_nobody((owed.effect, owed.class), owed.stopped, mode, cx);
    }
}

/// What was kept leaves for good, unsent.
pub(super) fn leave(owed: &Owed, state: MessageState, why: &str, cx: &mut Cx<'_>) {
    if let Some(entry) = owed.entry {
        cx.texts.remove(&entry);
    }
    note(owed, state, why, cx);
    cx.remember_sent(owed.left(state));
}

fn note(owed: &Owed, state: MessageState, code: &str, cx: &mut Cx<'_>) {
    let shut = matches!(state, MessageState::Parked | MessageState::Failed);
    let cause = shut.then_some(FailureCause::WindowClosed);
    release::note_settled(owed, state, code, cause, cx);
}

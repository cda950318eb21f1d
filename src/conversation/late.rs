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
use super::message::{FailureCause, Report, ReportState};
use super::outbox::{Owed, OwedState, SENT_MAX, Sent};
use super::parked;
use super::release::told_by_nobody;
use super::undo;
use super::words::{Class, MessageState};
use crate::ids::{EffectId, IdHash};

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
        // What is in doubt may have arrived twice: no report takes both back. And where nobody reports, nothing does.
        let reported = theirs || !told_by_nobody(self.common.medium);
        let stopped = owed.stopped.clone().filter(|_| reported && !owed.in_doubt);
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

/// What `report` is if it says once more that a try of `effect` came to a shut window; none: it says something else, or
/// that of another try. Parked words are tried again later, and what a provider repeats of the first try, or tells late of
/// another part of it, says nothing of the second. Each try has a number of the provider's; that of a refused one is
/// remembered among the ids that were seen. True: it was not known yet.
pub(super) fn told_again(effect: EffectId, report: &Report, cx: &mut Cx<'_>) -> Option<bool> {
    if cx.common.seen.contains(refusal(effect, report)?) {
        return Some(false);
    }
    let kept = |one: &parked::Parked| one.owed.effect == effect;
    if !cx.common.outbox.parked.iter().any(kept) {
        return None;
    }
    remember_refusal(effect, report, cx);
    cx.touch();
    Some(true)
}

/// The words `effect` were parked because of `report`.
pub(super) fn remember_refusal(effect: EffectId, report: &Report, cx: &mut Cx<'_>) {
    if let Some(refusal) = refusal(effect, report) {
        let evicted = cx.common.seen.remember(refusal, cx.now);
        cx.out.evicted.extend(evicted);
    }
}

/// What a refusal because of a shut window is remembered by, where the provider numbers its tries.
fn refusal(effect: EffectId, report: &Report) -> Option<IdHash> {
    let shut = report.state == ReportState::Failed
        && report.failure == Some(FailureCause::WindowClosed)
        && !report.provider_id.is_empty();
    shut.then(|| IdHash::of(&format!("window closed\n{effect}\n{}", report.provider_id)))
}

/// The message `effect` has arrived. A person's words, and an answer of the AI, have answered for good, with those before
/// them.
pub(super) fn arrived(effect: EffectId, cx: &mut Cx<'_>) {
    let theirs = |sent: &Sent| sent.effect == effect && undo::answers(sent.class, sent.handoff);
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
    let (stopped, class) = (sent.stopped.take(), sent.class);
    if let Some(entry) = sent.entry.take() {
        cx.texts.remove(&entry);
    }
    if !cx.common.unreachable {
        undo::answered_nobody((effect, class), stopped, mode, cx);
    }
}

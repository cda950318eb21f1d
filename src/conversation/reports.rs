//! What providers report of messages that were sent: late, repeated, and in any order.
//!
//! A report settles doubt, and moves a message only forward. It finds a message in the line or among the last that left.
//! A refusal that comes late is taken as one that came at once ([`late`]).

use super::Mode;
use super::asking::millis;
use super::common::Cx;
use super::message::{FailureCause, Report, ReportState};
use super::outbox::Owed;
use super::release::{failed, sent, strike};
use super::trail::Fact;
use super::words::MessageState;
use super::{late, parked, undo};
use crate::ids::EffectId;

/// A provider reported on a message. Only a later state counts; doubt is settled by any report.
pub(super) fn reported(report: &Report, mode: &mut Mode, cx: &mut Cx<'_>) -> bool {
    let Some((_, effect)) = report.effect else {
        return false;
    };
    let state = match report.state {
        ReportState::Sent => MessageState::Sent,
        ReportState::Delivered => MessageState::Delivered,
        ReportState::Read => MessageState::Read,
        ReportState::Failed => MessageState::Failed,
    };
    if let Some(news) = late::told_again(effect, report, cx) {
        return news;
    }
    // Nothing can be reported of a message that was never tried, or of a stream that goes on.
    let untold = |owed: &Owed| owed.attempts == 0 || owed.streams();
    if cx.common.outbox.find(effect).is_some_and(untold) {
        return false;
    }
    if let Some(place) = cx
        .common
        .outbox
        .owed
        .iter()
        .position(|owed| owed.effect == effect)
    {
        let owed = cx.common.outbox.owed[place].clone();
        if report.state == ReportState::Failed {
            refused(place, owed, report, mode, cx);
        } else {
            sent(place, &owed, &report.provider_id, cx);
        }
        if state == MessageState::Sent || state == MessageState::Failed {
            return true;
        }
    }
    moved_on(effect, state, report, mode, cx)
}

/// What was under way, or in doubt, will not arrive.
fn refused(place: usize, owed: Owed, report: &Report, mode: &mut Mode, cx: &mut Cx<'_>) {
    stop_if_blocked(report, cx);
    if report.failure == Some(FailureCause::WindowClosed) && parked::may_park(&owed) {
        late::remember_refusal(owed.effect, report, cx);
        return parked::park(place, mode, cx);
    }
    let cause = report.failure.or(Some(FailureCause::Other));
    let code = report.code.clone().unwrap_or_default();
    strike(cx, place, MessageState::Failed, &code, cause);
    failed(owed.class, owed.handoff, mode, cx.now);
    undo::never_arrived(owed, mode, cx);
}

/// A message that has left the line moves forward, unless it has got further already.
fn moved_on(
    effect: EffectId,
    state: MessageState,
    report: &Report,
    mode: &mut Mode,
    cx: &mut Cx<'_>,
) -> bool {
    let mut all = cx.common.outbox.sent.iter_mut();
    let Some(known) = all.find(|sent| sent.effect == effect) else {
        return false;
    };
    if rank(state) <= rank(known.state) {
        return false;
    }
    cx.forget_old();
    let failing = state == MessageState::Failed;
    if failing && late::parked(effect, report.failure, cx) {
        late::remember_refusal(effect, report, cx);
        return true;
    }
    let mut all = cx.common.outbox.sent.iter_mut();
    let Some(known) = all.find(|sent| sent.effect == effect) else {
        return false;
    };
    known.state = state;
    let (class, decided_at, handoff) = (known.class, known.decided_at, known.handoff);
    stop_if_blocked(report, cx);
    let after_ms = millis(decided_at, cx);
    cx.note(Fact::Settled {
        effect,
        class,
        state,
        provider_id: report.provider_id.clone(),
        code: report.code.clone().unwrap_or_default(),
        cause: report.failure,
        attempts: 0,
        after_ms,
    });
    match state {
        MessageState::Failed => {
            failed(class, handoff, mode, cx.now);
            late::failed(effect, mode, cx);
        }
        MessageState::Delivered | MessageState::Read => late::arrived(effect, cx),
        MessageState::Pending
        | MessageState::InFlight
        | MessageState::Sent
        | MessageState::Suppressed
        | MessageState::InDoubt
        | MessageState::Parked => {}
    }
    true
}

fn stop_if_blocked(report: &Report, cx: &mut Cx<'_>) {
    if report.failure == Some(FailureCause::Blocked) {
        cx.common.unreachable = true;
    }
}

/// Status moves only forward.
const fn rank(state: MessageState) -> u8 {
    match state {
        MessageState::Pending | MessageState::Parked => 0,
        MessageState::InFlight => 1,
        MessageState::InDoubt => 2,
        MessageState::Sent => 3,
        MessageState::Delivered => 4,
        MessageState::Read => 5,
        MessageState::Failed => 6,
        MessageState::Suppressed => 7,
    }
}

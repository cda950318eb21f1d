//! What providers report of messages that were sent: late, repeated, and in any order.
//!
//! A report settles doubt, and moves a message only forward. It finds a message in the line or among the last that left.

use super::Mode;
use super::asking::millis;
use super::common::Cx;
use super::message::{FailureCause, Report, ReportState};
use super::outbox::Owed;
use super::release::{failed, sent, strike};
use super::trail::Fact;
use super::words::MessageState;

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
    // Nothing can be reported of a message that was never tried, or of a stream that goes on.
    let untold = |owed: &Owed| owed.attempts == 0 || owed.streams();
    if cx.common.outbox.find(effect).is_some_and(untold) {
        return false;
    }
    let code = report.code.clone().unwrap_or_default();
    if let Some(place) = cx
        .common
        .outbox
        .owed
        .iter()
        .position(|owed| owed.effect == effect)
    {
        let owed = cx.common.outbox.owed[place].clone();
        if report.state == ReportState::Failed {
            stop_if_blocked(report, cx);
            strike(
                cx,
                place,
                MessageState::Failed,
                &code,
                report.failure.or(Some(FailureCause::Other)),
            );
            failed(owed.class, owed.handoff, mode, cx.now);
        } else {
            sent(place, &owed, &report.provider_id, cx);
        }
        if state == MessageState::Sent || state == MessageState::Failed {
            return true;
        }
    }
    let Some(known) = cx
        .common
        .outbox
        .sent
        .iter_mut()
        .find(|sent| sent.effect == effect)
    else {
        return false;
    };
    if rank(state) <= rank(known.state) {
        return false;
    }
    known.state = state;
    let (class, decided_at, handoff) = (known.class, known.decided_at, known.handoff);
    stop_if_blocked(report, cx);
    let after_ms = millis(decided_at, cx);
    cx.note(Fact::Settled {
        effect,
        class,
        state,
        provider_id: report.provider_id.clone(),
        code,
        cause: report.failure,
        attempts: 0,
        after_ms,
    });
    if state == MessageState::Failed {
        failed(class, handoff, mode, cx.now);
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

//! The line of owed messages: which leaves next, and what comes of an attempt.
//!
//! One customer-visible message is under way at a time, in the order of deciding. Every release passes [`gate`].
//! Nothing is dropped without a word on the trail, and an acknowledgement that cannot go moves the ladder on.

use std::time::Duration;

use super::Mode;
use super::asking::millis;
use super::common::Cx;
use super::decision::Perform;
use super::gate::{AI_OFF, Gate, gate};
use super::handoff::{self, Trigger};
use super::message::{Attempt, FailureCause, Medium, Retry};
use super::outbox::{ATTEMPTS_MAX, DOUBT, HOLD_MAX, Owed, OwedState, back_off};
use super::parked;
use super::trail::Fact;
use super::undo;
use super::words::{Class, MessageState};
use crate::clock::Timestamp;
use crate::ids::{EffectId, HandoffId};

/// Moves the line on as far as it goes: releases the first in it, or strikes what may not leave any more.
pub(super) fn advance(cx: &mut Cx<'_>, mode: &mut Mode) {
    parked::expire(mode, cx);
    sweep(cx, mode);
    while let Some(first) = cx.common.outbox.owed.front() {
        let (at, overdue_after) = (first.state, first.overdue_after());
        let go_on = match at {
            OwedState::InFlight { since } if since + overdue_after <= cx.now => overdue(cx),
            OwedState::Doubt { until } if until <= cx.now => repeat_in_doubt(cx),
            OwedState::InFlight { .. } | OwedState::Doubt { .. } => return,
            OwedState::Pending { not_before } => release(cx, mode, not_before),
        };
        if !go_on {
            return;
        }
    }
}

/// Strikes what waits and may not leave any more, wherever it stands: nobody should learn of it only at its turn.
fn sweep(cx: &mut Cx<'_>, mode: &mut Mode) {
    let mut place = 0;
    while let Some(owed) = cx.common.outbox.owed.get(place) {
        let waits = matches!(owed.state, OwedState::Pending { .. });
        let gate = gate(owed, cx.common, mode, cx.policy, cx.now);
        if waits && gate != Gate::Open {
            hold_back(cx, mode, place, gate);
        } else {
            place += 1;
        }
    }
}

/// Takes a message out of the line because the gate is shut, and sees to what then remains undone.
fn hold_back(cx: &mut Cx<'_>, mode: &mut Mode, place: usize, gate: Gate) {
    let Some(owed) = cx.common.outbox.owed.get(place).cloned() else {
        return;
    };
    let why = match gate {
        Gate::Park => return parked::park(place, mode, cx),
        Gate::Suppress(why) => {
            strike(cx, place, MessageState::Suppressed, why, None);
            why
        }
        Gate::Fail(why, cause) => {
            strike(cx, place, MessageState::Failed, why, Some(cause));
            why
        }
        Gate::Open => {
            strike(cx, place, MessageState::Suppressed, "ownership", None);
            "ownership"
        }
    };
    failed(owed.class, owed.handoff, mode, cx.now);
    undo::never_arrived(owed, mode, cx);
    if why == AI_OFF {
        // The answer was held back, the question stands: it goes to people.
        *mode = match std::mem::take(mode) {
            Mode::Ai(ai) => handoff::request(Trigger::ai_off(), ai.asking, cx),
            mode @ (Mode::Waiting(_) | Mode::Human(_) | Mode::Closed(_)) => mode,
        };
    }
}

/// Tries the gate for the first in line. False: nothing more can leave now.
fn release(cx: &mut Cx<'_>, mode: &mut Mode, not_before: Timestamp) -> bool {
    let Some(first) = cx.common.outbox.owed.front() else {
        return false;
    };
    match gate(first, cx.common, mode, cx.policy, cx.now) {
        shut @ (Gate::Suppress(_) | Gate::Park | Gate::Fail(..)) => hold_back(cx, mode, 0, shut),
        Gate::Open if not_before > cx.now => return false,
        Gate::Open => {
            let now = cx.now;
            if let Some(first) = cx.common.outbox.owed.front_mut() {
                first.state = OwedState::InFlight { since: now };
                first.attempts += 1;
                cx.out.perform.push(Perform::Send(first.effect));
            }
            cx.touch();
            return false;
        }
    }
    true
}

/// Released, and no outcome for longer than any carrier waits: the process died meanwhile.
fn overdue(cx: &mut Cx<'_>) -> bool {
    let Some(first) = cx.common.outbox.owed.front_mut() else {
        return false;
    };
    if first.entry.is_none() {
        // Whoever streamed is gone: what the customer saw of it is not known.
        strike(cx, 0, MessageState::InDoubt, "stream_lost", None);
        return true;
    }
    first.state = OwedState::Doubt { until: cx.now };
    cx.touch();
    true
}

/// No report has settled the doubt: repeat once, marked; after that leave it in doubt.
fn repeat_in_doubt(cx: &mut Cx<'_>) -> bool {
    let Some(first) = cx.common.outbox.owed.front_mut() else {
        return false;
    };
    if first.in_doubt || first.attempts >= ATTEMPTS_MAX {
        strike(
            cx,
            0,
            MessageState::InDoubt,
            "unknown",
            Some(FailureCause::Timeout),
        );
        return true;
    }
    first.in_doubt = true;
    first.state = OwedState::Pending { not_before: cx.now };
    let first = first.clone();
    note_settled(&first, MessageState::InDoubt, "repeated", None, cx);
    true
}

/// Takes a message out of the line for good.
pub(super) fn strike(
    cx: &mut Cx<'_>,
    place: usize,
    state: MessageState,
    why: &str,
    cause: Option<FailureCause>,
) {
    let Some(owed) = cx.common.outbox.owed.remove(place) else {
        return;
    };
    if let Some(entry) = owed.entry {
        cx.texts.remove(&entry);
    }
    // What may have arrived stays in doubt, whatever its last attempt came to.
    let state = if owed.in_doubt {
        MessageState::InDoubt
    } else {
        state
    };
    note_settled(&owed, state, why, cause, cx);
    cx.remember_sent(owed.left(state));
}

/// Puts on the trail what became of a message.
pub(super) fn note_settled(
    owed: &Owed,
    state: MessageState,
    code: &str,
    cause: Option<FailureCause>,
    cx: &mut Cx<'_>,
) {
    let after_ms = millis(owed.decided_at, cx);
    cx.note(Fact::Settled {
        effect: owed.effect,
        class: owed.class,
        state,
        provider_id: String::new(),
        code: code.to_owned(),
        cause,
        attempts: owed.attempts,
        after_ms,
    });
}

/// An attempt ended.
pub(super) fn settled(
    effect: EffectId,
    attempt: &Attempt,
    mode: &mut Mode,
    cx: &mut Cx<'_>,
) -> bool {
    let Some(place) = cx
        .common
        .outbox
        .owed
        .iter()
        .position(|owed| owed.effect == effect)
    else {
        return false;
    };
    let owed = cx.common.outbox.owed[place].clone();
    // A stream's outcome comes with its answer, or with its end.
    if matches!(owed.state, OwedState::Pending { .. }) || owed.streams() {
        return false;
    }
    match attempt {
        Attempt::Accepted { provider_id } => sent(place, &owed, provider_id, cx),
        Attempt::Unknown { .. } => {
            cx.common.outbox.owed[place].state = OwedState::Doubt {
                until: cx.now + DOUBT,
            };
            cx.touch();
        }
        // By the provider's clock the window has shut.
        Attempt::Rejected {
            cause: FailureCause::WindowClosed,
            ..
        } if parked::may_park(&owed) => parked::park(place, mode, cx),
        Attempt::Rejected { code, cause, retry } => {
            let wait = match retry {
                Retry::Soon => Some(back_off(owed.attempts)),
                Retry::After(ms) => Some(Duration::from_millis(*ms).min(HOLD_MAX)),
                Retry::Never => None,
                Retry::StopForThisCustomer => {
                    cx.common.unreachable = true;
                    None
                }
            };
            match wait {
                Some(wait) if owed.attempts < ATTEMPTS_MAX => {
                    cx.common.outbox.owed[place].state = OwedState::Pending {
                        not_before: cx.now + wait,
                    };
                    cx.touch();
                }
                Some(_) | None => {
                    strike(cx, place, MessageState::Failed, code, Some(*cause));
                    failed(owed.class, owed.handoff, mode, cx.now);
                    undo::never_arrived(owed, mode, cx);
                }
            }
        }
    }
    true
}

pub(super) fn sent(place: usize, owed: &Owed, provider_id: &str, cx: &mut Cx<'_>) {
    cx.common.outbox.owed.remove(place);
    let after_ms = millis(owed.decided_at, cx);
    cx.note(Fact::Settled {
        effect: owed.effect,
        class: owed.class,
        state: MessageState::Sent,
        provider_id: provider_id.to_owned(),
        code: String::new(),
        cause: None,
        attempts: owed.attempts,
        after_ms,
    });
    if owed.class == Class::Human {
        undo::answered_by(owed.effect, cx);
    }
    cx.remember_taken(owed);
}

/// The acknowledgement never drops silently: if it cannot go, the ladder moves on.
pub(super) fn failed(class: Class, handoff: Option<HandoffId>, mode: &mut Mode, now: Timestamp) {
    match (class, mode) {
        (Class::Ack, Mode::Waiting(waiting)) => {
            if let Some(handoff) = handoff {
                waiting.ack_failed(handoff, now);
            }
        }
        (Class::Ack, Mode::Ai(_) | Mode::Human(_) | Mode::Closed(_))
        | (
            Class::Ai
            | Class::Human
            | Class::Progress
            | Class::Reminder
            | Class::Survey
            | Class::Error
            | Class::AfterHours
            | Class::System,
            _,
        ) => {}
    }
}

/// The shell found at the last moment that the message may not leave.
pub(super) fn suppressed(effect: EffectId, mode: &mut Mode, cx: &mut Cx<'_>) -> bool {
    let released = |owed: &Owed| {
        owed.effect == effect && matches!(owed.state, OwedState::InFlight { .. }) && !owed.streams()
    };
    let Some(place) = cx.common.outbox.owed.iter().position(released) else {
        return false;
    };
    let why = gate(
        &cx.common.outbox.owed[place],
        cx.common,
        mode,
        cx.policy,
        cx.now,
    );
    hold_back(cx, mode, place, why);
    true
}

/// The process that streamed is gone, and its streams with it.
pub(super) fn drop_streams(cx: &mut Cx<'_>) {
    while let Some(place) = cx.common.outbox.owed.iter().position(Owed::streams) {
        strike(cx, place, MessageState::InDoubt, "stream_lost", None);
    }
}

/// Released by a process that is gone: nobody will tell the outcome but the provider, who gets the usual time for it.
pub(super) fn doubt_what_died(began_at: Timestamp, cx: &mut Cx<'_>) {
    let Some(first) = cx.common.outbox.owed.front_mut() else {
        return;
    };
    if let OwedState::InFlight { since } = first.state
        && since <= began_at
    {
        let until = match told_by_nobody(cx.common.medium) {
            true => cx.now,
            false => since + DOUBT,
        };
        first.state = OwedState::Doubt { until };
        cx.touch();
    }
}

/// Whether nobody will ever tell what became of a send, and repeating it at once harms nobody: browsers know what they
/// have by its number, and a gateway of our user's by its idempotency key.
pub(super) const fn told_by_nobody(medium: Medium) -> bool {
    match medium {
        Medium::Webchat | Medium::Http => true,
        Medium::Whatsapp | Medium::Sms | Medium::Telegram | Medium::Voice | Medium::Other => false,
    }
}

//! The gate: whether an owed message may leave now, by class, mode, epoch, patience, switch and window.
//!
//! Asked when the line moves on, and once more right before a message is performed. It changes nothing.

use super::Mode;
use super::common::Common;
use super::hours::company;
use super::message::FailureCause;
use super::outbox::Owed;
use super::parked;
use super::policy::Policy;
use super::words::{Class, ModeName};
use crate::clock::Timestamp;

/// Held back because somebody switched the AI off.
pub(super) const AI_OFF: &str = "ai_off";

/// What the gate says of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gate {
    /// It may leave.
    Open,
    /// What it rested on has changed: it is held back for good.
    Suppress(&'static str),
    /// The channel takes it again when the customer writes: it is kept until then.
    Park,
    /// It cannot be delivered any more.
    Fail(&'static str, FailureCause),
}

/// Whether `owed` may leave now.
pub(super) fn gate(
    owed: &Owed,
    common: &Common,
    mode: &Mode,
    policy: &Policy,
    now: Timestamp,
) -> Gate {
    if common.unreachable {
        return Gate::Fail("unreachable", FailureCause::Blocked);
    }
    let waits_for = match mode {
        Mode::Waiting(waiting) => Some(waiting.handoff.id),
        Mode::Ai(_) | Mode::Human(_) | Mode::Closed(_) => None,
    };
    let shut = window_shut(common, policy, now).is_some();
    let tired = owed
        .patience()
        .is_some_and(|long| owed.decided_at + long <= now);
    let ai_on = policy.switches.ai_on(&common.channel, &common.queue);
    match owed.class {
        Class::Ai if !ai_may_speak(owed, common, mode, policy, now) => Gate::Suppress("ownership"),
        Class::Ai if !ai_on => Gate::Suppress(AI_OFF),
        Class::Progress if owed.handoff.is_none() && owed.epoch != common.epoch => {
            Gate::Suppress("ownership")
        }
        Class::Ai | Class::Progress if tired => Gate::Suppress("late"),
        Class::Ack | Class::Progress | Class::AfterHours
            if owed.handoff.is_some() && owed.handoff != waits_for =>
        {
            Gate::Suppress("claimed")
        }
        Class::Reminder | Class::Survey | Class::AfterHours | Class::Error
            if mode.name() == ModeName::Human =>
        {
            Gate::Suppress("ownership")
        }
        // They have written since: they are there.
        Class::Reminder if common.last_inbound_at > Some(owed.decided_at) => {
            Gate::Suppress("answered")
        }
        Class::Human if tired => Gate::Fail("expired", FailureCause::Timeout),
        Class::Human if shut || parked::stands_before(owed, common) => Gate::Park,
        Class::Ai
        | Class::Ack
        | Class::Progress
        | Class::Reminder
        | Class::Survey
        | Class::Error
        | Class::AfterHours
        | Class::System
            if shut =>
        {
            Gate::Suppress("window_closed")
        }
        Class::Ai
        | Class::Human
        | Class::Ack
        | Class::Progress
        | Class::Reminder
        | Class::Survey
        | Class::Error
        | Class::AfterHours
        | Class::System => Gate::Open,
    }
}

/// One voice: an AI message leaves only under the epoch it was decided in, or with the handoff it keeps company.
fn ai_may_speak(
    owed: &Owed,
    common: &Common,
    mode: &Mode,
    policy: &Policy,
    now: Timestamp,
) -> bool {
    match mode {
        Mode::Ai(_) => owed.epoch == common.epoch,
        Mode::Waiting(waiting) => {
            let company = company(policy, common, waiting, now);
            owed.epoch == common.epoch && waiting.keeps_company(owed.handoff, company)
        }
        Mode::Human(_) | Mode::Closed(_) => false,
    }
}

/// Since when the channel takes no free text, if it does not.
pub(super) fn window_shut(common: &Common, policy: &Policy, now: Timestamp) -> Option<Timestamp> {
    let window = policy.channel_rules(&common.channel).reply_window?;
    // Before the customer's first message the window has never been open.
    let closes_at = common
        .last_inbound_at
        .map_or(common.episode.opened_at, |at| at + window);
    (closes_at <= now).then_some(closes_at)
}

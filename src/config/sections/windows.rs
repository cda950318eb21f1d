//! The windows that a channel may set otherwise than its queues, and what of them only queues' own room does not read.
//!
//! `[channels.NAME]` takes `claim_within`, `first_response_within`, `next_response_within`, `resolve_within`, `lease`,
//! `agent_silence`, `answer_within`, `offer_for`, `remind_after`, `idle_close`, `reopen_within`, `parked_for`, `mention_person`,
//! `ai_while_waiting`, `ai_after_hours` and `customer_may_end`, each as in `[queues.NAME]`.

use std::time::Duration;

use super::super::reader::{Reader, Section};
use super::queues::CLOCK;
use super::routing::OFFER;
use crate::conversation::policy::QueuePolicy;
use crate::conversation::windows::Windows;

/// Whoever has got so many answers has seen what the AI can do.
const MENTION: std::ops::RangeInclusive<i64> = 0..=50;

/// Reads the windows of a channel.
pub(super) fn of_channel(reader: &mut Reader<'_>, section: &mut Section<'_>) -> Windows {
    let mut clock = |reader: &mut Reader<'_>, key| {
        let read = section.duration(reader, key, CLOCK);
        read.map(|spot| spot.value)
    };
    let mut windows = Windows {
        claim_within: clock(reader, "claim_within"),
        first_response_within: clock(reader, "first_response_within"),
        next_response_within: clock(reader, "next_response_within"),
        resolve_within: clock(reader, "resolve_within"),
        lease: clock(reader, "lease"),
        agent_silence: clock(reader, "agent_silence"),
        answer_within: clock(reader, "answer_within"),
        remind_after: clock(reader, "remind_after"),
        idle_close: clock(reader, "idle_close"),
        reopen_within: clock(reader, "reopen_within"),
        parked_for: clock(reader, "parked_for"),
        ..Windows::default()
    };
    windows.offer_for = section
        .duration(reader, "offer_for", OFFER)
        .map(|spot| spot.value);
    windows.mention_person = mention_person(reader, section);
    windows.ai_while_waiting = section.boolean(reader, "ai_while_waiting");
    windows.ai_after_hours = section.boolean(reader, "ai_after_hours");
    windows.customer_may_end = section.boolean(reader, "customer_may_end");
    let (claim, first) = (windows.claim_within, windows.first_response_within);
    if let (Some(claim), Some(first)) = (claim, first)
        && claim > first
    {
        let key = section.key("first_response_within");
        let at = section.place("first_response_within");
        let hint = "a conversation is claimed before it is answered";
        reader.fault(&at, format!("`{key}` is below `claim_within`"), hint);
    }
    if let Some(idle_close) = windows.idle_close {
        reminds_too_late(reader, section, windows.remind_after, idle_close);
    }
    windows
}

/// Reads `remind_after` and `mention_person` of a queue.
pub(super) fn of_queue(
    reader: &mut Reader<'_>,
    section: &mut Section<'_>,
    queue: &mut QueuePolicy,
) {
    let remind_after = section.duration(reader, "remind_after", CLOCK);
    queue.remind_after = remind_after.map(|spot| spot.value);
    reminds_too_late(reader, section, queue.remind_after, queue.idle_close);
    queue.mention_person = mention_person(reader, section).unwrap_or(queue.mention_person);
}

fn mention_person(reader: &mut Reader<'_>, section: &mut Section<'_>) -> Option<u8> {
    let answers = section.integer(reader, "mention_person", MENTION)?;
    u8::try_from(answers).ok()
}

fn reminds_too_late(
    reader: &mut Reader<'_>,
    section: &Section<'_>,
    remind_after: Option<Duration>,
    idle_close: Duration,
) {
    if remind_after.is_some_and(|after| after >= idle_close) {
        let what = format!(
            "`{}` is not below `idle_close`",
            section.key("remind_after")
        );
        let hint = "a conversation that is closed reminds nobody; the usual idle_close is 24h";
        reader.fault(&section.place("remind_after"), what, hint);
    }
}

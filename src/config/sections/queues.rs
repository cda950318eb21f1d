//! `[queues.NAME]`: who waits how long, and what happens then.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::super::fault::Place;
use super::super::reader::{Reader, Section};
use super::super::values;
use super::calendars;
use super::channels::unknown_queue;
use super::{routing, windows};
use crate::conversation::calendar::Calendar;
use crate::conversation::policy::{
    HANDOFFS_MAX, LoopBreaker, OnLapse, QueuePolicy, Rung, RungAction,
};
use crate::conversation::words::HandbackPolicy;
use crate::ids::{CalendarName, QueueName};

/// The most rungs of a ladder.
const RUNGS_MAX: usize = 16;
/// Clocks shorter than a second are mistakes; longer than 90 days nobody waits.
pub(super) const CLOCK: RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_hours(90 * 24);

/// Reads `[queues.*]`: the queues, and the default one, which is the first in the file (`support` when there is none).
pub(in crate::config) fn read(
    reader: &mut Reader<'_>,
    mut all: Section<'_>,
    calendars: &BTreeMap<CalendarName, Calendar>,
    channels: &[&str],
) -> (BTreeMap<QueueName, QueuePolicy>, QueueName) {
    let written = all.keys();
    let names: Vec<QueueName> = written.iter().map(|name| QueueName::from(*name)).collect();
    let default = written
        .iter()
        .min_by_key(|name| (all.place(name), **name != "support"))
        .map_or_else(|| QueueName::from("support"), |name| QueueName::from(*name));
    let mut queues = BTreeMap::new();
    let mut ways = BTreeMap::new();
    for name in written {
        if let Err(hint) = values::name(name) {
            reader.fault(
                &all.place(name),
                format!("{name:?} cannot name a queue"),
                hint,
            );
        }
        let mut section = all.child(reader, name);
        let name = QueueName::from(name);
        let (mut queue, way) = queue(reader, &mut section, &name, &names);
        queue.hours = section
            .text(reader, "hours")
            .and_then(|name| calendars::named(reader, name, calendars));
        queue.survey = routing::survey(reader, &mut section);
        routing::read(reader, &mut section, &mut queue, channels);
        section.finish(reader, &[]);
        queues.insert(name.clone(), queue);
        if let Some(way) = way {
            ways.insert(name, way);
        }
    }
    circles(reader, &ways);
    if queues.is_empty() {
        queues.insert(default.clone(), QueuePolicy::default());
    }
    (queues, default)
}

/// Where a ladder ends by moving the conversation on.
type Way = (QueueName, Place);

fn queue(
    reader: &mut Reader<'_>,
    section: &mut Section<'_>,
    name: &QueueName,
    names: &[QueueName],
) -> (QueuePolicy, Option<Way>) {
    let default = QueuePolicy::default();
    let mut clock = |reader: &mut Reader<'_>, key, usual| {
        section
            .duration(reader, key, CLOCK)
            .map_or(usual, |spot| spot.value)
    };
    let mut queue = QueuePolicy {
        claim_within: clock(reader, "claim_within", default.claim_within),
        first_response_within: clock(
            reader,
            "first_response_within",
            default.first_response_within,
        ),
        next_response_within: clock(reader, "next_response_within", default.next_response_within),
        lease: clock(reader, "lease", default.lease),
        agent_silence: clock(reader, "agent_silence", default.agent_silence),
        answer_within: clock(reader, "answer_within", default.answer_within),
        idle_close: clock(reader, "idle_close", default.idle_close),
        reopen_within: clock(reader, "reopen_within", default.reopen_within),
        parked_for: clock(reader, "parked_for", default.parked_for),
        ..default
    };
    queue.resolve_within = section
        .duration(reader, "resolve_within", CLOCK)
        .map(|spot| spot.value);
    if let Some(priority) = section.integer(reader, "priority", 0..=255) {
        queue.priority = u8::try_from(priority).unwrap_or(queue.priority);
    }
    if queue.claim_within > queue.first_response_within && section.has("first_response_within") {
        let hint = "a conversation is claimed before it is answered";
        let what = format!(
            "`{}` is below `claim_within`",
            section.key("first_response_within")
        );
        reader.fault(&section.place("first_response_within"), what, hint);
    }
    queue.first_response_within = queue.first_response_within.max(queue.claim_within);
    handing_back(reader, section, &mut queue);
    let mut flag = |key, usual| section.boolean(reader, key).unwrap_or(usual);
    queue.ai_while_waiting = flag("ai_while_waiting", queue.ai_while_waiting);
    queue.ai_after_hours = flag("ai_after_hours", queue.ai_after_hours);
    queue.customer_may_end = flag("customer_may_end", queue.customer_may_end);
    queue.loop_breaker = loop_breaker(reader, section);
    windows::of_queue(reader, section, &mut queue);
    let mut way = None;
    if let Some((ladder, on)) = ladder(reader, section, name, names) {
        queue.ladder = ladder;
        way = on;
    } else if !section.has("ladder") {
        queue.ladder = QueuePolicy::usual_ladder(queue.claim_within);
    }
    (queue, way)
}

fn handing_back(reader: &mut Reader<'_>, section: &mut Section<'_>, queue: &mut QueuePolicy) {
    let words: Vec<_> = HandbackPolicy::ALL
        .iter()
        .map(|word| (word.as_str(), *word))
        .collect();
    if let Some(word) = section.word(reader, "handback_policy", &words) {
        queue.handback_policy = word;
        if word == HandbackPolicy::DeskClose {
            let what = format!(
                "`{}`: \"desk_close\" is not supported by this version",
                section.key("handback_policy")
            );
            let hint = "it needs an outside desk; use \"explicit\" or \"ask_after_silence\"";
            reader.fault(&section.place("handback_policy"), what, hint);
        }
    }
    let lapses = [
        ("requeue", OnLapse::Requeue),
        ("handback", OnLapse::HandBack),
        ("close", OnLapse::Close),
    ];
    if let Some(on_lapse) = section.word(reader, "on_lapse", &lapses) {
        queue.on_lapse = on_lapse;
    }
}

fn loop_breaker(reader: &mut Reader<'_>, section: &mut Section<'_>) -> Option<LoopBreaker> {
    let mut inner = section.child(reader, "loop_breaker");
    if !section.has("loop_breaker") {
        return None;
    }
    // So many are remembered: a rule that asks for more would never be heard of again.
    let most = i64::try_from(HANDOFFS_MAX).unwrap_or(i64::MAX);
    let handoffs = inner.integer(reader, "handoffs", 2..=most);
    let within = inner.duration(reader, "within", CLOCK);
    for key in ["handoffs", "within"] {
        inner.missing(
            reader,
            key,
            "loop_breaker = { handoffs = 3, within = \"1h\" }",
        );
    }
    inner.finish(reader, &[]);
    Some(LoopBreaker {
        handoffs: u8::try_from(handoffs?).ok()?,
        within: within?.value,
    })
}

const RUNG_HINT: &str = "{ after = \"5m\", do = \"notify\" | \"reassign\" | \"lead\" | \"apologise\" }, or do = \"transfer\" with to = \"QUEUE\"";

fn ladder(
    reader: &mut Reader<'_>,
    section: &mut Section<'_>,
    name: &QueueName,
    names: &[QueueName],
) -> Option<(Vec<Rung>, Option<Way>)> {
    let rungs = section.tables(reader, "ladder")?;
    let (key, at) = (section.key("ladder"), section.place("ladder"));
    if rungs.is_empty() || rungs.len() > RUNGS_MAX {
        let what = format!("`{key}` has {} rungs", rungs.len());
        reader.fault(
            &at,
            what,
            format!("from 1 to {RUNGS_MAX}; leave the key out for the usual ladder"),
        );
        return None;
    }
    let count = rungs.len();
    let mut ladder: Vec<Rung> = Vec::new();
    let mut way = None;
    for (i, mut rung) in rungs.into_iter().enumerate() {
        let after = rung.duration(reader, "after", CLOCK);
        let (action, to) = action(reader, &mut rung, name, names);
        rung.missing(reader, "after", RUNG_HINT);
        if let (Some(after), Some(last)) = (&after, ladder.last())
            && after.value <= last.after
        {
            let hint = "every `after` counts from the start of the wait, so each is longer than the one before";
            reader.fault(
                &after.at,
                format!(
                    "`{key}` does not grow: {} after {}",
                    values::show(after.value),
                    values::show(last.after)
                ),
                hint,
            );
        }
        let ends = matches!(
            action,
            Some(RungAction::Apologise | RungAction::Transfer(_))
        );
        if ends != (i + 1 == count) && action.is_some() {
            let what = match ends {
                true => format!("`{key}` goes on after its end"),
                false => format!("`{key}` leaves the customer waiting for ever"),
            };
            let hint = "exactly the last rung says `do = \"apologise\"` or `do = \"transfer\"`";
            reader.fault(&rung.at, what, hint);
        }
        rung.finish(reader, &[]);
        if let (Some(after), Some(action)) = (after, action) {
            ladder.push(Rung {
                after: after.value,
                action,
            });
        }
        way = to;
    }
    (ladder.len() == count).then_some((ladder, way))
}

fn action(
    reader: &mut Reader<'_>,
    rung: &mut Section<'_>,
    name: &QueueName,
    names: &[QueueName],
) -> (Option<RungAction>, Option<Way>) {
    #[derive(Clone, Copy)]
    enum Do {
        Notify,
        Transfer,
        Reassign,
        Lead,
        Apologise,
    }
    let words = [
        ("notify", Do::Notify),
        ("transfer", Do::Transfer),
        ("reassign", Do::Reassign),
        ("lead", Do::Lead),
        ("apologise", Do::Apologise),
    ];
    let word = rung.word(reader, "do", &words);
    let to = rung.text(reader, "to");
    rung.missing(reader, "do", RUNG_HINT);
    let transfers = matches!(word, Some(Do::Transfer));
    match &to {
        None if transfers => rung.missing(reader, "to", RUNG_HINT),
        Some(to) if word.is_some() && !transfers => {
            reader.fault(
                &to.at,
                format!("`{}` is only for `do = \"transfer\"`", rung.key("to")),
                RUNG_HINT,
            );
        }
        Some(to) if to.value == name.as_str() => {
            reader.fault(
                &to.at,
                format!("`{}` is the queue itself", rung.key("to")),
                "name another queue",
            );
        }
        Some(to) if !names.iter().any(|n| n.as_str() == to.value) => {
            unknown_queue(reader, &to.at, &to.value, names)
        }
        Some(_) | None => {}
    }
    match word {
        Some(Do::Notify) => (Some(RungAction::Notify), None),
        Some(Do::Reassign) => (Some(RungAction::Reassign), None),
        Some(Do::Lead) => (Some(RungAction::Lead), None),
        Some(Do::Apologise) => (Some(RungAction::Apologise), None),
        Some(Do::Transfer) => match to {
            Some(to) => {
                let queue = QueueName::from(to.value);
                (
                    Some(RungAction::Transfer(queue.clone())),
                    Some((queue, to.at)),
                )
            }
            None => (None, None),
        },
        None => (None, None),
    }
}

/// Reports ladders that pass a conversation round in a circle, once for each circle.
fn circles(reader: &mut Reader<'_>, ways: &BTreeMap<QueueName, Way>) {
    for (start, (first, at)) in ways {
        let mut names = vec![start];
        let mut next = first;
        // the smallest name of a circle reports it
        while next > start && !names.contains(&next) {
            names.push(next);
            match ways.get(next) {
                Some((queue, _)) => next = queue,
                None => break,
            }
        }
        if next == start && names.len() > 1 {
            let path: Vec<&str> = names.iter().map(|n| n.as_str()).collect();
            let what = format!(
                "ladders pass the customer round in a circle: {}",
                path.join(", ")
            );
            reader.fault(
                at,
                what,
                "end one of these ladders with `do = \"apologise\"`",
            );
        }
    }
}

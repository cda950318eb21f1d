//! Which handoffs a queue takes, and how its conversations find a person: `match`, `assignment`, `capacity`, `offer_for`,
//! `pin_attribute`, `pin_last_agent`; and what is told of the line: `tell_position`, `tell_estimate`, `alternatives_after`; and `survey` of `[queues.NAME]`.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::super::reader::{Reader, Section, Spot, suggestion};
use super::super::values;
use crate::conversation::line::Tell;
use crate::conversation::policy::QueuePolicy;
use crate::conversation::routes::{Assignment, Match, Pin};
use crate::conversation::texts::primary;
use crate::conversation::words::{Outcome, Reason};
use crate::ids::ChannelName;

/// An offer that is over in less than five seconds is seen by nobody; one of a day is none.
pub(super) const OFFER: RangeInclusive<Duration> =
    Duration::from_secs(5)..=Duration::from_hours(24);
/// Nobody is offered anything else before a minute.
const PATIENCE: RangeInclusive<Duration> = Duration::from_mins(1)..=Duration::from_hours(24);
/// Amounts up to a trillion, in whole units.
const AMOUNT: RangeInclusive<i64> = 1..=1_000_000_000_000;
const MATCH_HINT: &str = "match = { reason = [\"high_value\"], language = [\"es\"] }: every key must hold, one value of each is enough";

/// Reads the keys named above into `queue`; `channels` are the instances that there are.
pub(super) fn read(
    reader: &mut Reader<'_>,
    section: &mut Section<'_>,
    queue: &mut QueuePolicy,
    channels: &[&str],
) {
    queue.matches = matches(reader, section, channels);
    let words = [
        ("claim", Assignment::Claim),
        ("round_robin", Assignment::RoundRobin),
        ("least_loaded", Assignment::LeastLoaded),
    ];
    if let Some(word) = section.word(reader, "assignment", &words) {
        queue.assignment = word;
    }
    if let Some(capacity) = section.integer(reader, "capacity", 1..=1_000) {
        queue.capacity = u32::try_from(capacity).unwrap_or(queue.capacity);
    }
    if let Some(spot) = section.duration(reader, "offer_for", OFFER) {
        queue.offer_for = spot.value;
    }
    queue.pin = Pin {
        attribute: section.text(reader, "pin_attribute").map(|spot| spot.value),
        last_agent: section.boolean(reader, "pin_last_agent").unwrap_or(false),
    };
    queue.tell = Tell {
        position: section.boolean(reader, "tell_position").unwrap_or(false),
        estimate: section.boolean(reader, "tell_estimate").unwrap_or(false),
        alternatives_after: section
            .duration(reader, "alternatives_after", PATIENCE)
            .map(|spot| spot.value),
    };
    let offers = ["assignment", "pin_attribute", "pin_last_agent"];
    let offers = offers.iter().any(|key| section.has(key)) || queue.asks_lead();
    for key in ["capacity", "offer_for"] {
        if section.has(key) && !offers {
            let what = format!("`{}` has no effect", section.key(key));
            let hint = "nothing is offered to one person in this queue: set assignment = \"round_robin\" or \"least_loaded\", pin_attribute or pin_last_agent, or a rung `do = \"lead\"`";
            reader.fault(&section.place(key), what, hint);
        }
    }
}

/// `survey`: the outcomes after which customers are asked how it went.
pub(super) fn survey(reader: &mut Reader<'_>, section: &mut Section<'_>) -> BTreeSet<Outcome> {
    let words = section.texts(reader, "survey").unwrap_or_default();
    let mut read = |word: &Spot<String>| {
        let found = Outcome::parse(&word.value);
        if found.is_none() {
            unknown(
                reader,
                word,
                "outcome",
                Outcome::ALL.iter().map(|one| one.as_str()),
            );
        }
        found
    };
    words.iter().filter_map(&mut read).collect()
}

fn matches(reader: &mut Reader<'_>, section: &mut Section<'_>, channels: &[&str]) -> Option<Match> {
    let mut inner = section.child(reader, "match");
    if !section.has("match") {
        return None;
    }
    let reasons = listed(reader, &mut inner, "reason", |reader, word| {
        let found = Reason::parse(&word.value);
        if found.is_none() {
            unknown(
                reader,
                word,
                "reason",
                Reason::ALL.iter().map(|r| r.as_str()),
            );
        }
        found
    });
    let languages = listed(
        reader,
        &mut inner,
        "language",
        |reader, word| match values::language(&word.value) {
            Ok(tag) => Some(primary(&tag)),
            Err(hint) => {
                reader.fault(&word.at, format!("{:?} is no language", word.value), hint);
                None
            }
        },
    );
    let on = listed(reader, &mut inner, "channel", |reader, word| {
        let found = channels.contains(&word.value.as_str());
        if !found {
            unknown(reader, word, "channel", channels.iter().copied());
        }
        found.then(|| ChannelName::from(word.value.as_str()))
    });
    let classes = listed(reader, &mut inner, "class", |_, word| {
        Some(word.value.to_lowercase())
    });
    let value = inner.integer(reader, "value", AMOUNT);
    let mut table = inner.child(reader, "attributes");
    let attributes = table
        .keys()
        .into_iter()
        .map(|key| {
            let values = listed(reader, &mut table, key, |_, word| Some(word.value.clone()));
            (key.to_owned(), values)
        })
        .collect();
    table.finish(reader, &[]);
    let place = section.place("match");
    let found = Match {
        reasons,
        classes,
        value_from: value.and_then(|whole| u64::try_from(whole).ok()?.checked_mul(100)),
        languages,
        channels: on,
        attributes,
    };
    if inner.keys().is_empty() || (inner.has("attributes") && found.attributes.is_empty()) {
        let what = format!("`{}` has a condition without a value", section.key("match"));
        reader.fault(&place, what, MATCH_HINT);
    }
    inner.finish(reader, &[]);
    Some(found)
}

/// The list at `key`, each of its words read.
fn listed<T: Ord>(
    reader: &mut Reader<'_>,
    section: &mut Section<'_>,
    key: &str,
    mut read: impl FnMut(&mut Reader<'_>, &Spot<String>) -> Option<T>,
) -> BTreeSet<T> {
    let words = section.texts(reader, key);
    if words.as_ref().is_some_and(Vec::is_empty) {
        let what = format!("`{}` is empty", section.key(key));
        reader.fault(&section.place(key), what, MATCH_HINT);
    }
    let words = words.unwrap_or_default();
    words.iter().filter_map(|word| read(reader, word)).collect()
}

fn unknown<'a>(
    reader: &mut Reader<'_>,
    word: &Spot<String>,
    kind: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) {
    let near = suggestion(&word.value, known.clone());
    let hint = format!("{near}one of {}", known.collect::<Vec<_>>().join(", "));
    reader.fault(
        &word.at,
        format!("there is no {kind} {:?}", word.value),
        hint,
    );
}

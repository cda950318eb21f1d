//! The numbers of `[triage]`: from where on a sign, a value or an answer of the model leads to people, and the classes of
//! leads that do.
//!
//! Small tables, each of which may be left out; what is not written stays as it ships.

use std::collections::BTreeMap;

use super::super::reader::{Reader, Section, Spot};
use super::channels::unknown_queue;
use crate::ids::QueueName;
use crate::triage::WORD_BYTES_MAX;
use crate::triage::specs::{Action, ClassSpec, Priority, Thresholds};

/// The most classes of leads.
const CLASSES_MAX: usize = 50;
/// The longest meaning of a class, in characters: it goes out with every question.
const MEANS_CHARS_MAX: usize = 300;
/// How often the same can be asked at most before it is an offer: so many messages are remembered.
const REPEATED_MAX: i64 = 8;

/// `sentiment`, `repetition`, `deflection`, `value` and `answers`.
pub(super) fn thresholds(
    reader: &mut Reader<'_>,
    section: &mut Section<'_>,
    limits: &mut Thresholds,
    queues: &[QueueName],
) {
    let small = |number: i64| u8::try_from(number).unwrap_or(u8::MAX);
    let mut own = section.child(reader, "sentiment");
    if let Some(offer) = own.integer(reader, "offer", 1..=101) {
        limits.displeasure_offer = small(offer);
    }
    if let Some(handoff) = own.integer(reader, "handoff", 1..=101) {
        limits.displeasure_handoff = small(handoff);
    }
    let (offer, handoff) = (limits.displeasure_offer, limits.displeasure_handoff);
    if (own.has("offer") || own.has("handoff")) && offer <= 100 && handoff <= offer {
        let what = format!(
            "`{}` would never offer: the handoff comes at {handoff}, the offer at {offer}",
            own.name
        );
        let hint = "the offer comes before the handoff; 101 is never";
        reader.fault(&own.at, what, hint);
    }
    own.finish(reader, &[]);
    let mut own = section.child(reader, "repetition");
    // Once is no repetition: 1 counts as 2.
    if let Some(count) = own.integer(reader, "count", 0..=REPEATED_MAX) {
        limits.repeated = small(count);
    }
    own.finish(reader, &[]);
    let mut own = section.child(reader, "deflection");
    if let Some(count) = own.integer(reader, "count", 0..=20) {
        (limits.deflections, limits.vague) = (small(count), small(count));
    }
    own.finish(reader, &[]);
    let mut own = section.child(reader, "value");
    let whole = |number: i64| u64::try_from(number).unwrap_or_default();
    if let Some(amount) = own.integer(reader, "threshold", 1..=1_000_000_000_000) {
        limits.deal = whole(amount);
    }
    if let Some(quantity) = own.integer(reader, "quantity", 1..=1_000_000_000) {
        limits.quantity = whole(quantity);
    }
    limits.value_queue = queue(reader, &mut own, queues).or_else(|| limits.value_queue.take());
    own.finish(reader, &[]);
    answers(reader, section, limits);
}

/// `[triage.answers]`: from where on an answer of the model is not trusted, in percent.
fn answers(reader: &mut Reader<'_>, section: &mut Section<'_>, limits: &mut Thresholds) {
    let mut own = section.child(reader, "answers");
    let thousandths = |percent: i64| u16::try_from(percent * 10).unwrap_or(u16::MAX);
    if let Some(percent) = own.integer(reader, "confidence", 0..=100) {
        limits.confidence = thousandths(percent);
    }
    if let Some(percent) = own.integer(reader, "grounding", 0..=100) {
        limits.grounding = thousandths(percent);
    }
    let actions = [
        ("count", Action::Signal),
        ("offer", Action::Offer),
        ("handoff", Action::Handoff),
    ];
    let nothing = own.word(reader, "nothing_found", &actions);
    limits.no_chunks = nothing.unwrap_or(limits.no_chunks);
    own.finish(reader, &[]);
}

/// `[triage.classes.NAME]`: which classes of the model's assessment go to people, and where.
pub(super) fn classes(
    reader: &mut Reader<'_>,
    section: &mut Section<'_>,
    queues: &[QueueName],
) -> BTreeMap<String, ClassSpec> {
    let mut all = BTreeMap::new();
    let mut classes = section.child(reader, "classes");
    for name in classes.keys() {
        let mut own = classes.child(reader, name);
        if all.len() >= CLASSES_MAX {
            let what = format!("more than {CLASSES_MAX} classes");
            reader.fault(&own.at, what, "name only those that go to people");
        }
        if name.len() > WORD_BYTES_MAX {
            let what = format!(
                "the name of `{}` is longer than {WORD_BYTES_MAX} bytes",
                own.name
            );
            reader.fault(&own.at, what, "a short name, and the rest in `means`");
        }
        let categories = own.texts(reader, "categories").unwrap_or_default();
        let spec = ClassSpec {
            queue: queue(reader, &mut own, queues),
            priority: priority(reader, &mut own).unwrap_or(Priority::High),
            categories: categories.into_iter().map(|spot| spot.value).collect(),
            means: means(reader, &mut own),
        };
        own.finish(reader, &[]);
        all.insert(name.to_owned(), spec);
    }
    classes.finish(reader, &[]);
    all
}

/// `means`: what the model is told of a class.
fn means(reader: &mut Reader<'_>, section: &mut Section<'_>) -> Option<String> {
    let Spot { value, at } = section.text(reader, "means")?;
    let length = value.chars().count();
    if length > MEANS_CHARS_MAX {
        let what = format!("`means` has {length} characters, more than {MEANS_CHARS_MAX}");
        reader.fault(&at, what, "a sentence: it is sent with every question");
    }
    let means = value.trim().trim_end_matches('.');
    (!means.is_empty()).then(|| means.to_owned())
}

/// `queue`, one of those that exist.
pub(super) fn queue(
    reader: &mut Reader<'_>,
    section: &mut Section<'_>,
    queues: &[QueueName],
) -> Option<String> {
    let Spot { value, at } = section.text(reader, "queue")?;
    if !queues.iter().any(|queue| queue.as_str() == value) {
        unknown_queue(reader, &at, &value, queues);
    }
    Some(value)
}

/// `priority`, in a word.
pub(super) fn priority(reader: &mut Reader<'_>, section: &mut Section<'_>) -> Option<Priority> {
    let words = [Priority::Normal, Priority::High, Priority::Urgent];
    section.word(reader, "priority", &words.map(|one| (one.as_str(), one)))
}

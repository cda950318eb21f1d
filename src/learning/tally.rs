//! What other rules would have changed, added up: handoffs, and the waiting that comes with them.
//!
//! A handoff that falls away takes with it the minutes that its customer really waited. One that is added is given the
//! median wait of its queue in the same time, or of all queues where that one has none: an estimate, and said so. More
//! handoffs make everybody wait longer; that is not in it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::record::Record;
use super::report::spread;
use super::source::Progress;
use crate::clock::Timestamp;
use crate::conversation::words::Reason;
use crate::ids::QueueName;

/// Examples of each kind.
const EXAMPLES_MAX: usize = 10;

/// A message on which the rules part.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Example {
    /// The conversation.
    pub conversation: String,
    /// The entry of the message.
    pub entry: u64,
    /// When.
    pub at: String,
    /// What the customer wrote.
    pub words: String,
    /// The rule that fires, or fired.
    pub rule: String,
}

/// What is being added up.
#[derive(Debug, Default)]
pub struct Tally {
    conversations: u64,
    recorded: u64,
    kept: u64,
    other_rule: u64,
    not_by_rules: u64,
    earlier: u64,
    /// Offers on the trail, and those of them that the other rules make, and those that only they make.
    offers: [u64; 3],
    reasons: BTreeMap<Reason, (u64, Moved)>,
    queues: BTreeMap<QueueName, (Queue, Moved)>,
    added: Vec<Example>,
    removed: Vec<Example>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Moved {
    added: u64,
    removed: u64,
}

#[derive(Debug, Default)]
struct Queue {
    handoffs: u64,
    /// Every wait of the recorded handoffs, in milliseconds.
    waits: Vec<u64>,
    removed_ms: u64,
}

impl Tally {
    /// What is on the trail of one conversation.
    pub(super) fn recorded(&mut self, record: &Record, since: Timestamp) {
        let active = record.customer_messages > 0;
        self.conversations += u64::from(active);
        for handoff in &record.handoffs {
            if handoff.requested_at < since || handoff.passed_on {
                continue;
            }
            self.recorded += 1;
            self.reasons.entry(handoff.reason).or_default().0 += 1;
            let (queue, _) = self.queues.entry(handoff.first_queue.clone()).or_default();
            queue.handoffs += 1;
            queue
                .waits
                .extend(handoff.settled.map(|(_, waited)| waited));
        }
    }

    pub(super) fn added(&mut self, reason: Reason, queue: &QueueName, example: Example) {
        self.reasons.entry(reason).or_default().1.added += 1;
        self.queues.entry(queue.clone()).or_default().1.added += 1;
        keep(&mut self.added, example);
    }

    pub(super) fn removed(
        &mut self,
        reason: Reason,
        queue: &QueueName,
        waited_ms: Option<u64>,
        example: Example,
    ) {
        self.reasons.entry(reason).or_default().1.removed += 1;
        let (sums, moved) = self.queues.entry(queue.clone()).or_default();
        moved.removed += 1;
        sums.removed_ms += waited_ms.unwrap_or(0);
        keep(&mut self.removed, example);
    }

    /// Both rules ask for a person on the same words, for another reason or in another queue perhaps.
    pub(super) fn kept(
        &mut self,
        was: (Reason, &QueueName),
        is: (Reason, &QueueName),
        other_rule: bool,
        waited_ms: Option<u64>,
    ) {
        self.kept += 1;
        self.other_rule += u64::from(other_rule);
        if was.0 != is.0 {
            self.reasons.entry(was.0).or_default().1.removed += 1;
            self.reasons.entry(is.0).or_default().1.added += 1;
        }
        if was.1 != is.1 {
            let (sums, moved) = self.queues.entry(was.1.clone()).or_default();
            moved.removed += 1;
            sums.removed_ms += waited_ms.unwrap_or(0);
            self.queues.entry(is.1.clone()).or_default().1.added += 1;
        }
    }

    /// Whether a person was offered at a message, and would be.
    pub(super) fn offered(&mut self, was: bool, is: bool) {
        for (sum, more) in self.offers.iter_mut().zip([was, was && is, is && !was]) {
            *sum += u64::from(more);
        }
    }

    pub(super) fn earlier(&mut self) {
        self.earlier += 1;
    }

    pub(super) fn not_by_rules(&mut self) {
        self.not_by_rules += 1;
    }

    /// The sums.
    pub fn what_if(self, read: Progress) -> WhatIf {
        let all = self
            .queues
            .values()
            .flat_map(|(queue, _)| queue.waits.iter().copied());
        let overall = spread(all.collect()).p50_ms;
        let queues: Vec<_> = self
            .queues
            .into_iter()
            .map(|(name, (queue, moved))| load(name, queue, moved, overall))
            .collect();
        let reasons = self
            .reasons
            .into_iter()
            .map(|(reason, (before, moved))| Line {
                name: reason.to_string(),
                before,
                added: moved.added,
                removed: moved.removed,
                after: (before + moved.added).saturating_sub(moved.removed),
            });
        let sum = |figure: fn(&Load) -> Option<f64>| queues.iter().map(figure).sum::<Option<f64>>();
        let (waiting_before, waiting_after) = (
            sum(|queue| Some(queue.minutes_before)).unwrap_or_default(),
            sum(|queue| queue.minutes_after),
        );
        let count = |figure: fn(&Load) -> u64| queues.iter().map(figure).sum::<u64>();
        // What only changes its queue is in both sums.
        let (added, removed) = (
            count(|queue| queue.line.added),
            count(|queue| queue.line.removed),
        );
        WhatIf {
            conversations: self.conversations,
            handoffs_before: self.recorded,
            handoffs_after: (self.recorded + added).saturating_sub(removed),
            kept: self.kept,
            other_rule: self.other_rule,
            earlier: self.earlier,
            not_by_rules: self.not_by_rules,
            offers_before: self.offers[0],
            offers_added: self.offers[2],
            offers_removed: self.offers[0] - self.offers[1],
            waiting_minutes_before: waiting_before,
            waiting_minutes_after: waiting_after.map(tenth),
            reasons: reasons.collect(),
            queues,
            added: self.added,
            removed: self.removed,
            unreadable: read.unreadable,
        }
    }
}

fn load(name: QueueName, queue: Queue, moved: Moved, overall: Option<u64>) -> Load {
    let median = spread(queue.waits.clone()).p50_ms.or(overall);
    let before: u64 = queue.waits.iter().sum();
    let gained = match (moved.added, median) {
        (0, _) => Some(0),
        (added, median) => median.map(|median| median * added),
    };
    let after = gained.map(|gained| (before + gained).saturating_sub(queue.removed_ms));
    Load {
        line: Line {
            name: name.to_string(),
            before: queue.handoffs,
            added: moved.added,
            removed: moved.removed,
            after: (queue.handoffs + moved.added).saturating_sub(moved.removed),
        },
        median_wait_ms: median,
        minutes_before: minutes(before),
        minutes_after: after.map(minutes),
    }
}

fn minutes(millis: u64) -> f64 {
    tenth(millis as f64 / 60_000.0)
}

fn tenth(figure: f64) -> f64 {
    (figure * 10.0).round() / 10.0
}

fn keep(examples: &mut Vec<Example>, example: Example) {
    if examples.len() < EXAMPLES_MAX {
        examples.push(example);
    }
}

/// What other rules would have changed.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct WhatIf {
    /// Conversations in which the customer wrote.
    pub conversations: u64,
    /// Handoffs that were requested.
    pub handoffs_before: u64,
    /// Handoffs that would have been.
    pub handoffs_after: u64,
    /// Handoffs that rules ask for both ways.
    pub kept: u64,
    /// Of those, by another rule.
    pub other_rule: u64,
    /// Handoffs that would have come earlier in the same stretch.
    pub earlier: u64,
    /// Handoffs that a model, a fault or a person asked for: they stay.
    pub not_by_rules: u64,
    /// Offers of a person that were made.
    pub offers_before: u64,
    /// Offers that would have been made in addition; what would have been said to them is not known.
    pub offers_added: u64,
    /// Offers that would not have been made; the handoffs that became of them are among those removed.
    pub offers_removed: u64,
    /// Minutes that customers waited for a person.
    pub waiting_minutes_before: f64,
    /// Minutes they would have waited, estimated; none: nothing to estimate from.
    pub waiting_minutes_after: Option<f64>,
    /// By reason.
    pub reasons: Vec<Line>,
    /// By queue.
    pub queues: Vec<Load>,
    /// Some handoffs that come in addition.
    pub added: Vec<Example>,
    /// Some that fall away.
    pub removed: Vec<Example>,
    /// Conversations that could not be read.
    pub unreadable: u64,
}

/// Handoffs before and after.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Line {
    /// The reason or queue.
    pub name: String,
    /// As recorded.
    pub before: u64,
    /// In addition.
    pub added: u64,
    /// Fallen away.
    pub removed: u64,
    /// As it would have been.
    pub after: u64,
}

/// What a queue has to bear.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Load {
    /// Its handoffs.
    #[serde(flatten)]
    pub line: Line,
    /// Half of its customers waited at most so long (of all queues' where it has none): what an added one is given.
    pub median_wait_ms: Option<u64>,
    /// Minutes that its customers waited.
    pub minutes_before: f64,
    /// Minutes they would have waited, estimated.
    pub minutes_after: Option<f64>,
}

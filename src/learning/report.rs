//! The handoff review: many records, added up.
//!
//! Every rate stands beside what it is a share of. A handoff counts in the time in which it was requested, a
//! conversation in which the customer wrote. What a person passed on or let lapse goes on with a promise that was
//! counted before, so it counts among waits and ghosts and not among requests. Memory grows by a few bytes for each
//! handoff and by nothing for conversations; examples are few and bounded.

use std::collections::BTreeMap;

use serde::Serialize;

use super::record::{Ended, Handoff, Record};
use super::shown;
use super::source::Progress;
use super::topics::Topics;
use crate::clock::Timestamp;
use crate::conversation::words::{Reason, Settlement, Verdict};
use crate::ids::QueueName;

/// A request so soon after a handback means that the handback was too early.
pub const BACK_WITHIN_MS: u64 = 30 * 60 * 1_000;
/// Examples of each kind.
const EXAMPLES_MAX: usize = 10;
/// Topics named.
const TOPICS_MAX: usize = 10;
/// Rules listed; the rest is in the log (`--format csv`).
const RULES_MAX: usize = 15;
/// Rules counted at most: an operator's escalations or a model's summaries must not take the memory.
const RULES_KEPT_MAX: usize = 10_000;
/// The longest example, in characters.
const WORDS_MAX: usize = 120;

/// The review of a stretch of time.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Report {
    /// From when; none: from the beginning.
    pub since: Option<String>,
    /// Until when.
    pub until: String,
    /// Conversations in which the customer wrote: what shares of conversations are shares of.
    pub conversations: u64,
    /// Of those, the ones in which the AI was asked.
    pub with_ai: u64,
    /// Of those with the AI, the ones that were handed off after it had answered.
    pub handed_off_after_ai: u64,
    /// Of the conversations, the ones in which a person was asked for.
    pub handed_off: u64,
    /// Handed off as a share of conversations, in percent; none without any.
    pub handoff_percent: Option<f64>,
    /// Conversations that a person took over unasked.
    pub taken_over: u64,
    /// Answers of the AI.
    pub ai_answers: u64,
    /// Of those, answers that were none.
    pub deflections: u64,
    /// Offers of a person.
    pub offers: u64,
    /// Of those, the ones that were accepted: each became a handoff.
    pub offers_accepted: u64,
    /// Of those, the ones that were refused; the rest was passed over.
    pub offers_refused: u64,
    /// All handoffs that were requested.
    pub all: Group,
    /// Handoffs that went on with an earlier one: passed on by a person, or lapsed.
    pub passed_on: u64,
    /// By reason, most first.
    pub reasons: Vec<Named>,
    /// By the queue they waited in last, most first.
    pub queues: Vec<Named>,
    /// By rule, most first, at most 15.
    pub rules: Vec<Named>,
    /// Conversations that a reviewer marked as missed.
    pub missed: u64,
    /// Words that came back in what was handed off, and in how many handoffs.
    pub topics: Vec<(String, u32)>,
    /// Customers who fell silent after answers that were none.
    pub fell_silent: u64,
    /// Some of them, newest first.
    pub fell_silent_examples: Vec<Example>,
    /// Some promises that nobody came for, newest first.
    pub ghost_examples: Vec<Example>,
    /// Conversations that could not be read, and are in none of the figures.
    pub unreadable: u64,
}

/// Handoffs of one kind.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct Group {
    /// How many: what its other figures are shares of.
    pub handoffs: u64,
    /// Claimed by a person.
    pub claimed: u64,
    /// The customer left while waiting.
    pub abandoned: u64,
    /// Nobody ever came.
    pub ghosts: u64,
    /// Claimed, and nothing was said by the deadline.
    pub silent: u64,
    /// Still waiting or with a person.
    pub open: u64,
    /// Handed back to the AI, and requested again within 30 minutes.
    pub back_soon: u64,
    /// From the request to the claim.
    pub claim: Spread,
    /// From the request to the first human word.
    pub first_reply: Spread,
    /// Judged needed.
    pub justified: u64,
    /// Judged not needed.
    pub unnecessary: u64,
    /// Not judged.
    pub unreviewed: u64,
    /// Not needed as a share of those judged, in percent; none while none is.
    pub false_percent: Option<f64>,
}

/// How long things took.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize)]
pub struct Spread {
    /// How many were measured.
    pub n: u64,
    /// Half took at most so many milliseconds.
    pub p50_ms: Option<u64>,
    /// Nine of ten took at most so many.
    pub p90_ms: Option<u64>,
    /// The longest.
    pub max_ms: Option<u64>,
}

/// A group and its name.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Named {
    /// The reason, queue or rule.
    pub name: String,
    /// Its figures.
    #[serde(flatten)]
    pub group: Group,
}

/// One conversation to look at.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Example {
    /// Which conversation, or which handoff.
    pub id: String,
    /// When.
    pub at: String,
    /// What it is about: the queue of a ghost, the answers that were none.
    pub what: String,
    /// The customer's last words before.
    pub words: String,
}

/// Adds records up.
#[derive(Debug, Default)]
pub struct Adding {
    since: Timestamp,
    conversations: u64,
    with_ai: u64,
    handed_off: u64,
    handed_off_after_ai: u64,
    taken_over: u64,
    ai_answers: u64,
    deflections: u64,
    offers: [u64; 3],
    missed: u64,
    fell_silent: u64,
    passed_on: u64,
    all: Sum,
    reasons: BTreeMap<Reason, Sum>,
    queues: BTreeMap<QueueName, Sum>,
    rules: BTreeMap<String, Sum>,
    topics: Topics,
    silences: Newest,
    ghosts: Newest,
}

impl Adding {
    /// Of what happened from `since` on.
    pub fn since(since: Timestamp) -> Self {
        Self {
            since,
            ..Self::default()
        }
    }

    /// Adds one conversation, folded with the same `since`.
    pub fn take(&mut self, record: &Record) {
        let since = self.since;
        let recent = || {
            record
                .handoffs
                .iter()
                .filter(|one| one.requested_at >= since)
        };
        let requested = || recent().filter(|one| !one.passed_on);
        let handed_off = requested().next().is_some();
        if record.customer_messages > 0 || handed_off {
            self.conversations += 1;
            self.with_ai += u64::from(record.with_ai);
            self.handed_off += u64::from(handed_off);
            let after_ai = requested().any(|one| one.after_ai) && record.with_ai;
            self.handed_off_after_ai += u64::from(after_ai);
        }
        self.taken_over += u64::from(record.takeovers > 0);
        self.ai_answers += u64::from(record.ai_answers);
        self.deflections += u64::from(record.deflections);
        let offers = record.offers;
        let answered = [offers.made, offers.accepted, offers.refused];
        for (sum, more) in self.offers.iter_mut().zip(answered) {
            *sum += u64::from(more);
        }
        let missed = |given: &super::Given| given.verdict == Verdict::Missed && given.at >= since;
        self.missed += u64::from(record.verdict.as_ref().is_some_and(missed));
        if let Some(silence) = &record.silence {
            self.fell_silent += 1;
            let what = format!("answers that were none: {}", silence.deflections);
            let id = record.facts.id.to_string();
            self.silences.take(silence.since, id, what, &silence.words);
        }
        for handoff in recent() {
            self.handoff(record, handoff);
        }
    }

    fn handoff(&mut self, record: &Record, handoff: &Handoff) {
        if handoff.is_ghost() {
            let id = shown::id(record.facts.id, handoff.id);
            let what = format!("{} in {}", handoff.reason, handoff.queue);
            let words = handoff.words.last().map_or("", String::as_str);
            self.ghosts.take(handoff.requested_at, id, what, words);
        }
        let queue = self.queues.entry(handoff.queue.clone()).or_default();
        queue.take(handoff);
        if handoff.passed_on {
            self.passed_on += 1;
            return;
        }
        self.all.take(handoff);
        self.reasons
            .entry(handoff.reason)
            .or_default()
            .take(handoff);
        if self.rules.len() < RULES_KEPT_MAX || self.rules.contains_key(&handoff.rule) {
            let rule = self.rules.entry(handoff.rule.clone()).or_default();
            rule.take(handoff);
        }
        let words = handoff.words.iter().map(String::as_str);
        self.topics.take(words, &handoff.matched);
    }

    /// The sums, as they stand at `until`.
    pub fn report(self, until: Timestamp, read: Progress) -> Report {
        let share = percent(self.handed_off, self.conversations);
        let mut rules = named(self.rules);
        rules.truncate(RULES_MAX);
        Report {
            since: (self.since > Timestamp::ZERO).then(|| self.since.rfc3339()),
            until: until.rfc3339(),
            conversations: self.conversations,
            with_ai: self.with_ai,
            handed_off_after_ai: self.handed_off_after_ai,
            handed_off: self.handed_off,
            handoff_percent: share,
            taken_over: self.taken_over,
            ai_answers: self.ai_answers,
            deflections: self.deflections,
            offers: self.offers[0],
            offers_accepted: self.offers[1],
            offers_refused: self.offers[2],
            all: self.all.group(),
            passed_on: self.passed_on,
            reasons: named(self.reasons),
            queues: named(self.queues),
            rules,
            missed: self.missed,
            topics: self.topics.most(TOPICS_MAX),
            fell_silent: self.fell_silent,
            fell_silent_examples: self.silences.shown(),
            ghost_examples: self.ghosts.shown(),
            unreadable: read.unreadable,
        }
    }
}

/// Handoffs of one kind, being added up.
#[derive(Debug, Default)]
struct Sum {
    group: Group,
    claims: Vec<u64>,
    replies: Vec<u64>,
}

impl Sum {
    fn take(&mut self, handoff: &Handoff) {
        let group = &mut self.group;
        group.handoffs += 1;
        group.claimed += u64::from(handoff.claimed.is_some());
        group.abandoned += u64::from(matches!(handoff.settled, Some((Settlement::Abandoned, _))));
        group.ghosts += u64::from(handoff.is_ghost());
        group.silent += u64::from(handoff.silent);
        group.open += u64::from(handoff.ended.is_none());
        let back = matches!(handoff.ended, Some((Ended::HandedBack(_), _)))
            && handoff.back_after_ms.is_some_and(|ms| ms <= BACK_WITHIN_MS);
        group.back_soon += u64::from(back);
        match handoff.verdict.as_ref().map(|given| given.verdict) {
            Some(Verdict::Justified) => group.justified += 1,
            Some(Verdict::Unnecessary) => group.unnecessary += 1,
            // A handoff that was made cannot have been missed.
            Some(Verdict::Missed) | None => group.unreviewed += 1,
        }
        self.claims.extend(handoff.claimed_after_ms());
        self.replies.extend(handoff.replied_after_ms());
    }

    fn group(self) -> Group {
        let judged = self.group.justified + self.group.unnecessary;
        Group {
            claim: spread(self.claims),
            first_reply: spread(self.replies),
            false_percent: percent(self.group.unnecessary, judged),
            ..self.group
        }
    }
}

fn named<K: ToString>(sums: BTreeMap<K, Sum>) -> Vec<Named> {
    let name = |(key, sum): (K, Sum)| Named {
        name: key.to_string(),
        group: sum.group(),
    };
    let mut all: Vec<_> = sums.into_iter().map(name).collect();
    all.sort_by_key(|one| std::cmp::Reverse(one.group.handoffs));
    all
}

/// `part` of `whole` in percent, to a tenth; none of nothing.
pub fn percent(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| (part as f64 * 1_000.0 / whole as f64).round() / 10.0)
}

/// The spread of some durations in milliseconds: the nearest rank, so that every figure is one that was measured.
pub fn spread(mut millis: Vec<u64>) -> Spread {
    millis.sort_unstable();
    let rank = |percent: usize| {
        let at = (millis.len() * percent).div_ceil(100);
        millis.get(at.saturating_sub(1)).copied()
    };
    Spread {
        n: millis.len() as u64,
        p50_ms: rank(50),
        p90_ms: rank(90),
        max_ms: millis.last().copied(),
    }
}

/// The newest few of many examples.
#[derive(Debug, Default)]
struct Newest(BTreeMap<(Timestamp, String), (String, String)>);

impl Newest {
    fn take(&mut self, at: Timestamp, id: String, what: String, words: &str) {
        self.0.insert((at, id), (what, short(words, WORDS_MAX)));
        if self.0.len() > EXAMPLES_MAX {
            self.0.pop_first();
        }
    }

    fn shown(self) -> Vec<Example> {
        let example = |((at, id), (what, words)): (_, (String, String))| {
            let (at, id): (Timestamp, String) = (at, id);
            Example {
                id,
                at: at.rfc3339(),
                what,
                words,
            }
        };
        self.0.into_iter().rev().map(example).collect()
    }
}

/// One line of at most so many characters.
pub(super) fn short(text: &str, most: usize) -> String {
    let line: Vec<&str> = text.split_whitespace().collect();
    let line = line.join(" ");
    match line.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_names_only_what_was_measured() {
        let check = |millis: Vec<u64>, p50, p90, max| {
            let found = spread(millis.clone());
            let n = millis.len() as u64;
            let want = Spread {
                n,
                p50_ms: p50,
                p90_ms: p90,
                max_ms: max,
            };
            assert_eq!(found, want, "{millis:?}");
        };
        check(vec![], None, None, None);
        check(vec![7], Some(7), Some(7), Some(7));
        check(vec![30, 10, 20], Some(20), Some(30), Some(30));
        check((1..=10).collect(), Some(5), Some(9), Some(10));
    }

    #[test]
    fn a_share_of_nothing_is_none() {
        assert_eq!(percent(0, 0), None);
        assert_eq!(percent(1, 3), Some(33.3));
    }
}

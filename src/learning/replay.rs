//! What-if: what other rules would have decided of what customers really wrote.
//!
//! Decided anew is only what rules decide before a model is asked ([`Policy::hear`], the very function that the core
//! uses), with what the rules remembered then ([`TriggerWindow`], folded anew out of the same entries). An offer that the other
//! rules make as well stays as it was answered; one that they do not make is answered by nobody; one that only they make is
//! counted, and nobody knows its answer. What a model, a clock or a person brought about stays as it was: nobody knows what
//! they would have said. A handoff that other rules would have asked for *earlier* in the same stretch is no added one. After an added
//! handoff the rest of the stretch is left out, because a person would have had it.
//!
//! Verifying asks the same under the rules that were recorded, and must find what was recorded. What a channel says of a
//! customer's language is not on the trail: a decision is reproduced if any language the conversation has had, or that of
//! its channel, leads to it. The AI's switches are no part of the rules; what they decided is skipped, and counted.

use std::collections::BTreeSet;

use super::fold::fold;
use super::looked::{Looked, by_switch, looked};
use super::record::Record;
use super::source::{Facts, Told};
use super::tally::{Example, Tally};
use crate::clock::Timestamp;
use crate::conversation::Trigger;
use crate::conversation::event::Edit;
use crate::conversation::policy::Policy;
use crate::conversation::routes;
use crate::conversation::trail::{Entry, Fact, RULES_VERSION};
use crate::conversation::window::TriggerWindow;
use crate::conversation::words::Reason;
use crate::ids::{HandoffId, QueueName};

/// The languages a conversation has had, the one it began with first as far as is known.
struct Languages {
    now: Option<String>,
    all: Vec<Option<String>>,
}

impl Languages {
    fn of(facts: &Facts, entries: &[Entry]) -> Self {
        let settled = entries.iter().filter_map(|entry| settled(&entry.fact));
        let mut all = vec![None, facts.language.clone()];
        all.extend(settled.map(Some));
        all.sort();
        all.dedup();
        Self {
            now: facts.language.clone(),
            all,
        }
    }
}

/// The language that an edit or the customer's words settled.
fn settled(fact: &Fact) -> Option<String> {
    if let Fact::CustomerChanged { customer } = fact {
        return customer.language.clone();
    }
    let Fact::Edited { change, .. } = fact else {
        return None;
    };
    serde_json::from_str::<Edit>(change).ok()?.language
}

/// The language that a conversation is settled on by the message with number `at` in `entries`: it stands right behind.
fn settled_by(entries: &[Entry], at: usize) -> Option<String> {
    let next = entries.get(at + 1)?;
    let wrote = matches!(entries[at].fact, Fact::CustomerWrote { .. });
    let changed = matches!(next.fact, Fact::CustomerChanged { .. });
    (wrote && changed).then(|| settled(&next.fact)).flatten()
}

/// One recorded decision that the recorded rules do not reach any more.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Difference {
    /// The conversation.
    pub conversation: String,
    /// The entry of the customer's message.
    pub entry: u64,
    /// When.
    pub at: String,
    /// What the customer wrote.
    pub words: String,
    /// The rule on the trail; none: no rule asked for a person, or offered one.
    pub recorded: Option<String>,
    /// The rule found now.
    pub found: Option<String>,
}

/// What verifying came to.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize)]
pub struct Verified {
    /// Decisions made anew.
    pub decisions: u64,
    /// Of those, the ones that are the same.
    pub same: u64,
    /// Those that differ, the first [`DIFFERENCES_MAX`].
    pub differences: Vec<Difference>,
    /// Left out: decided by another version of the rules' code.
    pub other_version: u64,
    /// Left out: the rules they were decided under are not kept, or cannot be read by this version.
    pub policy_unknown: u64,
    /// Left out: the AI was switched off.
    pub switched_off: u64,
    /// Conversations that could not be read.
    pub unreadable: u64,
}

/// Differences listed.
pub const DIFFERENCES_MAX: usize = 100;
/// The longest quotation, in characters.
const WORDS_MAX: usize = 120;

impl Verified {
    /// Whether every decision was reached again.
    pub fn holds(&self) -> bool {
        self.decisions == self.same
    }

    /// Decides one conversation again, under the rules that `policy` finds for a hash.
    pub fn take<'p>(
        &mut self,
        told: &Told,
        since: Timestamp,
        policy: impl Fn(u64) -> Option<&'p Policy>,
    ) {
        let languages = Languages::of(&told.facts, &told.entries);
        let mut window = TriggerWindow::default();
        for at in 0..told.entries.len() {
            window.observe(&told.entries[at].fact);
            let Some(looked) = looked(&told.entries, at).filter(|one| one.entry.at >= since) else {
                continue;
            };
            if looked.entry.rules != RULES_VERSION {
                self.other_version += 1;
            } else if looked.decided.as_ref().is_some_and(by_switch) {
                self.switched_off += 1;
            } else if let Some(policy) = policy(looked.entry.policy) {
                self.compare(told, &looked, &languages, (policy, &window));
            } else {
                self.policy_unknown += 1;
            }
        }
    }

    fn compare(
        &mut self,
        told: &Told,
        looked: &Looked<'_>,
        languages: &Languages,
        (policy, window): (&Policy, &TriggerWindow),
    ) {
        self.decisions += 1;
        let asks = |language: &Option<String>| -> (Option<Trigger>, Option<String>) {
            let heard = policy.hear(looked.body, language.as_deref(), window);
            let person = heard.person(policy).map(|(trigger, _)| trigger);
            (person, heard.offer().map(|finding| finding.rule.clone()))
        };
        let is_same = |(person, offer): &(Option<Trigger>, Option<String>)| {
            let same = match (person, &looked.decided) {
                (None, None) => true,
                (Some(found), Some(decided)) => {
                    found.reason == decided.reason
                        && found.rule == decided.rule
                        && found.matched == decided.matched
                }
                (Some(_), None) | (None, Some(_)) => false,
            };
            same && offer.as_deref() == looked.offered
        };
        let channel = policy.channel_rules(&told.facts.channel).language.clone();
        let mut known = languages.all.iter().chain([&channel]);
        if known.any(|language| is_same(&asks(language))) {
            self.same += 1;
            return;
        }
        if self.differences.len() < DIFFERENCES_MAX {
            let recorded = looked.decided.map(|decided| decided.rule);
            let recorded = recorded.or(looked.offered);
            let (person, offer) = asks(&languages.now);
            self.differences.push(Difference {
                conversation: told.facts.id.to_string(),
                entry: looked.entry.n,
                at: looked.entry.at.rfc3339(),
                words: super::report::short(looked.body.text(), WORDS_MAX),
                recorded: recorded.map(str::to_owned),
                found: person.map(|found| found.rule).or(offer),
            });
        }
    }
}

/// Decides one conversation anew under other rules, and tells `tally` what is different.
pub fn what_if(told: &Told, policy: &Policy, since: Timestamp, now: Timestamp, tally: &mut Tally) {
    let languages = Languages::of(&told.facts, &told.entries);
    let record = fold(told.facts.clone(), &told.entries, since, now);
    tally.recorded(&record, since);
    let mut stretch = Stretch {
        facts: &told.facts,
        record: &record,
        added: None,
        by_rules: BTreeSet::new(),
    };
    let channel = policy.channel_rules(&told.facts.channel).language.clone();
    let mut language = languages.now.or(channel);
    let mut window = TriggerWindow::default();
    let mut unmade = false;
    for (at, entry) in told.entries.iter().enumerate() {
        if let Some(set) = settled(&entry.fact).or_else(|| settled_by(&told.entries, at)) {
            language = Some(set);
        }
        window.observe(&entry.fact);
        if let Some(looked) = looked(&told.entries, at) {
            // An offer that these rules would not have made is answered by nobody.
            let made = match unmade {
                true => window.without_offer(),
                false => window.clone(),
            };
            let heard = policy.hear(looked.body, language.as_deref(), &made);
            let found = heard.person(policy).map(|(trigger, _)| trigger);
            let offers = heard.offer().is_some();
            unmade = match looked.offered {
                Some(_) => !offers,
                None => unmade && window.offer().is_some(),
            };
            if entry.at >= since {
                tally.offered(looked.offered.is_some(), offers);
                let language = language.as_deref();
                stretch.message(&looked, found, (policy, language), tally);
            }
        }
        stretch.pass(entry, since, tally);
    }
    stretch.over(tally);
}

/// From the AI's beginning to speak to the next person, as it would have been.
struct Stretch<'a> {
    facts: &'a Facts,
    record: &'a Record,
    /// A handoff that the other rules ask for, and that has not been made until here.
    added: Option<(Reason, QueueName, Example)>,
    /// Handoffs that rules asked for: what becomes of them was told with the message.
    by_rules: BTreeSet<HandoffId>,
}

impl Stretch<'_> {
    fn message(
        &mut self,
        looked: &Looked<'_>,
        found: Option<Trigger>,
        (policy, language): (&Policy, Option<&str>),
        tally: &mut Tally,
    ) {
        let decided = looked.decided.filter(|decided| !by_switch(decided));
        if let Some(decided) = &decided {
            self.by_rules.insert(decided.handoff);
        }
        if self.added.is_some() {
            // A person would have this by now: the recorded handoff, if any, comes earlier.
            if decided.is_some() {
                self.earlier(tally);
            }
            return;
        }
        let example = |rule: &str| Example {
            conversation: self.facts.id.to_string(),
            entry: looked.entry.n,
            at: looked.entry.at.rfc3339(),
            words: super::report::short(looked.body.text(), WORDS_MAX),
            rule: rule.to_owned(),
        };
        match (decided, found) {
            (None, None) => {}
            (None, Some(found)) => {
                let queue = self.queue_of(&found, policy, language);
                let queue = queue.unwrap_or_else(|| policy.queue_of(&self.facts.channel).clone());
                self.added = Some((found.reason, queue, example(&found.rule)));
            }
            (Some(decided), None) => {
                let waited = self.waited(decided.handoff);
                let example = example(decided.rule);
                tally.removed(decided.reason, decided.queue, waited, example);
            }
            (Some(decided), Some(found)) => {
                let queue = self.queue_of(&found, policy, language);
                let queue = queue.unwrap_or_else(|| decided.queue.clone());
                tally.kept(
                    (decided.reason, decided.queue),
                    (found.reason, &queue),
                    decided.rule != found.rule,
                    self.waited(decided.handoff),
                );
            }
        }
    }

    /// The queue that these rules send it to; none: none in particular, so it stays where it is.
    fn queue_of(
        &self,
        found: &Trigger,
        policy: &Policy,
        language: Option<&str>,
    ) -> Option<QueueName> {
        let facts = routes::Facts {
            reason: found.reason,
            matched: &found.matched,
            channel: &self.facts.channel,
            language,
            attributes: &self.facts.attributes,
        };
        let named = found.queue.clone();
        named.or_else(|| policy.matching_queue(&facts).cloned())
    }

    /// How long the customer waited under a recorded handoff, in milliseconds.
    fn waited(&self, handoff: HandoffId) -> Option<u64> {
        let of = self.record.handoffs.iter().find(|one| one.id == handoff)?;
        of.settled.map(|(_, waited_ms)| waited_ms)
    }

    fn pass(&mut self, entry: &Entry, since: Timestamp, tally: &mut Tally) {
        if let Fact::HandoffRequested { handoff, .. } = &entry.fact {
            if self.by_rules.contains(handoff) {
                return;
            }
            let requested = self.record.handoffs.iter().find(|one| one.id == *handoff);
            if requested.is_some_and(|one| !one.passed_on) && entry.at >= since {
                match self.added {
                    Some(_) => self.earlier(tally),
                    None => tally.not_by_rules(),
                }
            }
            return;
        }
        let over = matches!(
            entry.fact,
            Fact::Opened { .. } | Fact::HandedBack { .. } | Fact::Closed { .. }
        );
        let taken_over = matches!(entry.fact, Fact::Claimed { handoff: None, .. });
        if over || taken_over {
            self.over(tally);
        }
    }

    /// The handoff that was made would have been made before.
    fn earlier(&mut self, tally: &mut Tally) {
        if self.added.take().is_some() {
            tally.earlier();
        }
    }

    fn over(&mut self, tally: &mut Tally) {
        if let Some((reason, queue, example)) = self.added.take() {
            tally.added(reason, &queue, example);
        }
    }
}

//! What an answer of the model is held against before it goes out: confidence, grounding, promises, honesty.
//!
//! An answer must not promise a person without a handoff (it becomes one), promise money back or name a price that
//! nothing retrieved says, or claim to be a human. Vague answers are counted. Pure, like the rest.

use super::amounts;
use super::reading::Reading;
use super::rules::{DEFLECTED, Finding, Rules};
use super::signals::{self, Signals};
use super::specs::{Action, Kind, Priority};
use crate::conversation::words::Reason;

/// Answers with fewer words of content are not measured for grounding.
const WORDS_MIN: usize = 6;

/// The rule of vague answers: it only counts.
pub const VAGUE: &str = "answer.vague";
/// The rule of answers that promise a person.
const PROMISES_PERSON: &str = "answer.promises_person";

/// What is known of an answer besides its text.
#[derive(Clone, Debug, Default)]
pub struct AnswerFacts<'a> {
    /// The customer's language, where it is known.
    pub language: Option<&'a str>,
    /// The model's or a classifier's confidence, per thousand.
    pub confidence: Option<u16>,
    /// What was retrieved for it; `None`: nothing was looked up.
    pub chunks: Option<&'a [&'a str]>,
    /// What the customer asked.
    pub asked: &'a str,
    /// Vague answers just before this one.
    pub vague: u8,
    /// A person was promised already, by a handoff.
    pub handoff: bool,
    /// The class of the lead, from the model (`HOT`, …).
    pub lead_class: Option<&'a str>,
    /// The product category it is about.
    pub category: Option<&'a str>,
}

impl Rules {
    /// Reads an answer before it goes out.
    pub fn after_model(&self, answer: &str, facts: &AnswerFacts<'_>) -> Vec<Finding> {
        let reading = Reading::of(&self.lexicon, answer, facts.language);
        let mut findings = self.said(answer, facts);
        let vague = findings.iter().any(|found| found.rule == VAGUE);
        if vague {
            findings.extend(self.deflected(&reading, facts.vague.saturating_add(1)));
        }
        let mut add = |rule: &str, reason: Reason, matched: String| {
            findings.push(Finding {
                rule: rule.to_owned(),
                matched,
                ..self.finding(&reading, reason, Action::Handoff, 0, 0)
            });
        };
        // whoever says openly that they do not know is not unsure of what they say
        let unsure = |confidence: &u16| !vague && *confidence < self.thresholds.confidence;
        if let Some(confidence) = facts.confidence.filter(unsure) {
            let how = format!("confidence {confidence} of 1000");
            add("answer.confidence", Reason::LowConfidence, how);
        }
        if let Some(chunks) = facts.chunks {
            if chunks.is_empty() {
                let what = "nothing relevant was found".to_owned();
                add("answer.no_chunks", Reason::NoAnswer, what);
            } else if let Some(share) = self.grounding(&reading, chunks, facts)
                && share < self.thresholds.grounding
            {
                let how = format!("grounded {share} of 1000");
                add("answer.grounding", Reason::LowConfidence, how);
            }
            if let Some(price) = unknown_price(answer, chunks, facts.asked) {
                add("answer.price", Reason::Guardrail, price);
            }
        }
        if let Some(class) = facts.lead_class
            && self.is_hot(class, facts.category)
        {
            findings.push(Finding {
                rule: "value.lead".to_owned(),
                matched: class.to_owned(),
                priority: Priority::High,
                queue: self.thresholds.value_queue.clone(),
                ..self.finding(&reading, Reason::HighValue, Action::Handoff, 0, 0)
            });
        }
        findings
    }

    /// What the words of an answer do that they must not do by themselves, sentence by sentence; each rule once. What
    /// excuses a sentence ("if you like, …") excuses no other.
    pub fn said(&self, answer: &str, facts: &AnswerFacts<'_>) -> Vec<Finding> {
        let mut findings: Vec<Finding> = Vec::new();
        for sentence in sentences(answer) {
            let reading = Reading::of(&self.lexicon, sentence, facts.language);
            for found in self.fired(&reading, Kind::Answer, &Signals::default()) {
                let promised = found.rule == PROMISES_PERSON && facts.handoff;
                if !promised && findings.iter().all(|known| known.rule != found.rule) {
                    findings.push(found);
                }
            }
        }
        findings
    }

    /// What so many vague answers lead to: an offer, then a handoff.
    fn deflected(&self, reading: &Reading, times: u8) -> Option<Finding> {
        let enough = self.thresholds.vague.max(1);
        let action = match times {
            _ if times >= enough.saturating_mul(2) => Action::Handoff,
            _ if times >= enough => Action::Offer,
            _ => return None,
        };
        Some(Finding {
            rule: DEFLECTED.to_owned(),
            matched: format!("deflected {times} times"),
            ..self.finding(reading, Reason::Deflection, action, 0, 0)
        })
    }

    fn is_hot(&self, class: &str, category: Option<&str>) -> bool {
        let limits = &self.thresholds;
        let named = |list: &[String], word: &str| list.iter().any(|w| w.eq_ignore_ascii_case(word));
        named(&limits.lead_classes, class)
            && (limits.lead_categories.is_empty()
                || category.is_some_and(|category| named(&limits.lead_categories, category)))
    }

    /// The share of the answer's words of content that stand in what was retrieved or asked, per thousand.
    fn grounding(
        &self,
        reading: &Reading,
        chunks: &[&str],
        facts: &AnswerFacts<'_>,
    ) -> Option<u16> {
        let said = signals::gist(reading);
        if said.len() < WORDS_MIN {
            return None;
        }
        let mut known: Vec<u64> = chunks
            .iter()
            .chain([&facts.asked])
            .flat_map(|text| signals::gist(&Reading::of(&self.lexicon, text, facts.language)))
            .collect();
        known.sort_unstable();
        let found = said
            .iter()
            .filter(|word| known.binary_search(word).is_ok())
            .count();
        u16::try_from(found * 1_000 / said.len()).ok()
    }
}

/// An amount of money in the answer that neither the knowledge nor the customer named.
fn unknown_price(answer: &str, chunks: &[&str], asked: &str) -> Option<String> {
    let priced = amounts::numbers(answer);
    let named: Vec<u64> = chunks
        .iter()
        .chain([&asked])
        .flat_map(|text| amounts::numbers(text))
        .map(|number| number.hundredths)
        .collect();
    let unknown = priced
        .iter()
        .find(|number| number.currency.is_some() && !named.contains(&number.hundredths))?;
    let currency = unknown.currency.unwrap_or_default();
    Some(format!(
        "{}.{:02} {currency}",
        unknown.whole(),
        unknown.hundredths % 100
    ))
}

/// The sentences of `text`. One ends at a mark before white space; a line's end alone ends none, for a promise goes on
/// over it.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text.trim();
    std::iter::from_fn(move || {
        let mut end = rest.len();
        for (at, c) in rest.char_indices() {
            let closed = rest[..at].trim_end_matches(['"', '”', '»', ')', '*', '\'']);
            if c.is_whitespace() && closed.ends_with(['.', '!', '?', '。', '！', '？']) {
                end = at;
                break;
            }
        }
        let (sentence, after) = rest.split_at(end);
        rest = after.trim_start();
        (!sentence.is_empty()).then_some(sentence)
    })
}

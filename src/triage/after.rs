//! What an answer of the model is held against before it goes out: confidence, grounding, promises, honesty.
//!
//! An answer must not promise a person without a handoff (it becomes one), promise money back or name a price that
//! nothing retrieved says, or claim to be a human. Vague answers are counted. Pure, like the rest.

use super::amounts;
use super::gist::Gist;
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
    /// What else the model was shown and may repeat: prices that stand there are known.
    pub given: &'a str,
    /// Vague answers just before this one.
    pub vague: u8,
    /// A person was promised already, by a handoff.
    pub handoff: bool,
    /// The class of the lead, from the model (`HOT`, …).
    pub lead_class: Option<&'a str>,
    /// The product category it is about.
    pub category: Option<&'a str>,
    /// The model says that the matter is sensitive.
    pub sensitive: bool,
    /// The model says that the customer is displeased.
    pub displeased: bool,
}

impl Rules {
    /// Reads an answer before it goes out.
    pub fn after_model(&self, answer: &str, facts: &AnswerFacts<'_>) -> Vec<Finding> {
        let reading = Reading::of(&self.lexicon, answer, facts.language);
        let mut findings = self.said(answer, facts);
        let vague = findings.iter().any(|found| found.rule == VAGUE);
        let mut add = |rule: &str, reason: Reason, action: Action, matched: String| {
            findings.push(Finding {
                rule: rule.to_owned(),
                matched,
                ..self.finding(&reading, reason, action, 0, 0)
            });
        };
        // whoever says openly that they do not know is not unsure of what they say
        let unsure = |confidence: &u16| !vague && *confidence < self.thresholds.confidence;
        if let Some(confidence) = facts.confidence.filter(unsure) {
            let how = format!("confidence {confidence} of 1000");
            add(
                "answer.confidence",
                Reason::LowConfidence,
                Action::Handoff,
                how,
            );
        }
        if let Some(chunks) = facts.chunks {
            if chunks.is_empty() {
                // a greeting rests on nothing, and a question back claims nothing
                let action = self.thresholds.no_chunks;
                // and an open "I do not know" is counted as vague already; where more than counting is wanted, that follows
                let counted = vague && action == Action::Signal;
                let claims = !counted && !answer.trim_end().ends_with('?');
                if claims && !Gist::of(facts.asked).is_empty() {
                    let what = "nothing relevant was found".to_owned();
                    add("answer.no_chunks", Reason::NoAnswer, action, what);
                }
            } else if let Some(share) = self.grounding(&reading, chunks, facts)
                && share < self.thresholds.grounding
            {
                let how = format!("grounded {share} of 1000");
                add(
                    "answer.grounding",
                    Reason::LowConfidence,
                    Action::Handoff,
                    how,
                );
            }
            if let Some(price) = unknown_price(answer, chunks, facts) {
                add("answer.price", Reason::Guardrail, Action::Handoff, price);
            }
        }
        let assessed = [
            (facts.sensitive, "model.sensitive", Reason::Sensitive),
            (facts.displeased, "model.sentiment", Reason::Sentiment),
        ];
        for (_, rule, reason) in assessed.into_iter().filter(|(said, ..)| *said) {
            add(rule, reason, Action::Offer, "the model says so".to_owned());
        }
        findings.extend(self.lead(&reading, facts));
        let counts = |found: &Finding| {
            let empty = matches!(found.reason, Reason::Deflection | Reason::NoAnswer);
            empty && found.action == Action::Signal && !found.observe_only
        };
        if findings.iter().any(counts) {
            findings.extend(self.deflected(&reading, facts.vague.saturating_add(1)));
        }
        findings
    }

    /// What the first sentence of a stream, or any other, must not say: the first rule it breaks.
    pub fn offence(&self, text: &str, facts: &AnswerFacts<'_>) -> Option<Finding> {
        let said = self.said(text, facts);
        let mut forbidden = said.into_iter();
        let first = forbidden.find(|found| found.action == Action::Handoff && !found.observe_only);
        first.or_else(|| {
            let price = unknown_price(text, facts.chunks?, facts)?;
            let reading = Reading::of(&self.lexicon, text, facts.language);
            Some(Finding {
                rule: "answer.price".to_owned(),
                matched: price,
                ..self.finding(&reading, Reason::Guardrail, Action::Handoff, 0, 0)
            })
        })
    }

    /// The class of the lead goes to people, by the house's own table or by the list that ships.
    fn lead(&self, reading: &Reading, facts: &AnswerFacts<'_>) -> Option<Finding> {
        let class = facts.lead_class?;
        let limits = &self.thresholds;
        let named = |list: &[String], word: &str| list.iter().any(|w| w.eq_ignore_ascii_case(word));
        let about = |categories: &[String]| {
            categories.is_empty() || facts.category.is_some_and(|word| named(categories, word))
        };
        let mut own = self.classes.iter();
        let own = own.find(|(name, _)| name.eq_ignore_ascii_case(class));
        let (queue, priority) = match own {
            Some((_, spec)) if about(&spec.categories) => (spec.queue.clone(), spec.priority),
            Some(_) => return None,
            None if !self.classes.is_empty() => return None,
            None if named(&limits.lead_classes, class) && about(&limits.lead_categories) => {
                (None, Priority::High)
            }
            None => return None,
        };
        Some(Finding {
            rule: "value.lead".to_owned(),
            matched: class.to_owned(),
            priority,
            queue: queue.or_else(|| limits.value_queue.clone()),
            ..self.finding(reading, Reason::HighValue, Action::Handoff, 0, 0)
        })
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
        let enough = self.thresholds.vague;
        if enough == 0 || self.off.contains(DEFLECTED) {
            return None;
        }
        let action = match times {
            _ if times >= enough.saturating_mul(2) => Action::Handoff,
            _ if times >= enough => Action::Offer,
            _ => return None,
        };
        Some(Finding {
            rule: DEFLECTED.to_owned(),
            matched: format!("deflected {times} times"),
            observe_only: self.observed.contains(DEFLECTED),
            ..self.finding(reading, Reason::Deflection, action, 0, 0)
        })
    }

    /// The share of the answer's words of content that stand in what was retrieved or asked, per thousand. Not measured
    /// where the answer is in another language than all of that: a translation shares no words.
    fn grounding(
        &self,
        reading: &Reading,
        chunks: &[&str],
        facts: &AnswerFacts<'_>,
    ) -> Option<u16> {
        let said = signals::content(reading);
        if said.len() < WORDS_MIN {
            return None;
        }
        let mut known: Vec<u64> = Vec::new();
        let mut comparable = false;
        for text in chunks {
            let chunk = Reading::of(&self.lexicon, text, None);
            comparable |= chunk.tongues & reading.tongues != 0;
            known.extend(signals::content(&chunk));
        }
        if !comparable {
            return None;
        }
        known.extend(signals::content(&Reading::of(
            &self.lexicon,
            facts.asked,
            None,
        )));
        known.sort_unstable();
        let found = said
            .iter()
            .filter(|word| known.binary_search(word).is_ok())
            .count();
        u16::try_from(found * 1_000 / said.len()).ok()
    }
}

/// An amount of money or a discount in the answer that neither what was shown to the model nor the customer named.
fn unknown_price(answer: &str, chunks: &[&str], facts: &AnswerFacts<'_>) -> Option<String> {
    let mut known = chunks.to_vec();
    known.extend([facts.asked, facts.given]);
    unknown_amount(answer, &known).or_else(|| unknown_discount(answer, &known))
}

/// A share in percent, in a sentence about a discount, that none of the `known` texts names.
fn unknown_discount(answer: &str, known: &[&str]) -> Option<String> {
    let named = |share: &str| {
        let mut known = known.iter();
        known.any(|text| shares(text).any(|one| one == share))
    };
    let about_discounts = |sentence: &&str| {
        let mut words = sentence.split(|c: char| !c.is_alphanumeric());
        words.any(|word| DISCOUNTS.contains(&word.to_lowercase().as_str()))
    };
    let mut promised = sentences(answer).filter(about_discounts).flat_map(shares);
    let share = promised.find(|share| !named(share))?;
    Some(format!("{share} %"))
}

/// The digits before every `%` of `text`.
fn shares(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices('%').filter_map(|(at, _)| {
        let before = text[..at].trim_end();
        let digit = |c: char| c.is_ascii_digit();
        let share = &before[before.trim_end_matches(digit).len()..];
        (!share.is_empty()).then_some(share)
    })
}

/// Words that make a share a discount; in lower case.
#[rustfmt::skip]
const DISCOUNTS: &[&str] = &[
    "off", "discount", "discounted", "cheaper", "descuento", "rebaja", "desconto", "remise", "réduction", "rabais",
    "rabatt", "nachlass", "ermäßigung", "günstiger", "sconto", "korting", "afslag",
];

/// An amount of money in the answer that none of the `known` texts names.
fn unknown_amount(answer: &str, known: &[&str]) -> Option<String> {
    let mut priced = amounts::numbers(answer);
    priced.retain(|number| number.currency.is_some());
    if priced.is_empty() {
        return None;
    }
    let named: Vec<u64> = known
        .iter()
        .flat_map(|text| amounts::numbers(text))
        .map(|number| number.hundredths)
        .collect();
    let unknown = priced
        .iter()
        .find(|number| !named.contains(&number.hundredths))?;
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
            let before = &rest[..at];
            let closed = before.trim_end_matches(['"', '”', '»', ')', '*', '\'']);
            // "No, I am human." denies nothing: a word before a comma stands for itself
            let aside = before.ends_with(',') && !before.contains(char::is_whitespace);
            if c.is_whitespace() && (aside || closed.ends_with(['.', '!', '?', '。', '！', '？']))
            {
                end = at;
                break;
            }
        }
        let (sentence, after) = rest.split_at(end);
        rest = after.trim_start();
        (!sentence.is_empty()).then_some(sentence)
    })
}

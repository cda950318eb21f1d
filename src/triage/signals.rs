//! How a message sounds: the mood of its words, capitals, urgency, and whether the same was asked before.
//!
//! Signs are weighed into one number from 0 to 100; nothing here decides. The mood is that of a lexicon, turned around
//! by a negation and strengthened by capitals and exclamation marks.

use super::amounts::{self, Number};
use super::classes::{Bits, DET, I, LINK, ME, MODAL, NEG, OTHER, PLAIN, REAL, SOFT};
use super::lexicon::{Lexicon, UNKNOWN};
use super::reading::Reading;

/// The most words of one message compared.
const WORDS_MAX: usize = 40;
/// How far before a word a negation turns it around.
const TURN_REACH: usize = 3;

/// How one message sounds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Signals {
    /// From −100 (furious) to 100 (delighted).
    pub sentiment: i8,
    /// Mostly capitals.
    pub caps: bool,
    /// How often this was asked, this time included.
    pub repeated: u8,
    /// An urgent matter.
    pub urgent: bool,
    /// A sensitive matter.
    pub sensitive: bool,
    /// The largest amount of money named, in hundredths.
    pub amount: Option<u64>,
    /// The currency of that amount (ISO code).
    pub currency: Option<&'static str>,
    /// The largest number without a currency that stands for itself, in hundredths: money, where a refund is asked for.
    pub bare: Option<u64>,
    /// The largest number of things or people named.
    pub quantity: Option<u64>,
    /// All of displeasure, from 0 to 100.
    pub displeasure: u8,
}

impl Signals {
    /// What the numbers of a message say of money, things and people; nothing else is known yet.
    pub(super) fn of_numbers(numbers: &[Number]) -> Self {
        let largest = amounts::largest(numbers);
        let counted = numbers
            .iter()
            .filter(|n| n.counted && n.currency.is_none())
            .map(|n| n.whole());
        let bare = numbers.iter().filter(|n| n.alone && !n.counted);
        let bare = bare.map(|n| n.hundredths);
        Self {
            amount: largest.map(|number| number.hundredths),
            currency: largest.and_then(|number| number.currency),
            bare: bare.max(),
            quantity: counted.max(),
            ..Self::default()
        }
    }

    /// Whether more money than `sum` is named, in whole units; the sum itself is not more. `numbered`: the words of the rule
    /// hold a number of their own, so that one without a currency counts too ("I want 1.5k refunded").
    pub(super) fn exceed(&self, sum: u64, numbered: impl FnOnce() -> bool) -> bool {
        let bare = || self.bare.filter(|_| numbered());
        let above = sum.saturating_mul(100);
        self.amount
            .or_else(bare)
            .is_some_and(|amount| amount > above)
    }

    /// `words`, behind the amount of the message as [`amounts::numbers`] reads it again: what routes by value sees only
    /// what a rule found.
    pub(super) fn with_amount(&self, words: &str) -> String {
        let Some((hundredths, currency)) = self.amount.zip(self.currency) else {
            return words.to_owned();
        };
        let said = match (hundredths / 100, hundredths % 100) {
            (whole, 0) => format!("{currency} {whole}"),
            (whole, cents) => format!("{currency} {whole}.{cents:02}"),
        };
        if words.starts_with(&said) {
            return words.to_owned();
        }
        match words {
            "" => said,
            words => format!("{said}: {words}"),
        }
    }
}

/// The mood of a message, from −100 to 100.
pub(super) fn sentiment(reading: &Reading, lexicon: &Lexicon) -> i8 {
    let mut sum: i32 = 0;
    let mut heard = 0;
    for (i, id) in reading.ids.iter().enumerate() {
        let Some(entry) = lexicon.entry(*id).filter(|entry| entry.mood != 0) else {
            continue;
        };
        if entry.tongues & reading.tongues == 0 {
            continue;
        }
        let turned = (i.saturating_sub(TURN_REACH)..i).any(|j| {
            reading.bits[j] & NEG != 0 && !(j + 1..=i).any(|k| reading.words.tokens[k].apart)
        });
        let mut mood = i32::from(entry.mood) * 10;
        if turned {
            mood = if mood > 0 { -mood } else { mood.abs() / 2 };
        }
        if reading.words.tokens[i].shouted {
            mood += mood / 2;
        }
        sum += mood;
        heard += 1;
    }
    if heard == 0 {
        return 0;
    }
    let loud = i32::try_from(reading.words.exclamations.min(3)).unwrap_or(0);
    let sum = sum + sum.signum() * loud * 5;
    i8::try_from(sum.clamp(-100, 100)).unwrap_or(0)
}

/// Whether most words of some length are in capitals.
pub(super) fn caps(reading: &Reading) -> bool {
    let count = reading.words.tokens.len();
    let shouted = reading.words.tokens.iter().filter(|t| t.shouted).count();
    count >= 3 && shouted * 10 >= count * 7
}

/// Its words of content, as hashes of their beginnings: what an answer is held against.
pub(super) fn content(reading: &Reading) -> Vec<u64> {
    const EMPTY: Bits = DET | I | LINK | ME | MODAL | OTHER | PLAIN | REAL | SOFT;
    let mut found: Vec<u64> = (0..reading.ids.len())
        .filter(|i| {
            let known = reading.ids[*i] != UNKNOWN;
            let empty = known && reading.bits[*i] & EMPTY != 0;
            !empty && reading.words.word(*i).len() > 2
        })
        .take(WORDS_MAX)
        .map(|i| {
            let word = reading.words.word(i).as_bytes();
            let stem = &word[..word.len().min(5)];
            stem.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, b| {
                (hash ^ u64::from(*b)).wrapping_mul(0x0000_0100_0000_01b3)
            })
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// All signs of displeasure, weighed.
pub(super) fn displeasure(signals: &Signals, deflections: u8) -> u8 {
    let unhappy = u32::from(signals.sentiment.min(0).unsigned_abs()) * 7 / 10;
    let caps = if signals.caps { 15 } else { 0 };
    let repeated = u32::from(signals.repeated.saturating_sub(1).min(3)) * 12;
    let deflected = u32::from(deflections.min(4)) * 10;
    u8::try_from((unhappy + caps + repeated + deflected).min(100)).unwrap_or(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_before_the_words_is_read_again() {
        let check = |text: &str, words: &str, said: &str| {
            let signals = Signals::of_numbers(&amounts::numbers(text));
            let matched = signals.with_amount(words);
            assert_eq!(matched, said, "{text:?}");
            assert_eq!(signals.with_amount(&matched), said, "twice: {text:?}");
            let again = amounts::largest(&amounts::numbers(&matched));
            assert_eq!(again.map(|n| n.hundredths), signals.amount, "{matched:?}");
        };
        check("refund my 2,500 EUR", "refund", "EUR 2500: refund");
        check("£99.05 back, not $20", "back", "GBP 99.05: back");
        check("two hundred dollars", "", "USD 200");
        check(
            "R$ 1.000,50 for order 88123",
            "order 88123",
            "BRL 1000.50: order 88123",
        );
        check("5k rand", "300 back", "ZAR 5000: 300 back");
        check("we need 250 licenses", "250", "250");
    }
}

//! A message as the rules read it: every word with what it can be here, and which phrases stand where.
//!
//! The languages of the message are settled first (one known beforehand counts in any case), and words that mean
//! different things in different languages keep only the senses of those. Then the phrases: what looks like a request
//! and is none takes its words out of the game, and whoever is named after "are you a" or "I am a" is not asked for.

use super::amounts;
use super::classes::{
    ANYBODY, BOT, Bits, CALL, CALLME, CONNECT, DET, HOW, LINK, PERSON, REAL, SOFT, TALK, WHOM,
    WORTH,
};
use super::lexicon::{LANGUAGES, Lexicon, Meaning, Phrase, Tongues, UNKNOWN, tongue};
use super::tokens::Words;

/// How far "I am a" reaches.
const IDENTITY_REACH: usize = 3;
/// The longest amount in words: "one thousand two hundred and fifty us dollars".
const AMOUNT_WORDS_MAX: usize = 8;

/// A phrase that was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) meaning: Meaning,
}

/// All of it.
pub(super) struct Reading {
    pub(super) words: Words,
    /// What each word can be.
    pub(super) bits: Vec<Bits>,
    /// The number of each word.
    pub(super) ids: Vec<u16>,
    /// Whether it had to be corrected.
    pub(super) slipped: Vec<bool>,
    /// Part of a span whose class another of its words bears.
    pub(super) joined: Vec<bool>,
    /// Taken out of the game.
    pub(super) blocked: Vec<bool>,
    /// The languages it is written in.
    pub(super) tongues: Tongues,
    /// Requests, "is there", and rules, in order.
    pub(super) hits: Vec<Hit>,
}

impl Reading {
    /// Reads `text`; `language`: that of the conversation, where it is known.
    pub(super) fn of(lexicon: &Lexicon, text: &str, language: Option<&str>) -> Self {
        let words = Words::of(text);
        let count = words.tokens.len();
        let mut reading = Self {
            words,
            bits: vec![0; count],
            ids: vec![UNKNOWN; count],
            slipped: vec![false; count],
            joined: vec![false; count],
            blocked: vec![false; count],
            tongues: 0,
            hits: Vec::new(),
        };
        for i in 0..count {
            if let Some(id) = lexicon.exact(reading.words.word(i)) {
                reading.ids[i] = id;
            }
        }
        let likely = reading.settle(lexicon, language.and_then(tongue));
        for i in 0..count {
            let mixed = reading.words.tokens[i].mixed;
            if reading.ids[i] == UNKNOWN
                && let Some(id) = lexicon.corrected(reading.words.word(i), mixed, likely)
            {
                reading.ids[i] = id;
                reading.slipped[i] = true;
            }
        }
        reading.tongues = reading.settle(lexicon, language.and_then(tongue)) & lexicon.on;
        for i in 0..count {
            let Some(entry) = lexicon.entry(reading.ids[i]) else {
                continue;
            };
            let here = entry.tongues & reading.tongues;
            // a word for a person counts in a message of another language too, unless it is short or a guess
            let strong = here == 0 && !reading.slipped[i] && reading.words.word(i).len() >= 5;
            for (tongues, bits) in &entry.senses {
                if tongues & here != 0 || strong && bits & PERSON != 0 {
                    reading.bits[i] |= bits;
                }
            }
        }
        reading.find_phrases(lexicon);
        reading
    }

    /// The languages of the message: those that know most of its words, and those that alone know a word of weight.
    fn settle(&self, lexicon: &Lexicon, known: Option<Tongues>) -> Tongues {
        const WEIGHT: [u32; 9] = [0, 24, 12, 8, 6, 5, 4, 3, 3];
        let mut scores = [0_u32; LANGUAGES.len()];
        let mut alone: Tongues = 0;
        for (id, slipped) in self.ids.iter().zip(&self.slipped) {
            let Some(entry) = lexicon.entry(*id) else {
                continue;
            };
            let sharing = entry.tongues.count_ones();
            for (place, score) in scores.iter_mut().enumerate() {
                if entry.tongues & (1 << place) != 0 {
                    *score += WEIGHT[sharing as usize];
                }
            }
            let heavy = entry.senses.iter().any(|(_, bits)| bits & WORTH != 0);
            if sharing == 1 && heavy && !slipped {
                alone |= entry.tongues;
            }
        }
        let most = scores.iter().copied().max().unwrap_or(0);
        if most == 0 {
            return known.unwrap_or(Tongues::MAX);
        }
        let mut tongues = alone | known.unwrap_or(0);
        for (place, score) in scores.iter().enumerate() {
            if *score * 5 >= most * 3 {
                tongues |= 1 << place;
            }
        }
        tongues
    }

    fn find_phrases(&mut self, lexicon: &Lexicon) {
        let mut hits: Vec<Hit> = Vec::new();
        for from in 0..self.ids.len() {
            let Some(entry) = lexicon.entry(self.ids[from]) else {
                continue;
            };
            let next = self.ids.get(from + 1).copied();
            for start in &entry.phrases {
                // what counts in any language counts where none of those that are on is spoken
                let spoken = start.tongues & self.tongues != 0 || start.tongues == Tongues::MAX;
                if !spoken || !start.may_go_on(next) || (start.begins && !self.begins_thought(from))
                {
                    continue;
                }
                let Some(phrase) = lexicon.phrase_of(start.phrase) else {
                    continue;
                };
                if let Some(to) = self.matches(phrase, usize::from(start.place) + 1, from) {
                    let meaning = phrase.meaning;
                    hits.push(Hit { from, to, meaning });
                }
            }
        }
        self.join(&mut hits);
        for hit in &hits {
            match hit.meaning {
                Meaning::Not if self.is_sought(hit.from) => {}
                Meaning::Not => self.blocked[hit.from..=hit.to].fill(true),
                Meaning::Identity => self.block_named(hit.to),
                Meaning::Ask | Meaning::There | Meaning::Span { .. } | Meaning::Rule { .. } => {}
            }
        }
        hits.retain(|hit| match hit.meaning {
            Meaning::Ask => !self.blocked[hit.from..=hit.to].contains(&true),
            Meaning::There | Meaning::Rule { .. } => true,
            Meaning::Not | Meaning::Identity | Meaning::Span { .. } => false,
        });
        self.hits = hits;
    }

    /// Whether the customer wants to speak to whom the words at `from` begin to tell of: "talk to · the person who …".
    fn is_sought(&self, from: usize) -> bool {
        from > 1
            && self.bits[from - 1] & LINK != 0
            && self.bits[from - 2] & (TALK | CONNECT) != 0
            && self.bits[from] & (DET | ANYBODY) != 0
            && !self.words.tokens[from].apart
    }

    /// Whoever is named right after `end` is not asked for.
    fn block_named(&mut self, end: usize) {
        let mut strangers = 0;
        let last = (end + IDENTITY_REACH).min(self.bits.len().saturating_sub(1));
        for i in end + 1..=last {
            if self.words.tokens[i].apart {
                return;
            }
            if self.bits[i] & ANYBODY != 0 {
                self.blocked[i] = true;
            } else if !self.joined[i] && self.bits[i] & (REAL | DET | WHOM) == 0 {
                strangers += 1;
                if strangers > 1 {
                    return;
                }
            }
        }
    }

    /// Whether `phrase` goes on from its place `slot` behind word `at`; the last word of it.
    fn matches(&self, phrase: &Phrase, slot: usize, at: usize) -> Option<usize> {
        let Some(wanted) = phrase.slots.get(slot) else {
            return (!phrase.ends || self.ends_thought(at)).then_some(at);
        };
        let next = at + 1;
        if wanted.is_amount() {
            let said = (next..self.ids.len().min(next + AMOUNT_WORDS_MAX))
                .take_while(|i| amounts::is_said(self.words.word(*i)))
                .count();
            if said > 0 {
                return self.matches(phrase, slot + 1, at + said);
            }
        } else if next < self.ids.len()
            && wanted.words.binary_search(&self.ids[next]).is_ok()
            && (!self.words.tokens[next].apart || matches!(phrase.meaning, Meaning::Rule { .. }))
            && let Some(end) = self.matches(phrase, slot + 1, next)
        {
            return Some(end);
        }
        if wanted.optional {
            return self.matches(phrase, slot + 1, at);
        }
        None
    }

    /// Whether only courtesies stand between word `at` and the beginning of its thought.
    pub(super) fn begins_thought(&self, at: usize) -> bool {
        let mut i = at;
        loop {
            if i == 0 || self.words.tokens[i].apart {
                return true;
            }
            i -= 1;
            if self.bits[i] & SOFT == 0 {
                return false;
            }
        }
    }

    /// Whether only courtesies stand between word `at` and the end of its thought.
    pub(super) fn ends_thought(&self, at: usize) -> bool {
        for i in at + 1..self.bits.len() {
            if self.words.tokens[i].apart {
                return true;
            }
            if self.bits[i] & SOFT == 0 {
                return false;
            }
        }
        true
    }

    /// Whether word `i` exists, is in the game, and is one of `bits`.
    pub(super) fn is(&self, i: usize, bits: Bits) -> bool {
        self.bits.get(i).is_some_and(|b| b & bits != 0) && !self.blocked[i]
    }

    /// The most likely language.
    pub(super) fn language(&self, at: usize, lexicon: &Lexicon) -> &'static str {
        let own = lexicon
            .entry(self.ids.get(at).copied().unwrap_or(UNKNOWN))
            .map_or(Tongues::MAX, |entry| entry.tongues);
        let shared = self.tongues & own;
        let best = match shared {
            0 => self.tongues,
            shared => shared,
        };
        LANGUAGES
            .get(best.trailing_zeros() as usize)
            .copied()
            .unwrap_or("en")
    }

    /// Whether any word could matter for a request: most messages end here.
    pub(super) fn may_ask(&self) -> bool {
        self.bits
            .iter()
            .any(|b| b & (WHOM | CONNECT | BOT | CALL | CALLME | TALK) != 0)
            || self.hits.iter().any(|hit| hit.meaning == Meaning::Ask)
            || self.bits.iter().any(|b| b & HOW != 0)
    }
}

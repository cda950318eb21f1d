//! What a message is about, small enough to be remembered for many conversations.
//!
//! A gist is a dozen hashes at most: the topics of its words of content, and the stems of those that belong to no topic.
//! Two messages ask the same when one says nothing that the other does not, or nearly so; a word of content of its own
//! in each ("red shoes", "blue shoes") makes them two questions. The same words always have the same gist, whatever the
//! rules of the house. It never holds a word itself. Pure.

use serde::{Deserialize, Serialize};

use super::classes::{AUX, Bits, DET, HOW, I, LINK, MODAL, OTHER, SOFT, WANT};
use super::lexicon::Lexicon;
use super::reading::Reading;
use super::settings::BUNDLED;
use super::topics::{STATUS, TOPICS, TRACKED};

/// The most hashes kept: few messages are about more, and a head holds several gists.
const HASHES_MAX: usize = 12;
/// The most words of one message looked at.
const WORDS_MAX: usize = 40;
/// Room for the hashes of all words looked at: few have more than one topic, none has three.
const HASHES_ROOM: usize = 3 * WORDS_MAX;
/// So many shared hashes make up for one that each has alone.
const SHARED_FOR_ONE: usize = 4;
/// Words that say nothing of what is asked.
const EMPTY: Bits = DET | I | LINK | OTHER | SOFT | MODAL | WANT | HOW | AUX;

/// What one message is about; empty: nothing that could be asked again.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Gist(Vec<u32>);

impl Gist {
    /// That of `text`. Bounded: of a very long text the beginning and the end are read.
    pub fn of(text: &str) -> Self {
        let lexicon = &BUNDLED.lexicon;
        Self::read(&Reading::of(lexicon, text, None), lexicon)
    }

    pub(super) fn read(reading: &Reading, lexicon: &Lexicon) -> Self {
        Self(Hashes::of(reading, lexicon).kept().to_vec())
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether two messages ask the same: what one of them says the other says too, and makes up half of it at least; or
    /// what each says alone is little beside what they share.
    pub fn same(&self, other: &Self) -> bool {
        same(&self.0, &other.0)
    }
}

/// The hashes of one message, where it was read: as many as its words can have, before the fewest are kept.
pub(super) struct Hashes {
    all: [u32; HASHES_ROOM],
    count: usize,
}

impl Hashes {
    /// Those of what `reading` read.
    pub(super) fn of(reading: &Reading, lexicon: &Lexicon) -> Self {
        let mut hashes = Self {
            all: [0; HASHES_ROOM],
            count: 0,
        };
        let tongues = reading.tongues;
        let count = reading.ids.len().min(WORDS_MAX);
        let stands = |with: &str| (0..count).any(|i| reading.words.word(i) == with);
        for i in 0..count {
            let entry = lexicon.entry(reading.ids[i]);
            let read;
            let about = match entry.filter(|_| !reading.slipped[i]) {
                Some(entry) => &entry.about,
                None => {
                    read = TOPICS.about(reading.words.word(i));
                    &read
                }
            };
            if about.topics(tongues, stands, |topic| hashes.push(topic)) {
                continue;
            }
            let empty = entry.is_some_and(|entry| {
                let senses = entry.senses.iter();
                senses
                    .filter(|(known, _)| known & tongues != 0)
                    .any(|(_, bits)| bits & EMPTY != 0)
            });
            let numeral = || {
                let mut letters = reading.words.word(i).bytes();
                letters.any(|b| b.is_ascii_digit())
            };
            if !empty || numeral() {
                hashes.push(about.stem());
            }
        }
        hashes.settle();
        hashes
    }

    const fn push(&mut self, hash: u32) {
        if self.count < HASHES_ROOM {
            self.all[self.count] = hash;
            self.count += 1;
        }
    }

    /// In order, each once, and no more than are kept; a status counts only beside what it is that of.
    fn settle(&mut self) {
        let found = &mut self.all[..self.count];
        found.sort_unstable();
        let tracked = found.iter().any(|hash| TRACKED.contains(hash));
        let mut kept = 0;
        for i in 0..self.count {
            let hash = self.all[i];
            let again = kept > 0 && self.all[kept - 1] == hash;
            if !again && (tracked || hash != STATUS) {
                self.all[kept] = hash;
                kept += 1;
            }
        }
        self.count = kept.min(HASHES_MAX);
    }

    /// What is kept of them, in order.
    pub(super) fn kept(&self) -> &[u32] {
        &self.all[..self.count]
    }

    /// Whether the message asks the same as an earlier one.
    pub(super) fn same(&self, earlier: &Gist) -> bool {
        same(self.kept(), &earlier.0)
    }
}

/// Both in order.
fn same(a: &[u32], b: &[u32]) -> bool {
    let (mut i, mut j, mut shared) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        let (left, right) = (a[i], b[j]);
        shared += usize::from(left == right);
        i += usize::from(left <= right);
        j += usize::from(right <= left);
    }
    match a.len().min(b.len()) - shared {
        0 => shared > 0 && a.len().max(b.len()) <= shared * 2,
        alone => shared >= alone * SHARED_FOR_ONE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_question_in_other_words_has_the_same_gist() {
        let check = |a: &str, b: &str, same: bool| {
            assert_eq!(Gist::of(a).same(&Gist::of(b)), same, "{a:?} / {b:?}");
        };
        check("where is my parcel?", "i asked where my parcel is", true);
        check("PARCEL???", "my parcel", true);
        check("where is my parcel?", "what are your opening hours", false);
        check(
            "¿dónde está mi pedido?",
            "pregunté dónde está el pedido",
            true,
        );
        check("where is my order", "my package hasn't come", true);
        check("my package hasn't come", "any news on the delivery?", true);
        check("do you have red shoes", "do you have blue shoes", false);
        check("do you have blue shoes", "do you have green shoes", false);
        check("is size 42 in stock", "is size 43 in stock", false);
        check("where is my order", "where is my refund", false);
        check("where is my order", "cancel my order", false);
        check("", "", false);
        check("ok", "ok", false);
    }

    #[test]
    fn a_gist_is_small_whatever_the_message() {
        let long: String = (0..200).map(|n| format!("word{n}thing ")).collect();
        assert!(Gist::of(&long).0.len() <= HASHES_MAX);
    }
}

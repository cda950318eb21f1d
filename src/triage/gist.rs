//! What a message is about, small enough to be remembered for many conversations.
//!
//! A gist is the hashes of the beginnings of its words of content, the smallest dozen of them: two messages that say
//! the same in other words share most of it. It is read with the bundled lexicon and no language told, so that the same
//! words always have the same gist, whatever the rules of the house. It never holds a word itself. Pure.

use serde::{Deserialize, Serialize};

use super::reading::Reading;
use super::settings::BUNDLED;
use super::signals;

/// The most hashes kept: few messages are about more, and a head holds several gists.
const HASHES_MAX: usize = 12;

/// What one message is about; empty: nothing that could be asked again.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Gist(Vec<u32>);

impl Gist {
    /// That of `text`. Bounded: of a very long text the beginning and the end are read.
    pub fn of(text: &str) -> Self {
        Self::read(&Reading::of(&BUNDLED.lexicon, text, None))
    }

    pub(super) fn read(reading: &Reading) -> Self {
        let wide = signals::gist(reading);
        // the upper half of each is a hash as good as the whole
        let mut hashes: Vec<u32> = wide.into_iter().map(|hash| (hash >> 32) as u32).collect();
        hashes.sort_unstable();
        hashes.dedup();
        hashes.truncate(HASHES_MAX);
        Self(hashes)
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether two messages are about the same: they share half of what the shorter one says, and more than one word
    /// unless both are about a single one.
    pub fn same(&self, other: &Self) -> bool {
        let (a, b) = (&self.0, &other.0);
        let shared = a
            .iter()
            .filter(|word| b.binary_search(word).is_ok())
            .count();
        let least = a.len().min(b.len());
        least > 0 && shared * 2 >= least.max(2) && (shared >= 2 || a.len().max(b.len()) <= 2)
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
        check("", "", false);
        check("ok", "ok", false);
    }

    #[test]
    fn a_gist_is_small_whatever_the_message() {
        let long: String = (0..200).map(|n| format!("word{n}thing ")).collect();
        assert!(Gist::of(&long).0.len() <= HASHES_MAX);
    }
}

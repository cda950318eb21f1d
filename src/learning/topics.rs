//! The words that come back in what was handed off: what the knowledge base lacks, or what people are wanted for.
//!
//! Counted once for each handoff, over the customer's last messages before it. Left out are the words of the
//! languages themselves, those that the rule fired on ("person" says nothing about why), and what stands in one handoff
//! alone.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::LazyLock;

/// Words kept at most: a flood of different ones must not take the memory. New ones are left out from then on.
const WORDS_MAX: usize = 50_000;
/// The shortest word that says something, in characters.
const LETTERS_MIN: usize = 3;
/// In so many handoffs a word is one that comes back.
const TIMES_MIN: u32 = 2;

static COMMON: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let lists = ["en", "es", "pt", "fr", "de"].map(stop_words::get);
    let courtesies = [
        "hello", "hi", "hola", "please", "favor", "por", "thanks", "thank", "gracias", "want",
        "need", "quiero", "necesito", "help", "ayuda", "can", "puede", "puedo", "yes", "bitte",
        "danke", "merci", "bonjour", "hallo", "quero", "preciso", "obrigado",
    ];
    lists
        .into_iter()
        .flatten()
        .copied()
        .chain(courtesies)
        .collect()
});

/// Words and in how many handoffs they stood.
#[derive(Clone, Default, Debug)]
pub struct Topics {
    seen: BTreeMap<String, u32>,
}

impl Topics {
    /// Counts the words of one handoff.
    pub fn take<'a>(&mut self, texts: impl IntoIterator<Item = &'a str>, matched: &str) {
        let fired_on: BTreeSet<String> = words(matched).collect();
        let said: BTreeSet<String> = texts.into_iter().flat_map(words).collect();
        for word in said.difference(&fired_on) {
            if let Some(times) = self.seen.get_mut(word) {
                *times += 1;
            } else if self.seen.len() < WORDS_MAX {
                self.seen.insert(word.clone(), 1);
            }
        }
    }

    /// The `most` words that came back most often, and in how many handoffs.
    pub fn most(&self, most: usize) -> Vec<(String, u32)> {
        let mut found: Vec<_> = self
            .seen
            .iter()
            .filter(|(_, times)| **times >= TIMES_MIN)
            .map(|(word, times)| (word.clone(), *times))
            .collect();
        found.sort_by(|(a, m), (b, n)| n.cmp(m).then_with(|| a.cmp(b)));
        found.truncate(most);
        found
    }
}

fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.chars().count() >= LETTERS_MIN)
        .filter(|word| word.chars().any(char::is_alphabetic))
        .map(str::to_lowercase)
        .filter(|word| !COMMON.contains(word.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_back_is_found_and_what_is_in_every_sentence_is_not() {
        let mut topics = Topics::default();
        topics.take(
            ["My refund has not arrived", "I want to talk to a person"],
            "a person",
        );
        topics.take(["where is the refund of order 4711?"], "");
        topics.take(["¿Dónde está mi pedido? El refund, please"], "");
        assert_eq!(topics.most(5), [("refund".to_owned(), 3)]);
        assert_eq!(topics.most(0), []);
    }

    #[test]
    fn a_word_counts_once_for_each_handoff() {
        let mut topics = Topics::default();
        topics.take(["refund refund REFUND"], "");
        assert_eq!(topics.most(5), []);
    }
}

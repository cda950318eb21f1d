//! What the words of a question are about: words that say the same are one topic, words that say nothing are none.
//!
//! The lists stand in `data/topics.toml`, per language, under names that all languages share. A word in no list counts
//! as it stands, without its ending. A misspelt word of a list is found from six letters on. Nothing here remembers a
//! message or decides whether two are the same. Pure.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use super::fuzzy::{Fuzzy, Plain};
use super::lexicon::{Tongues, tongue};
use super::spelling::spread;

/// Shorter words have too many neighbours.
const SLIP_LETTERS_MIN: usize = 6;
/// A stem keeps at least as many letters.
const STEM_LETTERS_MIN: usize = 4;
/// Endings that several languages put behind a word without changing what it is about, longest first.
const ENDINGS: [&str; 14] = [
    "ings", "ing", "es", "ed", "en", "er", "os", "as", "s", "e", "n", "o", "a", "i",
];
/// The list that counts only beside others.
pub(super) const STATUS: u32 = hash(b"status");
/// What a status can be that of.
pub(super) const TRACKED: [u32; 4] = [
    hash(b"order"),
    hash(b"refund"),
    hash(b"invoice"),
    hash(b"visit"),
];

/// The lists.
pub(super) static TOPICS: LazyLock<Topics> = LazyLock::new(Topics::bundled);

const TEXT: &str = include_str!("data/topics.toml");

/// What one word is, in which languages.
#[derive(Clone, Debug)]
struct Sense {
    tongues: Tongues,
    /// The word that must stand anywhere in the message too, where one must.
    with: Option<Box<str>>,
    /// `None`: it says nothing.
    topic: Option<u32>,
}

/// All that the lists and the endings say of one word, whatever stands around it: looked up once for every known word.
#[derive(Clone, Default, Debug)]
pub(super) struct About {
    senses: Box<[Sense]>,
    stem: u32,
}

/// All lists.
pub(super) struct Topics {
    words: HashMap<Box<str>, Vec<Sense>, Plain>,
    slips: Fuzzy,
    known: Vec<Box<str>>,
}

/// A hash of letters.
pub(super) const fn hash(word: &[u8]) -> u32 {
    let mut hash: u32 = 0x811c_9dc5;
    let mut i = 0;
    while i < word.len() {
        hash = (hash ^ word[i] as u32).wrapping_mul(0x0100_0193);
        i += 1;
    }
    hash
}

impl Topics {
    fn bundled() -> Self {
        let read: BTreeMap<String, BTreeMap<String, String>> =
            toml::from_str(TEXT).expect("the bundled data is tested");
        let mut words: HashMap<Box<str>, Vec<Sense>, Plain> = HashMap::default();
        for (language, lists) in &read {
            let tongues = tongue(language).expect("a bundled language");
            for (name, list) in lists {
                let topic = (name != "empty").then_some(hash(name.as_bytes()));
                for written in list.split_whitespace() {
                    let (first, with) = written.split_once('+').unzip();
                    for word in spread(first.unwrap_or(written)) {
                        words.entry(word.into()).or_default().push(Sense {
                            tongues,
                            with: with.map(Box::from),
                            topic,
                        });
                    }
                }
            }
        }
        let mut known: Vec<Box<str>> = words
            .iter()
            .filter(|(word, senses)| {
                let lone = |sense: &Sense| sense.topic.is_some() && sense.with.is_none();
                word.len() >= SLIP_LETTERS_MIN && senses.iter().any(lone)
            })
            .map(|(word, _)| word.clone())
            .collect();
        known.sort_unstable();
        let slips = Fuzzy::of((0_u16..).zip(&known).map(|(id, word)| (id, &**word)));
        Self {
            words,
            slips,
            known,
        }
    }

    /// What `word`, or the word of a list that it was meant to be, is about.
    pub(super) fn about(&self, word: &str) -> About {
        let slipped = || {
            let id = self
                .slips
                .find(word, |_| true)
                .map(|(id, _)| usize::from(id));
            let known = id.and_then(|id| self.known.get(id))?;
            self.words.get(known)
        };
        let senses = match self.words.get(word) {
            Some(senses) => Some(senses),
            None if word.len() >= SLIP_LETTERS_MIN => slipped(),
            None => None,
        };
        About {
            senses: senses.map_or_else(Box::default, |senses| senses.clone().into()),
            stem: stem(word),
        }
    }
}

impl About {
    /// Gives `found` the topics that count beside the words `stands` knows. Says whether any list of `tongues` holds the word.
    pub(super) fn topics(
        &self,
        tongues: Tongues,
        stands: impl Fn(&str) -> bool,
        mut found: impl FnMut(u32),
    ) -> bool {
        let mut held = false;
        for sense in &self.senses {
            if sense.tongues & tongues == 0 || !sense.with.as_deref().is_none_or(&stands) {
                continue;
            }
            // a pair says nothing of the word by itself
            held |= sense.with.is_none();
            if let Some(topic) = sense.topic {
                found(topic);
            }
        }
        held
    }

    /// The word without its ending, as a hash.
    pub(super) const fn stem(&self) -> u32 {
        self.stem
    }
}

/// `word` without its ending, as a hash.
fn stem(word: &str) -> u32 {
    let cut = |word| {
        let mut cuts = ENDINGS
            .iter()
            .filter_map(|ending| str::strip_suffix(word, ending));
        cuts.find(|stem: &&str| stem.len() >= STEM_LETTERS_MIN)
    };
    // twice: "printers", "printer", "print"
    let once = cut(word).unwrap_or(word);
    hash(cut(once).unwrap_or(once).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topics(text: &str) -> Vec<u32> {
        let mut found = Vec::new();
        let all: Vec<&str> = text.split(' ').collect();
        for word in &all {
            TOPICS
                .about(word)
                .topics(1, |with| all.contains(&with), |topic| found.push(topic));
        }
        found
    }

    #[test]
    fn words_that_say_the_same_are_one_topic() {
        let check = |text: &str, names: &[&str]| {
            let expected: Vec<u32> = names.iter().map(|name| hash(name.as_bytes())).collect();
            assert_eq!(topics(text), expected, "{text:?}");
        };
        check("the parcel", &["order"]);
        check("my pakage", &["order"]);
        check("send it back", &["return"]);
        check("please", &[]);
    }

    #[test]
    fn a_stem_is_that_of_all_its_endings() {
        assert_eq!(stem("printers"), stem("printer"));
        assert_ne!(stem("red"), stem("blue"));
        assert_eq!(stem("is"), hash(b"is"));
    }
}

//! The words that the rules know, in all bundled languages, in one table.
//!
//! Built once from the bundled data and the rules: every word has a number, what it can be in which language, and how
//! much it says about the customer's mood. A word is looked up as it stands; then with digits read as letters and
//! letters that were held down released; then, from four letters on, as a slip of the finger.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Deserialize;

use super::classes::{self, Bits, WORTH};
use super::fuzzy::{Fuzzy, Plain};
use super::normal::normalise;
use super::slots::{AMOUNT, Start, words_of};
pub(super) use super::slots::{Meaning, Phrase, Slot};
use super::spelling::{is_held, is_vowel, letters_for_digits, release, spread};
use super::topics::{About, TOPICS};

/// The bundled languages; a language's place here is its bit.
pub(super) const LANGUAGES: [&str; 8] = ["en", "es", "pt", "fr", "de", "it", "nl", "af"];
/// No such word.
pub(super) const UNKNOWN: u16 = u16::MAX;
/// The most words of one phrase.
const PHRASE_WORDS_MAX: usize = 16;

/// Words of written-out requests are corrected from this length on: shorter ones have too many neighbours.
const ASKED_LETTERS_MIN: usize = 7;

/// A set of languages, by their places in [`LANGUAGES`].
pub(super) type Tongues = u8;

/// The bit of a language tag's primary subtag.
pub(super) fn tongue(language: &str) -> Option<Tongues> {
    let primary = language.split(['-', '_']).next().unwrap_or_default();
    let place = LANGUAGES
        .iter()
        .position(|known| known.eq_ignore_ascii_case(primary))?;
    Some(1 << place)
}

/// What one word can be.
#[derive(Clone, Default, Debug)]
pub(super) struct Entry {
    /// All languages that know it.
    pub(super) tongues: Tongues,
    /// What it is, by language.
    pub(super) senses: Vec<(Tongues, Bits)>,
    /// What it says of the mood, from −5 to 5.
    pub(super) mood: i8,
    /// What a message with it is about.
    pub(super) about: About,
    /// Phrases that can begin with it.
    pub(super) phrases: Vec<Start>,
    /// Worth recognising when it is misspelt.
    worth: bool,
    /// Part of a written-out request.
    asked: bool,
}

/// All of it.
pub(super) struct Lexicon {
    ids: HashMap<Box<str>, u16, Plain>,
    entries: Vec<Entry>,
    phrases: Vec<Phrase>,
    fuzzy: Option<Fuzzy>,
    skeletons: HashMap<Box<str>, u16>,
    /// The languages whose words and phrases count; a message in no other is read as one of nobody's.
    pub(super) on: Tongues,
}

/// One `data/<language>.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    language: String,
    classes: BTreeMap<String, String>,
    phrases: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    spans: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    mood: BTreeMap<String, String>,
}

const DATA: [&str; 8] = [
    include_str!("data/en.toml"),
    include_str!("data/es.toml"),
    include_str!("data/pt.toml"),
    include_str!("data/fr.toml"),
    include_str!("data/de.toml"),
    include_str!("data/it.toml"),
    include_str!("data/nl.toml"),
    include_str!("data/af.toml"),
];

/// Common words that look like a misspelt word of ours and are not.
const ORDINARY: &str = include_str!("data/ordinary.toml");

impl Lexicon {
    /// The bundled words; [`Lexicon::seal`] it once everything is in.
    ///
    /// # Panics
    /// When the bundled data is wrong, which its test shows.
    pub(super) fn bundled() -> Self {
        let mut lexicon = Self {
            ids: HashMap::default(),
            entries: Vec::new(),
            phrases: Vec::new(),
            fuzzy: None,
            skeletons: HashMap::new(),
            on: Tongues::MAX,
        };
        for text in DATA {
            let data: Data = toml::from_str(text).expect("the bundled data is tested");
            lexicon.read(&data);
        }
        let ordinary: BTreeMap<String, String> =
            toml::from_str(ORDINARY).expect("the bundled data is tested");
        for (language, words) in &ordinary {
            let tongues = tongue(language).expect("a bundled language");
            for word in words.split_whitespace() {
                lexicon.intern(word, tongues);
            }
        }
        lexicon
    }

    fn read(&mut self, data: &Data) {
        let tongues = tongue(&data.language).expect("a bundled language");
        for (name, words) in &data.classes {
            let class = classes::named(name).expect("a class of the grammar");
            for word in words.split_whitespace() {
                for word in spread(word) {
                    let id = self.intern(&word, tongues);
                    self.give(id, tongues, class);
                }
            }
        }
        for (name, phrases) in &data.phrases {
            let meaning = match name.as_str() {
                "ask" => Meaning::Ask,
                "not" => Meaning::Not,
                "identity" => Meaning::Identity,
                "there" => Meaning::There,
                other => panic!("no such list of phrases: {other}"),
            };
            for phrase in phrases {
                self.phrase(phrase, tongues, meaning);
            }
        }
        for (name, phrases) in &data.spans {
            let ours = name == "ours";
            let class = classes::named(if ours { "role" } else { name });
            let class = class.expect("a class of the grammar");
            for phrase in phrases {
                self.phrase(phrase, tongues, Meaning::Span { class, ours });
            }
        }
        for (mood, words) in &data.mood {
            let mood: i8 = mood.parse().expect("a number");
            for word in words.split_whitespace().flat_map(spread) {
                let id = self.intern(&word, tongues);
                self.entries[usize::from(id)].mood = mood;
            }
        }
    }

    /// Takes a phrase in; `^` before it and `$` behind it tie it to the ends of a thought, `|$` as
    /// the last choice lets it end there. One that cannot be used is
    /// without effect: who reads configuration has refused it.
    pub(super) fn phrase(&mut self, phrase: &str, tongues: Tongues, meaning: Meaning) {
        if let Some(open) = phrase.strip_suffix("|$") {
            // one of the last words, or the end
            let ended = open.rsplit_once(' ').map_or("", |(before, _)| before);
            self.phrase(open, tongues, meaning);
            self.phrase(&format!("{ended}$"), tongues, meaning);
            return;
        }
        let begins = phrase.starts_with('^');
        let ends = phrase.ends_with('$');
        let mut slots: Vec<Slot> = Vec::new();
        for written in phrase.trim_matches(['^', '$', ' ']).split_whitespace() {
            let (written, optional) = match written.strip_suffix('?') {
                Some(written) => (written, true),
                None => (written, false),
            };
            if written == "#" {
                let words = [AMOUNT].into();
                slots.push(Slot { words, optional });
                continue;
            }
            let mut words: Vec<u16> = written
                .split('|')
                .map(|word| normalise(word).trim().to_owned())
                .filter(|word| !word.is_empty())
                .map(|word| self.intern(&word, tongues))
                .collect();
            words.sort_unstable();
            words.dedup();
            if !words.is_empty() {
                let words = words.into();
                slots.push(Slot { words, optional });
            }
        }
        let Ok(number) = u16::try_from(self.phrases.len()) else {
            return;
        };
        let amount_first = slots.first().is_some_and(Slot::is_amount);
        if slots.len() > PHRASE_WORDS_MAX || amount_first || slots.iter().all(|slot| slot.optional)
        {
            return;
        }
        for (place, slot) in (0_u8..).zip(&slots) {
            for word in &slot.words {
                self.entries[usize::from(*word)]
                    .phrases
                    .push(Start::of(number, place, &slots, begins, tongues));
            }
            if !slot.optional {
                break;
            }
        }
        if matches!(meaning, Meaning::Rule { .. }) {
            for word in words_of(&slots) {
                self.entries[usize::from(word)].worth = true;
            }
        }
        if matches!(meaning, Meaning::Ask | Meaning::Span { .. }) {
            for word in words_of(&slots) {
                self.entries[usize::from(word)].asked = true;
            }
        }
        self.phrases.push(Phrase {
            slots: slots.into(),
            meaning,
            ends,
        });
    }

    fn intern(&mut self, word: &str, tongues: Tongues) -> u16 {
        let id = match self.ids.get(word) {
            Some(id) => *id,
            None => {
                let id = u16::try_from(self.entries.len()).expect("fewer words than numbers");
                self.ids.insert(word.into(), id);
                self.entries.push(Entry::default());
                id
            }
        };
        self.entries[usize::from(id)].tongues |= tongues;
        id
    }

    fn give(&mut self, id: u16, tongues: Tongues, class: Bits) {
        let entry = &mut self.entries[usize::from(id)];
        entry.worth |= class & WORTH != 0;
        match entry.senses.iter_mut().find(|(known, _)| *known == tongues) {
            Some((_, bits)) => *bits |= class,
            None => entry.senses.push((tongues, class)),
        }
    }

    /// Makes the indexes, once every word is in.
    pub(super) fn seal(&mut self) {
        for entry in &mut self.entries {
            entry.phrases.sort_unstable();
            entry.phrases.dedup();
            // Senses that several languages share become one.
            let mut merged: Vec<(Tongues, Bits)> = Vec::new();
            for (tongues, bits) in &entry.senses {
                match merged.iter_mut().find(|(_, known)| known == bits) {
                    Some((known, _)) => *known |= tongues,
                    None => merged.push((*tongues, *bits)),
                }
            }
            entry.senses = merged;
        }
        for (word, id) in &self.ids {
            self.entries[usize::from(*id)].about = TOPICS.about(word);
        }
        let worth = |id: &u16| self.entries[usize::from(*id)].worth;
        let asked = |id: &u16| self.entries[usize::from(*id)].asked;
        // in the order of their numbers, so that of two words as near the same one is always found
        let mut known: Vec<(u16, &str)> =
            self.ids.iter().map(|(word, id)| (*id, &**word)).collect();
        known.sort_unstable();
        self.fuzzy = Some(Fuzzy::of(known.into_iter().filter(|(id, word)| {
            worth(id) || asked(id) && word.len() >= ASKED_LETTERS_MIN
        })));
        let mut skeletons: HashMap<Box<str>, u16> = HashMap::new();
        for (word, id) in &self.ids {
            let bones: String = word.chars().filter(|c| !is_vowel(*c)).collect();
            if worth(id) && word.len() >= 5 && bones.len() >= 3 && bones.len() + 1 < word.len() {
                // the smaller number wins, so that the table does not depend on the order of the map
                let known = skeletons.entry(bones.into()).or_insert(*id);
                *known = (*known).min(*id);
            }
        }
        self.skeletons = skeletons;
    }

    /// Only the words and phrases of these languages count; none: all.
    pub(super) fn only(&mut self, languages: &BTreeSet<String>) {
        let on = languages.iter().filter_map(|language| tongue(language));
        let on = on.fold(0, |on, tongue| on | tongue);
        self.on = if on == 0 { Tongues::MAX } else { on };
    }

    /// What is known of the word numbered `id`.
    pub(super) fn entry(&self, id: u16) -> Option<&Entry> {
        self.entries.get(usize::from(id))
    }

    /// The phrase numbered `number`.
    pub(super) fn phrase_of(&self, number: u16) -> Option<&Phrase> {
        self.phrases.get(usize::from(number))
    }

    /// The number of `word` as it stands.
    pub(super) fn exact(&self, word: &str) -> Option<u16> {
        self.ids.get(word).copied()
    }

    /// The word that `word` was probably meant to be; of two as near, one of `tongues`.
    pub(super) fn corrected(&self, word: &str, mixed: bool, tongues: Tongues) -> Option<u16> {
        if word.len() < 3 || word.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let likes = |id: u16| self.entries[usize::from(id)].tongues & tongues != 0;
        let mut spelt = None;
        if mixed {
            let letters = letters_for_digits(word);
            if let Some(id) = self.ids.get(letters.as_str()) {
                return Some(*id);
            }
            spelt = Some(letters);
        }
        let word = spelt.as_deref().unwrap_or(word);
        if is_held(word) {
            for most in [2, 1] {
                let released = release(word, most);
                if let Some(id) = self.ids.get(released.as_str()) {
                    return Some(*id);
                }
            }
            let released = release(word, 1);
            return self
                .fuzzy
                .as_ref()?
                .find(&released, likes)
                .map(|(id, _)| id);
        }
        if !word.bytes().any(|b| is_vowel(char::from(b))) {
            return self.skeletons.get(word).copied();
        }
        self.fuzzy.as_ref()?.find(word, likes).map(|(id, _)| id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_words_can_be_read() {
        let mut lexicon = Lexicon::bundled();
        lexicon.seal();
        let check = |said: &str, mixed: bool, meant: &str| {
            let id = lexicon.corrected(said, mixed, 1);
            assert_eq!(id, lexicon.exact(meant), "{said}");
            assert_ne!(id, None, "{said}");
        };
        check("humaaaan", false, "human");
        check("hum4n", true, "human");
        check("hmn", false, "human");
        check("reprsentative", false, "representative");
        check("huamn", false, "human");
    }
}

//! The wordings that phrases stand for, compiled so that one pass over a message finds them all.
//!
//! Wordings of several words go into one automaton with their border spaces; those that count only as a whole message
//! go into a map. Nothing here knows what a match means: that is for [`super::phrases`].

use std::collections::{HashMap, HashSet};

use aho_corasick::AhoCorasick;

use super::normal::{next_word, normalise};
use super::phrases::Phrases;
use crate::conversation::texts::primary;

/// The most wordings one phrase may stand for, by its alternatives and optional words.
pub const WORDINGS_MAX: usize = 5_000;
/// Words that change nothing around a request.
const COURTESIES: &[&str] = &[
    "please",
    "pls",
    "plz",
    "now",
    "hi",
    "hello",
    "hey",
    "thanks",
    "thank",
    "you",
    "the",
    "a",
    "an",
    "ok",
    "por",
    "favor",
    "porfavor",
    "porfa",
    "hola",
    "ahora",
    "ya",
    "gracias",
    "un",
    "una",
    "el",
    "la",
    "ola",
    "agora",
    "obrigado",
    "obrigada",
    "um",
    "uma",
    "bitte",
    "jetzt",
    "hallo",
    "danke",
    "ein",
    "eine",
    "einen",
    "bonjour",
    "sil",
    "vous",
    "te",
    "plait",
    "svp",
    "merci",
    "maintenant",
    "une",
];

/// Why a phrase cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PhraseFault {
    /// No letter or digit in it.
    #[error("the phrase has no words")]
    Empty,
    /// `a|`, `|b` or a lone `?`: one of the alternatives is nothing.
    #[error("one of the alternatives has no words")]
    Gap,
    /// Too many alternatives.
    #[error("the phrase stands for more than {WORDINGS_MAX} wordings")]
    TooMany,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum List {
    Wants,
    NotWants,
    Yes,
    No,
    EndsHuman,
}

pub(super) struct Wording {
    pub(super) list: List,
    /// Index within its list.
    pub(super) rule: usize,
    /// Normalised, with its border spaces.
    pub(super) text: String,
    /// One word only.
    single: bool,
    /// The language of its rule.
    language: String,
}

pub(super) struct Automaton {
    pub(super) wordings: Vec<Wording>,
    /// Finds the wordings of several words; `None` when there are too many for one automaton, or none.
    pub(super) finder: Option<AhoCorasick>,
    /// The wording that each pattern of the finder stands for.
    patterns: Vec<usize>,
    /// The wordings that count only as a whole message, by their text without border spaces.
    wholes: HashMap<String, Vec<usize>>,
    /// The wordings of yes and no.
    pub(super) answers: Vec<usize>,
    /// The words with which wordings that send a person away begin.
    ends_begin: HashSet<String>,
}

impl Automaton {
    pub(super) fn build(phrases: &Phrases) -> Self {
        let mut wordings = Vec::new();
        for list in [
            List::Wants,
            List::NotWants,
            List::Yes,
            List::No,
            List::EndsHuman,
        ] {
            for (rule, phrase) in phrases.list(list).iter().enumerate() {
                // the configuration has refused such phrases; in stored policies they are without effect
                for text in expand(&phrase.phrase).unwrap_or_default() {
                    wordings.push(Wording {
                        list,
                        rule,
                        single: !text.trim().contains(' '),
                        text,
                        language: primary(&phrase.language),
                    });
                }
            }
        }
        let patterns: Vec<usize> = (0..wordings.len())
            .filter(|i| match wordings[*i].list {
                List::Wants => !wordings[*i].single,
                List::NotWants => true,
                List::Yes | List::No | List::EndsHuman => false,
            })
            .collect();
        let mut wholes: HashMap<String, Vec<usize>> = HashMap::new();
        let mut answers = Vec::new();
        for (i, wording) in wordings.iter().enumerate() {
            match wording.list {
                List::Wants if !wording.single => {}
                List::Wants | List::EndsHuman => {
                    let text = wording.text.trim().to_owned();
                    wholes.entry(text).or_default().push(i);
                }
                List::Yes | List::No => answers.push(i),
                List::NotWants => {}
            }
        }
        let finder = AhoCorasick::new(patterns.iter().map(|i| &wordings[*i].text)).ok();
        Self {
            ends_begin: wordings
                .iter()
                .filter(|wording| wording.list == List::EndsHuman)
                .filter_map(|wording| Some(wording.text.split_whitespace().next()?.to_owned()))
                .collect(),
            wordings,
            finder,
            patterns,
            wholes,
            answers,
        }
    }

    /// Whether `text` begins as a wording that sends a person away does, courtesies aside. Looks at a word or two.
    pub(super) fn may_end(&self, text: &str) -> bool {
        let mut chars = text.chars().peekable();
        let mut word = String::with_capacity(16);
        while next_word(&mut chars, &mut word) {
            if self.ends_begin.contains(&word) {
                return true;
            }
            if !COURTESIES.contains(&word.as_str()) {
                return false;
            }
            word.clear();
        }
        false
    }

    pub(super) fn anywhere<'a>(
        &'a self,
        said: &'a str,
    ) -> impl Iterator<Item = (&'a Wording, usize, usize)> {
        self.finder
            .iter()
            .flat_map(move |finder| finder.find_overlapping_iter(said))
            .map(|m| {
                (
                    &self.wordings[self.patterns[m.pattern().as_usize()]],
                    m.start(),
                    m.end(),
                )
            })
    }

    /// The wording of `list` that is the whole message: as it stands, or without courtesies and repetitions.
    pub(super) fn whole(&self, said: &str, language: Option<&str>, list: List) -> Option<&Wording> {
        let language = language.map(primary);
        [said.trim(), core(said)]
            .into_iter()
            .filter_map(|text| self.wholes.get(text))
            .flatten()
            .map(|i| &self.wordings[*i])
            .filter(|w| w.list == list)
            .find(|w| !w.single || language.as_ref().is_none_or(|l| *l == w.language))
    }
}

/// The message without courtesies at its ends; one word said several times is said once.
fn core(said: &str) -> &str {
    let mut rest = said.trim();
    let courtesy = |word: &str| COURTESIES.contains(&word);
    while let Some(word) = rest.split(' ').next().filter(|w| courtesy(w)) {
        rest = rest[word.len()..].trim_start();
    }
    while let Some(word) = rest.rsplit(' ').next().filter(|w| courtesy(w)) {
        rest = rest[..rest.len() - word.len()].trim_end();
    }
    let first = rest.split(' ').next().unwrap_or_default();
    if rest.split(' ').all(|word| word == first) {
        return first;
    }
    rest
}

/// All wordings of a phrase, normalised.
///
/// # Errors
/// [`PhraseFault`] when there is none, or there are too many.
pub fn expand(phrase: &str) -> Result<Vec<String>, PhraseFault> {
    let mut wordings = vec![String::from(" ")];
    for word in phrase.split_whitespace() {
        let (word, optional) = match word.strip_suffix('?') {
            Some(word) => (word, true),
            None => (word, false),
        };
        if word.contains('|') && word.split('|').any(|choice| normalise(choice) == " ") {
            return Err(PhraseFault::Gap);
        }
        let mut choices: Vec<String> = word.split('|').map(normalise).collect();
        choices.retain(|choice| choice != " ");
        if choices.is_empty() {
            continue;
        }
        if optional {
            choices.push(String::from(" "));
        }
        if wordings.len() * choices.len() > WORDINGS_MAX {
            return Err(PhraseFault::TooMany);
        }
        wordings = wordings
            .iter()
            .flat_map(|w| choices.iter().map(move |c| format!("{w}{}", &c[1..])))
            .collect();
    }
    wordings.retain(|w| w != " ");
    if wordings.is_empty() {
        return Err(PhraseFault::Empty);
    }
    Ok(wordings)
}

//! What customers say to ask for a person, to agree, to decline and to send a person away.
//!
//! Requests are heard by the grammar of [`super::asks`]; what stands in the lists for them is what a house adds.
//!
//! A phrase is written in words; `a|b` is either word, and a trailing `?` makes a word optional, so that
//! `talk|speak to|with a|an? human|person` is one line. It matches on word borders, whatever the case and accents.
//!
//! * A phrase of **several words** asks for a person wherever it stands, in any language, unless a phrase of the
//!   negative list overlaps it or ends right before it ("I don't want" · "talk to a person", "are you a · real person").
//! * A phrase of **one word** ("agent") asks only when it is the whole message, courtesies aside, and only in its own
//!   language when that is known: "my travel agent" is no request, and the same word differs between languages.
//!
//! All lists are compiled once into one automaton, kept out of what is stored and compared.

use std::sync::{Arc, LazyLock, OnceLock};

use serde::{Deserialize, Serialize};

use super::normal::normalise;
use super::starter;
use super::wordings::{Automaton, List, Wording};
pub use super::wordings::{PhraseFault, WORDINGS_MAX, expand};

/// One phrase and the language it belongs to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct PhraseRule {
    /// The language (primary subtag, lower case).
    pub language: String,
    /// The phrase, as the module describes it.
    pub phrase: String,
}

/// All phrases of an installation. The default is what is bundled.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Phrases {
    /// Asks for a person.
    pub wants_person: Vec<PhraseRule>,
    /// Looks like it and does not.
    pub not_wants: Vec<PhraseRule>,
    /// Agrees to an offer.
    pub yes: Vec<PhraseRule>,
    /// Declines it.
    pub no: Vec<PhraseRule>,
    /// Sends the person away, back to the AI.
    pub ends_human: Vec<PhraseRule>,
    /// Derived from the lists at the first question; see [`Phrases::recompile`].
    #[serde(skip)]
    pub compiled: Compiled,
}

/// Which phrase was found, and in which of its wordings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Match {
    /// The rule, as `language:phrase`.
    pub rule: String,
    /// The customer's words, normalised.
    pub matched: String,
}

impl Default for Phrases {
    fn default() -> Self {
        starter::phrases()
    }
}

impl Phrases {
    /// Whether `text` asks for a person: in the house's own words, or in any that the grammar hears. `language`: that of
    /// the conversation, where it is known.
    pub fn wants_person(&self, text: &str, language: Option<&str>) -> Option<Match> {
        self.judge(text, language, super::explicit_request(text, language))
    }

    /// The same, where it is known what the grammar `heard`: the house's own words ask too, and its exceptions take back.
    pub(super) fn judge(
        &self,
        text: &str,
        language: Option<&str>,
        heard: Option<Match>,
    ) -> Option<Match> {
        if self.wants_person.is_empty() && self.not_wants.is_empty() {
            return heard;
        }
        let compiled = self.compiled.of(self);
        let said = normalise(text);
        if let Some(wording) = compiled.whole(&said, language, List::Wants) {
            return Some(self.found(wording));
        }
        let hits = || compiled.anywhere(&said);
        let refused = |from: usize, to: usize| {
            // both ends carry a border space: to share only that is to be neighbours
            hits().any(|(w, start, end)| w.list == List::NotWants && start + 1 < to && end > from)
        };
        hits()
            .find(|(w, start, end)| w.list == List::Wants && !refused(*start, *end))
            .map(|(wording, ..)| self.found(wording))
            .or_else(|| {
                heard.filter(|found| {
                    let place = said.find(&found.matched);
                    place.is_none_or(|from| !refused(from, from + found.matched.len()))
                })
            })
    }

    /// Whether `text` sends the person away: the whole message, courtesies aside.
    pub fn ends_human(&self, text: &str, language: Option<&str>) -> Option<Match> {
        let compiled = self.compiled.of(self);
        // Asked of every word to a person, and nearly always in vain: most messages are told by how they begin.
        if !compiled.may_end(text) {
            return None;
        }
        let wording = compiled.whole(&normalise(text), language, List::EndsHuman)?;
        Some(self.found(wording))
    }

    /// Compiles the lists afresh. Needed after a list was changed by hand; reading does it by itself the first time.
    pub fn recompile(&mut self) {
        self.compiled = Compiled::default();
        let _ = self.compiled.of(self);
    }

    fn rule(&self, wording: &Wording) -> &PhraseRule {
        &self.list(wording.list)[wording.rule]
    }

    pub(super) fn found(&self, wording: &Wording) -> Match {
        let rule = self.rule(wording);
        Match {
            rule: format!("{}:{}", rule.language, rule.phrase),
            matched: wording.text.trim().to_owned(),
        }
    }

    pub(super) fn list(&self, list: List) -> &[PhraseRule] {
        match list {
            List::Wants => &self.wants_person,
            List::NotWants => &self.not_wants,
            List::Yes => &self.yes,
            List::No => &self.no,
            List::EndsHuman => &self.ends_human,
        }
    }
}

/// What is bundled, compiled once for the process: compiling takes tens of milliseconds, and tests do it often.
static BUNDLED: LazyLock<(Phrases, Arc<Automaton>)> = LazyLock::new(|| {
    let phrases = starter::phrases();
    let automaton = Arc::new(Automaton::build(&phrases));
    (phrases, automaton)
});

/// The compiled form of [`Phrases`]: made when first asked, shared by clones, equal to any other.
#[derive(Clone, Default)]
pub struct Compiled(OnceLock<Arc<Automaton>>);

impl PartialEq for Compiled {
    /// Always: it follows from the lists, which are compared themselves.
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl std::fmt::Debug for Compiled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Compiled")
    }
}

impl Compiled {
    pub(super) fn of(&self, phrases: &Phrases) -> &Automaton {
        self.0.get_or_init(|| match *phrases == BUNDLED.0 {
            true => Arc::clone(&BUNDLED.1),
            false => Arc::new(Automaton::build(phrases)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wants(text: &str, language: Option<&str>) -> bool {
        Phrases::default().wants_person(text, language).is_some()
    }

    #[test]
    fn a_request_for_a_person_is_heard() {
        let check = |text: &str| assert!(wants(text, None), "{text:?}");
        [
            "I want to talk to a person",
            "can i SPEAK with someone???",
            "let me talk to a real human being please",
            "real person",
            "agent",
            "Agent please!!",
            "agent agent agent",
            "REPRESENTATIVE",
            "human.",
            "connect me to an agent",
            "transfer me to a live agent now",
            "get me a manager",
            "I don't want to talk to a bot, I want a human",
            "are you human? if not, can I talk to a person",
            "quiero hablar con una persona",
            "quiero hablar con una persona de verdad",
            "quiero una persona de verdad",
            "que me atienda una persona de carne y hueso",
            "Necesito hablar con un AGENTE por favor",
            "¿me puede atender una persona?",
            "pásame con un humano",
            "quero falar com um atendente",
            "je veux parler à un conseiller",
            "ich möchte mit einem Menschen sprechen",
            "Mitarbeiter bitte",
        ]
        .into_iter()
        .for_each(check);
    }

    #[test]
    fn look_alikes_are_no_request() {
        let check = |text: &str| {
            let found = Phrases::default().wants_person(text, None);
            assert_eq!(found, None, "{text:?}");
        };
        [
            "",
            "are you human?",
            "are you a real person",
            "Am I talking to a real person?",
            "I don't want an agent",
            "I do not want to talk to a person, just tell me the price",
            "no need to speak to an agent",
            "my travel agent booked this",
            "where is the cleaning agent in this product",
            "I need a human resources contact",
            "I want an agent of change poster",
            "the delivery person was rude",
            "is this per person?",
            "a table for one person please",
            "personally I like it",
            "no quiero hablar con un agente",
            "eres una persona real?",
            "cuál es el horario de atención al cliente",
            "j'ai déjà parlé à un conseiller hier",
            "agentic workflows",
            "humanity",
        ]
        .into_iter()
        .for_each(check);
    }

    #[test]
    fn a_single_word_of_the_house_counts_only_in_its_own_language() {
        let phrases = Phrases {
            wants_person: vec![PhraseRule {
                language: "es".into(),
                phrase: "mostrador".into(),
            }],
            ..Phrases::default()
        };
        let wants = |language| phrases.wants_person("Mostrador!", Some(language)).is_some();
        assert!(wants("es-MX"));
        assert!(!wants("de"));
    }

    #[test]
    fn an_answer_to_an_offer_is_read() {
        let phrases = Phrases::default();
        let check = |text: &str, yes: bool, no: bool| {
            let said = (
                phrases.says_yes(text).is_some(),
                phrases.says_no(text).is_some(),
            );
            assert_eq!(said, (yes, no), "{text:?}");
        };
        check("yes", true, false);
        check("Yes please!", true, false);
        check("Sí, por favor", true, false);
        check("sure, thanks", true, false);
        check("no", false, true);
        check("No, thanks", false, true);
        check("no problem, connect me", true, false);
        check("not now", false, true);
        check("yesterday", false, false);
        check("nothing works", false, false);
        check("what are your prices", false, false);
        check(
            "si la factura no llega antes del lunes que debo hacer",
            false,
            false,
        );
    }

    #[test]
    fn a_person_is_sent_away_only_by_a_whole_message() {
        let phrases = Phrases::default();
        let check = |text: &str, ends: bool| {
            assert_eq!(phrases.ends_human(text, None).is_some(), ends, "{text:?}");
        };
        check("/end", true);
        check("Back to the assistant, please", true);
        check("I do not want to go back to the assistant", false);
        check("end", false);
        check("volver al asistente", true);
    }

    #[test]
    fn every_wording_that_sends_a_person_away_is_heard_with_courtesies_too() {
        let phrases = Phrases::default();
        let mut wordings = 0;
        for rule in &phrases.ends_human {
            for text in expand(&rule.phrase).expect("bundled") {
                for said in [text.clone(), format!("Hola, please{text}, gracias!")] {
                    let language = Some(rule.language.as_str());
                    assert!(phrases.ends_human(&said, language).is_some(), "{said:?}");
                }
                wordings += 1;
            }
        }
        assert!(wordings > 20, "{wordings}");
    }

    #[test]
    fn a_match_names_its_rule_and_the_words() {
        let phrases = Phrases {
            wants_person: vec![PhraseRule {
                language: "en".into(),
                phrase: "fetch|get your? boss".into(),
            }],
            ..Phrases::default()
        };
        let phrases = Phrases {
            compiled: Compiled::default(),
            ..phrases
        };
        let found = phrases
            .wants_person("Please GET  Your boss", Some("en"))
            .expect("found");
        assert_eq!(found.rule, "en:fetch|get your? boss");
        assert_eq!(found.matched, "get your boss");
    }

    #[test]
    fn every_bundled_phrase_can_be_used() {
        let phrases = Phrases::default();
        for list in [
            List::Wants,
            List::NotWants,
            List::Yes,
            List::No,
            List::EndsHuman,
        ] {
            for rule in phrases.list(list) {
                assert!(expand(&rule.phrase).is_ok(), "{rule:?}");
            }
        }
        assert!(Automaton::build(&phrases).finder.is_some());
        assert_eq!(expand(" … ?"), Err(PhraseFault::Empty));
        assert_eq!(expand(&"a|b ".repeat(13)), Err(PhraseFault::TooMany));
        assert_eq!(
            expand("a? b"),
            Ok(vec![" a b ".to_owned(), " b ".to_owned()])
        );
    }
}

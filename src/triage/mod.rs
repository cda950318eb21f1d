//! What is decided before the model runs: pure rules over a customer's words.
//!
//! A rule that fires here never spends a token. Nothing in this room does I/O, reads a clock, or knows a mode.

mod after;
pub mod amounts;
mod asks;
mod assessment;
mod classes;
mod consent;
mod fuzzy;
mod gist;
mod lexicon;
mod normal;
mod number_words;
pub mod phrases;
mod reading;
mod refusal;
mod rules;
pub mod settings;
mod signals;
mod slots;
mod spans;
pub mod specs;
mod spelling;
mod spoken;
mod starter;
mod tokens;
mod topics;
mod wordings;
mod worth;

pub use after::{AnswerFacts, VAGUE};
pub use assessment::{ASSESS, Assessment, Mood, WORD_BYTES_MAX};
pub use gist::Gist;
pub use phrases::{Match, PhraseRule, Phrases};
pub use refusal::{Answered, Weight};
pub use rules::{Context, EXPLICIT, Finding, Rules, Triage};
pub use settings::{BUNDLED, Settings};
pub use signals::Signals;
pub use spoken::{SPOKEN, spoken};

/// Whether `text` asks for a person, in any bundled language; `language`: that of the conversation, where it is known.
/// Bounded: of a very long text the beginning and the end are read.
pub fn explicit_request(text: &str, language: Option<&str>) -> Option<Match> {
    let lexicon = &BUNDLED.lexicon;
    let reading = reading::Reading::of(lexicon, text, language);
    let found = asks::find(&reading, lexicon)?;
    let language = reading.language(found.from, lexicon);
    Some(Match {
        rule: format!("{language}:{}", found.rule),
        matched: reading.words.span(found.from, found.to),
    })
}

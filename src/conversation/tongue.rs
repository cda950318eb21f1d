//! The language of a conversation: settled once, kept, and used for everything that is said in it.
//!
//! A person on our side settles it; else the channel's configuration does; else the first words of the customer that are
//! long enough to tell; until then what the channel says of the customer (a browser's setting) is the best guess, or the
//! language of a rule that understood them ("atendente" tells too little by itself, but nobody English says it). It is
//! never guessed anew, so that a customer who quotes a line in another language is not answered in it.

use serde::{Deserialize, Serialize};

use super::common::Cx;
use super::message::Body;
use super::texts::primary;
use super::trail::Fact;
use crate::triage;

/// Where the language of a customer is known from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum LanguageFrom {
    /// It is not known.
    #[default]
    Nobody,
    /// The channel said so, or the few words that a rule heard: what they write may tell better.
    Channel,
    /// Their own words.
    Words,
    /// A person on our side.
    Agent,
}

/// A language tag (BCP 47) as it is kept: in lower case; none if `text` is not one.
pub fn language_tag(text: &str) -> Option<String> {
    let tag = text.trim().replace('_', "-").to_lowercase();
    let mut parts = tag.split('-');
    let letters = |part: &str| part.bytes().all(|byte| byte.is_ascii_lowercase());
    let first = parts.next()?;
    let word = |part: &str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    ((2..=3).contains(&first.len()) && letters(first) && parts.all(word)).then_some(tag)
}

impl Cx<'_> {
    /// The language of this conversation: the customer's, else the channel's.
    pub(super) fn language(&self) -> Option<String> {
        self.policy.language_of(self.common).map(str::to_owned)
    }

    /// A rule of `language` understood the customer: the best guess, where nothing is known. Our texts are English anyway.
    pub(super) fn guess_language(&mut self, language: &str) {
        if language.is_empty() || language == "en" || self.language().is_some() {
            return;
        }
        self.common.language_from = LanguageFrom::Channel;
        self.common.customer.language = Some(language.to_owned());
        let customer = self.common.customer.clone();
        self.note(Fact::CustomerChanged { customer });
    }

    /// Settles the language by what the customer wrote, if nobody has settled it and it is long enough to tell.
    pub(super) fn settle_language(&mut self, body: &Body) {
        let open = match self.common.language_from {
            LanguageFrom::Nobody | LanguageFrom::Channel => true,
            LanguageFrom::Words | LanguageFrom::Agent => false,
        };
        // The title of a button is in our words.
        let pressed = matches!(body, Body::Choice { .. });
        if !open || pressed || self.channel().language.is_some() {
            return;
        }
        let Some(heard) = triage::spoken(body.text()) else {
            return;
        };
        self.common.language_from = LanguageFrom::Words;
        let known = self.common.customer.language.as_deref().map(primary);
        if known.as_deref() == Some(heard) {
            return;
        }
        self.common.customer.language = Some(heard.to_owned());
        let customer = self.common.customer.clone();
        self.note(Fact::CustomerChanged { customer });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_kept_in_lower_case_and_nonsense_is_none() {
        let check = |text: &str, tag: Option<&str>| {
            assert_eq!(language_tag(text).as_deref(), tag, "{text}");
        };
        check("es", Some("es"));
        check(" pt_BR ", Some("pt-br"));
        check("zh-Hant-TW", Some("zh-hant-tw"));
        check("", None);
        check("Spanish", None);
        check("e5", None);
        check("es-", None);
        check("es mx", None);
    }
}

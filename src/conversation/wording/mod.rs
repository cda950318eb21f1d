//! The bundled wording of every text that a customer can see, one room for each language.
//!
//! Nothing here claims to be a person, promises a time that was not given, or says "shortly". A house replaces single
//! texts in `[messages.LANGUAGE]`; a language that is not bundled falls back to English, text by text.

mod af;
mod de;
mod en;
mod es;
mod fr;
mod it;
mod nl;
mod pt;

use super::texts::TextKey;

/// The text of `key` in `language` (a primary subtag), where that is bundled.
pub(super) fn bundled(language: &str, key: TextKey) -> Option<&'static str> {
    Some(match language {
        "af" => af::text(key),
        "de" => de::text(key),
        "en" => en::text(key),
        "es" => es::text(key),
        "fr" => fr::text(key),
        "it" => it::text(key),
        "nl" => nl::text(key),
        "pt" => pt::text(key),
        _ => return None,
    })
}

/// The English text, used where nothing better is known.
pub(super) const fn english(key: TextKey) -> &'static str {
    en::text(key)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::placeholders::{Piece, check, piece};
    use super::*;
    use crate::triage::{Phrases, SPOKEN};

    /// The placeholders in `text`.
    fn slots(mut text: &str) -> BTreeSet<&str> {
        let mut slots = BTreeSet::new();
        while let Some(at) = text.find(['{', '}']) {
            let (found, length) = piece(&text[at..]).expect("checked");
            if let Piece::Slot(name) = found {
                slots.insert(name);
            }
            text = &text[at + length..];
        }
        slots
    }

    #[test]
    fn every_text_is_there_in_every_language_with_the_same_placeholders() {
        for language in SPOKEN {
            for key in TextKey::ALL {
                let text = bundled(language, *key).expect("a language that is bundled");
                assert_eq!(check(*key, text), Ok(()), "{language} {key:?}");
                assert_eq!(slots(text), slots(english(*key)), "{language} {key:?}");
            }
        }
    }

    #[test]
    fn no_language_borrows_the_words_of_another() {
        // the names of days and the name of the team may be alike
        for key in TextKey::ALL {
            for language in SPOKEN.into_iter().filter(|language| *language != "en") {
                let text = bundled(language, *key);
                assert!(text != Some(english(*key)), "{language} {key:?}: {text:?}");
            }
        }
    }

    #[test]
    fn the_buttons_of_an_offer_say_yes_and_no_in_every_language() {
        let phrases = Phrases::default();
        for language in SPOKEN {
            let title = |key| bundled(language, key).expect("bundled");
            let (yes, no) = (title(TextKey::OfferYes), title(TextKey::OfferNo));
            assert!(phrases.says_yes(yes).is_some(), "{language}: {yes}");
            assert!(phrases.says_no(no).is_some(), "{language}: {no}");
        }
    }
}

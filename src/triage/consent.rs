//! Whether an answer to an offer agrees or declines, in any of the bundled languages and with the usual slips.
//!
//! What is said first counts, up to the first comma or full stop: "yes, but first tell me …" agrees, "no, my number is
//! 12" declines. A word that agrees only by the way ("ok", "please", the Spanish "si" that is also "if") counts only
//! where nothing else follows it; otherwise the message is one like any other. Guessing wrong here gives somebody a
//! person they did not want, so whatever is unclear is no answer. Pure.

use super::normal::normalise;
use super::phrases::{Match, Phrases};
use super::wordings::{Automaton, List, Wording};

/// "Yes, but first tell me …" is an answer, a long story is not: the most words of what is said first.
const WORDS_MAX: usize = 8;

/// Words that agree wherever they begin an answer.
#[rustfmt::skip]
const STRONG: [&str; 31] = [
    "yes", "yess", "yea", "yeah", "yep", "yup", "yes please", "absolutely", "definitely", "of course", "go ahead", "please do", "no problem", "connect me",
    "si por favor", "si claro", "si quiero", "claro que si", "por supuesto", "no hay problema", "sim", "com certeza", "claro que sim",
    "oui", "bien sur", "avec plaisir", "ja", "ja bitte", "ja graag", "ja asseblief", "si grazie",
];
/// Words that change nothing behind an answer.
#[rustfmt::skip]
const COURTESIES: [&str; 32] = [
    "please", "pls", "plz", "thanks", "thank", "you", "thx", "now", "then", "that", "to", "a", "person", "human", "gracias", "favor", "obrigado", "obrigada", "merci", "grazie",
    "bitte", "danke", "dank", "dankie", "asseblief", "alstublieft", "sir", "dear", "so", "great", "good", "nice",
];

/// Words that turn an agreement round, or leave it open.
const DENIALS: &[&str] = &[
    "not", "no", "dont", "never", "nunca", "jamas", "nao", "non", "pas", "jamais", "nein", "nicht",
    "kein", "keine", "mai", "niet", "geen", "nee", "nie",
];

impl Phrases {
    /// Whether `text`, as an answer to an offer, agrees. In any language: many say "ok" who write another.
    pub fn says_yes(&self, text: &str) -> Option<Match> {
        if thumb(text, '👍') || thumb(text, '✅') {
            return Some(by_sign("👍"));
        }
        let compiled = self.compiled.of(self);
        let (said, wording) = first(compiled, text)?;
        // "of course not", "oui mais pas maintenant": whatever is unclear is no answer
        let rest = said.strip_prefix(&*wording.text).unwrap_or_default();
        let denied = rest.split_whitespace().any(|word| DENIALS.contains(&word));
        let said_yes = wording.list == List::Yes && !denied;
        let alone = said_yes && only_yes(compiled, &said, wording);
        // "ok?" asks back
        let asks = text.trim_end().ends_with('?');
        let strong = said_yes && STRONG.contains(&wording.text.trim());
        (strong || (alone && !asks)).then(|| self.found(wording))
    }

    /// Whether `text`, as an answer to an offer, declines; in any language.
    pub fn says_no(&self, text: &str) -> Option<Match> {
        if thumb(text, '👎') || thumb(text, '❌') {
            return Some(by_sign("👎"));
        }
        let (_, wording) = first(self.compiled.of(self), text)?;
        (wording.list == List::No).then(|| self.found(wording))
    }
}

/// What is said first, normalised, and the longest phrase of both lists that it begins with.
fn first<'a>(compiled: &'a Automaton, text: &str) -> Option<(String, &'a Wording)> {
    let parts = |c: char| {
        matches!(
            c,
            ',' | '.' | '!' | '?' | ';' | ':' | '\n' | '…' | '¡' | '¿'
        )
    };
    let said = text
        .split(parts)
        .map(normalise)
        .find(|part| !part.trim().is_empty())?;
    if said.split_whitespace().count() > WORDS_MAX {
        return None;
    }
    let wording = longest(compiled, &said).or_else(|| longest(compiled, &squeezed(&said)))?;
    Some((said, wording))
}

fn longest<'a>(compiled: &'a Automaton, said: &str) -> Option<&'a Wording> {
    compiled
        .answers
        .iter()
        .map(|i| &compiled.wordings[*i])
        .filter(|wording| said.starts_with(&wording.text))
        .max_by_key(|wording| wording.text.len())
}

/// Every letter that stands several times in a row, once: `yessss`, `siiii`, `noooo`.
fn squeezed(said: &str) -> String {
    let mut out = String::with_capacity(said.len());
    for c in said.chars() {
        if !out.ends_with(c) {
            out.push(c);
        }
    }
    out
}

/// Whether nothing but agreement and courtesies follows `wording` in what is said.
fn only_yes(compiled: &Automaton, said: &str, wording: &Wording) -> bool {
    let Some(mut rest) = said.strip_prefix(&*wording.text) else {
        // it was squeezed: one long word
        return said.split_whitespace().count() == wording.text.split_whitespace().count();
    };
    loop {
        let Some(word) = rest.split_whitespace().next() else {
            return true;
        };
        let border = format!(" {rest}");
        let next = longest(compiled, &border).filter(|next| next.list == List::Yes);
        rest = match next {
            Some(next) => &rest[next.text.len() - 1..],
            None if COURTESIES.contains(&word) => rest[word.len()..].trim_start(),
            None => return false,
        };
    }
}

/// Whether the message is this sign and nothing else, whatever the colour of its skin.
fn thumb(text: &str, sign: char) -> bool {
    let text = text.trim();
    text.starts_with(sign) && !text.contains(char::is_alphanumeric)
}

fn by_sign(sign: &str) -> Match {
    Match {
        rule: "sign".to_owned(),
        matched: sign.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, yes: bool, no: bool) {
        let phrases = Phrases::default();
        let said = (
            phrases.says_yes(text).is_some(),
            phrases.says_no(text).is_some(),
        );
        assert_eq!(said, (yes, no), "{text:?}");
    }

    #[test]
    fn agreement_is_heard_in_every_language_and_with_slips() {
        [
            "yes",
            "Yes please!",
            "YES",
            "yesss",
            "yeeees",
            "yse",
            "yea",
            "yep thanks",
            "ok",
            "ok thanks",
            "sure, thanks",
            "yes, but first tell me the price",
            "sure, why not",
            "yes connect me to a person",
            "no problem, connect me",
            "please",
            "ok yes please",
            "i would like that",
            "👍",
            "👍🏽",
            "go ahead",
            "Sí, por favor",
            "si",
            "siiii",
            "sí quiero",
            "claro que sí",
            "dale",
            "vale gracias",
            "sim",
            "Sim!",
            "quero sim",
            "pode ser",
            "oui",
            "ouiii",
            "d'accord",
            "je veux bien",
            "oui s'il vous plaît",
            "ja",
            "jaaa",
            "ja bitte",
            "gerne",
            "na klar",
            "sì grazie",
            "va bene",
            "certo",
            "ja graag",
            "doe maar",
            "prima",
            "ja asseblief",
            "asb",
        ]
        .into_iter()
        .for_each(|text| check(text, true, false));
    }

    #[test]
    fn a_refusal_is_heard_in_every_language_and_with_slips() {
        [
            "no",
            "No, thanks",
            "noooo",
            "nope",
            "nah",
            "not now",
            "never mind",
            "nvm",
            "maybe later",
            "no need",
            "👎",
            "no gracias",
            "ahora no",
            "mejor no",
            "não",
            "nao obrigado",
            "agora não",
            "non",
            "non merci",
            "pas la peine",
            "nein",
            "nein danke",
            "lieber nicht",
            "no grazie",
            "meglio di no",
            "nee",
            "nee hoor",
            "laat maar",
            "nee dankie",
            "los dit",
        ]
        .into_iter()
        .for_each(|text| check(text, false, true));
    }

    #[test]
    fn what_is_no_answer_is_none() {
        [
            "of course not",
            "absolutely not",
            "por supuesto que no",
            "com certeza não",
            "bien sûr que non",
            "ja nein",
            "yes no",
            "oui mais pas maintenant",
            "yesterday",
            "nothing works",
            "what are your prices",
            "si la factura no llega antes del lunes que debo hacer",
            "si no llega mañana",
            "ok so where is my order",
            "please tell me the price",
            "i would like to know the price",
            "quero saber o preço",
            "claro pero cuanto cuesta",
            "ok?",
            "bitte um eine rechnung",
            "",
            "?!",
            "good morning",
            "the yes button does not work",
            "fine print please",
        ]
        .into_iter()
        .for_each(|text| check(text, false, false));
    }
}

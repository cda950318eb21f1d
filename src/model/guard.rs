//! What the model must never say to a customer: the handoff tag, a promise that nobody authorised, a claim to be human.
//!
//! The tag is found here; everything else by the rules of the house ([`crate::triage`]), the same that the core holds the
//! whole answer against. It errs on the side of a person: an honest sentence that looks like a promise costs a handoff, a
//! promise that slips through leaves a customer waiting for nobody. It changes no text and decides nothing else. Pure.

use crate::conversation::question::Grounds;
use crate::triage::{AnswerFacts, Finding, Settings};

/// The tag of requirement R009, unless configured otherwise.
pub const TAG_DEFAULT: &str = "ESCALAR";
/// The longest tag, in bytes.
pub const TAG_BYTES_MAX: usize = 64;

/// What is wrong with a piece of text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Offence {
    /// It has the handoff tag in it.
    Tag,
    /// It breaks this rule: a promise of a person or of money, a price that nobody named, a claim to be a human.
    Rule(String),
}

/// The tag cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the handoff tag must have at most {TAG_BYTES_MAX} bytes and no spaces")]
pub struct BadTag;

/// Looks for offences. The default knows no tag and goes by the bundled rules.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Guard {
    tag: String,
    rules: Settings,
    grounds: Option<Grounds>,
}

impl Guard {
    /// A guard that knows this tag; an empty one is none.
    ///
    /// # Errors
    /// [`BadTag`] if the tag could be torn apart between two sentences.
    pub fn new(tag: &str) -> Result<Self, BadTag> {
        if tag.len() > TAG_BYTES_MAX || tag.contains(char::is_whitespace) {
            return Err(BadTag);
        }
        Ok(Self {
            tag: tag.to_owned(),
            ..Self::default()
        })
    }

    /// The same for one question: by the rules of the house, and with what the answer is to rest on.
    #[must_use]
    pub fn under(&self, rules: Settings, grounds: Option<Grounds>) -> Self {
        Self {
            tag: self.tag.clone(),
            rules,
            grounds,
        }
    }

    /// The first thing that is wrong with `text`, the tag before anything else.
    pub fn offence(&self, text: &str) -> Option<Offence> {
        if self.has_tag(text) {
            return Some(Offence::Tag);
        }
        let passages: Option<Vec<&str>> = self
            .grounds
            .as_ref()
            .map(|grounds| grounds.passages.iter().map(String::as_str).collect());
        let facts = AnswerFacts {
            chunks: passages.as_deref(),
            asked: self.grounds.as_ref().map_or("", |of| of.asked.as_str()),
            given: self.grounds.as_ref().map_or("", |of| of.given.as_str()),
            ..AnswerFacts::default()
        };
        let rules = self.rules.rules();
        let broken = rules.offence(text, &facts);
        broken.map(|Finding { rule, .. }| Offence::Rule(rule))
    }

    /// Whether the tag stands anywhere as a word of its own, spelt exactly; or alone on a line in any case and with any
    /// decoration. (In running text the case decides: "escalar" is a Spanish verb.)
    fn has_tag(&self, text: &str) -> bool {
        if self.tag.is_empty() {
            return false;
        }
        let letter = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        let exact = text.match_indices(&self.tag).any(|(at, tag)| {
            !letter(text[..at].chars().next_back())
                && !letter(text[at + tag.len()..].chars().next())
        });
        let bare = |text: &str| {
            text.trim_matches(|c: char| !c.is_alphanumeric())
                .to_lowercase()
        };
        exact
            || (!bare(&self.tag).is_empty()
                && text.lines().any(|line| bare(line) == bare(&self.tag)))
    }

    /// `text` without the tag and what came after it: what a person may read.
    pub fn before_tag<'a>(&self, text: &'a str) -> &'a str {
        match text.find(&self.tag) {
            Some(at) if !self.tag.is_empty() => text[..at].trim_end(),
            Some(_) | None => text.trim_end(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, want: Option<Offence>) {
        let guard = Guard::new(TAG_DEFAULT).expect("a good tag");
        assert_eq!(guard.offence(text), want, "{text}");
    }

    fn promise() -> Option<Offence> {
        Some(Offence::Rule("answer.promises_person".to_owned()))
    }

    fn human() -> Option<Offence> {
        Some(Offence::Rule("answer.claims_human".to_owned()))
    }

    #[test]
    fn the_tag_is_found_as_a_word() {
        for text in [
            "ESCALAR",
            "No sé. ESCALAR",
            "ok [ESCALAR]",
            "**ESCALAR**",
            "I can't.\nescalar.",
            "a ESCALAR b",
            "¡ESCALAR!",
        ] {
            check(text, Some(Offence::Tag));
        }
        for text in [
            "Es difícil de escalar.",
            "ESCALARON la montaña",
            "DESESCALAR",
            "",
            "MI_ESCALAR",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn promises_of_a_person_are_found_in_both_languages() {
        for text in [
            "I'm transferring you now.",
            "I’ll connect you with a colleague",
            "One moment, **transferring you** to sales",
            "I have escalated your case",
            "A human agent will help you",
            "Le paso con un compañero.",
            "Te pongo en contacto con ventas",
            "Un agente se pondrá en contacto con usted",
            "En breve le atenderá una persona",
            "I WILL TRANSFER YOU",
        ] {
            check(text, promise());
        }
        for text in [
            "I am not transferring you anywhere.",
            "The bank transfers the refund in 7 days.",
            "You can pay by bank transfer.",
            "Collect it in the shop and a colleague will look into it.",
            "¿Quiere que le ayude con la devolución?",
            "If you want to talk to a person, just say so.",
            "La lámpara se conecta con un cable.",
            "The notified party is the buyer.",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn claims_to_be_human_are_found_in_both_languages() {
        for text in [
            "Yes, I am a human.",
            "I'm a real person named Ana",
            "Don't worry, I'm not a bot!",
            "Soy una persona real",
            "No, soy humano.",
            "no soy un robot",
            "As a human agent, I understand",
        ] {
            check(text, human());
        }
        for text in [
            "I am not a human, I am an automated assistant.",
            "No soy humano, soy un asistente automático.",
            "No soy una persona.",
            "I'm an automated assistant.",
            "I'm not a human.",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn promises_of_money_and_unknown_prices_are_found() {
        let guard = Guard::new("").expect("none");
        let rule = |guard: &Guard, text: &str| match guard.offence(text) {
            Some(Offence::Rule(rule)) => rule,
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(
            rule(&guard, "We will refund you the full amount."),
            "answer.promises_refund"
        );
        assert_eq!(
            guard.offence("It costs 900 euros."),
            None,
            "nothing was looked up"
        );
        let grounds = Grounds {
            asked: "what does it cost".to_owned(),
            passages: vec!["The lamp costs 40 euros.".to_owned()],
            given: "Shipping costs 12 euros.".to_owned(),
        };
        let guard = guard.under(Settings::default(), Some(grounds));
        assert_eq!(rule(&guard, "It costs 900 euros."), "answer.price");
        assert_eq!(guard.offence("It costs 40 euros."), None);
        assert_eq!(guard.offence("Shipping is 12 euros."), None);
    }

    #[test]
    fn a_tag_with_spaces_is_refused_and_none_is_allowed() {
        assert_eq!(Guard::new("TWO WORDS"), Err(BadTag));
        assert_eq!(Guard::new(&"x".repeat(65)), Err(BadTag));
        let none = Guard::new("").expect("none");
        assert_eq!(none.offence("anything. at all"), None);
        let odd = Guard::new("[[HUMAN.PLEASE]]").expect("odd");
        assert_eq!(odd.offence("ok [[HUMAN.PLEASE]]"), Some(Offence::Tag));
    }

    #[test]
    fn what_a_person_may_read_has_no_tag() {
        let guard = Guard::new(TAG_DEFAULT).expect("a good tag");
        assert_eq!(
            guard.before_tag("The customer is lost.\nESCALAR"),
            "The customer is lost."
        );
        assert_eq!(guard.before_tag("nothing"), "nothing");
    }
}

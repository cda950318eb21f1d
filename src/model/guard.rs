//! What the model must never say to a customer: the handoff tag, a promise of a person, a claim to be human.
//!
//! Looks at plain text, one piece at a time; word lists for English and Spanish, compared without case, accents and
//! apostrophes. It errs on the side of a person: an honest sentence that looks like a promise costs a handoff, a promise
//! that slips through leaves a customer waiting for nobody. It changes no text and decides nothing else. Pure.

/// The tag of requirement R009, unless configured otherwise.
pub const TAG_DEFAULT: &str = "ESCALAR";
/// The longest tag, in bytes.
pub const TAG_BYTES_MAX: usize = 64;

/// What is wrong with a piece of text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Offence {
    /// It has the handoff tag in it.
    Tag,
    /// It promises a person.
    Promise,
    /// It claims to be a human.
    ClaimsHuman,
}

/// The tag cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the handoff tag must have at most {TAG_BYTES_MAX} bytes and no spaces")]
pub struct BadTag;

/// Looks for offences. The default knows no tag.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Guard {
    tag: String,
}

/// Promises of a person. Folded: lower case, no accents, apostrophes as spaces.
const PROMISES: [&str; 92] = [
    "i am transferring",
    "i m transferring",
    "i will transfer",
    "i ll transfer",
    "transferring you",
    "let me transfer you",
    "i have transferred",
    "i ve transferred",
    "you are being transferred",
    "you re being transferred",
    "you will be transferred",
    "i am connecting you",
    "i m connecting you",
    "i will connect you",
    "i ll connect you",
    "connecting you with",
    "connecting you to",
    "let me connect you",
    "i am handing you",
    "i m handing you",
    "i will hand you",
    "i ll hand you",
    "i am passing you",
    "i m passing you",
    "i will pass you",
    "i ll pass you",
    "i am putting you through",
    "i m putting you through",
    "i ll put you through",
    "i will put you through",
    "i have notified",
    "i ve notified",
    "i have escalated",
    "i ve escalated",
    "i am escalating",
    "i m escalating",
    "i will escalate",
    "i ll escalate",
    "i ll get a person",
    "i will get a person",
    "i ll get a colleague",
    "i will get a colleague",
    "i am fetching a",
    "i m fetching a",
    "a colleague will contact",
    "a colleague will be with you",
    "a colleague will get back",
    "a colleague will take over",
    "a human agent will",
    "an agent will be with you",
    "an agent will contact",
    "an agent will take over",
    "a person will be with you",
    "a person will contact",
    "someone will be with you",
    "someone will contact you",
    "someone will get back to you",
    "a representative will",
    "our team will contact you",
    "our team will get back to you",
    "le paso con",
    "te paso con",
    "le voy a pasar con",
    "te voy a pasar con",
    "le voy a transferir",
    "te voy a transferir",
    "le transfiero",
    "te transfiero",
    "le estoy transfiriendo",
    "te estoy transfiriendo",
    "transfiriendole",
    "transfiriendote",
    "le comunico con",
    "te comunico con",
    "le conecto con",
    "te conecto con",
    "le pongo en contacto",
    "te pongo en contacto",
    "le derivo",
    "te derivo",
    "he avisado a",
    "he escalado",
    "voy a escalar",
    "un agente le",
    "un agente te",
    "un agente se pondra",
    "un companero le",
    "un companero te",
    "una persona le",
    "una persona te",
    "le atendera",
    "te atendera",
];

/// Claims to be human. Folded likewise.
const HUMAN: [&str; 40] = [
    "i am human",
    "i m human",
    "i am a human",
    "i m a human",
    "i am a real",
    "i m a real",
    "i am a person",
    "i m a person",
    "i am an actual human",
    "i m an actual human",
    "i am an actual person",
    "i m an actual person",
    "as a human agent",
    "as a human being",
    "i am not a bot",
    "i m not a bot",
    "i am not a robot",
    "i m not a robot",
    "i am not a machine",
    "i m not a machine",
    "i am not an ai",
    "i m not an ai",
    "i am not a chatbot",
    "i m not a chatbot",
    "i am not an automated",
    "i m not an automated",
    "soy humano",
    "soy humana",
    "soy un humano",
    "soy una humana",
    "soy una persona",
    "soy un ser humano",
    "como agente humano",
    "como humano",
    "no soy un bot",
    "no soy un robot",
    "no soy una maquina",
    "no soy una ia",
    "no soy una inteligencia",
    "no soy un asistente virtual",
];

/// Words before a phrase that turn it round. (A comma between is its own word, so "no, soy humano" stays a claim.)
const NOT: [&str; 6] = ["not", "no", "never", "nunca", "without", "sin"];

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
        })
    }

    /// The first thing that is wrong with `text`, the tag before anything else.
    pub fn offence(&self, text: &str) -> Option<Offence> {
        if self.has_tag(text) {
            return Some(Offence::Tag);
        }
        let folded = fold(text);
        if PROMISES.iter().any(|phrase| says(&folded, phrase)) {
            return Some(Offence::Promise);
        }
        HUMAN
            .iter()
            .any(|phrase| says(&folded, phrase))
            .then_some(Offence::ClaimsHuman)
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

/// Lower case, accents off, words and marks separated by single spaces, a space at both ends.
fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len() + 16);
    folded.push(' ');
    for c in text.chars().flat_map(char::to_lowercase) {
        let plain = match c {
            'á' | 'à' | 'ä' | 'â' => 'a',
            'é' | 'è' | 'ë' | 'ê' => 'e',
            'í' | 'ì' | 'ï' | 'î' => 'i',
            'ó' | 'ò' | 'ö' | 'ô' => 'o',
            'ú' | 'ù' | 'ü' | 'û' => 'u',
            'ñ' => 'n',
            other => other,
        };
        match plain {
            c if c.is_alphanumeric() => folded.push(c),
            ',' | '.' | ';' | ':' | '!' | '?' | '¿' | '¡' | '。' | '！' | '？' => {
                folded.push_str(" , ")
            }
            // decoration inside a phrase must not hide it
            '*' | '_' | '\u{200b}' | '\u{ad}' => {}
            _ => folded.push(' '),
        }
    }
    folded.push(' ');
    let words: Vec<&str> = folded.split_whitespace().collect();
    format!(" {} ", words.join(" "))
}

fn says(folded: &str, phrase: &str) -> bool {
    folded.match_indices(phrase).any(|(at, _)| {
        let (before, after) = (&folded[..at], &folded[at + phrase.len()..]);
        let whole = before.ends_with(' ') && after.starts_with(' ');
        whole
            && !before
                .split_whitespace()
                .next_back()
                .is_some_and(|word| NOT.contains(&word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, want: Option<Offence>) {
        let guard = Guard::new(TAG_DEFAULT).expect("a good tag");
        assert_eq!(guard.offence(text), want, "{text}");
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
            check(text, Some(Offence::Promise));
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
            check(text, Some(Offence::ClaimsHuman));
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

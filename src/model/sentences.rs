//! The gate between a streaming model and the customer: whole sentences, each one passed by the guard.
//!
//! A sentence ends at `.`, `!` or `?` before white space, or at a line's end. Until it has ended nothing of it is released, so that neither half a promise nor half a tag is ever shown, however the model's pieces are cut. After the guard fired the
//! gate stays shut. What is released depends only on the text, never on how it came. Pure.

use super::guard::{Guard, Offence};

/// What a piece of the stream led to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Released {
    /// Sentences that may be shown, in order. Joined they are the text from where the last release ended.
    pub sentences: Vec<String>,
    /// The guard fired on what came after them: its kind and the sentence held back. Nothing will be released any more.
    pub stopped: Option<(Offence, String)>,
}

/// How much of a line that ended without a mark is read again with the next line, in bytes: longer than any phrase.
const TAIL_BYTES_MAX: usize = 200;

/// The gate's state between two pieces.
#[derive(Debug)]
pub struct Gate<'a> {
    guard: &'a Guard,
    /// What came and is not released. Bounded by the bound of an answer.
    held: String,
    /// Up to where `held` was searched for an end.
    searched: usize,
    /// Released words of a sentence that went on over a line's end.
    tail: String,
    begun: bool,
    shut: bool,
}

impl<'a> Gate<'a> {
    /// A gate with this guard.
    pub fn new(guard: &'a Guard) -> Self {
        Self {
            guard,
            held: String::new(),
            searched: 0,
            tail: String::new(),
            begun: false,
            shut: false,
        }
    }

    /// Whether nothing has come yet.
    pub fn is_fresh(&self) -> bool {
        !self.begun && !self.shut && self.held.is_empty()
    }

    /// Takes the next piece of the stream.
    pub fn feed(&mut self, piece: &str) -> Released {
        let mut released = Released::default();
        if self.shut {
            return released;
        }
        self.held.push_str(piece);
        while let Some(end) = self.end_of_sentence() {
            self.searched = 0;
            let rest = self.held.split_off(end);
            let sentence = std::mem::replace(&mut self.held, rest);
            self.pass(sentence, &mut released);
            if self.shut {
                break;
            }
        }
        released
    }

    /// The stream has ended well: the rest.
    pub fn finish(&mut self) -> Released {
        let mut released = Released::default();
        if !self.shut {
            let rest = std::mem::take(&mut self.held);
            self.pass(rest.trim_end().to_owned(), &mut released);
        }
        released
    }

    fn pass(&mut self, sentence: String, released: &mut Released) {
        if let Some(offence) = self.guard.offence(&format!("{}{sentence}", self.tail)) {
            self.shut = true;
            self.held.clear();
            released.stopped = Some((offence, sentence.trim().to_owned()));
            return;
        }
        // no white space before the first word, and never white space alone
        let sentence = if self.begun {
            sentence
        } else {
            sentence.trim_start().to_owned()
        };
        if sentence.trim().is_empty() {
            self.held.insert_str(0, &sentence);
            self.searched = sentence.len();
            return;
        }
        self.begun = true;
        self.tail.push_str(&sentence);
        if ends(&sentence) {
            self.tail.clear();
        } else if self.tail.len() > TAIL_BYTES_MAX {
            let from = self
                .tail
                .ceil_char_boundary(self.tail.len() - TAIL_BYTES_MAX);
            self.tail.drain(..from);
        }
        released.sentences.push(sentence);
    }

    /// Where the first sentence of `held` ends, if it has ended.
    fn end_of_sentence(&mut self) -> Option<usize> {
        for (at, c) in self.held[self.searched..].char_indices() {
            let at = self.searched + at;
            let before = &self.held[..at];
            let ended = c == '\n' || (c.is_whitespace() && ends(before));
            let end = before.trim_end().len();
            if ended && end > 0 {
                return Some(end);
            }
        }
        self.searched = self.held.len();
        None
    }
}

/// Whether `text` ends with a mark that ends a sentence, and what may close after it.
fn ends(text: &str) -> bool {
    text.trim_end_matches(['"', '”', '»', ')', '*', '\''])
        .ends_with(['.', '!', '?', '。', '！', '？'])
}

/// `text` cut into its sentences, as the gate cuts it; joined they are the text, trimmed.
pub fn split(text: &str) -> Vec<String> {
    let nothing = Guard::default();
    let mut gate = Gate::new(&nothing);
    let mut sentences = Vec::new();
    let text = text.trim();
    let mut from = 0;
    gate.held.push_str(text);
    while let Some(end) = gate.end_of_sentence() {
        sentences.push(text[from..from + end].to_owned());
        from += end;
        gate.held = text[from..].to_owned();
        gate.searched = 0;
    }
    sentences.push(text[from..].to_owned());
    sentences.retain(|sentence| !sentence.is_empty());
    sentences
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::guard::TAG_DEFAULT;
    use super::*;

    fn promise() -> Offence {
        Offence::Rule("answer.promises_person".to_owned())
    }

    fn human() -> Offence {
        Offence::Rule("answer.claims_human".to_owned())
    }

    fn guard() -> Guard {
        Guard::new(TAG_DEFAULT).expect("a good tag")
    }

    fn run(pieces: &[&str]) -> (Vec<String>, Option<(Offence, String)>) {
        let guard = guard();
        let mut gate = Gate::new(&guard);
        let (mut sentences, mut stopped) = (Vec::new(), None);
        let mut all: Vec<Released> = pieces.iter().map(|piece| gate.feed(piece)).collect();
        all.push(gate.finish());
        for released in all {
            assert!(
                stopped.is_none() || released == Released::default(),
                "something came after the stop"
            );
            sentences.extend(released.sentences);
            stopped = stopped.or(released.stopped);
        }
        (sentences, stopped)
    }

    fn check(text: &str, sentences: &[&str], offence: Option<Offence>) {
        let (got, stopped) = run(&[text]);
        assert_eq!(got, sentences, "{text:?}");
        assert_eq!(stopped.map(|(offence, _)| offence), offence, "{text:?}");
    }

    #[test]
    fn sentences_are_released_whole_and_join_to_the_text() {
        check(
            " Hi there. It costs 4.90 EUR! Ok?\n\n- a\n- b ",
            &[
                "Hi there.",
                " It costs 4.90 EUR!",
                " Ok?",
                "\n\n- a",
                "\n- b",
            ],
            None,
        );
        check("", &[], None);
        check(" \n \n", &[], None);
        check("no end", &["no end"], None);
        check(
            "(Yes.) \"No.\" (or) End",
            &["(Yes.)", " \"No.\"", " (or) End"],
            None,
        );
    }

    #[test]
    fn nothing_of_a_suspicious_sentence_or_after_it_is_released() {
        check(
            "We open at 10. I'm transferring you now. Bye.",
            &["We open at 10."],
            Some(promise()),
        );
        check("No lo sé.\nESCALAR", &["No lo sé."], Some(Offence::Tag));
        check("Claro, ESCALAR. Adiós.", &[], Some(Offence::Tag));
        check("Yes, I am a human", &[], Some(human()));
        check(
            "I am *definitely* a human\nok",
            &["I am *definitely* a human", "\nok"],
            None,
        );
        check("Ok.\nI am\na human", &["Ok.", "\nI am"], Some(human()));
    }

    #[test]
    fn nothing_is_released_before_a_sentence_has_ended() {
        let guard = guard();
        let mut gate = Gate::new(&guard);
        for piece in ["I", "'m tra", "nsferring", " you", "."] {
            assert_eq!(gate.feed(piece), Released::default(), "{piece}");
        }
        let stopped = gate.feed(" ").stopped.expect("the guard fires");
        assert_eq!(stopped, (promise(), "I'm transferring you.".to_owned()));
        assert_eq!(gate.feed("More. "), Released::default());
        assert_eq!(gate.finish(), Released::default());
    }

    #[test]
    fn splitting_joins_to_the_text() {
        let text = "One. Two!\n\nThree 4.5";
        assert_eq!(split(text), ["One.", " Two!", "\n\nThree 4.5"]);
        assert_eq!(split("  "), Vec::<String>::new());
    }

    fn word() -> impl Strategy<Value = &'static str> {
        prop_oneof![
            Just("ESCALAR"),
            Just("ESCALAR."),
            Just("I'm"),
            Just("transferring"),
            Just("you."),
            Just("¿Qué?"),
            Just("ok"),
            Just("escalar"),
            Just("le"),
            Just("paso"),
            Just("con"),
            Just("Ana!"),
            Just("\n"),
            Just("4.90"),
            Just("!)"),
            Just("\t"),
        ]
    }

    proptest! {
        #[test]
        fn however_the_text_is_cut_the_same_is_released_and_never_the_tag(
            words in prop::collection::vec((word(), prop_oneof![Just(" "), Just(""), Just("\n"), Just(", ")]), 0..24),
            cuts in prop::collection::vec(0_usize..240, 0..12),
        ) {
            let text: String = words.iter().map(|(word, gap)| format!("{word}{gap}")).collect();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| text.floor_char_boundary(cut.min(text.len()))).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&str> = cuts.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect();
            let letters: Vec<String> = text.chars().map(String::from).collect();
            let letters: Vec<&str> = letters.iter().map(String::as_str).collect();
            let whole = run(&[&text]);
            prop_assert_eq!(&run(&pieces), &whole);
            prop_assert_eq!(&run(&letters), &whole);
            let shown = whole.0.concat();
            prop_assert_eq!(guard().offence(&shown), None, "{:?}", shown);
            prop_assert!(text.trim_start().starts_with(&shown));
            if whole.1.is_none() {
                prop_assert_eq!(shown, text.trim());
            }
        }
    }
}

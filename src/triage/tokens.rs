//! A message as words: folded, with what punctuation and capitals said about them.
//!
//! Only the first and the last words of a very long message are looked at, so that the time is bounded. An apostrophe
//! joins (`don't` is `dont`), but parts the elided words of French and Italian (`l'operatore` is two words).

use super::normal::{fold, is_mark};

/// Words read from the beginning.
pub(super) const FIRST_MAX: usize = 400;
/// Words read from the end, where there are more.
pub(super) const LAST_MAX: usize = 200;
/// A longer word is cut: no word of ours is as long.
pub(super) const WORD_BYTES_MAX: usize = 32;
/// Bytes read from each end; a word and its border are less than 16 bytes on average in every bundled language.
const EDGE_BYTES: usize = 8 * 1024;

/// One word.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    start: u32,
    end: u32,
    /// Punctuation that ends a thought stands before it.
    pub(super) apart: bool,
    /// Joined to the word before it by a hyphen.
    pub(super) hyphen: bool,
    /// Letters and digits, or an `@` between letters.
    pub(super) mixed: bool,
    /// Two letters or more, all of them capitals.
    pub(super) shouted: bool,
}

/// A message, cut into words.
#[derive(Debug, Default)]
pub(super) struct Words {
    text: String,
    /// In order.
    pub(super) tokens: Vec<Token>,
    /// How many question marks there are.
    pub(super) questions: u32,
    /// How many exclamation marks.
    pub(super) exclamations: u32,
}

impl Words {
    /// The folded letters of word `i`.
    pub(super) fn word(&self, i: usize) -> &str {
        let token = &self.tokens[i];
        &self.text[token.start as usize..token.end as usize]
    }

    /// Words `from..=to` with single spaces, in at most 120 bytes.
    pub(super) fn span(&self, from: usize, to: usize) -> String {
        let mut out = String::new();
        for i in from..=to.min(self.tokens.len().saturating_sub(1)) {
            if out.len() + self.word(i).len() > 120 {
                break;
            }
            if !out.is_empty() {
                out.push(' ');
            }
            out.push_str(self.word(i));
        }
        out
    }

    /// Cuts `text` into words.
    pub(super) fn of(text: &str) -> Self {
        let mut words = Self::default();
        if text.len() <= 2 * EDGE_BYTES {
            words.read(text);
        } else {
            words.read(&text[..text.floor_char_boundary(EDGE_BYTES)]);
            words.tokens.truncate(FIRST_MAX);
            words.read(&text[text.ceil_char_boundary(text.len() - EDGE_BYTES)..]);
        }
        let count = words.tokens.len();
        if count > FIRST_MAX + LAST_MAX {
            words.tokens.drain(FIRST_MAX..count - LAST_MAX);
            words.tokens[FIRST_MAX].apart = true;
        }
        words
    }

    fn read(&mut self, text: &str) {
        self.text.reserve(text.len() + 8);
        let mut open = Open::new(self.text.len(), true);
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            if c.is_ascii_alphanumeric() {
                open.take(c);
                self.text.push(c.to_ascii_lowercase());
            } else if is_mark(c) {
            } else if c.is_alphanumeric() {
                open.take(c);
                fold(c, &mut self.text);
            } else if matches!(c, '\'' | '’' | 'ʼ' | '`' | '´' | '‘') {
                if is_elided(&self.text[open.start..]) {
                    self.close(&mut open, false);
                }
            } else if matches!(c, '@' | '$')
                && self.text.len() > open.start
                && chars.peek().is_some_and(|n| n.is_alphabetic())
            {
                open.take('0');
                self.text.push('a');
            } else {
                let next = chars.peek().copied().unwrap_or(' ');
                self.close(&mut open, ends_thought(c, next));
                open.hyphen = c == '-' && next.is_alphanumeric();
                self.questions += u32::from(c == '?');
                self.exclamations += u32::from(c == '!');
            }
        }
        self.close(&mut open, true);
    }

    fn close(&mut self, open: &mut Open, ends: bool) {
        let end = self.text.len();
        if end > open.start {
            let most = self
                .text
                .floor_char_boundary(end.min(open.start + WORD_BYTES_MAX));
            self.tokens.push(Token {
                start: u32::try_from(open.start).unwrap_or(u32::MAX),
                end: u32::try_from(most).unwrap_or(u32::MAX),
                apart: open.apart,
                hyphen: open.hyphen,
                mixed: open.digits && open.letters > 0,
                shouted: open.letters > 1 && open.capitals == open.letters,
            });
            *open = Open::new(end, ends);
        } else {
            open.apart |= ends;
        }
    }
}

/// The word being read.
struct Open {
    start: usize,
    apart: bool,
    hyphen: bool,
    digits: bool,
    letters: u32,
    capitals: u32,
}

impl Open {
    const fn new(start: usize, apart: bool) -> Self {
        Self {
            start,
            apart,
            hyphen: false,
            digits: false,
            letters: 0,
            capitals: 0,
        }
    }

    fn take(&mut self, c: char) {
        if c.is_numeric() {
            self.digits = true;
        } else {
            self.letters += 1;
            self.capitals += u32::from(c.is_uppercase());
        }
    }
}

fn ends_thought(c: char, next: char) -> bool {
    match c {
        ',' | '.' | ':' => !next.is_ascii_digit(),
        '!' | '?' | '¿' | '¡' | ';' | '\n' | '…' | '(' | ')' | '|' | '—' | '–' | '"' | '“'
        | '”' | '«' | '»' => true,
        c => u32::from(c) >= 0x2600, // emoji and the like
    }
}

/// Words that French and Italian write before an apostrophe.
fn is_elided(word: &str) -> bool {
    matches!(
        word,
        "l" | "d"
            | "j"
            | "m"
            | "n"
            | "s"
            | "t"
            | "c"
            | "qu"
            | "un"
            | "dell"
            | "all"
            | "dall"
            | "nell"
            | "sull"
            | "lorsqu"
            | "jusqu"
            | "puisqu"
            | "dov"
            | "com"
            | "cos"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_folded_and_parted() {
        let check = |text: &str, expected: &[&str]| {
            let words = Words::of(text);
            let found: Vec<&str> = (0..words.tokens.len()).map(|i| words.word(i)).collect();
            assert_eq!(found, expected, "{text:?}");
        };
        check("", &[]);
        check("I don't WANT it!", &["i", "dont", "want", "it"]);
        check("l'operatore è quì", &["l", "operatore", "e", "qui"]);
        check("quelqu'un", &["quelquun"]);
        check("'n mens", &["n", "mens"]);
        check("t@lk @home", &["talk", "home"]);
    }

    #[test]
    fn a_long_message_is_read_at_both_ends() {
        let text = format!("begin {} end", "word ".repeat(20_000));
        let words = Words::of(&text);
        assert!(words.tokens.len() <= FIRST_MAX + LAST_MAX);
        assert_eq!(words.word(0), "begin");
        assert_eq!(words.word(words.tokens.len() - 1), "end");
    }
}

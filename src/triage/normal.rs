//! Text made comparable: lower case, accents folded, words parted by single spaces.
//!
//! Apostrophes join (`don't` is `dont`), every other punctuation parts, except a slash that begins a word, which
//! makes it a command (`/end`). Letters of other scripts are kept as they are. Unicode's own normalisation is not
//! needed: only what keyboards of the bundled languages produce is folded, and combining marks are dropped.

use std::iter::Peekable;
use std::str::Chars;

/// `text` as ` word word word `, with a space at both ends so that every word has a border on each side.
pub(super) fn normalise(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push(' ');
    let mut chars = text.chars().peekable();
    while next_word(&mut chars, &mut out) {
        out.push(' ');
    }
    out
}

/// Puts the next word of `chars` behind `out`, normalised. Says whether there was one.
pub(super) fn next_word(chars: &mut Peekable<Chars<'_>>, out: &mut String) -> bool {
    let start = out.len();
    while let Some(c) = chars.next() {
        let begun = out.len() > start;
        match c {
            '\'' | '’' | 'ʼ' | '`' | '´' => {}
            '/' if !begun && chars.peek().is_some_and(|n| n.is_alphabetic()) => out.push('/'),
            c if is_mark(c) => {}
            c if c.is_alphanumeric() => fold(c, out),
            _ if begun => return true,
            _ => {}
        }
    }
    out.len() > start
}

/// Combining accents, and characters without width that some keyboards and copy-paste leave behind.
pub(super) fn is_mark(c: char) -> bool {
    matches!(c, '\u{0300}'..='\u{036f}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' | '\u{00ad}')
}

pub(super) fn fold(c: char, out: &mut String) {
    if c.is_ascii() {
        out.push(c.to_ascii_lowercase());
        return;
    }
    for c in c.to_lowercase() {
        match c {
            'à'..='å' | 'ā' | 'ă' | 'ą' | 'ª' => out.push('a'),
            'æ' => out.push_str("ae"),
            'ç' | 'ć' | 'č' => out.push('c'),
            'è'..='ë' | 'ē' | 'ę' | 'ě' => out.push('e'),
            'ì'..='ï' | 'ī' | 'ı' => out.push('i'),
            'ñ' | 'ń' | 'ň' => out.push('n'),
            'ò'..='ö' | 'ø' | 'ō' | 'ő' | 'º' => out.push('o'),
            'œ' => out.push_str("oe"),
            'ś' | 'š' => out.push('s'),
            'ß' => out.push_str("ss"),
            'ù'..='ü' | 'ū' | 'ů' | 'ű' => out.push('u'),
            'ý' | 'ÿ' => out.push('y'),
            'ź' | 'ż' | 'ž' => out.push('z'),
            // `İ` becomes `i` and a combining dot
            c if is_mark(c) => {}
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::normalise;

    #[test]
    fn case_accents_and_punctuation_fall_away() {
        let check = |text: &str, expected: &str| assert_eq!(normalise(text), expected, "{text:?}");
        check("", " ");
        check("  Talk,   to a PERSON!!", " talk to a person ");
        check("I don’t", " i dont ");
        check("¿Puedo hablar con Él?", " puedo hablar con el ");
        check("a\u{0301}gil STRASSE straße", " agil strasse strasse ");
        check("/end", " /end ");
        check(
            "and/or 24/7",
            " and /or 24 7 ".replace(" /or", " or").as_str(),
        );
        check("per\u{200b}son", " person ");
        check("человек", " человек ");
        check("İ", " i ");
    }
}

//! How words are written that are not written as they stand in a dictionary: digits for letters, letters held down; and
//! how the data files write several words as one.

use super::normal::normalise;

/// Whether `c` is a vowel of the Latin alphabet.
pub(super) const fn is_vowel(c: char) -> bool {
    matches!(c, 'a' | 'e' | 'i' | 'o' | 'u' | 'y')
}

/// Digits that stand for letters: `hum4n`.
pub(super) fn letters_for_digits(word: &str) -> String {
    let letter = |c| match c {
        '0' => 'o',
        '1' => 'i',
        '3' => 'e',
        '4' => 'a',
        '5' => 's',
        '7' => 't',
        other => other,
    };
    word.chars().map(letter).collect()
}

/// Whether a letter stands three times in a row.
pub(super) fn is_held(word: &str) -> bool {
    word.as_bytes()
        .windows(3)
        .any(|w| w[0] == w[1] && w[1] == w[2])
}

/// `word` with no letter more than `most` times in a row.
pub(super) fn release(word: &str, most: usize) -> String {
    let mut out = String::with_capacity(word.len());
    let (mut last, mut run) = ('\0', 0);
    for c in word.chars() {
        run = if c == last { run + 1 } else { 1 };
        last = c;
        if run <= most {
            out.push(c);
        }
    }
    out
}

/// `stem(a|b|)` as `stema`, `stemb`, `stem`; folded.
pub(super) fn spread(word: &str) -> Vec<String> {
    let fold = |word: &str| normalise(word).trim().to_owned();
    match word.split_once('(') {
        Some((stem, endings)) => {
            let (endings, tail) = endings.split_once(')').unwrap_or((endings, ""));
            endings
                .split('|')
                .map(|ending| fold(&format!("{stem}{ending}{tail}")))
                .collect()
        }
        None => vec![fold(word)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stem_spreads() {
        assert_eq!(spread("pása(me|nos|)"), ["pasame", "pasanos", "pasa"]);
        assert_eq!(spread("x"), ["x"]);
    }

    #[test]
    fn held_letters_are_released() {
        assert!(is_held("pleeease") && !is_held("agreement"));
        assert_eq!(release("pleeease", 1), "please");
        assert_eq!(release("heeello", 2), "heello");
        assert_eq!(letters_for_digits("4g3n7"), "agent");
    }
}

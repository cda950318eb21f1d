//! Cutting text to a provider's measure, and never inside a character.
//!
//! [`cut`] shortens what a customer wrote to what Segue keeps; [`split`] breaks what we say into parts that a
//! provider takes. Neither changes a word: a seam loses only the white space at it.

/// What stands at the end of a text that was cut.
pub const CUT_MARK: &str = "…";

/// How far back a seam may move so as not to tear an emoji made of several characters, in characters.
const SEAM_STEPS_MAX: usize = 32;

/// `text`, or as much of it as fits into `max` bytes with [`CUT_MARK`] at its end.
pub fn cut(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(max.saturating_sub(CUT_MARK.len()));
    format!("{}{CUT_MARK}", &text[..end])
}

/// `text` in parts of at most `max` UTF-16 units each, which is how providers count: an emoji is two.
/// Parts end at a sentence if one ends in the second half of the part, else at a word, else at a character.
pub fn split(text: &str, max: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(limit) = byte_limit(rest, max) {
        let at = seam(&rest[..limit], rest);
        let (part, after) = rest.split_at(at);
        let part = part.trim_end();
        if !part.is_empty() {
            parts.push(part);
        }
        rest = after.trim_start();
    }
    if !rest.is_empty() || parts.is_empty() {
        parts.push(rest);
    }
    parts
}

/// Where the first `max` UTF-16 units of `text` end, in bytes; `None` when all of it fits.
fn byte_limit(text: &str, max: usize) -> Option<usize> {
    // A text has at least one byte for each of its UTF-16 units.
    if text.len() <= max {
        return None;
    }
    let mut units = 0;
    for (at, c) in text.char_indices() {
        units += c.len_utf16();
        if units > max {
            // `max` below two could otherwise make no progress on an emoji.
            return Some(if at == 0 { c.len_utf8() } else { at });
        }
    }
    None
}

/// The best place to end a part that begins `whole` and may be as long as `window`; never 0.
fn seam(window: &str, whole: &str) -> usize {
    let half = window.len() / 2;
    let sentence = window
        .char_indices()
        .zip(whole.chars().skip(1))
        .filter(|&((_, c), next)| {
            c == '\n' || c == '。' || (matches!(c, '.' | '!' | '?' | '…') && next.is_whitespace())
        })
        .map(|((at, c), _)| at + c.len_utf8())
        .last();
    if let Some(at) = sentence.filter(|&at| at > half) {
        return at;
    }
    // A word may also end exactly at the window's end.
    if whole[window.len()..].starts_with(char::is_whitespace) {
        return window.len();
    }
    if let Some(at) = window.rfind(char::is_whitespace).filter(|&at| at > half) {
        return at;
    }
    between_clusters(window.len(), whole)
}

/// Moves `at` back until it does not stand inside something that is shown as one character.
fn between_clusters(at: usize, whole: &str) -> usize {
    let mut place = at;
    for _ in 0..SEAM_STEPS_MAX {
        let Some(before) = whole[..place].chars().next_back() else {
            return at;
        };
        let joined = before == JOINER || whole[place..].starts_with(clings);
        if !joined {
            return place;
        }
        place -= before.len_utf8();
    }
    at
}

/// Glues two emoji into one.
const JOINER: char = '\u{200d}';

/// Whether `c` belongs to the character before it: joiners, variation selectors, skin tones, combining marks.
fn clings(c: char) -> bool {
    matches!(c,
        JOINER
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{1f3fb}'..='\u{1f3ff}'
        | '\u{0300}'..='\u{036f}'
        | '\u{20d0}'..='\u{20ff}'
        | '\u{e0020}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_split(text: &str, max: usize, parts: &[&str]) {
        assert_eq!(split(text, max), parts, "{text:?} in parts of {max}");
    }

    #[test]
    fn short_text_is_one_part() {
        check_split("", 10, &[""]);
        check_split("hello", 5, &["hello"]);
    }

    #[test]
    fn a_part_ends_at_a_sentence_then_at_a_word_then_at_a_character() {
        check_split("Hello you. Then more", 13, &["Hello you.", "Then more"]);
        check_split("one two three four", 10, &["one two", "three four"]);
        check_split("abcdefghij", 4, &["abcd", "efgh", "ij"]);
        check_split("a.b.c.d", 4, &["a.b.", "c.d"]);
        check_split("v1.2.3456789", 6, &["v1.2.3", "456789"]);
    }

    #[test]
    fn an_emoji_counts_twice_and_is_never_torn() {
        check_split("😀😀😀", 4, &["😀😀", "😀"]);
        check_split("ab👩\u{200d}👧cd", 5, &["ab", "👩\u{200d}👧", "cd"]);
        check_split("xe\u{301}y", 2, &["x", "e\u{301}", "y"]);
    }

    #[test]
    fn splitting_loses_only_white_space() {
        let text = "Tja, naïve Ünïcode! 😀👍🏽 ".repeat(200);
        for max in [1, 2, 7, 160, 1600] {
            let parts = split(&text, max);
            let strip = |t: &str| t.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            assert_eq!(strip(&parts.concat()), strip(&text), "max {max}");
            assert!(
                max == 1 || parts.iter().all(|p| p.encode_utf16().count() <= max),
                "max {max}"
            );
        }
    }

    #[test]
    fn a_cut_is_marked_and_whole() {
        assert_eq!(cut("hello", 5), "hello");
        assert_eq!(cut("hello you", 8), "hello…");
        assert_eq!(cut("ééééé", 8), "éé…");
        assert!(cut(&"ñ".repeat(9_000), 8_192).len() <= 8_192);
    }
}

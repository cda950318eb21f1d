//! Numbers, and amounts of money, in a message: with signs, codes and words of currencies, and numbers in words.
//!
//! `1,200.50`, `1.200,50`, `1 200`, `5k` and `two hundred` are numbers; one beside a currency is an amount. A separator
//! followed by exactly three digits parts thousands, any other last one the decimals. Amounts are in hundredths.

use super::number_words::{counts, scale, unit};
use super::worth;

/// The most numbers read from one message.
const NUMBERS_MAX: usize = 32;
/// The most bytes looked at.
const BYTES_MAX: usize = 8 * 1024;

/// A number that was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Number {
    /// In hundredths.
    pub hundredths: u64,
    /// The currency (ISO code), where one stands beside it.
    pub currency: Option<&'static str>,
    /// What follows it counts something: pieces, users, guests, goods that are wanted.
    pub counted: bool,
    /// It names nothing and no currency: "I want 1.5k refunded". Where a refund is spoken of it is money.
    pub alone: bool,
}

impl Number {
    /// Without its hundredths.
    pub const fn whole(self) -> u64 {
        self.hundredths / 100
    }
}

/// What a text is made of, as numbers see it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Piece<'a> {
    /// Digits with their separators, in hundredths.
    Digits(u64),
    /// The sign of a currency.
    Sign(&'static str),
    /// Letters.
    Word(&'a str),
}

/// All numbers in `text`.
pub fn numbers(text: &str) -> Vec<Number> {
    let text = &text[..text.floor_char_boundary(BYTES_MAX)];
    let lower = text.to_lowercase();
    let pieces = pieces(&lower);
    let mut found = Vec::new();
    let mut at = 0;
    while at < pieces.len() && found.len() < NUMBERS_MAX {
        let Some((hundredths, next)) = number(&pieces, at) else {
            at += 1;
            continue;
        };
        let before = at.checked_sub(1).and_then(|i| currency(pieces[i]));
        let after = pieces.get(next).copied();
        let currency = before.or_else(|| after.and_then(currency));
        let share = matches!(after, Some(Piece::Word(word)) if worth::is_percent(word));
        let counts = |piece: &Piece<'_>| match piece {
            Piece::Word(word) => counts(word),
            Piece::Digits(_) | Piece::Sign(_) => false,
        };
        let listed = !share && pieces[next..].iter().take(3).any(counts);
        let wanted = || worth::is_wanted(&pieces, at, next, hundredths / 100);
        found.push(Number {
            hundredths,
            currency,
            counted: listed || currency.is_none() && wanted(),
            alone: currency.is_none() && worth::is_alone(&pieces, at, next),
        });
        at = next;
    }
    found
}

/// The largest amount of money.
pub fn largest(numbers: &[Number]) -> Option<Number> {
    numbers
        .iter()
        .filter(|number| number.currency.is_some())
        .max_by_key(|number| number.hundredths)
        .copied()
}

/// Whether a word, folded, can be a number that matters: most messages hold none.
pub(super) fn is_number(word: &str) -> bool {
    word.bytes().any(|b| b.is_ascii_digit())
        || word.len() > 1 && scale(word).is_some()
        || unit(word).is_some_and(|unit| unit >= 10)
}

/// Whether a word, folded, can stand in an amount: digits, numbers in words, currencies.
pub(super) fn is_said(word: &str) -> bool {
    word.bytes().any(|b| b.is_ascii_digit())
        || scale(word).is_some()
        || unit(word).is_some()
        || currency(Piece::Word(word)).is_some()
        || word == "one"
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let bytes = text.as_bytes();
    let mut chars = text.char_indices().peekable();
    while let Some((start, c)) = chars.next() {
        if c.is_ascii_digit() {
            let mut end = start + 1;
            while let Some((at, next)) = chars.peek().copied() {
                let separates = matches!(next, '.' | ',' | '\'' | '\u{a0}' | '\u{202f}')
                    || next == ' ' && three_digits(bytes, at + 1);
                let digit_after = bytes
                    .get(at + next.len_utf8())
                    .is_some_and(u8::is_ascii_digit);
                let goes_on = next.is_ascii_digit() || separates && digit_after;
                if !goes_on {
                    break;
                }
                end = at + next.len_utf8();
                chars.next();
            }
            pieces.push(Piece::Digits(value(&text[start..end])));
        } else if let Some(sign) = sign(c) {
            pieces.push(Piece::Sign(sign));
        } else if c == '%' {
            pieces.push(Piece::Word("percent"));
        } else if c.is_alphabetic() {
            let mut end = start + c.len_utf8();
            while let Some((at, next)) = chars.peek().copied() {
                if !next.is_alphabetic() && next != '$' {
                    break;
                }
                end = at + next.len_utf8();
                chars.next();
            }
            pieces.push(Piece::Word(&text[start..end]));
        }
    }
    pieces
}

/// Whether exactly three digits stand at `at`.
fn three_digits(bytes: &[u8], at: usize) -> bool {
    let digit = |i: usize| bytes.get(i).is_some_and(u8::is_ascii_digit);
    digit(at) && digit(at + 1) && digit(at + 2) && !digit(at + 3)
}

/// Digits with separators, in hundredths; nothing for a date, a version or an address: "20.01.2026".
fn value(written: &str) -> u64 {
    let last = written.rfind(|c: char| !c.is_ascii_digit());
    let grouped = |at: usize| {
        let mark = written[at..].chars().next().unwrap_or(' ');
        written.matches(mark).count() < 2 || written.len() - at - mark.len_utf8() == 3
    };
    if !last.is_none_or(grouped) {
        return 0;
    }
    let decimals = last.map(|at| {
        let mark = written[at..].chars().next().unwrap_or(' ');
        let after = &written[at + mark.len_utf8()..];
        let twice = written.matches(mark).count() > 1;
        let other = written[..at].contains(['.', ',']) && !written[..at].contains(mark);
        let thousands = after.len() == 3 && !(other && written[..at].len() > 4 && mark == '.');
        (
            at,
            after,
            !(thousands || twice) && matches!(mark, '.' | ','),
        )
    });
    let (whole, cents) = match decimals {
        Some((at, after, true)) => (&written[..at], after),
        Some((_, _, false)) | None => (written, ""),
    };
    let digits = |text: &str| {
        text.bytes()
            .filter(u8::is_ascii_digit)
            .fold(0_u64, |sum, b| {
                sum.saturating_mul(10).saturating_add(u64::from(b - b'0'))
            })
    };
    let cents = match cents.len() {
        0 => 0,
        1 => digits(cents) * 10,
        _ => digits(cents.get(..2).unwrap_or("0")),
    };
    digits(whole).saturating_mul(100).saturating_add(cents)
}

/// The number that begins at `at`, in hundredths, and what follows it.
fn number(pieces: &[Piece<'_>], at: usize) -> Option<(u64, usize)> {
    let mut next = at;
    let mut total: u64 = 0;
    let mut part: Option<u64> = None;
    while let Some(piece) = pieces.get(next) {
        match piece {
            Piece::Digits(value) if part.is_none() && total == 0 => part = Some(*value),
            Piece::Digits(_) | Piece::Sign(_) => break,
            Piece::Word(word) => {
                if let Some(four) = part.filter(|n| n % 10_000 == 400 && word.starts_with("vingt"))
                {
                    part = Some(four - 400 + 8_000); // quatre-vingts
                } else if let Some(unit) = unit(word) {
                    part = Some(part.unwrap_or(0).saturating_add(unit * 100));
                } else if matches!(*word, "one") && next > at {
                    // alone it counts nothing: "this one"; behind another it does: "a hundred and one"
                    part = Some(part.unwrap_or(0).saturating_add(100));
                } else if let Some(scale) =
                    scale(word).filter(|_| part.is_some() || next == at || word.len() > 1)
                {
                    // a lone "k" or "mil" is no number unless a number stands before it, or it is a word
                    if part.is_none() && word.len() < 3 {
                        break;
                    }
                    let value = part.take().unwrap_or(100).saturating_mul(scale);
                    if scale >= 1_000 {
                        total = total.saturating_add(value);
                    } else {
                        part = Some(value);
                    }
                } else if !(matches!(*word, "and" | "y" | "e" | "et" | "und" | "en")
                    && next > at
                    && pieces.get(next + 1).is_some_and(
                        |p| matches!(p, Piece::Word(w) if unit(w).is_some() || *w == "one"),
                    ))
                {
                    break;
                }
            }
        }
        next += 1;
    }
    (next > at).then(|| (total.saturating_add(part.unwrap_or(0)), next))
}

const fn sign(c: char) -> Option<&'static str> {
    Some(match c {
        '$' => "USD",
        '€' => "EUR",
        '£' => "GBP",
        '¥' => "JPY",
        '₹' => "INR",
        _ => return None,
    })
}

fn currency(piece: Piece<'_>) -> Option<&'static str> {
    match piece {
        Piece::Sign(sign) => Some(sign),
        Piece::Digits(_) => None,
        Piece::Word(word) => Some(match word {
            "usd" | "dollar" | "dollars" | "bucks" | "dólares" | "dolares" | "dólar" | "dolar"
            | "dollari" | "us$" | "doller" => "USD",
            "eur" | "euro" | "euros" | "eur." => "EUR",
            "gbp" | "pound" | "pounds" | "quid" | "libras" | "pfund" | "sterline" | "pond" => "GBP",
            "r$" | "brl" | "reais" | "real" => "BRL",
            "mxn" | "peso" | "pesos" => "MXN",
            "zar" | "rand" | "r" => "ZAR",
            "chf" | "francs" | "franken" | "franchi" => "CHF",
            "cad" | "aud" | "nzd" => "USD",
            "inr" | "rupees" | "rs" => "INR",
            "jpy" | "yen" => "JPY",
            _ => return None,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_with_their_currency() {
        let check = |text: &str, hundredths: u64, currency: &str| {
            let found = numbers(text);
            let first = found.iter().find(|n| n.currency.is_some());
            let read = first.map(|n| (n.hundredths, n.currency.unwrap_or_default()));
            assert_eq!(read, Some((hundredths, currency)), "{text:?}: {found:?}");
        };
        check("refund $1,200.50 now", 120_050, "USD");
        check("1.200,50 €", 120_050, "EUR");
        check("1 200 euros", 120_000, "EUR");
        check("R$ 99,90", 9_990, "BRL");
        check("150 bucks", 15_000, "USD");
        check("two hundred dollars", 20_000, "USD");
        check("5k usd", 500_000, "USD");
        check("mil pesos", 100_000, "MXN");
        check("zweihundert euro", 20_000, "EUR");
        check("achthonderd euro", 80_000, "EUR");
        check("deux cents euros", 20_000, "EUR");
        check("tweeduizend euro", 200_000, "EUR");
        check("two hundred and fifty pounds", 25_000, "GBP");
        check("a hundred and one dollars", 10_100, "USD");
        check("twelve hundred dollars", 120_000, "USD");
        check("twenty one pounds", 2_100, "GBP");
        check("quatre-vingt-dix-neuf euros", 9_900, "EUR");
        check("deux cent quatre-vingts euros", 28_000, "EUR");
        check("1.000.000 €", 100_000_000, "EUR");
        check("€0.99", 99, "EUR");
    }

    #[test]
    fn numbers_that_are_written_as_one_word_are_read() {
        let check = |text: &str, whole: u64| {
            let found = numbers(text);
            let read: Vec<u64> = found.iter().map(|number| number.whole()).collect();
            assert_eq!(read, [whole], "{text}");
        };
        check("zweihundertfünfzig euro", 250);
        check("zweihundertfuenfzig euro", 250);
        check("hundertzwanzig euro", 120);
        check("dreihundertfünfundzwanzig euro", 325);
        check("eintausendzweihundert euro", 1_200);
        check("zwölftausendsiebenhundertsechzehn euro", 12_716);
        check("tweehonderdvijftig euro", 250);
        check("twaalfhonderd euro", 1_200);
        check("driehonderdvijfenzeventig euro", 375);
        check("drieëntwintig euro", 23);
        check("duecentocinquanta euro", 250);
        check("milleduecento euro", 1_200);
        check("duemilacinquecento euro", 2_500);
        check("centotrentotto euro", 138);
        check("veinticinco pesos", 25);
        check("quatrocentos reais", 400);
        check("tweeduisend rand", 2_000);
        check("vyfhonderd-en-vyftig rand", 550);
    }

    #[test]
    fn words_that_only_begin_like_a_number_are_none() {
        let check = |word: &str| assert!(numbers(word).is_empty(), "{word}");
        check("achten");
        check("eine");
        check("dreimal");
        check("centre");
        check("trend");
        check("vierkant");
        check("hunderte");
        check("undecided");
    }

    #[test]
    fn what_is_counted_is_seen() {
        let check = |text: &str, whole: u64, counted: bool| {
            let found = numbers(text);
            assert_eq!(found.len(), 1, "{text:?}: {found:?}");
            assert_eq!(
                (found[0].whole(), found[0].counted),
                (whole, counted),
                "{text:?}"
            );
        };
        check("we need 250 licenses", 250, true);
        check("500 custom printed shirts", 500, true);
        check("order 250", 250, false);
    }

    #[test]
    fn most_messages_hold_no_number() {
        assert!(numbers("where is my order").is_empty());
        assert!(numbers("k thanks").is_empty());
        assert!(numbers("").is_empty());
    }
}

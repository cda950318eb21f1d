//! The parameters of a Twilio webhook, decoded once for both the signature and the reading.
//!
//! Twilio adds parameters without notice and signs all of them, so every received pair is kept: unknown, blank and
//! repeated ones too, untrimmed. Nothing here knows what a parameter means.

use std::borrow::Cow;

/// The most parameters a webhook may have. Twilio sends about 40; a hostile form of a megabyte could have half a
/// million, and is refused before anything is sorted or hashed.
pub const PARAMS_MAX: usize = 1_000;

/// Room for the parameters of an ordinary webhook without growing.
const PARAMS_USUAL: usize = 48;

/// Decoded pairs in the order received, borrowed from the request where nothing had to be unescaped.
#[derive(Debug, Default)]
pub struct Form<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Form<'a> {
    /// Decodes a form body or a query string. `None` over [`PARAMS_MAX`] parameters.
    ///
    /// Bytes that are not UTF-8 become U+FFFD, in what is signed too: Twilio sends UTF-8.
    pub fn decode(raw: &'a [u8]) -> Option<Self> {
        let mut pairs = Vec::with_capacity(PARAMS_USUAL);
        for pair in form_urlencoded::parse(raw) {
            if pairs.len() == PARAMS_MAX {
                return None;
            }
            pairs.push(pair);
        }
        Some(Self { pairs })
    }

    /// All pairs, as received.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (&**name, &**value))
    }

    /// The first value under `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find(|(n, _)| *n == name)
            .map(|(_, value)| value)
    }

    /// What is signed after the URL: names in byte order, each followed by its distinct values in byte order.
    pub fn signed_text(&self) -> Vec<u8> {
        let mut order: Vec<&(Cow<'a, str>, Cow<'a, str>)> = self.pairs.iter().collect();
        order.sort_unstable();
        order.dedup();
        let length = order.iter().map(|(n, v)| n.len() + v.len()).sum();
        let mut text = Vec::with_capacity(length);
        for (name, value) in order {
            text.extend_from_slice(name.as_bytes());
            text.extend_from_slice(value.as_bytes());
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_signed(raw: &str, text: &str) {
        let form = Form::decode(raw.as_bytes()).expect("few parameters");
        assert_eq!(String::from_utf8_lossy(&form.signed_text()), text, "{raw}");
    }

    #[test]
    fn names_are_sorted_as_bytes_and_values_are_kept_as_they_are() {
        check_signed("b=1&B=2&a=3&_=4&A1=5", "A15B2_4a3b1");
        check_signed("b=+x+&a=&c", "ab x c");
        check_signed("n=2&n=10&n=2&n=", "nn10n2");
        check_signed("k=%C3%B1+%26+%F0%9F%98%80", "kñ & 😀");
    }

    #[test]
    fn too_many_parameters_are_refused() {
        assert!(Form::decode("a&".repeat(PARAMS_MAX).as_bytes()).is_some());
        assert!(Form::decode("a&".repeat(PARAMS_MAX + 1).as_bytes()).is_none());
    }
}

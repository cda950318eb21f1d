//! A token, key or password.
//!
//! It prints as `<secret>`, is never serialised and is compared in constant time. Whoever needs the text says
//! [`Secret::expose`], so that one search finds every such place.

use std::fmt;
use std::sync::Arc;

use subtle::ConstantTimeEq;

/// A text that must not reach a log, an error or a page.
#[derive(Clone)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Takes the text in.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text itself, for signing and for authorisation headers.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether `presented` is the same text. Takes as long for a wrong text as for the right one of that length.
    pub fn is(&self, presented: &[u8]) -> bool {
        bool::from(self.0.as_bytes().ct_eq(presented))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.is(other.0.as_bytes())
    }
}

impl Eq for Secret {}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

//! Who a browser is: a secret that only the browser keeps, and the address it stands for.
//!
//! The secret is 128 random bits, minted here and kept in the browser; whoever shows it has the thread. What is stored,
//! logged, listed and handed to other systems is the *address*: a hash of the secret. So a colleague who sees the
//! address in the inbox, or a log that leaks, does not open the customer's chat.

use std::fmt;

use sha2::{Digest, Sha256};

/// What goes into the hash before the secret, so that the address is of no use anywhere else.
const DOMAIN: &[u8] = b"segue web chat visitor\0";
/// Bytes of the hash that make the address: 96 bits, far beyond any number of visitors.
const ADDRESS_BYTES: usize = 12;

/// A browser's secret. Printed only by [`Visitor::reveal`], to the browser itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Visitor([u8; 16]);

/// The text is no visitor id.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a visitor id has 32 hex digits")]
pub struct NotAVisitor;

impl Visitor {
    /// A new one.
    pub fn mint() -> Self {
        let mut secret = [0; 16];
        getrandom::fill(&mut secret).expect("the system has randomness, or nothing here is safe");
        Self(secret)
    }

    /// From the 32 hex digits that [`Visitor::reveal`] gave out.
    ///
    /// # Errors
    /// [`NotAVisitor`].
    pub fn parse(text: &str) -> Result<Self, NotAVisitor> {
        let digits = text.as_bytes();
        if digits.len() != 32 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(NotAVisitor);
        }
        let mut secret = [0; 16];
        for (byte, pair) in secret.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| NotAVisitor)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| NotAVisitor)?;
        }
        Ok(Self(secret))
    }

    /// The secret, for the browser and nobody else.
    pub fn reveal(&self) -> String {
        hex(&self.0)
    }

    /// The customer's address: `web:` and 24 hex digits.
    pub fn address(&self) -> String {
        let digest = Sha256::new()
            .chain_update(DOMAIN)
            .chain_update(self.0)
            .finalize();
        format!("web:{}", hex(&digest[..ADDRESS_BYTES]))
    }
}

impl fmt::Debug for Visitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Visitor(hidden)")
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minted_visitor_is_recognised_again() {
        let minted = Visitor::mint();
        assert_eq!(Visitor::parse(&minted.reveal()), Ok(minted.clone()));
        assert_ne!(Visitor::mint(), minted);
    }

    #[test]
    fn only_32_hex_digits_are_a_visitor() {
        fn check(text: &str, valid: bool) {
            assert_eq!(Visitor::parse(text).is_ok(), valid, "{text:?}");
        }
        check("00112233445566778899aabbccddeeff", true);
        check("00112233445566778899AABBCCDDEEFF", true);
        check("00112233445566778899aabbccddeef", false);
        check("00112233445566778899aabbccddeeff0", false);
        check("+0112233445566778899aabbccddeeff", false);
        check("zz112233445566778899aabbccddeeff", false);
        check("éé112233445566778899aabbccddee", false);
        check("", false);
    }

    #[test]
    fn the_address_does_not_tell_the_secret() {
        let visitor = Visitor::parse("00112233445566778899aabbccddeeff").expect("valid");
        let address = visitor.address();
        assert_eq!(address.len(), 28);
        assert_eq!(
            address,
            visitor.address(),
            "the same browser has the same thread"
        );
        assert!(!format!("{visitor:?} {address}").contains("00112233"));
        assert_ne!(address, Visitor::mint().address());
    }
}

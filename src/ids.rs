//! The names of things: newtypes, so that an effect is never mistaken for an ask.
//!
//! A [`ConversationId`] is derived from the customer's address with the store's own key, so that the first
//! message of a customer needs no look-up and an id in a log tells nothing about a phone number.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// One conversation with one customer on one channel instance. Printed as `c` and 32 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ConversationId([u8; 16]);

impl ConversationId {
    /// The id of the conversation that `address` has on `channel`, under the store's secret `key`.
    pub fn derive(key: &[u8; 32], channel: &str, address: &str) -> Self {
        let mut mac = <Hmac<Sha256>>::new_from_slice(key).expect("HMAC takes a key of any length");
        mac.update(channel.as_bytes());
        mac.update(&[0]);
        mac.update(address.as_bytes());
        let digest = mac.finalize().into_bytes();
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        Self(id)
    }

    /// From its sixteen bytes, as the store keeps them.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its sixteen bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("c")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A map by conversation. Ids are bits of a keyed hash already, which nobody outside can choose: to hash them again
/// with a second key would cost every message some ten times what it takes to look.
pub type ByConversation<V> = HashMap<ConversationId, V, BuildHasherDefault<Taken>>;

/// The hash of an id: eight of its own bytes.
#[derive(Clone, Copy, Default, Debug)]
pub struct Taken(u64);

impl Hasher for Taken {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(last) = bytes.last_chunk() {
            self.0 = u64::from_le_bytes(*last);
        }
    }

    /// The length that stands before the bytes of an array: the same for all.
    fn write_usize(&mut self, _length: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The text is not an id of the kind asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id: expected `{0}`")]
pub struct NotAnId(pub &'static str);

impl FromStr for ConversationId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let wrong = NotAnId("c and 32 hex digits");
        let digits = text.strip_prefix('c').ok_or(wrong)?;
        if digits.len() != 32 || !digits.is_ascii() {
            return Err(wrong);
        }
        let mut id = [0; 16];
        for (i, byte) in id.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&digits[2 * i..2 * i + 2], 16).map_err(|_| wrong)?;
        }
        Ok(Self(id))
    }
}

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl $name {
            /// The one after this.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0 + 1)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

number_id! {
    /// Something owed by a conversation, numbered within it. It travels to the provider and back.
    EffectId
}
number_id! {
    /// One question to the model, numbered within its conversation. A late answer names an old one.
    AskId
}
number_id! {
    /// One handoff, numbered within its conversation.
    HandoffId
}
number_id! {
    /// Who owns the conversation, as a number that grows with every change of owner.
    OwnerEpoch
}

macro_rules! name_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(name: &str) -> Self {
                Self(name.into())
            }
        }

        impl From<String> for $name {
            fn from(name: String) -> Self {
                Self(name.into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }
    };
}

name_id! {
    /// A channel instance, as the configuration names it (`[channels.NAME]`).
    ChannelName
}
name_id! {
    /// A queue, as the configuration names it (`[queues.NAME]`).
    QueueName
}
name_id! {
    /// Opening hours, as the configuration names them (`[calendars.NAME]`).
    CalendarName
}
name_id! {
    /// A person who answers customers; the name customers see is the same.
    AgentName
}

/// What a conversation remembers of an id it has seen: 64 bits of its SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IdHash(pub u64);

impl IdHash {
    /// Hashes `text`. The same text gives the same hash on every machine and in every release.
    pub fn of(text: &str) -> Self {
        Self::of_bytes(text.as_bytes())
    }

    /// Hashes `bytes`.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        let digest = Sha256::digest(bytes);
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        Self(u64::from_be_bytes(first))
    }
}

/// The same hash of what comes in pieces.
#[derive(Clone, Debug, Default)]
pub struct IdHasher(Sha256);

impl IdHasher {
    /// The next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The hash of all of them in a row.
    pub fn finish(self) -> IdHash {
        let mut first = [0; 8];
        first.copy_from_slice(&self.0.finalize()[..8]);
        IdHash(u64::from_be_bytes(first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_id_survives_being_printed() {
        let id = ConversationId::derive(&[7; 32], "whatsapp", "whatsapp:+15005550006");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(
            "c12".parse::<ConversationId>(),
            Err(NotAnId("c and 32 hex digits"))
        );
        assert!(
            "cé2345678901234567890123456789012"
                .parse::<ConversationId>()
                .is_err()
        );
    }

    #[test]
    fn address_and_channel_do_not_run_together() {
        assert_ne!(
            ConversationId::derive(&[7; 32], "ab", "c"),
            ConversationId::derive(&[7; 32], "a", "bc")
        );
    }
}

//! How words become bytes, here and in the store: postcard, written onto a buffer that exists.
//!
//! Encoding stands in the path of every message. postcard's own way onto a `Vec` goes through `Extend`, a byte at a
//! time; and 64 remembered ids as varints of ten bytes each cost more than the rest of a head together. Nothing here
//! knows what is encoded.

use serde::Serialize;

/// `to`, with `value` behind what it holds.
pub fn append<T: Serialize + ?Sized>(to: Vec<u8>, value: &T) -> Vec<u8> {
    postcard::serialize_with_flavor(value, Onto(to))
        .expect("our words are plain data, and a vector takes them all")
}

struct Onto(Vec<u8>);

impl postcard::ser_flavors::Flavor for Onto {
    type Output = Vec<u8>;

    #[inline]
    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    #[inline]
    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<Vec<u8>> {
        Ok(self.0)
    }
}

/// Hashes in a row: eight bytes each (little endian) where bytes are wanted, numbers where people read.
pub(super) mod hashes {
    use std::collections::VecDeque;
    use std::fmt;

    use serde::de::{Deserializer, Error, Visitor};
    use serde::{Deserialize, Serializer};

    use crate::ids::IdHash;

    pub(in crate::conversation) fn serialize<S: Serializer>(
        ids: &VecDeque<IdHash>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() {
            return to.collect_seq(ids);
        }
        let mut bytes = Vec::with_capacity(8 * ids.len());
        for id in ids {
            bytes.extend_from_slice(&id.0.to_le_bytes());
        }
        to.serialize_bytes(&bytes)
    }

    pub(in crate::conversation) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<VecDeque<IdHash>, D::Error> {
        if from.is_human_readable() {
            return VecDeque::deserialize(from);
        }
        from.deserialize_bytes(Packed)
    }

    struct Packed;

    impl Visitor<'_> for Packed {
        type Value = VecDeque<IdHash>;

        fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
            to.write_str("eight bytes for each hash")
        }

        fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
            let (hashes, rest) = bytes.as_chunks::<8>();
            if !rest.is_empty() {
                return Err(E::invalid_length(bytes.len(), &self));
            }
            let hash = |bytes: &[u8; 8]| IdHash(u64::from_le_bytes(*bytes));
            Ok(hashes.iter().map(hash).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::conversation::seen::Seen;
    use crate::ids::IdHash;

    #[test]
    fn what_is_appended_is_what_postcard_writes_alone() {
        let value = (
            7_u64,
            "words",
            vec![Some(-3_i32), None],
            Timestamp::from_millis(1),
        );
        let alone = postcard::to_stdvec(&value).expect("plain data");
        let behind = append(vec![9], &value);
        assert_eq!((behind[0], &behind[1..]), (9, alone.as_slice()));
    }

    #[test]
    fn hashes_take_eight_bytes_each_and_come_back() {
        let mut seen = Seen::default();
        for n in 0..70 {
            seen.remember(IdHash(u64::MAX - n), Timestamp::ZERO);
        }
        let bytes = append(Vec::new(), &seen);
        assert!(bytes.len() < 8 * seen.len() + 16, "{} bytes", bytes.len());
        assert_eq!(postcard::from_bytes(&bytes), Ok(seen.clone()));
        assert!(postcard::from_bytes::<Seen>(&[3, 1, 2, 3, 0]).is_err());
        let json = serde_json::to_string(&seen).expect("plain data");
        assert_eq!(
            serde_json::from_str::<Seen>(&json).expect("its own words"),
            seen
        );
    }
}

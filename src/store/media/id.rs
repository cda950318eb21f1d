//! The name of a file: whose it is, which one, and what it is. Whatever is not exactly such a name is none, so that no
//! name leads out of its conversation's folder. Pure.

use std::fmt;
use std::str::FromStr;

use super::kind::Kind;
use crate::ids::{ConversationId, NotAnId};

/// A file: whose it is, and which.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileId {
    /// Of which conversation.
    pub conversation: ConversationId,
    /// Which one.
    pub(super) random: [u8; 16],
    /// What it is.
    pub kind: Kind,
}

/// Printed as `m`, the conversation's and its own 32 hex digits, and the ending of its kind.
impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whose, which) = (hex(self.conversation.as_bytes()), hex(&self.random));
        write!(f, "m{whose}{which}.{}", self.kind.ending())
    }
}

impl FromStr for FileId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let wrong = || NotAnId("m, 64 hex digits and an ending");
        let (digits, ending) = text
            .strip_prefix('m')
            .and_then(|rest| rest.split_once('.'))
            .ok_or_else(wrong)?;
        let lower = |digit: u8| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit);
        if digits.len() != 64 || !digits.bytes().all(lower) {
            return Err(wrong());
        }
        let half = |text: &str| format!("c{text}").parse::<ConversationId>();
        let (whose, which) = digits.split_at(32);
        Ok(Self {
            conversation: half(whose)?,
            random: *half(which)?.as_bytes(),
            kind: Kind::by_ending(ending).ok_or_else(wrong)?,
        })
    }
}

/// Lower-case hex digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_names_one_file_and_no_other_path() {
        let id = FileId {
            conversation: ConversationId::from_bytes([1; 16]),
            random: [0xa7; 16],
            kind: Kind::Text,
        };
        assert_eq!(id.to_string().parse::<FileId>(), Ok(id));
        fn check(text: &str) {
            assert!(text.parse::<FileId>().is_err(), "{text}");
        }
        let digits = "0".repeat(64);
        check("");
        check("m../../journal.redb");
        check(&format!("m{digits}"));
        check(&format!("m{digits}.html"));
        check(&format!("m{digits}.txt/.."));
        check(&format!("m{}é.txt", "0".repeat(62)));
        check(&format!("m{}.txt", "A".repeat(64)));
    }
}

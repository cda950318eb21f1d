//! The bytes on disk: pure functions from our words to bytes and back. Nothing here does I/O.
//!
//! Every value begins with an *envelope*: one format version byte, then the CRC-32 of the rest (little endian), then
//! the rest. A flipped bit is thus found in the one value it hit. Version 1 of the rest is:
//!
//! | value | the rest |
//! |---|---|
//! | journal row | commit time (i64 ms, LE), number of records (u32 LE), then per record its length (u32 LE) and the record |
//! | record | postcard of `RecordMeta`, then the head's bytes as they are |
//! | head row | postcard of [`HeadMeta`], the head's bytes, then the open trail block |
//! | trail block | postcard of each [`Entry`], one after the other, no count: a block is appended to without decoding it |
//! | small value | the caller's bytes, or postcard of a struct named at its table |
//!
//! postcard numbers enum variants and struct fields by their order, so words are only ever added at the end of an
//! enum, and any other change is a new version: [`open`] gives the version to its caller, who keeps a reader for each
//! version that was ever released. A version above [`VERSION`] is refused by name: the file is from a newer Segue.

use serde::{Deserialize, Serialize};

use super::{Listing, Turn};
use crate::clock::Timestamp;
use crate::conversation::packed::append;
use crate::conversation::trail::Entry;
use crate::conversation::words::ModeName;
use crate::ids::{ConversationId, IdHash};

/// The version that is written.
pub const VERSION: u8 = 1;
/// Bytes before the value proper: version and checksum.
const ENVELOPE_BYTES: usize = 5;
/// Bytes of a journal row before its first record: envelope, time, number of records.
const ROW_HEAD_BYTES: usize = ENVELOPE_BYTES + 8 + 4;

/// Why bytes could not be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FormatError {
    /// Written by a newer release.
    #[error("format version {found} is newer than the {VERSION} this release knows")]
    Newer {
        /// The version found.
        found: u8,
    },
    /// The checksum does not match: bytes were changed since they were written.
    #[error("the checksum of a {0} does not match")]
    Damaged(&'static str),
    /// Too short, or not what should stand there.
    #[error("a {0} makes no sense")]
    Nonsense(&'static str),
}

/// Closes a value whose first [`ENVELOPE_BYTES`] were left free by [`start`].
fn finish(mut value: Vec<u8>) -> Vec<u8> {
    stamp(&mut value);
    value
}

fn stamp(value: &mut [u8]) {
    let crc = crc32fast::hash(&value[ENVELOPE_BYTES..]);
    value[0] = VERSION;
    value[1..ENVELOPE_BYTES].copy_from_slice(&crc.to_le_bytes());
}

fn start(capacity: usize) -> Vec<u8> {
    let mut value = Vec::with_capacity(ENVELOPE_BYTES + capacity);
    value.resize(ENVELOPE_BYTES, 0);
    value
}

/// Puts `bytes` into an envelope.
pub fn seal(bytes: &[u8]) -> Vec<u8> {
    let mut value = start(bytes.len());
    value.extend_from_slice(bytes);
    finish(value)
}

/// Takes a value out of its envelope; `what` names it in the error.
///
/// # Errors
/// [`FormatError`].
pub fn open<'a>(what: &'static str, value: &'a [u8]) -> Result<&'a [u8], FormatError> {
    let (&version, rest) = value.split_first().ok_or(FormatError::Nonsense(what))?;
    match version {
        VERSION => {
            let (crc, body) = rest
                .split_first_chunk::<4>()
                .ok_or(FormatError::Nonsense(what))?;
            if crc32fast::hash(body) == u32::from_le_bytes(*crc) {
                Ok(body)
            } else {
                Err(FormatError::Damaged(what))
            }
        }
        0 => Err(FormatError::Nonsense(what)),
        found => Err(FormatError::Newer { found }),
    }
}

/// Puts `value` into an envelope, as postcard.
pub fn seal_as<T: Serialize>(value: &T) -> Vec<u8> {
    finish(append(start(64), value))
}

/// Takes a postcard value out of its envelope.
///
/// # Errors
/// [`FormatError`].
pub fn open_as<T: for<'a> Deserialize<'a>>(
    what: &'static str,
    value: &[u8],
) -> Result<T, FormatError> {
    postcard::from_bytes(open(what, value)?).map_err(|_| FormatError::Nonsense(what))
}

/// A mode as one byte on disk. Never renumbered.
pub const fn mode_code(mode: ModeName) -> u8 {
    match mode {
        ModeName::Ai => 0,
        ModeName::Waiting => 1,
        ModeName::Human => 2,
        ModeName::Closed => 3,
    }
}

/// The mode of a [`mode_code`].
pub const fn mode_of(code: u8) -> Option<ModeName> {
    match code {
        0 => Some(ModeName::Ai),
        1 => Some(ModeName::Waiting),
        2 => Some(ModeName::Human),
        3 => Some(ModeName::Closed),
        4.. => None,
    }
}

/// A turn without its head's bytes.
#[derive(Serialize, Deserialize)]
struct RecordMeta<E> {
    conversation: ConversationId,
    rev: u64,
    due: Option<Timestamp>,
    mode: u8,
    since: Timestamp,
    evicted: E,
    entry_count: u64,
}

/// A turn as bytes, ready to be packed into a journal row. Made by whoever submits, so that the one writer only copies.
pub fn encode_record(turn: &Turn) -> Vec<u8> {
    let meta = RecordMeta {
        conversation: turn.conversation,
        rev: turn.rev,
        due: turn.due,
        mode: mode_code(turn.listing.mode),
        since: turn.listing.since,
        evicted: turn.evicted.as_slice(),
        entry_count: turn.entries.len() as u64,
    };
    let capacity = 64 + turn.head.len() + 160 * turn.entries.len();
    let bytes = append(Vec::with_capacity(capacity), &meta);
    let mut bytes = turn.entries.iter().fold(bytes, append);
    bytes.extend_from_slice(&turn.head);
    bytes
}

fn decode_record(bytes: &[u8]) -> Option<Turn> {
    let (meta, mut rest) = postcard::take_from_bytes::<RecordMeta<Vec<IdHash>>>(bytes).ok()?;
    let mut entries = Vec::new();
    for _ in 0..meta.entry_count {
        let (entry, after) = postcard::take_from_bytes::<Entry>(rest).ok()?;
        entries.push(entry);
        rest = after;
    }
    Some(Turn {
        conversation: meta.conversation,
        medium: crate::conversation::message::Medium::Other,
        was: ModeName::Closed,
        rev: meta.rev,
        head: rest.to_vec(),
        entries,
        due: meta.due,
        listing: Listing {
            mode: mode_of(meta.mode)?,
            since: meta.since,
        },
        evicted: meta.evicted,
    })
}

/// The length of the journal row that holds `records`.
pub fn row_len(records: &[Vec<u8>]) -> usize {
    ROW_HEAD_BYTES + records.iter().map(|record| 4 + record.len()).sum::<usize>()
}

/// Writes the journal row of `records`, committed at `at`, into `row`, which is [`row_len`] bytes long.
pub fn write_row(row: &mut [u8], at: Timestamp, records: &[Vec<u8>]) {
    let count = u32::try_from(records.len()).expect("a group has hundreds of records");
    row[ENVELOPE_BYTES..ENVELOPE_BYTES + 8].copy_from_slice(&at.as_millis().to_le_bytes());
    row[ENVELOPE_BYTES + 8..ROW_HEAD_BYTES].copy_from_slice(&count.to_le_bytes());
    let mut place = ROW_HEAD_BYTES;
    for record in records {
        let len = u32::try_from(record.len()).expect("a record is far below 4 GiB");
        row[place..place + 4].copy_from_slice(&len.to_le_bytes());
        row[place + 4..place + 4 + record.len()].copy_from_slice(record);
        place += 4 + record.len();
    }
    stamp(row);
}

/// Reads a journal row: when it was committed, and its turns with their length in bytes.
///
/// # Errors
/// [`FormatError`].
pub fn read_row(row: &[u8]) -> Result<(Timestamp, Vec<(Turn, usize)>), FormatError> {
    const WHAT: &str = "journal row";
    let nonsense = FormatError::Nonsense(WHAT);
    let body = open(WHAT, row)?;
    let (at, body) = body.split_first_chunk::<8>().ok_or(nonsense)?;
    let (count, mut rest) = body.split_first_chunk::<4>().ok_or(nonsense)?;
    let mut turns = Vec::new();
    for _ in 0..u32::from_le_bytes(*count) {
        let (len, after) = rest.split_first_chunk::<4>().ok_or(nonsense)?;
        let len = u32::from_le_bytes(*len) as usize;
        let (record, after) = after.split_at_checked(len).ok_or(nonsense)?;
        turns.push((decode_record(record).ok_or(nonsense)?, len));
        rest = after;
    }
    Ok((Timestamp::from_millis(i64::from_le_bytes(*at)), turns))
}

/// What stands before the head's bytes in a head row.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HeadMeta {
    /// The revision.
    pub rev: u64,
    /// When the conversation wants waking.
    pub due: Option<Timestamp>,
    /// The mode, as [`mode_code`].
    pub mode: u8,
    /// Since when.
    pub since: Timestamp,
    /// The length of the head in bytes.
    pub head_len: u64,
}

/// A head row, taken apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HeadRow<'a> {
    /// The facts beside the head.
    pub meta: HeadMeta,
    /// The head.
    pub head: &'a [u8],
    /// The open trail block.
    pub open: &'a [u8],
}

/// Writes a head row.
pub fn write_head(meta: &HeadMeta, head: &[u8], open: &[u8]) -> Vec<u8> {
    let mut value = append(start(48 + head.len() + open.len()), meta);
    value.extend_from_slice(head);
    value.extend_from_slice(open);
    finish(value)
}

/// Reads a head row.
///
/// # Errors
/// [`FormatError`].
pub fn read_head(value: &[u8]) -> Result<HeadRow<'_>, FormatError> {
    const WHAT: &str = "head";
    let nonsense = FormatError::Nonsense(WHAT);
    let body = open(WHAT, value)?;
    let (meta, rest) = postcard::take_from_bytes::<HeadMeta>(body).map_err(|_| nonsense)?;
    let head_len = usize::try_from(meta.head_len).map_err(|_| nonsense)?;
    let (head, open) = rest.split_at_checked(head_len).ok_or(nonsense)?;
    Ok(HeadRow { meta, head, open })
}

/// Appends `entry` to a trail block.
pub fn append_entry(block: Vec<u8>, entry: &Entry) -> Vec<u8> {
    append(block, entry)
}

/// The number of the first entry of a trail block that is not empty.
pub fn first_of_block(block: &[u8]) -> Option<u64> {
    // An entry begins with its number.
    postcard::take_from_bytes::<u64>(block).ok().map(|(n, _)| n)
}

/// Reads a trail block.
///
/// # Errors
/// [`FormatError`].
pub fn read_block(mut block: &[u8]) -> Result<Vec<Entry>, FormatError> {
    let mut entries = Vec::new();
    while !block.is_empty() {
        let (entry, rest) = postcard::take_from_bytes::<Entry>(block)
            .map_err(|_| FormatError::Nonsense("trail block"))?;
        entries.push(entry);
        block = rest;
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::trail::Fact;

    fn entry(n: u64) -> Entry {
        Entry {
            n,
            at: Timestamp::from_millis(1_000 + 7),
            policy: 3,
            rules: 1,
            fact: Fact::Kept {
                agent: crate::ids::AgentName::from("Ana"),
            },
        }
    }

    fn turn() -> Turn {
        Turn {
            conversation: ConversationId::from_bytes([9; 16]),
            medium: crate::conversation::message::Medium::Other,
            was: ModeName::Closed,
            rev: 300,
            head: vec![1, 2, 3],
            entries: vec![entry(5), entry(6)],
            due: Some(Timestamp::from_millis(-4)),
            listing: Listing {
                mode: ModeName::Waiting,
                since: Timestamp::from_millis(77),
            },
            evicted: vec![IdHash(u64::MAX)],
        }
    }

    fn row() -> Vec<u8> {
        let records = [encode_record(&turn()), encode_record(&turn())];
        let mut row = vec![0; row_len(&records)];
        write_row(&mut row, Timestamp::from_millis(12), &records);
        row
    }

    #[test]
    fn a_journal_row_survives_the_disk() {
        let (at, turns) = read_row(&row()).expect("a row just written");
        assert_eq!(at, Timestamp::from_millis(12));
        assert_eq!(turns.len(), 2);
        assert_eq!(turns[1].0, turn());
    }

    #[test]
    fn every_flipped_bit_of_a_row_is_found() {
        for place in 0..row().len() {
            let mut bad = row();
            bad[place] ^= 0x10;
            assert!(read_row(&bad).is_err(), "byte {place}");
        }
    }

    #[test]
    fn a_row_cut_short_anywhere_is_refused() {
        let whole = row();
        for len in 0..whole.len() {
            assert!(read_row(&whole[..len]).is_err(), "{len} bytes");
        }
    }

    #[test]
    fn a_newer_version_is_refused_by_name() {
        let mut newer = seal(b"x");
        newer[0] = VERSION + 1;
        assert_eq!(
            open("thing", &newer),
            Err(FormatError::Newer { found: VERSION + 1 })
        );
    }

    #[test]
    fn a_head_row_keeps_head_and_open_block_apart() {
        let meta = HeadMeta {
            rev: 3,
            due: None,
            mode: 2,
            since: Timestamp::ZERO,
            head_len: 2,
        };
        let block = append_entry(append_entry(Vec::new(), &entry(700)), &entry(701));
        let value = write_head(&meta, &[8, 9], &block);
        let row = read_head(&value).expect("a head just written");
        assert_eq!((row.meta, row.head), (meta, &[8, 9][..]));
        assert_eq!(read_block(row.open), Ok(vec![entry(700), entry(701)]));
        assert_eq!(first_of_block(row.open), Some(700));
    }

    #[test]
    fn a_mode_has_one_byte_and_back() {
        for &mode in ModeName::ALL {
            assert_eq!(mode_of(mode_code(mode)), Some(mode));
        }
    }

    /// A journal row as the first release wrote it, in hexadecimal.
    const ROW_V1: &str = "0101539be40c00000000000000020000003a00000009090909090909090909090909090909ac020107019a0101ffffff\
         ffffffffffff010205de0f03011103416e6106de0f03011103416e610102033a00000009090909090909090909090909\
         090909ac020107019a0101ffffffffffffffffff010205de0f03011103416e6106de0f03011103416e61010203";

    #[test]
    fn a_row_of_version_1_loads_for_ever() {
        let digit = |d: u8| {
            char::from(d)
                .to_digit(16)
                .and_then(|d| u8::try_from(d).ok())
        };
        let digits: Vec<u8> = ROW_V1.bytes().filter_map(digit).collect();
        let bytes: Vec<u8> = digits.chunks(2).map(|two| two[0] << 4 | two[1]).collect();
        let (at, turns) = read_row(&bytes).expect("version 1 is still read");
        assert_eq!(at, Timestamp::from_millis(12));
        assert_eq!((turns.len(), &turns[0].0), (2, &turn()));
    }
}

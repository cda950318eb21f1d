//! A list of conversations from its other end: those that came into their mode last, first.
//!
//! Whoever looks for what was closed a minute ago must not read through what was closed last year. Exact in the same way
//! as every page of `read`.

use std::cmp::Reverse;

use redb::ReadTransaction;

use super::LoadError;
use super::embedded::Store;
use super::format::mode_code;
use super::state::{Failure, LISTING, cut, listing_key, time_and_id};
use crate::clock::Timestamp;
use crate::conversation::words::ModeName;
use crate::ids::ConversationId;

const LAST: (Timestamp, ConversationId) = (Timestamp::MAX, ConversationId::from_bytes([0xff; 16]));
const FIRST: (Timestamp, ConversationId) = (
    Timestamp::from_millis(i64::MIN),
    ConversationId::from_bytes([0; 16]),
);

impl Store {
    /// Conversations in `mode`, those that came into it last first: up to `limit` before `before`.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn newest(
        &self,
        mode: ModeName,
        before: Option<(Timestamp, ConversationId)>,
        limit: usize,
    ) -> Result<Vec<(Timestamp, ConversationId)>, LoadError> {
        let (time, id) = before.unwrap_or(LAST);
        let code = mode_code(mode);
        let (from, upto) = (
            listing_key(code, FIRST.0, FIRST.1),
            listing_key(code, time, id),
        );
        let rows = |txn: &ReadTransaction| {
            let rows = txn.open_table(LISTING)?.range::<&[u8; 25]>(&from..&upto)?;
            Ok(rows.rev().map(|row| {
                row.map(|(key, _)| Reverse(time_and_id(&cut(key.value(), 1))))
                    .map_err(Failure::from)
            }))
        };
        let page = self.page(
            limit,
            rows,
            |row| row.0.1,
            |tail, limit| {
                let listed = tail.listed_back(mode, (time, id), limit);
                listed.into_iter().map(Reverse).collect()
            },
        )?;
        Ok(page.into_iter().map(|Reverse(row)| row).collect())
    }
}

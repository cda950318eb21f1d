//! Pages of an index: who is due, who stands in a mode, who there is.
//!
//! They are exact: a row of the state is shown only if the tail says nothing newer of that conversation, and if nothing
//! was applied between the transaction and that question; else the page is read again. All of it blocks for as long as
//! a page takes to come from the disk.

use redb::{ReadTransaction, ReadableTableMetadata as _};

use super::LoadError;
use super::embedded::Store;
use super::format::{FormatError, mode_code, mode_of};
use super::read::ATTEMPTS;
use super::state::{DUE, Failure, HEADS, LISTING, applied, cut, due_key, listing_key, time_and_id};
use super::tail::Tail;
use crate::clock::Timestamp;
use crate::conversation::words::ModeName;
use crate::ids::ConversationId;

/// Most rows of one page of an index.
pub const PAGE_MAX: usize = 4_096;
/// Rows read between two looks at the tail.
const CHUNK: usize = 256;

const FIRST_ID: ConversationId = ConversationId::from_bytes([0; 16]);
const LAST_ID: ConversationId = ConversationId::from_bytes([0xff; 16]);
const EARLIEST: Timestamp = Timestamp::from_millis(i64::MIN);

impl Store {
    /// Who wants waking at `at` or earlier, earliest first: up to `limit` (at most [`PAGE_MAX`]) after `after`.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn due_before(
        &self,
        at: Timestamp,
        after: Option<(Timestamp, ConversationId)>,
        limit: usize,
    ) -> Result<Vec<(Timestamp, ConversationId, ModeName)>, LoadError> {
        let (time, id) = after.unwrap_or((EARLIEST, FIRST_ID));
        let (from, upto) = (due_key(time, id), due_key(at, LAST_ID));
        if from > upto {
            return Ok(Vec::new());
        }
        self.page(
            limit,
            |txn| {
                let rows = txn.open_table(DUE)?.range::<&[u8; 24]>(&from..=&upto)?;
                Ok(rows.filter_map(move |row| {
                    row.map_err(Failure::from)
                        .and_then(|(key, mode)| {
                            let mode =
                                mode_of(mode.value()).ok_or(FormatError::Nonsense("due row"))?;
                            let (due, id) = time_and_id(key.value());
                            Ok(((due, id, mode), (due, id)))
                        })
                        .map(|(row, place)| (Some(place) != after).then_some(row))
                        .transpose()
                }))
            },
            |row| row.1,
            |tail, limit| tail.due_within(after, at, limit),
        )
    }

    /// Conversations in `mode`, those longest in it first: up to `limit` (at most [`PAGE_MAX`]) after `after`.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn list(
        &self,
        mode: ModeName,
        after: Option<(Timestamp, ConversationId)>,
        limit: usize,
    ) -> Result<Vec<(Timestamp, ConversationId)>, LoadError> {
        let (time, id) = after.unwrap_or((EARLIEST, FIRST_ID));
        let code = mode_code(mode);
        let from = listing_key(code, time, id);
        let upto = listing_key(code, Timestamp::MAX, LAST_ID);
        self.page(
            limit,
            |txn| {
                let rows = txn.open_table(LISTING)?.range::<&[u8; 25]>(&from..=&upto)?;
                Ok(rows.filter_map(move |row| {
                    row.map_err(Failure::from)
                        .map(|(key, _)| time_and_id(&cut(key.value(), 1)))
                        .map(|row| (Some(row) != after).then_some(row))
                        .transpose()
                }))
            },
            |row| row.1,
            |tail, limit| tail.listed(mode, after, limit),
        )
    }

    /// Every conversation there is, in the order of their ids: up to `limit` (at most [`PAGE_MAX`]) after `after`.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn conversations(
        &self,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<ConversationId>, LoadError> {
        let from = after.unwrap_or(FIRST_ID);
        self.page(
            limit,
            |txn| {
                let rows = txn
                    .open_table(HEADS)?
                    .range::<&[u8; 16]>(from.as_bytes()..)?;
                Ok(rows.filter_map(move |row| {
                    row.map_err(Failure::from)
                        .map(|(key, _)| ConversationId::from_bytes(*key.value()))
                        .map(|id| (Some(id) != after).then_some(id))
                        .transpose()
                }))
            },
            |id| *id,
            |tail, limit| tail.ids(after, limit),
        )
    }

    /// About how many conversations there are: those that are not applied yet are not counted.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn conversation_count(&self) -> Result<u64, LoadError> {
        self.shared().readable()?;
        self.state_read(|txn| Ok(txn.open_table(HEADS)?.len()?))
    }

    /// A page of an index: `rows` of the state in order, less those of whom the tail knows better, merged with what
    /// `of_tail` says.
    pub(super) fn page<R: Ord, I: Iterator<Item = Result<R, Failure>>>(
        &self,
        limit: usize,
        rows: impl Fn(&ReadTransaction) -> Result<I, Failure>,
        id_of: impl Fn(&R) -> ConversationId,
        of_tail: impl Fn(&Tail, usize) -> Vec<R>,
    ) -> Result<Vec<R>, LoadError> {
        let limit = limit.min(PAGE_MAX);
        for _ in 0..ATTEMPTS {
            self.shared().readable()?;
            let page = self.state_read(|txn| {
                let applied = applied(txn)?;
                let mut rows = rows(txn)?;
                let mut page = Vec::new();
                loop {
                    let before = page.len();
                    for row in rows.by_ref().take(CHUNK) {
                        page.push(row?);
                    }
                    let ended = page.len() - before < CHUNK;
                    let tail = self.shared().tail();
                    if tail.applied() > applied {
                        return Ok(None);
                    }
                    page.retain(|row| !tail.contains(id_of(row)));
                    if ended || page.len() >= limit {
                        page.extend(of_tail(&tail, limit));
                        return Ok(Some(page));
                    }
                }
            })?;
            if let Some(mut page) = page {
                page.sort_unstable();
                page.truncate(limit);
                return Ok(page);
            }
        }
        Err(LoadError::Retry(
            "the index moves on faster than it can be read".to_owned(),
        ))
    }
}

//! What both files say of themselves: which store they belong to, and in which format they are laid out.
//!
//! The state file is created first and the journal second, each with its identity in its first commit. So a journal
//! that knows its store beside a state that does not is always a foreign one, and a state that has applied anything
//! beside a journal that knows nothing has lost its journal. Nothing here decides; `embedded` does.

use redb::{Database, ReadableDatabase, TableDefinition, TableError};

use super::state::Failure;

/// The small facts of a file, by name.
pub const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta");

/// The layout of the tables. Raised when a table changes its meaning; [`super::format::VERSION`] covers the values.
pub const LAYOUT: u32 = 1;

const STORE_ID: &str = "store_id";
const LAYOUT_KEY: &str = "layout";

/// Which store a file belongs to, and how it is laid out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Identity {
    /// Drawn at random when the store was made.
    pub store: [u8; 16],
    /// The layout.
    pub layout: u32,
}

impl Identity {
    /// Reads it; none in a file that is new.
    pub fn read(database: &Database) -> Result<Option<Self>, Failure> {
        let meta = match database.begin_read()?.open_table(META) {
            Ok(meta) => meta,
            Err(TableError::TableDoesNotExist(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let store = meta.get(STORE_ID)?.and_then(|v| v.value().try_into().ok());
        let layout = meta
            .get(LAYOUT_KEY)?
            .and_then(|v| v.value().try_into().ok());
        Ok(store.zip(layout).map(|(store, layout)| Self {
            store,
            layout: u32::from_le_bytes(layout),
        }))
    }

    /// Writes it, as part of `txn`.
    pub fn write(&self, txn: &redb::WriteTransaction) -> Result<(), Failure> {
        let mut meta = txn.open_table(META)?;
        meta.insert(STORE_ID, self.store.as_slice())?;
        meta.insert(LAYOUT_KEY, self.layout.to_le_bytes().as_slice())?;
        Ok(())
    }
}

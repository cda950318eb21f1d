//! What is on disk: a copy of the data directory, opened and read whole.

use std::path::Path;
use std::sync::Arc;

use segue::conversation::Conversation;
use segue::conversation::trail::Entry;
use segue::ids::ConversationId;
use segue::store::{Observer, Options, Position, Store, Turn};

struct Nobody;

impl Observer for Nobody {
    fn committed(&self, _: Position, _: &[Arc<Turn>]) {}
}

/// A store that nobody else uses.
pub struct Records {
    store: Store,
    _copy: tempfile::TempDir,
}

impl Records {
    /// Copies the data directory of a process that is gone, so that looking repairs nothing in it, and opens the copy.
    pub fn copied(data: &Path) -> Self {
        let copy = tempfile::tempdir().expect("a directory");
        for file in ["journal.redb", "state.redb"] {
            if data.join(file).exists() {
                std::fs::copy(data.join(file), copy.path().join(file)).expect("a copy");
            }
        }
        let options = Options {
            apply: false,
            free_bytes_min: 0,
            cache_mb: 32,
            ..Options::default()
        };
        let (store, _) =
            Store::open(copy.path(), options, Arc::new(Nobody)).expect("it opens after a kill");
        Self { store, _copy: copy }
    }

    /// The id of a conversation.
    pub fn id(&self, channel: &str, address: &str) -> ConversationId {
        ConversationId::derive(self.store.key(), channel, address)
    }

    /// The whole trail of a conversation.
    pub fn trail(&self, id: ConversationId) -> Vec<Entry> {
        let mut entries = Vec::new();
        loop {
            let from = entries.last().map_or(0, |last: &Entry| last.n + 1);
            let page = self
                .store
                .trail(id, from, 1_000)
                .expect("a trail is readable");
            if page.is_empty() {
                return entries;
            }
            entries.extend(page);
        }
    }

    /// The head of a conversation, if there is one.
    pub fn head(&self, id: ConversationId) -> Option<Conversation> {
        let loaded = self.store.load(id, 0).expect("a head is readable")?;
        Some(Conversation::decode(&loaded.head).expect("a head"))
    }

    /// How many things are parked.
    pub fn parked(&self) -> u64 {
        self.store.parked_count().expect("a count")
    }
}

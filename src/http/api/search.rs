//! What is looked for in a list: part of an address, a name, a tag, an id, or of what was said or noted lately.
//!
//! There is no index of what people say: the end of a conversation's trail is read. A request looks at a bounded number
//! of conversations, so it costs some milliseconds; the cursor goes on from there.

use crate::conversation::Conversation;
use crate::conversation::trail::{Entry, Fact};
use crate::desk::sighting::spoken;
use crate::store::{LoadError, Store};

/// Entries of a trail that are searched, from its end: what an ordinary conversation of a day has, with room.
const ENTRIES: usize = 200;
/// Shorter texts stand in every conversation; they are only looked for in names.
const SAID_CHARS_MIN: usize = 2;

/// See the head of this file.
pub(super) struct Sought(String);

impl Sought {
    /// Case does not matter.
    pub(super) fn new(text: &str) -> Self {
        Self(text.to_lowercase())
    }

    /// Whether the conversation is called that.
    pub(super) fn names(&self, conversation: &Conversation) -> bool {
        let common = conversation.common();
        self.is_in(&common.customer.address)
            || common
                .customer
                .name
                .as_deref()
                .is_some_and(|name| self.is_in(name))
            || common.tags.iter().any(|tag| self.is_in(tag))
            || self.0 == common.id.to_string()
    }

    /// Whether that was said or noted in it lately.
    ///
    /// # Errors
    /// What reading ends in.
    pub(super) fn said_in(
        &self,
        store: &Store,
        conversation: &Conversation,
    ) -> Result<bool, LoadError> {
        if self.0.chars().count() < SAID_CHARS_MIN {
            return Ok(false);
        }
        let end = conversation.next_entry();
        let from = end.saturating_sub(ENTRIES as u64);
        let entries = store.trail(conversation.common().id, from, ENTRIES)?;
        Ok(entries.iter().any(|entry| self.is_said(entry)))
    }

    fn is_said(&self, entry: &Entry) -> bool {
        if let Some(text) = spoken(entry) {
            return self.is_in(text);
        }
        if let Fact::NoteWritten { text, .. } | Fact::HandedBack { note: text, .. } = &entry.fact {
            return self.is_in(text);
        }
        false
    }

    fn is_in(&self, text: &str) -> bool {
        text.to_lowercase().contains(&self.0)
    }
}

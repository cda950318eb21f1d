//! Which conversations have a question out to the model, so that whoever switches the AI off can tell them, and no others.
//!
//! A keeper enters its conversation before it looks at the switches; whoever turns a switch reads the record after it is
//! in force. So one of the two always sees the other. What this never does: decide anything, or wake anybody.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::ids::{ByConversation, ConversationId};

/// See the head of this file. Cheap to clone. As large as there are questions out.
#[derive(Clone, Default)]
pub struct Asks(Arc<Mutex<ByConversation<usize>>>);

/// A question on record, until it is dropped.
pub struct OnRecord {
    asks: Asks,
    id: ConversationId,
}

impl Asks {
    /// Puts a question of `id` on record.
    pub fn enter(&self, id: ConversationId) -> OnRecord {
        *self.lock().entry(id).or_default() += 1;
        OnRecord {
            asks: self.clone(),
            id,
        }
    }

    /// The conversations with a question out.
    pub fn all(&self) -> Vec<ConversationId> {
        self.lock().keys().copied().collect()
    }

    fn lock(&self) -> MutexGuard<'_, ByConversation<usize>> {
        // Numbers only: they are whole whoever panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OnRecord {
    fn drop(&mut self) {
        let mut asks = self.asks.lock();
        if let Some(out) = asks.get_mut(&self.id) {
            *out -= 1;
            if *out == 0 {
                asks.remove(&self.id);
            }
        }
    }
}

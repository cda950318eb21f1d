//! What was done under an `Idempotency-Key` that concerns no conversation: agents, parked things.
//!
//! A conversation remembers the keys of its own acts durably. These here are few, each is refused or empty the second
//! time by its nature, and they are kept in memory: a restart forgets them. A secret is never kept for a repetition.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::ids::IdHash;

/// How long a key is honoured: as long as a conversation honours one.
const LASTS: Duration = Duration::from_hours(24);
/// Keys remembered; the oldest goes first.
const KEYS_MAX: usize = 10_000;

/// What a key stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Replay {
    /// It was used for another request.
    Other,
    /// It was done; what was answered held a secret.
    Secret,
    /// It was done, and this was answered.
    Answer(Vec<u8>),
}

/// See the head of this file.
#[derive(Debug, Default)]
pub struct Replays(Mutex<HashMap<IdHash, Kept>>, tokio::sync::Mutex<()>);

#[derive(Debug)]
struct Kept {
    digest: IdHash,
    at: Timestamp,
    answer: Option<Vec<u8>>,
}

impl Replays {
    /// Until this is dropped nothing else is done under a key: of several requests with the same one, the others find
    /// what the first did. None without a key, which waits for nobody. What is done so is rare, so one turn serves all.
    pub async fn alone(
        &self,
        key: Option<(IdHash, IdHash)>,
    ) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        key?;
        Some(self.1.lock().await)
    }

    /// What was done under the key before; none: nothing, or nobody gave one.
    pub fn find(&self, key: Option<(IdHash, IdHash)>, now: Timestamp) -> Option<Replay> {
        let (key, digest) = key?;
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.get(&key).filter(|one| now.since(one.at) < LASTS)?;
        Some(match &found.answer {
            _ if found.digest != digest => Replay::Other,
            None => Replay::Secret,
            Some(answer) => Replay::Answer(answer.clone()),
        })
    }

    /// It was done under the key, and this was answered; none: a secret was.
    pub fn keep(&self, key: Option<(IdHash, IdHash)>, answer: Option<Vec<u8>>, now: Timestamp) {
        let Some((key, digest)) = key else { return };
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEYS_MAX {
            kept.retain(|_, one| now.since(one.at) < LASTS);
        }
        if kept.len() >= KEYS_MAX
            && let Some(oldest) = kept
                .iter()
                .min_by_key(|(_, one)| one.at)
                .map(|(key, _)| *key)
        {
            kept.remove(&oldest);
        }
        kept.insert(
            key,
            Kept {
                digest,
                at: now,
                answer,
            },
        );
    }
}

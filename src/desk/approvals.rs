//! Which approvals are open in the whole house, in memory, so that they can stand in a list while the AI has their
//! conversations.
//!
//! The heads of the conversations are the truth. [`Standing`] is an index that watches commits; [`Approvals`] remembers,
//! as one setting, in which conversations to look after a start. It is written *before* an approval can be committed, so
//! that none is forgotten; a conversation too many in it costs one look. Nothing here decides anything.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::clock::Timestamp;
use crate::conversation::trail::{Entry, Fact};
use crate::conversation::{Conversation, approval};
use crate::ids::ConversationId;
use crate::store::{CommitError, LoadError, Store, Turn};

/// The most conversations with open approvals: above that nobody decides them, and asking for more is no use.
pub const CONVERSATIONS_MAX: usize = 1_000;
const SETTING: &str = "approvals";

/// Where an approval stands in the list: when it was asked for, in which conversation, by which entry.
pub type Place = (Timestamp, ConversationId, u64);

/// See the head of this file.
#[derive(Debug, Default)]
pub struct Standing(Mutex<BTreeSet<Place>>);

impl Standing {
    /// Takes a committed turn in; says whether it asked for an approval or decided one.
    pub(super) fn committed(&self, turn: &Turn) -> bool {
        let mut concerned = false;
        for entry in &turn.entries {
            concerned |= self.read(turn.conversation, entry);
        }
        concerned
    }

    fn read(&self, id: ConversationId, entry: &Entry) -> bool {
        if matches!(entry.fact, Fact::ApprovalAsked { .. }) {
            self.lock().insert((entry.at, id, entry.n));
            true
        } else if let Fact::ApprovalDecided { approval, .. } = entry.fact {
            self.forget(id, approval);
            true
        } else {
            false
        }
    }

    /// One that is open no more.
    pub fn forget(&self, id: ConversationId, approval: u64) {
        self.lock().retain(|(_, of, n)| (*of, *n) != (id, approval));
    }

    /// Up to `limit` of them after `after`, the oldest first.
    pub fn page(&self, after: Option<Place>, limit: usize) -> Vec<Place> {
        let from = match after {
            Some(place) => std::ops::Bound::Excluded(place),
            None => std::ops::Bound::Unbounded,
        };
        let places = self.lock();
        let rest = places.range((from, std::ops::Bound::Unbounded));
        rest.take(limit).copied().collect()
    }

    fn conversations(&self) -> BTreeSet<ConversationId> {
        self.lock().iter().map(|(_, id, _)| *id).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<Place>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why an approval cannot be asked for.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ApprovalsError {
    /// There are too many.
    #[error("approvals are open in {CONVERSATIONS_MAX} conversations: decide some first")]
    TooMany,
    /// The store did not take it.
    #[error("it could not be stored: {0}")]
    Store(#[from] CommitError),
}

/// See the head of this file.
pub struct Approvals {
    store: Store,
    standing: Arc<Standing>,
    /// Where one is being asked for just now, and how often.
    expected: Mutex<BTreeMap<ConversationId, u32>>,
}

impl Approvals {
    /// Reads what is open from the heads that the setting names. Before anything is committed.
    pub(super) fn open(store: Store, standing: Arc<Standing>) -> Result<Self, LoadError> {
        let ids: Vec<String> = match store.setting(SETTING)? {
            None => Vec::new(),
            Some(bytes) => serde_json::from_slice(&bytes)
                .map_err(|fault| LoadError::Corrupt(format!("open approvals: {fault}")))?,
        };
        for id in ids.iter().filter_map(|id| id.parse().ok()) {
            match read(&store, &standing, id) {
                Ok(()) => {}
                // One that is damaged must not keep all the others from being served.
                Err(LoadError::Corrupt(why)) => {
                    tracing::error!(conversation = %id, why, "its approvals cannot be read; they are on no list");
                }
                Err(fault @ LoadError::Retry(_)) => return Err(fault),
            }
        }
        Ok(Self {
            store,
            standing,
            expected: Mutex::default(),
        })
    }

    /// Those that are open.
    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    /// An approval is about to be asked for in `id`; durable before it returns. Blocks. [`Self::settled`] ends it.
    ///
    /// # Errors
    /// [`ApprovalsError`]: nothing may be asked for then.
    pub fn expect(&self, id: ConversationId) -> Result<(), ApprovalsError> {
        let mut expected = self.expected.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = self.standing.conversations();
        all.extend(expected.keys().copied());
        if !all.contains(&id) {
            if all.len() >= CONVERSATIONS_MAX {
                return Err(ApprovalsError::TooMany);
            }
            all.insert(id);
            let ids: Vec<_> = all.iter().map(ToString::to_string).collect();
            let bytes = serde_json::to_vec(&ids).expect("texts are plain data");
            self.store.put_setting(SETTING, &bytes)?;
        }
        *expected.entry(id).or_default() += 1;
        Ok(())
    }

    /// It was asked for and committed, or refused.
    pub fn settled(&self, id: ConversationId) {
        let mut expected = self.expected.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(times) = expected.get_mut(&id) {
            *times -= 1;
            if *times == 0 {
                expected.remove(&id);
            }
        }
    }
}

fn read(store: &Store, standing: &Standing, id: ConversationId) -> Result<(), LoadError> {
    let Some(loaded) = store.load(id, 0)? else {
        return Ok(());
    };
    let head = Conversation::decode(&loaded.head)
        .map_err(|fault| LoadError::Corrupt(fault.to_string()))?;
    for n in approval::open(head.common()) {
        for entry in store.trail(id, n, 1)? {
            standing.read(id, &entry);
        }
    }
    Ok(())
}

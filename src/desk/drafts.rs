//! What people have begun to write and not sent, so that they find it again at another desk.
//!
//! In memory alone, for some days, and bounded: a draft is nobody's record. The page keeps a copy of its own.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::ids::{AgentName, ConversationId};

/// How long a draft is kept.
const LASTS: Duration = Duration::from_hours(72);
/// Drafts kept; the oldest goes first.
const DRAFTS_MAX: usize = 10_000;

/// See the head of this file.
#[derive(Default)]
pub struct Drafts(Mutex<HashMap<(AgentName, ConversationId), (String, Timestamp)>>);

impl Drafts {
    /// Keeps a draft; an empty one is forgotten.
    pub fn keep(&self, agent: &AgentName, id: ConversationId, text: String, now: Timestamp) {
        let mut drafts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (agent.clone(), id);
        if text.trim().is_empty() {
            drafts.remove(&key);
            return;
        }
        if drafts.len() >= DRAFTS_MAX && !drafts.contains_key(&key) {
            drafts.retain(|_, (_, at)| now.since(*at) < LASTS);
            let oldest = drafts.iter().min_by_key(|(_, (_, at))| *at);
            if drafts.len() >= DRAFTS_MAX
                && let Some(oldest) = oldest.map(|(key, _)| key.clone())
            {
                drafts.remove(&oldest);
            }
        }
        drafts.insert(key, (text, now));
    }

    /// The draft, and when it was kept.
    pub fn find(
        &self,
        agent: &AgentName,
        id: ConversationId,
        now: Timestamp,
    ) -> Option<(String, Timestamp)> {
        let drafts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = drafts.get(&(agent.clone(), id))?;
        (now.since(found.1) < LASTS).then(|| found.clone())
    }

    /// Forgets all drafts of somebody.
    pub fn forget(&self, agent: &AgentName) {
        let mut drafts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        drafts.retain(|(of, _), _| of != agent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_is_found_until_it_is_sent_or_old() {
        let (drafts, ana, id) = (
            Drafts::default(),
            AgentName::from("Ana"),
            ConversationId::from_bytes([1; 16]),
        );
        let at = Timestamp::from_millis(5);
        drafts.keep(&ana, id, "Hel".into(), at);
        assert_eq!(drafts.find(&ana, id, at), Some(("Hel".into(), at)));
        assert_eq!(drafts.find(&"Ben".into(), id, at), None, "nobody else's");
        assert_eq!(drafts.find(&ana, id, at + LASTS), None);
        drafts.keep(&ana, id, "  ".into(), at);
        assert_eq!(drafts.find(&ana, id, at), None);
    }

    #[test]
    fn the_oldest_goes_when_there_are_too_many() {
        let drafts = Drafts::default();
        let id = ConversationId::from_bytes([1; 16]);
        for n in 0..=DRAFTS_MAX {
            let at = Timestamp::from_millis(i64::try_from(n).expect("small"));
            drafts.keep(&format!("agent {n}").into(), id, "x".into(), at);
        }
        let now = Timestamp::from_millis(20_000);
        assert_eq!(drafts.find(&"agent 0".into(), id, now), None);
        assert!(drafts.find(&"agent 1".into(), id, now).is_some());
    }
}

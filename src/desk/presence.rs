//! Who is there, and who is looking at or writing in what. Leases: a closed laptop goes away by itself.
//!
//! A sign of life is an open event stream, an act on a conversation, signing in, or saying how one is; never a read.
//! Nothing of this is stored, and no decision rests on it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

use crate::clock::{Clock, Timestamp};
use crate::ids::{AgentName, ConversationId};

/// Without a sign of life for this long, somebody is away.
pub const LEASE: Duration = Duration::from_secs(60);
/// A mark of looking lasts this long; the page renews it.
pub const VIEWING_LASTS: Duration = Duration::from_secs(30);
/// A mark of writing lasts this long.
pub const TYPING_LASTS: Duration = Duration::from_secs(8);
/// How often at most it is told that a customer writes; a page shows it for twice as long and a little more.
pub const CUSTOMER_EVERY: Duration = Duration::from_secs(3);
/// Marks kept of one conversation.
const MARKS_MAX: usize = 16;
/// Conversations with marks; beyond that, old ones are swept out first and new ones not taken.
const MARKED_MAX: usize = 20_000;
/// Signs that a slow listener may lag behind; it misses the rest, and leases mend that.
const LAG_MAX: usize = 256;

/// How somebody says they are.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Ready for the next customer.
    Available,
    /// There, and not to be given more.
    Busy,
    /// Not there.
    Away,
}

/// What somebody does with a conversation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Doing {
    /// Looks at it.
    Viewing,
    /// Writes in it.
    Typing,
}

/// Something that listeners are told at once, and that nobody repeats.
#[derive(Clone, PartialEq, Debug)]
pub enum Sign {
    /// Somebody came, went or changed.
    Presence {
        /// Who.
        agent: AgentName,
        /// How they are now.
        state: State,
    },
    /// Somebody looks at or writes in a conversation.
    Mark {
        /// Which.
        conversation: ConversationId,
        /// Who.
        agent: AgentName,
        /// What they do.
        doing: Doing,
    },
    /// The customer writes.
    Customer {
        /// In which conversation.
        conversation: ConversationId,
    },
}

/// See the head of this file.
pub struct Presence {
    clock: Arc<dyn Clock>,
    inner: Mutex<Inner>,
    signs: broadcast::Sender<Sign>,
}

#[derive(Default)]
struct Inner {
    people: HashMap<AgentName, (State, Timestamp)>,
    marks: HashMap<ConversationId, Vec<Mark>>,
    /// When customers were last said to write.
    writing: HashMap<ConversationId, Timestamp>,
}

struct Mark {
    agent: AgentName,
    doing: Doing,
    until: Timestamp,
}

impl Presence {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            inner: Mutex::default(),
            signs: broadcast::channel(LAG_MAX).0,
        }
    }

    /// A sign of life. Whoever was away by lapse is as they said before.
    pub fn touch(&self, agent: &AgentName) {
        let now = self.clock.now();
        let mut inner = self.lock();
        match inner.people.get_mut(agent) {
            Some((state, seen)) => {
                let lapsed = *seen + LEASE <= now;
                *seen = now;
                let state = *state;
                drop(inner);
                if lapsed {
                    self.tell(Sign::Presence {
                        agent: agent.clone(),
                        state,
                    });
                }
            }
            None => {
                inner.people.insert(agent.clone(), (State::Available, now));
                drop(inner);
                self.tell(Sign::Presence {
                    agent: agent.clone(),
                    state: State::Available,
                });
            }
        }
    }

    /// Somebody says how they are.
    pub fn set(&self, agent: &AgentName, state: State) {
        self.lock()
            .people
            .insert(agent.clone(), (state, self.clock.now()));
        self.tell(Sign::Presence {
            agent: agent.clone(),
            state,
        });
    }

    /// How somebody is.
    pub fn of(&self, agent: &AgentName) -> State {
        let now = self.clock.now();
        match self.lock().people.get(agent) {
            Some((state, seen)) if *seen + LEASE > now => *state,
            Some(_) | None => State::Away,
        }
    }

    /// Forgets somebody.
    pub fn forget(&self, agent: &AgentName) {
        self.lock().people.remove(agent);
    }

    /// Somebody looks at or writes in a conversation.
    pub fn mark(&self, conversation: ConversationId, agent: &AgentName, doing: Doing) {
        let now = self.clock.now();
        let lasts = match doing {
            Doing::Viewing => VIEWING_LASTS,
            Doing::Typing => TYPING_LASTS,
        };
        let mut inner = self.lock();
        if inner.marks.len() >= MARKED_MAX && !inner.marks.contains_key(&conversation) {
            inner
                .marks
                .retain(|_, marks| marks.iter().any(|mark| mark.until > now));
            if inner.marks.len() >= MARKED_MAX {
                return;
            }
        }
        let marks = inner.marks.entry(conversation).or_default();
        marks.retain(|mark| mark.until > now && !(mark.agent == *agent && mark.doing == doing));
        if marks.len() < MARKS_MAX {
            marks.push(Mark {
                agent: agent.clone(),
                doing,
                until: now + lasts,
            });
        }
        drop(inner);
        self.tell(Sign::Mark {
            conversation,
            agent: agent.clone(),
            doing,
        });
    }

    /// The customer writes in a conversation. Told at most every [`CUSTOMER_EVERY`].
    pub fn customer_writes(&self, conversation: ConversationId) {
        let now = self.clock.now();
        let mut inner = self.lock();
        let told = inner.writing.get(&conversation);
        if told.is_some_and(|told| now.since(*told) < CUSTOMER_EVERY) {
            return;
        }
        if inner.writing.len() >= MARKED_MAX {
            inner
                .writing
                .retain(|_, told| now.since(*told) < CUSTOMER_EVERY);
        }
        if inner.writing.len() < MARKED_MAX {
            inner.writing.insert(conversation, now);
            drop(inner);
            self.tell(Sign::Customer { conversation });
        }
    }

    /// Who does this with a conversation.
    pub fn marked(&self, conversation: ConversationId, doing: Doing) -> Vec<AgentName> {
        let now = self.clock.now();
        let inner = self.lock();
        let marks = inner.marks.get(&conversation).into_iter().flatten();
        marks
            .filter(|mark| mark.doing == doing && mark.until > now)
            .map(|mark| mark.agent.clone())
            .collect()
    }

    /// Listens to signs from now on.
    pub fn signs(&self) -> broadcast::Receiver<Sign> {
        self.signs.subscribe()
    }

    fn tell(&self, sign: Sign) {
        // Nobody has to listen.
        let _ = self.signs.send(sign);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner
            .lock()
            .expect("nobody panics while holding the presence")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    fn presence() -> (Presence, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_000_000)));
        (Presence::new(Arc::<ManualClock>::clone(&clock)), clock)
    }

    #[test]
    fn presence_lapses_and_returns_as_it_was() {
        let (presence, clock) = presence();
        let ana = AgentName::from("Ana");
        assert_eq!(presence.of(&ana), State::Away);
        presence.touch(&ana);
        assert_eq!(presence.of(&ana), State::Available);
        presence.set(&ana, State::Busy);
        clock.advance(LEASE);
        assert_eq!(presence.of(&ana), State::Away);
        presence.touch(&ana);
        assert_eq!(presence.of(&ana), State::Busy);
    }

    #[test]
    fn a_customer_who_writes_is_told_of_now_and_then() {
        let (presence, clock) = presence();
        let id = ConversationId::from_bytes([3; 16]);
        let mut signs = presence.signs();
        for _ in 0..5 {
            presence.customer_writes(id);
        }
        assert_eq!(
            signs.try_recv().ok(),
            Some(Sign::Customer { conversation: id })
        );
        assert!(signs.try_recv().is_err(), "once");
        clock.advance(CUSTOMER_EVERY);
        presence.customer_writes(id);
        assert!(signs.try_recv().is_ok());
    }

    #[test]
    fn marks_go_by_themselves_and_are_bounded() {
        let (presence, clock) = presence();
        let id = ConversationId::from_bytes([3; 16]);
        presence.mark(id, &"Ana".into(), Doing::Viewing);
        presence.mark(id, &"Ana".into(), Doing::Viewing);
        presence.mark(id, &"Ana".into(), Doing::Typing);
        assert_eq!(presence.marked(id, Doing::Viewing), ["Ana".into()]);
        clock.advance(TYPING_LASTS);
        assert_eq!(presence.marked(id, Doing::Typing), []);
        for n in 0..40 {
            presence.mark(id, &format!("agent {n}").into(), Doing::Viewing);
        }
        assert_eq!(presence.marked(id, Doing::Viewing).len(), MARKS_MAX);
        clock.advance(VIEWING_LASTS);
        assert_eq!(presence.marked(id, Doing::Viewing), []);
    }
}

//! How a conversation comes into memory: read from disk, or begun by its first message, and given a keeper.
//!
//! Whatever came meanwhile is delivered before the slot turns live. A keeper that is woken again is loaded only after
//! everything the old one submitted is durable. What cannot be read is not woken: see `parking`.

use std::collections::VecDeque;

use ractor::{Actor, ActorRef};

use super::keeper::{Keeper, Kept};
use super::letter::{Letter, Post};
use super::parking::refuse;
use super::router::{Router, State};
use super::window::Window;
use super::{Unavailable, blocking, others};
use crate::clock::monotonic;
use crate::conversation::Conversation;
use crate::conversation::event::Event;
use crate::conversation::words::ModeName;
use crate::ids::ConversationId;
use crate::metrics::Source;
use crate::store::LoadError;

/// A conversation with what the AI is shown and told of it.
type Woken = (Conversation, (Window, Option<Box<str>>));

impl Router {
    /// Loads a conversation and gives it a keeper; what came meanwhile is delivered first.
    pub(super) async fn wake(self, id: ConversationId, old: Option<ActorRef<Letter>>) {
        if let Some(old) = old {
            // The old keeper has to be gone, and what it submitted on disk, before the new one reads.
            let _gone = old.get_cell().wait(None).await;
            self.barrier().await;
        }
        let began = monotonic();
        let generation = self.store().generation();
        let loaded = {
            let Ok(_place) = self.inner.waking.acquire().await else {
                return;
            };
            self.load(id).await
        };
        let woken = match loaded {
            Ok(Some(woken)) => Some(woken),
            Ok(None) => match self.begin(id) {
                Some((begun, window)) => {
                    let others = self.others_of(&begun).await;
                    Some((begun, (window, others)))
                }
                None => None,
            },
            Err(fault) => return self.give_up(id, &fault),
        };
        let Some((conversation, seen)) = woken else {
            return;
        };
        let source = if conversation.rev() == 0 {
            Source::New
        } else {
            Source::Rehydrated
        };
        let revive = conversation.in_flight();
        let kept = Box::new(Kept::new(conversation, seen, generation, self.clone()));
        let shard = self.inner.tree.shard(usize::from(id.as_bytes()[0]));
        match Actor::spawn_linked(None, Keeper, kept, shard).await {
            Ok((keeper, _)) => {
                self.turn_live(id, keeper, revive);
                self.metrics().actor_activated(source, began.elapsed());
            }
            Err(fault) => {
                tracing::error!(conversation = %id, %fault, "a keeper could not be started");
                self.answer_all(id, &|| Err(Unavailable::Lost));
            }
        }
    }

    fn turn_live(&self, id: ConversationId, keeper: ActorRef<Letter>, revive: bool) {
        let mut map = self.map(id);
        let Some(slot) = map.get_mut(&id) else { return };
        let used_at = self.clock().now();
        let waited = std::mem::replace(
            &mut slot.state,
            State::Live {
                keeper: keeper.clone(),
                used_at,
            },
        );
        if revive {
            let _ = keeper.cast(Letter::Post(Box::new(Post::of(Event::Revived {
                began_at: self.inner.began_at,
            }))));
        }
        match waited {
            State::Waking(queue) => {
                for letter in queue {
                    // A keeper that died this early drops its letters; their askers are told that the outcome is lost.
                    let _ = keeper.cast(letter);
                }
            }
            State::Live { .. } => {}
        }
    }

    /// Whether a customer's message is among what waits for `id` to wake: the AI will be asked, if it has it.
    fn is_written_to(&self, id: ConversationId) -> bool {
        self.map(id).get(&id).is_some_and(|slot| match &slot.state {
            State::Waking(queue) => queue.iter().any(|letter| {
                matches!(letter, Letter::Post(post) if matches!(post.event, Event::CustomerWrote { .. }))
            }),
            State::Live { .. } => false,
        })
    }

    /// Reads a conversation; where the AI has it and will be asked, with what it will be shown.
    async fn load(&self, id: ConversationId) -> Result<Option<Woken>, LoadError> {
        let (store, policy) = (self.store().clone(), self.policy());
        let shown = policy.window_entries;
        let asked = self.is_written_to(id);
        blocking(move || {
            let Some(loaded) = store.load(id, 0)? else {
                return Ok(None);
            };
            let mut conversation = Conversation::decode(&loaded.head)
                .map_err(|fault| LoadError::Corrupt(fault.to_string()))?;
            let owed = conversation.owed_entries();
            if !owed.is_empty() {
                conversation.restore_texts(store.entries(id, &owed)?);
            }
            let window = match conversation.mode().name() {
                ModeName::Ai if asked => {
                    let recent = store.load(id, shown)?.map(|loaded| loaded.recent);
                    let recent = recent.unwrap_or_default();
                    Window::of(&recent, conversation.next_entry(), shown)
                }
                ModeName::Ai | ModeName::Waiting | ModeName::Human | ModeName::Closed => {
                    Window::default()
                }
            };
            let others = match asked {
                true => others::told(&others::of(&store, &policy, &conversation)?),
                false => None,
            };
            Ok(Some((conversation, (window, others))))
        })
        .await
    }

    /// What the AI is told of the other conversations of a customer who writes here for the first time. They are no
    /// reason to keep anybody waiting: what cannot be read is not told.
    async fn others_of(&self, begun: &Conversation) -> Option<Box<str>> {
        let (store, policy) = (self.store().clone(), self.policy());
        let ids = others::ids(&store, &policy, begun);
        if ids.is_empty() {
            return None;
        }
        let found = blocking(move || others::read(&store, &ids)).await;
        found.ok().as_deref().and_then(others::told)
    }

    /// A conversation nobody has heard of begins with its first message; nothing else can begin it. If there is none,
    /// whoever waits is told that there is no such conversation. A message that comes a moment later finds no slot and
    /// begins anew: looking and refusing are one step.
    fn begin(&self, id: ConversationId) -> Option<(Conversation, Window)> {
        let policy = self.policy();
        let mut map = self.map(id);
        let State::Waking(queue) = &map.get(&id)?.state else {
            return None;
        };
        let begun = queue.iter().find_map(|letter| match letter {
            Letter::Post(post) => match &post.event {
                Event::CustomerWrote { inbound, .. } | Event::WrittenElsewhere { inbound } => {
                    Some(Conversation::for_inbound(id, inbound, &policy))
                }
                Event::Reported(_)
                | Event::ModelAnswered { .. }
                | Event::ModelFailed { .. }
                | Event::StreamStopped { .. }
                | Event::SendSettled { .. }
                | Event::SendSuppressed { .. }
                | Event::DeadlinePassed
                | Event::SwitchTurned
                | Event::OwnerGone { .. }
                | Event::PeoplePresent { .. }
                | Event::Revived { .. }
                | Event::Acted { .. }
                | Event::Faulted { .. } => None,
            },
            Letter::Durable(..)
            | Letter::CommitFailed(_)
            | Letter::WindowRead(..)
            | Letter::Rest
            | Letter::Retire => None,
        });
        if begun.is_none()
            && let Some(slot) = map.remove(&id)
            && let State::Waking(queue) = slot.state
        {
            refuse(queue);
        }
        let begun = begun?;
        let window = Window::of(&[], begun.next_entry(), policy.window_entries);
        Some((begun, window))
    }

    /// Takes out whatever waits for `id` to wake.
    pub(super) fn take_all(&self, id: ConversationId) -> VecDeque<Letter> {
        match self.map(id).remove(&id).map(|slot| slot.state) {
            Some(State::Waking(queue)) => queue,
            Some(State::Live { .. }) | None => VecDeque::new(),
        }
    }
}

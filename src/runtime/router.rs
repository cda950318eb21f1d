//! From a conversation's id to its keeper: alive, or woken.
//!
//! A slot is `Live`, or `Waking` with the letters that came meanwhile. A letter that a dying keeper could not take goes
//! to the front; the queue is delivered before the slot turns live, so order holds over any number of sleeps. A keeper
//! that is woken again is loaded only after everything the old one submitted is durable.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, RwLock};
use std::time::Duration;

use ractor::{ActorRef, MessagingErr};
use tokio::sync::{Semaphore, oneshot};
use tokio_util::sync::CancellationToken;

use super::admission::PER_CONVERSATION_MAX;
use super::asks::Asks;
use super::letter::{Counts, Letter, Place, Post};
use super::perform::Performer;
use super::shard::Tree;
use super::{Admission, Answered, Hub, Permit, Unavailable, Wheel};
use crate::clock::{Clock, Timestamp, monotonic};
use crate::conversation::Conversation;
use crate::conversation::decision::Decision;
use crate::conversation::event::Event;
use crate::conversation::policy::Policy;
use crate::ids::{ByConversation, ConversationId};
use crate::metrics::{MailboxRefusal, Metrics};
use crate::store::Store;
use crate::trace::Cause;

/// The map is split so that two messages seldom wait for each other.
const MAPS: usize = 64;
/// Conversations that are read from disk at once.
const WAKING_MAX: usize = 32;

/// See the head of this file. Cheap to clone.
#[derive(Clone)]
pub struct Router {
    pub(super) inner: Arc<Inner>,
}

/// What a router is made of.
pub struct Parts {
    /// Where conversations are kept.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The rules.
    pub policy: Policy,
    /// Does what is decided.
    pub performer: Performer,
    /// Deadlines.
    pub wheel: Wheel,
    /// Open browsers.
    pub hub: Hub,
    /// How many inbound events may be under way.
    pub in_flight_max: usize,
    /// How long a conversation may be idle before it leaves memory.
    pub idle_after: Duration,
    /// Figures.
    pub metrics: Arc<Metrics>,
    /// What decides: [`Conversation::decide`]. Tests put something in its place that panics.
    pub step: Step,
}

/// One step of a conversation.
pub type Step = fn(&mut Conversation, Event, Timestamp, &Policy) -> Decision;

pub(super) struct Inner {
    pub(super) maps: Vec<Mutex<ByConversation<Slot>>>,
    pub(super) tree: Tree,
    pub(super) store: Store,
    /// When this process took over.
    pub(super) began_at: Timestamp,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) policy: RwLock<Arc<Policy>>,
    pub(super) performer: Performer,
    pub(super) wheel: Wheel,
    pub(super) hub: Hub,
    asks: Asks,
    pub(super) admission: Admission,
    pub(super) waking: Semaphore,
    /// Whether the due index has been read once.
    pub(super) looked: AtomicBool,
    pub(super) stopping: AtomicBool,
    closing: CancellationToken,
    pub(super) idle_after: Duration,
    pub(super) metrics: Arc<Metrics>,
    pub(super) step: Step,
}

pub(super) struct Slot {
    pub(super) state: State,
    /// How busy it is, so that one conversation cannot take the whole house.
    counts: Arc<Counts>,
}

pub(super) enum State {
    Live {
        keeper: ActorRef<Letter>,
        used_at: Timestamp,
    },
    Waking(VecDeque<Letter>),
}

impl Router {
    /// Grows the actor tree and starts nothing else: call [`Router::start`] once everything is wired.
    ///
    /// # Errors
    /// When the tree cannot be grown.
    pub async fn new(parts: Parts) -> Result<Self, ractor::SpawnErr> {
        let inner = Inner {
            maps: (0..MAPS).map(|_| Mutex::default()).collect(),
            tree: Tree::grow().await?,
            admission: Admission::new(
                parts.in_flight_max,
                parts.store.clone(),
                Arc::clone(&parts.metrics),
            ),
            store: parts.store,
            began_at: parts.clock.now(),
            clock: parts.clock,
            policy: RwLock::new(Arc::new(parts.policy)),
            performer: parts.performer,
            wheel: parts.wheel,
            hub: parts.hub,
            asks: Asks::default(),
            waking: Semaphore::new(WAKING_MAX),
            looked: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            closing: CancellationToken::new(),
            idle_after: parts.idle_after,
            metrics: parts.metrics,
            step: parts.step,
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Takes up what the due index says is due, handoff deadlines first, then follows the wheel.
    pub fn start(&self) {
        tokio::spawn(self.clone().follow_wheel());
        tokio::spawn(self.clone().refill_wheel());
        tokio::spawn(self.clone().passivate_idle());
    }

    /// Sends an event to its conversation and waits for the answer, which comes only when it is durable.
    ///
    /// # Errors
    /// [`Unavailable`] when the event was not taken or its outcome is not known.
    pub async fn ask(&self, id: ConversationId, event: Event, permit: Option<Permit>) -> Answered {
        self.put(id, event, permit, false).await
    }

    /// The same for an event that is parked: if it fails again, its sender is told so and it is not parked once more.
    ///
    /// # Errors
    /// [`Unavailable`] as for [`Router::ask`], and `StillParked`.
    pub(super) async fn ask_again(
        &self,
        id: ConversationId,
        event: Event,
        permit: Permit,
    ) -> Answered {
        self.put(id, event, Some(permit), true).await
    }

    async fn put(
        &self,
        id: ConversationId,
        event: Event,
        permit: Option<Permit>,
        again: bool,
    ) -> Answered {
        let (reply, answer) = oneshot::channel();
        let post = Post {
            event,
            reply: Some(reply),
            permit,
            place: None,
            again,
            at: monotonic(),
            took: None,
            cause: Cause::here(),
        };
        if !self.send(id, post) {
            return Err(Unavailable::Busy);
        }
        answer.await.unwrap_or(Err(Unavailable::Lost))
    }

    /// Sends an event that nobody waits for.
    pub fn tell(&self, id: ConversationId, event: Event) {
        self.send(id, Post::of(event));
    }

    /// False: the conversation has too much under way.
    fn send(&self, id: ConversationId, mut post: Post) -> bool {
        let mut map = self.map(id);
        let slot = map.entry(id).or_insert_with(|| Slot {
            state: State::Waking(VecDeque::new()),
            counts: Arc::default(),
        });
        let permitted = post.permit.is_some();
        if permitted && slot.counts.under_way() >= PER_CONVERSATION_MAX {
            self.metrics().mailbox_rejected(MailboxRefusal::Full);
            return false;
        }
        post.place = Some(Place::take(&slot.counts, permitted));
        let letter = Letter::Post(Box::new(post));
        match &mut slot.state {
            State::Waking(queue) => {
                let begin = queue.is_empty();
                queue.push_back(letter);
                if begin {
                    tokio::spawn(self.clone().wake(id, None));
                }
            }
            State::Live { keeper, used_at } => {
                *used_at = self.inner.clock.now();
                if let Err(MessagingErr::SendErr(letter)) = keeper.cast(letter) {
                    let old = keeper.clone();
                    slot.state = State::Waking(VecDeque::from([letter]));
                    tokio::spawn(self.clone().wake(id, Some(old)));
                }
            }
        }
        true
    }

    /// Resolves when everything submitted so far is durable, or has failed.
    pub(super) async fn barrier(&self) -> bool {
        let (done, durable) = oneshot::channel();
        let generation = self.inner.store.generation();
        self.inner.store.submit(
            Vec::new(),
            generation,
            Box::new(move |result| {
                let _ = done.send(result.is_ok());
            }),
        );
        durable.await.unwrap_or(false)
    }

    /// Says that the end is near: long answers end, nothing is woken by the clock any more. What was accepted goes on.
    pub fn begin_stop(&self) {
        self.inner.stopping.store(true, Ordering::SeqCst);
        self.inner.closing.cancel();
    }

    /// Finishes what was accepted, in bounded time.
    pub async fn stop(&self, patience: Duration) {
        self.begin_stop();
        self.inner.admission.close();
        self.inner.performer.settle(patience / 2).await;
        self.inner.tree.drain(patience / 2).await;
    }

    /// Cancelled once the end is near.
    pub fn closing(&self) -> &CancellationToken {
        &self.inner.closing
    }

    /// Whether the process is on its way out.
    pub fn is_stopping(&self) -> bool {
        self.inner.stopping.load(Ordering::Relaxed)
    }

    /// Whether `id` is in memory.
    pub fn is_resident(&self, id: ConversationId) -> bool {
        self.map(id).contains_key(&id)
    }

    /// How many conversations are in memory.
    pub fn resident(&self) -> usize {
        self.inner
            .maps
            .iter()
            .map(|map| map.lock().map_or(0, |map| map.len()))
            .sum()
    }

    /// How many events wait in all mailboxes, and how many in the fullest.
    pub fn mailboxes(&self) -> (u64, u64) {
        let mut sums = (0, 0);
        for map in &self.inner.maps {
            let Ok(map) = map.lock() else { continue };
            for slot in map.values() {
                let queued = u64::from(slot.counts.queued());
                sums = (sums.0 + queued, sums.1.max(queued));
            }
        }
        sums
    }

    /// The rules in force.
    pub fn policy(&self) -> Arc<Policy> {
        Arc::clone(
            &self
                .inner
                .policy
                .read()
                .expect("nobody panics while holding the policy"),
        )
    }

    /// Puts other rules in force.
    pub fn set_policy(&self, policy: Policy) {
        *self
            .inner
            .policy
            .write()
            .expect("nobody panics while holding the policy") = Arc::new(policy);
    }

    /// What decides.
    pub(super) fn step(&self) -> Step {
        self.inner.step
    }

    /// The due index has been read once.
    pub(super) fn wheel_is_filled(&self) {
        self.inner.looked.store(true, Ordering::Release);
    }

    /// Whether it has.
    pub(super) fn has_looked(&self) -> bool {
        self.inner.looked.load(Ordering::Acquire)
    }

    /// The time.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.clock
    }

    /// Where conversations are kept.
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// Deadlines.
    pub(super) fn wheel(&self) -> &Wheel {
        &self.inner.wheel
    }

    /// Which conversations have a question out.
    pub(super) fn asks(&self) -> &Asks {
        &self.inner.asks
    }

    /// Open browsers.
    pub fn hub(&self) -> &Hub {
        &self.inner.hub
    }

    /// Figures.
    pub fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    /// The door.
    pub fn admission(&self) -> &Admission {
        &self.inner.admission
    }

    /// Does what is decided.
    pub fn performer(&self) -> &Performer {
        &self.inner.performer
    }

    pub(super) fn map(&self, id: ConversationId) -> MutexGuard<'_, ByConversation<Slot>> {
        let place = usize::from(id.as_bytes()[1]) % MAPS;
        self.inner.maps[place]
            .lock()
            .expect("nobody panics while holding the map")
    }
}

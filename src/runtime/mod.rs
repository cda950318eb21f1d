//! THE SHELL: actors, admission, alarms, performing. No rules about conversations.
//!
//! ```text
//!  Supervisor ── Shard × 16 ── Keeper, one per resident conversation      (supervision only)
//!
//!  Runtime::deliver / act ──▶ Router ──▶ Keeper: decide ─▶ Store ─▶ answer, perform
//!                               ▲                                          │
//!                               └──────── results, as new events ──────────┘
//! ```

mod admission;
mod asks;
mod due;
mod figures;
mod hub;
mod idle;
mod keeper;
mod letter;
mod others;
mod outward;
mod parking;
mod perform;
mod recall;
mod retry;
mod router;
mod shard;
mod streaming;
mod switches;
#[cfg(test)]
mod tests;
mod traced;
mod undelivered;
mod waking;
mod wheel;
mod window;

use std::sync::Arc;
use std::time::Duration;

pub use self::admission::{Admission, Permit};
pub use self::hub::{Frame, Hub};
pub use self::perform::Performer;
pub use self::retry::Retried;
pub use self::router::{Parts, Router, Step};
pub use self::switches::{SWITCHES, Switched};
pub use self::wheel::Wheel;

use crate::clock::Timestamp;
use crate::conversation::Conversation;
use crate::conversation::decision::{Answer, Refusal};
use crate::conversation::event::{Act, Event};
use crate::conversation::message::{Inbound, Medium, Report};
use crate::conversation::policy::{Policy, Switches};
use crate::conversation::trail::Entry;
use crate::conversation::words::Role;
use crate::ids::{AgentName, ChannelName, ConversationId, IdHash};
use crate::store::{CommitError, LoadError, Store};

/// How long a request is held while the store reopens, before it is refused.
const STORE_PATIENCE: Duration = Duration::from_secs(5);

/// How long whoever turns a switch of the AI waits for the streams that it cuts; they are cut in any case.
const CUT_WITHIN: Duration = Duration::from_secs(5);

/// The whole runtime, as the listeners see it. Cheap to clone.
#[derive(Clone)]
pub struct Runtime {
    router: Router,
    switching: Arc<tokio::sync::Mutex<()>>,
    retrying: Arc<tokio::sync::Mutex<()>>,
}

/// Nothing was done, and it can be tried again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unavailable {
    /// Too much is under way, in this conversation or altogether.
    #[error("too many requests are under way")]
    Busy,
    /// The process is stopping.
    #[error("the process is stopping")]
    Stopping,
    /// The store did not take it.
    #[error(transparent)]
    Store(#[from] CommitError),
    /// The store could not be read.
    #[error("the store cannot be read just now")]
    Unread,
    /// The outcome is not known: the actor was given up before it could answer.
    #[error("the conversation was reloaded before it could answer")]
    Lost,
    /// It was parked, and could not be handled this time either.
    #[error("{0}")]
    StillParked(&'static str),
}

impl Unavailable {
    /// After how many seconds to try again.
    pub const fn retry_after(self) -> u64 {
        match self {
            Self::Busy | Self::Lost | Self::Unread | Self::StillParked(_) => 1,
            Self::Stopping | Self::Store(_) => 2,
        }
    }
}

/// What the answer to an event may be.
pub type Answered = Result<Answer, Unavailable>;

impl Runtime {
    /// Wraps the router.
    pub fn new(router: Router) -> Self {
        Self {
            router,
            switching: Arc::default(),
            retrying: Arc::default(),
        }
    }

    /// The id of the conversation that `address` has on `channel`.
    pub fn conversation_id(&self, channel: &ChannelName, address: &str) -> ConversationId {
        ConversationId::derive(self.store().key(), channel.as_str(), address)
    }

    /// A customer wrote. Resolves when what it brought about is durable.
    ///
    /// # Errors
    /// [`Unavailable`]: nothing was stored, or it is not known; the sender may repeat.
    pub async fn deliver(&self, inbound: Inbound) -> Answered {
        let permit = self.admit().await?;
        let id = self.conversation_id(&inbound.channel, &inbound.from.address);
        let event = Event::CustomerWrote {
            inbound,
            seen_before: false,
        };
        self.router.ask(id, event, Some(permit)).await
    }

    /// A person on our side wrote to the customer past Segue: a takeover.
    ///
    /// # Errors
    /// [`Unavailable`] as for [`Runtime::deliver`].
    pub async fn deliver_from_us(&self, inbound: Inbound) -> Answered {
        let permit = self.admit().await?;
        let id = self.conversation_id(&inbound.channel, &inbound.from.address);
        self.router
            .ask(id, Event::WrittenElsewhere { inbound }, Some(permit))
            .await
    }

    /// A provider reported on something that was sent. A sleeping conversation is woken only by bad news, and by any
    /// news if something may still be open in it: after a restart a report is what tells whether a message left.
    ///
    /// # Errors
    /// [`Unavailable`] as for [`Runtime::deliver`].
    pub async fn report(&self, medium: Medium, report: Report) -> Answered {
        let Some((id, _)) = report.effect else {
            return Ok(Answer::Ignored);
        };
        let bad_news = report.state == crate::conversation::message::ReportState::Failed;
        if !bad_news && !self.router.is_resident(id) && !self.router.is_due_soon(id) {
            let metrics = self.router.metrics();
            metrics.report_accepted(medium);
            metrics.report_passed_over(medium, report.state);
            return Ok(Answer::Ignored);
        }
        self.report_awake(medium, report).await
    }

    /// The same for a report that is known to be news: a sleeping conversation is woken by it.
    ///
    /// # Errors
    /// [`Unavailable`] as for [`Runtime::deliver`].
    pub async fn report_awake(&self, medium: Medium, report: Report) -> Answered {
        let Some((id, _)) = report.effect else {
            return Ok(Answer::Ignored);
        };
        let answered = self.router.ask(id, Event::Reported(report), None).await;
        if answered.is_ok() {
            self.router.metrics().report_accepted(medium);
        }
        answered
    }

    /// A person on our side acts. `key` is the idempotency key with the digest of the request.
    ///
    /// # Errors
    /// [`Unavailable`] as for [`Runtime::deliver`]. What the core refuses is an answer, not an error.
    pub async fn act(
        &self,
        id: ConversationId,
        agent: AgentName,
        role: Role,
        act: Act,
        key: Option<(IdHash, IdHash)>,
    ) -> Answered {
        self.wait_for_store().await?;
        self.router
            .ask(
                id,
                Event::Acted {
                    agent,
                    role,
                    act,
                    key,
                },
                None,
            )
            .await
    }

    /// The conversation as it was last committed; none if it was never heard of.
    ///
    /// # Errors
    /// [`LoadError`] when it cannot be read.
    pub async fn read(&self, id: ConversationId) -> Result<Option<Conversation>, LoadError> {
        let store = self.store().clone();
        blocking(move || {
            let Some(loaded) = store.load(id, 0)? else {
                return Ok(None);
            };
            let head = Conversation::decode(&loaded.head)
                .map_err(|fault| LoadError::Corrupt(fault.to_string()))?;
            Ok(Some(head))
        })
        .await
    }

    /// Entries of the trail from number `from`, at most `limit`.
    ///
    /// # Errors
    /// [`LoadError`] when they cannot be read.
    pub async fn trail(
        &self,
        id: ConversationId,
        from: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, LoadError> {
        let store = self.store().clone();
        blocking(move || store.trail(id, from, limit)).await
    }

    /// The rules in force.
    pub fn policy(&self) -> Arc<Policy> {
        self.router.policy()
    }

    /// Puts other rules in force, from the next event on. The switches stay as they are. Handoffs under way go on by
    /// the queues they began under: `kept` says which earlier policies still matter besides the last one.
    pub async fn replace_policy(&self, mut policy: Policy, kept: impl Fn(u64) -> bool) {
        let _alone = self.switching.lock().await;
        let last = self.policy();
        policy.switches = last.switches.clone();
        policy.crowds = last.crowds.clone();
        policy.earlier = last.earlier.clone();
        policy.earlier.retain(|hash, _| kept(*hash));
        policy.earlier.insert(last.hash, last.all_queues());
        policy.earlier.remove(&policy.hash);
        self.router.set_policy(policy);
    }

    /// Turns the AI on or off, on behalf of `by`. Durable before it returns, together with its line in
    /// [`Self::switched`]; and once it returns, no stream of an AI that is off shows anything more.
    ///
    /// # Errors
    /// What `change` refuses, or [`Unavailable`] when it could not be stored; then nothing has changed.
    pub async fn switch<E: From<Unavailable>>(
        &self,
        by: &str,
        change: impl FnOnce(&Policy) -> Result<Switches, E>,
    ) -> Result<Switches, E> {
        // Read, changed and stored by one at a time: two changes cannot undo each other.
        let alone = self.switching.lock().await;
        let switches = change(&self.policy())?;
        if switches == self.policy().switches {
            // Nothing was turned: what has no effect must not push out who did turn something.
            return Ok(switches);
        }
        let one = Switched {
            at: self.now(),
            by: by.to_owned(),
            switches: switches.clone(),
        };
        let store = self.store().clone();
        blocking(move || Ok(switches::keep(&store, one)))
            .await
            .map_err(|_| Unavailable::Unread)?
            .map_err(Unavailable::Store)?;
        let mut policy = Policy::clone(&self.policy());
        policy.switches = switches.clone();
        self.router.set_policy(policy);
        tracing::warn!(by, ?switches, "a switch of the AI was turned");
        drop(alone);
        self.tell_of_switch().await;
        Ok(switches)
    }

    /// Tells every conversation with a question out that a switch was turned, and waits until streams are cut.
    async fn tell_of_switch(&self) {
        let asking = self.router.asks().all();
        let told = asking
            .into_iter()
            .map(|id| self.router.ask(id, Event::SwitchTurned, None));
        let told = futures_util::future::join_all(told);
        if tokio::time::timeout(CUT_WITHIN, told).await.is_err() {
            tracing::error!(
                "not every conversation has answered that it knows of the turned switch"
            );
        }
    }

    /// Who turned a switch of the AI, newest first.
    ///
    /// # Errors
    /// [`LoadError`] when it cannot be read.
    pub async fn switched(&self) -> Result<Vec<Switched>, LoadError> {
        let store = self.store().clone();
        blocking(move || switches::kept(&store)).await
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.router.clock().now()
    }

    /// The store.
    pub fn store(&self) -> &Store {
        self.router.store()
    }

    /// Open browsers.
    pub fn hub(&self) -> &Hub {
        self.router.hub()
    }

    /// The router.
    pub fn router(&self) -> &Router {
        &self.router
    }

    async fn admit(&self) -> Result<Permit, Unavailable> {
        self.wait_for_store().await?;
        self.router.admission().admit().await
    }

    /// While the store reopens, requests are held for a while rather than lost at a provider that does not repeat.
    async fn wait_for_store(&self) -> Result<(), Unavailable> {
        let store = self.store();
        if store.healthy() && store.accepting() {
            return Ok(());
        }
        let until = crate::clock::monotonic() + STORE_PATIENCE;
        while crate::clock::monotonic() < until {
            tokio::time::sleep(Duration::from_millis(50)).await;
            if store.healthy() && store.accepting() {
                return Ok(());
            }
        }
        Err(Unavailable::Store(CommitError::Full))
    }
}

/// Runs something that may wait for the disk where that harms nobody.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LoadError> + Send + 'static,
) -> Result<T, LoadError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(fault) => Err(LoadError::Retry(fault.to_string())),
    }
}

/// Whether a refusal means that there is no such conversation.
pub fn is_unknown(answer: &Answer) -> bool {
    *answer == Answer::Refused(Refusal::Unknown)
}

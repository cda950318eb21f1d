//! The door before the mailboxes, which have no bound of their own.
//!
//! A permit is held from admission until what the event brought about is durable. A full house lets a bounded number
//! wait for a short while (a refusal loses the message at a provider that does not repeat), then refuses. Results and
//! deadlines need no permit: they are bounded by what caused them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Unavailable;
use crate::metrics::{MailboxRefusal, Metrics};
use crate::store::{Pressure, Store};

/// How long a request may wait for a permit.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long each new message is slowed while the store's tail is three quarters full.
const SLOWED_BY: Duration = Duration::from_millis(20);
/// How many events of one conversation may be under way.
pub const PER_CONVERSATION_MAX: u32 = 64;

/// A place among the events under way.
#[derive(Debug)]
pub struct Permit {
    _place: OwnedSemaphorePermit,
}

/// Grants places.
pub struct Admission {
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    in_flight_max: usize,
    closed: AtomicBool,
    store: Store,
    metrics: Arc<Metrics>,
}

impl Admission {
    /// At most `in_flight` events at once, and as many waiting for a place.
    pub fn new(in_flight: usize, store: Store, metrics: Arc<Metrics>) -> Self {
        Self {
            places: Arc::new(Semaphore::new(in_flight)),
            waiting: AtomicUsize::new(0),
            in_flight_max: in_flight,
            closed: AtomicBool::new(false),
            store,
            metrics,
        }
    }

    /// A place, after waiting for a while if need be.
    ///
    /// # Errors
    /// [`Unavailable::Busy`] when there is none in time, [`Unavailable::Stopping`] when the house closes.
    pub async fn admit(&self) -> Result<Permit, Unavailable> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(self.refuse(MailboxRefusal::Closed));
        }
        match self.store.pressure() {
            Pressure::Open => {}
            Pressure::Slow => tokio::time::sleep(SLOWED_BY).await,
            Pressure::Refuse => return Err(self.refuse(MailboxRefusal::Full)),
        }
        match Arc::clone(&self.places).try_acquire_owned() {
            Ok(place) => Ok(Permit { _place: place }),
            Err(_none_free) => self.wait().await,
        }
    }

    async fn wait(&self) -> Result<Permit, Unavailable> {
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= self.in_flight_max {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(self.refuse(MailboxRefusal::Full));
        }
        let place = tokio::time::timeout(PATIENCE, Arc::clone(&self.places).acquire_owned()).await;
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        match place {
            Ok(Ok(place)) => Ok(Permit { _place: place }),
            Ok(Err(_closed)) => Err(self.refuse(MailboxRefusal::Closed)),
            Err(_too_long) => Err(self.refuse(MailboxRefusal::Deadline)),
        }
    }

    /// Nobody is turned away without a figure.
    fn refuse(&self, why: MailboxRefusal) -> Unavailable {
        self.metrics.mailbox_rejected(why);
        match why {
            MailboxRefusal::Full | MailboxRefusal::Deadline => Unavailable::Busy,
            MailboxRefusal::Closed => Unavailable::Stopping,
        }
    }

    /// Takes nobody in any more.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        self.places.close();
    }

    /// Requests that wait for a place.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Places that are free.
    pub fn free(&self) -> usize {
        self.places.available_permits()
    }

    /// Events under way now.
    pub fn under_way(&self) -> usize {
        self.in_flight_max
            .saturating_sub(self.places.available_permits())
    }
}

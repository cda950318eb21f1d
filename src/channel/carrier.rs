//! The one place where channels do HTTP: it makes one attempt and says what became of it.
//!
//! It never retries, never queues a released message, follows no redirect, uses no proxy, and reads no more than
//! [`ANSWER_BYTES_MAX`] of an answer. A connection that could not be made was surely no delivery; whatever goes wrong
//! after that leaves doubt, and is said to. A slot is taken *before* a message is released, so that nothing that has
//! been released waits. URLs do not enter errors: some providers put their token there.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::circuit::{Change, Circuit, Circuits};
use super::text::cut;
use super::{Call, Channel};
use crate::clock::monotonic;
use crate::conversation::message::{Attempt, FailureCause, Retry};
use crate::trace;

/// The most of an answer that is read: providers answer with one or two kilobytes.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// How long an unused connection is kept. Shorter than the 60 s after which load balancers usually close theirs, so
/// that few sends meet a connection that is just being closed, which would leave them in doubt.
const IDLE_FOR: Duration = Duration::from_secs(20);
/// The most of an error's text that is kept, in bytes.
const DETAIL_BYTES_MAX: usize = 200;
/// The code of a message of which some parts left, and the rest may not any more.
pub const CUT_SHORT: &str = "cut_short";
/// The code of a message that did not leave because the circuit of its host is open.
pub const CIRCUIT_OPEN: &str = "circuit_open";

/// How long a call may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timeouts {
    /// To make the connection, TLS included. Must be shorter than `total`, else a slow connection leaves doubt.
    pub connect: Duration,
    /// For everything, from the first byte out to the last byte in.
    pub total: Duration,
}

impl Default for Timeouts {
    /// 3 s and 10 s.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            total: Duration::from_secs(10),
        }
    }
}

/// The HTTP client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot make an HTTP client (are there root certificates? Debian: ca-certificates): {0}")]
pub struct CarrierError(#[source] reqwest::Error);

/// All slots are taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("as many calls as allowed are under way")]
pub struct Busy;

/// The right to have one attempt under way; given back when dropped.
#[derive(Debug)]
pub struct Slot {
    _permit: OwnedSemaphorePermit,
}

/// Makes attempts. Cheap to share; one for all channels.
pub struct Carrier {
    client: reqwest::Client,
    slots: Arc<Semaphore>,
    circuits: Circuits,
    timeouts: Timeouts,
}

/// Installs the process-wide TLS provider. Calling it again, or after somebody else did, changes nothing.
pub fn install_crypto() {
    // The only failure is that there is one already.
    let _already = rustls::crypto::ring::default_provider().install_default();
}

/// The client every carrier makes: bounded, direct, and without any retry of its own.
fn client(timeouts: Timeouts) -> Result<reqwest::Client, CarrierError> {
    install_crypto();
    reqwest::Client::builder()
        .connect_timeout(timeouts.connect)
        .timeout(timeouts.total)
        .pool_idle_timeout(IDLE_FOR)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .user_agent(concat!("segue/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(CarrierError)
}

enum Outcome {
    Answered(StatusCode, HeaderMap, Vec<u8>),
    NotConnected,
    Malformed,
    Broken(String),
}

impl Carrier {
    /// With those timeouts, and at most `max_concurrent` attempts at once.
    ///
    /// # Errors
    /// [`CarrierError`] when the machine has no root certificates.
    pub fn new(timeouts: Timeouts, max_concurrent: usize) -> Result<Self, CarrierError> {
        Ok(Self {
            client: client(timeouts)?,
            slots: Arc::new(Semaphore::new(max_concurrent)),
            circuits: Circuits::default(),
            timeouts,
        })
    }

    /// Takes a slot, for an attempt that is about to be released.
    ///
    /// # Errors
    /// [`Busy`] when there is none; it does not wait.
    pub fn slot(&self) -> Result<Slot, Busy> {
        let permit = Arc::clone(&self.slots).try_acquire_owned();
        permit.map(|_permit| Slot { _permit }).map_err(|_| Busy)
    }

    /// Waits its turn for a slot, for at most `patience`.
    ///
    /// # Errors
    /// [`Busy`] when there was none in time: nothing has left.
    pub async fn slot_within(&self, patience: Duration) -> Result<Slot, Busy> {
        let permit = Arc::clone(&self.slots).acquire_owned();
        match tokio::time::timeout(patience, permit).await {
            Ok(Ok(permit)) => Ok(Slot { _permit: permit }),
            Ok(Err(_)) | Err(_) => Err(Busy),
        }
    }

    /// How many more attempts could begin now.
    pub fn free_slots(&self) -> usize {
        self.slots.available_permits()
    }

    /// The state of the circuit to the host of `url`, to be asked before a message is released.
    pub fn circuit(&self, url: &str) -> Circuit {
        self.circuits.state(host(url), monotonic())
    }

    /// The hosts whose last call failed, and the state of their circuits.
    pub fn troubled(&self) -> Vec<(String, Circuit)> {
        self.circuits.troubled(monotonic())
    }

    /// How often a circuit has opened.
    pub fn circuit_opens(&self) -> u64 {
        self.circuits.opens()
    }

    /// One attempt, if a slot is free; else it is rejected as `busy`, to be tried soon.
    pub async fn carry(&self, channel: &dyn Channel, calls: &[Call]) -> Attempt {
        match self.slot() {
            Ok(slot) => self.carry_in(slot, channel, calls, || true).await,
            Err(Busy) => rejected("busy", FailureCause::RateLimited, Retry::Soon),
        }
    }

    /// One attempt in a slot that was taken before: the calls in order, up to the first that fails. `may_go_on` is
    /// asked before every call but the first: what has lost its right to leave in between stays away.
    pub async fn carry_in(
        &self,
        _slot: Slot,
        channel: &dyn Channel,
        calls: &[Call],
        may_go_on: impl Fn() -> bool,
    ) -> Attempt {
        let mut last = rejected("nothing_to_send", FailureCause::Other, Retry::Never);
        for (done, call) in calls.iter().enumerate() {
            if done > 0 && !may_go_on() {
                return rejected(CUT_SHORT, FailureCause::Other, Retry::Never);
            }
            last = self.one(channel, call).await;
            match last {
                Attempt::Accepted { .. } => {}
                Attempt::Rejected { .. } | Attempt::Unknown { .. } => {
                    return after_parts(done, calls.len(), last);
                }
            }
        }
        last
    }

    async fn one(&self, channel: &dyn Channel, call: &Call) -> Attempt {
        let host = host(&call.url);
        if let Err(wait) = self.circuits.admit(host, monotonic()) {
            let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            return rejected(
                CIRCUIT_OPEN,
                FailureCause::ProviderError,
                Retry::After(wait),
            );
        }
        trace::called(host);
        let outcome = self.exchange(call).await;
        let answered = match &outcome {
            Outcome::Answered(status, ..) => !status.is_server_error(),
            Outcome::NotConnected | Outcome::Broken(_) => false,
            Outcome::Malformed => true,
        };
        match self.circuits.record(host, answered, monotonic()) {
            Change::Opened => {
                let name = channel.name().as_str();
                tracing::warn!(
                    channel = name,
                    host,
                    "a provider does not answer; calls to it wait"
                );
            }
            Change::Closed => tracing::info!(host, "a provider answers again"),
            // Told when it opened; that messages still do not leave is told by whoever sends them.
            Change::Reopened | Change::None => {}
        }
        match outcome {
            Outcome::Answered(status, headers, body) => channel.read(status, &headers, &body),
            Outcome::NotConnected => rejected("connect", FailureCause::ProviderError, Retry::Soon),
            Outcome::Malformed => rejected("bad_request", FailureCause::Other, Retry::Never),
            Outcome::Broken(detail) => Attempt::Unknown { detail },
        }
    }

    async fn exchange(&self, call: &Call) -> Outcome {
        let mut headers = call.headers.clone();
        trace::carry(&mut headers);
        let sent = self
            .client
            .request(call.method.clone(), &call.url)
            .headers(headers)
            .body(call.body.clone())
            .send()
            .await;
        let mut answer = match sent {
            Ok(answer) => answer,
            Err(error) if error.is_connect() => return Outcome::NotConnected,
            Err(error) if error.is_builder() => return Outcome::Malformed,
            Err(error) => return Outcome::Broken(self.detail(error)),
        };
        let status = answer.status();
        trace::status(status.as_u16());
        let headers = std::mem::take(answer.headers_mut());
        let mut body = Vec::new();
        // What could be read of the body goes to the translator even if the rest never came: the status is an answer,
        // and one that needs the body (a created message's id) finds it unreadable and says that it is unknown.
        while let Ok(Some(chunk)) = answer.chunk().await {
            let room = ANSWER_BYTES_MAX - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if body.len() == ANSWER_BYTES_MAX {
                break;
            }
        }
        Outcome::Answered(status, headers, body)
    }

    fn detail(&self, error: reqwest::Error) -> String {
        if error.is_timeout() {
            return format!("no answer within {} ms", self.timeouts.total.as_millis());
        }
        let error = error.without_url();
        let mut detail = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(inner) = cause {
            detail = format!("{detail}: {inner}");
            cause = inner.source();
        }
        cut(&detail, DETAIL_BYTES_MAX)
    }
}

/// What an attempt amounts to whose first `done` calls were accepted. To try again would repeat those, so a failure
/// that asks for it is no longer surely undelivered.
fn after_parts(done: usize, all: usize, failure: Attempt) -> Attempt {
    let repeats = |retry: Retry| matches!(retry, Retry::Soon | Retry::After(_));
    match failure {
        Attempt::Rejected { code, retry, .. } if done > 0 && repeats(retry) => Attempt::Unknown {
            detail: format!("{done} of {all} parts were accepted, then: {code}"),
        },
        Attempt::Accepted { .. } | Attempt::Rejected { .. } | Attempt::Unknown { .. } => failure,
    }
}

fn rejected(code: &str, cause: FailureCause, retry: Retry) -> Attempt {
    Attempt::Rejected {
        code: code.to_owned(),
        cause,
        retry,
    }
}

/// The host and port of `url`, as written: what a circuit is kept for.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit('@').next().unwrap_or_default()
}

#[cfg(test)]
#[path = "carrier_tests.rs"]
mod tests;

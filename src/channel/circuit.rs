//! A circuit breaker per host: a provider that is down is asked once in a while, not by every message.
//!
//! After [`FAILURES_MAX`] failures in a row the circuit opens for [`OPEN_FOR`]; then one call is let through, and its
//! outcome closes or reopens it. A failure is: no connection, no answer, or a 5xx. A refusal (4xx) is an answer.
//! Nothing here waits or reads a clock; whoever is turned away learns for how long.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Failures in a row that open a circuit: more than one bad deploy of a provider drops, less than a timeout storm.
pub const FAILURES_MAX: u32 = 5;
/// How long an open circuit stays shut to calls, and how long a trial call has before another is let through.
pub const OPEN_FOR: Duration = Duration::from_secs(10);
/// The most hosts watched. They come from the configuration, so this is never reached; past it, hosts go unwatched.
const HOSTS_MAX: usize = 1_024;

/// The state of one host's circuit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Circuit {
    /// Calls go through.
    Closed,
    /// Calls are turned away.
    Open,
    /// One call is being tried.
    HalfOpen,
}

impl Circuit {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// What the end of a call changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// Nothing.
    None,
    /// The circuit has opened.
    Opened,
    /// It was open, one call was tried, and it stays open.
    Reopened,
    /// An open circuit is closed again.
    Closed,
}

#[derive(Default)]
struct Host {
    failures: u32,
    /// Until when calls are turned away. A trial moves it on, so a trial that is never heard of blocks nothing.
    shut_until: Option<Instant>,
    trying: bool,
}

/// The circuits of all hosts that were called.
#[derive(Default)]
pub struct Circuits {
    hosts: Mutex<HashMap<String, Host>>,
    opens: AtomicU64,
}

impl Circuits {
    /// Whether `host` may be called at `now`.
    ///
    /// # Errors
    /// How long it will be shut.
    pub fn admit(&self, host: &str, now: Instant) -> Result<(), Duration> {
        let mut hosts = self.lock();
        let Some(state) = hosts.get_mut(host) else {
            return Ok(());
        };
        match state.shut_until {
            None => Ok(()),
            Some(until) if now < until => Err(until - now),
            Some(_) => {
                state.shut_until = Some(now + OPEN_FOR);
                state.trying = true;
                Ok(())
            }
        }
    }

    /// Remembers how a call to `host` ended. Answers what that changed, for the log.
    pub fn record(&self, host: &str, answered: bool, now: Instant) -> Change {
        let mut hosts = self.lock();
        if answered {
            // A closed circuit without failures is the same as none: the map holds only hosts in trouble.
            let was_open = hosts
                .remove(host)
                .is_some_and(|state| state.shut_until.is_some());
            return if was_open {
                Change::Closed
            } else {
                Change::None
            };
        }
        if hosts.len() >= HOSTS_MAX && !hosts.contains_key(host) {
            return Change::None;
        }
        let mut change = Change::None;
        let state = hosts.entry(host.to_owned()).or_default();
        state.failures = state.failures.saturating_add(1);
        if state.trying || state.failures >= FAILURES_MAX {
            if !state.is_shut(now) {
                self.opens.fetch_add(1, Ordering::Relaxed);
                change = match state.trying {
                    true => Change::Reopened,
                    false => Change::Opened,
                };
            }
            state.shut_until = Some(now + OPEN_FOR);
            state.trying = false;
        }
        change
    }

    /// The state of `host`'s circuit at `now`.
    pub fn state(&self, host: &str, now: Instant) -> Circuit {
        self.lock()
            .get(host)
            .map_or(Circuit::Closed, |host| host.state(now))
    }

    /// How often a circuit has opened. One that stays open under calls that were begun before counts once.
    pub fn opens(&self) -> u64 {
        self.opens.load(Ordering::Relaxed)
    }

    /// The hosts whose last call failed, with the state of their circuits, in order of name.
    pub fn troubled(&self, now: Instant) -> Vec<(String, Circuit)> {
        let mut hosts: Vec<_> = self
            .lock()
            .iter()
            .map(|(name, host)| (name.clone(), host.state(now)))
            .collect();
        hosts.sort_by(|a, b| a.0.cmp(&b.0));
        hosts
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Host>> {
        // Every change is one assignment after another: a panic elsewhere cannot leave it half done.
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Host {
    /// Whether calls are turned away and none is being tried.
    fn is_shut(&self, now: Instant) -> bool {
        !self.trying && self.shut_until.is_some_and(|until| now < until)
    }

    fn state(&self, now: Instant) -> Circuit {
        match self.shut_until {
            None => Circuit::Closed,
            Some(_) if self.trying => Circuit::HalfOpen,
            Some(until) if now >= until => Circuit::HalfOpen,
            Some(_) => Circuit::Open,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::monotonic;

    fn opened(now: Instant) -> Circuits {
        let circuits = Circuits::default();
        for failure in 1..=FAILURES_MAX {
            assert_eq!(circuits.admit("h", now), Ok(()));
            let change = circuits.record("h", false, now);
            assert_eq!(change == Change::Opened, failure == FAILURES_MAX);
        }
        circuits
    }

    #[test]
    fn it_opens_after_failures_in_a_row_and_for_that_host_only() {
        let now = monotonic();
        let circuits = opened(now);
        assert_eq!(circuits.admit("h", now), Err(OPEN_FOR));
        assert_eq!(circuits.state("h", now), Circuit::Open);
        circuits.record("h", false, now);
        assert_eq!(circuits.opens(), 1, "a straggler opens nothing anew");
        assert_eq!(circuits.admit("other", now), Ok(()));
        assert_eq!(circuits.troubled(now), [("h".to_owned(), Circuit::Open)]);
    }

    #[test]
    fn an_answer_in_between_starts_the_count_again() {
        let now = monotonic();
        let circuits = Circuits::default();
        for _ in 0..3 {
            for _ in 1..FAILURES_MAX {
                circuits.record("h", false, now);
            }
            circuits.record("h", true, now);
        }
        assert_eq!(circuits.state("h", now), Circuit::Closed);
    }

    #[test]
    fn one_call_is_tried_and_decides() {
        let now = monotonic();
        for (answered, state) in [(true, Circuit::Closed), (false, Circuit::Open)] {
            let circuits = opened(now);
            let later = now + OPEN_FOR;
            assert_eq!(circuits.state("h", later), Circuit::HalfOpen);
            assert_eq!(circuits.admit("h", later), Ok(()));
            assert_eq!(
                circuits.admit("h", later),
                Err(OPEN_FOR),
                "only one is tried"
            );
            let change = circuits.record("h", answered, later);
            let told = match answered {
                true => Change::Closed,
                false => Change::Reopened,
            };
            assert_eq!(change, told);
            assert_eq!(circuits.state("h", later), state, "answered: {answered}");
        }
    }

    #[test]
    fn a_trial_that_was_dropped_does_not_shut_the_host_for_ever() {
        let now = monotonic();
        let circuits = opened(now);
        assert_eq!(circuits.admit("h", now + OPEN_FOR), Ok(()));
        assert_eq!(circuits.admit("h", now + 2 * OPEN_FOR), Ok(()));
    }
}

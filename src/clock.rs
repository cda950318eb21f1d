//! Time, as everything else in Segue sees it.
//!
//! [`Timestamp`] is what is stored and compared: whole milliseconds of wall time. [`Clock`] is the only
//! place that asks the system. [`SystemClock`] anchors wall time once and then follows the monotonic
//! clock, so a conversation's clock never runs backwards; a step of more than five seconds between the
//! two is reported by [`SystemClock::drift`] for an alarm. [`ManualClock`] is the tests' hand.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z. Storable, comparable, never read from the system by itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The epoch itself: earlier than anything that can happen.
    pub const ZERO: Self = Self(0);
    /// Later than anything that can happen.
    pub const MAX: Self = Self(i64::MAX);

    /// From milliseconds since the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// How long after `earlier` this is; zero if it is not after.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// From a time of RFC 3339, with whatever offset.
    pub fn parse(text: &str) -> Option<Self> {
        let time: jiff::Timestamp = text.parse().ok()?;
        Some(Self(time.as_millisecond()))
    }

    /// RFC 3339 in UTC with milliseconds, as the API prints times.
    pub fn rfc3339(self) -> String {
        jiff::Timestamp::from_millisecond(self.0)
            .map_or_else(|_| self.0.to_string(), |t| format!("{t:.3}"))
    }
}

impl std::ops::Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, by: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)),
        )
    }
}

impl std::ops::Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, by: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)),
        )
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

/// Whoever can tell the time.
pub trait Clock: Send + Sync + 'static {
    /// Now, never earlier than an answer given before.
    fn now(&self) -> Timestamp;
}

/// The system's clock: wall time at the start plus the monotonic time since.
#[derive(Debug)]
pub struct SystemClock {
    wall: i64,
    started: Instant,
}

impl SystemClock {
    /// Anchors the clock at the system's wall time.
    pub fn start() -> Self {
        Self {
            wall: system_millis(),
            started: monotonic(),
        }
    }

    /// How far the system's wall clock has moved away from this clock, in milliseconds (signed).
    pub fn drift(&self) -> i64 {
        system_millis() - self.now().as_millis()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let passed = i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX);
        Timestamp(self.wall.saturating_add(passed))
    }
}

/// The monotonic clock, for measuring how long something took.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that asks the system"
)]
pub fn monotonic() -> Instant {
    Instant::now()
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that asks the system"
)]
fn system_millis() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// A clock that moves only when told to.
#[derive(Debug, Default)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that stands at `at`.
    pub fn at(at: Timestamp) -> Self {
        Self(AtomicI64::new(at.as_millis()))
    }

    /// Moves on by `by`.
    pub fn advance(&self, by: Duration) {
        self.0
            .fetch_add(i64::try_from(by.as_millis()).unwrap_or(0), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_never_goes_below_zero() {
        let early = Timestamp::from_millis(1_000);
        assert_eq!(early.since(early + Duration::from_secs(1)), Duration::ZERO);
        assert_eq!(
            (early + Duration::from_secs(1)).since(early),
            Duration::from_secs(1)
        );
    }

    #[test]
    fn prints_as_rfc_3339() {
        assert_eq!(
            Timestamp::from_millis(1_795_000_000_123).rfc3339(),
            "2026-11-18T11:06:40.123Z"
        );
    }
}

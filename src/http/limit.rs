//! How often one party may come: a network address, a customer, a token. Off unless `[limits]` says so.
//!
//! A party may come as often as its rate says in one go, and then as fast as the rate refills: no period ever holds
//! more than twice the count. Whoever comes too often is told when to come again and costs nothing else.
//!
//! What this never does: hold anybody back together. Against many at once there are admission and the tail's pressure;
//! here a stranger is let through uncounted while `PARTIES_MAX` others are remembered, because memory is bounded too.
//! An address is the client's as far as [`super::forwarded`] knows it: behind a proxy that is not trusted it is the
//! proxy's, and the limit belongs there. Nothing is on disk.

use std::hash::{BuildHasher, Hash, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use super::problem::Problem;
use crate::clock::monotonic;
use crate::ids::ConversationId;
use crate::metrics::{Metrics, RateLimit};

/// The most parties of one kind that are remembered: about 10 MiB.
const PARTIES_MAX: usize = 100_000;
/// How often those who have not come for long are looked for, once there are so many.
const TIDY_EVERY: Duration = Duration::from_secs(1);

/// So many in so long.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate {
    /// How many.
    pub count: NonZeroU32,
    /// In how long; not zero.
    pub per: Duration,
}

/// A party came too often.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooOften {
    /// By which limit.
    pub limit: RateLimit,
    /// It may come again after so many seconds; at least 1.
    pub seconds: u64,
}

impl From<TooOften> for Problem {
    fn from(TooOften { limit, seconds }: TooOften) -> Self {
        let detail = match limit {
            RateLimit::PerAddress => "this network address comes too often",
            RateLimit::PerCustomer => "this customer writes too often",
            RateLimit::PerToken => "this token is used too often",
            RateLimit::SignIn => "too many sign-ins failed from here",
        };
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_often",
            "Too often",
            detail,
        )
        .with("limit", limit.as_str())
        .retry_after(seconds)
    }
}

/// The limits of the public listener. Shared by all handlers.
pub struct Rates {
    per_address: Option<Gate<IpAddr>>,
    per_customer: Option<Gate<ConversationId>>,
    per_token: Option<Gate<u64>>,
    hash: RandomState,
    metrics: Arc<Metrics>,
}

impl Rates {
    /// Limits as configured; none: no limit of that kind.
    pub fn new(
        per_address: Option<Rate>,
        per_customer: Option<Rate>,
        per_token: Option<Rate>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            per_address: per_address.map(|rate| Gate::new(rate, OurClock)),
            per_customer: per_customer.map(|rate| Gate::new(rate, OurClock)),
            per_token: per_token.map(|rate| Gate::new(rate, OurClock)),
            hash: RandomState::new(),
            metrics,
        }
    }

    /// Somebody comes from `peer`, as the listener says. Who comes from nowhere is let through: only tests do.
    ///
    /// # Errors
    /// [`TooOften`].
    pub fn address(&self, peer: Option<IpAddr>) -> Result<(), TooOften> {
        let key = || peer.map(party);
        self.check(&self.per_address, RateLimit::PerAddress, key)
    }

    /// The customer of a conversation writes.
    ///
    /// # Errors
    /// [`TooOften`].
    pub fn customer(&self, id: impl FnOnce() -> ConversationId) -> Result<(), TooOften> {
        let key = || Some(id());
        self.check(&self.per_customer, RateLimit::PerCustomer, key)
    }

    /// A token, or the secret of a session, is used.
    ///
    /// # Errors
    /// [`TooOften`].
    pub fn token(&self, token: &[u8]) -> Result<(), TooOften> {
        let key = || Some(self.hash.hash_one(token));
        self.check(&self.per_token, RateLimit::PerToken, key)
    }

    fn check<K: Hash + Eq + Clone>(
        &self,
        gate: &Option<Gate<K>>,
        limit: RateLimit,
        key: impl FnOnce() -> Option<K>,
    ) -> Result<(), TooOften> {
        let Some((gate, key)) = gate.as_ref().and_then(|gate| Some((gate, key()?))) else {
            return Ok(());
        };
        gate.check(&key).map_err(|seconds| {
            self.metrics.rate_limited(limit);
            TooOften { limit, seconds }
        })
    }
}

/// Whoever has one address of IPv6 has all that share its first 64 bits.
fn party(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

/// The process's own clock, in governor's words.
#[derive(Clone, Debug)]
struct OurClock;

impl Clock for OurClock {
    type Instant = Instant;

    fn now(&self) -> Instant {
        monotonic()
    }
}

/// One limit, for every party of a kind.
struct Gate<K: Hash + Eq + Clone, C: Clock = OurClock> {
    limiter: RateLimiter<K, HashMapStateStore<K>, C, NoOpMiddleware<C::Instant>>,
    clock: C,
    tidied: Mutex<Instant>,
}

impl<K: Hash + Eq + Clone, C: Clock + Clone> Gate<K, C> {
    fn new(rate: Rate, clock: C) -> Self {
        // A rate above one in a nanosecond is none.
        let each = (rate.per / rate.count.get()).max(Duration::from_nanos(1));
        let quota = Quota::with_period(each)
            .expect("the period is not zero")
            .allow_burst(rate.count);
        Self {
            limiter: RateLimiter::new(quota, HashMapStateStore::default(), clock.clone()),
            clock,
            tidied: Mutex::new(monotonic()),
        }
    }

    /// # Errors
    /// After how many seconds `key` may come again.
    fn check(&self, key: &K) -> Result<(), u64> {
        if self.limiter.len() >= PARTIES_MAX && !self.tidy() {
            return Ok(());
        }
        self.limiter.check_key(key).map_err(|until| {
            let wait = until.wait_time_from(self.clock.now());
            (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
        })
    }

    /// Forgets whoever may come as often as a stranger again. Answers whether that made room.
    fn tidy(&self) -> bool {
        let mut tidied = self.tidied.lock().unwrap_or_else(PoisonError::into_inner);
        if tidied.elapsed() >= TIDY_EVERY {
            self.limiter.retain_recent();
            *tidied = monotonic();
        }
        self.limiter.len() < PARTIES_MAX
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;
    use crate::metrics::Names;

    fn rate(count: u32, secs: u64) -> Rate {
        Rate {
            count: NonZeroU32::new(count).expect("not zero"),
            per: Duration::from_secs(secs),
        }
    }

    fn how_many(gate: &Gate<u8, FakeRelativeClock>, key: u8) -> u32 {
        (0..100).map(|_| u32::from(gate.check(&key).is_ok())).sum()
    }

    #[test]
    fn a_party_may_come_as_often_as_its_rate_says_and_others_do_not_count() {
        let clock = FakeRelativeClock::default();
        let gate = Gate::new(rate(6, 60), clock.clone());
        assert_eq!(how_many(&gate, 1), 6);
        assert_eq!(gate.check(&1), Err(10));
        assert_eq!(how_many(&gate, 2), 6);
        clock.advance(Duration::from_millis(9_500));
        assert_eq!(gate.check(&1), Err(1));
        clock.advance(Duration::from_millis(500));
        assert_eq!(how_many(&gate, 1), 1);
        clock.advance(Duration::from_secs(60));
        assert_eq!(how_many(&gate, 1), 6);
    }

    #[test]
    fn a_whole_network_of_ipv6_is_one_party() {
        let same = |a: &str, b: &str| {
            let of = |text: &str| party(text.parse().expect("an address"));
            of(a) == of(b)
        };
        assert!(same("2001:db8::1", "2001:db8::ffff:1"));
        assert!(!same("2001:db8::1", "2001:db8:0:1::1"));
        assert!(same("::ffff:192.0.2.1", "192.0.2.1"));
        assert!(!same("192.0.2.1", "192.0.2.2"));
    }

    #[test]
    fn memory_is_bounded_and_room_is_made() {
        let clock = FakeRelativeClock::default();
        let gate = Gate::new(rate(1, 60), clock.clone());
        let strangers = u32::try_from(PARTIES_MAX).expect("a small number");
        for stranger in 0..strangers + 10 {
            assert_eq!(gate.check(&stranger), Ok(()));
        }
        assert_eq!(gate.limiter.len(), PARTIES_MAX);
        clock.advance(Duration::from_secs(120));
        *gate.tidied.lock().expect("whole") -= TIDY_EVERY;
        assert_eq!(gate.check(&0), Ok(()));
        assert_eq!(gate.limiter.len(), 1);
        assert_eq!(gate.check(&0), Err(60));
    }

    #[test]
    fn without_limits_nobody_is_held_back() {
        let metrics = Arc::new(Metrics::new(&Names::default()));
        let rates = Rates::new(None, None, None, metrics);
        for _ in 0..10_000 {
            assert_eq!(rates.address(Some([192, 0, 2, 1].into())), Ok(()));
            assert_eq!(rates.token(b"t"), Ok(()));
        }
    }
}

//! Sign-ins of the inbox page: a cookie, a token against forged requests, and a brake on guessing.
//!
//! Sessions live in memory: a restart signs everybody out. The cookie's value is random and kept only as a hash; what
//! it may do is looked up with every request, so that revoking somebody ends their sessions at once.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use subtle::ConstantTimeEq as _;

use super::people::{PeopleError, hash_of, random_text};
use crate::clock::{Clock, Timestamp};
use crate::ids::AgentName;

/// How long a sign-in lasts: one long working day.
pub const LASTS: Duration = Duration::from_hours(12);
/// Sessions kept; the oldest goes first.
pub const SESSIONS_MAX: usize = 10_000;
/// Failed sign-ins of one address within [`TRIES_WINDOW`].
pub const TRIES_MAX: u32 = 10;
/// See [`TRIES_MAX`].
pub const TRIES_WINDOW: Duration = Duration::from_mins(1);
/// Addresses watched at once; beyond that they share one count.
const ADDRESSES_MAX: usize = 10_000;

/// A sign-in, as it is handed to the browser.
pub struct SignedIn {
    /// The cookie's value.
    pub cookie: String,
    /// To be sent back in `X-CSRF-Token` with everything that changes something.
    pub csrf: String,
    /// Until when.
    pub until: Timestamp,
}

/// A sign-in, as it is found again.
#[derive(Clone)]
pub struct Session {
    /// Whose.
    pub agent: AgentName,
    /// Until when.
    pub until: Timestamp,
    csrf: String,
}

impl Session {
    /// The token against forged requests.
    pub fn csrf(&self) -> &str {
        &self.csrf
    }

    /// Whether `token` is this session's, compared in constant time.
    pub fn csrf_is(&self, token: &str) -> bool {
        self.csrf.as_bytes().ct_eq(token.as_bytes()).into()
    }
}

/// See the head of this file.
pub struct Sessions {
    clock: Arc<dyn Clock>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    open: HashMap<[u8; 32], Session>,
    tries: HashMap<Option<IpAddr>, (u32, Timestamp)>,
}

impl Sessions {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            inner: Mutex::default(),
        }
    }

    /// Signs somebody in who has shown who they are.
    ///
    /// # Errors
    /// [`PeopleError::NoRandomness`].
    pub fn begin(&self, agent: AgentName) -> Result<SignedIn, PeopleError> {
        let random = || random_text().map_err(|_| PeopleError::NoRandomness);
        let (cookie, csrf) = (random()?, random()?);
        let now = self.clock.now();
        let until = now + LASTS;
        let mut inner = self.lock();
        if inner.open.len() >= SESSIONS_MAX {
            inner.open.retain(|_, session| session.until > now);
        }
        if inner.open.len() >= SESSIONS_MAX
            && let Some(oldest) = inner
                .open
                .iter()
                .min_by_key(|(_, one)| one.until)
                .map(|(key, _)| *key)
        {
            inner.open.remove(&oldest);
        }
        inner.open.insert(
            hash_of(&cookie),
            Session {
                agent,
                until,
                csrf: csrf.clone(),
            },
        );
        Ok(SignedIn {
            cookie,
            csrf,
            until,
        })
    }

    /// The session of this cookie.
    pub fn find(&self, cookie: &str) -> Option<Session> {
        let now = self.clock.now();
        let session = self.lock().open.get(&hash_of(cookie)).cloned();
        session.filter(|session| session.until > now)
    }

    /// Signs out.
    pub fn end(&self, cookie: &str) {
        self.lock().open.remove(&hash_of(cookie));
    }

    /// Signs somebody out everywhere: their token was renewed or revoked.
    pub fn end_all_of(&self, agent: &AgentName) {
        self.lock()
            .open
            .retain(|_, session| session.agent != *agent);
    }

    /// After how many seconds this address may try again; none: now.
    pub fn barred(&self, from: Option<IpAddr>) -> Option<u64> {
        let now = self.clock.now();
        let inner = self.lock();
        let (tries, since) = inner.tries.get(&inner.counted_as(from))?;
        let until = *since + TRIES_WINDOW;
        (*tries >= TRIES_MAX && until > now).then(|| until.since(now).as_secs() + 1)
    }

    /// A sign-in of this address failed.
    pub fn failed(&self, from: Option<IpAddr>) {
        let now = self.clock.now();
        let mut inner = self.lock();
        if inner.tries.len() >= ADDRESSES_MAX {
            inner
                .tries
                .retain(|_, (_, since)| *since + TRIES_WINDOW > now);
        }
        let key = inner.counted_as(from);
        let (tries, since) = inner.tries.entry(key).or_insert((0, now));
        if *since + TRIES_WINDOW <= now {
            (*tries, *since) = (0, now);
        }
        *tries += 1;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner
            .lock()
            .expect("nobody panics while holding the sessions")
    }
}

impl Inner {
    /// Under which address tries are counted: its own network, or, when too many are watched already, a shared one.
    fn counted_as(&self, from: Option<IpAddr>) -> Option<IpAddr> {
        let own = network(from);
        let room = self.tries.len() < ADDRESSES_MAX || self.tries.contains_key(&own);
        if room { own } else { None }
    }
}

/// One household has one IPv4 address or one /64 of IPv6.
fn network(from: Option<IpAddr>) -> Option<IpAddr> {
    from.map(|address| match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() >> 64 << 64).into()),
        v4 @ IpAddr::V4(_) => v4,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    fn sessions() -> (Sessions, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_000_000)));
        (Sessions::new(Arc::<ManualClock>::clone(&clock)), clock)
    }

    #[test]
    fn a_session_ends_after_twelve_hours() {
        let (sessions, clock) = sessions();
        let signed_in = sessions.begin("Ana".into()).expect("random");
        let session = sessions.find(&signed_in.cookie).expect("just signed in");
        assert!(session.csrf_is(&signed_in.csrf) && !session.csrf_is("x") && !session.csrf_is(""));
        assert!(sessions.find("somebody else's").is_none());
        clock.advance(LASTS);
        assert!(sessions.find(&signed_in.cookie).is_none());
    }

    #[test]
    fn revoking_somebody_ends_their_sessions_and_no_others() {
        let (sessions, _clock) = sessions();
        let (ana, ben) = (
            sessions.begin("Ana".into()).expect("random"),
            sessions.begin("Ben".into()).expect("random"),
        );
        sessions.end_all_of(&"Ana".into());
        assert!(sessions.find(&ana.cookie).is_none());
        assert!(sessions.find(&ben.cookie).is_some());
        sessions.end(&ben.cookie);
        assert!(sessions.find(&ben.cookie).is_none());
    }

    #[test]
    fn an_address_that_guesses_has_to_wait_and_others_do_not() {
        let (sessions, clock) = sessions();
        let guesser: Option<IpAddr> = Some("2001:db8::1".parse().expect("an address"));
        let beside: Option<IpAddr> = Some("2001:db8::2".parse().expect("an address"));
        let other: Option<IpAddr> = Some("192.0.2.1".parse().expect("an address"));
        for _ in 0..TRIES_MAX {
            assert_eq!(sessions.barred(guesser), None);
            sessions.failed(guesser);
        }
        assert_eq!(sessions.barred(guesser), Some(61));
        assert_eq!(sessions.barred(beside), Some(61), "the same /64");
        assert_eq!(sessions.barred(other), None);
        clock.advance(TRIES_WINDOW);
        assert_eq!(sessions.barred(guesser), None);
    }
}

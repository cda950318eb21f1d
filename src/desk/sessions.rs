//! Sign-ins of the inbox page: a cookie, a token against forged requests, and a brake on guessing.
//!
//! Sessions live in memory: a restart signs everybody out. The cookie's value is random and kept only as a hash; what
//! it may do is looked up with every request, so that revoking somebody ends their sessions at once.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use subtle::ConstantTimeEq as _;

use super::people::{PeopleError, TOKEN_PREFIX, hash_of, random_text};
use crate::clock::{Clock, Timestamp};
use crate::ids::AgentName;

/// How long a sign-in lasts: one long working day.
pub const LASTS: Duration = Duration::from_hours(12);
/// Sessions kept; the oldest goes first.
pub const SESSIONS_MAX: usize = 10_000;
/// Failed sign-ins of one address within [`TRIES_WINDOW`]; and of one address with tokens of one beginning.
pub const TRIES_MAX: u32 = 10;
/// See [`TRIES_MAX`].
pub const TRIES_WINDOW: Duration = Duration::from_mins(1);
/// Addresses watched at once; beyond that they share one count.
const ADDRESSES_MAX: usize = 10_000;
/// Beginnings of tokens watched at once, over all addresses; beyond that only addresses are.
const BEGINNINGS_MAX: usize = 10_000;
/// So much of a token, behind what all begin with, makes its beginning: two people hardly ever share it, and nobody who
/// does not know the token hits it.
const BEGINNING_CHARS: usize = 8;

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
    tries: HashMap<Option<IpAddr>, Tries>,
    beginnings: HashMap<(Option<IpAddr>, String), Tries>,
}

/// How many failed, and since when.
#[derive(Clone, Copy)]
struct Tries(u32, Timestamp);

impl Tries {
    /// After how many seconds the next one is heard; none: now.
    fn wait(self, now: Timestamp) -> Option<u64> {
        let until = self.1 + TRIES_WINDOW;
        (self.0 >= TRIES_MAX && until > now).then(|| until.since(now).as_secs() + 1)
    }

    fn count(&mut self, now: Timestamp) {
        if self.over(now) {
            *self = Self(0, now);
        }
        self.0 += 1;
    }

    fn over(self, now: Timestamp) -> bool {
        self.1 + TRIES_WINDOW <= now
    }
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

    /// After how many seconds `token` may be tried again from there; none: now.
    ///
    /// Where too many failed, whoever guesses on is held off. A `good` token is let in all the same: behind one address
    /// may stand a whole house, or a proxy's customers, and a stranger among them must not lock everybody out. Nobody
    /// guesses 256 random bits, however often they may try; and who knows the beginning of a token gets no more tries
    /// at its rest than anybody, because those are counted for themselves.
    pub fn barred(&self, from: Option<IpAddr>, token: &str, good: bool) -> Option<u64> {
        let now = self.clock.now();
        let inner = self.lock();
        let here = inner.tries.get(&inner.counted_as(from)).filter(|_| !good);
        let with_this = inner.beginnings.get(&beginning(from, token));
        let waits = [here, with_this].into_iter().flatten();
        waits.filter_map(|tries| tries.wait(now)).max()
    }

    /// A sign-in with `token` failed there.
    pub fn failed(&self, from: Option<IpAddr>, token: &str) {
        let now = self.clock.now();
        let mut inner = self.lock();
        if inner.tries.len() >= ADDRESSES_MAX {
            inner.tries.retain(|_, tries| !tries.over(now));
        }
        if inner.beginnings.len() >= BEGINNINGS_MAX {
            inner.beginnings.retain(|_, tries| !tries.over(now));
        }
        let (here, with_this) = (inner.counted_as(from), beginning(from, token));
        inner.tries.entry(here).or_insert(Tries(0, now)).count(now);
        if inner.beginnings.len() < BEGINNINGS_MAX || inner.beginnings.contains_key(&with_this) {
            let tries = inner.beginnings.entry(with_this);
            tries.or_insert(Tries(0, now)).count(now);
        }
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

fn beginning(from: Option<IpAddr>, token: &str) -> (Option<IpAddr>, String) {
    let own = token.strip_prefix(TOKEN_PREFIX).unwrap_or(token);
    (network(from), own.chars().take(BEGINNING_CHARS).collect())
}

/// One household has one IPv4 address or one /64 of IPv6.
pub(super) fn network(from: Option<IpAddr>) -> Option<IpAddr> {
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

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().expect("an address"))
    }

    #[test]
    fn an_address_that_guesses_has_to_wait_and_others_do_not() {
        let (sessions, clock) = sessions();
        let (guesser, beside) = (address("2001:db8::1"), address("2001:db8::2"));
        for n in 0..TRIES_MAX {
            let token = format!("sgt_{n}{n}{n}{n}{n}{n}{n}{n}");
            assert_eq!(sessions.barred(guesser, &token, false), None);
            sessions.failed(guesser, &token);
        }
        assert_eq!(sessions.barred(guesser, "sgt_another", false), Some(61));
        assert_eq!(
            sessions.barred(beside, "sgt_another", false),
            Some(61),
            "the same /64"
        );
        assert_eq!(
            sessions.barred(address("192.0.2.1"), "sgt_another", false),
            None
        );
        assert_eq!(
            sessions.barred(guesser, "sgt_another", true),
            None,
            "a good one"
        );
        clock.advance(TRIES_WINDOW);
        assert_eq!(sessions.barred(guesser, "sgt_another", false), None);
    }

    #[test]
    fn who_knows_how_a_token_begins_gets_no_more_tries_at_its_rest() {
        let (sessions, clock) = sessions();
        let guesser = address("192.0.2.1");
        for n in 0..TRIES_MAX {
            sessions.failed(guesser, &format!("sgt_Abcdefgh{n}"));
        }
        assert_eq!(sessions.barred(guesser, "sgt_AbcdefghTRUE", true), Some(61));
        assert_eq!(sessions.barred(guesser, "sgt_somebodyelse", true), None);
        let elsewhere = address("192.0.2.2");
        assert_eq!(sessions.barred(elsewhere, "sgt_AbcdefghTRUE", true), None);
        clock.advance(TRIES_WINDOW);
        assert_eq!(sessions.barred(guesser, "sgt_AbcdefghTRUE", true), None);
    }

    #[test]
    fn memory_is_bounded_however_many_guess() {
        let (sessions, _clock) = sessions();
        for n in 0..u32::try_from(ADDRESSES_MAX).expect("small") + 50 {
            let from = Some(IpAddr::from(n.to_be_bytes()));
            sessions.failed(from, &format!("sgt_{n:08}"));
        }
        let inner = sessions.lock();
        assert!(inner.tries.len() <= ADDRESSES_MAX + 1);
        assert!(inner.beginnings.len() <= BEGINNINGS_MAX);
    }
}

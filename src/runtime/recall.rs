//! Asking the store about an inbound id that the head may have forgotten: seldom.
//!
//! A head remembers its last ids; older ones stand in the store for eight days. To look there costs more than all the
//! rest of a turn, so a conversation that is written to again and again first fetches a sieve of what stands there:
//! an id that falls through was never seen, and only one that sticks (a repetition, or one in twenty by chance once
//! eight thousand are in it) is looked up. The sieve belongs to the actor and grows with what its head forgets.
//! It decides nothing: whether a message is a repetition is said by the head or by the store.

use super::blocking;
use super::keeper::Kept;
use crate::conversation::event::Event;
use crate::ids::IdHash;
use crate::store::LoadError;

/// How often the store is asked for one id before it is asked for all: most conversations are asleep again by then.
const ASKS_MAX: u8 = 2;
/// The most ids that are fetched: a conversation with more than that in eight days goes on asking one by one.
const FETCHED_MAX: usize = 16_384;
/// Words of a sieve: 64 Ki bits, 8 KiB of memory.
const WORDS: usize = 1_024;

/// What an actor knows of the ids that its head forgot.
#[derive(Debug)]
pub(super) enum Forgotten {
    /// Nothing; the store was asked so often.
    Asked(u8),
    /// None but these, roughly.
    Sieve(Box<Sieve>),
    /// Too many to fetch.
    TooMany,
}

impl Forgotten {
    /// The head forgot `ids`.
    pub(super) fn extend(&mut self, ids: &[IdHash]) {
        match self {
            Self::Sieve(sieve) => ids.iter().for_each(|id| sieve.put(*id)),
            Self::Asked(_) | Self::TooMany => {}
        }
    }

    fn may_hold(&self, id: IdHash) -> bool {
        match self {
            Self::Sieve(sieve) => sieve.holds(id),
            Self::Asked(_) | Self::TooMany => true,
        }
    }
}

/// A set that may say yes by mistake, and never no. The ids are bits of SHA-256 already: no further hashing.
#[derive(Debug)]
pub(super) struct Sieve([u64; WORDS]);

impl Sieve {
    fn of(ids: &[IdHash]) -> Box<Self> {
        let mut sieve = Box::new(Self([0; WORDS]));
        ids.iter().for_each(|id| sieve.put(*id));
        sieve
    }

    fn places(id: IdHash) -> [(usize, u64); 2] {
        [id.0, id.0 >> 32].map(|bits| ((bits >> 6) as usize % WORDS, 1 << (bits & 63)))
    }

    fn put(&mut self, id: IdHash) {
        for (word, bit) in Self::places(id) {
            self.0[word] |= bit;
        }
    }

    fn holds(&self, id: IdHash) -> bool {
        Self::places(id)
            .iter()
            .all(|(word, bit)| self.0[*word] & bit != 0)
    }
}

/// Says in the event whether the store has seen its id, if only the store can know.
pub(super) async fn recall(event: &mut Event, kept: &mut Kept) -> Result<(), LoadError> {
    let Event::CustomerWrote {
        inbound,
        seen_before,
    } = event
    else {
        return Ok(());
    };
    let now = kept.router.clock().now();
    let Some(hash) = kept.conversation.store_may_know(inbound, now) else {
        return Ok(());
    };
    let id = kept.id();
    if let Forgotten::Asked(ASKS_MAX) = kept.forgotten {
        let store = kept.router.store().clone();
        let all = blocking(move || store.seen_of(id, FETCHED_MAX)).await?;
        kept.forgotten = all.map_or(Forgotten::TooMany, |ids| Forgotten::Sieve(Sieve::of(&ids)));
    }
    if kept.forgotten.may_hold(hash) {
        if let Forgotten::Asked(times) = &mut kept.forgotten {
            *times += 1;
        }
        let store = kept.router.store().clone();
        *seen_before = blocking(move || store.seen(id, hash)).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: usize) -> IdHash {
        IdHash::of(&format!("SM{n}"))
    }

    #[test]
    fn a_sieve_never_denies_what_was_put_in() {
        let ids: Vec<_> = (0..8_000).map(id).collect();
        let mut forgotten = Forgotten::Sieve(Sieve::of(&ids[..4_000]));
        forgotten.extend(&ids[4_000..]);
        assert!(ids.iter().all(|id| forgotten.may_hold(*id)));
    }

    #[test]
    fn a_sieve_lets_nearly_everything_else_through() {
        let ids: Vec<_> = (0..8_000).map(id).collect();
        let sieve = Sieve::of(&ids);
        let stuck = (8_000..18_000).filter(|n| sieve.holds(id(*n))).count();
        assert!(stuck < 700, "{stuck} of 10,000");
    }

    #[test]
    fn nothing_is_denied_without_a_sieve() {
        assert!(Forgotten::Asked(0).may_hold(id(1)) && Forgotten::TooMany.may_hold(id(1)));
    }
}

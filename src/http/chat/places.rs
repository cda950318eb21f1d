//! Room for files that come in: how many at once, how many of one address, and how much of one address in an hour.
//!
//! Visitors are minted for whoever asks, so what one visitor may have bounds nobody who means harm; an address does.
//! Addresses on our own side (where proxies stand that nobody has named as trusted) are not counted, because behind one
//! of them stands everybody: there the proxy has to. Counts live in memory only: a restart forgives.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::http::peers::{Held, Peers, stranger};

/// Files that come in at once, of everybody: each holds one piece in memory.
const AT_ONCE_MAX: usize = 256;
/// Files that come in at once from one address: an office has a few people with a few files each.
const OF_ONE_MAX: usize = 16;
/// Bytes that one address may send in [`HOUR`].
const BYTES_MAX: u64 = 500 * 1024 * 1024;
/// How long it is counted.
const HOUR: Duration = Duration::from_hours(1);
/// Addresses remembered at once; beyond that new ones come uncounted, because memory is bounded too.
const KNOWN_MAX: usize = 10_000;

/// All room. Clones share it.
#[derive(Clone, Debug)]
pub struct Places {
    all: Arc<Semaphore>,
    peers: Peers,
    sent: Arc<Mutex<HashMap<IpAddr, (Instant, u64)>>>,
}

/// Room for one file; given back when dropped.
#[derive(Debug)]
pub struct Place {
    _of_all: OwnedSemaphorePermit,
    _of_one: Option<Held>,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            all: Arc::new(Semaphore::new(AT_ONCE_MAX)),
            peers: Peers::default(),
            sent: Arc::default(),
        }
    }
}

impl Places {
    /// Room for a file of at most `bytes` from `peer`; none: there is none just now.
    pub fn take(&self, peer: Option<IpAddr>, bytes: u64, now: Instant) -> Option<Place> {
        let of_all = Arc::clone(&self.all).try_acquire_owned().ok()?;
        let of_one = match peer {
            Some(peer) => Some(self.peers.hold(peer, OF_ONE_MAX)?),
            None => None,
        };
        if let Some(stranger) = peer.and_then(stranger) {
            self.count(stranger, bytes, now)?;
        }
        Some(Place {
            _of_all: of_all,
            _of_one: of_one,
        })
    }

    /// None: that would be too much of this address.
    fn count(&self, peer: IpAddr, bytes: u64, now: Instant) -> Option<()> {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        if sent.len() >= KNOWN_MAX && !sent.contains_key(&peer) {
            sent.retain(|_, (since, _)| now.duration_since(*since) < HOUR);
            if sent.len() >= KNOWN_MAX {
                return Some(());
            }
        }
        let (since, sum) = sent.entry(peer).or_insert((now, 0));
        if now.duration_since(*since) >= HOUR {
            (*since, *sum) = (now, 0);
        }
        if *sum + bytes > BYTES_MAX {
            return None;
        }
        *sum += bytes;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::monotonic;

    const MB: u64 = 1024 * 1024;

    fn at(address: &str) -> Option<IpAddr> {
        Some(address.parse().expect("an address"))
    }

    #[test]
    fn an_address_has_only_so_many_at_once() {
        let (places, now) = (Places::default(), monotonic());
        let mut taken: Vec<_> = (0..OF_ONE_MAX)
            .map(|_| places.take(at("203.0.113.7"), 1, now).expect("room"))
            .collect();
        assert!(places.take(at("203.0.113.7"), 1, now).is_none());
        assert!(places.take(at("203.0.113.8"), 1, now).is_some(), "others");
        taken.pop();
        assert!(places.take(at("203.0.113.7"), 1, now).is_some());
        let proxy: Vec<_> = (0..AT_ONCE_MAX)
            .filter_map(|_| places.take(at("10.0.0.1"), 1, now))
            .collect();
        assert_eq!(proxy.len(), AT_ONCE_MAX - taken.len(), "up to the whole");
    }

    #[test]
    fn an_address_sends_only_so_much_in_an_hour() {
        let (places, now) = (Places::default(), monotonic());
        for _ in 0..5 {
            assert!(places.take(at("203.0.113.7"), 100 * MB, now).is_some());
        }
        assert!(places.take(at("203.0.113.7"), 1, now).is_none());
        assert!(places.take(at("203.0.113.8"), 1, now).is_some(), "others");
        assert!(places.take(at("203.0.113.7"), MB, now + HOUR).is_some());
    }
}

//! How many connections one peer holds, and how long it may take to read what it asked for.
//!
//! Whoever can connect costs a file descriptor and some memory. One stranger must not take every place of the listener,
//! and must not hold one by never reading. Peers on our own side (this machine, private networks: where proxies stand)
//! and trusted proxies are not counted, because behind one of them stands everybody.

use std::collections::HashMap;
use std::future::Future as _;
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::forwarded::Proxies;

/// Connections that one stranger may hold: a large office behind one address has some hundred.
pub const PER_PEER_MAX: usize = 1_000;
/// How long a peer may take to read anything at all of what waits for it.
pub const WRITE_WITHIN: Duration = Duration::from_secs(30);

/// Who holds how many. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Peers {
    held: Arc<Mutex<HashMap<IpAddr, usize>>>,
    trusted: Proxies,
}

/// One connection of a peer; given back when dropped.
#[derive(Debug)]
pub struct Held {
    peers: Peers,
    by: Option<IpAddr>,
}

impl Peers {
    /// Behind these proxies.
    pub fn behind(trusted: Proxies) -> Self {
        Self {
            held: Arc::default(),
            trusted,
        }
    }

    /// One more connection from `peer`; none: it holds `max` already.
    pub fn hold(&self, peer: IpAddr, max: usize) -> Option<Held> {
        let by = stranger(peer).filter(|_| !self.trusted.trusts(peer));
        if let Some(by) = by {
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            let count = held.entry(by).or_default();
            if *count >= max {
                return None;
            }
            *count += 1;
        }
        Some(Held {
            peers: self.clone(),
            by,
        })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some(by) = self.by else { return };
        let mut held = self
            .peers
            .held
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = held.get_mut(&by) {
            *count -= 1;
            if *count == 0 {
                held.remove(&by);
            }
        }
    }
}

/// Under which address a stranger is counted; none: it is on our own side. Whoever has one address of IPv6 has all that
/// share its first 64 bits.
pub fn stranger(peer: IpAddr) -> Option<IpAddr> {
    match peer.to_canonical() {
        IpAddr::V4(peer) => {
            let ours = peer.is_loopback() || peer.is_private() || peer.is_link_local();
            (!ours).then_some(IpAddr::V4(peer))
        }
        IpAddr::V6(peer) => {
            let ours = peer.is_loopback() || peer.is_unique_local() || peer.is_unicast_link_local();
            let network = Ipv6Addr::from_bits(peer.to_bits() & !u128::from(u64::MAX));
            (!ours).then_some(IpAddr::V6(network))
        }
    }
}

/// A connection that fails when its peer reads nothing for too long.
pub struct Impatient<S> {
    stream: S,
    within: Duration,
    /// Runs while something waits to be read.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl<S> Impatient<S> {
    /// Gives up on `stream` when a write cannot go on for `within`.
    pub fn new(stream: S, within: Duration) -> Self {
        Self {
            stream,
            within,
            waiting: None,
        }
    }

    /// The same, unless it has been waiting for too long.
    fn judge<T>(
        &mut self,
        context: &mut Context<'_>,
        tried: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if tried.is_ready() {
            self.waiting = None;
            return tried;
        }
        let within = self.within;
        let waiting = self
            .waiting
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(within)));
        match waiting.as_mut().poll(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => Poll::Ready(Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the peer reads nothing",
            ))),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Impatient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Impatient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let tried = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judge(context, tried)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let tried = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.judge(context, tried)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let tried = Pin::new(&mut self.stream).poll_flush(context);
        // A flush that is done says nothing about a write that is not.
        if tried.is_ready() {
            return tried;
        }
        self.judge(context, tried)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let tried = Pin::new(&mut self.stream).poll_shutdown(context);
        self.judge(context, tried)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    #[test]
    fn a_stranger_holds_so_many_and_our_own_side_as_many_as_it_likes() {
        let peers = Peers::default();
        let check = |who: &str, twice: bool| {
            let who = who.parse().expect("an address");
            let first = peers.hold(who, 1);
            assert!(first.is_some(), "{who}");
            assert_eq!(peers.hold(who, 1).is_some(), twice, "{who}");
            drop(first);
            assert!(peers.hold(who, 1).is_some(), "{who}: it is given back");
        };
        check("203.0.113.7", false);
        check("::ffff:203.0.113.7", false);
        check("2001:db8::1", false);
        for ours in ["127.0.0.1", "10.1.2.3", "192.168.0.9", "::1", "fd00::1"] {
            check(ours, true);
        }
        let held = peers.hold("2001:db8::1".parse().expect("an address"), 1);
        let neighbour = "2001:db8::2".parse().expect("an address");
        assert!(peers.hold(neighbour, 1).is_none(), "the same network");
        drop(held);
        assert!(peers.held.lock().expect("sound").is_empty());
    }

    #[test]
    fn a_trusted_proxy_holds_as_many_as_it_likes_wherever_it_stands() {
        let edge = "203.0.113.0/24".parse().expect("a network");
        let peers = Peers::behind(Proxies::new(vec![edge]));
        let hold = |who: &str| peers.hold(who.parse().expect("an address"), 1);
        let _one = hold("203.0.113.7");
        assert!(hold("203.0.113.7").is_some());
        let _other = hold("198.51.100.7");
        assert!(hold("198.51.100.7").is_none());
    }

    #[tokio::test]
    async fn who_reads_nothing_is_given_up_and_who_reads_slowly_is_not() {
        let (ours, mut theirs) = tokio::io::duplex(16);
        let mut ours = Impatient::new(ours, Duration::from_millis(1_500));
        let slowly = tokio::spawn(async move {
            let mut some = [0; 8];
            for _ in 0..5 {
                tokio::time::sleep(Duration::from_millis(500)).await;
                theirs.read_exact(&mut some).await.expect("open");
            }
            theirs
        });
        ours.write_all(&[1; 48]).await.expect("it reads on");
        let _open = slowly.await.expect("runs");
        let given_up = ours.write_all(&[1; 48]).await.expect_err("nobody reads");
        assert_eq!(given_up.kind(), io::ErrorKind::TimedOut);
    }
}

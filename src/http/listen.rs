//! A listener over hyper: time limits for heads and for reading answers, bounds on connections (altogether and of one
//! peer), and a stop that finishes what was accepted.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::Request;
use axum::response::Response;
use axum::routing::future::RouteFuture;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;

use super::forwarded::Proxies;
use super::peers::{Impatient, PER_PEER_MAX, Peers, WRITE_WITHIN};

/// How long a client may take for its request head; also how long an idle connection is kept.
const HEAD_WITHIN: Duration = Duration::from_secs(75);
/// Connections at once; more wait in the kernel's queue.
pub const CONNECTIONS_MAX: usize = 20_000;
/// Callers whom the kernel holds until they are accepted. What tokio asks for by itself is 128: one more in a herd that
/// comes at once is dropped, and tries again after a second. The kernel takes the lesser of this and `somaxconn`.
const BACKLOG: u32 = 4_096;
/// How long to rest after the system refused to accept (out of file descriptors, say).
const REST: Duration = Duration::from_millis(50);

/// Listens at `address` with room for a herd of callers.
///
/// # Errors
/// What the system says: the address is in use, say.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // As tokio does: a restart must not wait for what the last process left in TIME_WAIT.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves `router` on `listener` until `stop`; then closes the listener at once, so that new callers get a connection
/// error, which providers repeat, and finishes what was accepted within `patience`.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
    patience: Duration,
) {
    serve_within(listener, router, stop, patience, HEAD_WITHIN).await;
}

/// The same behind proxies that may hold as many connections as they like.
pub async fn serve_behind(
    proxies: Proxies,
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
    patience: Duration,
) {
    let peers = Peers::behind(proxies);
    accept(listener, router, peers, stop, patience, HEAD_WITHIN).await;
}

/// The same, with another limit on how long a request head may take.
pub async fn serve_within(
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
    patience: Duration,
    head_within: Duration,
) {
    accept(
        listener,
        router,
        Peers::default(),
        stop,
        patience,
        head_within,
    )
    .await;
}

async fn accept(
    listener: TcpListener,
    router: Router,
    peers: Peers,
    stop: CancellationToken,
    patience: Duration,
    head_within: Duration,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let under_way = TaskTracker::new();
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(head_within)
        .pipeline_flush(true);
    loop {
        let place = tokio::select! {
            () = stop.cancelled() => break,
            place = Arc::clone(&places).acquire_owned() => place,
        };
        let stream = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, from) = match stream {
            Ok(accepted) => accepted,
            Err(fault) => {
                tracing::warn!(%fault, "a connection could not be accepted");
                tokio::time::sleep(REST).await;
                continue;
            }
        };
        let Some(held) = peers.hold(from.ip(), PER_PEER_MAX) else {
            // Not told apart from the others: closing costs the least.
            tracing::debug!(peer = %from.ip(), "a peer holds too many connections");
            continue;
        };
        let served = connection(
            &builder,
            stream,
            Addressed {
                router: router.clone(),
                from,
            },
        );
        let stop = stop.clone();
        under_way.spawn(async move {
            finish(served, stop).await;
            drop((place, held));
        });
    }
    drop(listener);
    under_way.close();
    if tokio::time::timeout(patience, under_way.wait())
        .await
        .is_err()
    {
        tracing::warn!("some connections did not finish in time");
    }
}

/// The routes, told from where a connection came.
#[derive(Clone)]
struct Addressed {
    router: Router,
    from: SocketAddr,
}

impl Service<Request<Incoming>> for Addressed {
    type Response = Response;
    type Error = Infallible;
    type Future = RouteFuture<Infallible>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request<Incoming>>::poll_ready(&mut self.router, context)
    }

    fn call(&mut self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(ConnectInfo(self.from));
        self.router.call(request)
    }
}

type Stream = Impatient<TcpStream>;
type Served = http1::UpgradeableConnection<TokioIo<Stream>, TowerToHyperService<Addressed>>;

/// Serves a connection; once asked to stop, finishes the request at hand and says that no other follows.
async fn finish(served: Served, stop: CancellationToken) {
    let mut served = std::pin::pin!(served);
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = stop.cancelled() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(fault) = ended {
        tracing::trace!(%fault, "a connection ended early");
    }
}

fn connection(builder: &http1::Builder, stream: TcpStream, routes: Addressed) -> Served {
    // Small answers leave at once; a refusal to set this costs only latency.
    let _ = stream.set_nodelay(true);
    let stream = Impatient::new(stream, WRITE_WITHIN);
    builder
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes))
        .with_upgrades()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn a_herd_of_callers_is_held_until_it_is_accepted() {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = bind(any).expect("a free port");
        let to = listener.local_addr().expect("an address");
        // What the kernel allows at most; 128 where it does not say.
        let most = std::fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap_or_default();
        let herd = most.trim().parse().unwrap_or(128).min(500);
        // Nobody accepts: a caller too many would be refused again and again.
        let callers = (0..herd).map(|_| TcpStream::connect(to));
        let all = futures_util::future::join_all(callers);
        let connected = tokio::time::timeout(Duration::from_secs(20), all).await;
        let connected = connected.expect("everybody is held");
        assert!(connected.iter().all(Result::is_ok));
    }
}

//! The open tabs of the web chat's customers. Whoever writes there listens on a socket of their own, as the page does.
//!
//! A tab is open as long as something may still come for its customer, and [`STAY`] longer; then the customer has gone.
//! Who comes back goes on after the last that was shown, and so does a tab whose connection was lost: nothing is heard
//! twice but what the server says twice. Tabs never write; that is the sender's, which measures it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use tokio_util::sync::CancellationToken;

use super::book::Sound;
use super::pace::{Shared, open};
use super::provider::said;
use super::target::Target;
use super::wire::{Heard, Seat};
use crate::clock::{Clock as _, SystemClock, Timestamp, monotonic};
use crate::http::chat::protocol::{FromVisitor, Hello, Message, Profile, Speaker, ToVisitor};

/// How long a customer keeps the tab open after the last that was to come.
pub const STAY: Duration = Duration::from_secs(5);
/// Tabs open at once. The server lets ten thousand in; each is a file in both processes.
const OPEN_MAX: usize = 6_000;
/// How long a connection may take; the server may just have been killed.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// Between two attempts.
const AGAIN_AFTER: Duration = Duration::from_millis(200);
/// How often a tab looks whether it may go.
const LOOK_EVERY: Duration = Duration::from_secs(1);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// All tabs of a run.
pub struct Tabs {
    target: Arc<Target>,
    book: Shared,
    runtime: Handle,
    over: CancellationToken,
    clock: SystemClock,
    known: Mutex<Known>,
}

/// Who has a tab, and what was shown in it.
#[derive(Default)]
struct Known {
    tabs: HashMap<u64, Tab>,
    open: usize,
}

#[derive(Clone, Copy)]
struct Tab {
    /// When its customer wrote last; none: it is closed.
    used: Option<Instant>,
    /// The last entry that was shown.
    last: Option<u64>,
}

impl Tabs {
    /// No tab is open yet; they live on `runtime` until `over`.
    pub fn new(
        (target, book): (Arc<Target>, Shared),
        runtime: Handle,
        over: CancellationToken,
    ) -> Arc<Self> {
        Arc::new(Self {
            target,
            book,
            runtime,
            over,
            clock: SystemClock::start(),
            known: Mutex::default(),
        })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The customer is about to write: their tab is open from now on, if they are one of the web chat's. False: there
    /// is no room for another.
    pub fn open(self: &Arc<Self>, customer: u64) -> bool {
        let Some(seat) = self.target.seat(customer) else {
            return true;
        };
        let mut known = self.known();
        let (now, full) = (monotonic(), known.open >= OPEN_MAX);
        let tab = known.tabs.entry(customer).or_insert(Tab {
            used: None,
            last: None,
        });
        if tab.used.is_none() && full {
            return false;
        }
        if tab.used.replace(now).is_none() {
            known.open += 1;
            let all = Arc::clone(self);
            self.runtime.spawn(async move {
                let over = all.over.clone();
                let _ended = over.run_until_cancelled(all.listen(customer, &seat)).await;
            });
        }
        true
    }

    async fn listen(&self, customer: u64, seat: &Seat) {
        loop {
            if let Some(mut socket) = self.connect(customer, seat).await {
                let left = self.follow(customer, &mut socket).await;
                // The page just goes away too.
                let _closed = socket.close(None).await;
                if left {
                    return;
                }
            }
            // The server may just have been killed.
            tokio::time::sleep(AGAIN_AFTER).await;
            if self.may_go(customer) {
                return;
            }
        }
    }

    /// Whether the customer has left: nothing more is to come. Then the tab is closed, and whoever asked ends; the next
    /// message opens another.
    fn may_go(&self, customer: u64) -> bool {
        // The book first: who writes is in it before the tab is used again, so one of the two tells.
        let awaits = open(&self.book).awaits(customer);
        let mut known = self.known();
        let Some(tab) = known.tabs.get_mut(&customer) else {
            return true;
        };
        if awaits || tab.used.is_some_and(|used| used.elapsed() < STAY) {
            return false;
        }
        tab.used = None;
        known.open -= 1;
        true
    }

    async fn connect(&self, customer: u64, seat: &Seat) -> Option<Socket> {
        let base = &self.target.base.url;
        let url = format!("ws{}{}", base.strip_prefix("http")?, seat.path);
        let connecting = tokio_tungstenite::connect_async(url);
        let (mut socket, _) = tokio::time::timeout(CONNECT_WITHIN, connecting)
            .await
            .ok()?
            .ok()?;
        let hello = FromVisitor::Hello(Hello {
            visitor: Some(seat.visitor.clone()),
            last: self.known().tabs.get(&customer).and_then(|tab| tab.last),
            profile: Profile::default(),
        });
        let text = serde_json::to_string(&hello).expect("plain data always has a JSON form");
        socket.send(Frame::Text(text.into())).await.ok()?;
        Some(socket)
    }

    /// Listens until the customer has left (true) or the connection is lost.
    async fn follow(&self, customer: u64, socket: &mut Socket) -> bool {
        let mut look = tokio::time::interval(LOOK_EVERY);
        loop {
            tokio::select! {
                frame = socket.next() => match frame {
                    Some(Ok(Frame::Text(text))) => self.told(customer, text.as_str()),
                    Some(Ok(Frame::Ping(_) | Frame::Pong(_) | Frame::Binary(_) | Frame::Frame(_))) => {}
                    Some(Ok(Frame::Close(_)) | Err(_)) | None => return false,
                },
                _ = look.tick() => if self.may_go(customer) {
                    return true;
                }
            }
        }
    }

    fn told(&self, customer: u64, text: &str) {
        match serde_json::from_str(text) {
            Ok(ToVisitor::Message(message)) => self.shown(customer, message),
            Ok(
                ToVisitor::Welcome { .. }
                | ToVisitor::Streamed { .. }
                | ToVisitor::StreamCut { .. }
                | ToVisitor::Typing { .. }
                | ToVisitor::Stored { .. }
                | ToVisitor::Who { .. }
                | ToVisitor::Line { .. },
            ) => {}
            Ok(ToVisitor::Refused(_) | ToVisitor::Error { .. }) | Err(_) => {
                open(&self.book).fault("a tab was told of an error".to_owned());
            }
        }
    }

    fn shown(&self, customer: u64, message: Message) {
        let now = monotonic();
        if let Some(tab) = self.known().tabs.get_mut(&customer) {
            tab.last = tab.last.max(Some(message.entry));
        }
        let class = match message.from {
            Speaker::You => return,
            Speaker::Ai => "ai",
            Speaker::Human => "human",
            Speaker::System => "system",
        };
        let number = message.effect.unwrap_or(message.entry).to_string();
        let ago = Timestamp::parse(&message.at).map(|at| self.clock.now().since(at));
        let heard = Heard {
            to: String::new(),
            effect: format!("web {customer} {number}"),
            message: number,
            text: message.text,
            class: Some(class.to_owned()),
            report_to: String::new(),
        };
        let sound = Sound {
            effect: &heard.effect,
            message: &heard.message,
            at: now,
            left: ago.and_then(|ago| now.checked_sub(ago)).unwrap_or(now),
        };
        let said = said(&heard, self.target.echoes);
        open(&self.book).heard(customer, &said, &sound);
    }
}

//! The WebSocket of one tab: frames in, frames out. What they say is [`super::protocol`]'s, what is shown the thread's.
//!
//! A tab's messages are delivered one after the other, in the order in which it sent them, while the thread goes on.
//! A tab that says nothing at all, reads nothing, talks too much or has been idle for an hour is closed; the close code
//! tells it whether to come back (see the constants).

use std::collections::VecDeque;
use std::pin::Pin;
use std::time::{Duration, Instant};

use axum::extract::Path;
use axum::extract::ws::{
    CloseFrame, Message, WebSocket, WebSocketUpgrade, rejection::WebSocketUpgradeRejection,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::SinkExt;
use futures_util::stream::{SplitSink, SplitStream, StreamExt};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite;

use super::plain::error;
use super::protocol::{FromVisitor, Hello, Refused, ToVisitor};
use super::seats::Seat;
use super::thread::follow;
use super::visitor::Visitor;
use super::{Admitted, FRAME_BYTES_MAX, Guest, Room, fate};
use crate::clock::monotonic;
use crate::http::problem::Problem;
use crate::ids::ChannelName;
use crate::runtime::Answered;

/// How long a tab may take for its first word.
const HELLO_WITHIN: Duration = Duration::from_secs(10);
/// How often a tab is asked whether it is there; below the idle limits of usual proxies (60 s).
const PING_EVERY: Duration = Duration::from_secs(25);
/// A tab that did not say anything, not even "I am here", for so long is gone.
const SILENT_MAX: Duration = Duration::from_secs(65);
/// A tab in which nobody said anything for so long is closed until somebody looks at it again.
const IDLE_MAX: Duration = Duration::from_secs(3600);
/// How long a frame may take to leave; a tab that reads nothing is closed.
const SEND_WITHIN: Duration = Duration::from_secs(10);
/// How long a tab that sent too much may take to read why.
const LINGER: Duration = Duration::from_secs(1);
/// How many messages of a tab may wait for their turn.
const WAITING_MAX: usize = 16;
/// Frames of any kind that a tab may send between two pings.
const FRAMES_PER_PING_MAX: u32 = 500;
/// What is buffered per socket for reading: most frames are tiny.
const BUFFER_BYTES: usize = 4 * 1024;

/// The house restarts: come back soon (RFC 6455's registry, 1012).
const CLOSE_RESTART: u16 = 1012;
/// The tab broke the rules (1008): come back only when somebody acts.
const CLOSE_POLICY: u16 = 1008;
/// A frame is longer than any message may be (1009): the same again will not do.
const CLOSE_TOO_BIG: u16 = 1009;
/// Nobody said anything for long: come back when somebody looks.
const CLOSE_IDLE: u16 = 4000;
/// There is no room: come back later.
const CLOSE_FULL: u16 = 1013;

/// `GET /chat/{channel}/socket`.
pub async fn open(
    room: Room,
    Path(name): Path<String>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let Some(channel) = room.channel(&name) else {
        return (
            StatusCode::NOT_FOUND,
            "no web chat of this name is configured",
        )
            .into_response();
    };
    if let Err(forbidden) = room.asker(&channel, &headers) {
        return (StatusCode::FORBIDDEN, forbidden.to_string()).into_response();
    }
    if let Err(refusal) = room.rates.address(room.peer) {
        return Problem::from(refusal).into_response();
    }
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return rejection.into_response(),
    };
    upgrade
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(4 * FRAME_BYTES_MAX)
        .max_frame_size(FRAME_BYTES_MAX)
        .max_message_size(FRAME_BYTES_MAX)
        .on_failed_upgrade(|fault| tracing::debug!(%fault, "a web chat could not be opened"))
        .on_upgrade(move |socket| converse(socket, room, channel))
}

async fn converse(socket: WebSocket, room: Room, channel: ChannelName) {
    let _open = room.limits.sockets.token();
    let (mut out, mut from) = socket.split();
    let greeted = tokio::select! {
        () = room.runtime.router().closing().cancelled() => Ok(Err(Ending::Restart)),
        greeted = tokio::time::timeout(HELLO_WITHIN, greet(&mut out, &mut from)) => greeted,
    };
    let ending = match greeted {
        Ok(Ok(hello)) => settle_in(&mut out, &mut from, room, channel, hello).await,
        Ok(Err(ending)) => ending,
        Err(_nothing_said) => Ending::Rules("say hello first"),
    };
    let (code, why) = match ending {
        Ending::Gone => return,
        Ending::Rules(why) => (CLOSE_POLICY, why),
        Ending::TooBig => (CLOSE_TOO_BIG, "this message is too long"),
        Ending::Idle => (CLOSE_IDLE, "idle"),
        Ending::Restart => (CLOSE_RESTART, "come back soon"),
        Ending::Full(why) => (CLOSE_FULL, why),
    };
    let reason = why.into();
    let close = Message::Close(Some(CloseFrame { code, reason }));
    let _ = tokio::time::timeout(SEND_WITHIN, out.send(close)).await;
    if code == CLOSE_RESTART {
        // The process waits for this, but not for long: whoever has heard it hangs up.
        let heard = async { while let Some(Ok(_)) = from.next().await {} };
        let _ = tokio::time::timeout(LINGER / 2, heard).await;
    }
    if matches!(code, CLOSE_TOO_BIG | CLOSE_POLICY) {
        // What else it sent is never read, and closing on unread bytes resets the connection: the tab may then not see
        // the code any more. So it gets a moment to close first.
        tokio::time::sleep(LINGER).await;
    }
}

/// Why a tab is closed.
enum Ending {
    Gone,
    Rules(&'static str),
    TooBig,
    Idle,
    Restart,
    Full(&'static str),
}

type Out = SplitSink<WebSocket, Message>;
type From = SplitStream<WebSocket>;

/// Waits for the hello.
async fn greet(out: &mut Out, from: &mut From) -> Result<Hello, Ending> {
    for _ in 0..FRAMES_PER_PING_MAX {
        match read(from).await? {
            Read::Said(FromVisitor::Hello(hello)) => return Ok(hello),
            Read::Said(
                FromVisitor::Say { .. }
                | FromVisitor::Choose { .. }
                | FromVisitor::Typing
                | FromVisitor::Shown { .. },
            ) => {
                write(out, &error("say hello first")).await?;
            }
            Read::Nonsense(why) => write(out, &error(why)).await?,
            Read::Alive => {}
        }
    }
    Err(Ending::Rules("too many frames"))
}

async fn settle_in(
    out: &mut Out,
    from: &mut From,
    room: Room,
    channel: ChannelName,
    hello: Hello,
) -> Ending {
    // A secret that cannot be one is answered with a new one: the tab learns it from the welcome.
    let known = hello
        .visitor
        .as_deref()
        .and_then(|secret| Visitor::parse(secret).ok());
    let last = hello.last.filter(|_| known.is_some());
    let guest = Guest::new(
        room,
        channel,
        known.unwrap_or_else(Visitor::mint),
        hello.profile,
    );
    let seat = match guest.room.seats.take(guest.id, monotonic()) {
        Ok(seat) => seat,
        Err(super::seats::NoSeat::TooManyTabs) => return Ending::Rules("too many tabs"),
        Err(super::seats::NoSeat::Full) => return Ending::Full("too many chats are open"),
    };
    let told = follow(guest.room.runtime.clone(), guest.id, &guest.visitor, last);
    let now = monotonic();
    let tab = Tab {
        line: Line::new(&guest),
        guest,
        heard_at: now,
        used_at: now,
        frames: 0,
        _seat: seat,
    };
    tab.run(out, from, told).await
}

/// A tab that has said hello.
struct Tab {
    guest: Guest,
    line: Line,
    heard_at: Instant,
    used_at: Instant,
    /// Frames since the last ping.
    frames: u32,
    _seat: Seat,
}

impl Tab {
    async fn run(
        mut self,
        out: &mut Out,
        from: &mut From,
        mut told: mpsc::Receiver<ToVisitor>,
    ) -> Ending {
        let mut ping = tokio::time::interval(PING_EVERY);
        ping.reset();
        loop {
            let sent = tokio::select! {
                told = told.recv() => match told {
                    Some(told) => {
                        self.note_use(&told);
                        write(out, &told).await
                    }
                    None => return Ending::Restart,
                },
                (id, answered) = self.line.next() => {
                    let told = match fate(&id, &answered) {
                        Ok(()) => ToVisitor::Stored { id },
                        Err(refused) => ToVisitor::Refused(refused),
                    };
                    write(out, &told).await
                }
                read = read(from) => {
                    let read = match read {
                        Ok(read) => read,
                        Err(ending) => return ending,
                    };
                    self.heard_at = monotonic();
                    self.frames += 1;
                    if self.frames > FRAMES_PER_PING_MAX {
                        return Ending::Rules("too many frames");
                    }
                    match self.hear(read) {
                        Some(told) => write(out, &told).await,
                        None => Ok(()),
                    }
                }
                _ = ping.tick() => {
                    self.frames = 0;
                    if self.heard_at.elapsed() > SILENT_MAX {
                        return Ending::Gone;
                    }
                    if self.used_at.elapsed() > IDLE_MAX {
                        return Ending::Idle;
                    }
                    deliver(out, Message::Ping(bytes::Bytes::new())).await
                }
            };
            if sent.is_err() {
                return Ending::Gone;
            }
        }
    }

    /// What to answer at once, if anything.
    fn hear(&mut self, read: Read) -> Option<ToVisitor> {
        let said = match read {
            Read::Said(said) => said,
            Read::Nonsense(why) => return Some(error(why)),
            Read::Alive => return None,
        };
        self.used_at = monotonic();
        match self.guest.admit(said) {
            Ok(None) => None,
            Ok(Some((id, admitted))) => self.line.join(id, admitted).err().map(ToVisitor::Refused),
            Err(refused) => Some(ToVisitor::Refused(refused)),
        }
    }

    fn note_use(&mut self, told: &ToVisitor) {
        match told {
            ToVisitor::Message(_) | ToVisitor::Streamed { .. } => self.used_at = monotonic(),
            ToVisitor::Welcome { .. }
            | ToVisitor::StreamCut { .. }
            | ToVisitor::Typing { .. }
            | ToVisitor::Stored { .. }
            | ToVisitor::Refused(_)
            | ToVisitor::Who { .. }
            | ToVisitor::Line { .. }
            | ToVisitor::Error { .. } => {}
        }
    }
}

/// A message being delivered; resolves to its id and what became of it.
type Delivery = Pin<Box<dyn Future<Output = (String, Answered)> + Send>>;

/// The messages of a tab on their way into the conversation, one at a time.
struct Line {
    room: Room,
    waiting: VecDeque<(String, Admitted)>,
    under_way: Option<Delivery>,
}

impl Line {
    fn new(guest: &Guest) -> Self {
        Self {
            room: guest.room.clone(),
            waiting: VecDeque::new(),
            under_way: None,
        }
    }

    fn join(&mut self, id: String, admitted: Admitted) -> Result<(), Refused> {
        if self.waiting.len() >= WAITING_MAX {
            return Err(Refused::for_now(
                &id,
                "too many messages are on their way",
                1,
            ));
        }
        self.waiting.push_back((id, admitted));
        Ok(())
    }

    /// The fate of the next message; never, while there is none. Nothing is lost when it is not waited for.
    async fn next(&mut self) -> (String, Answered) {
        if self.under_way.is_none() {
            let Some((id, admitted)) = self.waiting.pop_front() else {
                return std::future::pending().await;
            };
            let room = self.room.clone();
            self.under_way = Some(Box::pin(async move { (id, room.perform(admitted).await) }));
        }
        let Some(under_way) = &mut self.under_way else {
            return std::future::pending().await;
        };
        let done = under_way.await;
        self.under_way = None;
        done
    }
}

/// What a tab sent.
enum Read {
    Said(FromVisitor),
    Nonsense(&'static str),
    Alive,
}

/// The next frame.
///
/// # Errors
/// The tab is gone, or sent what no frame may be.
async fn read(from: &mut From) -> Result<Read, Ending> {
    let frame = from.next().await.ok_or(Ending::Gone)?;
    Ok(match frame.map_err(broken)? {
        Message::Text(text) => serde_json::from_str(text.as_str())
            .map_or(Read::Nonsense("this is not understood"), Read::Said),
        Message::Binary(_) => Read::Nonsense("only text frames are understood"),
        Message::Ping(_) | Message::Pong(_) => Read::Alive,
        Message::Close(_) => return Err(Ending::Gone),
    })
}

fn broken(fault: axum::Error) -> Ending {
    match fault.into_inner().downcast_ref::<tungstenite::Error>() {
        Some(tungstenite::Error::Capacity(_)) => Ending::TooBig,
        Some(_) | None => Ending::Gone,
    }
}

/// The tab is gone, or reads nothing.
struct NotSent;

impl std::convert::From<NotSent> for Ending {
    fn from(_: NotSent) -> Self {
        Self::Gone
    }
}

async fn write(out: &mut Out, told: &ToVisitor) -> Result<(), NotSent> {
    let text = serde_json::to_string(told).expect("plain data always has a JSON form");
    deliver(out, Message::Text(text.into())).await
}

async fn deliver(out: &mut Out, message: Message) -> Result<(), NotSent> {
    match tokio::time::timeout(SEND_WITHIN, out.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(NotSent),
    }
}

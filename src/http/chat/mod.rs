//! The web chat: a plain page, and the transports by which a browser has its thread.
//!
//! | route | what |
//! |---|---|
//! | `GET /chat` | the page; `?channel=NAME` where there are several web chats, else the first |
//! | `GET /chat/widget.js`, `GET /chat/embed` | what other pages take in by one tag, and the frame that it opens |
//! | `GET /chat/demo` | a page that shows the widget |
//! | `GET /chat/{file}` | scripts and styles, immutable under their hash |
//! | `GET /chat/{channel}/socket` | WebSocket: everything in both directions, see [`protocol`] |
//! | `POST /chat/{channel}/messages` | the way in without WebSocket: one `say`, `choose`, `typing` or `shown`, 2xx after the commit |
//! | `GET /chat/{channel}/events` | the way out without WebSocket: server-sent events, resumed by `Last-Event-ID` |
//! | `POST /chat/{channel}/files`, `GET /chat/{channel}/files/{id}` | a file of the customer, in and out, see [`files`] |
//!
//! Without WebSocket the visitor's secret travels as `Authorization: Bearer`, so that it stands in no URL and no access
//! log (a page reads the events with `fetch`, because `EventSource` cannot send headers).
//!
//! No rule about conversations lives here, no text of a customer is logged, and nothing is acknowledged before it is on
//! disk. Anonymous visitors are bounded per visitor and per process; per network address by `[limits]`, or by a
//! proxy in front that is not trusted to name the client.

mod assets;
mod files;
mod origin;
mod page;
mod places;
mod plain;
pub mod protocol;
mod seats;
mod shown;
mod socket;
pub mod taken;
mod thread;
mod transcript;
#[cfg(test)]
mod transcript_tests;
pub mod visitor;

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::routing::{get, post};
use axum::{Extension, Router};

use self::origin::{Asker, Forbidden};
use self::protocol::{FromVisitor, Profile, Refused};
use self::seats::Seats;
use self::shown::Shown;
use self::taken::Written;
use self::visitor::Visitor;
use super::limit::{Rates, TooOften};
use super::{Doors, Limits};
use crate::channel::registry::{Channels, Kind};
use crate::clock::monotonic;
use crate::conversation::decision::Answer;
use crate::conversation::message::{Inbound, Medium};
use crate::desk::Desk;
use crate::ids::{ChannelName, ConversationId};
use crate::metrics::Metrics;
use crate::runtime::{Answered, Runtime};
use crate::store::media::Shelf;

/// The longest frame or body that a browser may send: a text of the longest kind, escaped throughout, fits.
pub const FRAME_BYTES_MAX: usize = 64 * 1024;

/// What the handlers of this room use. Cheap to clone.
#[derive(Clone)]
pub struct Room {
    runtime: Runtime,
    desk: Desk,
    channels: Arc<Channels>,
    limits: Arc<Limits>,
    metrics: Arc<Metrics>,
    rates: Arc<Rates>,
    media: Shelf,
    peer: Option<IpAddr>,
    seats: Seats,
}

impl Room {
    /// The web chat of that name, if there is one.
    fn channel(&self, name: &str) -> Option<ChannelName> {
        let instance = self
            .channels
            .find(name)
            .filter(|instance| instance.kind == Kind::Webchat)?;
        Some(instance.channel.name().clone())
    }

    /// Does what was admitted.
    async fn perform(&self, admitted: Admitted) -> Answered {
        match admitted {
            Admitted::Message(inbound) => self.deliver(inbound).await,
            Admitted::Shown(id, shown) => self.note(id, shown).await,
        }
    }

    /// Delivers, and counts as every other channel does.
    async fn deliver(&self, inbound: Inbound) -> Answered {
        let began = monotonic();
        let answered = self.runtime.deliver(inbound).await;
        match &answered {
            Ok(Answer::Duplicate) => self.metrics.inbound_duplicate(Medium::Webchat),
            Ok(
                Answer::Accepted
                | Answer::Ignored
                | Answer::Claimed { .. }
                | Answer::Wrote { .. }
                | Answer::Parked { .. }
                | Answer::Asked { .. }
                | Answer::Refused(_),
            )
            | Err(_) => {}
        }
        if answered.is_ok() {
            self.metrics.ingress(Medium::Webchat, began.elapsed());
        }
        answered
    }

    fn asker(&self, channel: &ChannelName, headers: &HeaderMap) -> Result<Asker, Forbidden> {
        let named = self
            .limits
            .chat_origins
            .get(channel)
            .map_or(&[][..], Vec::as_slice);
        Asker::check(headers, &self.limits.public_url, named)
    }
}

/// The routes of this room.
pub fn routes() -> Router<Doors> {
    Router::new()
        .route("/chat", get(page::page))
        .route("/chat/embed", get(page::embed))
        .route("/chat/demo", get(page::demo))
        .route("/chat/widget.js", get(assets::widget))
        .route("/chat/{file}", get(assets::file))
        .route("/chat/{channel}/socket", get(socket::open))
        .route(
            "/chat/{channel}/messages",
            post(plain::say).options(plain::preflight),
        )
        .route(
            "/chat/{channel}/events",
            get(plain::events).options(plain::preflight),
        )
        .route(
            "/chat/{channel}/files",
            post(files::send).options(plain::preflight),
        )
        .route(
            "/chat/{channel}/files/{id}",
            get(files::fetch).options(plain::preflight),
        )
        .layer(Extension(places::Places::default()))
        // Who is connected belongs to these routes alone; a layer holds it for as long as they live.
        .layer(Extension(Seats::default()))
}

impl FromRequestParts<Doors> for Room {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<Self, Infallible> {
        let seats = parts.extensions.get::<Seats>().cloned().unwrap_or_default();
        let from = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let Doors {
            runtime,
            desk,
            channels,
            limits,
            metrics,
            rates,
            media,
            ..
        } = doors.clone();
        Ok(Self {
            runtime,
            desk,
            channels,
            limits,
            metrics,
            rates,
            media,
            peer: from.map(|ConnectInfo(from)| from.ip()),
            seats,
        })
    }
}

/// What came from a page and is to be done, in its turn.
enum Admitted {
    /// The customer wrote.
    Message(Inbound),
    /// So much of this thread was shown.
    Shown(ConversationId, Shown),
}

/// A visitor in a thread: what a message of theirs becomes.
struct Guest {
    room: Room,
    channel: ChannelName,
    visitor: Visitor,
    profile: Profile,
    address: String,
    id: ConversationId,
}

impl Guest {
    fn new(room: Room, channel: ChannelName, visitor: Visitor, profile: Profile) -> Self {
        let address = visitor.address();
        let id = room.runtime.conversation_id(&channel, &address);
        Self {
            room,
            channel,
            visitor,
            profile: profile.tidied(),
            address,
            id,
        }
    }

    /// What is to be done for `said`; none: nothing is.
    ///
    /// # Errors
    /// [`Refused`]: it cannot be taken, or not so fast.
    fn admit(&self, said: FromVisitor) -> Result<Option<(String, Admitted)>, Refused> {
        let written = match said {
            FromVisitor::Say { id, text } => Written::text(id, text)?,
            FromVisitor::Choose { id, choice, title } => Written::choice(id, choice, title)?,
            FromVisitor::Typing => {
                self.room.desk.presence().customer_writes(self.id);
                return Ok(None);
            }
            FromVisitor::Shown {
                id,
                delivered,
                read,
            } => {
                let shown = Shown::new(&id, &delivered, &read)?;
                let paced = self.room.seats.pace_reports(self.id, monotonic());
                paced.map_err(|wait| {
                    Refused::for_now(&id, "that was too fast", whole_seconds(wait))
                })?;
                return Ok(Some((id, Admitted::Shown(self.id, shown))));
            }
            FromVisitor::Hello(_) => {
                return Err(Refused::for_good("", "hello was said; open another socket"));
            }
        };
        self.pace(&written.id)?;
        let inbound = written.inbound(self.channel.clone(), &self.address, &self.profile);
        Ok(Some((written.id, Admitted::Message(inbound))))
    }

    /// Whether one more message may come now.
    ///
    /// # Errors
    /// [`Refused`], with when it may.
    fn pace(&self, id: &str) -> Result<(), Refused> {
        if let Err(wait) = self.room.seats.pace(self.id, monotonic()) {
            let seconds = whole_seconds(wait);
            return Err(Refused::for_now(id, "that was too fast", seconds));
        }
        let rates = &self.room.rates;
        let paced = rates.address(self.room.peer);
        if let Err(TooOften { seconds, .. }) = paced.and_then(|()| rates.customer(|| self.id)) {
            return Err(Refused::for_now(id, "that was too often", seconds));
        }
        Ok(())
    }
}

/// Rounded up: who comes a little too late is let in.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

/// What the browser is told of a message once its fate is known; `Ok`: it is durable.
fn fate(id: &str, answered: &Answered) -> Result<(), Refused> {
    match answered {
        Ok(
            Answer::Accepted
            | Answer::Duplicate
            | Answer::Ignored
            | Answer::Claimed { .. }
            | Answer::Wrote { .. }
            | Answer::Parked { .. }
            | Answer::Asked { .. },
        ) => Ok(()),
        Ok(Answer::Refused(refusal)) => Err(Refused::for_good(id, refusal.to_string())),
        Err(fault) => Err(Refused::for_now(id, fault.to_string(), fault.retry_after())),
    }
}

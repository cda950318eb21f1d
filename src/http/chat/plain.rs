//! The web chat without WebSocket: messages by POST, the thread by server-sent events.
//!
//! Same words, same ids, same promises as on the socket. The visitor's secret comes as `Authorization: Bearer`; who has
//! none yet opens the events without it and finds a new one in the welcome. Every `message` event carries its entry as
//! the event's id, so `Last-Event-ID` resumes the thread.

use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Deserialize;

use super::origin::Asker;
use super::protocol::{FromVisitor, Profile, Refused, ToVisitor};
use super::thread::follow;
use super::visitor::Visitor;
use super::{FRAME_BYTES_MAX, Guest, Room, fate};
use crate::clock::monotonic;
use crate::http::body;
use crate::http::problem::Problem;
use crate::ids::ChannelName;

/// How often an event stream shows that it is alive; below the idle limits of usual proxies (60 s).
const ALIVE_EVERY: Duration = Duration::from_secs(20);
/// The header by which an event stream is resumed.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// `POST /chat/{channel}/messages`.
pub async fn say(room: Room, Path(name): Path<String>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let (channel, asker) = match door(&room, &name, &parts.headers) {
        Ok(door) => door,
        Err(refusal) => return refusal,
    };
    let mut response = match take(room, channel, &parts.headers, body).await {
        Ok(id) => (StatusCode::OK, Json(id.map(|id| ToVisitor::Stored { id }))).into_response(),
        Err((status, told)) => refusal(status, told),
    };
    asker.permit(&mut response);
    response
}

/// `OPTIONS` on both routes.
pub async fn preflight(room: Room, Path(name): Path<String>, headers: HeaderMap) -> Response {
    match door(&room, &name, &headers) {
        Ok((_, asker)) => {
            let mut response = StatusCode::NO_CONTENT.into_response();
            asker.preflight(&mut response);
            response
        }
        Err(refusal) => refusal,
    }
}

/// A message, and what the page knows of the customer.
#[derive(Deserialize)]
struct Posted {
    #[serde(flatten)]
    said: FromVisitor,
    #[serde(flatten)]
    profile: Profile,
}

/// Takes one message in; returns the browser's id of it, if it was one that is stored.
async fn take(
    room: Room,
    channel: ChannelName,
    headers: &HeaderMap,
    body: Body,
) -> Result<Option<String>, (StatusCode, ToVisitor)> {
    let Some(visitor) = bearer(headers) else {
        return Err((
            StatusCode::UNAUTHORIZED,
            error("open the events first: their welcome holds the bearer token"),
        ));
    };
    let arrived = body::read(body, FRAME_BYTES_MAX, &room.limits.bodies).await;
    let arrived = arrived.map_err(|fault| (fault.status(), not_read(fault)))?;
    let Ok(Posted { said, profile }) = serde_json::from_slice(&arrived.bytes) else {
        return Err((
            StatusCode::UNPROCESSABLE_ENTITY,
            error("this is not understood"),
        ));
    };
    let guest = Guest::new(room, channel, visitor, profile);
    let refuse = |status: StatusCode| move |refused: Refused| (status, ToVisitor::Refused(refused));
    let admitted = guest
        .admit(said)
        .map_err(|refused| match refused.retry_after {
            Some(_) => refuse(StatusCode::TOO_MANY_REQUESTS)(refused),
            None => refuse(StatusCode::UNPROCESSABLE_ENTITY)(refused),
        })?;
    let Some((id, admitted)) = admitted else {
        return Ok(None);
    };
    let answered = guest.room.perform(admitted).await;
    match fate(&id, &answered) {
        Ok(()) => Ok(Some(id)),
        Err(refused) if refused.retry_after.is_some() => {
            Err(refuse(StatusCode::SERVICE_UNAVAILABLE)(refused))
        }
        Err(refused) => Err(refuse(StatusCode::CONFLICT)(refused)),
    }
}

/// `GET /chat/{channel}/events`.
pub async fn events(room: Room, Path(name): Path<String>, headers: HeaderMap) -> Response {
    let (channel, asker) = match door(&room, &name, &headers) {
        Ok(door) => door,
        Err(refusal) => return refusal,
    };
    if let Err(refusal) = room.rates.address(room.peer) {
        let mut response = Problem::from(refusal).into_response();
        asker.permit(&mut response);
        return response;
    }
    let known = bearer(&headers);
    let last = headers
        .get(LAST_EVENT_ID)
        .and_then(|last| last.to_str().ok()?.parse().ok());
    let last = last.filter(|_| known.is_some());
    let guest = Guest::new(
        room,
        channel,
        known.unwrap_or_else(Visitor::mint),
        Profile::default(),
    );
    let mut response = match guest.room.seats.take(guest.id, monotonic()) {
        Ok(seat) => {
            let told = follow(guest.room.runtime.clone(), guest.id, &guest.visitor, last);
            // The seat is held as long as somebody reads.
            let events = stream::unfold((told, seat), |(mut told, seat)| async move {
                let next = told.recv().await?;
                Some((Ok::<_, Infallible>(event(&next)), (told, seat)))
            });
            let alive = KeepAlive::new().interval(ALIVE_EVERY);
            Sse::new(events).keep_alive(alive).into_response()
        }
        Err(full) => refusal(
            StatusCode::SERVICE_UNAVAILABLE,
            ToVisitor::Refused(Refused::for_now("", full.to_string(), 10)),
        ),
    };
    // A proxy that gathers the stream would hold every word back.
    response
        .headers_mut()
        .insert("x-accel-buffering", HeaderValue::from_static("no"));
    asker.permit(&mut response);
    response
}

fn event(told: &ToVisitor) -> Event {
    let json = serde_json::to_string(told).expect("plain data always has a JSON form");
    let event = Event::default().data(json);
    match told {
        ToVisitor::Message(message) => event.id(message.entry.to_string()),
        ToVisitor::Welcome { .. }
        | ToVisitor::Streamed { .. }
        | ToVisitor::StreamCut { .. }
        | ToVisitor::Typing { .. }
        | ToVisitor::Stored { .. }
        | ToVisitor::Refused(_)
        | ToVisitor::Who { .. }
        | ToVisitor::Line { .. }
        | ToVisitor::Error { .. } => event,
    }
}

/// The channel, and who asks for it.
#[expect(
    clippy::result_large_err,
    reason = "the refusal is the answer and is sent at once"
)]
pub(super) fn door(
    room: &Room,
    name: &str,
    headers: &HeaderMap,
) -> Result<(ChannelName, Asker), Response> {
    let Some(channel) = room.channel(name) else {
        return Err(refusal(
            StatusCode::NOT_FOUND,
            error("no web chat of this name is configured"),
        ));
    };
    match room.asker(&channel, headers) {
        Ok(asker) => Ok((channel, asker)),
        Err(forbidden) => Err(refusal(
            StatusCode::FORBIDDEN,
            error(&forbidden.to_string()),
        )),
    }
}

pub(super) fn bearer(headers: &HeaderMap) -> Option<Visitor> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, secret) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| Visitor::parse(secret.trim()).ok())?
}

fn not_read(fault: body::Fault) -> ToVisitor {
    let why = fault.to_string();
    match fault.retry_after() {
        Some(seconds) => ToVisitor::Refused(Refused::for_now("", why, seconds)),
        None => error(&why),
    }
}

pub(super) fn error(why: &str) -> ToVisitor {
    ToVisitor::Error {
        why: why.to_owned(),
    }
}

pub(super) fn refusal(status: StatusCode, told: ToVisitor) -> Response {
    let wait = match &told {
        ToVisitor::Refused(refused) => refused.retry_after,
        ToVisitor::Welcome { .. }
        | ToVisitor::Message(_)
        | ToVisitor::Streamed { .. }
        | ToVisitor::StreamCut { .. }
        | ToVisitor::Typing { .. }
        | ToVisitor::Stored { .. }
        | ToVisitor::Who { .. }
        | ToVisitor::Line { .. }
        | ToVisitor::Error { .. } => None,
    };
    let mut response = (status, Json(told)).into_response();
    if let Some(seconds) = wait {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if status == StatusCode::UNAUTHORIZED {
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

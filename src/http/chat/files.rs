//! Files in the web chat: a customer sends one, and has back what they sent.
//!
//! `POST /chat/{channel}/files`: the file is the body; `X-Message-Id` is the browser's own id of the message, as with
//! every other, and `X-File-Name` its name, percent-encoded. 200 after the commit: the thread then has a message with
//! the file. 413: too long; 415: of a kind that is not taken (by what it holds, see [`upload`]); 409: this thread has as
//! many as it may; 429 and 503 with `Retry-After`.
//!
//! A file goes to the disk as it comes, a piece at a time, and never whole through memory. `GET …/files/{id}` serves it
//! to the visitor whose thread it is in, and to nobody else; staff have `/api/v1/media/{id}`.

use axum::Extension;
use axum::body::{Body as Stream, HttpBody as _};
use axum::extract::{Path, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::places::Places;
use super::plain::{bearer, door, error, refusal};
use super::protocol::{Profile, Refused, SentFile, ToVisitor};
use super::taken::{Written, check_id};
use super::{Guest, Room, fate};
use crate::clock::monotonic;
use crate::conversation::decision::Answer;
use crate::conversation::message::{Attachment, Body};
use crate::http::media;
use crate::http::problem::Problem;
use crate::http::upload::{self, Fault};
use crate::ids::ChannelName;
use crate::store::media::{FileId, ShelfError};

/// After how many seconds to come again when there is no room just now.
const AGAIN_AFTER: u64 = 5;

type Turned = (StatusCode, ToVisitor);

/// `POST /chat/{channel}/files`.
pub async fn send(
    room: Room,
    Extension(places): Extension<Places>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let (channel, asker) = match door(&room, &name, &parts.headers) {
        Ok(door) => door,
        Err(refusal) => return refusal,
    };
    let mut response = match take(room, &places, channel, &parts.headers, body).await {
        Ok(told) => (StatusCode::OK, axum::Json(told)).into_response(),
        Err((status, told)) => refusal(status, told),
    };
    asker.permit(&mut response);
    response
}

/// `GET /chat/{channel}/files/{id}`.
pub async fn fetch(
    room: Room,
    Path((name, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let (channel, asker) = match door(&room, &name, &headers) {
        Ok(door) => door,
        Err(refusal) => return refusal,
    };
    let Some(visitor) = bearer(&headers) else {
        return refusal(
            StatusCode::UNAUTHORIZED,
            error("this needs the visitor's secret"),
        );
    };
    let theirs = room.runtime.conversation_id(&channel, &visitor.address());
    let id: Option<FileId> = id.parse().ok();
    let served = match id.filter(|id| id.conversation == theirs) {
        Some(id) => media::serve(&room.media, id, "").await,
        None => Err(Problem::not_found("there is no such file")),
    };
    let mut response = served.unwrap_or_else(IntoResponse::into_response);
    asker.permit(&mut response);
    response
}

async fn take(
    room: Room,
    places: &Places,
    channel: ChannelName,
    headers: &HeaderMap,
    body: Stream,
) -> Result<ToVisitor, Turned> {
    let Some(visitor) = bearer(headers) else {
        let why = "open the events first: their welcome holds the bearer token";
        return Err((StatusCode::UNAUTHORIZED, error(why)));
    };
    let id = text(headers, "x-message-id");
    let guest = Guest::new(room, channel, visitor, profile(headers));
    let refused = |status: StatusCode, refused: Refused| (status, ToVisitor::Refused(refused));
    check_id(&id).map_err(|why| refused(StatusCode::UNPROCESSABLE_ENTITY, why))?;
    let longest = guest.room.limits.upload_bytes(&guest.channel);
    if longest == 0 {
        let why = Refused::for_good(&id, "no files are taken here");
        return Err(refused(StatusCode::FORBIDDEN, why));
    }
    guest
        .pace(&id)
        .map_err(|why| refused(StatusCode::TOO_MANY_REQUESTS, why))?;
    let declared = body.size_hint();
    if declared.lower() > longest {
        return Err(told(&Fault::Long(longest), &id));
    }
    let most = declared.upper().map_or(longest, |upper| upper.min(longest));
    let _place = places
        .take(guest.room.peer, most, monotonic())
        .filter(|_| guest.room.runtime.store().accepting())
        .ok_or_else(|| told(&Fault::NoRoom, &id))?;
    let taken = upload::take(&guest.room.media, guest.id, body, most).await;
    let (file, length) = taken.map_err(|fault| told(&fault, &id))?;
    let name = upload::name(headers, file.kind);
    let written = Written {
        id,
        body: Body::Media {
            // What triage, the model and channels without files have of it.
            caption: format!("[{name}]"),
            attachments: vec![Attachment {
                url: media::address(&file, &name, length),
                content_type: file.kind.content_type().to_owned(),
            }],
        },
    };
    deliver(guest, file, written).await
}

/// Hands the message over. A file that no message will name is removed.
async fn deliver(guest: Guest, file: FileId, written: Written) -> Result<ToVisitor, Turned> {
    let inbound = written.inbound(guest.channel.clone(), &guest.address, &guest.profile);
    let answered = guest.room.deliver(inbound).await;
    // What failed may be stored all the same: then the message names a file that has to be there.
    if !matches!(answered, Ok(Answer::Accepted) | Err(_)) {
        let shelf = guest.room.media.clone();
        let removed = tokio::task::spawn_blocking(move || shelf.remove(&file)).await;
        if let Ok(Err(fault)) = removed {
            tracing::warn!(%fault, "a file that nobody refers to could not be removed");
        }
    }
    match fate(&written.id, &answered) {
        Ok(()) => Ok(ToVisitor::Stored { id: written.id }),
        Err(why) => {
            let status = match why.retry_after {
                Some(_) => StatusCode::SERVICE_UNAVAILABLE,
                None => StatusCode::CONFLICT,
            };
            Err((status, ToVisitor::Refused(why)))
        }
    }
}

fn told(fault: &Fault, id: &str) -> Turned {
    let (status, again) = match fault {
        Fault::Long(_) => (StatusCode::PAYLOAD_TOO_LARGE, None),
        Fault::Kind => (StatusCode::UNSUPPORTED_MEDIA_TYPE, None),
        Fault::Slow => (StatusCode::REQUEST_TIMEOUT, None),
        Fault::Broken => (StatusCode::BAD_REQUEST, None),
        Fault::Shelf(ShelfError::Enough) => (StatusCode::CONFLICT, None),
        Fault::NoRoom => (StatusCode::SERVICE_UNAVAILABLE, Some(AGAIN_AFTER)),
        Fault::Shelf(ShelfError::Full | ShelfError::Io(_)) => {
            tracing::error!(%fault, "a customer's file was not kept");
            (StatusCode::SERVICE_UNAVAILABLE, Some(60))
        }
    };
    let why = fault.to_string();
    let refused = match again {
        Some(seconds) => Refused::for_now(id, why, seconds),
        None => Refused::for_good(id, why),
    };
    (status, ToVisitor::Refused(refused))
}

/// A file of the thread, as the browser is told of it; none: it is kept elsewhere.
pub fn kept(attachment: &Attachment) -> Option<SentFile> {
    let (id, told) = media::parse(&attachment.url)?;
    Some(SentFile {
        id: id.to_string(),
        name: told.name,
        kind: attachment.content_type.clone(),
        bytes: told.bytes,
    })
}

fn text(headers: &HeaderMap, name: &str) -> String {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

fn profile(headers: &HeaderMap) -> Profile {
    let language = Some(text(headers, header::CONTENT_LANGUAGE.as_str()));
    Profile {
        name: None,
        language: language.filter(|language| !language.is_empty()),
    }
}

//! Files in the web chat: a customer sends one, and has back what they sent.
//!
//! `POST /chat/{channel}/files`: the file is the body; `X-Message-Id` is the browser's own id of the message, as with
//! every other, and `X-File-Name` its name, percent-encoded. 200 after the commit: the thread then has a message with
//! the file. 413: too long; 415: of a kind that is not taken (by what it holds, see [`Kind`]); 409: this thread has as
//! many as it may; 429 and 503 with `Retry-After`.
//!
//! A file goes to the disk as it comes, a piece at a time, and never whole through memory. `GET …/files/{id}` serves it
//! to the visitor whose thread it is in, and to nobody else; staff have `/api/v1/media/{id}`.

use std::time::Duration;

use axum::Extension;
use axum::body::{Body as Stream, BodyDataStream, HttpBody as _};
use axum::extract::{Path, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;

use super::places::Places;
use super::plain::{bearer, door, error, refusal};
use super::protocol::{Profile, Refused, SentFile, ToVisitor, Written, check_id};
use super::{Guest, Room, fate};
use crate::clock::monotonic;
use crate::conversation::decision::Answer;
use crate::conversation::message::{Attachment, Body};
use crate::http::media;
use crate::http::problem::Problem;
use crate::ids::ChannelName;
use crate::store::media::{Draft, FileId, HEAD_BYTES, Kind, Plain, ShelfError};

/// How long a file may take altogether: 10 MB at 500 kbit/s.
const WITHIN: Duration = Duration::from_secs(180);
/// How long a piece may take.
const PIECE_WITHIN: Duration = Duration::from_secs(20);
/// Whoever sends less than so many bytes in a second, after [`PIECE_WITHIN`], only keeps a place from others.
const PACE_MIN: u64 = 2 * 1024;
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
        return Err(Fault::Long(longest).told(&id));
    }
    let most = declared.upper().map_or(longest, |upper| upper.min(longest));
    let _place = places
        .take(guest.room.peer, most, monotonic())
        .filter(|_| guest.room.runtime.store().accepting())
        .ok_or_else(|| Fault::NoRoom.told(&id))?;
    let mut pieces = body.into_data_stream();
    let receiving = receive(&guest, &mut pieces, most);
    let received = tokio::time::timeout(WITHIN, receiving).await;
    if let Ok(Err(Fault::Kind | Fault::Shelf(ShelfError::Enough))) = received {
        read_on(&mut pieces, most).await;
    }
    let (file, length) = received
        .unwrap_or(Err(Fault::Slow))
        .map_err(|fault| fault.told(&id))?;
    let name = media::tidied(&percent_decoded(&text(headers, "x-file-name")), file.kind);
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

/// Why a file was not taken.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("the file is longer than {0} bytes")]
    Long(u64),
    #[error("files of this kind are not taken; pictures, PDF, MP4 and plain text are")]
    Kind,
    #[error("the file did not arrive in time")]
    Slow,
    #[error("the file ended early")]
    Broken,
    #[error("there is no room for files just now")]
    NoRoom,
    #[error(transparent)]
    Shelf(#[from] ShelfError),
}

impl Fault {
    fn told(&self, id: &str) -> Turned {
        let (status, again) = match self {
            Self::Long(_) => (StatusCode::PAYLOAD_TOO_LARGE, None),
            Self::Kind => (StatusCode::UNSUPPORTED_MEDIA_TYPE, None),
            Self::Slow => (StatusCode::REQUEST_TIMEOUT, None),
            Self::Broken => (StatusCode::BAD_REQUEST, None),
            Self::Shelf(ShelfError::Enough) => (StatusCode::CONFLICT, None),
            Self::NoRoom => (StatusCode::SERVICE_UNAVAILABLE, Some(AGAIN_AFTER)),
            Self::Shelf(ShelfError::Full | ShelfError::Io(_)) => {
                tracing::error!(fault = %self, "a customer's file was not kept");
                (StatusCode::SERVICE_UNAVAILABLE, Some(60))
            }
        };
        let why = self.to_string();
        let refused = match again {
            Some(seconds) => Refused::for_now(id, why, seconds),
            None => Refused::for_good(id, why),
        };
        (status, ToVisitor::Refused(refused))
    }
}

/// Reads what is left of a body that was refused: whoever still sends would not hear why when we hang up.
async fn read_on(pieces: &mut BodyDataStream, most: u64) {
    let reading = async {
        let mut read = 0;
        while let Some(Ok(piece)) = pieces.next().await {
            read += piece.len() as u64;
            if read > most {
                break;
            }
        }
    };
    let _either = tokio::time::timeout(PIECE_WITHIN, reading).await;
}

/// Puts a body of at most `most` bytes on the shelf. What is not finished is gone.
async fn receive(
    guest: &Guest,
    pieces: &mut BodyDataStream,
    most: u64,
) -> Result<(FileId, u64), Fault> {
    let (shelf, whose) = (guest.room.media.clone(), guest.id);
    let mut draft = blocking(move || shelf.begin(whose, most)).await?;
    let mut head = Vec::new();
    let mut kind = None;
    let mut plain = Plain::default();
    let began = monotonic();
    loop {
        let next = tokio::time::timeout(PIECE_WITHIN, pieces.next()).await;
        let piece = match next.map_err(|_| Fault::Slow)? {
            Some(piece) => piece.map_err(|_| Fault::Broken)?,
            None => break,
        };
        let lasted = began.elapsed();
        if lasted > PIECE_WITHIN && draft.written() < lasted.as_secs() * PACE_MIN {
            return Err(Fault::Slow);
        }
        if draft.written() + piece.len() as u64 > most {
            return Err(Fault::Long(most));
        }
        if kind.is_none() {
            head.extend_from_slice(&piece[..piece.len().min(HEAD_BYTES)]);
            if head.len() >= HEAD_BYTES {
                kind = Some(Kind::of(&head[..HEAD_BYTES]).ok_or(Fault::Kind)?);
            }
        }
        if matches!(kind, None | Some(Kind::Text)) && !plain.go_on(&piece) && kind.is_some() {
            return Err(Fault::Kind);
        }
        draft = blocking(move || draft.write(&piece).map(|()| draft)).await?;
    }
    let kind = match kind {
        Some(kind) => kind,
        None => Kind::of(&head).ok_or(Fault::Kind)?,
    };
    if kind == Kind::Text && !plain.is_whole() {
        return Err(Fault::Kind);
    }
    let length = draft.written();
    let id = blocking(move || Draft::finish(draft, kind)).await?;
    Ok((id, length))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ShelfError> + Send + 'static,
) -> Result<T, Fault> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(|_| Fault::NoRoom)??)
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

/// What `encodeURIComponent` made of a text.
fn percent_decoded(text: &str) -> String {
    let pair = format!("name={text}");
    let mut pairs = form_urlencoded::parse(pair.as_bytes());
    pairs
        .next()
        .map_or_else(String::new, |(_, name)| name.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_comes_as_browsers_encode_it() {
        assert_eq!(
            percent_decoded("gr%C3%B6%C3%9Fe%20%2B%26.png"),
            "größe +&.png"
        );
        assert_eq!(percent_decoded(""), "");
    }
}

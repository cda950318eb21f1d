//! Files of our own side: whoever has a conversation puts one on the shelf, and a reply names it.
//!
//! Two steps, so that a file that is too long is known before anything is said, and a reply may carry several. What no
//! reply names stays unseen and is removed after a day (see [`Unsent`](crate::store::media::Unsent)); what a restart
//! finds unnamed goes with the conversation. Only a channel that can show files takes them: the web chat.

use std::sync::Arc;

use axum::body::{Body, HttpBody as _};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::asked::{Named, key, replayed};
use super::caller::Caller;
use super::door::{Door, Guard};
use super::one;
use crate::conversation::decision::Refusal;
use crate::conversation::message::{ATTACHMENTS_MAX, Attachment};
use crate::conversation::words::Role;
use crate::conversation::{Conversation, Mode};
use crate::http::problem::Problem;
use crate::http::upload::{self, Fault};
use crate::http::{Doors, media};
use crate::ids::{ConversationId, IdHash};
use crate::store::media::{FileId, ShelfError};

pub fn doors() -> Vec<Door> {
    vec![
        Door::post("/api/v1/conversations/{id}/files", put)
            .about("A file (the body as it is) for a reply of whoever has the conversation; `X-File-Name` is its name, percent-encoded. The reply names it in `attachments`; what no reply names is removed after 24 hours. One that is too long gets 413 `file_too_long` with `max_bytes`.")
            .takes_file()
            .guarded(Guard::Signed(Role::Agent))
            .gives::<Kept>(201),
    ]
}

/// A file that is kept.
#[derive(Serialize, ToSchema)]
struct Kept {
    /// What a reply names it by, and where it is fetched.
    url: String,
    /// What it is called.
    name: String,
    /// What it is, by what it holds.
    content_type: String,
    /// How long it is.
    bytes: u64,
}

async fn put(
    State(doors): State<Doors>,
    caller: Caller,
    Named(id): Named,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    caller.at_least(Role::Agent)?;
    let key = key(&headers, &caller)?;
    let conversation = one::seen(&doors, &caller, id).await?;
    has(&conversation, &caller)?;
    let longest = longest(&doors, &conversation)?;
    let declared = body.size_hint();
    let place = Arc::clone(&doors.limits.staff_uploads).try_acquire_owned();
    let Ok(_place) = place else {
        return Err(told(&Fault::NoRoom));
    };
    if declared.lower() > longest {
        upload::hear_out(body).await;
        return Err(told(&Fault::Long(longest)));
    }
    let most = declared.upper().map_or(longest, |upper| upper.min(longest));
    if !doors.runtime.store().accepting() {
        return Err(told(&Fault::NoRoom));
    }
    let taken = upload::take(&doors.media, id, body, most).await;
    let (file, bytes) = taken.map_err(|fault| told(&fault))?;
    doors.media.unsent().add(file, doors.runtime.now());
    let name = upload::name(&headers, file.kind);
    let kept = Kept {
        url: media::address(&file, &name, bytes),
        name,
        content_type: file.kind.content_type().to_owned(),
        bytes,
    };
    let answer = serde_json::to_vec(&kept).expect("plain data");
    let answer = match key {
        None => answer,
        Some(key) => once(&doors, (key, uri.path()), &kept.name, file, answer).await?,
    };
    Ok((StatusCode::CREATED, [JSON], answer).into_response())
}

const JSON: (HeaderName, &str) = (header::CONTENT_TYPE, "application/json");

/// What was answered when this very file came under its key before, or `answer`. A file that came again, or that another
/// one's key refuses, does not stay.
async fn once(
    doors: &Doors,
    (key, path): (IdHash, &str),
    name: &str,
    file: FileId,
    answer: Vec<u8>,
) -> Result<Vec<u8>, Problem> {
    let shelf = doors.media.clone();
    let digested = tokio::task::spawn_blocking(move || shelf.digest(&file)).await;
    let Ok(Ok(Some(digest))) = digested else {
        return Err(told(&Fault::NoRoom));
    };
    let key = Some((key, IdHash::of(&format!("{path}\0{name}\0{:x}", digest.0))));
    let replays = doors.desk.replays();
    let _alone = replays.alone(key).await;
    let before = replayed(doors, key);
    if matches!(before, Ok(None)) {
        replays.keep(key, Some(answer.clone()), doors.runtime.now());
        return Ok(answer);
    }
    let shelf = doors.media.clone();
    let removed = tokio::task::spawn_blocking(move || shelf.remove(&file)).await;
    if let Ok(Err(fault)) = removed {
        tracing::warn!(%fault, "a file that came twice could not be removed");
    }
    Ok(before?.unwrap_or(answer))
}

/// Only whoever has it says something to the customer.
fn has(conversation: &Conversation, caller: &Caller) -> Result<(), Problem> {
    match conversation.mode() {
        Mode::Human(human) if human.agent() == caller.name() => Ok(()),
        Mode::Human(human) => Err(Problem::refused(&Refusal::Taken {
            by: human.agent().clone(),
            since: human.since(),
        })),
        Mode::Ai(_) => Err(Problem::refused(&Refusal::HeldByAi)),
        Mode::Waiting(_) => Err(Problem::refused(&Refusal::NotClaimed)),
        Mode::Closed(_) => Err(Problem::refused(&Refusal::AlreadyClosed)),
    }
}

/// The longest file that the conversation's channel takes, in bytes.
fn longest(doors: &Doors, conversation: &Conversation) -> Result<u64, Problem> {
    let longest = doors.limits.upload_bytes(&conversation.common().channel);
    if longest > 0 {
        return Ok(longest);
    }
    let why = "no files can be sent on this channel";
    Err(Problem::unprocessable("no_files", why))
}

fn told(fault: &Fault) -> Problem {
    let (status, code, again) = match fault {
        Fault::Long(_) => (StatusCode::PAYLOAD_TOO_LARGE, "file_too_long", None),
        Fault::Kind => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "file_kind", None),
        Fault::Slow => (StatusCode::REQUEST_TIMEOUT, "file_slow", None),
        Fault::Broken => (StatusCode::BAD_REQUEST, "file_broken", None),
        Fault::Shelf(ShelfError::Enough) => (StatusCode::CONFLICT, "files_enough", None),
        Fault::NoRoom => (StatusCode::SERVICE_UNAVAILABLE, "no_room", Some(5)),
        Fault::Shelf(ShelfError::Full | ShelfError::Io(_)) => {
            tracing::error!(%fault, "a file of our own side was not kept");
            (StatusCode::SERVICE_UNAVAILABLE, "no_room", Some(60))
        }
    };
    let problem = Problem::new(status, code, "The file was not taken", fault.to_string());
    let problem = match fault {
        Fault::Long(max) => problem.with("max_bytes", *max),
        Fault::Kind | Fault::Slow | Fault::Broken | Fault::NoRoom | Fault::Shelf(_) => problem,
    };
    match again {
        Some(seconds) => problem.retry_after(seconds),
        None => problem,
    }
}

/// The files that a reply names, each looked up: of this conversation, and there.
///
/// # Errors
/// 422 when one is not, or when there are too many.
pub async fn named(
    doors: &Doors,
    of: ConversationId,
    urls: &[String],
) -> Result<Vec<Attachment>, Problem> {
    if urls.len() > ATTACHMENTS_MAX {
        let why = format!("a reply has at most {ATTACHMENTS_MAX} attachments");
        return Err(Problem::unprocessable("too_many_files", why));
    }
    let mut files = Vec::with_capacity(urls.len());
    for url in urls {
        let unknown = || {
            let why = format!("`{url}` is no file of this conversation");
            Problem::unprocessable("unknown_file", why).hint("POST …/files tells the address")
        };
        let (id, said) = media::parse(url).ok_or_else(unknown)?;
        if id.conversation != of {
            return Err(unknown());
        }
        // Whatever comes of the reply: a file that one may name is not taken away under it.
        doors.media.unsent().named(&id);
        let shelf = doors.media.clone();
        let found = tokio::task::spawn_blocking(move || shelf.find(&id)).await;
        let Ok(Ok(Some((_, bytes)))) = found else {
            return Err(unknown());
        };
        let name = media::tidied(&said.name, id.kind);
        files.push(Attachment {
            url: media::address(&id, &name, bytes),
            content_type: id.kind.content_type().to_owned(),
        });
    }
    Ok(files)
}

/// What stands for files where only text is read: by the model, in a list, in an export.
pub fn caption(files: &[Attachment]) -> String {
    let names = files.iter().filter_map(|file| media::parse(&file.url));
    let names: Vec<_> = names.map(|(_, told)| format!("[{}]", told.name)).collect();
    names.join(" ")
}

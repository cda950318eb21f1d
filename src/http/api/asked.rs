//! What a request asks for: its JSON body read strictly, its path, its idempotency key.
//!
//! Unknown fields are refused by name, bodies are bounded before they are read, and every rejection says what was wrong.

use axum::extract::{FromRequest, FromRequestParts, Query, RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use serde::de::DeserializeOwned;

use super::caller::Caller;
use crate::conversation::decision::Refusal;
use crate::desk::replays::Replay;
use crate::http::Doors;
use crate::http::body;
use crate::http::problem::Problem;
use crate::ids::{ConversationId, IdHash};

/// The longest body of the agent API: a reply of 8 KiB, every character escaped, and room for the rest.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// The longest idempotency key, in characters.
pub const KEY_CHARS_MAX: usize = 200;

/// A body that is read strictly; an empty one counts as `{}`.
pub struct Strict<T> {
    /// What it says.
    pub value: T,
    /// The digest of path and body.
    pub digest: IdHash,
}

impl<T: DeserializeOwned> FromRequest<Doors> for Strict<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, doors: &Doors) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let arrived = body::read(body, BODY_BYTES_MAX, &doors.limits.bodies).await?;
        let bytes = &arrived.bytes;
        let value = if bytes.iter().all(u8::is_ascii_whitespace) {
            read(b"{}")?
        } else {
            is_json(&parts.headers)?;
            read(bytes)?
        };
        let mut digested = parts.uri.path().as_bytes().to_vec();
        digested.push(0);
        digested.extend_from_slice(bytes);
        Ok(Self {
            value,
            digest: IdHash::of_bytes(&digested),
        })
    }
}

/// An act of somebody who is signed in: who, what, and under which key.
pub struct Asked<T> {
    /// Who.
    pub caller: Caller,
    /// What.
    pub value: T,
    /// The idempotency key with the digest of path and body, if one was sent.
    pub key: Option<(IdHash, IdHash)>,
}

impl<T: DeserializeOwned> FromRequest<Doors> for Asked<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, doors: &Doors) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let caller = Caller::from_request_parts(&mut parts, doors).await?;
        let key = key(&parts.headers, &caller)?;
        let strict = Strict::<T>::from_request(Request::from_parts(parts, body), doors).await?;
        Ok(Self {
            caller,
            key: key.map(|key| (key, strict.digest)),
            value: strict.value,
        })
    }
}

/// The same for a request without a body: the path is all that it says.
///
/// # Errors
/// As [`key`].
pub fn path_key(
    headers: &HeaderMap,
    caller: &Caller,
    uri: &Uri,
) -> Result<Option<(IdHash, IdHash)>, Problem> {
    let key = key(headers, caller)?;
    Ok(key.map(|key| (key, IdHash::of(uri.path()))))
}

/// The idempotency key of a request.
///
/// # Errors
/// 400 when it is empty, too long or not text.
pub fn key(headers: &HeaderMap, caller: &Caller) -> Result<Option<IdHash>, Problem> {
    let Some(header) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let key = header
        .to_str()
        .ok()
        .map(str::trim)
        .filter(|key| (1..=KEY_CHARS_MAX).contains(&key.len()));
    let wrong = || {
        Problem::bad_request(format!(
            "an Idempotency-Key has 1 to {KEY_CHARS_MAX} ASCII characters"
        ))
    };
    let key = key.ok_or_else(wrong)?;
    Ok(Some(IdHash::of(&format!("{}\0{key}", caller.name()))))
}

/// What was answered when this was done under its key before, if it was.
///
/// # Errors
/// 422 when the key was used for another request, 409 when the first answer held a secret.
pub fn replayed(doors: &Doors, key: Option<(IdHash, IdHash)>) -> Result<Option<Vec<u8>>, Problem> {
    match doors.desk.replays().find(key, doors.runtime.now()) {
        None => Ok(None),
        Some(Replay::Answer(answer)) => Ok(Some(answer)),
        Some(Replay::Other) => Err(Problem::refused(&Refusal::KeyReused)),
        Some(Replay::Secret) => Err(Problem::new(
            StatusCode::CONFLICT,
            "already_done",
            "This was done before",
            "the agent exists already; the token was shown once and is not kept",
        )
        .hint("POST …/agents/{name}/token gives a new token")),
    }
}

fn is_json(headers: &HeaderMap) -> Result<(), Problem> {
    let sent = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = sent
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    if essence == "application/json" {
        return Ok(());
    }
    let (status, title) = (
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "The body is of another kind",
    );
    let detail = format!(
        "the body must be application/json, not `{}`",
        essence.escape_default()
    );
    Err(Problem::new(status, "not_json", title, detail)
        .hint("send `Content-Type: application/json`"))
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|fault| match fault.classify() {
        serde_json::error::Category::Data => Problem::unprocessable("bad_body", fault.to_string()),
        serde_json::error::Category::Syntax
        | serde_json::error::Category::Eof
        | serde_json::error::Category::Io => {
            Problem::bad_request(format!("the body is no JSON: {fault}"))
        }
    })
}

/// The conversation a path names. Ids are opaque: what is none is not found.
#[derive(Clone, Copy, Debug)]
pub struct Named(pub ConversationId);

impl FromRequestParts<Doors> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<Self, Problem> {
        let id = part(parts, doors, "id").await?;
        match id.parse() {
            Ok(id) => Ok(Self(id)),
            Err(_) => {
                // A stranger is asked who they are before anything else.
                Caller::from_request_parts(parts, doors).await?;
                Err(Problem::no_conversation())
            }
        }
    }
}

/// A part of the path.
///
/// # Errors
/// 404 when it is not text.
pub async fn part(parts: &mut Parts, doors: &Doors, name: &str) -> Result<String, Problem> {
    let found = RawPathParams::from_request_parts(parts, doors).await;
    let found = found.map_err(|_| Problem::not_found("the path is not UTF-8"))?;
    let value = found
        .iter()
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned());
    value.ok_or_else(|| Problem::not_found("nothing here"))
}

/// The query, read strictly.
pub struct Wanted<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<Doors> for Wanted<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<Self, Problem> {
        match Query::<T>::from_request_parts(parts, doors).await {
            Ok(Query(value)) => Ok(Self(value)),
            Err(fault) => Err(Problem::bad_request(fault.body_text())),
        }
    }
}

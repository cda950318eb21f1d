//! What was parked for people: listed, taken up again, thrown away.
//!
//! Taking up again goes the way on which the thing came: a webhook through its channel, an event to its conversation.
//! What succeeds is parked no more; what fails again stays, with the new reason. One is taken up at a time, so that two
//! people who press the same button do it once.

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::asked::{Wanted, part, path_key, replayed};
use super::caller::Caller;
use super::door::{Door, Guard};
use crate::conversation::words::Role;
use crate::http::Doors;
use crate::http::problem::Problem;
use crate::http::webhook;
use crate::ids::IdHash;
use crate::runtime::{Retried, Unavailable};
use crate::store::Parked;

const LEAD: Guard = Guard::Signed(Role::Lead);
/// Parked things on a page.
const PARKED_PAGE: usize = 50;
/// The longest part of a parked thing that is shown, in bytes.
const RAW_SHOWN_MAX: usize = 4_096;

pub fn doors() -> Vec<Door> {
    vec![
        Door::get("/api/v1/parked", parked)
            .about("What could not be handled and waits for somebody to look.")
            .query("after", "`next` of the page before")
            .guarded(LEAD)
            .gives::<ParkedPage>(200),
        Door::post("/api/v1/parked/{id}/retry", retry)
            .about("Takes a parked thing up again. It stays parked, with the new reason, if it fails again.")
            .guarded(LEAD)
            .gives::<ParkedView>(200),
        Door::post("/api/v1/parked/{id}/discard", discard)
            .about("Throws a parked thing away.")
            .guarded(LEAD)
            .gives::<ParkedView>(200),
    ]
}

/// Parked things, oldest first.
#[derive(Serialize, ToSchema)]
struct ParkedPage {
    /// The things.
    items: Vec<ParkedView>,
    /// `after` of the next page; none: these are the newest.
    next: Option<String>,
}

/// Something that could not be handled.
#[derive(Serialize, ToSchema)]
#[schema(as = Parked)]
struct ParkedView {
    /// Its id.
    id: String,
    /// What kind of thing.
    kind: String,
    /// Where it came from: a channel, a conversation.
    origin: String,
    /// Why it could not be handled.
    why: String,
    /// When.
    at: String,
    /// What came, as text; cut after 4 KiB.
    raw: String,
}

impl From<Parked> for ParkedView {
    fn from(parked: Parked) -> Self {
        let raw = &parked.raw[..parked.raw.len().min(RAW_SHOWN_MAX)];
        Self {
            id: parked.id.to_string(),
            kind: parked.kind,
            origin: parked.origin,
            why: parked.why,
            at: parked.at.rfc3339(),
            raw: String::from_utf8_lossy(raw).into_owned(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct After {
    #[serde(default)]
    after: u64,
}

async fn parked(
    State(doors): State<Doors>,
    caller: Caller,
    Wanted(After { after }): Wanted<After>,
) -> Result<Json<ParkedPage>, Problem> {
    whole_house(&caller)?;
    let store = doors.runtime.store().clone();
    let read = tokio::task::spawn_blocking(move || store.parked(after, PARKED_PAGE + 1)).await;
    let mut found = read.map_err(|_| Problem::from(Unavailable::Unread))??;
    let more = found.len() > PARKED_PAGE;
    found.truncate(PARKED_PAGE);
    let next = found
        .last()
        .map(|last| last.id.to_string())
        .filter(|_| more);
    Ok(Json(ParkedPage {
        items: found.into_iter().map(Into::into).collect(),
        next,
    }))
}

/// Parked things come from any queue.
fn whole_house(caller: &Caller) -> Result<(), Problem> {
    caller.at_least(Role::Lead)?;
    if caller.person.sees_all() {
        Ok(())
    } else {
        Err(Problem::forbidden(
            "what is parked is for those who see all queues",
        ))
    }
}

/// The parked thing a path names.
struct NamedThing(u64);

impl FromRequestParts<Doors> for NamedThing {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<Self, Problem> {
        let id = part(parts, doors, "id").await?;
        id.parse().map(Self).map_err(|_| nothing())
    }
}

async fn discard(
    State(doors): State<Doors>,
    caller: Caller,
    NamedThing(id): NamedThing,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    whole_house(&caller)?;
    let key = path_key(&headers, &caller, &uri)?;
    let _turn = doors.desk.replays().alone(key).await;
    if let Some(answer) = replayed(&doors, key)? {
        return Ok(json(answer));
    }
    let taken = take(&doors, id).await?.ok_or_else(nothing)?;
    tracing::warn!(by = %caller.name(), parked = id, kind = taken.kind, "a parked thing was discarded");
    Ok(settled(&doors, key, taken))
}

async fn retry(
    State(doors): State<Doors>,
    caller: Caller,
    NamedThing(id): NamedThing,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    whole_house(&caller)?;
    let key = path_key(&headers, &caller, &uri)?;
    let _turn = doors.desk.replays().alone(key).await;
    if let Some(answer) = replayed(&doors, key)? {
        return Ok(json(answer));
    }
    let _alone = doors.runtime.retrying().await;
    let found = find(&doors, id).await?.ok_or_else(nothing)?;
    let retried = if found.kind == webhook::PARKED {
        webhook::retry(&doors, &found).await?
    } else {
        doors.runtime.retry(&found).await?
    };
    tracing::warn!(by = %caller.name(), parked = id, kind = found.kind, ?retried, "a parked thing was taken up again");
    match retried {
        Retried::Done => {
            take(&doors, id).await?;
            Ok(settled(&doors, key, found))
        }
        Retried::Failed(why) => {
            let store = doors.runtime.store().clone();
            let reason = why.clone();
            let noted = tokio::task::spawn_blocking(move || store.parked_again(id, &reason)).await;
            noted
                .map_err(|_| Problem::from(Unavailable::Lost))?
                .map_err(Unavailable::Store)?;
            let title = "It failed again and stays parked";
            Err(Problem::new(
                StatusCode::CONFLICT,
                "still_parked",
                title,
                why,
            ))
        }
        Retried::Never => Err(Problem::unprocessable(
            "not_retryable",
            "a thing of this kind cannot be taken up again",
        )
        .hint("POST …/discard throws it away")),
    }
}

async fn find(doors: &Doors, id: u64) -> Result<Option<Parked>, Problem> {
    let store = doors.runtime.store().clone();
    // Those above the one before it: the first is it, if it is there.
    let before = id.saturating_sub(1);
    let read = tokio::task::spawn_blocking(move || store.parked(before, 1)).await;
    let found = read.map_err(|_| Problem::from(Unavailable::Unread))??;
    Ok(found.into_iter().find(|one| one.id == id))
}

async fn take(doors: &Doors, id: u64) -> Result<Option<Parked>, Problem> {
    let store = doors.runtime.store().clone();
    let taken = tokio::task::spawn_blocking(move || store.parked_take(id)).await;
    let taken = taken.map_err(|_| Problem::from(Unavailable::Lost))?;
    Ok(taken.map_err(Unavailable::Store)?)
}

/// Answers with what was settled, and keeps the answer for a repetition.
fn settled(doors: &Doors, key: Option<(IdHash, IdHash)>, settled: Parked) -> Response {
    let answer = serde_json::to_vec(&ParkedView::from(settled)).expect("a view is plain data");
    let now = doors.runtime.now();
    doors.desk.replays().keep(key, Some(answer.clone()), now);
    json(answer)
}

fn json(answer: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], answer).into_response()
}

fn nothing() -> Problem {
    Problem::not_found("no such thing is parked")
}

//! Canned replies and templates: texts that people choose from.
//!
//! Everybody who answers reads them, leads write them. Templates are what a channel's provider has approved for writing
//! after its window has shut; no channel has any yet, so their list is empty.

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::asked::{Asked, part, path_key, replayed};
use super::caller::Caller;
use super::door::{Door, Guard};
use crate::conversation::words::Role;
use crate::desk::canned::{Canned, CannedError, CannedReplies};
use crate::http::Doors;
use crate::http::problem::Problem;
use crate::runtime::Unavailable;

const LEAD: Guard = Guard::Signed(Role::Lead);

pub fn doors() -> Vec<Door> {
    vec![
        Door::get("/api/v1/canned", list)
            .about("Canned replies, by name.")
            .gives::<CannedList>(200),
        Door::post("/api/v1/canned", add)
            .about("Adds a canned reply.")
            .guarded(LEAD)
            .takes::<CannedText>()
            .gives::<Canned>(201),
        Door::put("/api/v1/canned/{id}", replace)
            .about("Replaces a canned reply.")
            .guarded(LEAD)
            .takes::<CannedText>()
            .gives::<Canned>(200),
        Door::delete("/api/v1/canned/{id}", remove)
            .about("Removes a canned reply.")
            .guarded(LEAD)
            .gives_nothing(204),
        Door::get("/api/v1/templates", templates)
            .about("What may be sent after a channel's window for free text has shut. No channel has any yet.")
            .gives::<Templates>(200),
    ]
}

/// Canned replies.
#[derive(Serialize, ToSchema)]
struct CannedList {
    /// By name.
    items: Vec<Canned>,
}

/// What a canned reply says.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CannedText {
    /// What is typed after `/` to find it: up to 40 characters, no blanks.
    name: String,
    /// The text; `{name}` is the customer's name, `{agent}` the writer's.
    text: String,
    /// The language it is in; none: any.
    #[serde(default)]
    language: Option<String>,
}

impl CannedText {
    fn with_id(self, id: u64) -> Canned {
        let Self {
            name,
            text,
            language,
        } = self;
        Canned {
            id,
            name,
            text,
            language,
        }
    }
}

/// Templates.
#[derive(Serialize, ToSchema)]
struct Templates {
    /// By name.
    items: Vec<Template>,
}

/// A text that a provider has approved.
#[derive(Serialize, ToSchema)]
struct Template {
    /// What it is sent by.
    name: String,
    /// The channel instance that has it.
    channel: String,
    /// Its language.
    language: String,
    /// What it says, with `{1}`, `{2}`, … to be filled in.
    text: String,
}

async fn list(State(doors): State<Doors>, _caller: Caller) -> Json<CannedList> {
    Json(CannedList {
        items: doors.desk.canned().list(),
    })
}

async fn add(
    State(doors): State<Doors>,
    asked: Asked<CannedText>,
) -> Result<(StatusCode, Json<Canned>), Problem> {
    asked.caller.at_least(Role::Lead)?;
    let _alone = doors.desk.replays().alone(asked.key).await;
    if let Some(answer) = replayed(&doors, asked.key)? {
        let before = serde_json::from_slice(&answer).expect("what was kept below");
        return Ok((StatusCode::CREATED, Json(before)));
    }
    let canned = asked.value.with_id(0);
    let added = changing(&doors, move |shelf| shelf.add(canned)).await?;
    let answer = serde_json::to_vec(&added).expect("texts are plain data");
    let now = doors.runtime.now();
    doors.desk.replays().keep(asked.key, Some(answer), now);
    tracing::info!(by = %asked.caller.name(), id = added.id, "a canned reply was added");
    Ok((StatusCode::CREATED, Json(added)))
}

/// The canned reply a path names.
struct Which(u64);

impl FromRequestParts<Doors> for Which {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<Self, Problem> {
        let id = part(parts, doors, "id").await?;
        match id.parse() {
            Ok(id) => Ok(Self(id)),
            Err(_) => {
                // A stranger is asked who they are before anything else.
                Caller::from_request_parts(parts, doors).await?;
                Err(CannedError::Unknown.into())
            }
        }
    }
}

async fn replace(
    State(doors): State<Doors>,
    Which(id): Which,
    asked: Asked<CannedText>,
) -> Result<Json<Canned>, Problem> {
    asked.caller.at_least(Role::Lead)?;
    let canned = asked.value.with_id(id);
    let replaced = changing(&doors, move |shelf| shelf.replace(canned)).await?;
    tracing::info!(by = %asked.caller.name(), id, "a canned reply was changed");
    Ok(Json(replaced))
}

async fn remove(
    State(doors): State<Doors>,
    caller: Caller,
    Which(id): Which,
    headers: HeaderMap,
    uri: Uri,
) -> Result<StatusCode, Problem> {
    caller.at_least(Role::Lead)?;
    let key = path_key(&headers, &caller, &uri)?;
    let _alone = doors.desk.replays().alone(key).await;
    if replayed(&doors, key)?.is_some() {
        return Ok(StatusCode::NO_CONTENT);
    }
    changing(&doors, move |shelf| shelf.remove(id)).await?;
    let now = doors.runtime.now();
    doors.desk.replays().keep(key, Some(Vec::new()), now);
    tracing::info!(by = %caller.name(), id, "a canned reply was removed");
    Ok(StatusCode::NO_CONTENT)
}

/// Changes what is kept, where waiting for the disk harms nobody.
async fn changing<T: Send + 'static>(
    doors: &Doors,
    work: impl FnOnce(&CannedReplies) -> Result<T, CannedError> + Send + 'static,
) -> Result<T, Problem> {
    let desk = doors.desk.clone();
    let done = tokio::task::spawn_blocking(move || work(desk.canned())).await;
    Ok(done.map_err(|_| Problem::from(Unavailable::Lost))??)
}

/// What a reply is told that names a template: [`templates`] lists none, so there is none of that name.
pub fn no_template(name: &str) -> Problem {
    let why = format!("there is no template `{name}` on this channel");
    Problem::unprocessable("unknown_template", why).hint("GET /api/v1/templates lists them")
}

async fn templates(State(_): State<Doors>, _caller: Caller) -> Json<Templates> {
    Json(Templates { items: Vec::new() })
}

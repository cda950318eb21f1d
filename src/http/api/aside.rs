//! What people do with a conversation and the customer never notices: snooze, whisper, keep a draft.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::acts::{Told, act};
use super::asked::{Asked, Named};
use super::bodies::{Done, Text};
use super::caller::Caller;
use super::door::{Door, Guard};
use super::one;
use crate::clock::Timestamp;
use crate::conversation::event::Act;
use crate::conversation::message::TEXT_BYTES_MAX;
use crate::conversation::snooze::SNOOZE_MAX;
use crate::conversation::words::Role;
use crate::http::Doors;
use crate::http::problem::Problem;

pub fn doors() -> Vec<Door> {
    let agent = Guard::Signed(Role::Agent);
    vec![
        Door::post("/api/v1/conversations/{id}/snooze", snooze)
            .about("Leaves a conversation one has alone until then; without a time: not any more. The customer's next word ends it.")
            .guarded(agent)
            .takes::<Snooze>()
            .gives::<Done>(200),
        Door::post("/api/v1/conversations/{id}/whisper", whisper)
            .about("A private note of a lead to the person who has the conversation, whom it names.")
            .guarded(Guard::Signed(Role::Lead))
            .takes::<Text>()
            .gives::<Done>(200),
        Door::get("/api/v1/conversations/{id}/draft", draft)
            .about("What the caller has begun to write.")
            .guarded(agent)
            .gives::<Draft>(200),
        Door::post("/api/v1/conversations/{id}/draft", keep_draft)
            .about("Keeps what the caller has begun to write, for some days and until a restart; an empty text forgets it.")
            .guarded(agent)
            .takes::<Text>()
            .gives::<Draft>(200),
    ]
}

/// Until when.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Snooze {
    /// Until when (RFC 3339), at most 30 days away; none: not any more.
    #[serde(default)]
    until: Option<String>,
}

/// What somebody has begun to write.
#[derive(Serialize, ToSchema)]
struct Draft {
    /// What.
    text: String,
    /// When it was kept; none: there is none.
    kept_at: Option<String>,
}

async fn snooze(State(doors): State<Doors>, Named(id): Named, asked: Asked<Snooze>) -> Told {
    let until = match &asked.value.until {
        None => None,
        Some(text) => Some(Timestamp::parse(text).ok_or_else(|| {
            Problem::unprocessable("bad_body", "`until` is not a time of RFC 3339")
                .hint("like 2026-01-31T08:00:00Z")
        })?),
    };
    if until.is_some_and(|until| until > doors.runtime.now() + SNOOZE_MAX) {
        return Err(Problem::unprocessable(
            "too_far",
            "a snooze is at most 30 days long",
        ));
    }
    act(&doors, &asked.caller, id, Act::Snooze { until }, asked.key).await
}

async fn whisper(State(doors): State<Doors>, Named(id): Named, asked: Asked<Text>) -> Told {
    asked.caller.at_least(Role::Lead)?;
    let conversation = one::seen(&doors, &asked.caller, id).await?;
    let to = conversation.assignee().ok_or_else(|| {
        Problem::unprocessable("nobody", "nobody has this conversation")
            .hint("POST …/note leaves a note for whoever comes")
    })?;
    if asked.value.text.trim().is_empty() {
        return Err(Problem::unprocessable("empty", "the text is empty"));
    }
    let text = format!("@{to} {}", asked.value.text);
    act(&doors, &asked.caller, id, Act::Note { text }, asked.key).await
}

async fn draft(
    State(doors): State<Doors>,
    caller: Caller,
    Named(id): Named,
) -> Result<Json<Draft>, Problem> {
    caller.at_least(Role::Agent)?;
    caller.may_see(&doors, id).await?;
    let now = doors.runtime.now();
    let found = doors.desk.drafts().find(caller.name(), id, now);
    let (text, kept_at) = found.unzip();
    Ok(Json(Draft {
        text: text.unwrap_or_default(),
        kept_at: kept_at.map(Timestamp::rfc3339),
    }))
}

async fn keep_draft(
    State(doors): State<Doors>,
    Named(id): Named,
    asked: Asked<Text>,
) -> Result<Json<Draft>, Problem> {
    let (caller, text) = (asked.caller, asked.value.text);
    caller.at_least(Role::Agent)?;
    caller.may_see(&doors, id).await?;
    if text.len() > TEXT_BYTES_MAX {
        return Err(Problem::unprocessable(
            "too_long",
            format!("a draft is at most {TEXT_BYTES_MAX} bytes long"),
        ));
    }
    let now = doors.runtime.now();
    let kept_at = (!text.trim().is_empty()).then(|| now.rfc3339());
    let drafts = doors.desk.drafts();
    drafts.keep(caller.name(), id, text.clone(), now);
    Ok(Json(Draft { text, kept_at }))
}

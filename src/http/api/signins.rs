//! Who signed in to the inbox, was refused, signed out: for leads to read. Nothing changes it but signing in and out.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::asked::Wanted;
use super::caller::Caller;
use super::door::{Door, Guard};
use crate::conversation::words::Role;
use crate::desk::signins::{SignIn, SignInKind};
use crate::http::Doors;
use crate::http::problem::Problem;

/// Lines on a page.
const PAGE: usize = 100;

pub fn doors() -> Vec<Door> {
    vec![
        Door::get("/api/v1/sign-ins", list)
            .about("Who signed in, was refused and signed out, newest first. Refused tries of one network within a minute are one line.")
            .query("cursor", "`next` of the page before")
            .guarded(Guard::Signed(Role::Lead))
            .gives::<SignInPage>(200),
    ]
}

/// What happened at the door, newest first.
#[derive(Serialize, ToSchema)]
struct SignInPage {
    /// The lines.
    items: Vec<Line>,
    /// Where the next page begins; none: nothing older is kept.
    next: Option<String>,
}

/// What happened at the door.
#[derive(Serialize, ToSchema)]
#[schema(as = SignInLine)]
struct Line {
    /// When; for several the first.
    at: String,
    /// When the last was.
    last_at: String,
    /// What.
    kind: SignInKind,
    /// Whose, if they are known.
    agent: Option<String>,
    /// From which address, if it is known.
    from: Option<String>,
    /// How many.
    times: u32,
}

impl From<SignIn> for Line {
    fn from(line: SignIn) -> Self {
        Self {
            at: line.at.rfc3339(),
            last_at: line.last_at.rfc3339(),
            kind: line.kind,
            agent: line.agent.map(|agent| agent.to_string()),
            from: line.from.map(|from| from.to_string()),
            times: line.times,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    cursor: Option<u64>,
}

async fn list(
    State(doors): State<Doors>,
    caller: Caller,
    Wanted(Query { cursor }): Wanted<Query>,
) -> Result<Json<SignInPage>, Problem> {
    caller.at_least(Role::Lead)?;
    let before = cursor.unwrap_or(u64::MAX);
    let mut found = doors.desk.sign_ins().list(before, PAGE + 1);
    let more = found.len() > PAGE;
    found.truncate(PAGE);
    let next = found.last().filter(|_| more).map(|last| last.n.to_string());
    Ok(Json(SignInPage {
        items: found.into_iter().map(Into::into).collect(),
        next,
    }))
}

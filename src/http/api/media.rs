//! Files that customers sent, for whoever may see their conversation.
//!
//! The messages on the trail name them by address; it is served as it stands there. A file is never shown as a page:
//! see [`crate::http::media`].

use axum::extract::{Path, Query, State};
use axum::response::Response;

use super::caller::Caller;
use super::door::Door;
use crate::http::Doors;
use crate::http::media::{self, Told};
use crate::http::problem::Problem;
use crate::store::media::FileId;

pub fn doors() -> Vec<Door> {
    vec![
        Door::get("/api/v1/media/{id}", fetch)
            .about("A file that a customer sent, to be saved. Messages name its address whole.")
            .query("name", "what it is called when it is saved")
            .media("application/octet-stream")
            .gives_nothing(200),
    ]
}

async fn fetch(
    State(doors): State<Doors>,
    caller: Caller,
    Path(id): Path<String>,
    Query(told): Query<Told>,
) -> Result<Response, Problem> {
    let none = || Problem::not_found("there is no such file");
    let id: FileId = id.parse().map_err(|_| none())?;
    // Whoever may not see the conversation is not told whether there is a file either.
    if caller.may_see(&doors, id.conversation).await.is_err() {
        return Err(none());
    }
    media::serve(&doors.media, id, &told.name).await
}

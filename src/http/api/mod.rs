//! The agent API, `/api/v1`: extract, call, map.
//!
//! | room | holds |
//! |---|---|
//! | `door`, `openapi` | a route with its description, and the document made of all of them |
//! | `caller`, `asked` | who calls, what is asked |
//! | `view`, `facts`, `pieces`, `causes` | a conversation and a trail entry, as JSON |
//! | `lists`, `search`, `one`, `explain` | reading |
//! | `acts`, `bodies` | claim, reply, hand back, …, and what is sent with them |
//! | `aside` | what the customer never notices: snooze, whisper, draft |
//! | `approvals` | one decision of a person, while nobody waits |
//! | `canned` | texts kept to answer with |
//! | `handoffs` | the handoff log, and verdicts on it |
//! | `events` | the event stream |
//! | `people`, `session`, `signins` | agents, tokens, presence, sign-in, and who signed in |
//! | `house` | queues, figures, the AI's switches |
//! | `parked` | what could not be handled |
//! | `files` | files of our own side, for replies |
//! | `media` | files, to be saved |

mod acts;
mod approvals;
mod aside;
mod asked;
mod because;
mod bodies;
mod caller;
mod canned;
mod causes;
mod door;
mod events;
mod explain;
mod facts;
mod files;
mod handoffs;
mod house;
mod lists;
mod media;
mod newest;
mod one;
mod openapi;
mod parked;
mod people;
mod pieces;
mod search;
mod session;
mod signins;
mod view;
mod walked;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::Response;

use self::door::Door;
use super::Doors;
use super::problem::Problem;

/// Every route, with its description.
fn doors() -> Vec<Door> {
    let document = Door::get("/api/v1/openapi.json", openapi::show)
        .about("This document.")
        .guarded(door::Guard::Open)
        .gives_nothing(200);
    let groups = [
        lists::doors(),
        one::doors(),
        acts::doors(),
        aside::doors(),
        approvals::doors(),
        canned::doors(),
        handoffs::doors(),
        events::doors(),
        people::doors(),
        session::doors(),
        signins::doors(),
        house::doors(),
        parked::doors(),
        media::doors(),
        files::doors(),
    ];
    groups.into_iter().flatten().chain([document]).collect()
}

/// The agent API. Other rooms may add routes under `/api/v1` beside it.
pub fn routes() -> Router<Doors> {
    let router = doors()
        .into_iter()
        .fold(Router::new(), |router, door| door.hang(router));
    router
        .method_not_allowed_fallback(wrong_method)
        .route("/api/v1", axum::routing::any(nothing_here))
        .route("/api/v1/{*rest}", axum::routing::any(nothing_here))
        .layer(axum::middleware::map_response(harden))
}

async fn nothing_here(uri: Uri) -> Problem {
    Problem::not_found(format!("there is nothing at {}", uri.path()))
        .hint("GET /api/v1/openapi.json lists every route")
}

async fn wrong_method(method: Method, uri: Uri) -> Problem {
    let detail = format!("{method} is not answered at {}", uri.path());
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "Not with this method",
        detail,
    )
    .hint("GET /api/v1/openapi.json lists every route")
}

/// What somebody was shown is not kept by anybody on the way, and never taken for a page.
async fn harden(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let mut set =
        |name: HeaderName, value| drop(headers.insert(name, HeaderValue::from_static(value)));
    set(header::CACHE_CONTROL, "no-store");
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    set(
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'; sandbox",
    );
    response
}

//! Signing in to the inbox page with a token, and out.

use std::net::{IpAddr, SocketAddr};

use axum::Json;
use axum::extract::{ConnectInfo, FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::asked::Strict;
use super::caller::{COOKIE, Caller, cookie};
use super::door::{Door, Guard};
use crate::conversation::words::Role;
use crate::desk::sessions::LASTS;
use crate::http::Doors;
use crate::http::problem::Problem;

pub fn doors() -> Vec<Door> {
    vec![
        Door::post("/api/v1/session", sign_in)
            .about("Signs in with a token; sets the session's cookie and tells its token against forged requests.")
            .guarded(Guard::Open)
            .takes::<SignIn>()
            .gives::<SignedIn>(200),
        Door::delete("/api/v1/session", sign_out).about("Signs out.").gives_nothing(204),
    ]
}

/// Who wants in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SignIn {
    /// The token that `segue agent add` printed.
    token: String,
}

/// A session.
#[derive(Serialize, ToSchema)]
struct SignedIn {
    /// Who.
    name: String,
    /// What they may do.
    role: Role,
    /// To be sent in X-CSRF-Token with everything that changes something.
    csrf: String,
    /// Until when.
    expires_at: String,
}

/// From where, if the listener says so.
struct From(Option<IpAddr>);

impl FromRequestParts<Doors> for From {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Doors) -> Result<Self, Self::Rejection> {
        Ok(Self(
            parts
                .extensions
                .get::<ConnectInfo<SocketAddr>>()
                .map(|ConnectInfo(from)| from.ip()),
        ))
    }
}

async fn sign_in(
    State(doors): State<Doors>,
    From(from): From,
    asked: Strict<SignIn>,
) -> Result<Response, Problem> {
    let sessions = doors.desk.sessions();
    if let Some(seconds) = sessions.barred(from) {
        let (status, title) = (StatusCode::TOO_MANY_REQUESTS, "Too many failed sign-ins");
        return Err(Problem::new(
            status,
            "too_many_tries",
            title,
            "too many sign-ins failed from here",
        )
        .retry_after(seconds));
    }
    let Some(person) = doors.desk.people().by_token(asked.value.token.trim()) else {
        sessions.failed(from);
        tracing::warn!(from = from.map(tracing::field::display), "a sign-in failed");
        return Err(Problem::unauthorized(
            "this token is unknown or was revoked",
        ));
    };
    let signed_in = sessions.begin(person.name.clone())?;
    doors.desk.presence().touch(&person.name);
    tracing::info!(agent = %person.name, from = from.map(tracing::field::display), "signed in");
    let body = SignedIn {
        name: person.name.to_string(),
        role: person.role,
        csrf: signed_in.csrf,
        expires_at: signed_in.until.rfc3339(),
    };
    let set = set_cookie(&doors, &signed_in.cookie, LASTS.as_secs());
    Ok(([(header::SET_COOKIE, set)], Json(body)).into_response())
}

async fn sign_out(State(doors): State<Doors>, caller: Caller, headers: HeaderMap) -> Response {
    tracing::info!(agent = %caller.name(), "signed out");
    if let Some(cookie) = cookie(&headers) {
        doors.desk.sessions().end(cookie);
    }
    let forget = set_cookie(&doors, "", 0);
    (StatusCode::NO_CONTENT, [(header::SET_COOKIE, forget)]).into_response()
}

fn set_cookie(doors: &Doors, value: &str, lasts: u64) -> HeaderValue {
    let secure = if doors.limits.public_url.starts_with("https://") {
        "; Secure"
    } else {
        ""
    };
    let text =
        format!("{COOKIE}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={lasts}{secure}");
    HeaderValue::try_from(text).expect("made of base64 and constants")
}

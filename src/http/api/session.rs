//! Signing in to the inbox page with a token, and out. Whoever did or tried is kept, see [`super::signins`].

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
use crate::desk::signins::SignInKind;
use crate::http::Doors;
use crate::http::problem::Problem;
use crate::ids::AgentName;
use crate::metrics::RateLimit;

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
    let token = asked.value.token.trim();
    let known = doors.desk.people().by_token(token);
    if let Some(seconds) = sessions.barred(from, token, known.is_some()) {
        refused(&doors, SignInKind::Barred, from);
        doors.metrics.rate_limited(RateLimit::SignIn);
        let (status, title) = (StatusCode::TOO_MANY_REQUESTS, "Too many failed sign-ins");
        return Err(Problem::new(
            status,
            "too_many_tries",
            title,
            "too many sign-ins failed from here",
        )
        .retry_after(seconds));
    }
    let Some(person) = known else {
        sessions.failed(from, token);
        refused(&doors, SignInKind::Refused, from);
        return Err(Problem::unauthorized(
            "this token is unknown or was revoked",
        ));
    };
    let signed_in = sessions.begin(person.name.clone())?;
    doors.desk.presence().touch(&person.name);
    came_or_went(&doors, SignInKind::SignedIn, &person.name, from).await;
    let body = SignedIn {
        name: person.name.to_string(),
        role: person.role,
        csrf: signed_in.csrf,
        expires_at: signed_in.until.rfc3339(),
    };
    let set = set_cookie(&doors, &signed_in.cookie, LASTS.as_secs());
    Ok(([(header::SET_COOKIE, set)], Json(body)).into_response())
}

async fn sign_out(
    State(doors): State<Doors>,
    caller: Caller,
    From(from): From,
    headers: HeaderMap,
) -> Response {
    if let Some(cookie) = cookie(&headers) {
        doors.desk.sessions().end(cookie);
        came_or_went(&doors, SignInKind::SignedOut, caller.name(), from).await;
    }
    let forget = set_cookie(&doors, "", 0);
    (StatusCode::NO_CONTENT, [(header::SET_COOKIE, forget)]).into_response()
}

/// Keeps it, on disk before it is answered. Nobody stays outside, or inside, because the disk is full.
async fn came_or_went(doors: &Doors, kind: SignInKind, agent: &AgentName, from: Option<IpAddr>) {
    let from_where = from.map(tracing::field::display);
    let what = kind.as_str();
    tracing::info!(%agent, from = from_where, what, "somebody came to the inbox or left it");
    let (desk, agent) = (doors.desk.clone(), agent.clone());
    let kept = tokio::task::spawn_blocking(move || desk.sign_ins().done(kind, agent, from)).await;
    if let Ok(Err(fault)) = kept {
        tracing::warn!(%fault, "a sign-in is not on disk yet");
    }
}

/// Keeps what failed, with others that follow: a guesser must not cost a write each time.
fn refused(doors: &Doors, kind: SignInKind, from: Option<IpAddr>) {
    let from_where = from.map(tracing::field::display);
    let noted = doors.desk.sign_ins().failed(kind, from);
    if noted.first {
        tracing::warn!(from = from_where, what = kind.as_str(), "a sign-in failed");
    }
    let Some(after) = noted.write_after else {
        return;
    };
    let desk = doors.desk.clone();
    let closing = doors.runtime.router().closing().clone();
    tokio::spawn(async move {
        tokio::select! {
            () = tokio::time::sleep(after) => {}
            () = closing.cancelled() => {}
        }
        let written = tokio::task::spawn_blocking(move || desk.sign_ins().write()).await;
        if let Ok(Err(fault)) = written {
            tracing::warn!(%fault, "failed sign-ins are not on disk yet");
        }
    });
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

//! Who is calling: a bearer token, or the inbox's cookie with its token against forged requests.
//!
//! An act on a conversation is a sign of life; reading is none, or a script that polls would count as somebody who is
//! there. What somebody may do is looked up with every request, so revoking works at once.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};

use crate::conversation::words::Role;
use crate::desk::{Desk, Person};
use crate::http::Doors;
use crate::http::problem::Problem;
use crate::ids::{AgentName, ConversationId};
use crate::secret::Secret;

/// The name of the inbox's cookie.
pub const COOKIE: &str = "segue_session";
/// The header against forged requests.
pub const CSRF: &str = "x-csrf-token";

/// Somebody who has shown who they are.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who.
    pub person: Arc<Person>,
    /// What they showed.
    pub proof: Proof,
}

/// What somebody showed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Proof {
    /// A token, kept to see whether it still counts.
    Token(Secret),
    /// The inbox's cookie.
    Cookie(Secret),
}

impl Caller {
    /// Their name.
    pub fn name(&self) -> &AgentName {
        &self.person.name
    }

    /// Their role.
    pub fn role(&self) -> Role {
        self.person.role
    }

    /// Refuses whoever has less than `role`.
    ///
    /// # Errors
    /// 403.
    pub fn at_least(&self, role: Role) -> Result<(), Problem> {
        if self.role() >= role {
            return Ok(());
        }
        let (have, want) = (self.role(), role);
        Err(Problem::forbidden(format!(
            "this needs the role `{want}`; yours is `{have}`"
        )))
    }

    /// Whether what they showed still counts, as who they are now.
    pub fn again(&self, desk: &Desk) -> Option<Arc<Person>> {
        match &self.proof {
            Proof::Token(token) => desk.people().by_token(token.expose()),
            Proof::Cookie(cookie) => {
                let session = desk.sessions().find(cookie.expose())?;
                desk.people().by_name(&session.agent)
            }
        }
    }

    /// Refuses, as if it did not exist, a conversation that is none of their business.
    ///
    /// # Errors
    /// 404, or what reading it ends in.
    pub async fn may_see(&self, doors: &Doors, id: ConversationId) -> Result<(), Problem> {
        if self.person.sees_all() {
            return Ok(());
        }
        let on_board = doors.desk.board().get(id);
        let seen = match on_board.as_ref().and_then(|seen| seen.conversation()) {
            Some(conversation) => self.person.sees(conversation),
            None => doors
                .runtime
                .read(id)
                .await?
                .is_some_and(|conversation| self.person.sees(&conversation)),
        };
        if seen {
            Ok(())
        } else {
            Err(Problem::no_conversation())
        }
    }
}

impl FromRequestParts<Doors> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<Self, Problem> {
        let caller = identify(&parts.method, &parts.headers, &doors.desk)?;
        let (Proof::Token(shown) | Proof::Cookie(shown)) = &caller.proof;
        doors.rates.token(shown.expose().as_bytes())?;
        if is_act(&parts.method, parts.uri.path()) {
            doors.desk.presence().touch(caller.name());
        }
        Ok(caller)
    }
}

/// Whether somebody does something with a conversation: claims, answers, writes, looks at it in the inbox. What
/// administers Segue (agents, switches, parked events) can be done by a script and says nothing of who is there.
fn is_act(method: &Method, path: &str) -> bool {
    let what = path.strip_prefix("/api/v1/").unwrap_or_default();
    let first = what.split('/').next().unwrap_or_default();
    !method.is_safe() && matches!(first, "conversations" | "handoffs")
}

fn identify(method: &Method, headers: &HeaderMap, desk: &Desk) -> Result<Caller, Problem> {
    if let Some(header) = headers.get(header::AUTHORIZATION) {
        let token = header.to_str().ok().and_then(bearer);
        let token = token.ok_or_else(|| {
            Problem::unauthorized("the Authorization header is not `Bearer TOKEN`")
        })?;
        let person = desk.people().by_token(token);
        let person =
            person.ok_or_else(|| Problem::unauthorized("this token is unknown or was revoked"))?;
        return Ok(Caller {
            person,
            proof: Proof::Token(token.into()),
        });
    }
    let cookie =
        cookie(headers).ok_or_else(|| Problem::unauthorized("there is no token and no session"))?;
    let over = || Problem::unauthorized("the session is over");
    let session = desk.sessions().find(cookie).ok_or_else(over)?;
    let person = desk.people().by_name(&session.agent).ok_or_else(over)?;
    let proven = || {
        headers
            .get(CSRF)
            .and_then(|token| token.to_str().ok())
            .is_some_and(|token| session.csrf_is(token))
    };
    if !method.is_safe() && !proven() {
        return Err(
            Problem::forbidden("the X-CSRF-Token header is missing or wrong")
                .hint("GET /api/v1/agents/me tells the token of this session"),
        );
    }
    Ok(Caller {
        person,
        proof: Proof::Cookie(cookie.into()),
    })
}

/// The token of `Bearer TOKEN`; the scheme's case does not matter (RFC 9110, 11.1).
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}

/// The session's cookie, if the browser sent it.
pub fn cookie(headers: &HeaderMap) -> Option<&str> {
    let sent = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    sent.flat_map(|value| value.split(';')).find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        (name.trim() == COOKIE).then_some(value.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_found_among_others() {
        let check = |sent: &str, expected: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, sent.parse().expect("a header"));
            assert_eq!(cookie(&headers), expected, "{sent}");
        };
        check("segue_session=abc", Some("abc"));
        check("a=b; segue_session=abc; c=d", Some("abc"));
        check("xsegue_session=abc", None);
        check("segue_session", None);
    }

    #[test]
    fn only_what_is_done_with_a_conversation_is_a_sign_of_life() {
        let check = |method: Method, path: &str, expected| {
            assert_eq!(is_act(&method, path), expected, "{method} {path}");
        };
        check(Method::POST, "/api/v1/conversations/c1/typing", true);
        check(Method::PATCH, "/api/v1/conversations/c1", true);
        check(Method::DELETE, "/api/v1/conversations/c1/pending/m", true);
        check(Method::POST, "/api/v1/handoffs/h1/review", true);
        check(Method::GET, "/api/v1/conversations", false);
        check(Method::HEAD, "/api/v1/conversations/c1", false);
        check(Method::GET, "/api/v1/agents", false);
        check(Method::POST, "/api/v1/agents", false);
        check(Method::PUT, "/api/v1/ai", false);
        check(Method::DELETE, "/api/v1/session", false);
        check(Method::POST, "/api/v1/parked/1/retry", false);
    }

    #[test]
    fn the_scheme_is_read_in_any_case() {
        let check =
            |header: &str, expected: Option<&str>| assert_eq!(bearer(header), expected, "{header}");
        check("Bearer sgt_x", Some("sgt_x"));
        check("bearer  sgt_x", Some("sgt_x"));
        check("Basic sgt_x", None);
        check("sgt_x", None);
    }
}

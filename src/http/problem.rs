//! Errors as `application/problem+json` (RFC 9457): one shape for the whole public listener, one mapping from what the
//! runtime says to what a client is told.
//!
//! Every problem has a stable `code` to branch on, a `detail` that says what was wrong, and where it helps a `hint` that
//! says how to mend it. Nothing of the inside (paths, causes on disk) is ever in one.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::conversation::decision::Refusal;
use crate::desk::PeopleError;
use crate::desk::canned::CannedError;
use crate::runtime::Unavailable;
use crate::store::{CommitError, LoadError};

/// The media type of a problem.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Something that was not done, and why.
#[derive(Clone, PartialEq, Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    detail: String,
    extra: Map<String, Value>,
    retry_after: Option<u64>,
    challenge: bool,
}

impl Problem {
    /// A problem. `code` is stable and snake_case; `title` is the same for every occurrence, `detail` is this one's.
    pub fn new(
        status: StatusCode,
        code: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        let detail = detail.into();
        Self {
            status,
            code,
            title,
            detail,
            extra: Map::new(),
            retry_after: None,
            challenge: false,
        }
    }

    /// How to mend it.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        self.with("hint", hint.into())
    }

    /// Another member.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.extra.insert(name.to_owned(), value.into());
        self
    }

    /// It may work after so many seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Its stable word.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// Nobody has shown who they are.
    pub fn unauthorized(detail: &str) -> Self {
        let mut problem = Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "Sign in first",
            detail,
        )
        .hint("send `Authorization: Bearer sgt_…`, or sign in with POST /api/v1/session");
        problem.challenge = true;
        problem
    }

    /// Known, and not allowed.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "not_allowed", "Not allowed", detail)
    }

    /// The request makes no sense as it is.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "bad_request",
            "The request cannot be read",
            detail,
        )
    }

    /// The request can be read and asks for something that cannot be.
    pub fn unprocessable(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            code,
            "The request cannot be carried out",
            detail,
        )
    }

    /// There is no such thing.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "Not found", detail)
    }

    /// There is no such conversation, or it is none of the caller's business.
    pub fn no_conversation() -> Self {
        Self::not_found(Refusal::Unknown.to_string())
    }

    /// What the core refused.
    pub fn refused(refusal: &Refusal) -> Self {
        let detail = refusal.to_string();
        let conflict = |code| {
            Self::new(
                StatusCode::CONFLICT,
                code,
                "The conversation is not as you think",
                &detail,
            )
        };
        let wrong = |code| Self::unprocessable(code, &detail);
        match refusal {
            Refusal::Taken { by, since } => conflict("taken")
                .with("taken_by", by.as_str())
                .with("since", since.rfc3339()),
            Refusal::StaleEpoch { owner, epoch } => conflict("stale_epoch")
                .with(
                    "taken_by",
                    owner.as_ref().map(|owner| owner.as_str().to_owned()),
                )
                .with("owner_epoch", epoch.0)
                .hint("load the conversation again before you write"),
            Refusal::NotClaimed => conflict("not_claimed").hint("POST …/claim first"),
            Refusal::HeldByAi => conflict("held_by_ai").hint("POST …/takeover first"),
            Refusal::NotWaiting => conflict("not_waiting"),
            Refusal::StaysWithPeople => conflict("stays_with_people"),
            Refusal::AiOff => conflict("ai_off").hint("keep it, or POST …/transfer or …/resolve"),
            Refusal::AlreadyClosed => conflict("already_closed"),
            Refusal::CustomerWroteMeanwhile { seen } => {
                conflict("customer_wrote_meanwhile").with("seen", *seen)
            }
            Refusal::NotPending => conflict("not_pending"),
            Refusal::NotAllowed => Self::forbidden(detail),
            Refusal::NoteRequired => wrong("note_required"),
            Refusal::Empty => wrong("empty"),
            Refusal::TooLong { max } => wrong("too_long").with("max_bytes", *max),
            Refusal::WindowShut { closed_at } => {
                wrong("window_shut").with("closed_at", closed_at.rfc3339())
            }
            Refusal::Unreachable => wrong("unreachable"),
            Refusal::UnknownQueue => wrong("unknown_queue"),
            Refusal::UnknownHandoff => wrong("unknown_handoff"),
            Refusal::KeyReused => {
                wrong("key_reused").hint("use a new Idempotency-Key for a new request")
            }
            Refusal::TooMuch => wrong("too_much"),
            Refusal::OutboxFull => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "outbox_full",
                "Too much is waiting",
                detail,
            )
            .retry_after(5),
            Refusal::ApprovalsFull { max } => wrong("too_many_approvals").with("max", *max),
            Refusal::NotOpen => conflict("not_open"),
            Refusal::Unknown => Self::no_conversation(),
        }
    }
}

impl From<Unavailable> for Problem {
    fn from(fault: Unavailable) -> Self {
        let detail = fault.to_string();
        let later = |code| {
            Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                code,
                "Not just now",
                &detail,
            )
        };
        let unknown = || {
            Self::new(StatusCode::SERVICE_UNAVAILABLE, "outcome_unknown", "It may or may not have been done", &detail)
                .hint("repeat the request with the same Idempotency-Key, or load the conversation and look")
        };
        let problem = match fault {
            Unavailable::Busy => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "busy",
                "Too much at once",
                &detail,
            ),
            Unavailable::Stopping => later("stopping"),
            Unavailable::Unread | Unavailable::Store(CommitError::Corrupt) => later("unreadable"),
            Unavailable::Store(CommitError::Full) => later("store_full"),
            Unavailable::Store(CommitError::Retry | CommitError::Fenced) => later("store_busy"),
            Unavailable::Store(CommitError::Unknown) | Unavailable::Lost => unknown(),
            Unavailable::StillParked(_) => later("still_parked"),
        };
        problem.retry_after(fault.retry_after())
    }
}

impl From<LoadError> for Problem {
    fn from(fault: LoadError) -> Self {
        match fault {
            LoadError::Retry(_) => Self::from(Unavailable::Unread),
            LoadError::Corrupt(why) => {
                tracing::error!(why, "something stored cannot be read");
                let title = "Something stored cannot be read";
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "corrupt",
                    title,
                    "the stored data is damaged",
                )
                .hint("the log says what; restore a backup")
            }
        }
    }
}

impl From<PeopleError> for Problem {
    fn from(fault: PeopleError) -> Self {
        let detail = fault.to_string();
        match fault {
            PeopleError::Name => Self::unprocessable("bad_name", detail),
            PeopleError::TooManyQueues => Self::unprocessable("too_many_queues", detail),
            PeopleError::TooMany => Self::unprocessable("too_many_agents", detail),
            PeopleError::Exists(_) => Self::new(
                StatusCode::CONFLICT,
                "agent_exists",
                "The name is taken",
                detail,
            )
            .hint("POST …/agents/{name}/token gives an agent a new token"),
            PeopleError::Unknown(_) => Self::not_found(detail),
            PeopleError::NoRandomness => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "no_randomness",
                "Not just now",
                detail,
            )
            .retry_after(1),
            PeopleError::Store(fault) => Self::from(Unavailable::Store(fault)),
        }
    }
}

impl From<CannedError> for Problem {
    fn from(fault: CannedError) -> Self {
        let detail = fault.to_string();
        match fault {
            CannedError::Name => Self::unprocessable("bad_name", detail),
            CannedError::Text => Self::unprocessable("bad_text", detail),
            CannedError::Language => Self::unprocessable("bad_language", detail),
            CannedError::TooMany => Self::unprocessable("too_many_canned", detail),
            CannedError::Exists(_) => Self::new(
                StatusCode::CONFLICT,
                "canned_exists",
                "The name is taken",
                detail,
            ),
            CannedError::Unknown => Self::not_found(detail),
            CannedError::Store(fault) => Self::from(Unavailable::Store(fault)),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = self.extra;
        body.insert(
            "type".into(),
            json!(format!("urn:segue:problem:{}", self.code)),
        );
        body.insert("title".into(), json!(self.title));
        body.insert("status".into(), json!(self.status.as_u16()));
        body.insert("code".into(), json!(self.code));
        body.insert("detail".into(), json!(self.detail));
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.challenge {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::ids::OwnerEpoch;

    #[test]
    fn a_refusal_says_what_would_have_to_be_otherwise() {
        let at = Timestamp::from_millis(1_795_000_000_123);
        let check = |refusal: Refusal, status: u16, code: &str, member: (&str, Value)| {
            let problem = Problem::refused(&refusal);
            assert_eq!(
                (problem.status().as_u16(), problem.code()),
                (status, code),
                "{refusal:?}"
            );
            assert_eq!(
                problem.extra.get(member.0).cloned().unwrap_or_default(),
                member.1,
                "{refusal:?}"
            );
        };
        check(
            Refusal::Taken {
                by: "Ana".into(),
                since: at,
            },
            409,
            "taken",
            ("taken_by", json!("Ana")),
        );
        check(
            Refusal::Taken {
                by: "Ana".into(),
                since: at,
            },
            409,
            "taken",
            ("since", json!(at.rfc3339())),
        );
        let stale = Refusal::StaleEpoch {
            owner: None,
            epoch: OwnerEpoch(7),
        };
        check(stale, 409, "stale_epoch", ("owner_epoch", json!(7)));
        check(
            Refusal::NotAllowed,
            403,
            "not_allowed",
            ("taken_by", Value::Null),
        );
        check(
            Refusal::TooLong { max: 9 },
            422,
            "too_long",
            ("max_bytes", json!(9)),
        );
        check(Refusal::Unknown, 404, "not_found", ("hint", Value::Null));
        assert_eq!(Problem::refused(&Refusal::OutboxFull).retry_after, Some(5));
    }

    #[test]
    fn an_unknown_outcome_is_never_called_a_failure() {
        let check = |fault: Unavailable, status: u16, code: &str| {
            let problem = Problem::from(fault);
            assert_eq!((problem.status().as_u16(), problem.code()), (status, code));
            assert!(problem.retry_after.is_some_and(|seconds| seconds > 0));
        };
        check(Unavailable::Lost, 503, "outcome_unknown");
        check(
            Unavailable::Store(CommitError::Unknown),
            503,
            "outcome_unknown",
        );
        check(Unavailable::Store(CommitError::Full), 503, "store_full");
        check(Unavailable::Busy, 429, "busy");
        check(Unavailable::Stopping, 503, "stopping");
    }

    #[tokio::test]
    async fn a_problem_has_its_media_type_and_members() {
        let response = Problem::unauthorized("no token")
            .retry_after(3)
            .into_response();
        let header = |name| {
            response
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        assert_eq!(header("content-type").as_deref(), Some(MEDIA_TYPE));
        assert_eq!(header("retry-after").as_deref(), Some("3"));
        assert_eq!(header("www-authenticate").as_deref(), Some("Bearer"));
        let body = axum::body::to_bytes(response.into_body(), 10_000)
            .await
            .expect("a body");
        let body: Value = serde_json::from_slice(&body).expect("JSON");
        for member in ["type", "title", "status", "code", "detail"] {
            assert!(body.get(member).is_some(), "{member} is missing in {body}");
        }
    }
}

//! A reply to a gateway's `callback_url`, and what its answer means.
//!
//! ```text
//! POST {callback_url}
//! Content-Type: application/json
//! Idempotency-Key: {conversation}-{message}
//! X-Segue-Signature: sha256={hex HMAC-SHA256 under callback_secret of "{Idempotency-Key}.{raw body}"}
//!
//! {"conversation","message","to","from","class","agent","text","choices":[{"id","title"}]}
//! ```
//!
//! The signature covers no time: a receiver that remembers the key it has seen is safe from replay and from
//! repetition alike. Because of that key a repetition is harmless, so every passing failure is tried again.
//! Absent values are `null`, and no field is ever left out.

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use bytes::Bytes;
use hmac::Mac;
use serde::{Deserialize, Serialize};

use super::Http;
use crate::channel::text::cut;
use crate::channel::twilio::compose::retry_after;
use crate::channel::{Call, Outbound, SendError};
use crate::conversation::message::{Attempt, FailureCause, Retry};

/// The header with the signature.
pub const SIGNATURE: HeaderName = HeaderName::from_static("x-segue-signature");
/// The header by which a repetition is recognised.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The longest id of the receiver's own that is kept, in bytes.
const PROVIDER_ID_BYTES_MAX: usize = 256;

#[derive(Serialize)]
struct Reply<'a> {
    conversation: String,
    message: String,
    to: &'a str,
    from: Option<&'a str>,
    class: &'static str,
    agent: Option<&'a str>,
    text: &'a str,
    choices: Vec<Choice<'a>>,
}

#[derive(Serialize)]
struct Choice<'a> {
    id: &'a str,
    title: &'a str,
}

/// The call that sends `outbound`.
pub(super) fn call(http: &Http, outbound: &Outbound<'_>) -> Result<Call, SendError> {
    let reply = Reply {
        conversation: outbound.conversation.to_string(),
        message: outbound.effect.to_string(),
        to: outbound.to,
        from: Some(outbound.from).filter(|from| !from.is_empty()),
        class: outbound.class.as_str(),
        agent: outbound.agent,
        text: outbound.text,
        choices: outbound
            .choices
            .iter()
            .map(|(id, title)| Choice { id, title })
            .collect(),
    };
    let key = format!("{}-{}", reply.conversation, reply.message);
    let body = serde_json::to_vec(&reply).expect("texts and lists of texts are JSON");
    let signature = format!("sha256={}", signature(http, &key, &body));
    let ascii = |text: String| HeaderValue::try_from(text).expect("ids and hex are visible ASCII");
    let mut headers = HeaderMap::with_capacity(3);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(SIGNATURE, ascii(signature));
    headers.insert(IDEMPOTENCY_KEY, ascii(key));
    Ok(Call {
        method: Method::POST,
        url: http.callback_url.clone(),
        headers,
        body: Bytes::from(body),
    })
}

fn signature(http: &Http, key: &str, body: &[u8]) -> String {
    let mut mac = http.signing.clone();
    mac.update(key.as_bytes());
    mac.update(b".");
    mac.update(body);
    crate::channel::hex(&mac.finalize().into_bytes())
}

#[derive(Deserialize)]
struct Taken {
    id: String,
}

/// What the receiver's answer means. Its body matters only for an `id` of its own.
pub(super) fn read(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Attempt {
    if status.is_success() {
        let id = serde_json::from_slice(body).map_or_else(|_| String::new(), |Taken { id }| id);
        return Attempt::Accepted {
            provider_id: cut(&id, PROVIDER_ID_BYTES_MAX),
        };
    }
    let soon = retry_after(headers).map_or(Retry::Soon, Retry::After);
    let (cause, retry) = match status.as_u16() {
        408 | 425 => (FailureCause::Timeout, soon),
        429 => (FailureCause::RateLimited, soon),
        500..=599 => (FailureCause::ProviderError, soon),
        // A redirect is not followed: it would take a signed text to a host that nobody configured.
        _ => (FailureCause::ProviderError, Retry::Never),
    };
    Attempt::Rejected {
        code: format!("http_{}", status.as_u16()),
        cause,
        retry,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_read(status: u16, body: &str, cause: FailureCause, retry: Retry) {
        let read = read(
            StatusCode::from_u16(status).expect("a status"),
            &HeaderMap::new(),
            body.as_bytes(),
        );
        let code = format!("http_{status}");
        assert_eq!(read, Attempt::Rejected { code, cause, retry }, "{status}");
    }

    #[test]
    fn passing_failures_are_tried_again_and_others_are_not() {
        use FailureCause::{ProviderError, RateLimited, Timeout};
        for status in [500, 502, 503, 504] {
            check_read(status, "", ProviderError, Retry::Soon);
        }
        check_read(408, "", Timeout, Retry::Soon);
        check_read(425, "", Timeout, Retry::Soon);
        check_read(429, "", RateLimited, Retry::Soon);
        for status in [301, 400, 401, 404, 409, 422] {
            check_read(status, r#"{"id":"x"}"#, ProviderError, Retry::Never);
        }
    }

    #[test]
    fn a_receivers_id_is_kept_if_it_gives_one() {
        for (body, id) in [
            (r#"{"id":"m-7"}"#, "m-7"),
            ("", ""),
            ("ok", ""),
            (r#"{"id":7}"#, ""),
        ] {
            let attempt = read(StatusCode::ACCEPTED, &HeaderMap::new(), body.as_bytes());
            assert_eq!(
                attempt,
                Attempt::Accepted {
                    provider_id: id.into()
                },
                "{body}"
            );
        }
    }
}

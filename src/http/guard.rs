//! What goes with every answer that a browser may show, also with those that no page of ours made: a missing file, a wrong
//! method, a redirect. Nothing in them may run, be framed, or be taken for something else. What a page says for itself
//! stays as it is.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

const HEADERS: [(HeaderName, &str); 2] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
];
/// For whatever brings no rules of its own.
const RULES: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// See the head of this file.
pub async fn guard(mut response: Response) -> Response {
    // A socket that has been opened is no document.
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return response;
    }
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        headers.insert(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(RULES),
        );
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    }
    response
}

/// What is served at no address.
pub async fn nowhere() -> Response {
    guard(StatusCode::NOT_FOUND.into_response()).await
}

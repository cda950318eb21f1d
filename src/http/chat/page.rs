//! The page and its files, compiled in. Nothing of a customer is ever written into them.
//!
//! The page may run its own script and style and talk to its own host, nothing else; neither has anything inline. The
//! files are asked for under their hash and kept for good; the page itself is always asked for anew.

use std::sync::LazyLock;

use axum::extract::{Path, Query};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::Room;
use crate::channel::registry::Kind;

/// What the page may do. `connect-src 'self'` covers the socket on the same host.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const PAGE: &str = include_str!("../page/chat.html");
/// Hex digits of the hash in a file's address: enough to tell releases apart.
const HASH_DIGITS: usize = 16;

struct File {
    name: &'static str,
    content_type: &'static str,
    text: &'static str,
    hash: String,
}

static FILES: LazyLock<[File; 2]> = LazyLock::new(|| {
    [
        File::new(
            "chat.js",
            "text/javascript; charset=utf-8",
            include_str!("../page/chat.js"),
        ),
        File::new(
            "chat.css",
            "text/css; charset=utf-8",
            include_str!("../page/chat.css"),
        ),
    ]
});

impl File {
    fn new(name: &'static str, content_type: &'static str, text: &'static str) -> Self {
        let mut hash: String = Sha256::digest(text)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        hash.truncate(HASH_DIGITS);
        Self {
            name,
            content_type,
            text,
            hash,
        }
    }
}

/// What may be asked of the page.
#[derive(Deserialize)]
pub struct Asked {
    channel: Option<String>,
}

/// `GET /chat`.
pub async fn page(room: Room, Query(asked): Query<Asked>) -> Response {
    let found = match &asked.channel {
        Some(name) => room.channel(name),
        None => room
            .channels
            .of_kind(Kind::Webchat)
            .next()
            .map(|channel| channel.name().clone()),
    };
    let Some(channel) = found else {
        return (
            StatusCode::NOT_FOUND,
            "no such web chat is configured: [channels.web] kind = \"webchat\"",
        )
            .into_response();
    };
    let mut html = PAGE.replace("{{channel}}", &escaped(channel.as_str()));
    for file in &*FILES {
        html = html.replace(
            &format!("{{{{{}}}}}", file.name),
            &format!("/chat/{}?v={}", file.name, file.hash),
        );
    }
    let mut response = Html(html).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(POLICY),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    guard(headers);
    response
}

/// What may be asked of a file.
#[derive(Deserialize)]
pub struct Version {
    v: Option<String>,
}

/// `GET /chat/{file}`.
pub async fn file(Path(name): Path<String>, Query(version): Query<Version>) -> Response {
    let Some(file) = FILES.iter().find(|file| file.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let kept = match version.v.as_deref() == Some(&file.hash) {
        true => "public, max-age=31536000, immutable",
        false => "no-cache",
    };
    let mut response = file.text.into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(file.content_type),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
    guard(headers);
    response
}

/// What goes with everything a browser gets from here.
fn guard(headers: &mut HeaderMap) {
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_nothing_inline_and_names_its_files() {
        for word in ["<style", "style=", " onclick", "javascript:"] {
            assert!(
                !PAGE.contains(word),
                "{word} would be refused by the page's own policy"
            );
        }
        assert_eq!(PAGE.matches("<script").count(), 1);
        for file in &*FILES {
            assert!(
                PAGE.contains(&format!("{{{{{}}}}}", file.name)),
                "{}",
                file.name
            );
            assert_eq!(file.hash.len(), HASH_DIGITS);
        }
    }

    #[test]
    fn the_script_shows_texts_as_texts_and_stays_small() {
        for word in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
        ] {
            assert!(FILES.iter().all(|file| !file.text.contains(word)), "{word}");
        }
        assert!(
            FILES[0].text.len() < 15 * 1024,
            "{} bytes",
            FILES[0].text.len()
        );
    }

    #[test]
    fn a_name_cannot_leave_its_attribute() {
        assert_eq!(escaped("a\"><b>&"), "a&quot;&gt;&lt;b&gt;&amp;");
    }
}

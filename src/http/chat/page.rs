//! The pages of the web chat: alone, in a frame of the widget, and a page that shows the widget at work. Nothing of a
//! customer is ever written into them.
//!
//! A page may run its own scripts and styles and talk to its own host, nothing else; none has anything inline, and where
//! browsers know trusted types no text can become HTML at all. Who may frame the chat is what the instance names; the
//! browser keeps to it, so a stranger's page cannot lay it under a picture of something else.

use axum::extract::Query;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;

use super::Room;
use super::assets::{ASSETS, guard};
use crate::channel::registry::Kind;
use crate::ids::ChannelName;

/// What the chat may do. `connect-src 'self'` covers the socket on the same host; `blob:` are files of the thread, which
/// are fetched with the visitor's secret.
const RULES: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                     img-src 'self' data: blob:; base-uri 'none'; form-action 'none'; \
                     require-trusted-types-for 'script'; trusted-types 'none'";
/// What the page that shows the widget may do.
const DEMO_RULES: &str = "default-src 'none'; script-src 'self'; style-src 'self'; frame-src 'self'; img-src data:; \
                          base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const PAGE: &str = include_str!("../page/chat/chat.html");
const DEMO: &str = include_str!("../page/chat/demo.html");

/// What may be asked of a page. What else stands in the address is for its script.
#[derive(Deserialize)]
pub struct Asked {
    channel: Option<String>,
}

/// `GET /chat`.
pub async fn page(room: Room, Query(asked): Query<Asked>) -> Response {
    match named(&room, &asked) {
        Ok(channel) => chat(&room, &channel, "'none'"),
        Err(refusal) => refusal.into_response(),
    }
}

/// `GET /chat/embed`.
pub async fn embed(room: Room, Query(asked): Query<Asked>) -> Response {
    let channel = match named(&room, &asked) {
        Ok(channel) => channel,
        Err(refusal) => return refusal.into_response(),
    };
    let origins = room.limits.chat_origins.get(&channel);
    let ancestors = origins
        .into_iter()
        .flatten()
        .fold("'self'".to_owned(), |all, origin| all + " " + origin);
    chat(&room, &channel, &ancestors)
}

/// `GET /chat/demo`.
pub async fn demo(room: Room, Query(asked): Query<Asked>) -> Response {
    let channel = match named(&room, &asked) {
        Ok(channel) => channel,
        Err(refusal) => return refusal.into_response(),
    };
    let html = ASSETS
        .link(DEMO)
        .replace("{{channel}}", &escaped(channel.as_str()))
        .replace("{{url}}", &escaped(&room.limits.public_url));
    served(html, DEMO_RULES.to_owned())
}

/// The web chat that is asked for, or the first.
fn named(room: &Room, asked: &Asked) -> Result<ChannelName, (StatusCode, &'static str)> {
    let found = match asked.channel.as_deref() {
        Some(name) if !name.is_empty() => room.channel(name),
        Some(_) | None => room
            .channels
            .of_kind(Kind::Webchat)
            .next()
            .map(|channel| channel.name().clone()),
    };
    found.ok_or((
        StatusCode::NOT_FOUND,
        "no such web chat is configured: [channels.web] kind = \"webchat\"",
    ))
}

fn chat(room: &Room, channel: &ChannelName, ancestors: &str) -> Response {
    let upload = room.limits.upload_bytes(channel);
    let html = ASSETS
        .link(PAGE)
        .replace("{{channel}}", &escaped(channel.as_str()))
        .replace("{{upload}}", &upload.to_string());
    served(html, format!("{RULES}; frame-ancestors {ancestors}"))
}

fn served(html: String, rules: String) -> Response {
    let mut response = Html(html).into_response();
    let headers = response.headers_mut();
    if rules.ends_with("frame-ancestors 'none'") {
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    }
    // Origins were checked when the configuration was read: they are ASCII.
    let rules = HeaderValue::try_from(rules).unwrap_or(HeaderValue::from_static("sandbox"));
    headers.insert(header::CONTENT_SECURITY_POLICY, rules);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    for (name, value) in [
        ("cross-origin-opener-policy", "same-origin"),
        (
            "permissions-policy",
            "camera=(), microphone=(), geolocation=(), payment=()",
        ),
    ] {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    guard(headers);
    response
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
    fn the_pages_have_nothing_inline_and_name_their_files() {
        for page in [PAGE, DEMO] {
            for word in ["<style", "style=", " onclick", "javascript:"] {
                assert!(
                    !page.contains(word),
                    "{word} would be refused by the page's own policy"
                );
            }
            assert_eq!(page.matches("<script").count(), 1);
            let linked = ASSETS.link(page).replace("{{channel}}", "");
            let left = linked.replace("{{upload}}", "").replace("{{url}}", "");
            assert!(!left.contains("{{"), "{left}");
        }
    }

    #[test]
    fn a_name_cannot_leave_its_attribute() {
        assert_eq!(escaped("a\"><b>&"), "a&quot;&gt;&lt;b&gt;&amp;");
    }
}

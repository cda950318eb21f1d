//! The scripts and styles of the web chat, compiled in, and the headers that go with everything a browser gets.
//!
//! They are asked for under the hash of all of them and kept for good; a script that brings in another names it under
//! the same hash, so a browser never mixes two releases. `widget.js` alone has an address that never changes, because
//! it stands in other people's pages: it is asked for anew now and then, and mostly answered with "not modified".

use std::sync::LazyLock;

use axum::extract::{Path, Query};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// Hex digits of the hash in a file's address: enough to tell releases apart.
const HASH_DIGITS: usize = 16;
/// How long a browser uses the widget without asking, in seconds: a new release is everywhere soon after.
const WIDGET_FOR: &str = "public, max-age=300, must-revalidate";

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";

macro_rules! sources {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../page/chat/", $name)))),+]
    };
}

/// The files of the chat page; its modules first.
const SOURCES: &[(&str, &str)] = sources!(
    "chat.js",
    "files.js",
    "frame.js",
    "memory.js",
    "outbox.js",
    "shown.js",
    "text.js",
    "theme.js",
    "thread.js",
    "wire.js",
    "words.js",
    "chat.css",
    "demo.css",
);
const WIDGET: &str = include_str!("../page/chat/widget.js");

/// All of them, as they are served.
pub struct Assets {
    files: Vec<(&'static str, String)>,
    hash: String,
    widget_tag: HeaderValue,
}

/// The one set of this release.
pub static ASSETS: LazyLock<Assets> = LazyLock::new(Assets::new);

impl Assets {
    fn new() -> Self {
        let mut whole = Sha256::new();
        for (name, text) in SOURCES {
            whole.update(name);
            whole.update(text);
        }
        let hash = digits(&whole.finalize());
        let files = SOURCES
            .iter()
            .map(|(name, text)| (*name, text.replace(".js\";", &format!(".js?v={hash}\";"))))
            .collect();
        let tag = format!("\"{}\"", digits(&Sha256::digest(WIDGET)));
        let widget_tag = HeaderValue::from_str(&tag).expect("hex digits and quotes");
        Self {
            files,
            hash,
            widget_tag,
        }
    }

    /// `html` with the addresses of what it asks for as `{{name}}`, and of the modules as `{{preload}}`.
    pub fn link(&self, html: &str) -> String {
        let address = |name: &str| format!("/chat/{name}?v={}", self.hash);
        let modules = SOURCES.iter().map(|(name, _)| *name);
        let preload: Vec<String> = modules
            .filter(|name| name.ends_with(".js") && *name != "chat.js")
            .map(|name| format!("<link rel=\"modulepreload\" href=\"{}\">", address(name)))
            .collect();
        let html = html.replace("{{preload}}", &preload.join("\n"));
        SOURCES.iter().fold(html, |html, (name, _)| {
            html.replace(&format!("{{{{{name}}}}}"), &address(name))
        })
    }
}

fn digits(hash: &[u8]) -> String {
    let mut digits: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.truncate(HASH_DIGITS);
    digits
}

/// What may be asked of a file.
#[derive(Deserialize)]
pub struct Version {
    v: Option<String>,
}

/// `GET /chat/{file}`.
pub async fn file(Path(name): Path<String>, Query(version): Query<Version>) -> Response {
    let Some((name, text)) = ASSETS.files.iter().find(|(known, _)| *known == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let kept = match version.v.as_deref() == Some(&ASSETS.hash) {
        true => "public, max-age=31536000, immutable",
        false => "no-cache",
    };
    let content_type = if name.ends_with(".js") { JS } else { CSS };
    let mut response = text.as_str().into_response();
    let headers = response.headers_mut();
    set(headers, header::CONTENT_TYPE, content_type);
    set(headers, header::CACHE_CONTROL, kept);
    guard(headers);
    response
}

/// `GET /chat/widget.js`.
pub async fn widget(headers: HeaderMap) -> Response {
    let known = headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|tags| tags.to_str().ok())
        .flat_map(|tags| tags.split(','))
        .any(|tag| tag.trim().trim_start_matches("W/").as_bytes() == ASSETS.widget_tag.as_bytes());
    let mut response = match known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => WIDGET.into_response(),
    };
    let headers = response.headers_mut();
    set(headers, header::CONTENT_TYPE, JS);
    set(headers, header::CACHE_CONTROL, WIDGET_FOR);
    headers.insert(header::ETAG, ASSETS.widget_tag.clone());
    guard(headers);
    // It holds nothing of anybody, and stands in pages of other origins.
    set(headers, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    set(headers, CORP, "cross-origin");
    response
}

const CORP: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

fn set(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.insert(name, HeaderValue::from_static(value));
}

/// What goes with everything a browser gets from here.
pub fn guard(headers: &mut HeaderMap) {
    set(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(headers, header::REFERRER_POLICY, "no-referrer");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_module_brings_in_only_what_is_served_and_under_the_same_hash() {
        for (name, text) in &ASSETS.files {
            for part in text.split("from \"./").skip(1) {
                let (module, version) = part.split_once("?v=").expect("a hash");
                assert!(
                    SOURCES.iter().any(|(known, _)| *known == module),
                    "{name} asks for {module}"
                );
                assert!(version.starts_with(&format!("{}\"", ASSETS.hash)), "{name}");
            }
            assert!(!text.contains("from \"./x\""));
        }
        let imports = ASSETS.files[0].1.matches("from \"./").count();
        assert!(imports >= 8, "{imports}");
    }

    #[test]
    fn the_scripts_show_texts_as_texts_and_stay_small() {
        let all = SOURCES.iter().chain([&("widget.js", WIDGET)]);
        for (name, text) in all {
            for word in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "new Function",
                "srcdoc",
            ] {
                assert!(!text.contains(word), "{name}: {word}");
            }
        }
        let bytes: usize = SOURCES.iter().map(|(_, text)| text.len()).sum();
        assert!(bytes < 96 * 1024, "{bytes} bytes");
        assert!(WIDGET.len() < 16 * 1024, "{} bytes", WIDGET.len());
    }
}

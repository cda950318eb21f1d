//! The agents' page, `/inbox`: one HTML file, a few modules and a style, compiled in. Nothing of a customer is in them.
//!
//! The modules import each other by relative paths, so all of them live under one folder whose name is the hash of
//! everything: a browser keeps them for good, and a new release has a new folder. The page itself is asked for anew each
//! time and answered with 304 while nothing changed. Both travel compressed where the browser takes that. The page may run its own modules and style and talk to its own host,
//! nothing else; where the browser knows Trusted Types, no text can become markup at all.

use std::io::Write as _;
use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use super::Doors;

/// What the page may do. Attachments of customers are never loaded by themselves: pictures only from here.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
                      trusted-types 'none'";
/// Hex digits of the hash in the folder's name: enough to tell releases apart.
const HASH_DIGITS: usize = 16;
const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

struct File {
    name: &'static str,
    content_type: &'static str,
    text: &'static str,
}

macro_rules! files {
    ($($name:literal: $type:expr),+ $(,)?) => {
        [$(File { name: $name, content_type: $type, text: include_str!(concat!("page/inbox/", $name)) }),+]
    };
}

const PAGE: &str = include_str!("page/inbox/index.html");
const FILES: &[File] = &files! {
    "inbox.css": STYLE,
    "main.js": SCRIPT,
    "words.js": SCRIPT,
    "words.es.js": SCRIPT,
    "dom.js": SCRIPT,
    "api.js": SCRIPT,
    "live.js": SCRIPT,
    "store.js": SCRIPT,
    "list.js": SCRIPT,
    "turns.js": SCRIPT,
    "canned.js": SCRIPT,
    "thread.js": SCRIPT,
    "compose.js": SCRIPT,
    "side.js": SCRIPT,
    "acts.js": SCRIPT,
    "approvals.js": SCRIPT,
    "dialogs.js": SCRIPT,
    "alert.js": SCRIPT,
    "files.js": SCRIPT,
    "lead.js": SCRIPT,
};

/// What is made once of the files.
struct Made {
    /// The name of the folder.
    folder: String,
    page: Text,
    /// In the order of [`FILES`].
    files: Vec<Text>,
    tag: HeaderValue,
}

/// A text, plain and compressed.
struct Text {
    plain: Bytes,
    gzip: Bytes,
}

impl Text {
    fn new(text: &str) -> Self {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        let written = gzip.write_all(text.as_bytes()).and_then(|()| gzip.finish());
        Self {
            plain: Bytes::copy_from_slice(text.as_bytes()),
            gzip: written.expect("memory takes everything").into(),
        }
    }

    /// As this browser takes it.
    fn answer(&self, asked: &HeaderMap) -> Response {
        let taken = asked
            .get(header::ACCEPT_ENCODING)
            .and_then(|value| value.to_str().ok())
            .is_some_and(takes_gzip);
        let mut response = if taken { &self.gzip } else { &self.plain }
            .clone()
            .into_response();
        let headers = response.headers_mut();
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        if taken {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }
}

/// Whether an `Accept-Encoding` (RFC 9110, 12.5.3) names gzip and does not forbid it.
fn takes_gzip(header: &str) -> bool {
    header.split(',').any(|one| {
        let mut parts = one.split(';').map(str::trim);
        let gzip = parts
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let never = |weight: &str| {
            let weight = weight.strip_prefix("q=");
            weight.and_then(|weight| weight.parse::<f32>().ok()) == Some(0.0)
        };
        gzip && !parts.any(never)
    })
}

static MADE: LazyLock<Made> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    hash.update(PAGE);
    for file in FILES {
        hash.update(file.name);
        hash.update(file.text);
    }
    let mut folder: String = hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    folder.truncate(HASH_DIGITS);
    // Fetched at once instead of one after the other as the imports are read.
    let preloads: String = FILES
        .iter()
        .filter(|file| file.content_type == SCRIPT)
        .map(|file| {
            format!(
                "<link rel=\"modulepreload\" href=\"/inbox/{folder}/{}\">\n",
                file.name
            )
        })
        .collect();
    let page = PAGE
        .replace("{{folder}}", &folder)
        .replace("{{preloads}}", preloads.trim_end());
    let tag = HeaderValue::try_from(format!("\"{folder}\"")).expect("hex in quotes");
    Made {
        page: Text::new(&page),
        files: FILES.iter().map(|file| Text::new(file.text)).collect(),
        folder,
        tag,
    }
});

/// The routes of this room.
pub fn routes() -> Router<Doors> {
    Router::new()
        .route("/inbox", get(page))
        .route("/inbox/{folder}/{file}", get(file))
}

async fn page(headers: HeaderMap) -> Response {
    let made = &*MADE;
    let known = headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .any(|tag| tag == made.tag);
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        made.page.answer(&headers)
    };
    let headers = response.headers_mut();
    let fixed = [
        (header::CONTENT_TYPE, HTML),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(header::ETAG, made.tag.clone());
    guard(headers);
    response
}

async fn file(Path((folder, name)): Path<(String, String)>, asked: HeaderMap) -> Response {
    let found = FILES.iter().zip(&MADE.files);
    let Some((file, text)) = found.into_iter().find(|(file, _)| file.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    // A page of another release must not get modules of this one.
    if folder != MADE.folder {
        return StatusCode::NOT_FOUND.into_response();
    }
    let mut response = text.answer(&asked);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(file.content_type),
    );
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=31536000, immutable"),
    );
    guard(headers);
    response
}

/// What goes with everything a browser gets from here.
fn guard(headers: &mut HeaderMap) {
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        (
            "permissions-policy",
            "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of everything together, compressed file by file.
    const WEIGHT_MAX: usize = 80 * 1024;

    #[test]
    fn the_page_has_nothing_inline_and_names_its_files() {
        for word in ["<style", "style=", " onclick", "javascript:", "<script>"] {
            assert!(
                !PAGE.contains(word),
                "{word} would be refused by the policy"
            );
        }
        let page = std::str::from_utf8(&MADE.page.plain).expect("text");
        assert_eq!(page.matches("<script").count(), 1);
        assert!(!page.contains("{{"), "a place was left empty");
        assert_eq!(MADE.folder.len(), HASH_DIGITS);
    }

    #[test]
    fn every_module_that_is_imported_is_served_and_shows_texts_as_texts() {
        for file in FILES {
            for imported in file.text.split("from \"./").skip(1) {
                let name = imported.split('"').next().unwrap_or_default();
                assert!(
                    FILES.iter().any(|one| one.name == name),
                    "{} imports {name}",
                    file.name
                );
            }
            for word in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "new Function",
                "setAttribute(\"style\"",
            ] {
                assert!(!file.text.contains(word), "{}: {word}", file.name);
            }
        }
        let files = MADE.files.iter().map(|text| text.gzip.len());
        let weight = files.sum::<usize>() + MADE.page.gzip.len();
        assert!(weight < WEIGHT_MAX, "{weight} bytes");
    }

    #[test]
    fn who_takes_gzip_is_read_off_the_header() {
        let check =
            |header: &str, expected: bool| assert_eq!(takes_gzip(header), expected, "{header}");
        check("gzip, deflate, br, zstd", true);
        check("br;q=1.0, GZIP;q=0.8", true);
        check("gzip;q=0", false);
        check("gzip; q=0.0", false);
        check("br", false);
        check("", false);
    }

    /// The keys of a file of texts: one a line.
    fn keys(name: &str) -> std::collections::BTreeMap<&'static str, &'static str> {
        let file = FILES.iter().find(|file| file.name == name).expect("served");
        let lines = file.text.lines().filter_map(|line| {
            let (key, text) = line.trim().strip_prefix('"')?.split_once("\": \"")?;
            Some((key, text.strip_suffix("\",")?))
        });
        lines.collect()
    }

    fn places(text: &str) -> std::collections::BTreeSet<&str> {
        text.split('{')
            .skip(1)
            .filter_map(|rest| rest.split('}').next())
            .collect()
    }

    #[test]
    fn every_text_is_there_in_every_language_with_the_same_places() {
        let (english, spanish) = (keys("words.js"), keys("words.es.js"));
        assert!(english.len() > 300, "{} texts found", english.len());
        for (key, text) in &english {
            let other = spanish.get(key).unwrap_or_else(|| panic!("es lacks {key}"));
            assert_eq!(places(text), places(other), "{key}");
        }
        assert_eq!(english.len(), spanish.len(), "es has texts that are none");
    }

    #[test]
    fn every_text_that_is_asked_for_exists() {
        let english = keys("words.js");
        for file in FILES.iter().filter(|file| file.content_type == SCRIPT) {
            for (at, _) in file.text.match_indices("t(\"") {
                // The end of another word: `get("`, `split("`.
                if file.text[..at].ends_with(|c: char| c.is_alphanumeric()) {
                    continue;
                }
                let rest = &file.text[at + 3..];
                let key = rest.split('"').next().unwrap_or_default();
                let whole =
                    rest[key.len()..].starts_with("\")") || rest[key.len()..].starts_with("\",");
                let known = if whole && key.contains(|c: char| c.is_ascii_lowercase()) {
                    english.contains_key(key)
                } else {
                    // A word of the API is put behind it.
                    english.keys().any(|one| one.starts_with(key))
                };
                assert!(known, "{}: {key}", file.name);
                let bare = whole && rest[key.len()..].starts_with("\")");
                let hungry = bare && english.get(key).is_some_and(|text| text.contains('{'));
                // One explains the places themselves.
                assert!(
                    !hungry || key == "canned.text.hint",
                    "{}: {key} has places that nothing fills",
                    file.name
                );
            }
        }
    }
}

//! How a file of a customer leaves: to be saved, never to be shown as a page.
//!
//! Whatever it holds, it is served under the type that we found, as an attachment, in a sandbox without any rights, and
//! kept by nobody on the way. Who may have it was decided before this is called.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::stream;
use serde::Deserialize;
use tokio::io::AsyncReadExt as _;

use super::problem::Problem;
use crate::store::media::{FileId, Kind, Shelf};

/// The path under which agents have files, without the id.
pub const PATH: &str = "/api/v1/media/";
/// What is read at once, in bytes.
const PIECE: usize = 64 * 1024;
/// The longest name, in characters: what fits into a line of a list.
const NAME_CHARS_MAX: usize = 80;
/// Endings that a text may keep.
const TEXT_ENDINGS: &[&str] = &["txt", "log", "csv", "md"];

/// What the address of a file tells beside its id. It stands in stored messages: only to be added to.
#[derive(Clone, PartialEq, Eq, Default, Debug, Deserialize)]
pub struct Told {
    /// What the customer called it.
    #[serde(default)]
    pub name: String,
    /// How long it is, in bytes.
    #[serde(default)]
    pub bytes: u64,
}

/// The address of a file, as it stands in a message.
pub fn address(id: &FileId, name: &str, bytes: u64) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("name", name)
        .append_pair("bytes", &bytes.to_string())
        .finish();
    format!("{PATH}{id}?{query}")
}

/// The file that an address names; none: it is no address of ours.
pub fn parse(address: &str) -> Option<(FileId, Told)> {
    let (id, query) = address.strip_prefix(PATH)?.split_once('?')?;
    let mut told = Told::default();
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        match key.as_ref() {
            "name" => told.name = value.into_owned(),
            "bytes" => told.bytes = value.parse().ok()?,
            _ => {}
        }
    }
    Some((id.parse().ok()?, told))
}

/// A name that is only a name: of one line, without a path, without tricks, and with the ending of what it is.
pub fn tidied(name: &str, kind: Kind) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = last
        .chars()
        .filter(|c| !c.is_control() && !is_turning(*c))
        .map(|c| if "<>:\"|?*".contains(c) { '_' } else { c })
        .collect();
    let plain = plain.trim().trim_start_matches('.').trim();
    let (stem, ending) = plain.rsplit_once('.').unwrap_or((plain, ""));
    let lower = ending.to_ascii_lowercase();
    let keeps = lower == kind.ending()
        || (kind == Kind::Jpeg && lower == "jpeg")
        || (kind == Kind::Heic && lower == "heif")
        || (kind == Kind::Text && TEXT_ENDINGS.contains(&lower.as_str()));
    let (stem, ending) = match keeps {
        true => (stem, lower.as_str()),
        false => (plain, kind.ending()),
    };
    let stem: String = stem.chars().take(NAME_CHARS_MAX).collect();
    let stem = if stem.trim().is_empty() {
        "file"
    } else {
        stem.trim()
    };
    format!("{stem}.{ending}")
}

/// Characters that change the direction of what is written beside them, or are not seen.
fn is_turning(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{61c}' | '\u{feff}')
}

/// The file, as an answer.
///
/// # Errors
/// 404: there is none; 503: it cannot be read just now.
pub async fn serve(shelf: &Shelf, id: FileId, name: &str) -> Result<Response, Problem> {
    let shelf = shelf.clone();
    let found = tokio::task::spawn_blocking(move || shelf.find(&id)).await;
    let (file, length) = match found {
        Ok(Ok(Some(found))) => found,
        Ok(Ok(None)) => return Err(Problem::not_found("there is no such file")),
        Ok(Err(_)) | Err(_) => {
            let (status, detail) = (StatusCode::SERVICE_UNAVAILABLE, "the file cannot be read");
            return Err(Problem::new(status, "unreadable", "Not just now", detail).retry_after(5));
        }
    };
    let file = tokio::fs::File::from_std(file);
    let pieces = stream::try_unfold(file, |mut file| async move {
        let mut piece = vec![0; PIECE];
        let read = file.read(&mut piece).await?;
        piece.truncate(read);
        Ok::<_, std::io::Error>((read > 0).then(|| (Bytes::from(piece), file)))
    });
    let mut response = Body::from_stream(pieces).into_response();
    dress(
        response.headers_mut(),
        id.kind,
        length,
        &tidied(name, id.kind),
    );
    Ok(response)
}

fn dress(headers: &mut HeaderMap, kind: Kind, length: u64, name: &str) {
    let fixed: [(HeaderName, &'static str); 6] = [
        (header::CONTENT_TYPE, kind.content_type()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'; sandbox",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(header::CONTENT_LENGTH, length.into());
    let disposition = HeaderValue::try_from(disposition(name));
    let plain = HeaderValue::from_static("attachment");
    headers.insert(header::CONTENT_DISPOSITION, disposition.unwrap_or(plain));
}

/// RFC 6266 with the extended form of RFC 8187: old readers get an ASCII name.
fn disposition(name: &str) -> String {
    let ascii: String = name
        .chars()
        .map(|c| match c {
            ' ' | '-' | '.' | '_' => c,
            c if c.is_ascii_alphanumeric() => c,
            _ => '_',
        })
        .collect();
    let mut whole = String::new();
    for byte in name.bytes() {
        match byte.is_ascii_alphanumeric() || b"-._".contains(&byte) {
            true => whole.push(char::from(byte)),
            false => whole.push_str(&format!("%{byte:02X}")),
        }
    }
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{whole}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_only_a_name() {
        fn check(name: &str, kind: Kind, expected: &str) {
            assert_eq!(tidied(name, kind), expected, "{name:?}");
        }
        check("photo.png", Kind::Png, "photo.png");
        check("Foto 1.JPEG", Kind::Jpeg, "Foto 1.jpeg");
        check("C:\\Users\\Ana\\größe.txt", Kind::Text, "größe.txt");
        check("../../etc/passwd", Kind::Text, "passwd.txt");
        check("..", Kind::Png, "file.png");
        check("", Kind::Pdf, "file.pdf");
        check("photo.png.exe", Kind::Png, "photo.png.exe.png");
        check("page.html", Kind::Text, "page.html.txt");
        check("bill\u{202e}fdp.exe", Kind::Pdf, "billfdp.exe.pdf");
        check("a\r\nSet-Cookie: x.png", Kind::Png, "aSet-Cookie_ x.png");
        check(
            &"x".repeat(300),
            Kind::Gif,
            &format!("{}.gif", "x".repeat(80)),
        );
    }

    #[test]
    fn an_address_is_read_as_it_was_written() {
        let id: FileId = format!("m{}.png", "0a".repeat(32)).parse().expect("an id");
        let address = address(&id, "größe & more+1.png", 42);
        let told = Told {
            name: "größe & more+1.png".to_owned(),
            bytes: 42,
        };
        assert_eq!(parse(&address), Some((id, told)));
        for foreign in [
            "https://api.twilio.com/media/ME1",
            "/api/v1/media/x?name=a",
            "",
        ] {
            assert_eq!(parse(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn a_name_cannot_leave_its_header() {
        assert_eq!(
            disposition("größe \"1\".png"),
            "attachment; filename=\"gr__e _1_.png\"; filename*=UTF-8''gr%C3%B6%C3%9Fe%20%221%22.png"
        );
    }
}

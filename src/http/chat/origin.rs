//! Whether a page may talk to a web chat: the check of `Origin`, and the answers that let foreign pages read.
//!
//! Browsers name the page's origin on every WebSocket and every foreign request. Our own origin (the public URL, or the
//! host that was asked for) is always welcome, others only when the instance names them. Programs send no `Origin` and
//! are not bound by it: the visitor's secret is what protects a thread, this keeps strangers' pages from speaking in a
//! customer's name.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;

/// The page may not talk to this chat.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("pages of this origin may not open this chat; add it to `allowed_origins` of the channel")]
pub struct Forbidden;

/// Who asks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Asker {
    /// A program, or a page of our own: it needs no permission to read.
    Own,
    /// A page of an origin that the instance names.
    Foreign(HeaderValue),
}

impl Asker {
    /// Checks the headers of a request. `public_url`: our own, without a trailing slash. `named`: the instance's list.
    ///
    /// # Errors
    /// [`Forbidden`].
    pub fn check(
        headers: &HeaderMap,
        public_url: &str,
        named: &[String],
    ) -> Result<Self, Forbidden> {
        let Some(origin) = headers.get(header::ORIGIN) else {
            return Ok(Self::Own);
        };
        let text = origin.to_str().map_err(|_| Forbidden)?;
        let host = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok());
        let site = text
            .strip_prefix("https://")
            .or_else(|| text.strip_prefix("http://"));
        let same = site.is_some()
            && site.map(str::to_ascii_lowercase) == host.map(str::to_ascii_lowercase);
        if same || is_origin_of(text, public_url) {
            return Ok(Self::Own);
        }
        if named
            .iter()
            .any(|name| name == "*" || name.eq_ignore_ascii_case(text))
        {
            return Ok(Self::Foreign(origin.clone()));
        }
        Err(Forbidden)
    }

    /// Lets the page read the answer, if it needs to be let.
    pub fn permit(&self, response: &mut Response) {
        let headers = response.headers_mut();
        headers.append(header::VARY, HeaderValue::from_static("origin"));
        match self {
            Self::Own => {}
            Self::Foreign(origin) => {
                headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            }
        }
    }

    /// Answers the browser's question whether it may ask (it does for bearer tokens and JSON).
    pub fn preflight(&self, response: &mut Response) {
        self.permit(response);
        let headers = response.headers_mut();
        for (name, value) in [
            (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"),
            (
                header::ACCESS_CONTROL_ALLOW_HEADERS,
                "authorization, content-type, content-language, last-event-id, x-file-name, x-message-id",
            ),
            (header::ACCESS_CONTROL_MAX_AGE, "600"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}

/// Whether `url`, which may have a path, lies at `origin`.
fn is_origin_of(origin: &str, url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else {
        return false;
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    !host.is_empty() && origin.eq_ignore_ascii_case(&format!("{scheme}://{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_pages_and_named_ones_may_talk() {
        const OURS: &str = "https://chat.example.com/segue";
        const HOST: &str = "10.0.0.7:8080";
        fn check(origin: Option<&str>, named: &[&str], expected: Option<bool>) {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static(HOST));
            if let Some(origin) = origin {
                headers.insert(
                    header::ORIGIN,
                    HeaderValue::from_str(origin).expect("ascii"),
                );
            }
            let named: Vec<String> = named.iter().map(|&name| name.to_owned()).collect();
            let foreign = match Asker::check(&headers, OURS, &named) {
                Ok(Asker::Own) => Some(false),
                Ok(Asker::Foreign(_)) => Some(true),
                Err(Forbidden) => None,
            };
            assert_eq!(foreign, expected, "{origin:?} with {named:?}");
        }
        check(None, &[], Some(false));
        check(Some("http://10.0.0.7:8080"), &[], Some(false));
        check(Some("https://10.0.0.7:8080"), &[], Some(false));
        check(Some("https://chat.example.com"), &[], Some(false));
        check(Some("http://chat.example.com"), &[], None);
        check(Some("https://chat.example.com.evil.test"), &[], None);
        check(Some("https://chat.example"), &[], None);
        check(Some("http://10.0.0.7"), &[], None);
        check(Some("null"), &[], None);
        check(Some("https://shop.example"), &[], None);
        check(
            Some("https://shop.example"),
            &["https://shop.example"],
            Some(true),
        );
        check(
            Some("https://shop.example.evil.test"),
            &["https://shop.example"],
            None,
        );
        check(Some("https://anything.test"), &["*"], Some(true));
    }
}

//! The HTTP of the model's side: one POST, its answer whole or in pieces, until a deadline or a cancellation.
//!
//! It makes one attempt and never repeats it, follows no redirects (a redirect would carry the key elsewhere), uses no
//! proxy from the environment, and reads bounded bodies. Dropping an [`Exchange`] closes its connection; that is how a
//! call is cancelled. Its errors hold neither address, key nor a word of the conversation.

use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderValue, StatusCode};
use bytes::Bytes;
use reqwest::header::CONTENT_TYPE;
use tokio_util::sync::CancellationToken;

use super::refusal::Refused;
use crate::conversation::words::ModelFault;
use crate::trace;

/// The longest whole body, in bytes: an answer of the greatest length, with generous JSON around it.
pub(super) const BODY_BYTES_MAX: usize = 1024 * 1024;
/// How long making a connection may take: longer means that nobody is there, and a fallback should have its chance.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an unused connection is kept; below the usual 60 s at which load balancers drop theirs.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);

/// Makes `ring` the process's provider of TLS, unless one is set already. Cheap to call again.
pub fn install_crypto() {
    // an error only says that somebody was first
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Until when a call may go on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Until<'a> {
    /// At this moment it is over.
    pub(super) deadline: Instant,
    /// When this fires, nobody wants it any more.
    pub(super) cancelled: &'a CancellationToken,
}

impl Until<'_> {
    /// Waits for `work`, no longer than allowed.
    pub(super) async fn wait<T>(
        self,
        what: &str,
        work: impl Future<Output = T>,
    ) -> Result<T, Refused> {
        tokio::select! {
            biased;
            () = self.cancelled.cancelled() => Err(Refused::new(ModelFault::Cancelled, "nobody wanted the answer any more")),
            done = work => Ok(done),
            () = tokio::time::sleep_until(self.deadline.into()) => {
                Err(Refused::new(ModelFault::Timeout, format!("time was over while {what}")))
            }
        }
    }
}

/// Carries calls to one server.
pub(super) struct Carrier {
    client: reqwest::Client,
    url: reqwest::Url,
    headers: HeaderMap,
}

/// The carrier cannot be built.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unbuilt {
    #[error("the base_url is not an http address")]
    Address,
    #[error("the api_key or api_version has characters that a header cannot carry")]
    Header,
    #[error("the http client cannot be built: {0}")]
    Client(reqwest::Error),
}

impl Carrier {
    /// A carrier to `url` that sends `headers` with each call, all of them marked as secret.
    pub(super) fn new(url: &str, headers: &[(&'static str, String)]) -> Result<Self, Unbuilt> {
        install_crypto();
        let url = reqwest::Url::parse(url).map_err(|_| Unbuilt::Address)?;
        if !["http", "https"].contains(&url.scheme()) || url.host_str().is_none() {
            return Err(Unbuilt::Address);
        }
        let mut map = HeaderMap::new();
        map.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in headers {
            let mut value = HeaderValue::from_str(value).map_err(|_| Unbuilt::Header)?;
            value.set_sensitive(true);
            map.insert(*name, value);
        }
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .tcp_nodelay(true)
            .build()
            .map_err(|error| Unbuilt::Client(error.without_url()))?;
        Ok(Self {
            client,
            url,
            headers: map,
        })
    }

    /// Posts `body` and waits for the head of the answer.
    pub(super) async fn post(&self, body: String, until: Until<'_>) -> Result<Exchange, Refused> {
        let mut headers = self.headers.clone();
        trace::carry(&mut headers);
        trace::called(self.url.authority());
        let call = self
            .client
            .post(self.url.clone())
            .headers(headers)
            .body(body)
            .send();
        let response = until
            .wait("waiting for the model", call)
            .await?
            .map_err(|error| broken(&error))?;
        trace::status(response.status().as_u16());
        Ok(Exchange {
            status: response.status(),
            response,
        })
    }
}

/// An answer whose head is there.
pub(super) struct Exchange {
    /// Its status.
    pub(super) status: StatusCode,
    response: reqwest::Response,
}

impl Exchange {
    /// Its headers.
    pub(super) fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// Whether the body is a stream of events.
    pub(super) fn is_stream(&self) -> bool {
        self.headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| {
                value
                    .trim_start()
                    .to_ascii_lowercase()
                    .starts_with("text/event-stream")
            })
    }

    /// The next piece of the body; `None` at its end.
    pub(super) async fn piece(&mut self, until: Until<'_>) -> Result<Option<Bytes>, Refused> {
        until
            .wait("reading the answer", self.response.chunk())
            .await?
            .map_err(|error| broken(&error))
    }

    /// The whole body.
    pub(super) async fn whole(&mut self, until: Until<'_>) -> Result<Vec<u8>, Refused> {
        let mut body = Vec::new();
        while let Some(piece) = self.piece(until).await? {
            if body.len() + piece.len() > BODY_BYTES_MAX {
                return Err(Refused::garbled("the answer is too long"));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }
}

/// A failure of the transport in our words: reqwest's own text would carry the address.
fn broken(error: &reqwest::Error) -> Refused {
    let what = if error.is_connect() {
        "cannot connect to the model's server"
    } else if error.is_timeout() {
        "the connection timed out"
    } else if error.is_body() || error.is_decode() {
        "the connection broke in the middle of the answer"
    } else {
        "the connection broke"
    };
    Refused::garbled(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_headers_that_cannot_work_are_refused() {
        let refused = |url: &str, value: &str| {
            Carrier::new(url, &[("x-api-key", value.to_owned())])
                .err()
                .map(|e| e.to_string())
        };
        assert_eq!(refused("http://127.0.0.1:1/v1", "k"), None);
        for url in ["", "api.example.com", "ftp://x/", "unix:/x"] {
            assert_eq!(
                refused(url, "k").as_deref(),
                Some("the base_url is not an http address"),
                "{url}"
            );
        }
        let shown = refused("http://127.0.0.1", "sk\nsecret").expect("refused");
        assert!(!shown.contains("secret"), "{shown}");
    }
}

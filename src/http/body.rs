//! How a request's body is read: within a length, a time, and a budget that all requests share.
//!
//! A body is read before anybody's signature can be checked, since the signature is over the body. So whoever can
//! connect can make us keep bytes, and each of the three bounds is one against strangers.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody as _, to_bytes};
use axum::http::StatusCode;
use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::problem::Problem;

/// How long a body may take to arrive.
const WITHIN: Duration = Duration::from_secs(15);
/// Bodies up to this go without the budget: it costs the usual message nothing, and whoever uses the budget up keeps
/// none of the usual messages out. They are bounded by the listener's connections: 20,000 of them, 1.25 GiB at the very
/// worst.
const FREE_BYTES: usize = 64 * 1024;
/// How much of longer bodies is kept at once: the longest that the configuration allows, or 64 of the usual limit. While
/// the pieces of a body are put together it exists twice.
const BUDGET_BYTES: usize = 64 * 1024 * 1024;
/// After how many seconds to come again when the budget is used up. Nobody holds a part of it for long.
const AGAIN_AFTER_SECONDS: u64 = 2;

/// How much may be kept of bodies that are longer than most. Clones share it.
#[derive(Clone, Debug)]
pub struct Budget(Arc<Semaphore>);

impl Default for Budget {
    fn default() -> Self {
        Self::of(BUDGET_BYTES)
    }
}

impl Budget {
    fn of(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes)))
    }

    /// A part of it, until dropped; none for a body that needs none.
    fn part(&self, bytes: usize) -> Result<Option<OwnedSemaphorePermit>, Fault> {
        if bytes <= FREE_BYTES {
            return Ok(None);
        }
        // Nobody queues for it: a wait would be one more thing that a stranger can prolong.
        u32::try_from(bytes)
            .ok()
            .and_then(|bytes| Arc::clone(&self.0).try_acquire_many_owned(bytes).ok())
            .map_or(Err(Fault::NoRoom), |part| Ok(Some(part)))
    }
}

/// A body that has arrived, with its part of the budget: keep it as long as the bytes.
#[derive(Debug)]
pub struct Arrived {
    /// The body.
    pub bytes: Bytes,
    _part: Option<OwnedSemaphorePermit>,
}

/// Why a body was not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Fault {
    /// It is longer than this many bytes, or says that it will be.
    #[error("the body is longer than {0} bytes")]
    TooLarge(usize),
    /// It did not arrive in time.
    #[error("the body did not arrive in time")]
    TooSlow,
    /// The connection broke, or what came was no HTTP.
    #[error("the body ended early")]
    Broken,
    /// The budget is used up.
    #[error("too many large bodies are being read")]
    NoRoom,
}

impl Fault {
    /// The status that says so.
    pub fn status(self) -> StatusCode {
        match self {
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Broken => StatusCode::BAD_REQUEST,
            Self::NoRoom => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// In how many seconds it may work, if the same request may.
    pub fn retry_after(self) -> Option<u64> {
        match self {
            Self::NoRoom => Some(AGAIN_AFTER_SECONDS),
            Self::TooLarge(_) | Self::TooSlow | Self::Broken => None,
        }
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        let (status, detail) = (fault.status(), fault.to_string());
        match fault {
            Fault::TooLarge(max) => Self::new(status, "too_large", "The body is too large", detail)
                .with("max_bytes", max),
            Fault::TooSlow => Self::new(status, "too_slow", "The body took too long", detail),
            Fault::Broken => Self::bad_request(detail),
            Fault::NoRoom => Self::new(status, "no_room", "Not just now", detail)
                .retry_after(AGAIN_AFTER_SECONDS),
        }
    }
}

/// Reads a body of at most `max` bytes.
///
/// # Errors
/// [`Fault`]. One that is declared too long, or for which there is no room, is refused before a byte of it is read.
pub async fn read(body: Body, max: usize, budget: &Budget) -> Result<Arrived, Fault> {
    read_within(body, max, budget, WITHIN).await
}

/// The same, with another limit on how long it may take.
async fn read_within(
    body: Body,
    max: usize,
    budget: &Budget,
    within: Duration,
) -> Result<Arrived, Fault> {
    // The lower bound is the Content-Length; without one there is no upper bound, and it may become as long as allowed.
    let declared = body.size_hint();
    if declared.lower() > max as u64 {
        return Err(Fault::TooLarge(max));
    }
    let length = declared
        .upper()
        .and_then(|upper| usize::try_from(upper).ok())
        .map_or(max, |upper| upper.min(max));
    let part = budget.part(length)?;
    match tokio::time::timeout(within, to_bytes(body, max)).await {
        Ok(Ok(bytes)) => Ok(Arrived { bytes, _part: part }),
        Ok(Err(fault)) if is_too_large(&fault) => Err(Fault::TooLarge(max)),
        Ok(Err(_)) => Err(Fault::Broken),
        Err(_) => Err(Fault::TooSlow),
    }
}

fn is_too_large(fault: &axum::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(fault);
    while let Some(fault) = cause {
        if fault.is::<http_body_util::LengthLimitError>() {
            return true;
        }
        cause = fault.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use axum::body::HttpBody;
    use axum::http::header;
    use axum::response::IntoResponse as _;
    use hyper::body::{Frame, SizeHint};

    use super::*;

    const KIB: usize = 1024;
    const SHORT: Duration = Duration::from_millis(30);

    /// A body of which nothing ever arrives.
    struct Never {
        declared: Option<u64>,
    }

    impl HttpBody for Never {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Pending
        }

        fn size_hint(&self) -> SizeHint {
            self.declared
                .map_or_else(SizeHint::default, SizeHint::with_exact)
        }
    }

    fn never(declared: Option<usize>) -> Body {
        let declared = declared.map(|bytes| bytes as u64);
        Body::new(Never { declared })
    }

    /// What becomes of a body of which nothing ever arrives.
    async fn fault(declared: Option<usize>, max: usize, budget: &Budget) -> Fault {
        let read = read_within(never(declared), max, budget, SHORT);
        read.await.expect_err("nothing arrived")
    }

    #[tokio::test]
    async fn a_body_of_which_nothing_comes_is_given_up() {
        let budget = Budget::default();
        for declared in [None, Some(1), Some(KIB)] {
            assert_eq!(fault(declared, KIB, &budget).await, Fault::TooSlow);
        }
    }

    #[tokio::test]
    async fn a_body_that_is_too_long_is_refused_by_what_it_declares_or_by_what_comes() {
        let budget = Budget::default();
        let too_large = Fault::TooLarge(KIB);
        assert_eq!(fault(Some(KIB + 1), KIB, &budget).await, too_large);
        let piece = || Ok::<_, Infallible>(Bytes::from(vec![b'a'; KIB]));
        let undeclared = |pieces: usize| {
            let pieces: Vec<_> = std::iter::repeat_with(piece).take(pieces).collect();
            Body::from_stream(futures_util::stream::iter(pieces))
        };
        let read = async |pieces| read(undeclared(pieces), KIB, &budget).await;
        assert_eq!(read(1).await.expect("it fits").bytes.len(), KIB);
        assert_eq!(read(2).await.expect_err("too long"), too_large);
    }

    #[tokio::test]
    async fn long_bodies_share_a_budget_and_short_ones_need_none() {
        let (budget, max) = (Budget::of(200 * KIB), 150 * KIB);
        let long = || Body::from(vec![b'a'; 120 * KIB]);
        let held = read(long(), max, &budget).await.expect("room for one");
        assert_eq!(fault(Some(120 * KIB), max, &budget).await, Fault::NoRoom);
        // It may become as long as allowed.
        assert_eq!(fault(None, max, &budget).await, Fault::NoRoom);
        assert_eq!(fault(None, FREE_BYTES, &budget).await, Fault::TooSlow);
        let short = Body::from(vec![b'a'; FREE_BYTES]);
        read(short, max, &budget).await.expect("it needs no room");
        drop(held);
        // Whoever is given up gives back.
        for declared in [Some(120 * KIB), None, Some(120 * KIB)] {
            assert_eq!(fault(declared, max, &budget).await, Fault::TooSlow);
        }
        read(long(), max, &budget).await.expect("room again");
    }

    #[test]
    fn whoever_finds_no_room_is_told_when_to_come_again() {
        let answer = Problem::from(Fault::NoRoom).into_response();
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.headers()[header::RETRY_AFTER], "2");
    }
}

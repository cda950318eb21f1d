//! Where providers knock: verify, parse, route, and answer 2xx only after the commit.
//!
//! A request without a signature is turned away before its body is read, and the signature is checked over the raw
//! body before anything in it is read. A body that is signed and not understood is kept raw for people and answered
//! 2xx: sending it again would not make it clearer.

use std::fmt::Display;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use tracing::{Instrument as _, Span};

use super::Doors;
use super::body::{self, Arrived};
use super::problem::Problem;
use crate::channel::{Arrival, TurnedAway, Webhook};
use crate::conversation::decision::Answer;
use crate::conversation::message::Medium;
use crate::ids::ChannelName;
use crate::metrics::{ParkCause, WebhookRefusal};
use crate::runtime::{Retried, Unavailable, blocking};
use crate::store::Parked;
use crate::trace;

/// How often at most a webhook of one medium that was turned away is told above DEBUG: strangers decide how many there are, and the
/// metric counts them all.
const TELL_EVERY: Duration = Duration::from_secs(1);
/// The most of a channel's name that is told where none is configured.
const NAME_CHARS_MAX: usize = 64;

/// What a kept webhook is parked as.
pub const PARKED: &str = "webhook";

/// The routes of this room. The doors are shared as one: axum clones a route's state several times per request, and
/// each clone of the doors themselves would count up and down five counters that all threads share.
pub fn routes<S: Clone + Send + Sync + 'static>(doors: Arc<Doors>) -> Router<S> {
    Router::new()
        .route("/webhooks/{channel}", get(webhook).post(webhook))
        .route("/webhooks/{channel}/status", get(status).post(status))
        .route("/api/v1/messages", post(messages))
        .with_state(doors)
}

async fn webhook(
    State(doors): State<Arc<Doors>>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    answer(receive(&doors, &name, request, Door::Messages).await)
}

async fn status(
    State(doors): State<Arc<Doors>>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    answer(receive(&doors, &name, request, Door::Reports).await)
}

fn answer(done: Result<Response, Problem>) -> Response {
    done.unwrap_or_else(IntoResponse::into_response)
}

/// Which of a channel's two routes was knocked at.
#[derive(Clone, Copy)]
enum Door {
    Messages,
    Reports,
}

/// A request, read whole.
struct Whole {
    method: Method,
    path_and_query: String,
    headers: HeaderMap,
    body: Arrived,
}

impl Whole {
    async fn read(doors: &Doors, medium: Medium, request: Request) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let path_and_query = parts
            .uri
            .path_and_query()
            .map_or_else(String::new, |at| at.as_str().to_owned());
        let limits = &doors.limits;
        let body = body::read(body, limits.body_bytes_max, &limits.bodies).await;
        let body = body.inspect_err(|fault| match fault {
            body::Fault::NoRoom => doors
                .metrics
                .webhook_rejected(medium, WebhookRefusal::Overload),
            body::Fault::TooLarge(_) | body::Fault::TooSlow | body::Fault::Broken => {}
        })?;
        Ok(Self {
            method: parts.method,
            path_and_query,
            headers: parts.headers,
            body,
        })
    }

    fn as_webhook(&self) -> Webhook<'_> {
        Webhook {
            method: &self.method,
            path_and_query: &self.path_and_query,
            headers: &self.headers,
            body: &self.body.bytes,
        }
    }
}

async fn receive(
    doors: &Doors,
    name: &str,
    request: Request,
    door: Door,
) -> Result<Response, Problem> {
    let Some(instance) = doors.channels.find(name) else {
        doors
            .metrics
            .webhook_rejected(Medium::Other, WebhookRefusal::Unknown);
        // Quoted: strangers choose it, and a line of the log is one line.
        let name: String = name.chars().take(NAME_CHARS_MAX).collect();
        tell(
            Medium::Other,
            format_args!("no channel {name:?} is configured"),
        );
        return Err(Problem::not_found("no channel of this name is configured"));
    };
    let began = crate::clock::monotonic();
    let channel = &instance.channel;
    let medium = doors.runtime.policy().channel_rules(channel.name()).medium;
    // Whoever does not even claim to be the provider makes us keep nothing.
    let admitted = channel.admit(request.headers());
    admitted.map_err(|why| turn_away(doors, medium, &why))?;
    let whole = Whole::read(doors, medium, request).await?;
    let parsed = match door {
        Door::Messages => channel.parse(&whole.as_webhook()),
        Door::Reports => channel.parse_status(&whole.as_webhook()),
    };
    let (content_type, body) = channel.acknowledgement();
    match parsed {
        Ok(arrivals) => {
            let route = match door {
                Door::Messages => "/webhooks/{channel}",
                Door::Reports => "/webhooks/{channel}/status",
            };
            let span = trace::webhook(route, name, medium.as_str(), &whole.headers);
            let delivered = deliver(doors, medium, arrivals);
            let delivered = delivered.instrument(span.clone()).await;
            told(&span, delivered)?;
            doors.metrics.ingress(medium, began.elapsed());
        }
        Err(TurnedAway::Unparseable(why)) => {
            keep_raw(doors, name, medium, &whole.body.bytes, why).await?
        }
        Err(turned_away) => return Err(turn_away(doors, medium, &turned_away)),
    }
    Ok(([(header::CONTENT_TYPE, content_type)], body).into_response())
}

/// What was done, once its span says how it ended.
fn told<T>(span: &Span, done: Result<T, Problem>) -> Result<T, Problem> {
    let status = done
        .as_ref()
        .map_or_else(Problem::status, |_| StatusCode::OK);
    trace::answered(span, status.as_u16());
    done
}

/// Hands over what arrived, in order; the last answer is for whoever sent a single message. A customer who writes too
/// often keeps the others of the same request from nothing: they are delivered, and are duplicates if it is repeated.
async fn deliver(
    doors: &Doors,
    medium: Medium,
    arrivals: Vec<Arrival>,
) -> Result<Option<Answer>, Problem> {
    let unavailable = |fault| refused(doors, medium, fault);
    let (mut last, mut too_often) = (None, None);
    for arrival in arrivals {
        match arrival {
            Arrival::Message(inbound) => {
                let (medium, channel) = (inbound.medium, &inbound.channel);
                let customer = || {
                    doors
                        .runtime
                        .conversation_id(channel, &inbound.from.address)
                };
                if let Err(refusal) = doors.rates.customer(customer) {
                    too_often = Some(refusal);
                    continue;
                }
                let answer = doors.runtime.deliver(inbound).await.map_err(unavailable)?;
                if answer == Answer::Duplicate {
                    doors.metrics.inbound_duplicate(medium);
                }
                last = Some(answer);
            }
            Arrival::FromUs(inbound) => {
                let answer = doors.runtime.deliver_from_us(inbound).await;
                last = Some(answer.map_err(unavailable)?);
            }
            Arrival::Report(report) => {
                let answer = doors.runtime.report(medium, report).await;
                last = Some(answer.map_err(unavailable)?);
            }
            Arrival::Ignored(why) => tracing::debug!(why, "nothing for us"),
        }
    }
    too_often.map_or(Ok(last), |refusal| Err(refusal.into()))
}

fn refused(doors: &Doors, medium: Medium, fault: Unavailable) -> Problem {
    doors
        .metrics
        .webhook_rejected(medium, WebhookRefusal::Overload);
    Problem::from(fault)
}

async fn keep_raw(
    doors: &Doors,
    name: &str,
    medium: Medium,
    body: &Bytes,
    why: String,
) -> Result<(), Problem> {
    tracing::error!(
        channel = name,
        why,
        "a signed webhook is not understood; its body is kept for people"
    );
    doors
        .metrics
        .webhook_rejected(medium, WebhookRefusal::Malformed);
    let (store, at, origin, raw) = (
        doors.runtime.store().clone(),
        doors.runtime.now(),
        name.to_owned(),
        body.clone(),
    );
    let kept = blocking(move || Ok(store.park(PARKED, &origin, &raw, &why, at)?)).await;
    kept.map(|_| doors.metrics.parked(ParkCause::Unparsed))
        .map_err(|_| Problem::from(Unavailable::Unread))
}

/// Reads a kept body once more, and hands over what it says.
///
/// # Errors
/// What whoever sent it would have been told: it stays parked.
pub async fn retry(doors: &Doors, parked: &Parked) -> Result<Retried, Problem> {
    let Some(instance) = doors.channels.find(&parked.origin) else {
        let why = format!("no channel `{}` is configured any more", parked.origin);
        return Ok(Retried::Failed(why));
    };
    match instance.channel.parse_kept(&parked.raw) {
        Ok(arrivals) => {
            let rules = doors.runtime.policy();
            let medium = rules.channel_rules(instance.channel.name()).medium;
            deliver(doors, medium, arrivals).await?;
            Ok(Retried::Done)
        }
        Err(TurnedAway::Unparseable(why)) => Ok(Retried::Failed(why)),
        Err(
            other @ (TurnedAway::Unsigned(_)
            | TurnedAway::BadSignature(_)
            | TurnedAway::ContentType { .. }
            | TurnedAway::Invalid(_)),
        ) => Ok(Retried::Failed(other.to_string())),
    }
}

fn turn_away(doors: &Doors, medium: Medium, why: &TurnedAway) -> Problem {
    let (status, code, cause) = match why {
        TurnedAway::Unsigned(_) => (
            StatusCode::UNAUTHORIZED,
            "unsigned",
            WebhookRefusal::Signature,
        ),
        TurnedAway::BadSignature(_) => (
            StatusCode::FORBIDDEN,
            "bad_signature",
            WebhookRefusal::Signature,
        ),
        TurnedAway::ContentType { .. } => (
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "content_type",
            WebhookRefusal::Malformed,
        ),
        TurnedAway::Unparseable(_) | TurnedAway::Invalid(_) => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "not_understood",
            WebhookRefusal::Malformed,
        ),
    };
    doors.metrics.webhook_rejected(medium, cause);
    tell(medium, why);
    Problem::new(status, code, "The webhook was turned away", why.to_string())
}

fn tell(medium: Medium, why: impl Display) {
    static TOLD: Mutex<Told> = Mutex::new([None; Medium::ALL.len()]);
    // Whoever finds it locked is not the first of this second, or nearly so.
    let due = TOLD
        .try_lock()
        .is_ok_and(|mut told| is_due(&mut told, medium, crate::clock::monotonic()));
    let medium = medium.as_str();
    if due {
        tracing::info!(medium, %why, "a webhook was turned away");
    } else {
        tracing::debug!(medium, %why, "a webhook was turned away");
    }
}

/// When each medium was last told of: a stranger at one must not hide the trouble of another.
type Told = [Option<Instant>; Medium::ALL.len()];

fn is_due(told: &mut Told, medium: Medium, now: Instant) -> bool {
    let told = &mut told[medium as usize];
    let due = told.is_none_or(|told| now.saturating_duration_since(told) >= TELL_EVERY);
    if due {
        *told = Some(now);
    }
    due
}

/// Any other gateway: our own user's token instead of a provider's signature, and a JSON answer.
async fn messages(State(doors): State<Arc<Doors>>, request: Request) -> Response {
    answer(receive_message(&doors, request).await)
}

async fn receive_message(doors: &Doors, request: Request) -> Result<Response, Problem> {
    let began = crate::clock::monotonic();
    let turned_away = |why: TurnedAway| turn_away(doors, Medium::Http, &why);
    let door = doors.channels.http_door();
    // A token is not over the body as a signature is, so nobody else's body is read at all.
    door.admit(request.headers()).map_err(turned_away)?;
    let whole = Whole::read(doors, Medium::Http, request).await?;
    let arrivals = door.parse(&whole.as_webhook()).map_err(turned_away)?;
    // It was the right one, or nothing would have arrived.
    if let Some(token) = whole.headers.get(header::AUTHORIZATION) {
        doors.rates.token(token.as_bytes())?;
    }
    let conversation = arrivals.iter().find_map(|arrival| match arrival {
        Arrival::Message(inbound) | Arrival::FromUs(inbound) => Some(
            doors
                .runtime
                .conversation_id(&inbound.channel, &inbound.from.address),
        ),
        Arrival::Report(_) | Arrival::Ignored(_) => None,
    });
    let instance = arrivals.iter().find_map(channel_of);
    let instance = instance.map_or("", ChannelName::as_str);
    let medium = Medium::Http.as_str();
    let span = trace::webhook("/api/v1/messages", instance, medium, &whole.headers);
    let delivered = deliver(doors, Medium::Http, arrivals);
    let delivered = delivered.instrument(span.clone()).await;
    let last = told(&span, delivered)?;
    doors.metrics.ingress(Medium::Http, began.elapsed());
    let status = if last == Some(Answer::Duplicate) {
        "duplicate"
    } else {
        "accepted"
    };
    let body = serde_json::json!({ "status": status, "conversation": conversation.map(|id| id.to_string()) });
    Ok(axum::Json(body).into_response())
}

fn channel_of(arrival: &Arrival) -> Option<&ChannelName> {
    match arrival {
        Arrival::Message(inbound) | Arrival::FromUs(inbound) => Some(&inbound.channel),
        Arrival::Report(_) | Arrival::Ignored(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_strangers_is_told_once_a_second() {
        let (mut told, began) = (Told::default(), crate::clock::monotonic());
        let mut heard = |medium, ms| is_due(&mut told, medium, began + Duration::from_millis(ms));
        let http: Vec<_> = (0..2_500).filter(|ms| heard(Medium::Http, *ms)).collect();
        assert_eq!(http, [0, 1_000, 2_000]);
        assert!(
            heard(Medium::Whatsapp, 2_500),
            "another medium is not hidden"
        );
    }
}

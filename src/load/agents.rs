//! People: they see who waits on the event stream, claim, reply, and give back or resolve, all through the agent API.
//!
//! One of them reads the stream for all; a conversation that came to wait is taken up by the next who is free. Every
//! one has a token of their own and one conversation at a time. They touch no conversation but those of the run's own customers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::http::StatusCode;
use futures_util::StreamExt as _;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;

use super::LoadError;
use super::arrivals::Chance;
use super::book::When;
use super::customers::reply;
use super::faults::Weather;
use super::pace::{Shared, open};
use super::plan::Staff;
use super::target::Target;
use crate::clock::monotonic;
use crate::model::sse::Decoder;
use crate::secret::Secret;

/// Conversations that wait to be taken up by one of ours; more are found again by looking at the list.
const LINE_MAX: usize = 10_000;
/// How long to wait before the stream is opened again.
const PAUSE: Duration = Duration::from_millis(200);
/// How often somebody replies again when the customer wrote meanwhile.
const REPLIES_MAX: usize = 5;
/// The longest an act may take.
const ACT_WITHIN: Duration = Duration::from_secs(30);
/// How often an act is tried again that was not answered, or answered with 5xx; after [`AGAIN_AFTER`] each time. The
/// key that each carries makes that harmless.
const AGAIN_MAX: usize = 20;
const AGAIN_AFTER: Duration = Duration::from_millis(500);

/// What the agents need to know.
struct Desk {
    client: reqwest::Client,
    target: Arc<Target>,
    book: Shared,
    staff: Staff,
    weather: Arc<Weather>,
    replies: AtomicU64,
    /// Acts so far: each has a key of its own.
    acts: AtomicU64,
    stop: CancellationToken,
}

#[derive(Deserialize)]
struct Seen {
    id: String,
    mode: String,
    customer: Address,
}

#[derive(Deserialize)]
struct Address {
    address: String,
}

#[derive(Deserialize, Default)]
struct Done {
    owner_epoch: Option<u64>,
    in_flight: Option<Vec<InFlight>>,
    entry: Option<u64>,
}

#[derive(Deserialize)]
struct InFlight {
    message: String,
}

/// A conversation that waits.
struct Ticket {
    id: String,
    customer: u64,
}

/// Sets them to work until `stop`. In a runtime.
///
/// # Errors
/// When there is no client to be had.
pub fn start(
    tokens: &[Secret],
    (target, book): (Arc<Target>, Shared),
    (staff, weather): (Staff, Arc<Weather>),
    mut chance: Chance,
    stop: CancellationToken,
) -> Result<(), LoadError> {
    let Some(first) = tokens.first().cloned() else {
        return Ok(());
    };
    crate::model::install_crypto();
    let client = reqwest::Client::builder()
        .no_proxy()
        .connect_timeout(Duration::from_secs(5))
        .build()
        .map_err(|fault| LoadError::new(format!("no client: {fault}"), ""))?;
    let desk = Arc::new(Desk {
        client,
        target,
        book,
        staff,
        weather,
        replies: AtomicU64::new(0),
        acts: AtomicU64::new(0),
        stop: stop.clone(),
    });
    let (line, tickets) = mpsc::channel(LINE_MAX);
    let tickets = Arc::new(Mutex::new(tickets));
    for token in tokens {
        let (desk, token, tickets, chance) = (
            Arc::clone(&desk),
            token.clone(),
            Arc::clone(&tickets),
            chance.fork(),
        );
        let stop = stop.clone();
        tokio::spawn(async move {
            stop.run_until_cancelled(work(&desk, &token, &tickets, chance))
                .await;
        });
    }
    tokio::spawn(async move {
        stop.run_until_cancelled(watch(&desk, &first, &line)).await;
    });
    Ok(())
}

/// Reads the stream; opens it again whenever it ends.
async fn watch(desk: &Desk, token: &Secret, line: &mpsc::Sender<Ticket>) {
    loop {
        if let Err(why) = listen(desk, token, line).await {
            open(&desk.book).fault(format!("event stream: {why}"));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn listen(
    desk: &Desk,
    token: &Secret,
    line: &mpsc::Sender<Ticket>,
) -> Result<(), &'static str> {
    let url = format!("{}/api/v1/events", desk.target.base.url);
    let answer = desk
        .client
        .get(url)
        .bearer_auth(token.expose())
        .send()
        .await;
    let answer = answer.map_err(|_| "no connection")?;
    if !answer.status().is_success() {
        return Err("refused");
    }
    // Whatever came to wait while nobody listened.
    list(desk, token, line).await;
    let (mut decoder, mut bytes) = (Decoder::new(), answer.bytes_stream());
    while let Some(piece) = bytes.next().await {
        let piece = piece.map_err(|_| "broken")?;
        for event in decoder.feed(&piece).map_err(|_| "an event too long")? {
            match event.name.as_str() {
                "conversation" => {
                    let told: Value = serde_json::from_str(&event.data).unwrap_or_default();
                    see(desk, &told["conversation"], &told["entries"], line);
                }
                "reset" => list(desk, token, line).await,
                _ => {}
            }
        }
    }
    Err("ended")
}

/// Looks at the whole list.
async fn list(desk: &Desk, token: &Secret, line: &mpsc::Sender<Ticket>) {
    let mut cursor = String::new();
    loop {
        let url = format!(
            "{}/api/v1/conversations?limit=200{cursor}",
            desk.target.base.url
        );
        let request = desk
            .client
            .get(url)
            .bearer_auth(token.expose())
            .timeout(ACT_WITHIN);
        let Ok(answer) = request.send().await else {
            return;
        };
        let page: Value = answer.json().await.unwrap_or_default();
        for one in page["items"].as_array().into_iter().flatten() {
            see(desk, one, &Value::Null, line);
        }
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return,
        }
    }
}

/// Takes note of a conversation, if it is of one of our customers.
fn see(desk: &Desk, conversation: &Value, entries: &Value, line: &mpsc::Sender<Ticket>) {
    let now = monotonic();
    let Ok(seen) = Seen::deserialize(conversation) else {
        return;
    };
    let Some(customer) = desk.target.customer(&seen.customer.address) else {
        return;
    };
    let waits = seen.mode == "waiting";
    let mut book = open(&desk.book);
    let new = book.seen(customer, waits || seen.mode == "human", waits, now);
    for entry in entries.as_array().into_iter().flatten() {
        let mark = entry["message_id"]
            .as_str()
            .and_then(|id| desk.target.mark(id));
        if let Some(mark) = mark
            && (waits || seen.mode == "human")
        {
            book.left_to_people(customer, mark);
        }
    }
    drop(book);
    if new {
        let ticket = Ticket {
            id: seen.id,
            customer,
        };
        if line.try_send(ticket).is_err() {
            open(&desk.book).fault("a ticket nobody had room for".to_owned());
        }
    }
}

/// One person's day.
async fn work(
    desk: &Desk,
    token: &Secret,
    tickets: &Mutex<mpsc::Receiver<Ticket>>,
    mut chance: Chance,
) {
    loop {
        let ticket = tickets.lock().await.recv().await;
        let Some(ticket) = ticket else {
            return;
        };
        serve(desk, token, &ticket, &mut chance).await;
    }
}

async fn serve(desk: &Desk, token: &Secret, ticket: &Ticket, chance: &mut Chance) {
    let Some(claimed) = act(desk, token, &ticket.id, "claim", &json!({})).await else {
        return;
    };
    let named = claimed.in_flight.unwrap_or_default();
    let named = named.into_iter().map(|one| one.message).collect();
    open(&desk.book).claimed(ticket.customer, named, monotonic());
    if chance.is(desk.weather.vanish()) {
        // Whoever comes after them claims it anew when the house takes it from them.
        open(&desk.book).people.vanished += 1;
        return;
    }
    let resolves = chance.is(desk.staff.resolve);
    for _ in 0..REPLIES_MAX {
        let Some(entry) = write(desk, token, ticket, claimed.owner_epoch, chance).await else {
            break;
        };
        tokio::time::sleep(chance.exponential(desk.staff.think)).await;
        open(&desk.book).releasing(ticket.customer);
        if resolves {
            let done = resolve(desk, token, ticket).await;
            open(&desk.book).people.resolved += u64::from(done);
            return;
        }
        // Refused when the customer wrote after what we have answered: then they are answered first.
        let body = json!({"note": "The order was looked at and settled.", "seen": entry});
        if act(desk, token, &ticket.id, "handback", &body)
            .await
            .is_some()
        {
            open(&desk.book).people.handed_back += 1;
            return;
        }
    }
    open(&desk.book).releasing(ticket.customer);
    let _done = resolve(desk, token, ticket).await;
}

/// Whether it was done.
async fn resolve(desk: &Desk, token: &Secret, ticket: &Ticket) -> bool {
    let body = json!({"note": "settled"});
    act(desk, token, &ticket.id, "resolve", &body)
        .await
        .is_some()
}

/// Thinks, then replies; the reply's entry. The reply is intended for the moment at which thinking is over.
async fn write(
    desk: &Desk,
    token: &Secret,
    ticket: &Ticket,
    epoch: Option<u64>,
    chance: &mut Chance,
) -> Option<u64> {
    let at = monotonic() + chance.exponential(desk.staff.think);
    tokio::time::sleep(at.saturating_duration_since(monotonic())).await;
    let number = desk.replies.fetch_add(1, Ordering::Relaxed);
    {
        let mut book = open(&desk.book);
        let phase = book.phase();
        book.replying(number, When { at, phase });
    }
    let body = json!({"text": reply(number), "owner_epoch": epoch});
    let wrote = act(desk, token, &ticket.id, "reply", &body).await;
    if wrote.is_none() {
        open(&desk.book).not_replied(number);
    }
    wrote?.entry
}

/// One act; none when it was refused.
async fn act(desk: &Desk, token: &Secret, id: &str, what: &str, body: &Value) -> Option<Done> {
    let number = desk.acts.fetch_add(1, Ordering::Relaxed);
    let key = desk.target.key(number);
    for again in 0..=AGAIN_MAX {
        if again > 0 {
            open(&desk.book).people.again += 1;
            tokio::time::sleep(AGAIN_AFTER).await;
        }
        let url = format!("{}/api/v1/conversations/{id}/{what}", desk.target.base.url);
        let request = desk
            .client
            .post(url)
            .bearer_auth(token.expose())
            .header("idempotency-key", &key)
            .json(body)
            .timeout(ACT_WITHIN);
        match request.send().await {
            Ok(answer) if answer.status().is_success() => {
                return Some(answer.json().await.unwrap_or_default());
            }
            Ok(answer) if answer.status() == StatusCode::CONFLICT => {
                open(&desk.book).people.conflicts += 1;
                return None;
            }
            Ok(answer) if !answer.status().is_server_error() || again == AGAIN_MAX => {
                failed(desk, format!("{what}: status {}", answer.status().as_u16()));
                return None;
            }
            Err(_) if desk.stop.is_cancelled() => return None,
            Err(_) if again == AGAIN_MAX => {
                failed(desk, format!("{what}: no answer"));
                return None;
            }
            Ok(_) | Err(_) => {}
        }
    }
    None
}

fn failed(desk: &Desk, kind: String) {
    let mut book = open(&desk.book);
    book.people.errors += 1;
    book.fault(kind);
}

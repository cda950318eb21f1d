//! The built-in providers and the built-in model, on one address: whatever the server says ends here.
//!
//! Every path that a channel's own wire knows is its provider's; every path that ends in `/chat/completions` is the
//! model's. A provider writes down what it heard when the last byte of it was read, then takes its time, then answers.
//! They take a time and refuse as often as they were told to, by chance of the run's seed. Like real ones they report
//! deliveries; those webhooks come on top of the rate.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::LoadError;
use super::arrivals::Chance;
use super::book::{Said, Sound};
use super::customers::{marks, reply_number};
use super::faults::Weather;
use super::model;
use super::pace::{Shared, open};
use super::plan::{Behaviour, Plan};
use super::target::Target;
use super::wire::{Heard, Post};
use crate::clock::monotonic;

/// How long a delivery report may take.
const REPORT_WITHIN: Duration = Duration::from_secs(10);

/// What stands behind the address.
pub struct Providers {
    target: Arc<Target>,
    book: Shared,
    chance: Mutex<Chance>,
    behaviour: Behaviour,
    model: Behaviour,
    weather: Arc<Weather>,
    receipts: f64,
    client: reqwest::Client,
    asked: AtomicU64,
    heard: AtomicU64,
}

impl Providers {
    /// Serves them on `listener` until `stop`.
    ///
    /// # Errors
    /// When there is no client to be had.
    pub fn start(
        listener: TcpListener,
        (target, book): (Arc<Target>, Shared),
        (plan, weather): (&Plan, Arc<Weather>),
        chance: Chance,
        stop: CancellationToken,
    ) -> Result<Arc<Self>, LoadError> {
        crate::model::install_crypto();
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(REPORT_WITHIN)
            .build()
            .map_err(|fault| LoadError::new(format!("no client: {fault}"), ""))?;
        let providers = Arc::new(Self {
            target,
            book,
            chance: Mutex::new(chance),
            behaviour: plan.providers,
            model: plan.model,
            weather,
            receipts: plan.receipts,
            client,
            asked: AtomicU64::new(0),
            heard: AtomicU64::new(0),
        });
        let router = Router::new()
            .fallback(anything)
            .with_state(Arc::clone(&providers));
        tokio::spawn(async move {
            let served =
                axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
            // It ends with the run; an error here shows as messages that were never answered.
            let _ended = served.await;
        });
        Ok(providers)
    }

    /// Questions to the model so far, and calls to the providers.
    pub fn counted(&self) -> (u64, u64) {
        (
            self.asked.load(Ordering::Relaxed),
            self.heard.load(Ordering::Relaxed),
        )
    }

    /// How long to take, and whether to fail.
    fn draw(&self, behaviour: Behaviour) -> (Duration, bool) {
        let mut chance = self.chance.lock().unwrap_or_else(PoisonError::into_inner);
        let half = behaviour.latency / 2;
        (half + chance.exponential(half), chance.is(behaviour.errors))
    }

    fn is_reported(&self) -> bool {
        let mut chance = self.chance.lock().unwrap_or_else(PoisonError::into_inner);
        chance.is(self.receipts)
    }
}

/// Who said it. `echoes`: the AI names the messages that it answers.
pub fn said(heard: &Heard, echoes: bool) -> Said {
    if let Some(number) = reply_number(&heard.text) {
        return Said::Person(number);
    }
    let named: Vec<u64> = marks(&heard.text).collect();
    match heard.class.as_deref() {
        Some("ai") | None if !named.is_empty() => Said::Ai(named),
        // Without marks nobody but the channel's own word tells an answer from a notice.
        Some("ai") => Said::AiToAll,
        None if !echoes => Said::Either,
        Some(_) | None => Said::System,
    }
}

/// Reports a delivery, one state after the other.
async fn tell(all: Arc<Providers>, reports: Vec<Post>) {
    for Post {
        path,
        headers,
        body,
    } in reports
    {
        let url = format!("{}{path}", all.target.base.url);
        let request = all.client.post(url).body(body);
        let request = headers.into_iter().fold(request, |request, (name, value)| {
            request.header(name, value)
        });
        let kind = match request.send().await {
            Ok(answer) if answer.status().is_success() => continue,
            Ok(answer) => format!("delivery report: status {}", answer.status().as_u16()),
            Err(_) => "delivery report: no answer".to_owned(),
        };
        open(&all.book).fault(kind);
    }
}

/// Takes its time. Short waits are left out: a timer is no finer than a millisecond.
async fn take(long: Duration) {
    if long >= Duration::from_millis(1) {
        tokio::time::sleep(long).await;
    }
}

async fn anything(
    State(all): State<Arc<Providers>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let json = [(header::CONTENT_TYPE, "application/json")];
    if uri.path().ends_with("/chat/completions") {
        all.asked.fetch_add(1, Ordering::Relaxed);
        let (long, fails) = all.draw(all.weather.model(all.model));
        take(long).await;
        return match fails {
            true => (StatusCode::INTERNAL_SERVER_ERROR, json, model::FAILURE).into_response(),
            false => model::answer(&body),
        };
    }
    let now = monotonic();
    let Some((wire, heard)) = all.target.hear(uri.path(), &headers, &body) else {
        // Somebody else's customer, or an address that was configured wrongly: taken, so that nobody repeats it.
        return (StatusCode::NOT_FOUND, "no channel of this load").into_response();
    };
    all.heard.fetch_add(1, Ordering::Relaxed);
    let (long, fails) = all.draw(all.weather.providers(all.behaviour));
    if fails {
        take(long).await;
        let (status, body) = wire.refuse();
        return (status, json, body).into_response();
    }
    if let Some(customer) = all.target.customer(&heard.to) {
        let said = said(&heard, all.target.echoes);
        let sound = Sound {
            effect: &heard.effect,
            message: &heard.message,
            at: now,
            left: now,
        };
        open(&all.book).heard(customer, &said, &sound);
    }
    let (status, body) = wire.took(&heard);
    let wanted = all.is_reported();
    let reports = ["sent", "delivered"].into_iter().filter(|_| wanted);
    let reports: Vec<Post> = reports
        .filter_map(|state| wire.report(&heard, state))
        .collect();
    take(long).await;
    if !reports.is_empty() {
        tokio::spawn(tell(Arc::clone(&all), reports));
    }
    (status, json, body).into_response()
}

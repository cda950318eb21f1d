//! Where spans go: OTLP over HTTP (protobuf), in batches, from a thread of its own.
//!
//! It never holds anything up. At most [`WAITING_MAX`] ended spans wait to be exported; what comes beyond is lost and
//! counted. A collector that is down or refuses is told of once in the log, and once more when it works again. Redirects
//! are not followed: they would take the headers elsewhere. What OTLP's own variables (`OTEL_RESOURCE_ATTRIBUTES`, …)
//! say is taken into account by the library where the configuration says nothing.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{
    Protocol, SpanExporter as Otlp, WithExportConfig as _, WithHttpConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider, Span, SpanData,
    SpanExporter, SpanProcessor,
};
use tokio::runtime::Handle;

use crate::secret::Secret;

/// The most ended spans that wait for their export: some 2 MB, and what a busy second ends.
pub const WAITING_MAX: usize = 4_096;
/// The most spans in one request: some 300 KB.
const BATCH_MAX: usize = 512;
/// A batch that does not become full leaves after so long.
const EVERY: Duration = Duration::from_secs(2);
/// How long making a connection to the collector may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(3);
/// How long one export may take, with what the library repeats of it.
const EXPORT_WITHIN: Duration = Duration::from_secs(10);
/// How long a stop waits for the last spans to leave.
const STOP_WITHIN: Duration = Duration::from_secs(3);
/// The most of a collector's answer that is read: it says next to nothing.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

static TRACER: OnceLock<SdkTracer> = OnceLock::new();
static HEALTH: OnceLock<Arc<Health>> = OnceLock::new();

/// What spans are made by; none while nothing is exported.
pub(super) fn tracer() -> Option<&'static SdkTracer> {
    TRACER.get()
}

/// What became of the ended spans of this process.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Ended {
    /// The collector took them.
    pub exported: u64,
    /// Lost: the collector did not take them.
    pub failed: u64,
    /// Lost: too many waited already.
    pub full: u64,
}

impl Ended {
    fn lost(self) -> u64 {
        self.failed + self.full
    }
}

/// What became of the spans so far; all zero while nothing is exported.
pub fn ended() -> Ended {
    HEALTH.get().map_or(Ended::default(), |health| health.sum())
}

/// Where to, and what.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The whole address that spans are posted to.
    pub endpoint: String,
    /// Headers of every export.
    pub headers: Vec<(String, Secret)>,
    /// The share of traces begun here that is kept, from 0 to 1. One that began elsewhere is kept if it was there.
    pub sample_ratio: f64,
    /// `service.name`.
    pub service_name: String,
    /// Whether traces of requests that have proved who they are from are continued.
    pub continue_inbound: bool,
}

/// Spans cannot be exported at all.
#[derive(Debug, thiserror::Error)]
pub enum Unbuilt {
    /// There is no HTTP client.
    #[error("the HTTP client cannot be made: {0}")]
    Client(#[source] reqwest::Error),
    /// The library does not take the settings.
    #[error("the exporter cannot be made: {0}")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
    /// There is no randomness.
    #[error("the system has no randomness")]
    Randomness,
    /// Spans are exported already.
    #[error("spans are exported already")]
    Twice,
}

/// The running export.
pub struct Export {
    provider: SdkTracerProvider,
    health: Arc<Health>,
}

impl Export {
    /// Begins to export; calls go out on the runtime of `handle`. Once in a process.
    ///
    /// # Errors
    /// [`Unbuilt`]; then nothing is exported and nothing else has changed.
    pub fn begin(settings: &Settings, handle: Handle) -> Result<Self, Unbuilt> {
        let health = Arc::<Health>::default();
        let headers = settings.headers.iter();
        let headers: HashMap<String, String> = headers
            .map(|(name, value)| (name.clone(), value.expose().to_owned()))
            .collect();
        let otlp = Otlp::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_http_client(Post::new(handle, Arc::clone(&health))?)
            .with_endpoint(settings.endpoint.clone())
            .with_timeout(EXPORT_WITHIN)
            .with_headers(headers)
            .build()?;
        let queue = BatchConfigBuilder::default()
            // Never the bound that counts: `Waiting` turns away before.
            .with_max_queue_size(2 * WAITING_MAX)
            .with_max_export_batch_size(BATCH_MAX)
            .with_scheduled_delay(EVERY)
            .build();
        let exporter = Watched {
            inner: otlp,
            health: Arc::clone(&health),
        };
        let waiting = Waiting {
            inner: BatchSpanProcessor::builder(exporter)
                .with_batch_config(queue)
                .build(),
            health: Arc::clone(&health),
        };
        let ratio = Sampler::TraceIdRatioBased(settings.sample_ratio);
        let provider = SdkTracerProvider::builder()
            .with_resource(resource(&settings.service_name)?)
            .with_sampler(Sampler::ParentBased(Box::new(ratio)))
            .with_span_processor(waiting)
            .build();
        TRACER
            .set(provider.tracer("segue"))
            .map_err(|_| Unbuilt::Twice)?;
        HEALTH
            .set(Arc::clone(&health))
            .map_err(|_| Unbuilt::Twice)?;
        super::switch_on(settings.continue_inbound);
        Ok(Self { provider, health })
    }

    /// Exports what has ended, within seconds. Waits: not for a thread of the runtime.
    pub fn stop(self) {
        // What could not leave in time is lost, and the log has said why.
        let _ = self.provider.shutdown_with_timeout(STOP_WITHIN);
        let lost = self.health.sum().lost();
        if lost > 0 {
            tracing::warn!(lost, "spans were lost since the start");
        }
    }
}

fn resource(service_name: &str) -> Result<Resource, Unbuilt> {
    let mut instance = [0; 8];
    getrandom::fill(&mut instance).map_err(|_| Unbuilt::Randomness)?;
    let instance = format!("{:016x}", u64::from_be_bytes(instance));
    Ok(Resource::builder()
        .with_service_name(service_name.to_owned())
        .with_attributes([
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            // Another one with each start, so that two runs are told apart.
            KeyValue::new("service.instance.id", instance),
        ])
        .build())
}

/// How the export is doing.
#[derive(Debug, Default)]
struct Health {
    /// Ended and neither exported nor lost.
    waiting: AtomicUsize,
    exported: AtomicU64,
    failed: AtomicU64,
    turned_away: AtomicU64,
    /// The last export failed, and that was told.
    failing: AtomicBool,
    /// Spans were turned away since the last export that worked, and that was told.
    full: AtomicBool,
    /// What the last call ended in, in words of ours.
    last: Mutex<String>,
}

impl Health {
    fn sum(&self) -> Ended {
        Ended {
            exported: self.exported.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            full: self.turned_away.load(Ordering::Relaxed),
        }
    }

    fn came(&self) -> bool {
        if self.waiting.fetch_add(1, Ordering::Relaxed) < WAITING_MAX {
            return true;
        }
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        self.turned_away.fetch_add(1, Ordering::Relaxed);
        if !self.full.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                waiting = WAITING_MAX,
                "more spans end than can be exported; what is too much is lost"
            );
        }
        false
    }

    fn left(&self, spans: usize, exported: bool) {
        self.waiting.fetch_sub(spans, Ordering::Relaxed);
        if exported {
            self.exported.fetch_add(spans as u64, Ordering::Relaxed);
            self.full.store(false, Ordering::Relaxed);
            if self.failing.swap(false, Ordering::Relaxed) {
                let lost = self.sum().lost();
                tracing::info!(lost, "spans are exported again");
            }
            return;
        }
        self.failed.fetch_add(spans as u64, Ordering::Relaxed);
        if !self.failing.swap(true, Ordering::Relaxed) {
            let why = self.last.lock();
            let why = why.unwrap_or_else(PoisonError::into_inner).clone();
            tracing::warn!(
                why,
                "spans cannot be exported; they are lost until it works again"
            );
        }
    }

    fn ended(&self, how: impl Into<String>) {
        let last = self.last.lock();
        *last.unwrap_or_else(PoisonError::into_inner) = how.into();
    }
}

/// Lets spans through to the batches as long as there is room.
#[derive(Debug)]
struct Waiting {
    inner: BatchSpanProcessor,
    health: Arc<Health>,
}

impl SpanProcessor for Waiting {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.inner.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() && self.health.came() {
            self.inner.on_end(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

/// Looks at what becomes of each batch.
#[derive(Debug)]
struct Watched<E> {
    inner: E,
    health: Arc<Health>,
}

impl<E: SpanExporter> SpanExporter for Watched<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let done = self.inner.export(batch).await;
        self.health.left(spans, done.is_ok());
        done
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

/// The HTTP of the export. The library calls from a thread without a runtime; the work is done on ours.
#[derive(Debug)]
struct Post {
    client: reqwest::Client,
    runtime: Handle,
    health: Arc<Health>,
}

impl Post {
    fn new(runtime: Handle, health: Arc<Health>) -> Result<Self, Unbuilt> {
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_WITHIN)
            .timeout(EXPORT_WITHIN)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .user_agent(concat!("segue/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|fault| Unbuilt::Client(fault.without_url()))?;
        Ok(Self {
            client,
            runtime,
            health,
        })
    }
}

#[async_trait]
impl HttpClient for Post {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let call = exchange(self.client.clone(), request);
        match self.runtime.spawn(call).await {
            Ok(Ok(answer)) => {
                self.health
                    .ended(format!("http {}", answer.status().as_u16()));
                Ok(answer)
            }
            Ok(Err(fault)) => {
                let how = broken(&fault);
                self.health.ended(how);
                Err(how.into())
            }
            Err(_stopped) => {
                self.health.ended("the runtime has stopped");
                Err("the runtime has stopped".into())
            }
        }
    }
}

async fn exchange(
    client: reqwest::Client,
    request: Request<Bytes>,
) -> Result<Response<Bytes>, reqwest::Error> {
    let mut answer = client.execute(request.try_into()?).await?;
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await? {
        let room = ANSWER_BYTES_MAX - body.len();
        body.extend_from_slice(&piece[..piece.len().min(room)]);
        if body.len() == ANSWER_BYTES_MAX {
            break;
        }
    }
    let mut told = Response::new(Bytes::from(body));
    *told.status_mut() = answer.status();
    *told.headers_mut() = std::mem::take(answer.headers_mut());
    Ok(told)
}

/// Never reqwest's own words: they carry the address.
fn broken(fault: &reqwest::Error) -> &'static str {
    if fault.is_connect() {
        "cannot connect to the collector"
    } else if fault.is_timeout() {
        "the collector did not answer in time"
    } else {
        "the connection to the collector broke"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_is_turned_away_and_counted() {
        let health = Health::default();
        let came = (0..WAITING_MAX + 3).filter(|_| health.came()).count();
        assert_eq!(came, WAITING_MAX);
        let ended = |exported, failed, full| Ended {
            exported,
            failed,
            full,
        };
        assert_eq!(health.sum(), ended(0, 0, 3));
        health.left(2, true);
        assert!(health.came() && health.came() && !health.came());
        health.left(10, false);
        assert_eq!(health.sum(), ended(2, 10, 4));
        assert_eq!(health.sum().lost(), 14);
        assert!(health.failing.load(Ordering::Relaxed));
        health.left(1, true);
        assert!(!health.failing.load(Ordering::Relaxed));
    }
}

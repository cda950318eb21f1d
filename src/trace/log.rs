//! The log: one line an event, for people or as JSON, on standard error; its level can change while it runs.
//!
//! A line that is written within a span that is exported also says its trace's id, so that the two are found from each
//! other (not on a terminal). Spans themselves are context of lines at DEBUG.

use std::fmt;
use std::io::IsTerminal as _;
use std::sync::OnceLock;

use opentelemetry::trace::TraceContextExt as _;
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::format::{Format, Json, JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, Registry};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, reload};

use super::{TARGET, export, is_on};

/// The variable that names what is logged, in the filter language of `tracing`; it goes before the configuration.
pub const VARIABLE: &str = "SEGUE_LOG";

/// A further layer beside the lines.
pub type Boxed = Box<dyn Layer<Registry> + Send + Sync>;

/// The level's handle, where the configuration decides it.
static LEVEL: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

/// Begins to log. Call it once, after [`export::Export::begin`] if spans are exported. `beside`: who else hears of errors
/// and warnings.
pub fn begin(json: bool, level: &str, beside: Vec<Boxed>) {
    let named = EnvFilter::try_from_env(VARIABLE).ok();
    let fixed = named.is_some();
    let (filter, handle) = reload::Layer::new(named.unwrap_or_else(|| filter(level)));
    if !fixed {
        // Set once, by the one who begins.
        let _ = LEVEL.set(handle);
    }
    // Colours are for eyes: in a file or a collector they are noise. NO_COLOR is whoever's wish not to see any.
    let wanted = std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(wanted && std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let lines: Boxed = if json {
        let format = Traced(Format::default().json());
        let lines = lines.fmt_fields(JsonFields::new()).event_format(format);
        lines.with_filter(filter).boxed()
    } else {
        lines
            .event_format(Traced(Format::default()))
            .with_filter(filter)
            .boxed()
    };
    let mut layers = vec![lines];
    // Unfiltered they would switch on everything that is off.
    let loud = |layer: Boxed| layer.with_filter(LevelFilter::WARN).boxed();
    layers.extend(beside.into_iter().map(loud));
    layers.extend(spans());
    // Whoever began before us logs on.
    let _ = tracing_subscriber::registry().with(layers).try_init();
}

/// Logs from `level` on, from now on. False: [`VARIABLE`] decides it, or nothing is logged.
pub fn set_level(level: &str) -> bool {
    LEVEL
        .get()
        .is_some_and(|handle| handle.reload(filter(level)).is_ok())
}

/// The actors' library wraps each actor into a span that lasts as long as it: half a KiB, and noise on every line.
fn filter(level: &str) -> EnvFilter {
    match level {
        "info" | "debug" => EnvFilter::new(format!("{level},ractor=warn")),
        _ => EnvFilter::new(level),
    }
}

/// Hands our spans, and what goes wrong in them, to the export.
fn spans() -> Option<Boxed> {
    let tracer = export::tracer()?.clone();
    let ours = filter_fn(|what| {
        if what.is_span() {
            what.target() == TARGET
        } else {
            *what.level() <= Level::WARN && what.target().starts_with("segue")
        }
    });
    let layer = tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_level(false)
        .with_tracked_inactivity(false)
        // Whoever asks for the current span asks `tracing`.
        .with_context_activation(false)
        .with_filter(ours.with_max_level_hint(LevelFilter::DEBUG));
    Some(layer.boxed())
}

/// The id of the trace in which this is called, if it is one that is exported.
fn trace_id() -> Option<String> {
    if !is_on() {
        return None;
    }
    let span = Span::current();
    if span.is_none() {
        return None;
    }
    let context = span.context();
    let span = context.span();
    let found = span.span_context();
    (found.is_valid() && found.is_sampled()).then(|| found.trace_id().to_string())
}

/// A format that adds the trace's id.
struct Traced<F>(F);

impl<S, N> FormatEvent<S, N> for Traced<Format<Json>>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let Some(id) = trace_id() else {
            return self.0.format_event(context, writer, event);
        };
        let mut line = String::new();
        self.0
            .format_event(context, Writer::new(&mut line), event)?;
        match line.strip_prefix('{') {
            Some(rest) => write!(writer, "{{\"trace_id\":\"{id}\",{rest}"),
            None => writer.write_str(&line),
        }
    }
}

impl<S, N> FormatEvent<S, N> for Traced<Format>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let id = if writer.has_ansi_escapes() {
            None
        } else {
            trace_id()
        };
        let Some(id) = id else {
            return self.0.format_event(context, writer, event);
        };
        let mut line = String::new();
        self.0
            .format_event(context, Writer::new(&mut line), event)?;
        writeln!(writer, "{} trace_id={id}", line.trim_end_matches('\n'))
    }
}

//! What a span costs: where nobody looks (the usual case), and where all of them are exported.
//!
//! The collector is nobody: what is exported is made, batched and then lost, which costs the thread of the export and not
//! whoever makes a span.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use segue::ids::ConversationId;
use segue::trace::export::{Export, Settings};
use segue::trace::{self, Cause};

const ID: ConversationId = ConversationId::from_bytes([7; 16]);

/// What the keeper makes of every event.
fn event() {
    let cause = Cause::here();
    let waited = Duration::from_millis(1);
    let span = trace::event(
        black_box(&ID),
        "whatsapp",
        "ai",
        "customer_wrote",
        waited,
        &cause,
    );
    let _within = span.enter();
    let facts = ["customer_wrote", "model_asked"];
    trace::decided(&span, "accepted", "ai", facts.into_iter());
    let held = trace::held();
    black_box(Cause::of(&held));
}

fn spans(criterion: &mut Criterion) {
    trace::log::begin(false, "info", Vec::new());
    criterion.bench_function("the span of an event, nobody looks", |bench| {
        bench.iter(event);
    });
}

fn exported(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let settings = Settings {
        endpoint: "http://127.0.0.1:9/v1/traces".to_owned(),
        headers: Vec::new(),
        sample_ratio: std::env::var("SEGUE_BENCH_RATIO")
            .ok()
            .and_then(|ratio| ratio.parse().ok())
            .unwrap_or(1.0),
        service_name: "bench".to_owned(),
        continue_inbound: false,
    };
    segue::channel::carrier::install_crypto();
    let export = Export::begin(&settings, runtime.handle().clone()).expect("it begins");
    trace::log::begin(false, "error", Vec::new());
    criterion.bench_function("the span of an event, exported", |bench| {
        bench.iter(event);
    });
    export.stop();
}

/// The log can begin once in a process, so each is asked for in one of its own.
fn either(criterion: &mut Criterion) {
    if std::env::var_os("SEGUE_BENCH_RATIO").is_some() {
        exported(criterion);
    } else {
        spans(criterion);
    }
}

criterion_group!(benches, either);
criterion_main!(benches);

//! WATCHING: every figure that Prometheus sees, counted once and in one place.
//!
//! ```text
//!  committed trail ──▶ Metrics::committed ──▶ funnel, AI, channels        (counters agree with the trail)
//!  runtime, store, edges ──▶ direct methods ──▶ doors, actors, commits    (what no trail tells)
//!  Sight::figures ──▶ Metrics::render ──▶ gauges, then the text           (how things stand, when somebody looks)
//! ```
//!
//! Every handle is made at the start for every combination of labels, at zero: fast, bounded, and the first event of a
//! series is not lost to `increase()`. The recorder is this struct's own, never the process's. Nothing here decides,
//! waits, or carries a conversation, a person or an address in a label. [`Metrics::committed`] is for fresh commits
//! only: recovery must not count history again.

mod ai;
pub mod catalogue;
mod channels;
mod committed;
mod duel;
mod funnel;
mod gauges;
pub mod labels;
mod machine;
mod process;
mod register;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ::metrics::Counter;
use metrics_exporter_prometheus::PrometheusHandle;

pub use self::ai::InFlight;
pub use self::catalogue::{FAMILIES, Family, Kind, ON_SIGHT, PROCESS};
pub use self::gauges::{ByMode, Figures, OutboxFigure, QueueFigure, RecoveryFigure, Sight};
pub use self::labels::{
    AgentState, CommitFault, MailboxRefusal, ModelLabel, Names, Passivation, RateLimit, Reloaded,
    SlotState, Source, WebhookRefusal,
};
pub use self::process::Usage as ProcessUsage;

use self::ai::Ai;
use self::channels::Channels;
use self::duel::DuelWatch;
use self::funnel::Funnel;
use self::gauges::Gauges;
use self::labels::InboundKind;
use self::machine::Machine;
use self::register::Register;
use crate::conversation::message::{Medium, ReportState};

/// The version of this build.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The commit of this build, where whoever built it said so in `SEGUE_COMMIT`.
pub const COMMIT: &str = match option_env!("SEGUE_COMMIT") {
    Some(commit) => commit,
    None => "unknown",
};

/// All handles. Share it behind an `Arc`; every method may be called from any thread and none waits, but for the two
/// that render or drain.
#[derive(Debug)]
pub struct Metrics {
    funnel: Funnel,
    ai: Ai,
    channels: Channels,
    machine: Machine,
    gauges: Gauges,
    duels: DuelWatch,
    register: Register,
    handle: PrometheusHandle,
    /// One scrape at a time: setting the gauges and rendering them belong together.
    scrape: Mutex<()>,
}

impl Metrics {
    /// Makes every handle, with labels for `names` and everything else folded to `other`.
    pub fn new(names: &Names) -> Self {
        let register = Register::new();
        let r = &register;
        let overflows: Counter = r.counter(&catalogue::LABEL_OVERFLOWS, &[]);
        r.gauge(&catalogue::BUILD_INFO, &[VERSION, COMMIT]).set(1.0);
        let metrics = Self {
            funnel: Funnel::new(r),
            ai: Ai::new(r, &names.models, overflows.clone()),
            channels: Channels::new(r),
            machine: Machine::new(r),
            gauges: Gauges::new(r, &names.queues, overflows),
            duels: DuelWatch::default(),
            handle: register.handle(),
            scrape: Mutex::new(()),
            register,
        };
        // The exporter learns of HELP texts and of histograms only when it is drained.
        metrics.run_upkeep();
        metrics
    }

    /// Sets the gauges and writes everything in the text format of Prometheus, version 0.0.4. Takes about a
    /// millisecond: not for the threads that answer customers.
    pub fn render(&self, figures: &Figures) -> String {
        let _one_at_a_time = self.scrape.lock().unwrap_or_else(PoisonError::into_inner);
        self.gauges.set(&self.register, figures);
        let mut text = self.handle.render();
        if let Some(usage) = ProcessUsage::read() {
            usage.write(&mut text);
        }
        text
    }

    /// Folds what histograms have gathered into their buckets. Call it every few seconds: until then each observation
    /// costs sixteen bytes, scraped or not.
    pub fn run_upkeep(&self) {
        self.handle.run_upkeep();
    }

    /// A webhook was refused at the door.
    pub fn webhook_rejected(&self, medium: Medium, cause: WebhookRefusal) {
        self.channels.rejected(medium, cause);
    }

    /// A party came more often than the configuration lets it.
    pub fn rate_limited(&self, limit: RateLimit) {
        self.channels.rate_limited(limit);
    }

    /// Something was read again because it changed: put in force, or refused.
    pub fn reloaded(&self, what: Reloaded, refused: bool) {
        self.machine.reloaded(what, refused);
    }

    /// A webhook was accepted, this long after it was received.
    pub fn ingress(&self, medium: Medium, took: Duration) {
        self.channels.ingress(medium, took);
    }

    /// A message came again and changed nothing.
    pub fn inbound_duplicate(&self, medium: Medium) {
        self.channels.duplicate(medium);
    }

    /// A report on something that we sent was accepted, whatever comes of it.
    pub fn report_accepted(&self, medium: Medium) {
        self.channels.inbound(medium, InboundKind::Status);
    }

    /// A report woke nobody and will stand on no trail: its receipt is counted here. For those that were passed on to
    /// their conversation, [`Metrics::committed`] counts it; never both.
    pub fn report_passed_over(&self, medium: Medium, state: ReportState) {
        match state {
            ReportState::Delivered => self.channels.delivered(medium),
            ReportState::Sent | ReportState::Read | ReportState::Failed => {}
        }
    }

    /// One attempt to deliver ended, whatever came of it. `attempt` counts from 1.
    pub fn delivery_attempt(&self, medium: Medium, took: Duration, attempt: u16) {
        self.channels.attempted(medium, took, attempt);
    }

    /// A question was put to `provider`: it counts as under way until the answer is dropped.
    pub fn ai_inflight(&self, provider: &str) -> InFlight {
        self.ai.inflight(provider)
    }

    /// The first piece of a streamed answer of `model` came, this long after the question.
    pub fn ai_first_chunk(&self, model: &str, took: Duration) {
        self.ai.first_chunk(model, took);
    }

    /// A conversation came into memory.
    pub fn actor_activated(&self, source: Source, took: Duration) {
        self.machine.activated(source, took);
    }

    /// A conversation left memory.
    pub fn actor_passivated(&self, cause: Passivation) {
        self.machine.passivated(cause);
    }

    /// Deciding an event panicked.
    pub fn actor_panicked(&self) {
        self.machine.panics.increment(1);
    }

    /// An event was decided, in this time.
    pub fn actor_turn(&self, took: Duration) {
        self.machine.turn.record(took.as_secs_f64());
    }

    /// An event was taken out of its mailbox, after this time in it.
    pub fn mailbox_waited(&self, waited: Duration) {
        self.machine.mailbox_wait.record(waited.as_secs_f64());
    }

    /// An event was refused before its mailbox.
    pub fn mailbox_rejected(&self, cause: MailboxRefusal) {
        self.machine.mailbox_rejected(cause);
    }

    /// A group of `turns` turns is durable, this long after its writing began.
    pub fn commit(&self, took: Duration, turns: usize) {
        self.machine.committed(took, turns);
    }

    /// A group could not be committed.
    pub fn commit_error(&self, cause: CommitFault) {
        self.machine.commit_failed(cause);
    }
}

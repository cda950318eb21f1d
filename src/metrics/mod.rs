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
mod complaints;
mod duel;
mod figures;
mod funnel;
mod gauges;
pub mod labels;
mod machine;
mod peak;
mod process;
mod queues;
mod register;
mod slowest;
mod standing;
mod steps;
mod stretches;
pub mod values;

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ::metrics::Counter;
use metrics_exporter_prometheus::PrometheusHandle;

pub use self::ai::InFlight;
pub use self::catalogue::{FAMILIES, Family, Kind, ON_SIGHT, PROCESS};
pub use self::complaints::{Complaint, Complaints};
pub use self::figures::{
    AdmissionFigure, ByMode, CircuitsFigure, Figures, OutboxFigure, ParkedFigure, QueueFigure,
    RecoveryFigure, Sight, SpansFigure, TokioFigure,
};
pub use self::labels::{
    AgentState, CommitFault, MailboxRefusal, ModelLabel, Names, Passivation, RateLimit, Reloaded,
    SlotState, Source, WebhookRefusal,
};
pub use self::process::Usage as ProcessUsage;
pub use self::slowest::{Slow, Took};
pub use self::standing::Standing;
pub use self::values::ParkCause;

use self::ai::Ai;
use self::channels::Channels;
use self::duel::DuelWatch;
use self::funnel::Funnel;
use self::gauges::Gauges;
use self::labels::InboundKind;
use self::machine::Machine;
use self::peak::Peak;
use self::queues::Queues;
use self::register::Register;
use self::slowest::Slowest;
use self::standing::Owing;
use self::steps::Steps;
use self::stretches::Stretches;
use crate::clock::{Timestamp, monotonic};
use crate::conversation::message::{Medium, ReportState};
use crate::conversation::words::Reason;
use crate::ids::{ConversationId, QueueName};

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
    steps: Steps,
    queues: Queues,
    stretches: Stretches,
    ai: Ai,
    channels: Channels,
    machine: Machine,
    gauges: Gauges,
    duels: DuelWatch,
    owing: Owing,
    peak: Peak,
    slowest: Slowest,
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
            steps: Steps::new(r),
            queues: Queues::new(r, &names.queues, overflows.clone()),
            stretches: Stretches::default(),
            ai: Ai::new(r, &names.models, overflows.clone()),
            channels: Channels::new(r),
            machine: Machine::new(r),
            gauges: Gauges::new(r, &names.queues, overflows),
            duels: DuelWatch::default(),
            owing: Owing::default(),
            peak: Peak::default(),
            slowest: Slowest::default(),
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
            ReportState::Read => self.channels.opened(medium),
            ReportState::Sent | ReportState::Failed => {}
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

    /// A conversation that was with people before the process started: in which queue, and why. Once for each, before
    /// anything is committed.
    pub fn take_up(&self, id: ConversationId, queue: &QueueName, reason: Reason) {
        self.stretches.take_up(id, queue, reason, &self.queues);
    }

    /// How a conversation stands after a commit, and stood before it; or how it stands when it wakes (`before` is
    /// the same then).
    pub fn stands(&self, id: ConversationId, medium: Medium, before: Standing, now: Standing) {
        if now.ai_got_involved(&before) {
            self.steps.ai_involved(medium);
        }
        if now.ended_with_the_ai(&before) {
            self.steps.contained(medium);
        }
        if now.owes() || before.owes() {
            self.owing.stands(id, medium, now);
        }
    }

    /// What is owed to customers at `now`, by medium.
    pub fn outbox(&self, now: Timestamp) -> Vec<OutboxFigure> {
        self.owing.figures(now)
    }

    /// The most messages of customers accepted in one second, over the last minute before `now`.
    pub fn messages_peak(&self, now: Timestamp) -> u64 {
        self.peak.of_last_minute(now)
    }

    /// An event was handled, from its mailbox to the disk, and is durable as of `ended`.
    pub fn handled(&self, id: ConversationId, ended: Instant, took: Took) {
        self.slowest.took(id, ended, took);
    }

    /// The slowest events of the last minutes.
    pub fn slowest(&self, now: Timestamp) -> Vec<Slow> {
        self.slowest.list((now, monotonic()))
    }

    /// A deadline was decided, so long after its time.
    pub fn deadline_decided(&self, late: Duration) {
        self.machine.lateness.record(late.as_secs_f64());
    }

    /// Something was parked for people.
    pub fn parked(&self, cause: ParkCause) {
        self.machine.parked(cause);
    }

    /// The system's clock was moved.
    pub fn clock_stepped(&self) {
        self.machine.clock_steps.increment(1);
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

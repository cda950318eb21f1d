//! How things stand at one moment, in one plain struct: what the gauges are set from and the status page shows.
//!
//! Whoever runs Segue keeps these figures on every transition and hands them over whole. What is `None` is not known.

use std::time::Duration;

use super::complaints::Complaint;
use super::labels::{AgentState, SlotState};
use super::slowest::Slow;
use super::values::{LogLevel, OffScope, SpanLoss};
use crate::conversation::message::Medium;
use crate::ids::QueueName;

/// Whoever can see how things stand.
pub trait Sight: Send + Sync + 'static {
    /// The figures of this moment. Must not wait for a disk or an actor.
    fn figures(&self) -> Figures;

    /// The slowest events of the last minutes, for people who look.
    fn slowest(&self) -> Vec<Slow> {
        Vec::new()
    }

    /// The last errors and warnings that were logged, newest first, for people who look.
    fn complaints(&self) -> Vec<Complaint> {
        Vec::new()
    }
}

/// How things stand at one moment.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Figures {
    /// Open conversations by who owns the next turn.
    pub conversations: ByMode,
    /// Handoffs past their deadline without a word of a person.
    pub ghosts_current: u64,
    /// Handoffs requested less settled less waiting, since the start, once somebody reckons it.
    pub ledger_imbalance: Option<i64>,
    /// The queues; one that is missing is empty, and open: no calendar is known that closes it.
    pub queues: Vec<QueueFigure>,
    /// Agents by how they are: queue, state, how many. What is missing is 0.
    pub agents: Vec<(QueueName, AgentState, u64)>,
    /// Places for conversations: queue, state, how many, once somebody counts them.
    pub slots: Option<Vec<(QueueName, SlotState, u64)>>,
    /// Conversations in memory.
    pub actors_resident: u64,
    /// Events waiting in all mailboxes.
    pub mailbox_queued: u64,
    /// Events in the fullest mailbox.
    pub mailbox_depth_max: u64,
    /// Waiting handoffs that no clock watches.
    pub waiting_without_deadline: u64,
    /// The door before the mailboxes.
    pub admission: AdmissionFigure,
    /// What is parked for people.
    pub parked: ParkedFigure,
    /// Hosts of providers in trouble.
    pub circuits: CircuitsFigure,
    /// Open connections of the web chat.
    pub chat_sockets: u64,
    /// Where the AI is switched off: everywhere (0 or 1), on how many channels, in how many queues.
    pub ai_off: [u64; OffScope::ALL.len()],
    /// Lines logged since the start: errors, warnings.
    pub log_lines: [u64; LogLevel::ALL.len()],
    /// What became of ended spans since the start.
    pub spans: SpansFigure,
    /// The most messages of customers accepted in one second of the last minute.
    pub messages_peak: u64,
    /// Turns accepted and not yet durable.
    pub journal_pending_events: u64,
    /// Size of the journal on disk.
    pub journal_bytes: u64,
    /// Durable turns that are not yet applied, in bytes.
    pub tail_bytes: u64,
    /// How many turns those are.
    pub state_lag_turns: u64,
    /// How old the oldest of them is.
    pub state_lag: Duration,
    /// Size of the state file on disk.
    pub state_bytes: u64,
    /// Room left on the disk, where the system tells.
    pub disk_free_bytes: Option<u64>,
    /// The runtime under the actors, once it was measured.
    pub tokio: Option<TokioFigure>,
    /// What is owed to customers, by medium, once somebody counts it.
    pub outbox: Option<Vec<OutboxFigure>>,
    /// What the last start had to do.
    pub recovery: RecoveryFigure,
    /// Whether the process takes work. The operations listener sets it from its own readiness.
    pub ready: bool,
}

/// Open conversations by mode.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ByMode {
    /// With the AI.
    pub ai: u64,
    /// Waiting for a person.
    pub waiting: u64,
    /// With a person.
    pub human: u64,
}

/// One queue.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QueueFigure {
    /// Which.
    pub queue: QueueName,
    /// How many wait.
    pub waiting: u64,
    /// How long the oldest has waited.
    pub oldest: Duration,
    /// Whether it is open by its calendar; one without a calendar always is.
    pub open: bool,
}

/// What is owed on one medium.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutboxFigure {
    /// Which.
    pub medium: Medium,
    /// How many messages.
    pub depth: u64,
    /// Of those, the ones that may or may not have arrived.
    pub in_doubt: u64,
    /// Replies of people, beside those, that wait for a shut window to open.
    pub parked: u64,
    /// How old the oldest owed is; what is parked has its own time.
    pub oldest: Duration,
}

/// What the last start had to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RecoveryFigure {
    /// How long it took.
    pub took: Duration,
    /// Turns applied anew.
    pub events: u64,
    /// Conversations woken.
    pub conversations: u64,
    /// Conversations that could not be read.
    pub parked: u64,
}

/// Places for events under way.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AdmissionFigure {
    /// Taken.
    pub used: u64,
    /// Free.
    pub free: u64,
    /// Requests waiting for one.
    pub waiting: u64,
}

/// What is parked for people.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ParkedFigure {
    /// How much.
    pub count: u64,
    /// How old the oldest of it is.
    pub oldest: Duration,
}

/// Hosts of providers in trouble.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CircuitsFigure {
    /// Calls to so many are held back.
    pub open: u64,
    /// So many are tried with one call.
    pub half_open: u64,
    /// How often calls to a host began to be held back since the start.
    pub opens: u64,
}

/// What became of ended spans.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SpansFigure {
    /// The collector took so many.
    pub exported: u64,
    /// So many were lost, by why.
    pub lost: [u64; SpanLoss::ALL.len()],
}

/// The runtime under the actors.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct TokioFigure {
    /// Threads that run tasks.
    pub workers: u64,
    /// Tasks that live.
    pub tasks: u64,
    /// Tasks waiting in the global queue.
    pub queued: u64,
    /// Share of the last seconds that the workers were busy, 0 to 1.
    pub busy: f64,
}

//! The gauges that are set when somebody looks: how things stand now, in one plain struct.
//!
//! Whoever runs Segue keeps these figures on every transition and hands them over whole; nothing here walks actors. A
//! figure that is `None` is not exported at all until it is first given: a constant zero would be a lie.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ::metrics::{Counter, Gauge};

use super::catalogue as cat;
use super::labels::{AgentState, OTHER, QUEUES_MAX, SlotState};
use super::register::{Register, each};
use crate::conversation::message::Medium;
use crate::ids::QueueName;

/// Whoever can see how things stand.
pub trait Sight: Send + Sync + 'static {
    /// The figures of this moment. Must not wait for a disk or an actor.
    fn figures(&self) -> Figures;
}

/// How things stand at one moment.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Figures {
    /// Open conversations by who owns the next turn.
    pub conversations: ByMode,
    /// Handoffs past their deadline without a word of a person.
    pub ghosts_current: u64,
    /// Handoffs requested less settled less waiting, over the life of the store, once somebody reckons it.
    pub ledger_imbalance: Option<i64>,
    /// The queues; one that is missing is empty.
    pub queues: Vec<QueueFigure>,
    /// Signed-in agents: queue, state, how many. What is missing is 0.
    pub agents: Vec<(QueueName, AgentState, u64)>,
    /// Places for conversations: queue, state, how many, once somebody counts them.
    pub slots: Option<Vec<(QueueName, SlotState, u64)>>,
    /// Conversations in memory.
    pub actors_resident: u64,
    /// Events in all mailboxes.
    pub mailbox_queued: u64,
    /// Events in the fullest mailbox, once somebody measures it.
    pub mailbox_depth_max: Option<u64>,
    /// Turns accepted and not yet durable.
    pub journal_pending_events: u64,
    /// Size of the journal on disk.
    pub journal_bytes: u64,
    /// Durable turns that are not yet applied, in bytes.
    pub tail_bytes: u64,
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
}

/// What is owed on one medium.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutboxFigure {
    /// Which.
    pub medium: Medium,
    /// How many messages.
    pub depth: u64,
    /// How old the oldest is.
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

/// One queue's handles.
#[derive(Debug)]
struct Lane {
    waiting: Gauge,
    oldest: Gauge,
    agents: [Gauge; AgentState::ALL.len()],
}

/// Handles that are made when their figure is first given.
#[derive(Debug, Default)]
struct OnSight {
    ledger_imbalance: Option<Gauge>,
    slots: Option<Vec<[Gauge; SlotState::ALL.len()]>>,
    outbox: Option<[(Gauge, Gauge); Medium::ALL.len()]>,
    mailbox_depth_max: Option<Gauge>,
}

/// The handles of what is set at a scrape.
#[derive(Debug)]
pub(super) struct Gauges {
    /// The configured queues, then `other`.
    queues: Vec<String>,
    lanes: Vec<Lane>,
    modes: [Gauge; 3],
    ghosts: Gauge,
    actors: Gauge,
    mailbox: Gauge,
    journal_pending: Gauge,
    journal_bytes: Gauge,
    tail_bytes: Gauge,
    recovery: [Gauge; 4],
    ready: Gauge,
    on_sight: Mutex<OnSight>,
    overflows: Counter,
}

impl Gauges {
    pub(super) fn new(r: &Register, queues: &[String], overflows: Counter) -> Self {
        // A name that stood twice would share its gauges, and the second would wipe out the first.
        let mut own: Vec<String> = Vec::with_capacity(QUEUES_MAX + 1);
        for queue in queues.iter().take(QUEUES_MAX).map(String::as_str) {
            if !own.iter().any(|known| known == queue) {
                own.push(queue.to_owned());
            }
        }
        if !own.iter().any(|known| known == OTHER) {
            own.push(OTHER.to_owned());
        }
        let queues = own;
        Self {
            lanes: queues.iter().map(|queue| Lane::new(r, queue)).collect(),
            queues,
            modes: ["ai", "waiting", "human"].map(|mode| r.gauge(&cat::CONVERSATIONS, &[mode])),
            ghosts: r.gauge(&cat::GHOSTS_CURRENT, &[]),
            actors: r.gauge(&cat::ACTORS_RESIDENT, &[]),
            mailbox: r.gauge(&cat::MAILBOX_QUEUED, &[]),
            journal_pending: r.gauge(&cat::JOURNAL_PENDING, &[]),
            journal_bytes: r.gauge(&cat::JOURNAL_BYTES, &[]),
            tail_bytes: r.gauge(&cat::TAIL_BYTES, &[]),
            recovery: [
                cat::RECOVERY_SECONDS,
                cat::RECOVERY_EVENTS,
                cat::RECOVERY_CONVERSATIONS,
                cat::RECOVERY_PARKED,
            ]
            .map(|family| r.gauge(&family, &[])),
            ready: r.gauge(&cat::READY, &[]),
            on_sight: Mutex::default(),
            overflows,
        }
    }

    /// Sets every gauge. Called with one scrape at a time: two at once would mix their figures.
    pub(super) fn set(&self, r: &Register, figures: &Figures) {
        let modes = figures.conversations;
        for (gauge, n) in self
            .modes
            .iter()
            .zip([modes.ai, modes.waiting, modes.human])
        {
            gauge.set(number(n));
        }
        self.ghosts.set(number(figures.ghosts_current));
        self.actors.set(number(figures.actors_resident));
        self.mailbox.set(number(figures.mailbox_queued));
        self.journal_pending
            .set(number(figures.journal_pending_events));
        self.journal_bytes.set(number(figures.journal_bytes));
        self.tail_bytes.set(number(figures.tail_bytes));
        let recovery = figures.recovery;
        self.recovery[0].set(recovery.took.as_secs_f64());
        self.recovery[1].set(number(recovery.events));
        self.recovery[2].set(number(recovery.conversations));
        self.recovery[3].set(number(recovery.parked));
        self.ready.set(f64::from(u8::from(figures.ready)));
        self.set_queues(figures);
        self.set_on_sight(r, figures);
    }

    /// Queues folded to `other` add up; of their oldest waits the longest counts.
    fn set_queues(&self, figures: &Figures) {
        let mut waiting = vec![(0, Duration::ZERO); self.queues.len()];
        for figure in &figures.queues {
            let (n, oldest) = &mut waiting[self.place(&figure.queue)];
            *n += figure.waiting;
            *oldest = (*oldest).max(figure.oldest);
        }
        for (lane, (n, oldest)) in self.lanes.iter().zip(waiting) {
            lane.waiting.set(number(n));
            lane.oldest.set(oldest.as_secs_f64());
        }
        let agents = self.by_queue(
            figures
                .agents
                .iter()
                .map(|(queue, state, n)| (queue, *state as usize, *n)),
        );
        for (lane, counts) in self.lanes.iter().zip(agents) {
            let counts: [u64; 3] = counts;
            for (gauge, n) in lane.agents.iter().zip(counts) {
                gauge.set(number(n));
            }
        }
    }

    fn set_on_sight(&self, r: &Register, figures: &Figures) {
        let mut on_sight = self.on_sight.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(imbalance) = figures.ledger_imbalance {
            let gauge = on_sight
                .ledger_imbalance
                .get_or_insert_with(|| r.gauge(&cat::LEDGER_IMBALANCE, &[]));
            let size = number(imbalance.unsigned_abs());
            gauge.set(if imbalance < 0 { -size } else { size });
        }
        if let Some(depth) = figures.mailbox_depth_max {
            let gauge = on_sight
                .mailbox_depth_max
                .get_or_insert_with(|| r.gauge(&cat::MAILBOX_DEPTH_MAX, &[]));
            gauge.set(number(depth));
        }
        if let Some(slots) = &figures.slots {
            let gauges = on_sight.slots.get_or_insert_with(|| {
                let queues = self.queues.iter();
                queues
                    .map(|queue| {
                        each(SlotState::ALL, |state| {
                            r.gauge(&cat::AGENT_SLOTS, &[queue, state.as_str()])
                        })
                    })
                    .collect()
            });
            let slots = slots
                .iter()
                .map(|(queue, state, n)| (queue, *state as usize, *n));
            for (gauges, counts) in gauges.iter().zip(self.by_queue(slots)) {
                let counts: [u64; 2] = counts;
                for (gauge, n) in gauges.iter().zip(counts) {
                    gauge.set(number(n));
                }
            }
        }
        if let Some(outbox) = &figures.outbox {
            let gauges = on_sight.outbox.get_or_insert_with(|| {
                each(&Medium::ALL, |medium| {
                    let channel = [medium.as_str()];
                    (
                        r.gauge(&cat::OUTBOX_DEPTH, &channel),
                        r.gauge(&cat::OUTBOX_OLDEST, &channel),
                    )
                })
            });
            for (medium, (depth, oldest)) in Medium::ALL.into_iter().zip(gauges.iter()) {
                let figure = outbox.iter().find(|figure| figure.medium == medium);
                depth.set(figure.map_or(0.0, |figure| number(figure.depth)));
                oldest.set(figure.map_or(0.0, |figure| figure.oldest.as_secs_f64()));
            }
        }
    }

    fn by_queue<'a, const N: usize>(
        &self,
        counts: impl Iterator<Item = (&'a QueueName, usize, u64)>,
    ) -> Vec<[u64; N]> {
        let mut sums = vec![[0; N]; self.queues.len()];
        for (queue, state, n) in counts {
            sums[self.place(queue)][state] += n;
        }
        sums
    }

    /// Where a queue is counted. `other` is the last, or a queue that is really named so.
    fn place(&self, queue: &QueueName) -> usize {
        let of = |name: &str| self.queues.iter().position(|known| known == name);
        of(queue.as_str()).unwrap_or_else(|| {
            self.overflows.increment(1);
            of(OTHER).expect("`other` is always there")
        })
    }
}

impl Lane {
    fn new(r: &Register, queue: &str) -> Self {
        Self {
            waiting: r.gauge(&cat::QUEUE_WAITING, &[queue]),
            oldest: r.gauge(&cat::QUEUE_OLDEST, &[queue]),
            agents: each(AgentState::ALL, |state| {
                r.gauge(&cat::AGENTS, &[queue, state.as_str()])
            }),
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "gauges are doubles; exact to 2^53"
)]
fn number(n: u64) -> f64 {
    n as f64
}

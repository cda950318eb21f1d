//! The gauges that are set when somebody looks.
//!
//! Nothing here walks actors or waits. A figure that is `None` is not exported at all until it is first given: a
//! constant zero would be a lie. Counts that others keep (circuits opened, lines logged) are set here too.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ::metrics::{Counter, Gauge};

use super::catalogue::{self as cat, Family};
use super::figures::Figures;
use super::labels::{AgentState, SlotState};
use super::queues::{labelled, place};
use super::register::{Register, each};
use super::values::{CircuitState, LogLevel, OffScope, SpanLoss};
use crate::conversation::message::Medium;
use crate::ids::QueueName;

/// A family without labels, and what it is set to.
type Plain = (Family, fn(&Figures) -> f64);

/// All of those that are always there.
const PLAIN: &[Plain] = &[
    (cat::GHOSTS_CURRENT, |f| number(f.ghosts_current)),
    (cat::WITHOUT_DEADLINE, |f| {
        number(f.waiting_without_deadline)
    }),
    (cat::ACTORS_RESIDENT, |f| number(f.actors_resident)),
    (cat::MAILBOX_QUEUED, |f| number(f.mailbox_queued)),
    (cat::MAILBOX_DEPTH_MAX, |f| number(f.mailbox_depth_max)),
    (cat::ADMISSION_WAITING, |f| number(f.admission.waiting)),
    (cat::PARKED, |f| number(f.parked.count)),
    (cat::PARKED_OLDEST, |f| f.parked.oldest.as_secs_f64()),
    (cat::CHAT_SOCKETS, |f| number(f.chat_sockets)),
    (cat::MESSAGES_PEAK, |f| number(f.messages_peak)),
    (cat::JOURNAL_PENDING, |f| number(f.journal_pending_events)),
    (cat::JOURNAL_BYTES, |f| number(f.journal_bytes)),
    (cat::TAIL_BYTES, |f| number(f.tail_bytes)),
    (cat::STATE_BYTES, |f| number(f.state_bytes)),
    (cat::STATE_LAG_TURNS, |f| number(f.state_lag_turns)),
    (cat::STATE_LAG_SECONDS, |f| f.state_lag.as_secs_f64()),
    (cat::RECOVERY_SECONDS, |f| f.recovery.took.as_secs_f64()),
    (cat::RECOVERY_EVENTS, |f| number(f.recovery.events)),
    (cat::RECOVERY_CONVERSATIONS, |f| {
        number(f.recovery.conversations)
    }),
    (cat::RECOVERY_PARKED, |f| number(f.recovery.parked)),
    (cat::READY, |f| f64::from(u8::from(f.ready))),
];

/// A family without labels that appears when its figure is first given.
type PlainOnSight = (Family, fn(&Figures) -> Option<f64>);

/// All of those.
const PLAIN_ON_SIGHT: &[PlainOnSight] = &[
    (cat::LEDGER_IMBALANCE, |f| f.ledger_imbalance.map(signed)),
    (cat::DISK_FREE, |f| f.disk_free_bytes.map(number)),
    (cat::TOKIO_BUSY, |f| f.tokio.map(|tokio| tokio.busy)),
    (cat::TOKIO_QUEUE, |f| {
        f.tokio.map(|tokio| number(tokio.queued))
    }),
    (cat::TOKIO_TASKS, |f| {
        f.tokio.map(|tokio| number(tokio.tasks))
    }),
    (cat::TOKIO_WORKERS, |f| {
        f.tokio.map(|tokio| number(tokio.workers))
    }),
];

/// One queue's handles.
#[derive(Debug)]
struct Lane {
    waiting: Gauge,
    oldest: Gauge,
    open: Gauge,
    agents: [Gauge; AgentState::ALL.len()],
}

/// One medium's handles of what is owed: how many, in doubt, the oldest; and parked.
type Owed = [Gauge; 4];

/// Their families.
const OWED: [Family; 4] = [
    cat::OUTBOX_DEPTH,
    cat::OUTBOX_IN_DOUBT,
    cat::OUTBOX_OLDEST,
    cat::OUTBOX_PARKED,
];

/// Handles that are made when their figure is first given.
#[derive(Debug, Default)]
struct OnSight {
    plain: [Option<Gauge>; PLAIN_ON_SIGHT.len()],
    slots: Option<Vec<[Gauge; SlotState::ALL.len()]>>,
    outbox: Option<[Owed; Medium::ALL.len()]>,
}

/// The handles of what is set at a scrape.
#[derive(Debug)]
pub(super) struct Gauges {
    /// The configured queues, then `other`.
    queues: Vec<String>,
    lanes: Vec<Lane>,
    plain: Vec<Gauge>,
    modes: [Gauge; 3],
    permits: [Gauge; SlotState::ALL.len()],
    circuits: [Gauge; CircuitState::ALL.len()],
    circuit_opens: Counter,
    ai_off: [Gauge; OffScope::ALL.len()],
    log_lines: [Counter; LogLevel::ALL.len()],
    spans_exported: Counter,
    spans_lost: [Counter; SpanLoss::ALL.len()],
    on_sight: Mutex<OnSight>,
    overflows: Counter,
}

impl Gauges {
    pub(super) fn new(r: &Register, queues: &[String], overflows: Counter) -> Self {
        let queues = labelled(queues);
        Self {
            lanes: queues.iter().map(|queue| Lane::new(r, queue)).collect(),
            queues,
            plain: PLAIN
                .iter()
                .map(|(family, _)| r.gauge(family, &[]))
                .collect(),
            modes: ["ai", "waiting", "human"].map(|mode| r.gauge(&cat::CONVERSATIONS, &[mode])),
            permits: each(SlotState::ALL, |state| {
                r.gauge(&cat::PERMITS, &[state.as_str()])
            }),
            circuits: each(CircuitState::ALL, |state| {
                r.gauge(&cat::CIRCUITS, &[state.as_str()])
            }),
            circuit_opens: r.counter(&cat::CIRCUIT_OPENS, &[]),
            ai_off: each(OffScope::ALL, |scope| {
                r.gauge(&cat::AI_OFF, &[scope.as_str()])
            }),
            log_lines: each(LogLevel::ALL, |level| {
                r.counter(&cat::LOG_LINES, &[level.as_str()])
            }),
            spans_exported: r.counter(&cat::SPANS_EXPORTED, &[]),
            spans_lost: each(SpanLoss::ALL, |cause| {
                r.counter(&cat::SPANS_LOST, &[cause.as_str()])
            }),
            on_sight: Mutex::default(),
            overflows,
        }
    }

    /// Sets every gauge. Called with one scrape at a time: two at once would mix their figures.
    pub(super) fn set(&self, r: &Register, figures: &Figures) {
        for (gauge, (_, figure)) in self.plain.iter().zip(PLAIN) {
            gauge.set(figure(figures));
        }
        let (modes, circuits) = (figures.conversations, figures.circuits);
        set(&self.modes, [modes.ai, modes.waiting, modes.human]);
        let admission = figures.admission;
        set(&self.permits, [admission.used, admission.free]);
        set(&self.circuits, [circuits.open, circuits.half_open]);
        self.circuit_opens.absolute(circuits.opens);
        set(&self.ai_off, figures.ai_off);
        count(&self.log_lines, figures.log_lines);
        self.spans_exported.absolute(figures.spans.exported);
        count(&self.spans_lost, figures.spans.lost);
        self.set_queues(figures);
        self.set_on_sight(r, figures);
    }

    /// Queues folded to `other` add up; of their oldest waits the longest counts, and one that is open opens it.
    fn set_queues(&self, figures: &Figures) {
        let mut stand = vec![(0, Duration::ZERO, None); self.queues.len()];
        for figure in &figures.queues {
            let (n, oldest, open) = &mut stand[self.place(&figure.queue)];
            *n += figure.waiting;
            *oldest = (*oldest).max(figure.oldest);
            *open = Some(open.unwrap_or(false) || figure.open);
        }
        for (lane, (n, oldest, open)) in self.lanes.iter().zip(stand) {
            lane.waiting.set(number(n));
            lane.oldest.set(oldest.as_secs_f64());
            lane.open.set(f64::from(u8::from(open.unwrap_or(true))));
        }
        let agents = self.by_queue(
            figures
                .agents
                .iter()
                .map(|(queue, state, n)| (queue, *state as usize, *n)),
        );
        for (lane, counts) in self.lanes.iter().zip(agents) {
            set(&lane.agents, counts);
        }
    }

    fn set_on_sight(&self, r: &Register, figures: &Figures) {
        let mut on_sight = self.on_sight.lock().unwrap_or_else(PoisonError::into_inner);
        for (gauge, (family, figure)) in on_sight.plain.iter_mut().zip(PLAIN_ON_SIGHT) {
            if let Some(figure) = figure(figures) {
                gauge
                    .get_or_insert_with(|| r.gauge(family, &[]))
                    .set(figure);
            }
        }
        if let Some(slots) = &figures.slots {
            let gauges = on_sight.slots.get_or_insert_with(|| self.slots(r));
            let slots = slots
                .iter()
                .map(|(queue, state, n)| (queue, *state as usize, *n));
            for (gauges, counts) in gauges.iter().zip(self.by_queue(slots)) {
                set(gauges, counts);
            }
        }
        if let Some(outbox) = &figures.outbox {
            let gauges = on_sight.outbox.get_or_insert_with(|| {
                each(&Medium::ALL, |medium| {
                    OWED.map(|family| r.gauge(&family, &[medium.as_str()]))
                })
            });
            for (medium, [depth, in_doubt, oldest, parked]) in
                Medium::ALL.into_iter().zip(gauges.iter())
            {
                let figure = outbox.iter().find(|figure| figure.medium == medium);
                depth.set(figure.map_or(0.0, |figure| number(figure.depth)));
                in_doubt.set(figure.map_or(0.0, |figure| number(figure.in_doubt)));
                oldest.set(figure.map_or(0.0, |figure| figure.oldest.as_secs_f64()));
                parked.set(figure.map_or(0.0, |figure| number(figure.parked)));
            }
        }
    }

    fn slots(&self, r: &Register) -> Vec<[Gauge; SlotState::ALL.len()]> {
        let queues = self.queues.iter();
        queues
            .map(|queue| {
                each(SlotState::ALL, |state| {
                    r.gauge(&cat::AGENT_SLOTS, &[queue, state.as_str()])
                })
            })
            .collect()
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

    fn place(&self, queue: &QueueName) -> usize {
        place(&self.queues, queue, &self.overflows)
    }
}

impl Lane {
    fn new(r: &Register, queue: &str) -> Self {
        Self {
            waiting: r.gauge(&cat::QUEUE_WAITING, &[queue]),
            oldest: r.gauge(&cat::QUEUE_OLDEST, &[queue]),
            open: r.gauge(&cat::QUEUE_OPEN, &[queue]),
            agents: each(AgentState::ALL, |state| {
                r.gauge(&cat::AGENTS, &[queue, state.as_str()])
            }),
        }
    }
}

fn set<const N: usize>(gauges: &[Gauge; N], counts: [u64; N]) {
    for (gauge, n) in gauges.iter().zip(counts) {
        gauge.set(number(n));
    }
}

/// Counters that others keep.
fn count<const N: usize>(counters: &[Counter; N], counts: [u64; N]) {
    for (counter, n) in counters.iter().zip(counts) {
        counter.absolute(n);
    }
}

fn signed(n: i64) -> f64 {
    let size = number(n.unsigned_abs());
    if n < 0 { -size } else { size }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "gauges are doubles; exact to 2^53"
)]
fn number(n: u64) -> f64 {
    n as f64
}

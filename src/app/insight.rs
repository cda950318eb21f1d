//! How things stand at this moment, for whoever scrapes the figures or asks whether we are ready.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::audit::Audit;
use super::observers::Observers;
use super::pulse::Pulse;
use crate::channel::circuit::Circuit;
use crate::conversation::Mode;
use crate::conversation::words::{ModeName, Role};
use crate::desk::Sighting;
use crate::desk::presence::State;
use crate::http::Doors;
use crate::http::ops::{Conditions, Readiness};
use crate::ids::{AgentName, QueueName};
use crate::metrics::{
    AdmissionFigure, AgentState, ByMode, CircuitsFigure, Complaint, Complaints, Figures,
    QueueFigure, RecoveryFigure, Sight, SlotState, Slow, SpansFigure,
};
use crate::store::Recovered;
use crate::trace::export;

/// Looks through the doors; waits for nothing.
pub struct Insight {
    /// Where it looks.
    pub doors: Doors,
    /// What they have counted.
    pub observers: Arc<Observers>,
    /// What the start found.
    pub recovered: Recovered,
    /// What the last audit found.
    pub audit: Arc<Audit>,
    /// The runtime under the actors.
    pub pulse: Arc<Pulse>,
}

/// What the board shows.
#[derive(Default)]
struct Seen {
    /// How many wait, and how long the oldest has.
    queues: BTreeMap<QueueName, (u64, Duration)>,
    /// Promises that are overdue.
    ghosts: u64,
    /// Conversations with people, by queue.
    held: BTreeMap<QueueName, u64>,
    /// What everybody has or is offered.
    load: BTreeMap<AgentName, u64>,
}

impl Insight {
    fn seen(&self) -> Seen {
        let mut seen = Seen::default();
        let board = self.doors.desk.board();
        for mode in [ModeName::Waiting, ModeName::Human] {
            for sighting in board.all(mode) {
                self.look(&sighting, &mut seen);
            }
        }
        seen
    }

    fn look(&self, sighting: &Sighting, seen: &mut Seen) {
        let now = self.doors.runtime.now();
        let Some(conversation) = sighting.conversation() else {
            return;
        };
        let queue = &conversation.common().queue;
        match conversation.mode() {
            Mode::Waiting(waiting) => {
                let waited = now.since(waiting.since());
                let entry = seen.queues.entry(queue.clone()).or_default();
                *entry = (entry.0 + 1, entry.1.max(waited));
                seen.ghosts += u64::from(waiting.is_ghost(now));
                if let Some(agent) = waiting.offered_to() {
                    *seen.load.entry(agent.clone()).or_default() += 1;
                }
            }
            Mode::Human(human) => {
                seen.ghosts += u64::from(human.is_ghost(now));
                *seen.held.entry(queue.clone()).or_default() += 1;
                *seen.load.entry(human.agent().clone()).or_default() += 1;
            }
            Mode::Ai(_) | Mode::Closed(_) => {}
        }
    }

    /// The configured queues, and those that are not and where somebody waits.
    fn queues(&self, seen: &mut Seen) -> Vec<QueueFigure> {
        let (policy, now) = (self.doors.runtime.policy(), self.doors.runtime.now());
        for queue in policy.queues.keys() {
            if !seen.queues.contains_key(queue) {
                seen.queues.insert(queue.clone(), Default::default());
            }
        }
        let queues = std::mem::take(&mut seen.queues).into_iter();
        let figure = |(queue, (waiting, oldest))| QueueFigure {
            open: policy.is_open(&queue, now),
            queue,
            waiting,
            oldest,
        };
        queues.map(figure).collect()
    }

    /// Agents by queue and state, and the places for conversations. Observers answer nobody: they do not count.
    fn people(&self, seen: &Seen) -> (Agents, Slots) {
        let policy = self.doors.runtime.policy();
        let mut counts = BTreeMap::<(QueueName, State), u64>::new();
        let mut free = BTreeMap::<QueueName, u64>::new();
        let people = self.doors.desk.people().list();
        for person in people.iter().filter(|one| one.role >= Role::Agent) {
            let state = self.doors.desk.presence().of(&person.name);
            let load = seen.load.get(&person.name).copied().unwrap_or(0);
            let theirs = policy
                .queues
                .iter()
                .filter(|(queue, _)| person.sees_queue(queue));
            for (queue, rules) in theirs {
                *counts.entry((queue.clone(), state)).or_default() += 1;
                if state == State::Available {
                    let room = u64::from(rules.capacity).saturating_sub(load);
                    *free.entry(queue.clone()).or_default() += room;
                }
            }
        }
        let word = |state| match state {
            State::Available => AgentState::Available,
            State::Busy => AgentState::Busy,
            State::Away => AgentState::Away,
        };
        let agents = counts
            .into_iter()
            .map(|((queue, state), count)| (queue, word(state), count));
        let used = seen
            .held
            .iter()
            .map(|(queue, n)| (queue.clone(), SlotState::Used, *n));
        let free = free
            .into_iter()
            .map(|(queue, n)| (queue, SlotState::Free, n));
        (agents.collect(), used.chain(free).collect())
    }

    fn circuits(&self) -> CircuitsFigure {
        let (hosts, opens) = self.doors.runtime.router().performer().circuits();
        let count = |state| hosts.iter().filter(|(_, is)| *is == state).count() as u64;
        CircuitsFigure {
            open: count(Circuit::Open),
            half_open: count(Circuit::HalfOpen),
            opens,
        }
    }

    fn ai_off(&self) -> [u64; 3] {
        let policy = self.doors.runtime.policy();
        let switches = &policy.switches;
        [
            u64::from(!switches.all),
            switches.channels_off.len() as u64,
            switches.queues_off.len() as u64,
        ]
    }

    fn store(&self, figures: &mut Figures) {
        let (store, now) = (self.doors.runtime.store(), self.doors.runtime.now());
        let tail = store.tail();
        figures.journal_pending_events = tail.pending_submits;
        figures.journal_bytes = tail.journal_file_bytes;
        figures.tail_bytes = tail.bytes;
        figures.state_bytes = tail.state_file_bytes;
        figures.state_lag_turns = tail.records;
        figures.state_lag = tail.oldest.map_or(Duration::ZERO, |at| now.since(at));
        figures.disk_free_bytes = store.free_bytes();
    }

    fn machinery(&self, figures: &mut Figures) {
        let router = self.doors.runtime.router();
        (figures.mailbox_queued, figures.mailbox_depth_max) = router.mailboxes();
        figures.actors_resident = router.resident() as u64;
        let admission = router.admission();
        figures.admission = AdmissionFigure {
            used: admission.under_way() as u64,
            free: admission.free() as u64,
            waiting: admission.waiting() as u64,
        };
        figures.chat_sockets = self.doors.limits.sockets.len() as u64;
        figures.circuits = self.circuits();
        figures.tokio = Some(self.pulse.figure());
        figures.log_lines = Complaints::of_process().counts();
        let spans = export::ended();
        figures.spans = SpansFigure {
            exported: spans.exported,
            lost: [spans.failed, spans.full],
        };
        figures.recovery = RecoveryFigure {
            took: self.recovered.took,
            events: self.recovered.records,
            conversations: self.recovered.conversations_in_tail,
            parked: self.doors.desk.board().unreadable(),
        };
    }
}

type Agents = Vec<(QueueName, AgentState, u64)>;
type Slots = Vec<(QueueName, SlotState, u64)>;

impl Sight for Insight {
    fn figures(&self) -> Figures {
        let (board, now) = (self.doors.desk.board(), self.doors.runtime.now());
        let mut seen = self.seen();
        let (agents, slots) = self.people(&seen);
        let waiting = || board.count(ModeName::Waiting);
        let mut figures = Figures {
            conversations: ByMode {
                ai: self.observers.with_ai(),
                waiting: waiting() as u64,
                human: board.count(ModeName::Human) as u64,
            },
            ghosts_current: seen.ghosts,
            ledger_imbalance: Some(self.observers.ledger().imbalance(waiting)),
            waiting_without_deadline: self.audit.unwatched(),
            parked: self.audit.parked(now.as_millis()),
            queues: self.queues(&mut seen),
            agents,
            slots: Some(slots),
            ai_off: self.ai_off(),
            outbox: Some(self.doors.metrics.outbox(now)),
            messages_peak: self.doors.metrics.messages_peak(now),
            ..Figures::default()
        };
        self.store(&mut figures);
        self.machinery(&mut figures);
        figures
    }

    fn slowest(&self) -> Vec<Slow> {
        self.doors.metrics.slowest(self.doors.runtime.now())
    }

    fn complaints(&self) -> Vec<Complaint> {
        Complaints::of_process().last()
    }
}

impl Readiness for Insight {
    fn conditions(&self) -> Conditions {
        let store = self.doors.runtime.store();
        Conditions {
            recovered: true,
            store_writable: store.healthy(),
            accepting: store.accepting(),
            not_draining: !self.doors.runtime.router().is_stopping(),
        }
    }
}

//! How things stand at this moment, for whoever scrapes the figures or asks whether we are ready.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::observers::Observers;
use crate::conversation::Mode;
use crate::conversation::words::ModeName;
use crate::desk::presence::State;
use crate::http::Doors;
use crate::http::ops::{Conditions, Readiness};
use crate::ids::QueueName;
use crate::metrics::{AgentState, ByMode, Figures, QueueFigure, RecoveryFigure, Sight};
use crate::store::Recovered;

/// Looks through the doors; waits for nothing.
pub struct Insight {
    doors: Doors,
    observers: Arc<Observers>,
    recovered: Recovered,
}

impl Insight {
    /// Of this process.
    pub fn new(doors: Doors, observers: Arc<Observers>, recovered: Recovered) -> Self {
        Self {
            doors,
            observers,
            recovered,
        }
    }

    /// What waits, by queue; and how many of it have waited past their deadline.
    fn waiting(&self) -> (BTreeMap<QueueName, (u64, Duration)>, u64) {
        let (now, policy) = (self.doors.runtime.now(), self.doors.runtime.policy());
        let (mut queues, mut ghosts) = (BTreeMap::<QueueName, (u64, Duration)>::new(), 0);
        for sighting in self.doors.desk.board().all(ModeName::Waiting) {
            let Some(conversation) = sighting.conversation() else {
                continue;
            };
            let Mode::Waiting(waiting) = conversation.mode() else {
                continue;
            };
            let queue = &conversation.common().queue;
            let waited = now.since(waiting.since());
            let entry = queues.entry(queue.clone()).or_default();
            *entry = (entry.0 + 1, entry.1.max(waited));
            let rules = policy.queue_rules(queue);
            let due = policy.after(rules, waiting.since(), rules.claim_within);
            ghosts += u64::from(due < now);
        }
        (queues, ghosts)
    }

    fn agents(&self) -> Vec<(QueueName, AgentState, u64)> {
        let policy = self.doors.runtime.policy();
        let mut counts = BTreeMap::<(QueueName, State), u64>::new();
        for person in self.doors.desk.people().list() {
            let state = self.doors.desk.presence().of(&person.name);
            for queue in policy
                .queues
                .keys()
                .filter(|queue| person.sees_queue(queue))
            {
                *counts.entry((queue.clone(), state)).or_default() += 1;
            }
        }
        let word = |state| match state {
            State::Available => AgentState::Available,
            State::Busy => AgentState::Busy,
            State::Away => AgentState::Away,
        };
        let figure = |((queue, state), count)| (queue, word(state), count);
        counts.into_iter().map(figure).collect()
    }
}

impl Sight for Insight {
    fn figures(&self) -> Figures {
        let store = self.doors.runtime.store();
        let (tail, board) = (store.tail(), self.doors.desk.board());
        let (queues, ghosts) = self.waiting();
        let figure = |(queue, (waiting, oldest))| QueueFigure {
            queue,
            waiting,
            oldest,
        };
        Figures {
            conversations: ByMode {
                ai: self.observers.with_ai(),
                waiting: board.count(ModeName::Waiting) as u64,
                human: board.count(ModeName::Human) as u64,
            },
            ghosts_current: ghosts,
            queues: queues.into_iter().map(figure).collect(),
            agents: self.agents(),
            actors_resident: self.doors.runtime.router().resident() as u64,
            mailbox_queued: self.doors.runtime.router().admission().under_way() as u64,
            journal_pending_events: tail.pending_submits,
            journal_bytes: tail.journal_file_bytes,
            tail_bytes: tail.bytes,
            recovery: RecoveryFigure {
                took: self.recovered.took,
                events: self.recovered.records,
                conversations: self.recovered.conversations_in_tail,
                parked: 0,
            },
            ..Figures::default()
        }
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

//! The same by queue and by reason: waits, service levels, and offers to one person.
//!
//! A queue that is not configured is put to `other` and counted as folded. Nothing here remembers: who was in which
//! queue is told by `stretches.rs`.

use ::metrics::{Counter, Histogram};

use super::catalogue as cat;
use super::funnel::seconds;
use super::labels::{OTHER, QUEUES_MAX, SlaResult};
use super::register::{Register, each};
use super::values::AgentOffer;
use crate::conversation::words::{Reason, Settlement, SlaClock};
use crate::ids::QueueName;

/// Where a queue is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place(u16);

/// What is counted for each queue.
#[derive(Debug)]
struct Lane {
    claim: Histogram,
    requested: Counter,
    settled: [Counter; Settlement::ALL.len()],
    sla: [[Counter; SlaResult::ALL.len()]; SlaClock::ALL.len()],
    offers_made: Counter,
    offers_settled: [Counter; AgentOffer::ALL.len()],
}

/// The handles by queue and by reason.
#[derive(Debug)]
pub(super) struct Queues {
    names: Vec<String>,
    lanes: Vec<Lane>,
    reasons: [Histogram; Reason::ALL.len()],
    overflows: Counter,
}

/// The names that get a label: the configured ones up to [`QUEUES_MAX`], each once, then `other`.
pub(super) fn labelled(queues: &[String]) -> Vec<String> {
    // A name that stood twice would share its handles, and the second gauge would wipe out the first.
    let mut own: Vec<String> = Vec::with_capacity(QUEUES_MAX + 1);
    for queue in queues.iter().take(QUEUES_MAX).map(String::as_str) {
        if !own.iter().any(|known| known == queue) {
            own.push(queue.to_owned());
        }
    }
    if !own.iter().any(|known| known == OTHER) {
        own.push(OTHER.to_owned());
    }
    own
}

/// Where `queue` stands among `names`; `other` is the last, or a queue that is really named so.
pub(super) fn place(names: &[String], queue: &QueueName, overflows: &Counter) -> usize {
    let of = |name: &str| names.iter().position(|known| known == name);
    of(queue.as_str()).unwrap_or_else(|| {
        overflows.increment(1);
        of(OTHER).expect("`other` is always there")
    })
}

impl Queues {
    pub(super) fn new(r: &Register, queues: &[String], overflows: Counter) -> Self {
        let names = labelled(queues);
        Self {
            lanes: names.iter().map(|queue| Lane::new(r, queue)).collect(),
            names,
            reasons: each(Reason::ALL, |reason| {
                r.histogram(&cat::REASON_CLAIM, &[reason.as_str()])
            }),
            overflows,
        }
    }

    pub(super) fn place(&self, queue: &QueueName) -> Place {
        let place = place(&self.names, queue, &self.overflows);
        Place(u16::try_from(place).expect("there are at most a few dozen"))
    }

    fn lane(&self, place: Place) -> &Lane {
        &self.lanes[usize::from(place.0)]
    }

    pub(super) fn requested(&self, place: Place) {
        self.lane(place).requested.increment(1);
    }

    pub(super) fn settled(&self, place: Place, reason: Reason, outcome: Settlement, waited: u64) {
        let lane = self.lane(place);
        lane.settled[outcome.index()].increment(1);
        match outcome {
            Settlement::Claimed => {
                lane.claim.record(seconds(waited));
                self.reasons[reason.index()].record(seconds(waited));
            }
            Settlement::Abandoned
            | Settlement::TimedOut
            | Settlement::Cancelled
            | Settlement::Failed => {}
        }
    }

    pub(super) fn sla(&self, place: Place, clock: SlaClock, met: bool) {
        let result = if met {
            SlaResult::Met
        } else {
            SlaResult::Breached
        };
        self.lane(place).sla[clock.index()][result as usize].increment(1);
    }

    pub(super) fn offered(&self, place: Place) {
        self.lane(place).offers_made.increment(1);
    }

    pub(super) fn offer_settled(&self, place: Place, how: AgentOffer) {
        self.lane(place).offers_settled[how as usize].increment(1);
    }
}

impl Lane {
    fn new(r: &Register, queue: &str) -> Self {
        Self {
            claim: r.histogram(&cat::QUEUE_CLAIM, &[queue]),
            requested: r.counter(&cat::QUEUE_REQUESTED, &[queue]),
            settled: each(Settlement::ALL, |outcome| {
                r.counter(&cat::QUEUE_SETTLED, &[queue, outcome.as_str()])
            }),
            sla: each(SlaClock::ALL, |clock| {
                each(SlaResult::ALL, |result| {
                    r.counter(&cat::QUEUE_SLA, &[queue, clock.as_str(), result.as_str()])
                })
            }),
            offers_made: r.counter(&cat::AGENT_OFFERS_MADE, &[queue]),
            offers_settled: each(AgentOffer::ALL, |how| {
                r.counter(&cat::AGENT_OFFERS_SETTLED, &[queue, how.as_str()])
            }),
        }
    }
}

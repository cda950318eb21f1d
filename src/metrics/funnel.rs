//! The funnel: from opened to closed, and every step of a handoff between.
//!
//! Counted from committed facts alone, so that the counters agree with the trail by construction.

use std::time::Duration;

use ::metrics::{Counter, Histogram};

use super::catalogue as cat;
use super::labels::{Asked, Ghost, SlaResult};
use super::register::{Register, each};
use crate::conversation::message::Medium;
use crate::conversation::words::{By, Outcome, Reason, Settlement, SlaClock, Verdict};

/// What is counted for each medium.
#[derive(Debug)]
struct Lane {
    opened: Counter,
    reopened: Counter,
    closed: [Counter; Outcome::ALL.len()],
    requested: [[Counter; Asked::ALL.len()]; Reason::ALL.len()],
    settled: [Counter; Settlement::ALL.len()],
    handed_back: [Counter; By::ALL.len()],
    transferred: Counter,
    time_to_request: Histogram,
    ack: Histogram,
    claim: Histogram,
    first_response: Histogram,
    human_reply: Histogram,
    handle: Histogram,
    abandon: Histogram,
    sla: [[Counter; SlaResult::ALL.len()]; SlaClock::ALL.len()],
    ghosts: [Counter; Ghost::ALL.len()],
}

/// The handles of the funnel.
#[derive(Debug)]
pub(super) struct Funnel {
    lanes: [Lane; Medium::ALL.len()],
    reviews: [Counter; Verdict::ALL.len()],
}

/// Milliseconds of the trail as seconds of a histogram.
pub(super) fn seconds(millis: u64) -> f64 {
    Duration::from_millis(millis).as_secs_f64()
}

impl Funnel {
    pub(super) fn new(r: &Register) -> Self {
        Self {
            lanes: each(&Medium::ALL, |medium| Lane::new(r, medium.as_str())),
            reviews: each(Verdict::ALL, |verdict| {
                r.counter(&cat::REVIEWS, &[verdict.as_str()])
            }),
        }
    }

    fn lane(&self, medium: Medium) -> &Lane {
        &self.lanes[medium as usize]
    }

    /// An episode began. Those begun by our own side carry no AI: they would thin out every rate.
    pub(super) fn opened(&self, medium: Medium, by: By, reopened: bool) {
        let lane = self.lane(medium);
        match by {
            By::Customer | By::Timeout | By::Policy | By::Ai => lane.opened.increment(1),
            By::Agent | By::Desk => return,
        }
        if reopened && by == By::Customer {
            lane.reopened.increment(1);
        }
    }

    pub(super) fn closed(&self, medium: Medium, outcome: Outcome) {
        self.lane(medium).closed[outcome.index()].increment(1);
    }

    /// A person was promised. The first request of an episode also tells how long the customer was with the AI.
    pub(super) fn requested(&self, medium: Medium, reason: Reason, repeat: bool, open_ms: u64) {
        let lane = self.lane(medium);
        let asked = if repeat { Asked::Repeat } else { Asked::First };
        lane.requested[reason.index()][asked as usize].increment(1);
        if !repeat {
            lane.time_to_request.record(seconds(open_ms));
        }
    }

    pub(super) fn settled(&self, medium: Medium, outcome: Settlement, waited_ms: u64) {
        let lane = self.lane(medium);
        lane.settled[outcome.index()].increment(1);
        match outcome {
            Settlement::Claimed => lane.claim.record(seconds(waited_ms)),
            Settlement::Abandoned => lane.abandon.record(seconds(waited_ms)),
            Settlement::TimedOut | Settlement::Cancelled | Settlement::Failed => {}
        }
    }

    pub(super) fn acknowledged(&self, medium: Medium, after_ms: u64) {
        self.lane(medium).ack.record(seconds(after_ms));
    }

    pub(super) fn handed_back(&self, medium: Medium, by: By) {
        self.lane(medium).handed_back[by.index()].increment(1);
    }

    pub(super) fn held(&self, medium: Medium, held_ms: u64) {
        self.lane(medium).handle.record(seconds(held_ms));
    }

    pub(super) fn transferred(&self, medium: Medium) {
        self.lane(medium).transferred.increment(1);
    }

    pub(super) fn human_wrote(&self, medium: Medium, first_ms: Option<u64>, reply_ms: Option<u64>) {
        let lane = self.lane(medium);
        if let Some(ms) = first_ms {
            lane.first_response.record(seconds(ms));
        }
        if let Some(ms) = reply_ms {
            lane.human_reply.record(seconds(ms));
        }
    }

    pub(super) fn sla(&self, medium: Medium, clock: SlaClock, met: bool) {
        let result = if met {
            SlaResult::Met
        } else {
            SlaResult::Breached
        };
        self.lane(medium).sla[clock.index()][result as usize].increment(1);
    }

    pub(super) fn ghost(&self, medium: Medium, cause: Ghost) {
        self.lane(medium).ghosts[cause as usize].increment(1);
    }

    pub(super) fn reviewed(&self, verdict: Verdict) {
        self.reviews[verdict.index()].increment(1);
    }
}

impl Lane {
    fn new(r: &Register, channel: &str) -> Self {
        Self {
            opened: r.counter(&cat::OPENED, &[channel]),
            reopened: r.counter(&cat::REOPENED, &[channel]),
            closed: each(Outcome::ALL, |outcome| {
                r.counter(&cat::CLOSED, &[channel, outcome.as_str()])
            }),
            requested: each(Reason::ALL, |reason| {
                each(Asked::ALL, |asked| {
                    let values = [channel, reason.as_str(), asked.as_str()];
                    r.counter(&cat::REQUESTED, &values)
                })
            }),
            settled: each(Settlement::ALL, |outcome| {
                r.counter(&cat::SETTLED, &[channel, outcome.as_str()])
            }),
            handed_back: each(By::ALL, |by| {
                r.counter(&cat::HANDED_BACK, &[channel, by.as_str()])
            }),
            transferred: r.counter(&cat::TRANSFERRED, &[channel]),
            time_to_request: r.histogram(&cat::TIME_TO_REQUEST, &[channel]),
            ack: r.histogram(&cat::ACK, &[channel]),
            claim: r.histogram(&cat::CLAIM, &[channel]),
            first_response: r.histogram(&cat::FIRST_RESPONSE, &[channel]),
            human_reply: r.histogram(&cat::HUMAN_REPLY, &[channel]),
            handle: r.histogram(&cat::HANDLE, &[channel]),
            abandon: r.histogram(&cat::ABANDON, &[channel]),
            sla: each(SlaClock::ALL, |clock| {
                each(SlaResult::ALL, |result| {
                    r.counter(&cat::SLA, &[channel, clock.as_str(), result.as_str()])
                })
            }),
            ghosts: each(Ghost::ALL, |cause| {
                r.counter(&cat::GHOSTS, &[channel, cause.as_str()])
            }),
        }
    }
}

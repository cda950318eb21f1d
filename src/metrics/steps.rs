//! The steps around a handoff, and the denominators: who could have been helped by the AI, who was, who was handed on.
//!
//! Counted from committed facts alone, as the funnel is; only "the AI was asked for the first time" and "an episode of
//! the AI ended without a handoff" are told by the head, because no single fact does.

use ::metrics::Counter;

use super::catalogue as cat;
use super::register::{Register, each};
use super::values::{LadderAction, OfferAnswer, TakenOver};
use crate::conversation::message::Medium;
use crate::conversation::trail::{Entry, Fact};
use crate::conversation::words::{By, Class};
use crate::conversation::{AI_OFF, PASSED_ON};

/// What is counted for each medium.
#[derive(Debug)]
struct Lane {
    eligible: Counter,
    ai_involved: Counter,
    handed_off: Counter,
    contained: Counter,
    passed_on: Counter,
    reescalated: Counter,
    taken_over: [Counter; TakenOver::ALL.len()],
    lapses: Counter,
    ladder: [Counter; LadderAction::ALL.len()],
    after_hours: Counter,
    offers_made: Counter,
    offers_answered: [Counter; OfferAnswer::ALL.len()],
}

/// The handles of the steps.
#[derive(Debug)]
pub(super) struct Steps {
    lanes: [Lane; Medium::ALL.len()],
}

impl Steps {
    pub(super) fn new(r: &Register) -> Self {
        Self {
            lanes: each(&Medium::ALL, |medium| Lane::new(r, medium.as_str())),
        }
    }

    fn lane(&self, medium: Medium) -> &Lane {
        &self.lanes[medium as usize]
    }

    /// Counts one fact of a commit whose other facts are `company`.
    pub(super) fn count(&self, medium: Medium, fact: &Fact, company: &[Entry]) {
        let lane = self.lane(medium);
        if let Fact::Opened { by, .. } = fact {
            let ours = matches!(by, By::Agent | By::Desk);
            if !ours && !company.iter().any(|entry| because_off(&entry.fact)) {
                lane.eligible.increment(1);
            }
        } else if let Fact::HandoffRequested { rule, repeat, .. } = fact {
            let passed_on = PASSED_ON.contains(&rule.as_str());
            if passed_on {
                lane.passed_on.increment(1);
            } else if !repeat && rule != AI_OFF {
                lane.handed_off.increment(1);
            }
        } else if let Fact::Claimed { handoff, from, .. } = fact {
            if from.is_some() {
                lane.taken_over[TakenOver::Forced as usize].increment(1);
            } else if handoff.is_none() {
                lane.taken_over[TakenOver::Unasked as usize].increment(1);
            }
        } else if let Fact::LeaseLapsed { .. } = fact {
            lane.lapses.increment(1);
        } else if let Fact::LadderStepped { action, .. } = fact {
            lane.ladder[LadderAction::of_word(action) as usize].increment(1);
        } else if let Fact::OfferMade { .. } = fact {
            lane.offers_made.increment(1);
        } else if let Fact::OfferAnswered { accepted, .. } = fact {
            let answer = if *accepted {
                OfferAnswer::Accepted
            } else {
                OfferAnswer::Refused
            };
            lane.offers_answered[answer as usize].increment(1);
        } else if let Fact::SystemWrote {
            class: Class::AfterHours,
            ..
        } = fact
        {
            lane.after_hours.increment(1);
        }
    }

    /// The AI was asked for the first time in an episode.
    pub(super) fn ai_involved(&self, medium: Medium) {
        self.lane(medium).ai_involved.increment(1);
    }

    /// An episode of the AI ended without a handoff.
    pub(super) fn contained(&self, medium: Medium) {
        self.lane(medium).contained.increment(1);
    }

    /// A handoff was requested soon after a handback.
    pub(super) fn reescalated(&self, medium: Medium) {
        self.lane(medium).reescalated.increment(1);
    }
}

/// Whether a handoff was asked for because the AI is off.
fn because_off(fact: &Fact) -> bool {
    matches!(fact, Fact::HandoffRequested { rule, .. } if rule == AI_OFF)
}

impl Lane {
    fn new(r: &Register, channel: &str) -> Self {
        let one = |family| r.counter(family, &[channel]);
        Self {
            eligible: one(&cat::ELIGIBLE),
            ai_involved: one(&cat::AI_INVOLVED),
            handed_off: one(&cat::HANDED_OFF),
            contained: one(&cat::CONTAINED),
            passed_on: one(&cat::PASSED_ON),
            reescalated: one(&cat::REESCALATED),
            taken_over: each(TakenOver::ALL, |kind| {
                r.counter(&cat::TAKEN_OVER, &[channel, kind.as_str()])
            }),
            lapses: one(&cat::LEASE_LAPSES),
            ladder: each(LadderAction::ALL, |action| {
                r.counter(&cat::LADDER_STEPS, &[channel, action.as_str()])
            }),
            after_hours: one(&cat::AFTER_HOURS),
            offers_made: one(&cat::OFFERS_MADE),
            offers_answered: each(OfferAnswer::ALL, |answer| {
                r.counter(&cat::OFFERS_ANSWERED, &[channel, answer.as_str()])
            }),
        }
    }
}

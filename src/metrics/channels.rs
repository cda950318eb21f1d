//! The channels: what came in, what left, what was refused, and how long each took.

use std::time::Duration;

use ::metrics::{Counter, Histogram};

use super::catalogue as cat;
use super::labels::{InboundKind, RateLimit, Sender, WebhookRefusal};
use super::register::{Register, each};
use super::values::Doubt;
use crate::conversation::message::{Body, FailureCause, Medium};
use crate::conversation::words::Class;

/// What is counted for each medium.
#[derive(Debug)]
struct Lane {
    inbound: [Counter; InboundKind::ALL.len()],
    outbound: [Counter; Sender::ALL.len()],
    delivered: Counter,
    read: Counter,
    in_doubt: [Counter; Doubt::ALL.len()],
    duplicates: Counter,
    rejected: [Counter; WebhookRefusal::ALL.len()],
    ingress: Histogram,
    delivery: Histogram,
    retries: Counter,
    failures: [Counter; FailureCause::ALL.len()],
}

/// The handles of the channels.
#[derive(Debug)]
pub(super) struct Channels {
    lanes: [Lane; Medium::ALL.len()],
    rate_limited: [Counter; RateLimit::ALL.len()],
    suppressed: [Counter; Class::ALL.len()],
}

impl Channels {
    pub(super) fn new(r: &Register) -> Self {
        Self {
            lanes: each(&Medium::ALL, |medium| Lane::new(r, medium.as_str())),
            rate_limited: each(RateLimit::ALL, |limit| {
                r.counter(&cat::RATE_LIMITED, &[limit.as_str()])
            }),
            suppressed: each(Class::ALL, |class| {
                r.counter(&cat::SUPPRESSED, &[class.as_str()])
            }),
        }
    }

    fn lane(&self, medium: Medium) -> &Lane {
        &self.lanes[medium as usize]
    }

    pub(super) fn wrote(&self, medium: Medium, body: &Body) {
        let kind = match body {
            Body::Text(_) => InboundKind::Text,
            Body::Media { .. } => InboundKind::Media,
            Body::Choice { .. } => InboundKind::Interactive,
            Body::Location { .. } | Body::Unknown(_) => InboundKind::Other,
        };
        self.inbound(medium, kind);
    }

    pub(super) fn inbound(&self, medium: Medium, kind: InboundKind) {
        self.lane(medium).inbound[kind as usize].increment(1);
    }

    pub(super) fn sent(&self, medium: Medium, sender: Sender) {
        self.lane(medium).outbound[sender as usize].increment(1);
    }

    pub(super) fn delivered(&self, medium: Medium) {
        self.lane(medium).delivered.increment(1);
    }

    pub(super) fn opened(&self, medium: Medium) {
        self.lane(medium).read.increment(1);
    }

    pub(super) fn in_doubt(&self, medium: Medium, doubt: Doubt) {
        self.lane(medium).in_doubt[doubt as usize].increment(1);
    }

    pub(super) fn suppressed(&self, class: Class) {
        self.suppressed[class.index()].increment(1);
    }

    pub(super) fn gave_up(&self, medium: Medium, cause: FailureCause) {
        self.lane(medium).failures[cause as usize].increment(1);
    }

    pub(super) fn duplicate(&self, medium: Medium) {
        self.lane(medium).duplicates.increment(1);
    }

    pub(super) fn rejected(&self, medium: Medium, cause: WebhookRefusal) {
        self.lane(medium).rejected[cause as usize].increment(1);
    }

    pub(super) fn rate_limited(&self, limit: RateLimit) {
        self.rate_limited[limit as usize].increment(1);
    }

    pub(super) fn ingress(&self, medium: Medium, took: Duration) {
        self.lane(medium).ingress.record(took.as_secs_f64());
    }

    pub(super) fn attempted(&self, medium: Medium, took: Duration, attempt: u16) {
        let lane = self.lane(medium);
        lane.delivery.record(took.as_secs_f64());
        if attempt > 1 {
            lane.retries.increment(1);
        }
    }
}

impl Lane {
    fn new(r: &Register, channel: &str) -> Self {
        Self {
            inbound: each(InboundKind::ALL, |kind| {
                r.counter(&cat::INBOUND, &[channel, kind.as_str()])
            }),
            outbound: each(Sender::ALL, |sender| {
                r.counter(&cat::OUTBOUND, &[channel, sender.as_str()])
            }),
            delivered: r.counter(&cat::DELIVERED, &[channel]),
            read: r.counter(&cat::READ, &[channel]),
            in_doubt: each(Doubt::ALL, |doubt| {
                r.counter(&cat::IN_DOUBT, &[channel, doubt.as_str()])
            }),
            duplicates: r.counter(&cat::DUPLICATES, &[channel]),
            rejected: each(WebhookRefusal::ALL, |cause| {
                r.counter(&cat::WEBHOOKS_REJECTED, &[channel, cause.as_str()])
            }),
            ingress: r.histogram(&cat::INGRESS, &[channel]),
            delivery: r.histogram(&cat::DELIVERY, &[channel]),
            retries: r.counter(&cat::DELIVERY_RETRIES, &[channel]),
            failures: each(&FailureCause::ALL, |cause| {
                r.counter(&cat::DELIVERY_FAILURES, &[channel, cause.as_str()])
            }),
        }
    }
}

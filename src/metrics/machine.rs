//! The machinery: actors, mailboxes, commits. Nothing here stands on a trail; the runtime and the store tell it.

use std::time::Duration;

use ::metrics::{Counter, Histogram};

use super::catalogue as cat;
use super::labels::{CommitFault, MailboxRefusal, Passivation, Reloaded, Source};
use super::register::{Register, each};
use super::values::ParkCause;

/// The handles of the machinery.
#[derive(Debug)]
pub(super) struct Machine {
    activated: [Counter; Source::ALL.len()],
    activation: [Histogram; Source::ALL.len()],
    passivated: [Counter; Passivation::ALL.len()],
    pub(super) panics: Counter,
    pub(super) turn: Histogram,
    pub(super) mailbox_wait: Histogram,
    mailbox_rejected: [Counter; MailboxRefusal::ALL.len()],
    commit: Histogram,
    commit_batch: Histogram,
    commit_errors: [Counter; CommitFault::ALL.len()],
    reloads: [[Counter; 2]; Reloaded::ALL.len()],
    pub(super) lateness: Histogram,
    parked: [Counter; ParkCause::ALL.len()],
    pub(super) clock_steps: Counter,
}

impl Machine {
    pub(super) fn new(r: &Register) -> Self {
        Self {
            activated: each(Source::ALL, |source| {
                r.counter(&cat::ACTORS_ACTIVATED, &[source.as_str()])
            }),
            activation: each(Source::ALL, |source| {
                r.histogram(&cat::ACTOR_ACTIVATION, &[source.as_str()])
            }),
            passivated: each(Passivation::ALL, |cause| {
                r.counter(&cat::ACTORS_PASSIVATED, &[cause.as_str()])
            }),
            panics: r.counter(&cat::ACTOR_PANICS, &[]),
            turn: r.histogram(&cat::ACTOR_TURN, &[]),
            mailbox_wait: r.histogram(&cat::MAILBOX_WAIT, &[]),
            mailbox_rejected: each(MailboxRefusal::ALL, |cause| {
                r.counter(&cat::MAILBOX_REJECTED, &[cause.as_str()])
            }),
            commit: r.histogram(&cat::COMMIT, &[]),
            commit_batch: r.histogram(&cat::COMMIT_BATCH, &[]),
            commit_errors: each(CommitFault::ALL, |cause| {
                r.counter(&cat::COMMIT_ERRORS, &[cause.as_str()])
            }),
            reloads: each(Reloaded::ALL, |what| {
                ["applied", "refused"]
                    .map(|result| r.counter(&cat::RELOADS, &[what.as_str(), result]))
            }),
            lateness: r.histogram(&cat::LATENESS, &[]),
            parked: each(ParkCause::ALL, |cause| {
                r.counter(&cat::EVENTS_PARKED, &[cause.as_str()])
            }),
            clock_steps: r.counter(&cat::CLOCK_STEPS, &[]),
        }
    }

    pub(super) fn activated(&self, source: Source, took: Duration) {
        self.activated[source as usize].increment(1);
        self.activation[source as usize].record(took.as_secs_f64());
    }

    pub(super) fn reloaded(&self, what: Reloaded, refused: bool) {
        self.reloads[what as usize][usize::from(refused)].increment(1);
    }

    pub(super) fn parked(&self, cause: ParkCause) {
        self.parked[cause as usize].increment(1);
    }

    pub(super) fn passivated(&self, cause: Passivation) {
        self.passivated[cause as usize].increment(1);
    }

    pub(super) fn mailbox_rejected(&self, cause: MailboxRefusal) {
        self.mailbox_rejected[cause as usize].increment(1);
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "a group holds at most a few thousand turns"
    )]
    pub(super) fn committed(&self, took: Duration, turns: usize) {
        self.commit.record(took.as_secs_f64());
        self.commit_batch.record(turns as f64);
    }

    pub(super) fn commit_failed(&self, cause: CommitFault) {
        self.commit_errors[cause as usize].increment(1);
    }
}

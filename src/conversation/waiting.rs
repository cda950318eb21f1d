//! Mode `Waiting`: a person is promised and nobody has come yet.
//!
//! A waiting handoff always has a live deadline. When it passes, the ladder goes one step on; the last step tells the
//! customer honestly that nobody came and how it goes on. The customer is never sent a placeholder per message.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Mode;
use super::ai::Ai;
use super::asking::{Asking, Upshot};
use super::common::{Common, Cx};
use super::handoff::{self, Handoff};
use super::looping;
use super::message::Inbound;
use super::policy::RungAction;
use super::texts::{TextArgs, TextKey};
use super::trail::{CancelCause, Fact, GhostCause};
use super::words::{By, Class, ModeName, Settlement, SlaClock};
use crate::clock::Timestamp;
use crate::ids::{AgentName, HandoffId, QueueName};

/// The most steps of one wait, over all the queues it goes through.
const STEPS_MAX: u8 = 16;

/// The facts and deadlines of this mode.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Waiting {
    pub(super) handoff: Handoff,
    /// Whom it is offered to first, if to one person.
    pub(super) to: Option<AgentName>,
    pub(super) asking: Asking,
    /// Where the ladder's steps are counted from.
    ladder_from: Timestamp,
    /// Which rung of the queue's ladder is next.
    pub(super) rung: u8,
    /// Steps taken in all queues.
    step: u8,
    deadline: Timestamp,
    /// The claim clock, until it is evaluated.
    claim_due: Option<Timestamp>,
    /// The clock to the first human word, until it is evaluated.
    pub(super) first_due: Option<Timestamp>,
    apologised: bool,
}

impl Waiting {
    /// Begins to wait now, with the first deadline of the queue's ladder.
    pub(super) fn begin(handoff: Handoff, to: Option<AgentName>, cx: &mut Cx<'_>) -> Self {
        let queue = cx.queue();
        let first = queue
            .ladder
            .first()
            .map_or(queue.claim_within, |rung| rung.after);
        let deadline = cx.after(first);
        let (claim_within, first_within) = (queue.claim_within, queue.first_response_within);
        cx.watch_closing(deadline);
        cx.common.routing.offered_until = None;
        Self {
            claim_due: Some(cx.after(claim_within)),
            first_due: Some(cx.after_from(handoff.requested_at, first_within)),
            handoff,
            to,
            asking: Asking::default(),
            ladder_from: cx.now,
            rung: 0,
            step: 0,
            deadline,
            apologised: false,
        }
    }

    /// When somebody must have come, or the next step is taken.
    pub fn deadline(&self) -> Timestamp {
        self.deadline
    }

    /// The handoff that waits.
    pub fn handoff(&self) -> &Handoff {
        &self.handoff
    }

    /// Since when the customer waits for a person.
    pub fn since(&self) -> Timestamp {
        self.handoff.since
    }

    /// Whether somebody should have come by now and has not.
    pub fn is_ghost(&self, now: Timestamp) -> bool {
        self.claim_due.is_none_or(|due| due <= now)
    }

    /// Whom it is offered to, if to one person.
    pub fn offered_to(&self) -> Option<&AgentName> {
        self.to.as_ref()
    }

    pub(super) fn due(&self, common: &Common) -> Option<Timestamp> {
        let routing = &common.routing;
        let (closes_at, offered_until) = (routing.closes_at, routing.offered_until);
        let clocks = [
            Some(self.deadline),
            self.claim_due,
            self.first_due,
            closes_at,
            offered_until,
        ];
        clocks
            .into_iter()
            .chain([self.asking.due()])
            .flatten()
            .min()
    }

    /// The acknowledgement of `handoff` could not be delivered: the ladder moves on at once, if that one still waits.
    pub(super) fn ack_failed(&mut self, handoff: HandoffId, now: Timestamp) {
        if handoff == self.handoff.id && self.step == 0 {
            self.deadline = self.deadline.min(now);
        }
    }

    pub(super) fn customer_wrote(mut self, inbound: &Inbound, cx: &mut Cx<'_>) -> Mode {
        cx.customer_wrote(inbound, ModeName::Waiting);
        if handoff::customer_ends(inbound, cx) {
            cx.common.episode.waiting_since = None;
            super::undo::answered_otherwise(cx);
            handoff::settle(&self.handoff, Settlement::Abandoned, cx);
            return self.back_to_ai(By::Customer, String::new(), TextKey::CustomerEnded, cx);
        }
        if let Some(choice) = cx.chosen(inbound, self.handoff.id) {
            return self.chose(choice, cx);
        }
        let company = cx.has_company(&self);
        if let Some(gap) = cx.gap() {
            cx.say_closed(gap, company, self.handoff.id);
        }
        if company && cx.is_for_people(&inbound.body) {
            self.asking.cancel(CancelCause::Handoff, cx);
        } else if company {
            self.asking.customer_wrote(cx);
            return self.deadline_passed(cx);
        }
        Mode::Waiting(self)
    }

    pub(super) fn deadline_passed(mut self, cx: &mut Cx<'_>) -> Mode {
        self.part_company(cx);
        // A person is promised already: whatever the model's failure asks for is under way.
        match self.asking.deadline_passed(Some(self.handoff.id), cx) {
            Upshot::Person(_) | Upshot::Settled | Upshot::Stale => {}
        }
        if self.claim_due.is_some_and(|due| due <= cx.now) {
            self.stop_claim_clock(false, cx);
        }
        if self.first_due.is_some_and(|due| due <= cx.now) {
            self.miss_first_response(cx);
        }
        if cx
            .common
            .routing
            .closes_at
            .take_if(|at| *at <= cx.now)
            .is_some()
        {
            self.doors_close(cx);
        }
        if cx
            .common
            .routing
            .offered_until
            .is_some_and(|at| at <= cx.now)
        {
            self.offer_lapsed(cx);
        }
        if self.deadline > cx.now {
            return Mode::Waiting(self);
        }
        let rung = cx.queue().ladder.get(usize::from(self.rung)).cloned();
        if let Some(rung) = &rung
            && self.waits_for_opening(rung.after, cx)
        {
            return Mode::Waiting(self);
        }
        match rung.map(|rung| rung.action) {
            // Two queues that pass a customer to and fro come to an end all the same.
            Some(_) if self.step >= STEPS_MAX => self.apologise(cx),
            Some(RungAction::Notify) => self.climb("notify", cx),
            Some(RungAction::Reassign) => self.asked_anew(cx).climb("reassign", cx),
            Some(RungAction::Lead) => self.asked_anew(cx).climb("lead", cx),
            Some(RungAction::Transfer(queue)) => {
                self.move_to(queue, None, None, cx);
                // The other queue's ladder begins.
                self.climb_from(cx.now, 0, "transfer", cx)
            }
            Some(RungAction::Apologise) | None => self.apologise(cx),
        }
    }

    /// The AI answers nobody who waits, unless it may keep them company.
    pub(super) fn part_company(&mut self, cx: &mut Cx<'_>) {
        if !cx.has_company(self) {
            self.asking.cancel(CancelCause::Handoff, cx);
        }
    }

    /// It closes before anybody came: the customer hears when it opens again, and not nothing until then.
    fn doors_close(&mut self, cx: &mut Cx<'_>) {
        cx.touch();
        if let Some(gap) = cx.gap() {
            let company = cx.has_company(self);
            cx.say_closed(gap, company, self.handoff.id);
        }
    }

    /// A step that came due while it is closed (the hours were changed, or the acknowledgement failed) waits for the
    /// time that the hours now give it.
    fn waits_for_opening(&mut self, after: Duration, cx: &mut Cx<'_>) -> bool {
        let due = cx.after_from(self.ladder_from, after);
        if due <= cx.now || cx.gap().is_none() {
            return false;
        }
        self.deadline = due;
        cx.touch();
        true
    }

    /// Evaluates the claim clock, once for each handoff.
    pub(super) fn stop_claim_clock(&mut self, claimed: bool, cx: &mut Cx<'_>) {
        let Some(due) = self.claim_due.take() else {
            return;
        };
        let met = claimed && due > cx.now;
        cx.note(Fact::SlaEvaluated {
            clock: SlaClock::Claim,
            met,
        });
        if !met {
            cx.note(Fact::GhostDeclared {
                handoff: self.handoff.id,
                cause: GhostCause::NeverClaimed,
            });
        }
    }

    /// The first human word is late, or will never come: counted at its deadline, not when somebody comes at last.
    fn miss_first_response(&mut self, cx: &mut Cx<'_>) {
        if self.first_due.take().is_some() {
            cx.note(Fact::SlaEvaluated {
                clock: SlaClock::FirstResponse,
                met: false,
            });
        }
    }

    /// One step up the ladder.
    fn climb(self, action: &str, cx: &mut Cx<'_>) -> Mode {
        let (from, rung) = (self.ladder_from, self.rung.saturating_add(1));
        self.climb_from(from, rung, action, cx)
    }

    /// One step, with one progress note to the customer; the next rung is `rung` of a ladder counted from `from`.
    fn climb_from(mut self, from: Timestamp, rung: u8, action: &str, cx: &mut Cx<'_>) -> Mode {
        self.ladder_from = from;
        self.rung = rung;
        self.step = self.step.saturating_add(1);
        let queue = cx.queue();
        let after = queue.ladder.get(usize::from(rung)).map(|rung| rung.after);
        let last = queue
            .ladder
            .last()
            .map_or(Duration::ZERO, |rung| rung.after);
        let next = cx.after_from(self.ladder_from, after.unwrap_or(last + queue.claim_within));
        // Never in the past: a ladder that was edited meanwhile must not run through in one go.
        self.deadline = next.max(cx.now + Duration::from_secs(1));
        cx.watch_closing(self.deadline);
        cx.common.priority = cx.common.priority.saturating_add(1);
        cx.note(Fact::LadderStepped {
            handoff: self.handoff.id,
            step: self.step,
            action: action.to_owned(),
            deadline: self.deadline,
        });
        cx.say_waiting(&self);
        Mode::Waiting(self)
    }

    /// Nobody came: say so, and how it goes on. Where people follow through in any case, the wait goes on.
    fn apologise(mut self, cx: &mut Cx<'_>) -> Mode {
        if cx.stays_with_people() {
            self.step = self.step.saturating_add(1);
            // At least a minute: the team is told at every round.
            let round = cx.queue().claim_within.max(Duration::from_mins(1));
            self.deadline = cx.after(round);
            cx.watch_closing(self.deadline);
            cx.note(Fact::LadderStepped {
                handoff: self.handoff.id,
                step: self.step,
                action: "wait_on".to_owned(),
                deadline: self.deadline,
            });
            if !self.apologised {
                cx.say(Class::System, TextKey::Apology, TextArgs::default(), None);
            }
            self.apologised = true;
            return Mode::Waiting(self);
        }
        self.stop_claim_clock(false, cx);
        self.miss_first_response(cx);
        handoff::settle(&self.handoff, Settlement::TimedOut, cx);
        cx.common.tags.insert("follow-up".to_owned());
        self.back_to_ai(By::Timeout, String::new(), TextKey::Apology, cx)
    }

    pub(super) fn back_to_ai(
        mut self,
        by: By,
        note: String,
        key: TextKey,
        cx: &mut Cx<'_>,
    ) -> Mode {
        self.asking.cancel(CancelCause::Handoff, cx);
        let epoch = cx.change_owner();
        cx.common.routing.pinned = None;
        cx.note(Fact::HandedBack {
            by,
            agent: None,
            note,
            epoch,
            held_ms: 0,
        });
        cx.say(Class::System, key, TextArgs::default(), None);
        let mut ai = Ai::begin(cx);
        let wrote_since = cx.common.last_inbound_at > Some(self.handoff.requested_at);
        if by != By::Customer && wrote_since && cx.common.episode.waiting_since.is_some() {
            // What the customer wrote while nobody came has reached nobody: the AI must not leave it lying.
            ai.asking.gather(1, cx);
        }
        Mode::Ai(ai)
    }

    pub(super) fn move_to(
        &mut self,
        queue: QueueName,
        to: Option<AgentName>,
        by: Option<AgentName>,
        cx: &mut Cx<'_>,
    ) {
        looping::remember_queue(cx);
        cx.common.queue = queue.clone();
        looping::remember_queue(cx);
        self.to.clone_from(&to);
        cx.common.routing.offered_until = None;
        let epoch = cx.change_owner();
        cx.note(Fact::Transferred {
            agent: by,
            queue,
            to,
            handoff: self.handoff.id,
            epoch,
            held_ms: None,
        });
        self.part_company(cx);
    }

    /// The ladder of the queue it is in now begins; the customer's clocks go on.
    pub(super) fn restarted(self, to: Option<AgentName>, cx: &mut Cx<'_>) -> Self {
        Self {
            claim_due: self.claim_due,
            first_due: self.first_due,
            asking: self.asking,
            apologised: self.apologised,
            step: self.step,
            ..Self::begin(self.handoff, to, cx)
        }
    }

    /// Ownership ended by `rule`: wait again under a new handoff, the clock kept, at the front.
    pub(super) fn requeue(of: &Handoff, rule: &str, cx: &mut Cx<'_>) -> Mode {
        cx.change_owner();
        let trigger = handoff::Trigger {
            reason: of.reason,
            rule: rule.to_owned(),
            matched: of.matched.clone(),
            queue: None,
        };
        let handoff = handoff::note_request(trigger, of.since, cx);
        let waiting = Self::begin(handoff, None, cx);
        cx.say_waiting(&waiting);
        Mode::Waiting(waiting)
    }

    /// Whether an AI message that carries this handoff may still go out.
    pub(super) fn keeps_company(&self, handoff: Option<HandoffId>, ai_while_waiting: bool) -> bool {
        ai_while_waiting && handoff == Some(self.handoff.id)
    }
}

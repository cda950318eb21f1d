//! Opening hours at work: clocks that stand still while a queue is closed, and the one message that says so.
//!
//! A customer is told once for each gap between two openings, with the moment of the next one: when a person is asked
//! for, when they write, or when the doors close on their wait. Nothing here promises "shortly" while nobody is there.

use std::time::Duration;

use super::calendar::Calendar;
use super::common::{Common, Cx};
use super::hearing::Verdict;
use super::message::Body;
use super::policy::{Policy, QueuePolicy};
use super::texts::{TextArgs, TextKey};
use super::waiting::Waiting;
use super::words::{Class, Reason};
use crate::clock::Timestamp;
use crate::ids::HandoffId;

/// Stands for the next opening where none is to be found.
const NEVER: Timestamp = Timestamp::MAX;

/// A queue is closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Gap {
    /// The next opening, which names the gap; [`NEVER`] where there is none.
    until: Timestamp,
}

impl Gap {
    /// The next opening; none: there is none to be found.
    pub(super) fn opens(self) -> Option<Timestamp> {
        Some(self.until).filter(|until| *until != NEVER)
    }
}

/// The gap that `queue` is in, if it is closed at `now`.
pub(super) fn gap_of(policy: &Policy, queue: &QueuePolicy, now: Timestamp) -> Option<Gap> {
    gap(policy.calendar(queue)?, now)
}

impl Cx<'_> {
    fn calendar(&self) -> Option<&Calendar> {
        self.policy.calendar(self.queue())
    }

    /// When `open` of the queue's opening hours has passed from now on.
    pub(super) fn after(&self, open: Duration) -> Timestamp {
        self.after_from(self.now, open)
    }

    /// When `open` of the queue's opening hours has passed since `from`.
    pub(super) fn after_from(&self, from: Timestamp, open: Duration) -> Timestamp {
        self.policy.after(self.queue(), from, open)
    }

    /// The gap we are in, if the queue is closed now.
    pub(super) fn gap(&self) -> Option<Gap> {
        gap(self.calendar()?, self.now)
    }

    /// Whether the AI may go on answering whoever waits under `waiting`.
    pub(super) fn has_company(&self, waiting: &Waiting) -> bool {
        company(self.policy, self.common, waiting, self.now)
    }

    /// Whether what the customer wrote beside a promised person is nothing that the AI may answer: noted, and as urgent
    /// as it is. The promise stands, so there is nothing new to say.
    pub(super) fn is_for_people(&mut self, body: &Body) -> bool {
        let language = self.language();
        let window = &self.common.window;
        let heard = self.policy.hear(body, language.as_deref(), window);
        match heard.verdict {
            Verdict::Handoff(finding) if !is_for_the_ai(finding.reason) => {
                self.fired(&finding);
                self.common.priority = self.common.priority.max(finding.priority.value());
                true
            }
            Verdict::Handoff(_)
            | Verdict::Accepted(..)
            | Verdict::Declined(_)
            | Verdict::Dismissed(_)
            | Verdict::Offer(_)
            | Verdict::Model => false,
        }
    }

    /// When the doors close on a wait whose next step comes at `deadline` only: the customer hears of it then.
    pub(super) fn watch_closing(&mut self, deadline: Timestamp) {
        let closes = self
            .calendar()
            .and_then(|calendar| calendar.closes(self.now));
        self.common.routing.closes_at = closes.filter(|closes| *closes < deadline);
    }

    /// Says that the queue is closed and when it opens, unless this was said in this gap. Whether it was said now.
    pub(super) fn say_closed(&mut self, gap: Gap, company: bool, handoff: HandoffId) -> bool {
        if self.common.routing.told_until == Some(gap.until) {
            return false;
        }
        self.common.routing.told_until = Some(gap.until);
        let opens = self.opening(gap.until);
        let language = self.language();
        let args = TextArgs {
            opens: opens.as_deref(),
            ..TextArgs::default()
        };
        let texts = &self.policy.texts;
        let mut text = texts.render(TextKey::AfterHours, language.as_deref(), args);
        if company && self.ai_on() {
            text.push(' ');
            text.push_str(&texts.render(TextKey::Meanwhile, language.as_deref(), args));
        }
        self.say_text(Class::AfterHours, text, Some(handoff));
        true
    }

    /// A sign that the wait goes on, and the place in line; while it is closed, when it opens.
    pub(super) fn say_waiting(&mut self, waiting: &Waiting) {
        let (handoff, id) = (waiting.handoff(), waiting.handoff().id);
        if let Some(gap) = self.gap() {
            let company = self.has_company(waiting);
            self.say_closed(gap, company, id);
            return;
        }
        let place = self.place(handoff);
        let language = self.language();
        let args = TextArgs::default();
        let texts = &self.policy.texts;
        let text = texts.render(TextKey::Progress, language.as_deref(), args);
        let text = self.with_place(text, place);
        self.say_text(Class::Progress, text, Some(id));
        self.offer_alternatives("", place, id);
    }

    /// `until` in words, in the customer's language and the calendar's zone.
    fn opening(&self, until: Timestamp) -> Option<String> {
        let calendar = self.calendar()?;
        let (now, then) = (
            calendar.on_the_wall(self.now)?,
            calendar.on_the_wall(until)?,
        );
        let language = self.language();
        let weekday = TextKey::WEEKDAYS[then.weekday];
        let texts = &self.policy.texts;
        let weekday = texts.render(weekday, language.as_deref(), TextArgs::default());
        let days = until.since(self.now).as_secs() / (24 * 60 * 60);
        let key = match (now.date == then.date, days < 6) {
            (true, _) => TextKey::OpensToday,
            (false, true) => TextKey::OpensOn,
            (false, false) => TextKey::OpensLater,
        };
        let args = TextArgs {
            weekday: Some(&weekday),
            date: Some(&then.date),
            time: Some(&then.time),
            zone: Some(&then.zone),
            ..TextArgs::default()
        };
        Some(texts.render(key, language.as_deref(), args))
    }
}

fn gap(calendar: &Calendar, now: Timestamp) -> Option<Gap> {
    match calendar.opens(now) {
        Some(opens) if opens == now => None,
        Some(until) => Some(Gap { until }),
        None => Some(Gap { until: NEVER }),
    }
}

/// Whether the AI may answer beside the promised person: always, or after hours unless the matter is not for it.
pub(super) fn company(policy: &Policy, common: &Common, waiting: &Waiting, now: Timestamp) -> bool {
    let queue = policy.queue_rules_of(common);
    let closed = || {
        let calendar = policy.calendar(queue);
        calendar.is_some_and(|calendar| gap(calendar, now).is_some())
    };
    queue.ai_while_waiting
        || (queue.ai_after_hours && is_for_the_ai(waiting.handoff().reason) && closed())
}

/// Whether the AI can be of use until somebody comes.
fn is_for_the_ai(reason: Reason) -> bool {
    match reason {
        Reason::UserRequest
        | Reason::Keyword
        | Reason::Sentiment
        | Reason::Repetition
        | Reason::Deflection
        | Reason::HighValue
        | Reason::LowConfidence
        | Reason::NoAnswer
        | Reason::ToolCall
        | Reason::ModelTimeout
        | Reason::External => true,
        Reason::OutOfScope
        | Reason::Sensitive
        | Reason::Urgent
        | Reason::Guardrail
        | Reason::ModelFailure
        | Reason::Operator
        | Reason::Policy => false,
    }
}

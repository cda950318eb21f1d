//! A handoff: the promise of a person, with its reason and its deadline.
//!
//! [`request`] writes the promise, its deadline and its acknowledgement in one step, so that "a person will help you"
//! can never be said before it is true.

use serde::{Deserialize, Serialize};

use super::asking::{Asking, millis};
use super::common::Cx;
use super::decision::Refusal;
use super::looping;
use super::message::{Inbound, TEXT_BYTES_MAX};
use super::policy::QueuePolicy;
use super::routes::Facts;
use super::texts::{TextArgs, TextKey};
use super::trail::{CancelCause, Fact};
use super::waiting::Waiting;
use super::words::{Class, Reason, Settlement};
use super::{Conversation, Mode};
use crate::clock::Timestamp;
use crate::ids::{AgentName, HandoffId, QueueName};

/// The longest matched text or summary kept with a handoff, in bytes.
const MATCHED_BYTES_MAX: usize = 500;

/// The rule of a handoff that is asked for because somebody switched the AI off.
pub const AI_OFF: &str = "ai.off";
/// The rules of handoffs that go on with a promise made before: they are no requests of anybody's.
pub const PASSED_ON: [&str; 3] = [LAPSED, TRANSFERRED, REVOKED];
/// A person's ownership lapsed.
pub(super) const LAPSED: &str = "lease.lapsed";
/// A person passed it on.
pub(super) const TRANSFERRED: &str = "agent.transfer";
/// Whoever had it is one of us no more.
pub(super) const REVOKED: &str = "agent.revoked";

/// What asks for a person.
#[derive(Clone, PartialEq, Debug)]
pub struct Trigger {
    /// Why.
    pub reason: Reason,
    /// The rule that fired.
    pub rule: String,
    /// The words it fired on, or the model's summary.
    pub matched: String,
    /// The queue it names, if it names one.
    pub queue: Option<QueueName>,
}

impl Trigger {
    /// A rule of the house that fires on no words.
    pub(super) fn by_rule(reason: Reason, rule: &str) -> Self {
        Self {
            reason,
            rule: rule.to_owned(),
            matched: String::new(),
            queue: None,
        }
    }

    /// Somebody switched the AI off.
    pub(super) fn ai_off() -> Self {
        Self::by_rule(Reason::Policy, AI_OFF)
    }
}

/// One promise of a person.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Handoff {
    /// Which.
    pub id: HandoffId,
    /// Why.
    pub reason: Reason,
    /// The rule that fired.
    pub rule: String,
    /// The words it fired on.
    pub matched: String,
    /// When it was requested.
    pub requested_at: Timestamp,
    /// Since when the customer has been waiting for a person: a transfer or a lapse begins a new handoff, and keeps this.
    pub since: Timestamp,
}

impl Conversation {
    /// Whether a person was ever asked for in it.
    pub fn had_handoffs(&self) -> bool {
        self.common.next_handoff > HandoffId(1)
    }
}

/// Promises a person: trail, deadline and acknowledgement in one step.
pub(super) fn request(trigger: Trigger, mut asking: Asking, cx: &mut Cx<'_>) -> Mode {
    asking.cancel(CancelCause::Handoff, cx);
    cx.change_owner();
    if let Some(queue) = trigger
        .queue
        .clone()
        .or_else(|| matching_queue(&trigger, cx))
    {
        cx.common.queue = queue;
    }
    cx.common.routing.lapsed.clear();
    let handoff = note_request(trigger, cx.now, cx);
    let mut waiting = Waiting::begin(handoff, None, cx);
    acknowledge(&mut waiting, cx);
    Mode::Waiting(waiting)
}

/// The queue whose `match` takes what `trigger` asks for.
fn matching_queue(trigger: &Trigger, cx: &Cx<'_>) -> Option<QueueName> {
    let language = cx.language();
    let facts = Facts {
        reason: trigger.reason,
        matched: &trigger.matched,
        channel: &cx.common.channel,
        language: language.as_deref(),
        attributes: &cx.common.attributes,
    };
    cx.policy.matching_queue(&facts).cloned()
}

/// A person will help, and how soon; or, once in a gap of the opening hours, when somebody will be there.
fn acknowledge(waiting: &mut Waiting, cx: &mut Cx<'_>) {
    let id = waiting.handoff.id;
    let gap = cx.gap();
    let company = cx.has_company(waiting);
    if gap.is_some_and(|gap| cx.say_closed(gap, company, id)) {
        return;
    }
    let within = cx.queue().claim_within;
    // No minutes are named where the doors close before they are over.
    let soon = cx.after(within) == cx.now + within;
    let place = cx.place(&waiting.handoff);
    // Nor where an estimate is told: there are not two truths.
    let soon = soon && place.is_none_or(|place| !cx.estimates(place));
    let args = TextArgs {
        minutes: soon.then(|| whole_minutes(cx.queue())),
        ..TextArgs::default()
    };
    let language = cx.language();
    let texts = &cx.policy.texts;
    let text = texts.render(TextKey::Ack, language.as_deref(), args);
    let text = cx.with_place(text, place);
    if !cx.say_text(Class::Ack, text, Some(id)) {
        waiting.ack_failed(id, cx.now);
    }
    cx.offer_alternatives("", place, id);
}

/// Puts a new handoff on the trail; the customer has waited for a person since `since`.
pub(super) fn note_request(trigger: Trigger, since: Timestamp, cx: &mut Cx<'_>) -> Handoff {
    let (id, repeat) = cx.handoff();
    looping::remember_queue(cx);
    // A handoff goes on by the rules it began under, whatever is changed meanwhile.
    cx.common.routing.pinned = Some(cx.policy.hash);
    let matched = cut(trigger.matched, MATCHED_BYTES_MAX);
    let deadline = cx.after(cx.queue().claim_within);
    cx.common.priority = cx.common.priority.max(cx.queue().priority);
    cx.note(Fact::HandoffRequested {
        handoff: id,
        reason: trigger.reason,
        rule: trigger.rule.clone(),
        matched: matched.clone(),
        queue: cx.common.queue.clone(),
        repeat,
        deadline,
        since_open_ms: millis(cx.common.episode.opened_at, cx),
    });
    Handoff {
        id,
        reason: trigger.reason,
        rule: trigger.rule,
        matched,
        requested_at: cx.now,
        since,
    }
}

/// A handoff has ended.
pub(super) fn settle(handoff: &Handoff, outcome: Settlement, cx: &mut Cx<'_>) {
    let waited_ms = millis(handoff.requested_at, cx);
    cx.note(Fact::HandoffSettled {
        handoff: handoff.id,
        outcome,
        waited_ms,
    });
}

/// Names a person to the customer.
pub(super) fn introduce(agent: &AgentName, key: TextKey, cx: &mut Cx<'_>) {
    let name = Cx::display(agent);
    cx.say(
        Class::System,
        key,
        TextArgs {
            agent: Some(&name),
            ..TextArgs::default()
        },
        None,
    );
}

/// Why `note` may not end a wait or a stretch; `seen` is the last entry that its writer had read.
pub(super) fn refuse_handback(note: &str, seen: Option<u64>, cx: &Cx<'_>) -> Option<Refusal> {
    if cx.never_back() {
        return Some(Refusal::StaysWithPeople);
    }
    if !cx.ai_on() {
        return Some(Refusal::AiOff);
    }
    if note.trim().is_empty() {
        return Some(Refusal::NoteRequired);
    }
    if note.len() > TEXT_BYTES_MAX {
        return Some(Refusal::TooLong {
            max: TEXT_BYTES_MAX,
        });
    }
    let last = cx.common.last_customer_entry;
    seen.filter(|seen| last.is_some_and(|last| last > *seen))
        .map(|seen| Refusal::CustomerWroteMeanwhile { seen })
}

/// Whether the customer's words send the person away, where the queue lets them.
pub(super) fn customer_ends(inbound: &Inbound, cx: &Cx<'_>) -> bool {
    let language = cx.policy.language_of(cx.common);
    cx.queue().customer_may_end
        && !cx.never_back()
        && cx.ai_on()
        && cx
            .policy
            .phrases
            .ends_human(inbound.body.text(), language)
            .is_some()
}

fn whole_minutes(queue: &QueuePolicy) -> u64 {
    queue.claim_within.as_secs().div_ceil(60).max(1)
}

/// Cuts `text` to at most `max` bytes, at a character.
pub(super) fn cut(mut text: String, max: usize) -> String {
    if text.len() > max {
        let mut end = max;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
    }
    text
}

//! The line in front of a queue, as a waiting customer is told of it: their place, an honest estimate, and what they can
//! do instead when it takes too long.
//!
//! How full the queues are is an argument ([`Lines`](crowd::Lines), part of the [`Policy`], not of its hash); what was
//! told stands on the trail. A figure that nobody measured is never told: without enough claims lately there is no
//! estimate.

pub mod crowd;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::crowd::Waiter;
use super::common::{Common, Cx};
use super::handoff::{self, Handoff};
use super::hours::gap_of;
use super::message::Inbound;
use super::policy::Policy;
use super::texts::{TextArgs, TextKey};
use super::trail::Fact;
use super::undo;
use super::waiting::Waiting;
use super::words::{By, Class, Settlement};
use super::{Conversation, Mode};
use crate::clock::Timestamp;
use crate::ids::{HandoffId, QueueName};

/// What a queue tells whoever waits in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Tell {
    /// Their place in line.
    pub position: bool,
    /// How long it takes at the present pace.
    pub estimate: bool,
    /// Above this estimate, what they can do instead.
    pub alternatives_after: Option<Duration>,
}

/// What a customer is told of the line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    position: u64,
    estimate: Option<Duration>,
}

/// How a wait stands, as its customer may be told at this moment. Nothing of it is on the trail.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Standing {
    /// The place in line, from 1, where the queue tells it.
    pub position: Option<u64>,
    /// An estimate in whole minutes, where the queue tells one and there is one.
    pub minutes: Option<u64>,
    /// The queue is closed.
    pub closed: bool,
    /// When it opens, if it is closed and that is known.
    pub opens: Option<Timestamp>,
}

/// How the wait of `conversation` stands at `now`; none: it does not wait.
pub fn standing(conversation: &Conversation, policy: &Policy, now: Timestamp) -> Option<Standing> {
    let Mode::Waiting(waiting) = conversation.mode() else {
        return None;
    };
    let common = conversation.common();
    let queue = policy.queue_rules_of(common);
    if let Some(gap) = gap_of(policy, queue, now) {
        return Some(Standing {
            closed: true,
            opens: gap.opens(),
            ..Standing::default()
        });
    }
    let place = place(policy, common, waiting.handoff(), None);
    let told = queue.tell;
    Some(Standing {
        position: place.filter(|_| told.position).map(|place| place.position),
        minutes: place
            .and_then(|place| place.estimate)
            .filter(|_| told.estimate)
            .map(minutes),
        ..Standing::default()
    })
}

/// The place of `handoff` in line, where its queue tells anything of it; with a time it is taken then.
fn place(
    policy: &Policy,
    common: &Common,
    handoff: &Handoff,
    taken: Option<Timestamp>,
) -> Option<Place> {
    if policy.queue_rules_of(common).tell == Tell::default() {
        return None;
    }
    let waiter = Waiter {
        id: common.id,
        priority: common.priority,
        since: handoff.since,
    };
    let ahead = match taken {
        Some(now) => policy.crowds.enter(&common.queue, waiter, now)?,
        None => policy.crowds.place(&common.queue, waiter)?,
    };
    let position = ahead.before + 1;
    Some(Place {
        position,
        estimate: ahead.pace.map(|pace| estimate(pace, position)),
    })
}

/// How long it takes at `pace` until whoever is number `position` is served.
pub fn estimate(pace: Duration, position: u64) -> Duration {
    pace.saturating_mul(u32::try_from(position).unwrap_or(u32::MAX))
}

/// The estimate above which whoever waits in `conversation` is still to be told what they can do instead; none: they do
/// not wait, were told, or are told nothing.
pub fn alternatives_above(conversation: &Conversation, policy: &Policy) -> Option<Duration> {
    let Mode::Waiting(waiting) = conversation.mode() else {
        return None;
    };
    let common = conversation.common();
    let told = common.routing.alternatives == Some(waiting.handoff().id);
    let limit = policy.queue_rules_of(common).tell.alternatives_after;
    limit.filter(|_| !told)
}

/// Whether `queue` is closed at `now`: then nothing is told of its line.
pub fn is_closed(policy: &Policy, queue: &QueueName, now: Timestamp) -> bool {
    let rules = policy.queue(queue);
    rules.is_some_and(|rules| gap_of(policy, rules, now).is_some())
}

/// Somebody rang: perhaps the line has grown too long for whoever waits, and nobody has said so. What is due anyhow says
/// it in its turn.
pub(super) fn rung(mode: &Mode, cx: &mut Cx<'_>) {
    if let Mode::Waiting(waiting) = mode
        && waiting.due(cx.common).is_none_or(|due| due > cx.now)
    {
        let place = cx.place(&waiting.handoff);
        // Nothing was said just before: what they do not have to wait for comes first.
        let before = cx.with_place(String::new(), place);
        cx.offer_alternatives(&before, place, waiting.handoff.id);
    }
}

impl Cx<'_> {
    /// The place of `handoff` in line, where its queue tells anything of it and is open.
    pub(super) fn place(&self, handoff: &Handoff) -> Option<Place> {
        match self.gap() {
            Some(_closed) => None,
            None => place(self.policy, self.common, handoff, Some(self.now)),
        }
    }

    /// Whether the customer is told an estimate of `place`.
    pub(super) fn estimates(&self, place: Place) -> bool {
        self.queue().tell.estimate && place.estimate.is_some()
    }

    /// `text`, and what its queue tells of `place`.
    pub(super) fn with_place(&self, mut text: String, place: Option<Place>) -> String {
        let (Some(place), tell) = (place, self.queue().tell) else {
            return text;
        };
        let language = self.language();
        let mut add = |key, args| {
            text.push(' ');
            text.push_str(&self.policy.texts.render(key, language.as_deref(), args));
        };
        let args = TextArgs {
            position: Some(place.position),
            minutes: place.estimate.map(minutes),
            ..TextArgs::default()
        };
        if tell.position {
            add(TextKey::Place, args);
        }
        if self.estimates(place) {
            add(TextKey::Pace, args);
        }
        text
    }

    /// Offers what can be done instead of waiting, once for each handoff, where it takes too long; `before` is said first.
    pub(super) fn offer_alternatives(
        &mut self,
        before: &str,
        place: Option<Place>,
        handoff: HandoffId,
    ) {
        let estimate = place.and_then(|place| place.estimate);
        let limit = self.queue().tell.alternatives_after;
        let too_long = limit.is_some_and(|limit| estimate.is_some_and(|long| long > limit));
        if !too_long || self.common.routing.alternatives == Some(handoff) {
            return;
        }
        self.common.routing.alternatives = Some(handoff);
        let language = self.language();
        let (texts, args) = (&self.policy.texts, TextArgs::default());
        let text = texts.render(TextKey::Alternatives, language.as_deref(), args);
        let text = format!("{before} {text}").trim_start().to_owned();
        let mut choices = Vec::new();
        for (number, key) in (1_u8..).zip(self.alternatives()) {
            let title = texts.render(key, language.as_deref(), args);
            // Buttons where a channel has them, lines of the text where it has none: so the number is in the title.
            choices.push((key.as_str().to_owned(), numbered(number, &title)));
        }
        let (effect, class) = (self.effect(), Class::Progress);
        let n = self.note(Fact::SystemWrote {
            effect,
            class,
            text,
            choices,
        });
        self.owe(effect, class, n, Some(handoff));
    }

    /// What can be done instead of waiting here, in the order of its numbers.
    fn alternatives(&self) -> Vec<TextKey> {
        let mut keys = vec![TextKey::LeaveMessage, TextKey::CallBack];
        if !self.never_back() && self.ai_on() {
            keys.push(TextKey::GoOnWithAi);
        }
        keys
    }

    /// Which of the alternatives that were offered under `handoff` these words choose.
    pub(super) fn chosen(&self, inbound: &Inbound, handoff: HandoffId) -> Option<TextKey> {
        if self.common.routing.alternatives != Some(handoff) {
            return None;
        }
        let said = inbound.body.text().trim().to_lowercase();
        let language = self.language();
        let title = |key| {
            let texts = &self.policy.texts;
            texts.render(key, language.as_deref(), TextArgs::default())
        };
        let mut keys = (1_u8..).zip(self.alternatives());
        let says = |number: u8, title: &str| {
            let whole = numbered(number, title).to_lowercase();
            said == number.to_string() || said == title.to_lowercase() || said == whole
        };
        keys.find(|(number, key)| says(*number, &title(*key)))
            .map(|(_, key)| key)
    }
}

impl Waiting {
    /// The customer chose something instead of waiting.
    pub(super) fn chose(mut self, key: TextKey, cx: &mut Cx<'_>) -> Mode {
        if key == TextKey::GoOnWithAi {
            cx.common.episode.waiting_since = None;
            undo::answered_otherwise(cx);
            handoff::settle(&self.handoff, Settlement::Abandoned, cx);
            return self.back_to_ai(By::Customer, String::new(), TextKey::CustomerEnded, cx);
        }
        let (tag, answer) = match key == TextKey::CallBack {
            true => ("call-back", TextKey::CallBackNoted),
            false => ("message", TextKey::MessageNoted),
        };
        // They need not stay: no more is said of the line, and the team sees what they wish.
        cx.common.tags.insert(tag.to_owned());
        self.part_company(cx);
        cx.say(Class::System, answer, TextArgs::default(), None);
        Mode::Waiting(self)
    }
}

fn numbered(number: u8, title: &str) -> String {
    format!("{number}. {title}")
}

/// Whole minutes, at least one.
fn minutes(long: Duration) -> u64 {
    long.as_secs().div_ceil(60).max(1)
}

//! The rules of the house, as data: what `decide` may know of the configuration.
//!
//! A [`Policy`] is whole, immutable and comparable. Its hash names it in the trail, so that replay can decide again
//! under what was in force then. [`Switches`] are turned while the process runs, are recorded by facts of their own,
//! and are no part of the hash. Nothing here reads a file or a clock, and no secret is in it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::calendar::Calendar;
pub use super::common::HANDOFFS_MAX;
use super::line::Tell;
use super::line::crowd::Lines;
pub use super::looping::LoopBreaker;
use super::message::Medium;
use super::routes::{Assignment, Match, Pin};
pub use super::switches::Switches;
use super::texts::Texts;
use super::windows::{Queues, Windows, on_channels};
use super::words::{HandbackPolicy, Outcome};
use crate::clock::Timestamp;
use crate::ids::{CalendarName, ChannelName, IdHash, QueueName};
pub use crate::triage::phrases::{PhraseRule, Phrases};
use crate::triage::settings::Settings as TriageSettings;

/// How many entries of the trail the model sees, unless said otherwise.
pub const WINDOW_ENTRIES: usize = 60;
/// WhatsApp takes free text for this long after the customer's last message.
pub const WHATSAPP_WINDOW: Duration = Duration::from_hours(24);

/// Everything that `decide` goes by.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Policy {
    /// Names the rest except the switches; set by [`Policy::sealed`].
    pub hash: u64,
    /// The channel instances.
    pub channels: BTreeMap<ChannelName, ChannelPolicy>,
    /// The queues.
    pub queues: BTreeMap<QueueName, QueuePolicy>,
    /// The queue of whatever names none.
    pub default_queue: QueueName,
    /// What customers can be told.
    pub texts: Texts,
    /// What customers say to ask for a person, to agree, to decline.
    pub phrases: Phrases,
    /// What is looked for in the customer's words before the model is asked.
    #[serde(default)]
    pub triage: TriageSettings,
    /// How patient we are with the model.
    pub model: ModelPolicy,
    /// How many of the last trail entries the model sees; more where its question begins further back.
    pub window_entries: usize,
    /// Where the AI is off.
    pub switches: Switches,
    /// The opening hours that queues name.
    #[serde(default)]
    pub calendars: BTreeMap<CalendarName, Calendar>,
    /// The queues of earlier policies, by their hash: handoffs that began under them go on by them. No part of the
    /// hash, and stored with those policies.
    #[serde(skip)]
    pub earlier: BTreeMap<u64, Arc<Queues>>,
    /// The queues as channels change them: derived by [`Policy::sealed`].
    #[serde(skip)]
    pub on_channels: BTreeMap<ChannelName, BTreeMap<QueueName, QueuePolicy>>,
    /// How full the queues are at this moment, where they tell. No part of the hash, and never stored.
    #[serde(skip)]
    pub crowds: Lines,
}

/// One channel instance.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ChannelPolicy {
    /// Its medium. One instance may also carry others: what came in says which.
    pub medium: Medium,
    /// The queue of its handoffs.
    pub queue: QueueName,
    /// The language of its customers, where it is known beforehand.
    pub language: Option<String>,
    /// How several messages in a row are gathered into one question.
    pub burst: Burst,
    /// Answers can be shown while they are written.
    pub streams: bool,
    /// Free text is allowed for this long after the customer's last message; `None`: always.
    pub reply_window: Option<Duration>,
    /// The longest message, in characters.
    pub text_max: usize,
    /// What it sets otherwise than its queues do.
    #[serde(default)]
    pub windows: Windows,
}

/// When a row of messages counts as one question.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Burst {
    /// After this much silence.
    pub quiet: Duration,
    /// At the latest this long after the first of them.
    pub max: Duration,
}

/// One queue: who waits how long, and what happens then.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct QueuePolicy {
    /// Greater is served first.
    pub priority: u8,
    /// Target: requested to claimed.
    pub claim_within: Duration,
    /// Target: requested to the first human word.
    pub first_response_within: Duration,
    /// Target: a customer's message to the next human word.
    pub next_response_within: Duration,
    /// Target: opened to resolved.
    pub resolve_within: Option<Duration>,
    /// What happens while nobody claims: never empty, growing, and its last rung tells the customer or moves on.
    pub ladder: Vec<Rung>,
    /// How the conversation returns to the AI.
    pub handback_policy: HandbackPolicy,
    /// Ownership lapses after this long without a sign of life, once the person was asked.
    pub lease: Duration,
    /// After this long without a human word the person is asked "are you done?".
    pub agent_silence: Duration,
    /// How long that question may stay unanswered.
    pub answer_within: Duration,
    /// What a lapse leads to.
    pub on_lapse: OnLapse,
    /// A conversation with the AI closes after this much silence of the customer.
    pub idle_close: Duration,
    /// A closed conversation is taken up again within this time; later a new episode begins.
    pub reopen_within: Duration,
    /// The AI goes on answering while a person is awaited.
    pub ai_while_waiting: bool,
    /// The customer may send the person away.
    pub customer_may_end: bool,
    /// Too many handoffs in a short time: the conversation stays with people.
    pub loop_breaker: Option<LoopBreaker>,
    /// The calendar it keeps; none: always open. The clocks of a wait stand still while it is closed.
    #[serde(default)]
    pub hours: Option<CalendarName>,
    /// While it is closed the AI goes on answering whoever waits, unless the matter is not for it.
    #[serde(default)]
    pub ai_after_hours: bool,
    /// The handoffs it takes before the queue of the channel does.
    #[serde(default)]
    pub matches: Option<Match>,
    /// How its conversations find a person.
    #[serde(default)]
    pub assignment: Assignment,
    /// Who is asked before all others.
    #[serde(default)]
    pub pin: Pin,
    /// How long an offer to one person stands.
    #[serde(default)]
    pub offer_for: Duration,
    /// Whoever has, or is offered, this many conversations is offered none of this queue.
    #[serde(default)]
    pub capacity: u32,
    /// What whoever waits is told of the line.
    #[serde(default)]
    pub tell: Tell,
    /// After these outcomes the customer is asked how it went.
    #[serde(default)]
    pub survey: BTreeSet<Outcome>,
    /// A customer who has been silent for so long with the AI is asked whether they are still there; none: they are not.
    #[serde(default)]
    pub remind_after: Option<Duration>,
    /// After so many answers of the AI the customer is told that a person can be had; 0: never.
    #[serde(default)]
    pub mention_person: u8,
    /// So long a reply is kept that the channel does not take now.
    #[serde(default = "super::parked::usual")]
    pub parked_for: Duration,
}

/// A step of the ladder.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Rung {
    /// So long after the handoff was requested, or came into this queue.
    pub after: Duration,
    /// What is done.
    pub action: RungAction,
}

/// What a step of the ladder does.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum RungAction {
    /// Tells the team again, louder, and the customer that they still wait.
    Notify,
    /// Moves it to another queue, whose ladder then begins.
    Transfer(QueueName),
    /// Offers it to somebody else.
    Reassign,
    /// Tells the customer that nobody came and how it goes on; settles the handoff as timed out.
    Apologise,
    /// Offers it to leads only, until another step or another queue.
    Lead,
}

/// What happens when a person's ownership lapses.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum OnLapse {
    /// Back into the queue, at the front, with its waiting clock kept.
    Requeue,
    /// Back to the AI.
    HandBack,
    /// The episode ends.
    Close,
}

/// How patient we are with the model.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ModelPolicy {
    /// Then the customer is told that we are still at it.
    pub soft_timeout: Duration,
    /// Then the question is given up.
    pub timeout: Duration,
}

impl Policy {
    /// Computes the hash and compiles the phrases and rules: to be called after the last change.
    #[must_use]
    pub fn sealed(mut self) -> Self {
        #[derive(Serialize)]
        struct Hashed<'a> {
            channels: &'a BTreeMap<ChannelName, ChannelPolicy>,
            queues: &'a BTreeMap<QueueName, QueuePolicy>,
            default_queue: &'a QueueName,
            texts: &'a Texts,
            phrases: &'a Phrases,
            triage: &'a TriageSettings,
            model: &'a ModelPolicy,
            window_entries: usize,
            calendars: &'a BTreeMap<CalendarName, Calendar>,
        }
        let json = serde_json::to_vec(&Hashed {
            channels: &self.channels,
            queues: &self.queues,
            default_queue: &self.default_queue,
            texts: &self.texts,
            phrases: &self.phrases,
            triage: &self.triage,
            model: &self.model,
            window_entries: self.window_entries,
            calendars: &self.calendars,
        })
        .expect("plain data with text keys is always JSON");
        self.hash = IdHash::of_bytes(&json).0;
        self.on_channels = on_channels(&self.queues, &self.channels);
        self.phrases.recompile();
        // compiled now, so that the first message does not wait for it
        let _ = self.triage.rules();
        self
    }

    /// All queues, for handoffs that began under them.
    pub fn all_queues(&self) -> Arc<Queues> {
        Arc::new(Queues::of(&self.queues, &self.channels))
    }

    /// The rules of `queue`, or those of the default queue where it is not known (any more).
    pub fn queue(&self, queue: &QueueName) -> Option<&QueuePolicy> {
        self.queues
            .get(queue)
            .or_else(|| self.queues.get(&self.default_queue))
    }

    /// The opening hours of `queue`; none: always open.
    pub fn calendar(&self, queue: &QueuePolicy) -> Option<&Calendar> {
        self.calendars.get(queue.hours.as_ref()?)
    }

    /// When `open` of the opening hours of `queue` has passed since `from`.
    pub fn after(&self, queue: &QueuePolicy, from: Timestamp, open: Duration) -> Timestamp {
        self.calendar(queue)
            .map_or(from + open, |calendar| calendar.after(from, open))
    }

    /// The queue that handoffs of `channel` go to.
    pub fn queue_of(&self, channel: &ChannelName) -> &QueueName {
        self.channels
            .get(channel)
            .map_or(&self.default_queue, |c| &c.queue)
    }
}

impl Default for Policy {
    fn default() -> Self {
        let queue = QueueName::from("support");
        let web = ChannelPolicy::of(Medium::Webchat, queue.clone());
        Self {
            hash: 0,
            channels: BTreeMap::from([(ChannelName::from("web"), web)]),
            queues: BTreeMap::from([(queue.clone(), QueuePolicy::default())]),
            default_queue: queue,
            texts: Texts::default(),
            phrases: Phrases::default(),
            triage: TriageSettings::default(),
            model: ModelPolicy::default(),
            window_entries: WINDOW_ENTRIES,
            switches: Switches::default(),
            calendars: BTreeMap::new(),
            earlier: BTreeMap::new(),
            on_channels: BTreeMap::new(),
            crowds: Lines::default(),
        }
        .sealed()
    }
}

impl ChannelPolicy {
    /// What is usual on `medium`, with handoffs going to `queue`.
    pub fn of(medium: Medium, queue: QueueName) -> Self {
        let burst = |quiet, max| Burst {
            quiet: Duration::from_millis(quiet),
            max: Duration::from_millis(max),
        };
        let (burst, streams, text_max) = match medium {
            // https://www.twilio.com/docs/messaging/api/message-resource: a body of at most 1600 characters
            Medium::Whatsapp | Medium::Sms => (burst(2_000, 15_000), false, 1_600),
            // https://core.telegram.org/bots/api#sendmessage: 1 to 4096 characters
            Medium::Telegram => (burst(2_000, 15_000), false, 4_096),
            Medium::Webchat => (burst(400, 3_000), true, 4_096),
            Medium::Voice => (burst(0, 0), true, 4_096),
            Medium::Http | Medium::Other => (burst(0, 0), false, 4_096),
        };
        Self {
            medium,
            queue,
            language: None,
            burst,
            streams,
            reply_window: (medium == Medium::Whatsapp).then_some(WHATSAPP_WINDOW),
            text_max,
            windows: Windows::default(),
        }
    }
}

impl QueuePolicy {
    /// The ladder of a queue that has none of its own: the team is told at the target, the customer at twice that.
    pub fn usual_ladder(claim_within: Duration) -> Vec<Rung> {
        let rung = |after, action| Rung { after, action };
        vec![
            rung(claim_within, RungAction::Notify),
            rung(claim_within * 2, RungAction::Apologise),
        ]
    }
}

impl Default for QueuePolicy {
    fn default() -> Self {
        Self {
            priority: 100,
            claim_within: Duration::from_mins(5),
            first_response_within: Duration::from_mins(10),
            next_response_within: Duration::from_mins(10),
            resolve_within: None,
            ladder: Self::usual_ladder(Duration::from_mins(5)),
            handback_policy: HandbackPolicy::Explicit,
            lease: Duration::from_mins(10),
            agent_silence: Duration::from_mins(30),
            answer_within: Duration::from_mins(5),
            on_lapse: OnLapse::Requeue,
            idle_close: Duration::from_hours(24),
            reopen_within: Duration::from_hours(24),
            ai_while_waiting: false,
            customer_may_end: true,
            loop_breaker: None,
            hours: None,
            ai_after_hours: true,
            matches: None,
            assignment: Assignment::Claim,
            pin: Pin::default(),
            offer_for: Duration::from_mins(1),
            capacity: 5,
            tell: Tell::default(),
            survey: BTreeSet::new(),
            remind_after: None,
            mention_person: 0,
            parked_for: super::parked::usual(),
        }
    }
}

impl Default for ModelPolicy {
    fn default() -> Self {
        Self {
            soft_timeout: Duration::from_secs(8),
            timeout: Duration::from_secs(30),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_follows_the_rules_and_not_the_switches() {
        let policy = Policy::default();
        let mut switched = policy.clone();
        switched.switches.all = false;
        assert_eq!(switched.sealed().hash, policy.hash);
        let mut patient = policy.clone();
        patient.model.timeout += Duration::from_secs(1);
        assert_ne!(patient.sealed().hash, policy.hash);
    }

    #[test]
    fn a_stored_policy_is_the_same_policy() {
        let policy = Policy::default();
        let bytes = postcard::to_stdvec(&policy).expect("written");
        let read: Policy = postcard::from_bytes(&bytes).expect("read");
        assert_eq!(read, policy);
        assert_eq!(read.clone().sealed().hash, policy.hash);
        assert!(
            read.phrases
                .wants_person("real person please", None)
                .is_some()
        );
    }

    #[test]
    fn an_unknown_queue_is_treated_like_the_default_one() {
        let policy = Policy::default();
        assert_eq!(
            policy.queue(&"gone".into()),
            policy.queues.get(&policy.default_queue)
        );
        assert_eq!(policy.queue_of(&"gone".into()).as_str(), "support");
    }

    #[test]
    fn the_ai_is_off_where_any_switch_is_off() {
        let check = |switches: Switches, on: bool| {
            assert_eq!(
                switches.ai_on(&"web".into(), &"support".into()),
                on,
                "{switches:?}"
            );
        };
        check(Switches::default(), true);
        check(
            Switches {
                all: false,
                ..Switches::default()
            },
            false,
        );
        check(
            Switches {
                channels_off: BTreeSet::from(["web".into()]),
                ..Switches::default()
            },
            false,
        );
        check(
            Switches {
                queues_off: BTreeSet::from(["support".into()]),
                ..Switches::default()
            },
            false,
        );
        check(
            Switches {
                queues_off: BTreeSet::from(["sales".into()]),
                ..Switches::default()
            },
            true,
        );
    }
}

//! A week of traffic on virtual time: a holiday, a weekend, a changed clock, a night shift. Every deadline is checked
//! against minutes counted one by one on the clock on the wall, which knows nothing of how calendars are evaluated.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use segue::clock::Timestamp;
use segue::config::{Config, Environment};
use segue::conversation::decision::{Decision, Perform};
use segue::conversation::event::{Act, Event};
use segue::conversation::message::{Attempt, Body, Customer, Inbound, Medium};
use segue::conversation::policy::Policy;
use segue::conversation::trail::{Entry, Fact};
use segue::conversation::words::{Class, Role, Settlement, SlaClock};
use segue::conversation::{Conversation, Mode};
use segue::ids::{ConversationId, HandoffId};

const RULES: &str = r#"
[calendars.office]
time_zone = "Europe/Berlin"
weekdays = ["09:00-13:00", "14:00-18:00"]
holidays = ["2026-03-25"]

[calendars.night]
time_zone = "Europe/Berlin"
daily = ["22:00-06:00"]

[channels.web]
kind = "webchat"

[queues.office]
hours = "office"
ai_after_hours = false
claim_within = "17m"
first_response_within = "40m"
ladder = [{ after = "20m", do = "notify" }, { after = "7h", do = "notify" }, { after = "9h", do = "apologise" }]

[queues.night]
hours = "night"
ai_after_hours = false
claim_within = "45m"
first_response_within = "50m"
ladder = [{ after = "30m", do = "notify" }, { after = "10h", do = "apologise" }]

[queues.always]
claim_within = "5m"
first_response_within = "10m"
ladder = [{ after = "5m", do = "notify" }, { after = "10m", do = "apologise" }]
"#;

/// Customers of the week.
const CUSTOMERS: u64 = 600;
/// Minutes in which they may come.
const WEEK: u64 = 7 * 24 * 60;

/// Monday, 23 March 2026, 00:00 in Berlin. The clocks go forward on Sunday.
fn monday() -> Timestamp {
    Timestamp::parse("2026-03-23T00:00:00+01:00").expect("a time")
}

/// Whether `queue` is open in the minute that begins at `at`, by the clock on the wall.
fn is_open(queue: &str, at: Timestamp) -> bool {
    let wall = jiff::Timestamp::from_millisecond(at.as_millis())
        .and_then(|at| at.in_tz("Europe/Berlin"))
        .expect("a time");
    let hour = wall.hour();
    match queue {
        "office" => {
            let weekday = wall.weekday().to_monday_zero_offset();
            let holiday = wall.date() == jiff::civil::date(2026, 3, 25);
            weekday < 5 && !holiday && ((9..13).contains(&hour) || (14..18).contains(&hour))
        }
        "night" => !(6..22).contains(&hour),
        _ => true,
    }
}

const MINUTE: Duration = Duration::from_mins(1);

/// When `open` minutes of opening hours have passed since `from`, a whole minute.
fn after(queue: &str, from: Timestamp, open: u64) -> Timestamp {
    let (mut at, mut left) = (from, open);
    while left > 0 {
        left -= u64::from(is_open(queue, at));
        at = at + MINUTE;
    }
    at
}

fn next_opening(queue: &str, from: Timestamp) -> Timestamp {
    let mut at = Timestamp::from_millis(from.as_millis() / 60_000 * 60_000);
    while !is_open(queue, at) {
        at = at + MINUTE;
    }
    at
}

struct Story {
    queue: &'static str,
    conversation: Conversation,
    policy: Policy,
    trail: Vec<Entry>,
    now: Timestamp,
}

impl Story {
    fn new(queue: &'static str, number: u64, policy: &Policy) -> Self {
        let mut policy = policy.clone();
        let web = policy.channels.get_mut(&"web".into()).expect("a channel");
        web.queue = queue.into();
        let customer = customer(number);
        let id = ConversationId::derive(&[7; 32], "web", &customer.address);
        let ours = String::new();
        let conversation = Conversation::new(
            id,
            "web".into(),
            Medium::Webchat,
            customer,
            ours,
            queue.into(),
        );
        Self {
            queue,
            conversation,
            policy,
            trail: Vec::new(),
            now: Timestamp::ZERO,
        }
    }

    fn go(&mut self, event: Event, at: Timestamp) {
        self.now = at;
        let decision: Decision = self.conversation.decide(event, at, &self.policy);
        self.trail.extend(decision.entries);
        for perform in decision.perform {
            if let Perform::Send(effect) = perform {
                let provider_id = String::from("x");
                let attempt = Attempt::Accepted { provider_id };
                self.go(Event::SendSettled { effect, attempt }, at);
            }
        }
    }

    /// Rings every deadline until `until`, at its very moment.
    fn sleep_until(&mut self, until: Timestamp) {
        while let Some(due) = self.conversation.due().filter(|due| *due < until) {
            assert!(due >= self.now, "a deadline in the past: {due:?}");
            // Killed and woken from disk before each: nothing rests on memory.
            let woken = Conversation::decode(&self.conversation.encode()).expect("a head");
            assert_eq!(woken.due(), Some(due));
            let rev = self.conversation.rev();
            self.go(Event::DeadlinePassed, due);
            assert!(self.conversation.rev() > rev, "nothing was done at {due:?}");
        }
        self.now = until;
    }

    fn writes(&mut self, number: u64, id: u32, text: &str, at: Timestamp) {
        let inbound = Inbound {
            channel: "web".into(),
            medium: Medium::Webchat,
            from: customer(number),
            to: String::new(),
            id: format!("m{id}"),
            sent_at: None,
            body: Body::Text(text.into()),
        };
        let seen_before = false;
        self.go(
            Event::CustomerWrote {
                inbound,
                seen_before,
            },
            at,
        );
    }

    fn first(&self, wanted: impl Fn(&Fact) -> bool) -> Option<&Entry> {
        self.trail.iter().find(|entry| wanted(&entry.fact))
    }
}

fn customer(number: u64) -> Customer {
    Customer {
        address: format!("customer {number}"),
        name: None,
        language: None,
    }
}

fn policy() -> Policy {
    let environment: Environment = std::iter::empty::<(&str, &str)>().collect();
    let config = Config::parse("week.toml", RULES, Path::new(""), &environment);
    config.unwrap_or_else(|faults| panic!("{faults}")).policy()
}

/// The rungs of the ladder and the two clocks, in open minutes.
fn plan(queue: &str) -> (&'static [u64], u64, u64) {
    match queue {
        "office" => (&[20, 7 * 60, 9 * 60], 17, 40),
        "night" => (&[30, 10 * 60], 45, 50),
        _ => (&[5, 10], 5, 10),
    }
}

/// A step of the first handoff: whoever wrote meanwhile may be promised somebody once more later.
fn is_first(fact: &Fact) -> bool {
    matches!(fact, Fact::LadderStepped { handoff, .. } if *handoff == HandoffId(1))
}

/// Nobody comes: each step, each clock and the end are where the wall says.
fn check_unclaimed(story: &Story, asked: Timestamp) {
    let (rungs, claim, first) = plan(story.queue);
    let due = |minutes| after(story.queue, asked, minutes);
    let steps: Vec<Timestamp> = story
        .trail
        .iter()
        .filter(|entry| is_first(&entry.fact))
        .map(|entry| entry.at)
        .collect();
    let (last, before) = rungs.split_last().expect("a ladder");
    let wanted: Vec<Timestamp> = before.iter().map(|minutes| due(*minutes)).collect();
    assert_eq!(steps, wanted, "{} asked at {asked:?}", story.queue);
    let sorry = story.first(|fact| {
        let Fact::HandoffSettled { outcome, .. } = fact else {
            return false;
        };
        *outcome == Settlement::TimedOut
    });
    assert_eq!(sorry.map(|entry| entry.at), Some(due(*last)));
    for (clock, minutes) in [(SlaClock::Claim, claim), (SlaClock::FirstResponse, first)] {
        let missed = story.first(|fact| *fact == Fact::SlaEvaluated { clock, met: false });
        let at = missed.map(|entry| entry.at);
        assert_eq!(at, Some(due(minutes)), "{clock} asked at {asked:?}");
    }
}

/// Once in each gap, in the gap, and with the right opening.
fn check_after_hours(story: &Story) -> usize {
    let mut told: BTreeMap<Timestamp, usize> = BTreeMap::new();
    for entry in &story.trail {
        let Fact::SystemWrote { class, text, .. } = &entry.fact else {
            continue;
        };
        if *class == Class::Ack || *class == Class::AfterHours {
            let closed = !is_open(story.queue, entry.at);
            assert_eq!(*class == Class::AfterHours, closed, "at {:?}", entry.at);
        }
        if *class != Class::AfterHours {
            continue;
        }
        let opens = next_opening(story.queue, entry.at);
        *told.entry(opens).or_default() += 1;
        let wall = jiff::Timestamp::from_millisecond(opens.as_millis())
            .and_then(|at| at.in_tz("Europe/Berlin"))
            .expect("a time");
        let time = wall.strftime("%H:%M").to_string();
        let (today, weekday) = ("today".to_owned(), wall.strftime("%A").to_string());
        assert!(text.contains(&time), "{text}: not {time}");
        assert!(
            text.contains(&today) || text.contains(&weekday),
            "{text}: not {weekday}"
        );
    }
    assert!(told.values().all(|times| *times == 1), "{told:?}");
    told.len()
}

#[test]
fn a_week_with_a_holiday_and_a_changed_clock_keeps_every_deadline() {
    let policy = policy();
    let mut random = 20_260_323_u64;
    let mut below = |end: u64| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % end
    };
    let (mut told, mut claimed, mut night) = (0, 0, 0);
    for number in 0..CUSTOMERS {
        let queue = ["office", "night", "always"][usize::try_from(number % 3).expect("small")];
        let asked = monday() + MINUTE * u32::try_from(below(WEEK)).expect("a week");
        let mut story = Story::new(queue, number, &policy);
        story.writes(number, 0, "a human please", asked);
        let Mode::Waiting(_) = story.conversation.mode() else {
            panic!("nobody is promised")
        };
        night += usize::from(!is_open(queue, asked));
        // Every second customer grows impatient, at whatever hour.
        if below(2) == 0 {
            let minutes = u32::try_from(below(4)).expect("small");
            story.sleep_until(asked + MINUTE * minutes);
            story.writes(number, 1, "hello?", asked + MINUTE * minutes);
            story.writes(number, 2, "hello??", asked + MINUTE * minutes);
        }
        if below(3) == 0 {
            // Somebody comes in the open, in time for the clocks or not.
            let (_, claim, _) = plan(queue);
            let minutes = 1 + below(claim + 10);
            let at = after(queue, asked, minutes);
            story.sleep_until(at);
            if let Mode::Waiting(_) = story.conversation.mode() {
                let act = Act::Claim { force: false };
                let (agent, role, key) = ("Ana".into(), Role::Agent, None);
                story.go(
                    Event::Acted {
                        agent,
                        role,
                        act,
                        key,
                    },
                    at,
                );
                let met = minutes < claim;
                let clock = SlaClock::Claim;
                let found = story.first(|fact| *fact == Fact::SlaEvaluated { clock, met });
                assert!(
                    found.is_some(),
                    "{queue}: asked {asked:?}, claimed after {minutes}"
                );
                claimed += 1;
            }
        } else {
            story.sleep_until(asked + Duration::from_hours(24 * 9));
            check_unclaimed(&story, asked);
        }
        told += check_after_hours(&story);
    }
    // Whatever the numbers are, the week must have had all of it in it.
    assert!(
        claimed > 100 && night > 200 && told > night,
        "{claimed}, {night}, {told}"
    );
}

//! Figures of where a conversation stands: what is owed, since when, and whether the AI got by alone.

use std::time::Duration;

use segue::clock::Timestamp;
use segue::conversation::Conversation;
use segue::conversation::event::{Act, Event};
use segue::conversation::message::{Body, Customer, Inbound, Medium};
use segue::conversation::policy::Policy;
use segue::conversation::trail::{Entry, Fact};
use segue::conversation::words::{Class, MessageState, ModeName, Role};
use segue::metrics::{Figures, OutboxFigure, Standing};

use crate::says::settled;
use crate::{ID, at, fresh, series};

fn customer_says(text: &str) -> Event {
    let inbound = Inbound {
        channel: "web".into(),
        medium: Medium::Webchat,
        from: Customer {
            address: "visitor".into(),
            name: None,
            language: Some("en".into()),
        },
        to: String::new(),
        id: text.to_owned(),
        sent_at: None,
        body: Body::Text(text.to_owned()),
    };
    Event::CustomerWrote {
        inbound,
        seen_before: false,
    }
}

/// How a conversation stands after each of two steps: the customer wrote `text`, and a minute passed.
pub fn standings(text: &str) -> [Standing; 2] {
    let (mut talk, policy) = (talk(), Policy::default());
    talk.decide(customer_says(text), after(0), &policy);
    let first = Standing::of(&talk);
    talk.decide(Event::DeadlinePassed, after(60), &policy);
    [first, Standing::of(&talk)]
}

/// The same a minute later, and once a person has resolved it.
pub fn resolved(text: &str) -> [Standing; 2] {
    let (mut talk, policy) = (talk(), Policy::default());
    talk.decide(customer_says(text), after(0), &policy);
    talk.decide(Event::DeadlinePassed, after(60), &policy);
    let open = Standing::of(&talk);
    let resolve = Event::Acted {
        agent: "ana".into(),
        role: Role::Lead,
        act: Act::Resolve {
            outcome: None,
            note: "done".into(),
        },
        key: None,
    };
    talk.decide(resolve, after(61), &policy);
    [open, Standing::of(&talk)]
}

fn after(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_000_000 + seconds * 1_000)
}

/// A conversation in which nobody has said anything yet.
fn talk() -> Conversation {
    let policy = Policy::default();
    let queue = policy.default_queue.clone();
    let customer = Customer {
        address: "visitor".into(),
        name: None,
        language: Some("en".into()),
    };
    Conversation::new(
        ID,
        "web".into(),
        Medium::Webchat,
        customer,
        String::new(),
        queue,
    )
}

#[test]
fn what_is_owed_is_shown_with_its_age_until_it_is_owed_no_more() {
    let metrics = fresh();
    let [owes, _] = standings("I want to talk to a human");
    assert!(owes.owes());
    metrics.stands(ID, Medium::Webchat, Standing::default(), owes);
    let now = Timestamp::from_millis(1_007_000);
    let wanted = OutboxFigure {
        medium: Medium::Webchat,
        depth: 1,
        in_doubt: 0,
        parked: 0,
        oldest: Duration::from_secs(7),
    };
    assert_eq!(metrics.outbox(now), [wanted]);
    metrics.stands(ID, Medium::Webchat, owes, Standing::default());
    assert_eq!(metrics.outbox(now), []);
}

#[test]
fn the_ai_gets_involved_once_in_an_episode() {
    let metrics = fresh();
    let [gathered, asked] = standings("What are your opening hours?");
    metrics.stands(ID, Medium::Webchat, Standing::default(), gathered);
    metrics.stands(ID, Medium::Webchat, gathered, asked);
    metrics.stands(ID, Medium::Webchat, asked, asked);
    let series = series(&metrics.render(&Figures::default()));
    let key = "segue_conversations_ai_involved_total{channel=\"webchat\"}";
    assert_eq!(series[key], 1.0);
}

#[test]
fn an_episode_of_the_ai_is_contained_once_and_only_without_a_handoff() {
    let check = |text: &str, expected: f64| {
        let metrics = fresh();
        let [open, over] = resolved(text);
        metrics.stands(ID, Medium::Webchat, Standing::default(), open);
        metrics.stands(ID, Medium::Webchat, open, over);
        metrics.stands(ID, Medium::Webchat, over, over);
        let series = series(&metrics.render(&Figures::default()));
        let key = "segue_conversations_contained_total{channel=\"webchat\"}";
        assert_eq!(series[key], expected, "{text}");
    };
    check("What are your opening hours?", 1.0);
    check("I want to talk to a human", 0.0);
}

#[test]
fn the_busiest_second_counts_what_customers_write_and_nothing_else() {
    let metrics = fresh();
    let wrote = |body: Body| Fact::CustomerWrote {
        id: "m".to_owned(),
        body,
        owner: ModeName::Ai,
    };
    let receipt = settled(Class::Ai, MessageState::Delivered, "", None);
    for n in 0..3 {
        let entry = Entry {
            at: after(7) + Duration::from_millis(300 * n),
            ..at(n, wrote(Body::Text("hello".to_owned())))
        };
        metrics.committed(ID, Medium::Sms, &[entry]);
        let entry = Entry {
            at: after(7),
            ..at(n, receipt.clone())
        };
        metrics.committed(ID, Medium::Sms, &[entry]);
    }
    assert_eq!(metrics.messages_peak(after(8)), 3);
    assert_eq!(metrics.messages_peak(after(66)), 3);
    assert_eq!(metrics.messages_peak(after(67)), 0);
}
